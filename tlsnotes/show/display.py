"""How the objects of the lower rooms look in a notebook: registered by name, so that nothing is loaded for it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

# (module, class) of what is shown -> (module, function) that makes its HTML
_HTML = {
    ("matplotlib.figure", "Figure"): ("tlsnotes.show.figures", "figure_html"),
    ("tlsnotes.checks", "Check"): ("tlsnotes.show.facts", "facts_html"),
    ("tlsnotes.live.outcome", "Outcome"): ("tlsnotes.show.facts", "facts_html"),
    ("tlsnotes.live.recording", "Recording"): ("tlsnotes.show.tables", "recording_html"),
    ("tlsnotes.pki.authority", "Authority"): ("tlsnotes.show.facts", "facts_html"),
    ("tlsnotes.pki.credential", "Credential"): ("tlsnotes.show.facts", "facts_html"),
    ("tlsnotes.pki.verdict", "Verdict"): ("tlsnotes.show.verdicts", "verdict_html"),
    ("tlsnotes.wire.fields", "Field"): ("tlsnotes.show.static", "object_html"),
    ("tlsnotes.wire.handshake", "Handshake"): ("tlsnotes.show.static", "object_html"),
    ("tlsnotes.wire.streams", "Message"): ("tlsnotes.show.static", "object_html"),
}


def register() -> None:
    """Register the displays with the running IPython; does nothing outside one."""
    shell = import_module("IPython").get_ipython()
    if shell is None:
        return
    formatter = shell.display_formatter.formatters["text/html"]
    for (module, name), (shower, function) in _HTML.items():
        formatter.for_type_by_name(module, name, _lazily(shower, function))


def _lazily(module: str, function: str) -> Any:  # IPython takes any callable of one argument
    def html(shown: object) -> Any:
        return getattr(import_module(module), function)(shown)

    return html
