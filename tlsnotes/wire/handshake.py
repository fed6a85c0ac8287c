"""From the bytes of a connection and its key log to a `Handshake`: every message, what it says, and whether it is true.

`dissect` never raises for what a peer sent: what can be read comes back, and `notes` say what could not, where and why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tlsnotes.checks import Check
from tlsnotes.errors import DecodeError, printable
from tlsnotes.wire import facts, messages, verification
from tlsnotes.wire.claims import unknown
from tlsnotes.wire.epochs import Protection, Protection12, Protection13, Unprotected
from tlsnotes.wire.fields import Field
from tlsnotes.wire.hellos import Hellos, is_hello_retry_request, read_hellos
from tlsnotes.wire.keylog import secrets_for, unreadable_lines
from tlsnotes.wire.messages import TLS_1_2, TLS_1_3
from tlsnotes.wire.outcome import outcome_of
from tlsnotes.wire.reader import Reader, Type
from tlsnotes.wire.records import Record, read_records
from tlsnotes.wire.registry import AlertDescription, ContentType, HandshakeType
from tlsnotes.wire.streams import Message, Piece, Stream

CLIENT, SERVER = "client", "server"
# Where a server says what it has chosen.
ANSWERS = {HandshakeType.server_hello, HandshakeType.encrypted_extensions, HandshakeType.server_key_exchange}
MAX_PROBLEMS = 5  # named of one message
MAX_NOTES = 100
MAX_VALUES = 100_000  # in one connection: ten times the names of the largest certificate that anybody shows


@dataclass(frozen=True, slots=True, repr=False)
class Handshake:
    """A connection as it was read. `version`, `cipher_suite`, `group` and `alpn` are names, None where not agreed.

    `messages` of both sides in the order they became whole; `records` as sent, opened where the keys are there;
    `checks`: what was recomputed; `notes`: what could not be read; `outcome`: "established", or who refused and why.
    """

    version: str | None
    cipher_suite: str | None
    group: str | None
    server_name: str | None
    alpn: str | None
    resumed: bool
    client_authenticated: bool
    hello_retry_request: bool
    messages: tuple[Message, ...]
    records: tuple[Record, ...]
    checks: tuple[Check, ...]
    notes: tuple[str, ...]
    outcome: str

    def __repr__(self) -> str:
        agreed = [part for part in (self.version, self.cipher_suite, self.group) if part]
        held = f"{sum(check.ok is True for check in self.checks)} of {len(self.checks)} checks hold"
        return f"<Handshake: {', '.join([*agreed, self.outcome, f'{len(self.messages)} messages', held])}>"


def dissect(segments: Sequence[Sequence[object]], keylog: str = "") -> Handshake:
    """Read, decrypt and check a connection: ("C" | "S", bytes[, seconds]) in order, and its key log (RFC 9850)."""
    records, notes = read_records(segments)
    hellos = read_hellos(records)
    secrets = secrets_for(keylog, hellos.client_random)
    reading = _Reading(segments, records, hellos, secrets)
    server = reading.of(SERVER)
    client = reading.of(CLIENT)
    evidence = verification.Evidence(
        [message for _, message in sorted(reading.found, key=lambda found: found[0])],
        hellos,
        secrets,
        {stream.sender: stream.gap_reason() for stream in (server, client)},
    )
    checks = [*_checks(evidence, (server, client))]
    notes += [note for stream in (client, server) for note in stream.all_notes()]
    notes += reading.notes + _keylog_notes(keylog, hellos, secrets)
    return _handshake(evidence, reading.opened, checks, notes)


class _Reading:
    """The reading of both directions: their records opened, their messages parsed."""

    def __init__(
        self,
        segments: Sequence[Sequence[object]],
        records: Sequence[Record],
        hellos: Hellos,
        secrets: Mapping[str, bytes],
    ) -> None:
        self._segments = segments
        self._records = records
        self._hellos = hellos
        self._secrets = secrets
        self._budget = MAX_VALUES
        offers_13 = TLS_1_3 in hellos.offered_versions()
        version = hellos.version or (TLS_1_3 if offers_13 else TLS_1_2)  # nobody answered: read what was offered
        suite = hellos.suite
        self._known = {
            "negotiated_version": version,
            "chosen_version": hellos.version,
            "key_exchange": suite.key_exchange if suite else "",
        }
        self._certificate_types: dict[str, object] = {}  # of whom: X.509 where the server has chosen nothing else
        self.opened: list[Record] = list(records)
        self.found: list[tuple[tuple[int, int], Message]] = []
        self.notes: list[str] = []

    def of(self, sender: str) -> Stream:
        """Read one direction; the server's first, which says whether early data counts."""
        stream = Stream(sender, self._protection(sender))
        mine = [(position, record) for position, record in enumerate(self._records) if record.sender == sender]
        for piece in stream.pieces(mine):
            if self._budget <= 0:
                stream.cut(piece, f"more than {MAX_VALUES:,} values")
                break
            self.found.append((piece.order, self._message(piece)))
        else:
            stream.finish()
        for (position, _), record in zip(mine, stream.records, strict=False):  # a reading that is cut has fewer
            self.opened[position] = record
        return stream

    def _protection(self, sender: str) -> Protection:
        hellos, secrets = self._hellos, self._secrets
        if hellos.version is None:
            return Unprotected()
        if hellos.version == TLS_1_3:
            accepted = any(
                message.type == HandshakeType.encrypted_extensions and message.field.find("extensions.early_data")
                for _, message in self.found
            )
            early = hellos.early_suites(accepted=accepted) if sender == CLIENT else None
            return Protection13(sender, hellos.suite, secrets, early=early, early_counts=accepted)
        why = "" if hellos.version == TLS_1_2 else f"{hellos.version} is not decrypted here"
        if hellos.compressed:
            why = "compressed records are not opened here"
        randoms, etm = (hellos.client_random, hellos.server_random), hellos.answers("encrypt_then_mac")
        return Protection12(sender, hellos.suite, secrets, randoms, encrypt_then_mac=etm, why=why)

    def _read(self, piece: Piece, wanted: Type, name: str) -> tuple[Field, list[DecodeError]]:
        known = {
            **self._known,
            "hello_retry_request": is_hello_retry_request(piece.raw),
            "certificate_type": self._certificate_types.get(piece.sender),
        }
        reader = Reader(piece.raw, known, strict=False, budget=self._budget)
        reader.path.append(name)
        field = reader.whole(wanted, name)
        self._budget = reader.budget
        return field, reader.problems

    def _message(self, piece: Piece) -> Message:
        wanted, name, kind = _schema(piece)
        hello = self._hellos.client
        if (
            kind == HandshakeType.client_hello and hello and hello.buffer == piece.raw
        ):  # it has been read to know all the rest
            field, problems = hello, self._hellos.problems
        else:
            field, problems = self._read(piece, wanted, name)
        if kind in ANSWERS and piece.content_type == ContentType.handshake:
            for sender in (CLIENT, SERVER):
                if chosen := field.find(f"extensions.{sender}_certificate_type.certificate_type"):
                    self._certificate_types[sender] = chosen.value
        self.notes += _problem_notes(piece, problems)
        segment = self._segments[piece.records[-1].segment]
        time = segment[2] if len(segment) > 2 else None
        return Message(
            piece.sender,
            piece.content_type,
            kind,
            name,
            piece.raw,
            field,
            piece.encrypted,
            piece.records,
            time if isinstance(time, int | float) else None,
            piece.gap,
        )


def _problem_notes(piece: Piece, problems: Sequence[DecodeError]) -> list[str]:
    """What is odd in one message; of many oddities the first."""
    where = f"of the {piece.sender} (record {piece.records[-1].index})"
    notes = [
        f"{problem.path} {where}, byte {problem.offset}: expected {problem.expected}, found {problem.found}"
        for problem in problems[:MAX_PROBLEMS]
    ]
    if len(problems) > MAX_PROBLEMS:
        notes.append(f"and {len(problems) - MAX_PROBLEMS} more oddities in the same message {where}")
    return notes


def _schema(piece: Piece) -> tuple[Type, str, int | None]:
    """What a piece is read as, what the message is called, and its type."""
    match piece.content_type:
        case ContentType.handshake:
            kind = HandshakeType(piece.raw[0])
            name = "HelloRetryRequest" if is_hello_retry_request(piece.raw) else _STRUCTS.get(kind, kind.name)
            return messages.Handshake, name, kind
        case ContentType.alert:
            return messages.Alert, "Alert", AlertDescription(piece.raw[1]) if len(piece.raw) > 1 else None
        case ContentType.change_cipher_spec:
            return messages.ChangeCipherSpec, "ChangeCipherSpec", None
        case other:
            return messages.ApplicationData, ContentType(other).name, None


# The RFCs write the type server_hello and the structure ServerHello.
_STRUCTS = {kind: "".join(word.capitalize() for word in kind.name.split("_")) for kind in HandshakeType}


def _checks(evidence: verification.Evidence, streams: Sequence[Stream]) -> list[Check]:
    hellos = evidence.hellos
    checks = [*facts.check_facts(evidence)]
    if hellos.suite and hellos.version == TLS_1_3:
        checks += verification.check_handshake_13(evidence, hellos.suite)
    elif hellos.suite and hellos.version == TLS_1_2:
        checks += verification.check_handshake_12(evidence, hellos.suite)
    elif hellos.server:
        checks.append(unknown("transcript hash", f"not recomputed for {hellos.cipher_suite} in {hellos.version}", ""))
    for stream in streams:
        for use in stream.protection.uses:
            checks += facts.check_keys(stream.sender, use, tls13=hellos.version == TLS_1_3)
    return checks


def _keylog_notes(keylog: str, hellos: Hellos, secrets: Mapping[str, bytes]) -> list[str]:
    notes = []
    if unreadable := unreadable_lines(keylog):
        more = f" and {len(unreadable) - 1} more" if len(unreadable) > 1 else ""
        notes.append(f"line {unreadable[0]}{more} of the key log: not a label, a client random and a secret (RFC 9850)")
    if keylog.strip() and hellos.client and not secrets:
        random = hellos.client_random.hex()
        notes.append(f"the key log has no line for this connection, whose client random is {random}")
        if hellos.offers("encrypted_client_hello"):
            notes.append("where Encrypted Client Hello is accepted, a key log names the inner ClientHello's random")
    return notes


def _handshake(
    evidence: verification.Evidence, records: Sequence[Record], checks: Sequence[Check], notes: Sequence[str]
) -> Handshake:
    hellos, found = evidence.hellos, evidence.messages
    server = evidence.handshake(SERVER)
    answers = [m for m in server if m.type in ANSWERS]
    tls13 = hellos.version == TLS_1_3
    data = {r.sender for r in records if r.encrypted and r.content_type == ContentType.application_data}
    flowed = hellos.version == TLS_1_2 and data == {CLIENT, SERVER}
    changed = any(m.sender == SERVER and m.content_type == ContentType.change_cipher_spec for m in found)
    heard = [m for m in found if m.sender == SERVER][-1:]
    unread = tls13 and bool(heard) and heard[0].type == HandshakeType.finished
    unread = unread and any(r.sender == SERVER and r.plaintext is None for r in records)
    resumed = hellos.answers("pre_shared_key") if tls13 else changed and verification.is_resumed_12(server)
    concluding = CLIENT if tls13 or resumed else SERVER
    outcome = outcome_of(found, hellos.version, evidence.closed, concluding=concluding, flowed=flowed, unread=unread)
    proved = any(check.name == "client CertificateVerify" and check.ok for check in checks)
    return Handshake(
        version=None if hellos.version is None else str(hellos.version),
        cipher_suite=None if hellos.cipher_suite is None else str(hellos.cipher_suite),
        group=_code(_first(answers, "key_share.server_share.group" if tls13 else "curve_params.namedcurve")),
        server_name=_text(hellos.client and hellos.client.find("extensions.server_name.host_name")),
        alpn=_text(_first(answers, "protocol_name_list.0")),
        resumed=resumed,
        client_authenticated=proved and outcome == "established",
        hello_retry_request=any(is_hello_retry_request(m.raw) for m in server),
        messages=tuple(found),
        records=tuple(records),
        checks=tuple(checks),
        notes=(*notes[:MAX_NOTES], *([f"and {len(notes) - MAX_NOTES:,} more"] if len(notes) > MAX_NOTES else [])),
        outcome=outcome,
    )


def _first(messages: Sequence[Message], path: str) -> Field | None:
    """The field of this path in the first message that has one."""
    return next((field for message in messages if (field := message.field.find(path))), None)


def _code(field: Field | None) -> str | None:
    """The name of a code point; None where there is none, as where a curve is of a type that has no name."""
    return None if field is None or not isinstance(field.value, int) else str(field.value)


def _text(field: Field | None) -> str | None:
    """What a field says, with its control characters made visible."""
    if field is None or field.value is None:
        return None
    text = field.value.decode("ascii", "backslashreplace") if isinstance(field.value, bytes) else str(field.value)
    return printable(text)
