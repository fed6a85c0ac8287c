"""What became of one client's try, in that client's own code and words."""

from __future__ import annotations

from dataclasses import dataclass

from tlsnotes.errors import printable

MAX_MESSAGE = 300


@dataclass(frozen=True, slots=True)
class Outcome:
    """One try: `ok` is True, False, or None where it could not be made, as `message` says.

    `stage`: how far it came: "prepare" (its files, before any connection), "connect" (TCP, a proxy), "handshake",
    "certificate" (it refused the server's), "answer" (refused at its first read, or no HTTP), "done". `code`: its own:
    a verify code, an exit code, the name of a reason, an error or a class; 0 where it is ok. `message`: its words.
    """

    client: str
    ok: bool | None
    stage: str
    code: int | str
    message: str

    def __repr__(self) -> str:
        verdict = {True: "accepted", False: "refused", None: "not tried"}[self.ok]
        return f"<Outcome of {self.client}: {verdict} ({self.stage}) {self.code}: {self.message}>"


def accepted(client: str, message: str) -> Outcome:
    """An answer came."""
    return Outcome(client, True, "done", 0, one_line(message))


def refused(client: str, stage: str, code: int | str, message: str) -> Outcome:
    """No answer came, and the client says why."""
    return Outcome(client, False, stage, code, one_line(message))


def not_tried(client: str, code: str, message: str) -> Outcome:
    """It could not be tried."""
    return Outcome(client, None, "prepare", code, one_line(message))


def one_line(text: str) -> str:
    """Words of a program or a peer in one line, with control and bidi characters made visible."""
    joined = " ".join(text.split())
    shown = printable(joined)
    return shown if len(shown) <= MAX_MESSAGE else f"{shown[:MAX_MESSAGE]}…"
