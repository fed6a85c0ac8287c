"""The bytes that are read: connections made in this run, by Python's own `ssl`, its two ends wired to each other.

An HTTP request and its answer over TLS, certificates of a chain of two (end-entity and intermediate), and the key log.
"""

from __future__ import annotations

import contextlib
import ssl
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tlsnotes.live.recording import Recording
from tlsnotes.pki.authority import Authority
from tlsnotes.pki.credential import Credential

# As many names as the certificate of a site has that is reached as several.
NAMES = ("localhost", "www.localhost", *(f"{name}.example.com" for name in ("www", "api", "static", "images", "login")))
REQUEST = b"GET /hello HTTP/1.1\r\nHost: localhost\r\nUser-Agent: curl/8.14.1\r\nAccept: */*\r\n\r\n"
RECORD = 1 << 14  # bytes of content in one record: as much as fits, which is what OpenSSL makes of a long answer
SMALL_RECORD = 1400  # as servers do that want the first bytes of a record to be of use before the others come
VERSIONS = {"TLS 1.3": ssl.TLSVersion.TLSv1_3, "TLS 1.2": ssl.TLSVersion.TLSv1_2}


@dataclass(frozen=True, slots=True)
class Kind:
    """What a connection is to be: about `size` bytes both ways, all but the answer's body being what TLS makes it.

    `keys` is the kind of every key of the chains, `mutual` whether the client shows a chain of its own.
    """

    size: int
    version: str = "TLS 1.3"
    keys: str = "rsa-2048"
    mutual: bool = False
    record: int = RECORD


@dataclass(frozen=True, slots=True)
class Connection:
    """The bytes in order, ("C" | "S", bytes), and the key log that opens them."""

    segments: tuple[tuple[str, bytes], ...]
    keylog: str

    @property
    def size(self) -> int:
        """The bytes of both sides."""
        return sum(len(data) for _, data in self.segments)

    def recording(self) -> Recording:
        """The same as a recording, for what reads a file."""
        return Recording.from_segments(self.segments, self.keylog)


def connection(kind: Kind) -> Connection:
    """Make a connection of this kind; its size is met within a few bytes."""
    with tempfile.TemporaryDirectory() as folder:
        client, server = _contexts(kind, Path(folder))
        bare = _talk(client, server, b"", kind.record)
        # Each record more brings a header and a tag, or so: the second try knows what the first one has cost.
        body = max(0, kind.size - bare.size)
        made = _talk(client, server, bytes(body), kind.record)
        body = max(0, body - (made.size - kind.size))
        return _talk(client, server, b"x" * body, kind.record)


@cache
def _chain(keys: str, usage: str) -> tuple[Authority, Credential]:
    """A root, and a credential that an intermediate of its has issued."""
    root = Authority.root(f"the root of the benchmarks' {usage}s", keys)
    names = NAMES if usage == "server" else ("learner@example.com",)
    return root, root.intermediate(f"an intermediate for {usage}s", key=keys).issue(names, usage, keys)


def _contexts(kind: Kind, folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    server_root, server_credential = _chain(kind.keys, "server")
    client = ssl.create_default_context(cadata=server_root.certificate_pem.decode())
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _show(server, server_credential, folder / "server")
    if kind.mutual:
        client_root, client_credential = _chain(kind.keys, "client")
        _show(client, client_credential, folder / "client")
        server.load_verify_locations(cadata=client_root.certificate_pem.decode())
        server.verify_mode = ssl.CERT_REQUIRED
    for context in (client, server):
        context.minimum_version = context.maximum_version = VERSIONS[kind.version]
        context.set_alpn_protocols(["http/1.1"])
    client.keylog_filename = str(folder / "keylog")
    return client, server


def _show(context: ssl.SSLContext, credential: Credential, folder: Path) -> None:
    credential.save(folder)
    context.load_cert_chain(folder / "fullchain.pem", folder / "key.pem")


class _Wire:
    """Two ends of a connection, and what went over it."""

    def __init__(self, client: ssl.SSLContext, server: ssl.SSLContext) -> None:
        to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
        from_client, from_server = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = client.wrap_bio(to_client, from_client, server_hostname="localhost")
        self.server = server.wrap_bio(to_server, from_server, server_side=True)
        self.segments: list[tuple[str, bytes]] = []
        self._ways = (("C", from_client, to_server), ("S", from_server, to_client))

    def carry(self) -> None:
        """Bring what either side has written to the other."""
        for sender, source, target in self._ways:
            if data := source.read():
                self.segments.append((sender, data))
                target.write(data)

    def shake_hands(self) -> None:
        """Both sides in turn, until both are done."""
        busy = [self.client, self.server]
        while busy:
            for end in tuple(busy):
                with contextlib.suppress(ssl.SSLWantReadError):
                    end.do_handshake()
                    busy.remove(end)
                self.carry()

    def say(self, speaker: ssl.SSLObject, listener: ssl.SSLObject, data: bytes) -> None:
        """One record, and the other side reads it."""
        speaker.write(data)
        self.carry()
        listener.read(len(data))

    def close(self) -> None:
        """Both sides say that nothing more comes."""
        for end in (self.client, self.server):
            with contextlib.suppress(ssl.SSLWantReadError):  # the first does not wait for the other's
                end.unwrap()
            self.carry()


def _talk(client: ssl.SSLContext, server: ssl.SSLContext, body: bytes, record: int) -> Connection:
    keylog = Path(str(client.keylog_filename))
    known = len(keylog.read_text("ascii"))
    wire = _Wire(client, server)
    wire.shake_hands()
    wire.say(wire.client, wire.server, REQUEST)
    for part in _answer(body, record):
        wire.say(wire.server, wire.client, part)
    wire.close()
    return Connection(tuple(wire.segments), keylog.read_text("ascii")[known:])


def _answer(body: bytes, record: int) -> Iterator[bytes]:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n\r\n" % len(body)
    yield head
    yield from (body[at : at + record] for at in range(0, len(body), record))
