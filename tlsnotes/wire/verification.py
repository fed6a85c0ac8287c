"""What can be recomputed of a handshake: it is gone through in the order of its transcript, and each claim judged.

TLS 1.3    ClientHello (HelloRetryRequest ClientHello) ServerHello | server's up to Finished | client's up to Finished
TLS 1.2    ClientHello | server's up to ServerHelloDone | client's up to Finished | server's up to Finished
           and where a session is resumed: ClientHello | server's up to Finished | client's up to Finished
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tlsnotes.checks import Check
from tlsnotes.wire import claims
from tlsnotes.wire.epochs import APPLICATION, HANDSHAKE
from tlsnotes.wire.hellos import Hellos, is_hello_retry_request
from tlsnotes.wire.key_schedule import next_traffic_secret
from tlsnotes.wire.protection import Suite
from tlsnotes.wire.registry import ContentType, HandshakeType
from tlsnotes.wire.streams import Message
from tlsnotes.wire.transcript import Transcript

GAP = "records of the handshake before it could not be opened"
ABSENT = "the {} is not in the recording"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the checks stand on: the messages, what the hellos decided, the key log's secrets of this connection.

    `closed` says for a sender why records of its handshake could not be opened, and is empty where all were.
    """

    messages: Sequence[Message]
    hellos: Hellos
    secrets: Mapping[str, bytes]
    closed: Mapping[str, str]

    def handshake(self, sender: str) -> list[Message]:
        """The handshake messages of one side."""
        return [m for m in self.messages if m.sender == sender and m.content_type == ContentType.handshake]


# ---- TLS 1.3


def check_handshake_13(evidence: Evidence, suite: Suite) -> Iterator[Check]:
    """Judge TLS 1.3's CertificateVerify, Finished and transcript hash (RFC 9846 sections 4.1, 4.5.2 and 4.5.3)."""
    clients, servers = iter(evidence.handshake("client")), iter(evidence.handshake("server"))
    transcript = Transcript(suite)
    confirmed = transcript  # up to the last Finished: what comes after, none confirms
    missing = _add_hellos(transcript, clients, servers)
    finished: list[Check] = []
    for sender, messages in (("server", servers), ("client", clients)):
        secret = evidence.secrets.get(HANDSHAKE.format(sender.upper()))
        if sender == "client":
            missing = missing or evidence.closed["server"] or ("" if finished else ABSENT.format("server's finished"))
        for check in _flight_13(messages, _asks(evidence, sender), transcript, secret, missing):
            yield check
            if check.name.endswith("Finished"):
                finished.append(check)
                confirmed = transcript.fork()
                break
        else:
            if evidence.closed[sender]:
                finished.append(claims.unknown(f"{sender} Finished", evidence.closed[sender], "RFC 9846 §4.5.3"))
                yield finished[-1]
    yield from _transcript_hash(confirmed, finished, "RFC 9846 §4.1")
    yield from _post_handshake(evidence, transcript, clients, servers)


def _asks(evidence: Evidence, sender: str) -> Message | None:
    """The message that says which signatures its sender takes from this one in the handshake."""
    asker, kind = {
        "server": ("client", HandshakeType.client_hello),
        "client": ("server", HandshakeType.certificate_request),
    }[sender]
    return next((m for m in evidence.handshake(asker) if m.type == kind), None)


def _add_hellos(transcript: Transcript, clients: Iterator[Message], servers: Iterator[Message]) -> str:
    """Begin the transcript, and say what of its beginning is missing."""
    for answer in servers:
        hello = next((m for m in clients if m.type == HandshakeType.client_hello), None)
        if hello is None:
            return ABSENT.format("client's client_hello")
        transcript.add(hello.raw)
        retry = is_hello_retry_request(answer.raw)
        if retry:
            transcript.retry()
        transcript.add(answer.raw)
        if not retry:
            return ""
    return ABSENT.format("server's server_hello")


def _flight_13(
    messages: Iterator[Message], asked: Message | None, transcript: Transcript, secret: bytes | None, missing: str
) -> Iterator[Check]:
    """Judge what one side says up to its Finished, and add it to the transcript."""
    certificate: Message | None = None
    verified = False
    for message in messages:
        check = None
        why = missing or (GAP if message.gap else "")
        if message.type in (HandshakeType.certificate, HandshakeType.compressed_certificate):
            certificate = message
        elif message.type == HandshakeType.certificate_verify and not verified:  # a flight has one
            verified = True
            check = claims.certificate_verify_13(message, certificate, asked, transcript, why)
        elif message.type == HandshakeType.finished:
            check = claims.finished_13(message, secret, transcript, why)
        transcript.add(message.raw)
        if check and not message.encrypted:
            check = Check(check.name, False, "it came in the clear: TLS 1.3 protects it", "RFC 9846 §5", check.where)
        if check:
            yield check


def _post_handshake(
    evidence: Evidence, handshake: Transcript, clients: Iterator[Message], servers: Iterator[Message]
) -> Iterator[Check]:
    """Judge the client's answers to requests after the handshake (RFC 9846 section 4.7.2)."""
    requests = {
        claims.value(m, "certificate_request_context"): m
        for m in servers
        if m.type == HandshakeType.certificate_request
    }
    secret = evidence.secrets.get(APPLICATION.format("CLIENT"))
    suite = evidence.hellos.suite
    answer: list[Message] = []
    for message in clients:
        if message.type == HandshakeType.key_update:
            secret = next_traffic_secret(suite.hash, secret) if secret and suite else secret
            continue
        answer.append(message)
        if message.type == HandshakeType.finished:
            context = claims.answered_context(answer[0])
            # One that cannot be opened answers the only request there is; its Finished shows whether that is so.
            request = next(iter(requests.values())) if context is None and len(requests) == 1 else requests.get(context)
            transcript = handshake.fork()
            if request:
                transcript.add(request.raw)
            missing = "" if request else "its request was not found"
            yield from _flight_13(iter(answer), request, transcript, secret, missing)
            answer = []


# ---- TLS 1.2


def check_handshake_12(evidence: Evidence, suite: Suite) -> Iterator[Check]:
    """Judge TLS 1.2's ServerKeyExchange, CertificateVerify and Finished (RFC 5246 sections 7.4.3, 7.4.8 and 7.4.9)."""
    transcript = Transcript(suite)
    secret = evidence.secrets.get("CLIENT_RANDOM")
    said = {sender: {m.type for m in first_flights(evidence.handshake(sender))} for sender in ("client", "server")}
    seen: dict[tuple[str, int | None], Message] = {}
    finished: list[Check] = []
    for message in _in_turn(evidence):
        kind = (message.sender, message.type)
        again = kind in seen  # a handshake has one of each
        seen.setdefault(kind, message)
        certificate = seen.get((message.sender, HandshakeType.certificate))
        why = _missing_12(message, said, evidence)
        if message.type == HandshakeType.server_key_exchange and not again:
            yield from claims.server_key_exchange(message, certificate, evidence.hellos, why)
        elif message.type == HandshakeType.certificate_verify and not again:
            yield claims.certificate_verify_12(message, certificate, transcript, why)
        elif message.type == HandshakeType.finished:
            finished.append(claims.finished_12(message, secret, transcript, why))
        if message.type != HandshakeType.hello_request:
            transcript.add(message.raw)
    judged = {check.name for check in finished}
    finished += [
        claims.unknown(f"{sender} Finished", why, "RFC 5246 §7.4.9")
        for sender, why in evidence.closed.items()
        if why and f"{sender} Finished" not in judged
    ]
    yield from finished
    yield from _transcript_hash(transcript, finished, "RFC 5246 §7.4.9")


def _missing_12(message: Message, said: Mapping[str, set[int | None]], evidence: Evidence) -> str:
    """What of the transcript before a message is missing; `said` are the types of all messages of each side."""
    if message.gap:
        return GAP
    needed = [("client", HandshakeType.client_hello), ("server", HandshakeType.server_hello)]
    resumed = _resumed(said["server"])
    if message.sender == "client":
        needed.append(("server", HandshakeType.finished if resumed else HandshakeType.server_hello_done))
    elif message.type == HandshakeType.finished and not resumed:
        needed.append(("client", HandshakeType.finished))
    for sender, kind in needed:
        if kind not in said[sender]:
            return evidence.closed[sender] or ABSENT.format(f"{sender}'s {kind}")
    return ""


def first_flights(messages: Sequence[Message]) -> Sequence[Message]:
    """One side's handshake messages up to its first Finished: what comes after belongs to another handshake."""
    ends = (at + 1 for at, message in enumerate(messages) if message.type == HandshakeType.finished)
    return messages[: next(ends, len(messages))]


def is_resumed_12(server: Sequence[Message]) -> bool:
    """Whether a TLS 1.2 server went straight on with the keys of an earlier session (RFC 5246 section 7.3)."""
    return _resumed({m.type for m in first_flights(server)})


def _resumed(said: set[int | None]) -> bool:
    return HandshakeType.server_hello in said and not said & {
        HandshakeType.server_hello_done,
        HandshakeType.certificate,
        HandshakeType.server_key_exchange,
    }


def _in_turn(evidence: Evidence) -> Iterator[Message]:
    """The messages in the order that both sides saw, however the segments of the recording are ordered."""
    clients, servers = iter(evidence.handshake("client")), iter(evidence.handshake("server"))
    resumed = is_resumed_12(evidence.handshake("server"))
    yield from _up_to(HandshakeType.client_hello, clients)
    yield from _up_to(HandshakeType.finished if resumed else HandshakeType.server_hello_done, servers)
    yield from _up_to(HandshakeType.finished, clients)
    if not resumed:
        yield from _up_to(HandshakeType.finished, servers)


def _up_to(last: HandshakeType, messages: Iterator[Message]) -> Iterator[Message]:
    for message in messages:
        yield message
        if message.type == last:
            break


# ---- Both


def _transcript_hash(transcript: Transcript, finished: Sequence[Check], rfc: str) -> Iterator[Check]:
    """The hash of the whole handshake is the one both sides have if each Finished that can be judged says so."""
    if not finished:
        return
    verdicts = {check.ok for check in finished}
    what = f"{transcript.algorithm.name.upper()} of the handshake's {transcript.count} messages"
    if False in verdicts:
        yield Check("transcript hash", False, f"{what}: a Finished does not fit it", rfc, "transcript hash")
    elif None in verdicts:
        yield claims.unknown("transcript hash", "a Finished that would confirm it could not be judged", rfc)
    else:
        detail = f"{what}: {transcript.digest().hex()}; Finished confirms it"
        yield Check("transcript hash", True, detail, rfc, "transcript hash")
