"""tlsnotes: make the keys, run the server, read your own TLS handshake.

The whole public vocabulary. Each name is loaded from its module when it is first used, so that `import tlsnotes` costs
next to nothing.
"""

from __future__ import annotations

import sys
from importlib import import_module

__version__ = "0.1.0"

_HOMES = {
    "tlsnotes.checks": ("Check",),
    "tlsnotes.errors": ("DecodeError", "TLSNotesError"),
    "tlsnotes.learn.exercises": ("exercise", "progress_table"),
    "tlsnotes.learn.predictions": ("predict",),
    "tlsnotes.live.clients": ("CLIENTS", "Outcome", "try_client"),
    "tlsnotes.live.http": ("Client", "Request"),
    "tlsnotes.live.interceptor": ("Interceptor",),
    "tlsnotes.live.mistakes": ("MISTAKES", "Mistake"),
    "tlsnotes.live.opinions": ("opinions",),
    "tlsnotes.live.recording": ("Recording", "Segment"),
    "tlsnotes.live.server": ("HTTPSServer", "hello"),
    "tlsnotes.live.tap": ("Tap",),
    "tlsnotes.machine": ("check_machine",),
    "tlsnotes.pki.authority": ("Authority", "self_signed"),
    "tlsnotes.pki.credential": ("Credential", "load_certificates"),
    "tlsnotes.pki.judge": ("judge",),
    "tlsnotes.pki.keys": ("KEY_KINDS", "generate_key", "key_kind", "load_key", "save_key"),
    "tlsnotes.pki.verdict": ("Verdict",),
    "tlsnotes.show.chain_view": ("ChainView", "chain_view"),
    "tlsnotes.show.explain": ("explain",),
    "tlsnotes.show.explaining": ("explaining",),
    "tlsnotes.show.explorer": ("Explorer", "compare", "explore"),
    "tlsnotes.show.explanation": ("Explanation",),
    "tlsnotes.show.figure_chain": ("chain_figure",),
    "tlsnotes.show.figure_keys": ("KeyFigures", "keys_figure", "measure_keys"),
    "tlsnotes.show.figure_ladder": ("ladder_figure",),
    "tlsnotes.show.figure_validity": ("validity_figure",),
    "tlsnotes.show.matrix": ("Matrix", "matrix"),
    "tlsnotes.show.pulse": ("pulse",),
    "tlsnotes.show.tables": ("checks_table", "recording_table"),
    "tlsnotes.show.verdicts": ("opinions_table", "verdict_table"),
    "tlsnotes.wire.asn1": ("parse_certificate", "parse_crl", "parse_csr", "parse_der"),
    "tlsnotes.wire.fields": ("Field",),
    "tlsnotes.wire.handshake": ("Handshake",),
    "tlsnotes.wire.records": ("Record",),
    "tlsnotes.wire.streams": ("Message",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME)  # noqa: PLE0605  # one table says both what is public and where it lives


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'tlsnotes' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})


if "IPython" in sys.modules:
    # By name, so that a notebook that never shows a recording never loads one.
    import_module("tlsnotes.show.display").register()
