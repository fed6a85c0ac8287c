"""A handshake and a GET, one connection after the other: ours, which records, against others. Each server is a process.

The same client for all (`http.client`), the same credential (ECDSA P-256, self-signed), the same answer of 13 bytes.
"""

from __future__ import annotations

import contextlib
import re
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from http.client import HTTPSConnection
from ipaddress import ip_address
from pathlib import Path

from benchmarks.reading import NotComparableError
from benchmarks.rows import Row, longer
from benchmarks.timing import Sample, in_turn
from tlsnotes.pki.authority import self_signed
from tlsnotes.programs import find_program

HOST = "127.0.0.1"  # and not a name, which may mean an address on which only one of the two listens
ANSWER = b"hello, world\n"
# Each prints its port. The standard library's as its documentation has it, but with the handshake in the connection's
# own thread: with it in the one that accepts, a single silent client would hold up all others.
STDLIB = """
import http.server, ssl, sys

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", "13")
        self.end_headers()
        self.wfile.write(b"hello, world\\n")
    def log_message(self, *arguments):
        pass

class Server(http.server.ThreadingHTTPServer):
    def finish_request(self, request, client_address):
        with context.wrap_socket(request, server_side=True) as tls:
            super().finish_request(tls, client_address)

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1] + "/fullchain.pem", sys.argv[1] + "/key.pem")
context.set_alpn_protocols(["http/1.1"])
with Server(("127.0.0.1", 0), Handler) as server:
    print(server.server_port, flush=True)
    server.serve_forever()
"""
OURS = """
import sys
from tlsnotes import Credential, HTTPSServer
with HTTPSServer(Credential.load(sys.argv[1]), lambda request: "hello, world\\n") as server:
    print(server.port, flush=True)
    sys.stdin.read()
"""
# The same, but for what it is there for: no byte is kept, no secret is asked for.
UNRECORDED = (
    """
from tlsnotes.live.context import KeyLog
from tlsnotes.live.shelf import Entry
made = KeyLog.__init__
def without(self, context):
    made(self, context)
    context.keylog_filename = None
KeyLog.__init__ = without
KeyLog.take = lambda self: ""
Entry.add = lambda self, sender, data: None
"""
    + OURS
)
SECONDS = 3  # of s_time for each server


def against_stdlib(runs: int) -> Row:
    """What recording costs a learner, who would otherwise take `http.server`."""
    return _compare("request/stdlib", STDLIB, "http.server + ssl, threaded", runs, 1.1)


def against_unrecorded(runs: int) -> Row:
    """What recording itself costs."""
    return _compare("request/unrecorded", UNRECORDED, "the same, recording nothing", runs, None)


def against_s_server(_: int) -> Row:
    """Handshakes alone, as `openssl s_time` counts them: ours in Python against the openssl command's server in C."""
    title = "handshake/s_server"
    openssl = find_program("openssl")
    if not openssl:
        return Row(title, "openssl is not installed")
    with _credential() as folder, _server(OURS, folder) as port:
        ours = _s_time(openssl, port, folder)
        command = [openssl, "s_server", "-accept", "127.0.0.1:0", "-cert", "fullchain.pem", "-key", "key.pem", "-www"]
        with subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None  # noqa: S101  # for the type checker
            said = next(line for line in process.stdout if b"ACCEPT" in line)
            theirs = _s_time(openssl, int(said.rpartition(b":")[2]), folder)
            process.kill()
    return Row(title, "openssl s_server, one at a time", ours, theirs, longer(ours, theirs))


def _compare(title: str, source: str, peer: str, runs: int, target: float | None) -> Row:
    with _credential() as folder, _server(OURS, folder) as our_port, _server(source, folder) as their_port:
        context = ssl.create_default_context(cafile=str(folder / "fullchain.pem"))
        ours, theirs = in_turn(_asking(our_port, context), _asking(their_port, context), runs * 5, block=1)
    return Row(title, peer, ours, theirs, longer(ours, theirs), target)


@contextlib.contextmanager
def _credential() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield self_signed(["localhost", ip_address(HOST)]).save(folder)


@contextlib.contextmanager
def _server(source: str, folder: Path) -> Iterator[int]:
    command = [sys.executable, "-c", source, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None  # noqa: S101  # for the type checker
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


def _asking(port: int, context: ssl.SSLContext) -> Callable[[], None]:
    def ask() -> None:
        with contextlib.closing(HTTPSConnection(HOST, port, context=context, timeout=10)) as connection:
            connection.request("GET", "/")
            if connection.getresponse().read() != ANSWER:
                raise NotComparableError("another answer")

    return ask


def _s_time(openssl: str, port: int, folder: Path) -> Sample:
    """Seconds of a handshake, over all that were made in three seconds."""
    command = [
        openssl,
        "s_time",
        "-connect",
        f"127.0.0.1:{port}",
        "-new",
        "-time",
        str(SECONDS),
        "-CAfile",
        "fullchain.pem",
    ]
    said = subprocess.run(command, cwd=folder, capture_output=True, check=False).stdout
    found = re.search(rb"(\d+) connections in (\d+) real seconds", said)
    if not found or not int(found[1]):
        raise NotComparableError("openssl s_time made no connection")
    return Sample([int(found[2]) / int(found[1])])
