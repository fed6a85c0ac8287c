"""The explorer: a handshake, a recording, a certificate and its like, to be looked at byte by byte.

One widget for all of them (assets/explorer.js). It gets everything at once and asks the kernel nothing, so that it goes
on when the kernel is gone. Its output carries a plain table besides, for pages where no widget lives.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import traitlets

from tlsnotes.errors import TLSNotesError
from tlsnotes.live.recording import Recording
from tlsnotes.show import static
from tlsnotes.show.comparison import of_comparison
from tlsnotes.show.explorable import Explorable, explorable
from tlsnotes.show.lifetime import until_run_again
from tlsnotes.show.payload import heading_of
from tlsnotes.wire.handshake import Handshake

_ASSETS = Path(__file__).with_name("assets")


class Explorer(anywidget.AnyWidget):
    """Messages, fields, bytes and words; made by `explore` and `compare`."""

    _esm = _ASSETS / "explorer.js"
    _css = (_ASSETS / "palette.css").read_text("utf-8") + (_ASSETS / "explorer.css").read_text("utf-8")
    payload = traitlets.Dict().tag(sync=True)

    def __init__(self, shown: Explorable) -> None:
        super().__init__(payload=shown.payload)
        self._shown = shown
        until_run_again(self)

    def __repr__(self) -> str:
        return f"<Explorer: {self._shown.title}>"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:  # as ipywidgets has it
        bundle = super()._repr_mimebundle_(**kwargs)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        return {**(data or {}), "text/plain": static.text(self._shown), "text/html": static.html(self._shown)}, metadata


def explore(shown: object, *, secrets: bool = False) -> Explorer:
    """Look at something byte by byte.

    `shown`: a Handshake, a Recording, a certificate, a CSR, a CRL (cryptography's objects or DER bytes), a Credential
    (its certificates, never its key), a Message, or a Field. `secrets`: put the secrets of a recording's key log, and
    the keys that come from them, into the picture of the key schedule; whoever sees the output can then decrypt the
    connection. Raises `TLSNotesError` for anything else.
    """
    return Explorer(explorable(shown, secrets=secrets))


def compare(first: object, second: object) -> Explorer:
    """Look at two handshakes side by side, with what differs marked.

    `first`, `second`: each a Handshake or a Recording. Raises `TLSNotesError` for anything else.
    """
    one, other = _handshake(first), _handshake(second)
    title = " beside ".join(", ".join(heading_of(handshake)) for handshake in (one, other))
    return Explorer(Explorable(title, of_comparison(one, other), pair=(one, other)))


def _handshake(shown: object) -> Handshake:
    match shown:
        case Handshake():
            return shown
        case Recording():
            return shown.dissect()
    raise TLSNotesError(
        "this cannot be compared",
        expected="two handshakes, or the recordings of two connections",
        found=type(shown).__name__,
        fix="of a server, compare(server.recordings[-2], server.last) takes the newest two",
    )
