"""The smallest widget: it shows whether page and kernel can talk to each other, as all widgets must."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import traitlets

MISSING = (
    "Run this cell in JupyterLab: it says here whether widgets work. "
    "If this line stays, run `tlsnotes check` in a terminal, and reload the page."
)


class Pulse(anywidget.AnyWidget):
    """Sends back to the page what the page has sent."""

    _esm = Path(__file__).with_name("assets") / "pulse.js"
    ping = traitlets.Int(0).tag(sync=True)
    pong = traitlets.Int(0).tag(sync=True)

    @traitlets.observe("ping")
    def _answer(self, change: Any) -> None:  # traitlets' own Bunch
        self.pong = change["new"]

    def __repr__(self) -> str:
        return MISSING


def pulse() -> Pulse:
    """Make a widget that says on the page whether widgets work there."""
    return Pulse()
