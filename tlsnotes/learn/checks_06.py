"""What the exercises of 06-the-handshake ask for."""

from __future__ import annotations

import hashlib
import socket
import ssl
from collections.abc import Callable, Iterator

from tlsnotes.checks import Check
from tlsnotes.learn.exercises import is_a, task
from tlsnotes.live.recording import Recording
from tlsnotes.live.server import HTTPSServer
from tlsnotes.pki.authority import Authority
from tlsnotes.wire.handshake import Handshake
from tlsnotes.wire.registry import ContentType, HandshakeType
from tlsnotes.wire.streams import Message

Computed = Callable[[Recording], bytes]


def unseen() -> Recording:
    """A recording of a TLS 1.3 connection that nobody has seen before."""
    authority = Authority.root("a root")
    context = ssl.create_default_context(cadata=authority.certificate_pem.decode())
    with HTTPSServer(authority.issue("localhost")) as server:
        with (
            socket.create_connection(("127.0.0.1", server.port), timeout=10) as tcp,
            context.wrap_socket(tcp, server_hostname="localhost") as tls,
        ):
            tls.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            while tls.recv(4096):
                pass
        return server.wait_for(1)[0]


def spoken(handshake: Handshake) -> list[Message]:
    """The messages of the transcript, from ClientHello to the client's Finished."""
    all_of_them = [m for m in handshake.messages if m.content_type == ContentType.handshake]
    return [m for m in all_of_them if m.type != HandshakeType.new_session_ticket]


def _bytes(found: object) -> str:
    return f"{found[:6].hex()}… ({len(found)} bytes)" if isinstance(found, bytes) else f"a {type(found).__name__}"


@task("06-transcript", "write a function that gives the transcript hash of a recording", "your function")
def transcript(answer: Computed) -> Iterator[Check]:
    """What the function makes of a recording that it has not seen."""
    recording = unseen()
    handshake = recording.dissect()
    name = f"sha{(handshake.cipher_suite or '')[-3:]}"
    found = answer(recording)
    yield Check(f"bytes, as many as {name} gives", is_hash(found, name), _bytes(found))
    wanted = hashlib.new(name, b"".join(message.raw for message in spoken(handshake))).digest()
    yield Check("the hash of a handshake that you have not seen", found == wanted, _bytes(found))


def is_hash(found: object, name: str) -> bool:
    """Whether these are as many bytes as this hash gives."""
    return isinstance(found, bytes) and len(found) == hashlib.new(name).digest_size


@task("06-finished", "write a function that computes the client's Finished", "your function")
def finished(answer: Computed) -> Iterator[Check]:
    """What the function computes, and whether it has only copied."""
    recording = unseen()
    sent = spoken(recording.dissect())[-1].raw[4:]
    found = answer(recording)
    yield Check("bytes", isinstance(found, bytes), _bytes(found))
    yield Check("what the client has sent", found == sent, _bytes(found))
    if found != sent:
        return
    # The same bytes without the client's secret: who computes cannot, who copies still can.
    segments = [(s.sender, s.data) for s in recording.segments]
    keylog = [line for line in recording.keylog.splitlines() if not line.startswith("CLIENT_HANDSHAKE")]
    try:
        copied = answer(Recording.from_segments(segments, "\n".join(keylog))) == sent
    except Exception:  # noqa: BLE001  # without the secret there is nothing to compute with: any error is right
        copied = False
    yield Check("computed from the secret, not copied", not copied, "tried without the client's secret")


@task("06-resumed", "resume a TLS 1.2 connection, and hand in the recording", "server.last")
def resumed(answer: Recording) -> Iterator[Check]:
    """What kind of connection it was."""
    yield (first := is_a(answer, Recording, "server.last"))
    if not first.ok:
        return
    handshake = answer.dissect()
    version = handshake.version or "no version"
    yield Check("TLS 1.2", version == "TLS 1.2", version)
    yield Check("resumed", handshake.resumed is True, "resumed" if handshake.resumed else "a full handshake")
    yield Check("established", handshake.outcome == "established", handshake.outcome)
