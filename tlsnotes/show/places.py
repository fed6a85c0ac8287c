"""Where a check of a handshake belongs: the message that claims it, and the field in it."""

from __future__ import annotations

from tlsnotes.checks import Check
from tlsnotes.wire.handshake import Handshake
from tlsnotes.wire.streams import Message

# What a check's name ends in -> the name of the message, and the path of the field in it.
_FIELDS = {
    "ServerKeyExchange signature": ("ServerKeyExchange", "signed_params.signature"),
    "CertificateVerify": ("CertificateVerify", "body.signature"),
    "Finished": ("Finished", "verify_data"),
    "downgrade sentinel": ("ServerHello", "random"),
    "session id echo": ("ServerHello", "legacy_session_id_echo"),
    "hello retry": ("HelloRetryRequest", "extensions.key_share"),
    "ticket lifetime": ("NewSessionTicket", "ticket_lifetime"),
    "PSK binder": ("ClientHello", "extensions.pre_shared_key.binders"),
    "signed certificate timestamps": ("Certificate", "signedCertificateTimestampList"),
}


def place_of(check: Check, handshake: Handshake) -> tuple[int, int] | None:
    """The index of the message that a check is about, and that of the field in it (as `walk` counts); None for others.

    A check of one side ("client Finished") is about a message of that side.
    """
    side, _, rest = check.name.partition(" ")
    sides = (side,) if side in ("client", "server") else ("client", "server")
    found = _FIELDS.get(rest if len(sides) == 1 else check.name)
    if found is None:
        return None
    name, path = found
    last = name == "ClientHello"  # a binder stands in the ClientHello that was answered, which is the last of them
    places = [(number, m) for number, m in enumerate(handshake.messages) if m.name == name and m.sender in sides]
    for number, message in reversed(places) if last else places:
        if (index := _index(message, path)) is not None:
            return number, index
    return (places[0][0], 0) if places else None


def _index(message: Message, path: str) -> int | None:
    wanted = message.field.find(path)
    if wanted is None:
        return None
    return next(index for index, one in enumerate(message.field.walk()) if one is wanted)
