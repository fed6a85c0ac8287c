"""How a handshake ended: "established", or who refused, with which alert, after which message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tlsnotes.wire.messages import TLS_1_3
from tlsnotes.wire.registry import AlertDescription, AlertLevel, ContentType, HandshakeType, ProtocolVersion
from tlsnotes.wire.streams import Message

GOODBYES = {AlertDescription.close_notify, AlertDescription.user_canceled}
OTHER = {"client": "server", "server": "client"}


def outcome_of(
    messages: Sequence[Message],
    version: ProtocolVersion | None,
    closed: Mapping[str, str],
    *,
    concluding: str,
    flowed: bool,
    unread: bool,
) -> str:
    """Say how it ended; `closed` as in `Evidence`; `concluding`: who sends the last Finished: the client in TLS 1.3 and
    where TLS 1.2 resumes, else the server; `flowed`: both sides sent records of application data in TLS 1.2.

    `unread`: all that a TLS 1.3 server said after its Finished is closed, and may be that it refuses the client.
    """
    for position, message in enumerate(messages):
        if _refuses(message, version):
            if _accepted(messages[:position], message.sender, concluding) or flowed:
                return "established"
            before = _last(messages[:position], OTHER[message.sender])
            after = f", after the {OTHER[message.sender]}'s {before}" if before else ""
            return f"refused by the {message.sender}: {AlertDescription(message.type or 0)}{after}"
    finished = {m.sender for m in messages if _is(m, HandshakeType.finished)}
    if flowed or (finished == {"client", "server"} and not unread):
        return "established"
    if any(closed.values()) or unread:
        return "unknown: the handshake goes on in records that could not be opened"
    last = next((m for m in reversed(messages) if m.content_type == ContentType.handshake), None)
    return f"broken off after the {last.sender}'s {last.name}" if last else "no handshake was seen"


def _refuses(message: Message, version: ProtocolVersion | None) -> bool:
    """In TLS 1.3 every alert but a goodbye ends the connection, whatever its level says (RFC 9846 section 6)."""
    if message.content_type != ContentType.alert or message.type is None or message.type in GOODBYES:
        return False
    return version == TLS_1_3 or message.raw[0] == AlertLevel.fatal


def _accepted(before: Sequence[Message], refuser: str, concluding: str) -> bool:
    """Whether the one who sends an alert had taken the other's handshake as good before.

    Who sends the last Finished has. Nothing answers that one within the handshake: its receiver has taken it when it
    goes on to speak.
    """
    finished = [i for i, m in enumerate(before) if _is(m, HandshakeType.finished)]
    if {before[i].sender for i in finished} != {"client", "server"}:
        return False
    spoken = (m for m in before[max(finished) + 1 :] if m.sender == refuser and m.content_type != ContentType.alert)
    return refuser == concluding or any(spoken)


def _is(message: Message, kind: HandshakeType) -> bool:
    return message.content_type == ContentType.handshake and message.type == kind and message.encrypted


def _last(messages: Sequence[Message], sender: str) -> str:
    mine = (m.name for m in reversed(messages) if m.sender == sender and m.content_type == ContentType.handshake)
    return next(mine, "")
