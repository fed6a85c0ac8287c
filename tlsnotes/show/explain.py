"""explain(x): what went wrong, who refused and at which step, why, how to tell, the fix, and what not to do.

It is called where something has already gone wrong: it never raises, never guesses, and what it does not know it says.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from typing import Any

from cryptography import x509

from tlsnotes.checks import Check
from tlsnotes.errors import DecodeError, TLSNotesError
from tlsnotes.live.recording import Recording
from tlsnotes.pki.credential import Credential
from tlsnotes.show import explain_things as things
from tlsnotes.show.causes import Cause, Likely, causes, choose, known_marks
from tlsnotes.show.explain_errors import (
    read_exception,
    read_number,
    read_outcome,
    read_process,
    safe_attribute,
    safe_text,
)
from tlsnotes.show.explain_marks import OTHER, Found, read_name, read_text
from tlsnotes.show.explanation import Explanation
from tlsnotes.wire.asn1 import parse_certificate
from tlsnotes.wire.fields import Field
from tlsnotes.wire.handshake import Handshake
from tlsnotes.wire.registry import AlertDescription, ContentType
from tlsnotes.wire.streams import Message

MAX_REPR = 500
MAX_BYTES = 1_000_000
# How the sides are called in the causes' words.
CALLED = {"client": "client", "server": "server", "sender": "sender of the alert", "other": "other side"}
# `client` says whose number it is; these give OpenSSL's verify codes.
VERIFIERS = ("ssl", "requests", "openssl")


def explain(x: object, client: str = "", side: str = "client") -> Explanation:
    """Explain an exception, an Outcome, an alert, an error's code or text, a check, a certificate, a Field.

    `client` says whose number or code it is ("curl", "openssl", "ssl", "requests", "node", "chromium", "alert");
    `side` which side shows the error, "client" or "server": an alert in it came from the other one. Never raises.
    """
    found = Found("server" if side == "server" else "client")
    try:
        reader = next((reader for kinds, reader in _READERS if isinstance(x, kinds)), _read_other)
        return reader(x, found, client) or _conclude(found, x)
    except Exception as error:  # noqa: BLE001  # a learner who asks about one error must not be given a second one
        return _unknown(Found(), f"explain itself failed over this: {type(error).__name__}")


def _read_message(message: Message, found: Found, _client: str) -> Explanation | None:
    if message.content_type != ContentType.alert or message.type is None:
        return things.explain_message(message)
    found.alert(int(message.type), message.sender)
    return None


def _read_field(field: Field, _found: Found, _client: str) -> Explanation:
    return things.explain_certificate(field) if field.type == "Certificate" else things.explain_field(field)


def _read_bytes(data: bytes, found: Found, client: str) -> Explanation | None:
    """A certificate, or what some program wrote."""
    data = bytes(data[:MAX_BYTES])
    if der := things.certificate_bytes(data):
        return things.explain_certificate(parse_certificate(der))
    return _read_text(data.decode("utf-8", "backslashreplace"), found, client)


def _read_text(text: str, found: Found, client: str) -> Explanation | None:
    """A text: a number, the name of an alert, a PEM certificate, or what some program wrote."""
    bare = text.strip()
    if bare.removeprefix("-").isascii() and bare.removeprefix("-").isdecimal() and len(bare) < 12:
        return _read_number(int(bare), found, client)
    if things.PEM_BEGIN.decode() in text and (
        der := things.certificate_bytes(text[:MAX_BYTES].encode("utf-8", "replace"))
    ):
        return things.explain_certificate(parse_certificate(der))
    alert = next((alert for alert in AlertDescription if alert.name == bare), None)
    if alert is not None:
        found.alert(int(alert))
    elif f"exception:{bare}" in known_marks("exception"):
        found.mark(f"exception:{bare}")
    elif not (len(bare) < 80 and read_name(bare, found)):
        if client == "chromium":
            read_name(f"ERR_{bare}", found)
        read_text(text, found)
    return None


def _read_number(number: int, found: Found, client: str) -> Explanation | None:
    if isinstance(number, bool) or abs(number) >= 1 << 64:  # Python writes no number of 5,000 digits
        return _unknown(found, number if isinstance(number, bool) else f"a number of {number.bit_length()} bits")
    if client == "alert" and 0 <= number < 256:
        found.alert(number)
    elif number == 0 and client:
        found.mark("outcome:ok")
    elif client in ("curl", "chromium", *VERIFIERS):
        read_number(number, client, found)
    else:
        readings = things.readings_of(int(number))
        if len(readings) == 1:
            return explain(int(number), client=readings[0][1])
        return things.explain_number(int(number), readings, [explain(int(number), client=c).title for _, c in readings])
    found.tell("number", f"{number}, as {client} gives it")
    return None


def _read_other(x: object, found: Found, _client: str) -> None:
    """Outcome and Verdict are known by what they have: no cell should load the clients in order to explain."""
    if all(hasattr(type(x), name) for name in ("client", "ok", "stage", "code", "message")):
        read_outcome(x, found)
    elif hasattr(type(x), "checks") and hasattr(type(x), "decisive"):
        decisive = safe_attribute(x, "decisive")
        if isinstance(decisive, Check):
            _read_check(decisive, found)
        else:
            found.mark("outcome:ok" if safe_attribute(x, "ok") else "check:failed")


def _read_check(check: Check, found: Found, _client: str = "") -> None:
    if check.ok:
        found.mark("outcome:ok")
    elif check.ok is None:
        found.mark("check:open")
    else:
        found.mark(f"check:{check.name}")
        found.mark("check:failed")
    found.tell("check", check.name)
    found.tell("what was found", check.detail)
    found.tell("where", check.where)
    found.tell("who asks for it", check.rfc)


def _read_ending(outcome: str, found: Found) -> None:
    """How a handshake ended, in the words of wire/outcome.py."""
    if outcome == "established":
        found.mark("outcome:ok")
    elif outcome.startswith("broken off"):
        found.mark("outcome:broken-off")
    read_text(outcome, found)
    found.tell("how it ended", outcome)


def _own_words(error: TLSNotesError) -> Explanation:
    """An error of ours has said all there is to say."""
    cause = causes()["decode-error" if isinstance(error, DecodeError) else "tlsnotes"]
    compared = [f"expected: {error.expected}" if error.expected else "", f"found: {error.found}" if error.found else ""]
    return Explanation(
        cause=cause.id,
        title=safe_text(error.what),
        refused="client",
        step=cause.step,
        happened=f"{cause.happened} {'; '.join(part for part in compared if part)}".strip(),
        likely=cause.likely,
        fix=error.fix or cause.fix,
        avoid=cause.avoid,
        rfc=cause.rfc,
        known=(("exception", type(error).__name__),),
    )


def _conclude(found: Found, x: object) -> Explanation:
    cause = choose(found.marks)
    return _unknown(found, x) if cause is None else _filled(cause, found)


def _filled(cause: Cause, found: Found) -> Explanation:
    """A cause with this error's sides, host and port in its words."""
    checker, holder = _sides(found)
    words = {"{checker}": CALLED[checker], "{holder}": CALLED[holder]}
    places = {"HOST": found.host or "HOST", "PORT": found.port or "PORT"}
    refused = {"checker": checker, "viewer": found.viewer}.get(cause.refused, cause.refused)
    return Explanation(
        cause=cause.id,
        title=_replaced(cause.title, words),
        refused=refused,
        step=cause.step,
        happened=_replaced(cause.happened, words),
        likely=tuple(
            Likely(_replaced(each.why, words), _replaced(each.tell, words), _replaced(each.run, places))
            for each in cause.likely
        ),
        fix=_replaced(cause.fix, words | places),
        avoid=cause.avoid,
        rfc=cause.rfc,
        known=tuple(found.known),
    )


def _sides(found: Found) -> tuple[str, str]:
    """Who checked, and whose certificate it was."""
    kinds = {mark.partition(":")[0] for mark in found.marks}
    if "verify" not in kinds and found.sender:
        return found.sender, OTHER[found.sender]
    if kinds <= {"alert"}:
        return "sender", "other"
    return found.viewer, OTHER[found.viewer]


def _replaced(text: str, words: Mapping[str, str]) -> str:
    for placeholder, word in words.items():
        text = text.replace(placeholder, word)
    return text


def _unknown(found: Found, x: object) -> Explanation:
    found.tell("type", type(x).__name__)
    found.tell("its words", safe_text(x)[:MAX_REPR])
    return Explanation(
        cause="unknown",
        title="This is not known here",
        refused="",
        step="",
        happened="tlsnotes has no entry for it, and does not guess. What can be said of it stands below.",
        fix="Look at the log of the other side, and search for the exact words.",
        avoid="Do not switch verification off in the hope that it helps: it would stay off.",
        known=tuple(found.known),
    )


# By the first that fits; a reader notes marks, or gives the explanation itself.
_Reader = Callable[[Any, Found, str], Explanation | None]  # what a reader takes is told by the types beside it
_READERS: tuple[tuple[type | tuple[type, ...], _Reader], ...] = (
    (Explanation, lambda x, _found, _client: x),
    (TLSNotesError, lambda error, _found, _client: _own_words(error)),
    (BaseException, lambda error, found, _client: read_exception(error, found)),
    (AlertDescription, lambda alert, found, _client: found.alert(int(alert))),
    (Message, _read_message),
    (Handshake, lambda handshake, found, _client: _read_ending(handshake.outcome, found)),
    (
        Recording,
        lambda recording, found, _client: _read_ending(recording.outcome or recording.dissect().outcome, found),
    ),
    (
        Credential,
        lambda credential, _found, _client: things.explain_certificate(things.field_of(credential.certificate)),
    ),
    (x509.Certificate, lambda certificate, _found, _client: things.explain_certificate(things.field_of(certificate))),
    (Field, _read_field),
    (Check, _read_check),
    (subprocess.CompletedProcess, lambda process, found, _client: read_process(process, found)),
    (int, _read_number),
    ((bytes, bytearray), _read_bytes),
    (str, _read_text),
)
