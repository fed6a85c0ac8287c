"""Plain words for what is no error: a certificate, a field, a message, a number that can be several things.

A certificate is read from its tree of fields, so that one that pyca refuses has its words too.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import Enum

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tlsnotes.errors import TLSNotesError
from tlsnotes.pki.pem import CERTIFICATE, der_blocks
from tlsnotes.show.causes import Likely, chromium_errors, curl_codes, verify_codes
from tlsnotes.show.explain_marks import HOST, iter_alerts
from tlsnotes.show.explanation import Explanation
from tlsnotes.wire.asn1 import parse_certificate
from tlsnotes.wire.fields import Field
from tlsnotes.wire.oids import name_of
from tlsnotes.wire.registry import AlertDescription
from tlsnotes.wire.streams import Message

MAX_NAMES = 5
USES = {"serverAuth": "a TLS server", "clientAuth": "a TLS client"}
PEM_BEGIN = b"-----BEGIN CERTIFICATE-----"


def certificate_bytes(data: bytes) -> bytes | None:
    """Give the DER bytes of a certificate, of PEM the first; None where this is no certificate."""
    try:
        if PEM_BEGIN in data:
            data = der_blocks(data, CERTIFICATE, "a certificate")[0]
        if not data.startswith(b"\x30"):
            return None
        tree = parse_certificate(data)
    except TLSNotesError:
        return None
    return data if tree.find("tbsCertificate.validity") else None


def explain_certificate(certificate: Field) -> Explanation:
    """Say in words whom a certificate names, who signed it, from when to when and for what, and what will be asked."""
    names = _names(certificate)
    subject, issuer = _written(certificate.find("subject")), _written(certificate.find("issuer"))
    ca = _value(certificate, "basicConstraints.cA") is True
    who = f"the CA {subject}" if ca else ", ".join(names) or f"{subject}, with no name in subjectAltName"
    signed = "itself: it is self-issued" if subject == issuer else issuer
    happened = (
        f"A certificate is a signed statement that binds a name to a public key: here of {who}. It says it was signed "
        f"by {signed}. {_validity(certificate)} {_uses(certificate, ca)} "
        "Whether it is to be believed is another question."
    )
    # A name from a certificate stands in a line to be copied only where it is nothing but a host's name.
    name = names[0] if names and HOST.fullmatch(names[0]) else "HOST"
    asked = "judge(certificate, trust=[root], " + ("usage=None)" if ca else f'name="{name}")')
    questions = (
        Likely("Does a chain of signatures lead from it to a root that I trust?", "trust, path, signature", asked),
        Likely("Is it valid now, and is it meant for this?", "validity, key-usage, extended-key-usage", ""),
        Likely("Has it the name, or the IP address, that I asked for?", "name: in subjectAltName only", ""),
        Likely("Were all above it allowed to sign it?", "basic-constraints, path-length, name-constraints", ""),
    )
    known = (("subject", subject), ("issuer", issuer), ("serial number", _serial(certificate)))
    problems = tuple(("odd", f"{field.name}: {field.problem}") for field in certificate.walk() if field.problem)[:3]
    return Explanation(
        cause="certificate",
        title=f"A certificate for {who}",
        refused="nobody",
        step="",
        happened=happened,
        likely=questions,
        rfc="RFC 5280 §4.1, §6.1; RFC 9525",
        known=(*known, *problems),
        heading="what a client asks before it believes it",
    )


def explain_field(field: Field) -> Explanation:
    """Say what a field is: its name, its type, its value, and what is odd about it."""
    value = f"{len(field.children)} fields below it" if field.value is None else _written(field)
    odd = f" What is odd here: {field.problem}." if field.problem else " Nothing is odd here."
    size = len(field.raw)
    return Explanation(
        cause="field",
        title=f"{field.name}: {field.type}",
        refused="nobody",
        step="",
        happened=f"Bytes {field.start} to {field.end} ({size:,} in all). Its value: {value}.{odd}",
        known=(("bytes", field.raw[:24].hex(" ") + ("…" if size > 24 else "")),),
    )


def explain_message(message: Message) -> Explanation:
    """Say what a message is that is no alert."""
    closed = "encrypted on the way, and opened with the connection's keys" if message.encrypted else "sent in the clear"
    return Explanation(
        cause="message",
        title=f"{message.name}, from the {message.sender}",
        refused="nobody",
        step="",
        happened=f"A message of {len(message.raw):,} bytes, {closed}. It is no alert: nothing was refused with it.",
        rfc="RFC 9846 §4",
    )


def readings_of(number: int) -> tuple[tuple[str, str], ...]:
    """Give what a number alone can be: in words, and the `client` hint of `explain` that says so."""
    alert, (verify, _) = AlertDescription(number & 0xFF), verify_codes().get(number, ("", ""))
    return tuple(
        (what, client)
        for known, what, client in (
            (number in iter_alerts(), f"TLS alert {number} ({alert})", "alert"),
            (verify, f"OpenSSL's verify code {number} (X509_V_ERR_{verify})", "openssl"),
            (number in curl_codes(), f"curl's exit code {number} (CURLE_{curl_codes().get(number)})", "curl"),
            (number and number in chromium_errors().values(), f"Chromium's network error {number}", "chromium"),
        )
        if known
    )


def explain_number(number: int, readings: Sequence[tuple[str, str]], titles: Sequence[str]) -> Explanation:
    """Show what a number alone can mean: each of `readings_of` with the title it would have."""
    likely = tuple(
        Likely(f"{what}: {title}.", "", f'explain({number}, client="{client}")')
        for (what, client), title in zip(readings, titles, strict=True)
    )
    known = bool(likely)
    return Explanation(
        cause="ambiguous" if known else "unknown",
        title=f"{number} alone can be several things" if known else f"{number} is no number that is known here",
        refused="",
        step="",
        happened="A number means something only together with who gave it."
        if known
        else "No TLS alert, no verify code of OpenSSL, no exit code of curl, and no network error of Chromium.",
        likely=likely,
        fix="Say who gave the number: run one of these lines." if known else "Give the whole line in which it stood.",
        known=(("number", str(number)),),
        heading="what it can be",
    )


def _names(certificate: Field) -> tuple[str, ...]:
    value = _value(certificate, "subjectAltName.GeneralNames")
    names = tuple(_word(name) for name in value) if isinstance(value, tuple) else ()
    more = (f"and {len(names) - MAX_NAMES} more",) if len(names) > MAX_NAMES else ()
    return (*names[:MAX_NAMES], *more)


def _validity(certificate: Field) -> str:
    start, end = _value(certificate, "validity.notBefore"), _value(certificate, "validity.notAfter")
    if not isinstance(start, datetime) or not isinstance(end, datetime):
        return "Its dates cannot be read."
    now = datetime.now(UTC)
    state = (
        "is not valid yet"
        if now < start
        else f"expired {_days(now, end)} ago"
        if now > end
        else f"is valid for {_days(end, now)} more"
    )
    return f"It holds from {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC, and {state}."


def _days(later: datetime, sooner: datetime) -> str:
    days = abs(later - sooner).days
    return f"{days} day{'s' * (days != 1)}" if days else "less than a day"


def _uses(certificate: Field, ca: bool) -> str:
    if ca:
        length = _value(certificate, "basicConstraints.pathLenConstraint")
        depth = f", with {length} more CAs below it at most" if isinstance(length, int) else ""
        return f"It is a CA: it may sign other certificates{depth}."
    value = _value(certificate, "extKeyUsage.ExtKeyUsageSyntax")
    if not isinstance(value, tuple):
        return "It does not say what it is for (no extendedKeyUsage)."
    named = [str(name_of(oid)).removeprefix("id-kp-") for oid in value[:MAX_NAMES]]
    return f"It is for {' and '.join(USES.get(name, name) for name in named)}."


def _serial(certificate: Field) -> str:
    value = _value(certificate, "serialNumber")
    return f"{value:x}"[:60] if isinstance(value, int) and abs(value) < 1 << 256 else "unreadable"


def _value(tree: Field, path: str) -> object:
    field = tree.find(path)
    return None if field is None else field.value


def _written(field: Field | None) -> str:
    return "nobody" if field is None else _word(field.value) or "an empty name"


def _word(value: object, depth: int = 4) -> str:
    """A value in one line: of nested tuples the words, of bytes the first in hex."""
    match value:
        case bytes() as data:
            return data[:16].hex() + ("…" if len(data) > 16 else "")
        case tuple() as items if depth:
            return ", ".join(_word(item, depth - 1) for item in _first(items))
        case Enum() as member:
            return str(member)
        case int() as number if abs(number) >= 1 << 128:
            return f"a number of {number.bit_length()} bits"
        case other:
            return str(other)[:200]


def _first(items: Sequence[object]) -> Sequence[object]:
    return items if len(items) <= MAX_NAMES else (*items[:MAX_NAMES], f"and {len(items) - MAX_NAMES} more")


def field_of(certificate: x509.Certificate) -> Field:
    """Give the tree of pyca's certificate. Raises `DecodeError` where it cannot be read at all."""
    return parse_certificate(certificate.public_bytes(Encoding.DER))
