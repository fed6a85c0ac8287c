"""What can be explored, and what of it: the payload for the widget, and what its static form is made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tlsnotes.errors import TLSNotesError
from tlsnotes.live.recording import Recording
from tlsnotes.pki.credential import Credential
from tlsnotes.show.payload import Payload, heading_of, of_handshake, of_trees
from tlsnotes.show.schedule import schedule_of
from tlsnotes.show.tables import visible
from tlsnotes.wire.asn1 import parse_certificate, parse_crl, parse_csr, parse_der
from tlsnotes.wire.fields import Field
from tlsnotes.wire.handshake import Handshake
from tlsnotes.wire.keylog import secrets_for
from tlsnotes.wire.records import client_random
from tlsnotes.wire.streams import Message


@dataclass(frozen=True, slots=True)
class Explorable:
    """A payload, a title in one line, and what it was made of: a handshake, two of them, or trees with names."""

    title: str
    payload: Payload
    handshake: Handshake | None = None
    trees: Sequence[tuple[str, Field]] = field(default=())
    pair: tuple[Handshake, Handshake] | None = None


def explorable(shown: object, *, secrets: bool = False) -> Explorable:  # noqa: PLR0911  # one for each kind
    """Take anything that `explore` takes apart. Raises `TLSNotesError` for what it does not take."""
    match shown:
        case Recording():
            return _handshake(shown.dissect(), shown, secrets=secrets)
        case Handshake():
            return _handshake(shown, None, secrets=False)
        case Credential():
            chain = (shown.certificate, *shown.chain)
            names = [f"certificate {n}" for n in range(len(chain))] if shown.chain else ["certificate"]
            return _trees((n, _subject(c), parse_certificate(_der(c))) for n, c in zip(names, chain, strict=True))
        case x509.Certificate():
            return _trees([("certificate", _subject(shown), parse_certificate(_der(shown)))])
        case x509.CertificateSigningRequest():
            return _trees([("certification request", _subject(shown), parse_csr(_der(shown)))])
        case x509.CertificateRevocationList():
            return _trees([("revocation list", shown.issuer.rfc4514_string(), parse_crl(_der(shown)))])
        case Field():
            return _trees([(shown.name or shown.type, "", shown)])
        case Message():
            return _trees([(shown.name, f"of the {shown.sender}", shown.field)])
        case bytes() | bytearray() | memoryview():
            name, tree = _guessed(bytes(shown))
            return _trees([(name, "", tree)])
    raise TLSNotesError(
        "this cannot be explored",
        expected="a Handshake, a Recording, a certificate, a request, a revocation list, DER bytes or a Credential",
        found=type(shown).__name__,
        fix="of a server, explore(server.last) shows the newest connection",
    )


def _handshake(handshake: Handshake, recording: Recording | None, *, secrets: bool) -> Explorable:
    held: dict[str, bytes] = {}
    if recording is not None and (random := client_random(recording.segments)):
        held = secrets_for(recording.keylog, random)
    keys = schedule_of(handshake, held, values=secrets)
    title = ", ".join([*heading_of(handshake), handshake.outcome, f"{len(handshake.messages)} messages"])
    return Explorable(visible(title), of_handshake(handshake, keys), handshake=handshake)


def _trees(named: Iterable[tuple[str, str, Field]]) -> Explorable:
    listed = [*named]
    name, about, tree = listed[0]
    heading = [name if len(listed) == 1 else f"{len(listed)} certificates", about, f"{len(tree.raw):,} bytes"]
    title = ", ".join(text for text in heading[: 2 if about else 3] if text)
    return Explorable(visible(title), of_trees(listed, heading), trees=[(n, t) for n, _, t in listed])


def _der(shown: Any) -> bytes:  # each of them has it
    data: bytes = shown.public_bytes(Encoding.DER)
    return data


def _subject(shown: x509.Certificate | x509.CertificateSigningRequest) -> str:
    try:
        return shown.subject.rfc4514_string()
    except ValueError:  # cryptography does not read every name that others write
        return "a subject that cryptography does not read"


def _guessed(der: bytes) -> tuple[str, Field]:
    """What DER bytes most likely are: that whose schema finds the least to complain about."""
    generic = parse_der(der)
    shape = [child.type for child in generic.children[-1].children]
    if shape != ["SEQUENCE", "SEQUENCE", "BIT STRING"]:
        return "DER", generic
    kinds = (("certificate", parse_certificate), ("certification request", parse_csr), ("revocation list", parse_crl))
    trees = [(name, parse(der)) for name, parse in kinds]
    return min(trees, key=lambda one: sum(bool(part.problem) for part in one[1].walk()))
