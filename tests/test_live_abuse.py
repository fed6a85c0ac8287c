"""HTTPSServer under abuse: crowds, clients that are slow on purpose, promises of a gigabyte, ten thousand in a row.

The server runs in a process of its own, so that what it holds is its own, and what the clients cost is theirs.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPSConnection
from ipaddress import ip_address
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel
from needs import ROOT as CHECKOUT
from needs import need

from tlsnotes import Authority, HTTPSServer, TLSNotesError, self_signed
from tlsnotes.live.context import KEYLOG_PREFIX, MEMORY

ROOT = Authority.root("the root of these tests")
LOCALHOST = ROOT.issue(["localhost", ip_address("127.0.0.1")])
CONTEXT = ssl.create_default_context(cadata=ROOT.certificate_pem.decode())
MEGABYTE = 1 << 20
DROPPED_WITHIN = 10.0  # seconds

linux = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="reads /proc, which Linux has")
pytestmark = [linux, pytest.mark.alone]


Measured = Callable[[str], None]


class Abused:
    """The server in its process: its port, and what it holds."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.port = int(self._line())

    def held(self) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write("look\n")
        self._process.stdin.flush()
        found: dict[str, Any] = json.loads(self._line())
        return found

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def settled(self, before: dict[str, Any]) -> dict[str, Any]:
        """What it holds as soon as its threads and descriptors are back to `before`, or after ten seconds."""
        deadline = time.monotonic() + DROPPED_WITHIN
        while (now := self.held())["threads"] > before["threads"] or now["descriptors"] > before["descriptors"]:
            if time.monotonic() > deadline:
                return now
            threading.Event().wait(0.05)
        return now

    def raw(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=DROPPED_WITHIN + 5)

    def tls(self) -> ssl.SSLSocket:
        return CONTEXT.wrap_socket(self.raw(), server_hostname="localhost")

    def get(self, path: str = "/") -> bytes:
        with contextlib.closing(HTTPSConnection("localhost", self.port, context=CONTEXT, timeout=10)) as connection:
            connection.request("GET", path)
            return connection.getresponse().read()

    def milliseconds(self, runs: int = 21) -> float:
        """The median of what one ordinary client waits for its answer."""
        took = []
        for _ in range(runs):
            started = time.perf_counter()
            assert self.get() == b"/"
            took.append(time.perf_counter() - started)
        return median(took) * 1000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Abused]:
    folder = LOCALHOST.save(tmp_path_factory.mktemp("abused"))
    command = [sys.executable, CHECKOUT / "tests" / "tools" / "remembering_server.py", folder]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT) as process:
        abused = Abused(process)
        for _ in range(50):
            abused.get()
        yield abused
        assert process.poll() is None
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(10) == 0


def test_five_hundred_clients_at_once_are_answered_within_five_seconds(server: Abused, measured: Measured) -> None:
    before = server.held()
    ready = threading.Barrier(501)

    def ask(number: int) -> bytes:
        ready.wait()
        return server.get(f"/{number}")

    with ThreadPoolExecutor(500) as crowd:
        answers = [crowd.submit(ask, number) for number in range(500)]
        ready.wait()
        started = time.monotonic()
        read = [answer.result() for answer in answers]
        took = time.monotonic() - started
    assert read == [f"/{number}".encode() for number in range(500)]
    assert took < 5
    measured(f"500 clients at once, all answered after {took:.1f} s")
    after = server.settled(before)
    assert (after["threads"], after["descriptors"]) == (before["threads"], before["descriptors"])
    assert after["failures"] == []


# ---- clients that take their time


def wait_for_the_end(connection: socket.socket) -> None:
    with contextlib.closing(connection), contextlib.suppress(ConnectionError, ssl.SSLError):
        while connection.recv(65536):
            pass


def drip(connection: socket.socket, data: bytes, seconds: float = 0.2) -> None:
    """Send a byte at a time until the other side has enough."""
    connection.settimeout(seconds)
    with contextlib.closing(connection), contextlib.suppress(ConnectionError, ssl.SSLError):
        for byte in data:
            connection.sendall(bytes([byte]))
            with contextlib.suppress(TimeoutError):
                if not connection.recv(65536):
                    return
    pytest.fail("all of it was taken")


def silent(server: Abused) -> None:
    wait_for_the_end(server.raw())


def silent_after_the_handshake(server: Abused) -> None:
    wait_for_the_end(server.tls())


def dripping_a_client_hello(server: Abused) -> None:
    drip(server.raw(), bytes.fromhex("1603010200010001fc0303") + bytes(500))


def dripping_a_request(server: Abused) -> None:
    drip(server.tls(), b"GET / HTTP/1.1\r\nX-Slow: " + b"a" * 500)


def dripping_a_body(server: Abused) -> None:
    drip(server.tls(), b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n" + b"a" * 500, 0.1)


def promising_a_body_that_never_comes(server: Abused) -> None:
    connection = server.tls()
    connection.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n")
    wait_for_the_end(connection)


def never_reading(server: Abused) -> None:
    """Ask for 20 MB, and leave them where they are until the server has given up."""
    connection = server.tls()
    connection.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
    threading.Event().wait(DROPPED_WITHIN)
    wait_for_the_end(connection)


SLOW = [
    silent_after_the_handshake, dripping_a_client_hello, dripping_a_request, dripping_a_body,
    promising_a_body_that_never_comes, never_reading,
]  # fmt: skip


def test_two_hundred_silent_clients_delay_nobody_and_are_dropped_within_ten_seconds(
    server: Abused, measured: Measured
) -> None:
    before = server.held()
    with ThreadPoolExecutor(200) as crowd:
        started = time.monotonic()
        crowds = [crowd.submit(silent, server) for _ in range(200)]
        while server.held()["threads"] < before["threads"] + 200:
            assert time.monotonic() - started < 5
        usual = server.milliseconds()
        assert usual < 20
        assert not any(one.done() for one in crowds)  # they were all there all the time
        for one in crowds:
            one.result()
        took = time.monotonic() - started
        assert took < DROPPED_WITHIN
    measured(
        f"200 silent clients: another one waits {usual:.1f} ms (median of 21), and they are dropped after {took:.1f} s"
    )
    after = server.settled(before)
    assert time.monotonic() - started < DROPPED_WITHIN + 1
    assert (after["threads"], after["descriptors"]) == (before["threads"], before["descriptors"])


def test_clients_that_are_slow_in_every_way_delay_nobody_and_are_dropped(server: Abused, measured: Measured) -> None:
    before = server.held()
    with ThreadPoolExecutor(60) as crowd:
        started = time.monotonic()
        crowds = [crowd.submit(slow, server) for slow in SLOW for _ in range(10)]
        usual = server.milliseconds()
        assert usual < 100
        for one in crowds:
            one.result()
    after = server.settled(before)
    assert time.monotonic() - started < DROPPED_WITHIN + 3
    assert (after["threads"], after["descriptors"]) == (before["threads"], before["descriptors"])
    assert after["failures"] == []
    grown = (after["memory"] - before["memory"]) / MEGABYTE
    measured(
        f"60 clients, slow in six ways: another one waits {usual:.1f} ms, the server's memory grows by {grown:.1f} MB"
    )
    assert grown < 50


# ---- clients that ask for too much


def answer_to(server: Abused, request: bytes) -> bytes:
    with server.tls() as connection, contextlib.suppress(ConnectionError, ssl.SSLError):
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65536), b""))
    return b""


CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1073741824\r\n\r\n" + bytes(100_000), 413),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
        (CHUNKED + b"10000\r\n%b\r\n" % bytes(65536) * 40, 413),
        (CHUNKED + b"f" * 100_000, 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X-More: and more\r\n" * 100_000, 431),
        (b"GET /" + b"a" * 2_000_000, 431),
        (b"\0" * 100_000, 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    ],
    ids=["1 GB", "too many digits", "minus one", "chunks without end", "a chunk's size without end",
         "headers without end", "a line without end", "zeros", "HTTP/2"],
)  # fmt: skip
def test_what_asks_for_too_much_is_refused_at_once(server: Abused, request_bytes: bytes, status: int) -> None:
    before = server.held()
    started = time.monotonic()
    answer = answer_to(server, request_bytes)
    assert time.monotonic() - started < 3
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert server.get("/still-here") == b"/still-here"
    assert server.settled(before)["memory"] - before["memory"] < 20 * MEGABYTE


def test_what_was_recorded_of_many_large_connections_is_bounded(server: Abused, measured: Measured) -> None:
    before = server.held()

    def upload(_: int) -> int:
        with contextlib.closing(HTTPSConnection("localhost", server.port, context=CONTEXT, timeout=30)) as connection:
            connection.request("POST", "/kept", bytes(MEGABYTE))
            return connection.getresponse().status

    with ThreadPoolExecutor(20) as crowd:
        assert {*crowd.map(upload, range(200))} == {200}
    after = server.settled(before)
    assert 10 * MEGABYTE < after["recorded"] <= 17 * MEGABYTE
    grown = (after["memory"] - before["memory"]) / MEGABYTE
    kept = after["recorded"] / MEGABYTE
    measured(f"200 uploads of 1 MB, 20 at a time: {kept:.1f} MB of recordings kept, memory grows by {grown:.1f} MB")
    assert grown < 50


def test_bytes_that_come_one_by_one_do_not_cost_a_hundred_times_as_much(server: Abused) -> None:
    before = server.held()
    with server.raw() as connection, contextlib.suppress(ConnectionError):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        hello = bytes.fromhex("160301ffff0100fffb0303") + bytes(60_000)
        for byte in hello:
            connection.send(bytes([byte]))
    assert server.get("/still-here") == b"/still-here"
    assert server.settled(before)["memory"] - before["memory"] < 20 * MEGABYTE


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_a_client_that_renegotiates_is_refused_and_the_server_goes_on(
    server: Abused, version: str, tmp_path: Path
) -> None:
    (tmp_path / "root.pem").write_bytes(ROOT.certificate_pem)
    command = [need("openssl"), "s_client", version, "-connect", f"127.0.0.1:{server.port}", "-CAfile", "root.pem"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as client:
        said, _ = client.communicate(b"R\n" * 5 + b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", timeout=15)
    if version == "-tls1_2":
        assert b"RENEGOTIATING" in said
        assert b"no renegotiation" in said
    assert server.get("/still-here") == b"/still-here"


def test_ten_thousand_connections_in_a_row_leave_nothing_behind(server: Abused, measured: Measured) -> None:
    before, started = server.held(), time.monotonic()

    def some(start: int) -> None:
        for number in range(start, 10_000, 4):
            match number % 20:
                case 0:
                    with server.raw() as connection:
                        connection.sendall(os.urandom(50))
                case 1:
                    server.raw().close()
                case 2:
                    with server.raw() as connection:
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, bytes([1, 0, 0, 0, 0, 0, 0, 0]))
                case _:
                    assert server.get() == b"/"

    with ThreadPoolExecutor(4) as crowd:
        for one in [crowd.submit(some, start) for start in range(4)]:
            one.result()
    after = server.settled(before)
    assert (after["threads"], after["descriptors"]) == (before["threads"], before["descriptors"])
    assert after["recordings"] == 100
    assert after["failures"] == []
    took, grown = time.monotonic() - started, (after["memory"] - before["memory"]) / MEGABYTE
    measured(
        f"10,000 connections in a row in {took:.0f} s: memory grows by {grown:.1f} MB, threads and descriptors by none"
    )
    assert grown < 50


# ---- starts, stops and kills


def test_a_hundred_starts_and_stops_leave_no_thread_descriptor_or_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, measured: Measured
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    credential = self_signed("localhost")

    def held() -> tuple[int, int, list[Path]]:
        return threading.active_count(), len([*Path("/proc/self/fd").iterdir()]), [*tmp_path.iterdir()]

    with HTTPSServer(credential):
        pass
    before = held()
    started = time.monotonic()
    for _ in range(100):
        with HTTPSServer(credential) as server:
            socket.create_connection(("127.0.0.1", server.port)).close()
    assert held() == before
    took = time.monotonic() - started
    measured(f"100 starts and stops in {took:.1f} s: threads, descriptors and files as before")
    assert took < 20


START = """
import tlsnotes, tempfile
server = tlsnotes.HTTPSServer(tlsnotes.self_signed("localhost"), port={port}).start()
print(server.port)
"""


def test_a_killed_kernel_leaves_its_port_free_within_two_seconds_and_no_key_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, measured: Measured
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        said: list[str] = []
        reply = client.execute_interactive(
            START.format(port=port), timeout=60, output_hook=lambda m: said.append(m["content"].get("text", ""))
        )
        assert reply["content"]["status"] == "ok"
        assert str(port) in "".join(said)
        with socket.create_connection(("127.0.0.1", port), timeout=5), contextlib.suppress(ssl.SSLError):
            unverified = ssl.create_default_context()
            with socket.create_connection(("127.0.0.1", port), timeout=5) as other:
                unverified.wrap_socket(other, server_hostname="localhost")
        manager.signal_kernel(signal.SIGKILL)
        killed = time.monotonic()
        free = False
        while not free and time.monotonic() - killed < 2:
            with contextlib.suppress(TLSNotesError), HTTPSServer(LOCALHOST, port=port):
                free = True
        assert free
        measured(f"a killed kernel's port is taken again after {time.monotonic() - killed:.2f} s")
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert not [path for home in (tmp_path, MEMORY) for path in home.glob(f"**/{KEYLOG_PREFIX}*")]


CRASH = """
import os, pathlib, tlsnotes, tlsnotes.live.context
tlsnotes.live.context.MEMORY = pathlib.Path(os.environ["TMPDIR"])
pathlib.Path.unlink = pathlib.Path.rmdir = lambda *_: (_ for _ in ()).throw(PermissionError("as on Windows"))
server = tlsnotes.HTTPSServer(tlsnotes.self_signed("localhost")).start()
os._exit(9)
"""


def test_the_key_log_that_a_crash_has_left_is_gone_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a file in use cannot lose its name, as on Windows: played here by a process that may not take it."""
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    assert subprocess.run([sys.executable, "-c", CRASH], env=environment, cwd=CHECKOUT, check=False).returncode == 9
    (left,) = tmp_path.glob(f"{KEYLOG_PREFIX}*")
    (log,) = left.iterdir()
    assert (left.stat().st_mode & 0o777, log.stat().st_mode & 0o777) == (0o700, 0o600)
    monkeypatch.setattr("tlsnotes.live.context.MEMORY", tmp_path)
    with HTTPSServer(LOCALHOST):
        assert left.exists()  # it could be that of a server which is starting at this moment
    os.utime(left, (time.time() - 61, time.time() - 61))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / f"{KEYLOG_PREFIX}link").symlink_to(elsewhere)
    with HTTPSServer(LOCALHOST):
        assert not left.exists()
        assert elsewhere.exists()
