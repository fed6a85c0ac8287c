"""What the hellos, the tickets and the records show without any transcript: each a `Check` of its own."""

from __future__ import annotations

from collections.abc import Iterator

from tlsnotes.checks import Check
from tlsnotes.wire.claims import unknown, value
from tlsnotes.wire.epochs import Use
from tlsnotes.wire.fields import Field
from tlsnotes.wire.hellos import Hellos, is_hello_retry_request
from tlsnotes.wire.messages import TLS_1_2, TLS_1_3
from tlsnotes.wire.registry import HandshakeType, ProtocolVersion
from tlsnotes.wire.streams import Message
from tlsnotes.wire.verification import Evidence

MAX_TICKET_LIFETIME = 604_800  # seconds, a week: RFC 9846 section 4.7.1
# The OID of the extension of a certificate that holds timestamps: 1.3.6.1.4.1.11129.2.4.2 (RFC 6962 section 3.3).
SCT_LIST = bytes.fromhex("060a2b06010401d679020402")
# By RFC 9846 section 4.2.2; and what is sealed anew in an encrypted_client_hello (RFC 9849 section 6.1.5).
MAY_CHANGE = {"key_share", "early_data", "cookie", "pre_shared_key", "padding", "encrypted_client_hello"}
SENTINELS = {b"DOWNGRD\x01": TLS_1_2, b"DOWNGRD\x00": ProtocolVersion.TLS_1_1}  # RFC 9846 section 4.2.3


def check_facts(evidence: Evidence) -> Iterator[Check]:
    """Judge what stands in the messages themselves."""
    hellos = evidence.hellos
    if hellos.client and hellos.server:
        yield _downgrade(hellos)
        if hellos.version == TLS_1_3:
            yield _session_id_echo(hellos)
            yield from _retry(evidence)
            yield from _binder(evidence)
    yield from _tickets(evidence)
    yield from _timestamps(evidence)


def check_keys(sender: str, use: Use, *, tls13: bool) -> Iterator[Check]:
    """Judge keys by the records they open: each has a tag or MAC that only the right key satisfies."""
    name, rfc, how = (
        ("traffic keys", "RFC 9846 §7.3", "key and IV by HKDF-Expand-Label")
        if tls13
        else ("record keys", "RFC 5246 §6.3", "keys by the PRF from master secret and randoms")
    )
    if not use.label:  # nothing says what they are protected with
        return
    name = f"{sender} {name} from {use.label}"
    records = use.opened + len(use.closed)
    if use.closed and use.why:
        yield unknown(name, use.why, rfc)
    elif use.closed:
        yield Check(name, False, f"{how}: {len(use.closed)} of {records} records do not open", rfc, name)
    elif use.opened:
        opened = f"{'all ' if records > 1 else ''}{records} record{'s' * (records > 1)} under them open"
        yield Check(name, True, f"{how}: {opened}", rfc, name)


def _downgrade(hellos: Hellos) -> Check:
    """A server that speaks a later version says so in its random when it has to choose an earlier one."""
    name, rfc = "downgrade sentinel", "RFC 9846 §4.2.3"
    sentinel = SENTINELS.get(hellos.server_random[-8:])
    offered = [version for version in hellos.offered_versions() if isinstance(version, ProtocolVersion)]
    better = [v for v in offered if v in (TLS_1_2, TLS_1_3) and hellos.version is not None and v > hellos.version]
    if sentinel is None:
        return Check(name, True, "the server's random does not warn of a downgrade", rfc, name)
    if better:
        warning = f"the server's random warns: it speaks more than {hellos.version}, and so does the client"
        return Check(
            name, False, f"{warning}, which offered {max(better)}: somebody in between may have cut that", rfc, name
        )
    offer = f"the client has offered no more than {hellos.version}"
    return Check(name, True, f"the server's random says that it speaks later versions; {offer}", rfc, name)


def _session_id_echo(hellos: Hellos) -> Check:
    name, rfc = "session id echo", "RFC 9846 §4.2.3"
    sent = hellos.client.find("legacy_session_id") if hellos.client else None
    echoed = hellos.server.find("legacy_session_id_echo") if hellos.server else None
    if sent is None or echoed is None:
        return unknown(name, "a hello could not be read so far", rfc)
    same = sent.value == echoed.value
    found = "the ServerHello repeats the ClientHello's legacy_session_id" if same else "the ServerHello has another"
    return Check(name, same, found, rfc, name)


def _retry(evidence: Evidence) -> Iterator[Check]:
    """After a HelloRetryRequest the second ClientHello brings what was asked for, and the ServerHello keeps to it."""
    retries = [m for m in evidence.handshake("server") if is_hello_retry_request(m.raw)]
    retry = retries[0] if retries else None
    hellos = [m for m in evidence.handshake("client") if m.type == HandshakeType.client_hello]
    if retry is None:
        return
    name, rfc = "hello retry", "RFC 9846 §4.2.4"
    if len(hellos) < 2:
        yield unknown(name, "there is no second ClientHello", rfc)
        return
    group = value(retry, "key_share.selected_group")
    shares = hellos[1].field.find("key_share.client_shares")
    entries = shares.children[-1].children if shares else ()
    groups = [field.value for entry in entries if (field := entry.find("group"))]
    chosen = evidence.hellos.server.find("key_share.server_share.group") if evidence.hellos.server else None
    cookies = [value(m, "extensions.cookie.cookie") for m in (retry, hellos[1])]
    wrong = [
        *(["no key share for the group asked for"] if group is not None and groups != [group] else []),
        *(["another group in the ServerHello"] if group is not None and chosen and chosen.value != group else []),
        *(["another cookie"] if cookies[0] != cookies[1] else []),
        *(["another cipher suite"] if value(retry, "cipher_suite") != evidence.hellos.cipher_suite else []),
        *(["a second HelloRetryRequest"] if len(retries) > 1 else []),
        *(f"another {name} in the second ClientHello" for name in _changed(hellos[0], hellos[1])),
    ]
    asked = f"a key share for {group}" if group is not None else "its cookie back"
    detail = f"asked for {asked}; found {' and '.join(wrong)}" if wrong else f"asked for {asked}, and got it"
    yield Check(name, not wrong, detail, rfc, name)


def _changed(first: Message, second: Message) -> list[str]:
    """What the second ClientHello may not say otherwise than the first, and does (RFC 9846 section 4.2.2)."""
    said = [{f.name: f.raw for f in _parts(m) if f.name not in MAY_CHANGE} for m in (first, second)]
    return sorted(name for name in said[0].keys() | said[1].keys() if said[0].get(name) != said[1].get(name))[:5]


def _parts(hello: Message) -> Iterator[Field]:
    """The members of a ClientHello, and each of its extensions."""
    body = hello.field.find("body")
    for member in body.children if body else ():
        yield from member.children[-1].children if member.name == "extensions" else (member,)


def _binder(evidence: Evidence) -> Iterator[Check]:
    if evidence.hellos.offers("pre_shared_key"):
        why = "the binder's key comes from the pre-shared key, and a key log (RFC 9850) holds none"
        yield unknown("PSK binder", why, "RFC 9846 §4.3.11.2")


def _tickets(evidence: Evidence) -> Iterator[Check]:
    lifetimes = [
        lifetime
        for m in evidence.handshake("server")
        if m.type == HandshakeType.new_session_ticket and isinstance(lifetime := value(m, "ticket_lifetime"), int)
    ]
    if lifetimes:
        longest, name = max(lifetimes), "ticket lifetime"
        detail = f"{len(lifetimes)} ticket{'s' * (len(lifetimes) > 1)}, for {longest:,} s at most; a week is allowed"
        yield Check(name, longest <= MAX_TICKET_LIFETIME, detail, "RFC 9846 §4.7.1", name)


def _timestamps(evidence: Evidence) -> Iterator[Check]:
    """Signed certificate timestamps are named, but their logs' keys are not known here."""
    count = sum(
        field.type == "SignedCertificateTimestamp"
        for m in evidence.handshake("server")
        if SCT_LIST in m.raw or m.field.find("extensions.signed_certificate_timestamp")
        for field in m.field.walk()
    )
    if count:
        why = f"the public keys of the logs that signed the {count} timestamps are not known here"
        yield unknown("signed certificate timestamps", why, "RFC 6962 §3.2")
