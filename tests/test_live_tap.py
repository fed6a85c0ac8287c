"""A tap between a client and somebody else's server: every byte passes, is remembered, and nothing is changed."""

from __future__ import annotations

import contextlib
import gc
import hashlib
import os
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from needs import need

from tlsnotes import Authority, HTTPSServer, Recording, Request, Tap, TLSNotesError
from tlsnotes.wire.records import client_random, split_records

ROOT = Authority.root("the root of these tests")
LOCALHOST = ROOT.issue("localhost")


def trusting(keylog: Path | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=ROOT.certificate_pem.decode())
    if keylog:
        context.keylog_filename = str(keylog)
    return context


def get(port: int, path: str = "/", body: bytes = b"", context: ssl.SSLContext | None = None) -> bytes:
    """One request over a connection of its own, read to the very end: a client that leaves earlier resets it."""
    raw = socket.create_connection(("127.0.0.1", port), timeout=15)
    with (context or trusting()).wrap_socket(raw, server_hostname="localhost") as client:
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
        client.sendall(head.encode() + body)
        return read_all(client).partition(b"\r\n\r\n")[2]


def read_all(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65536), b""))


def sent_by(recording: Recording, sender: str) -> bytes:
    return b"".join(segment.data for segment in recording.segments if segment.sender == sender)


def held() -> tuple[list[str], list[str]]:
    """Our threads and this process's sockets."""
    gc.collect()
    sockets = []
    for descriptor in Path("/proc/self/fd").iterdir() if Path("/proc/self/fd").is_dir() else ():
        with contextlib.suppress(OSError):
            sockets.append(str(descriptor.readlink()))
    threads = [thread.name for thread in threading.enumerate() if thread.name.startswith("tlsnotes")]
    return sorted(threads), sorted(name for name in sockets if name.startswith("socket:"))


@contextlib.contextmanager
def listening(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """The port of a plain TCP server for one connection, and its thread's end at the end."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(15)

        def run() -> None:
            with contextlib.suppress(OSError):
                connection = server.accept()[0]
                with connection:
                    connection.settimeout(15)
                    serve(connection)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            thread.join(20)
            assert not thread.is_alive()


# ---- every byte


def test_both_directions_are_recorded_as_both_ends_have_them() -> None:
    with HTTPSServer(LOCALHOST, lambda request: request.path) as server, Tap("127.0.0.1", server.port) as tap:
        assert tap.url == f"https://localhost:{tap.port}"
        assert tap.port != server.port
        assert get(tap.port, "/through") == b"/through"
        theirs, mine = server.wait_for(1)[0], tap.wait_for(1)[0]
        assert sent_by(mine, "C") == sent_by(theirs, "C")
        assert sent_by(mine, "S") == sent_by(theirs, "S")
        assert mine.outcome == "relayed to its end"
        assert mine.keylog == ""
        assert [record.raw for record in split_records(mine.segments)]


def test_a_name_is_a_target_as_well_as_an_address() -> None:
    with HTTPSServer(LOCALHOST) as server, Tap("localhost", server.port) as tap:
        assert b"hello" in get(tap.port)


def test_a_large_transfer_arrives_whole_in_both_directions() -> None:
    def app(request: Request) -> bytes:
        return hashlib.sha256(request.body).digest() * 500_000

    body = os.urandom(1_000_000)
    with HTTPSServer(LOCALHOST, app) as server, Tap("127.0.0.1", server.port) as tap:
        assert get(tap.port, "/", body) == hashlib.sha256(body).digest() * 500_000
        assert tap.wait_for(1)[0].dropped > 10_000_000


def test_what_both_sides_send_at_once_does_not_wait_for_each_other() -> None:
    def answer_at_length(connection: socket.socket) -> None:
        while data := connection.recv(65536):
            connection.sendall(data * 8)

    sent = bytes(8_000_000)
    with (
        listening(answer_at_length) as port,
        Tap("127.0.0.1", port) as tap,
        socket.create_connection(("127.0.0.1", tap.port), timeout=5) as client,
        ThreadPoolExecutor(1) as pool,
    ):
        reading = pool.submit(read_all, client)
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        assert len(reading.result()) == 8 * len(sent)


def test_many_connections_at_once_are_kept_apart() -> None:
    with HTTPSServer(LOCALHOST, lambda request: request.path) as server, Tap("127.0.0.1", server.port) as tap:
        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda n: get(tap.port, f"/{n}"), range(20)))
        assert answers == [f"/{n}".encode() for n in range(20)]
        assert len({client_random(recording.segments) for recording in tap.wait_for(20)}) == 20


def test_the_end_of_one_side_passes_through_and_the_other_goes_on() -> None:
    def answer_after_the_end(connection: socket.socket) -> None:
        connection.sendall(b"you said " + read_all(connection))

    with (
        listening(answer_after_the_end) as port,
        Tap("127.0.0.1", port) as tap,
        socket.create_connection(("127.0.0.1", tap.port), timeout=15) as client,
    ):
        client.sendall(b"hello")
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == b"you said hello"
        recording = tap.wait_for(1)[0]
        assert [(segment.sender, segment.data) for segment in recording.segments] == [
            ("C", b"hello"), ("S", b"you said hello"),
        ]  # fmt: skip


def test_the_server_may_end_first_and_still_hear_the_client() -> None:
    heard = []

    def end_first(connection: socket.socket) -> None:
        connection.sendall(b"goodbye")
        connection.shutdown(socket.SHUT_WR)
        heard.append(read_all(connection))

    with (
        listening(end_first) as port,
        Tap("127.0.0.1", port) as tap,
        socket.create_connection(("127.0.0.1", tap.port), timeout=15) as client,
    ):
        assert read_all(client) == b"goodbye"
        client.sendall(b"I am not done")
        client.shutdown(socket.SHUT_WR)
        tap.wait_for(1)
    assert heard == [b"I am not done"]


# ---- keys


def test_the_clients_key_log_file_gives_each_recording_its_own_lines(tmp_path: Path) -> None:
    keys = tmp_path / "keys.log"
    with HTTPSServer(LOCALHOST) as server, Tap("127.0.0.1", server.port, keylog_file=keys) as tap:
        context = trusting(keys)
        for _ in range(3):
            get(tap.port, context=context)
        for recording, theirs in zip(tap.wait_for(3), server.wait_for(3), strict=True):
            assert sorted(recording.keylog.splitlines()) == sorted(theirs.keylog.splitlines())
            assert recording.keylog
        last = tap.last
        assert last is not None
        assert last.keylog == tap.recordings[-1].keylog


def test_a_key_log_file_that_is_not_there_yet_is_no_keys_yet(tmp_path: Path) -> None:
    keys = tmp_path / "later" / "keys.log"
    with HTTPSServer(LOCALHOST) as server, Tap("127.0.0.1", server.port, keylog_file=str(keys)) as tap:
        get(tap.port)
        assert tap.wait_for(1)[0].keylog == ""
        keys.parent.mkdir()
        keys.write_text(server.wait_for(1)[0].keylog)
        assert tap.recordings[0].keylog == server.recordings[0].keylog


def test_a_connection_recorded_by_a_tap_is_saved_like_any_other(tmp_path: Path) -> None:
    keys = tmp_path / "keys.log"
    with HTTPSServer(LOCALHOST) as server, Tap("127.0.0.1", server.port, keylog_file=keys) as tap:
        get(tap.port, context=trusting(keys))
        recording = tap.wait_for(1)[0]
    loaded = Recording.load(recording.save(tmp_path / "tapped.json"))
    assert (loaded.segments, loaded.keylog, loaded.outcome) == (recording.segments, recording.keylog, recording.outcome)


def test_curl_and_openssl_talk_through_a_tap_and_either_may_write_the_keys(tmp_path: Path) -> None:
    folder = LOCALHOST.save(tmp_path / "server")
    (tmp_path / "root.pem").write_bytes(ROOT.certificate_pem)
    environment = {"PATH": os.environ["PATH"]}
    server = subprocess.Popen(
        [
            need("openssl"), "s_server", "-accept", "127.0.0.1:0", "-www", "-keylogfile", str(tmp_path / "server.log"),
            "-cert", str(folder / "fullchain.pem"), "-key", str(folder / "key.pem"),
        ],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment,
    )  # fmt: skip
    try:
        assert server.stdout
        line = next(line for line in server.stdout if line.startswith("ACCEPT"))
        port = int(line.rpartition(":")[2])
        with (
            Tap("127.0.0.1", port, tmp_path / "server.log") as tap,
            Tap("127.0.0.1", tap.port, tmp_path / "client.log") as outer,
        ):
            answer = subprocess.run(
                [need("curl"), "-sS", "--cacert", str(tmp_path / "root.pem"), outer.url],
                env=environment | {"SSLKEYLOGFILE": str(tmp_path / "client.log")},
                capture_output=True, text=True, timeout=20, check=False,
            )  # fmt: skip
            assert "Ciphers supported" in answer.stdout, answer.stderr
            inner, outside = tap.wait_for(1)[0], outer.wait_for(1)[0]
            assert sent_by(inner, "S") == sent_by(outside, "S")
            assert sorted(inner.keylog.splitlines()) == sorted(outside.keylog.splitlines())
            labels = {line.split()[0] for line in inner.keylog.splitlines()}
            assert {"SERVER_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0"} <= labels
            shown = subprocess.run(
                [
                    need("tshark"), "-r", str(inner.to_pcapng(tmp_path / "capture.pcapng")),
                    "-d", f"tcp.port=={inner.server[1]},tls", "-T", "fields", "-e", "http.request.method",
                ],
                env=environment | {"HOME": str(tmp_path)}, capture_output=True, text=True, timeout=30, check=False,
            )  # fmt: skip
            assert shown.stdout.split() == ["GET"], shown.stderr
    finally:
        server.terminate()
        server.wait(10)
        if server.stdout:
            server.stdout.close()


# ---- what goes wrong


def test_a_target_that_is_not_there_is_noted_and_the_client_is_let_go() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))  # bound, and nobody listens
        with Tap("127.0.0.1", probe.getsockname()[1]) as tap:
            with socket.create_connection(("127.0.0.1", tap.port), timeout=15) as client:
                assert client.recv(100) == b""
            outcome = str(tap.wait_for(1)[0].outcome)
            assert outcome.startswith("broken off")
            assert "refused" in outcome.lower()


def test_a_target_name_that_cannot_be_found_is_noted_too() -> None:
    with Tap("no-such-host.invalid", 443) as tap:
        with socket.create_connection(("127.0.0.1", tap.port), timeout=15) as client:
            assert client.recv(100) == b""
        assert str(tap.wait_for(1)[0].outcome).startswith("broken off")


def test_a_tap_takes_no_port_of_somebody_else() -> None:
    with socket.create_server(("127.0.0.1", 0)) as theirs, pytest.raises(TLSNotesError, match="in use"):
        Tap("127.0.0.1", 443, port=theirs.getsockname()[1]).start()


def test_a_tap_says_where_it_is_and_where_it_leads() -> None:
    tap = Tap("server.example", 443)
    assert repr(tap) == "<Tap stopped, to server.example:443>"
    with tap:
        assert repr(tap) == f"<Tap on port {tap.port}, to server.example:443>"
        assert tap.last is None
        assert tap.recordings == ()


def test_twenty_taps_that_were_used_and_stopped_leave_nothing() -> None:
    before = held()
    with HTTPSServer(LOCALHOST) as server:
        running = held()
        for _ in range(20):
            with Tap("127.0.0.1", server.port) as tap:
                get(tap.port)
                tap.wait_for(1)
            server.wait_for(1)
            assert [name for name in held()[0] if name == "tlsnotes-accept"] == running[0]
    assert held() == before


@pytest.mark.parametrize("says", [b"", b"hello"], ids=["silent", "heard once"])
def test_a_stop_ends_connections_whose_sides_would_stay(says: bytes) -> None:
    before = held()
    done = threading.Event()

    def stay(connection: socket.socket) -> None:
        connection.sendall(b"welcome")
        done.wait(15)  # whatever the client does: neither read nor closed

    with listening(stay) as port:
        tap = Tap("127.0.0.1", port).start()
        with socket.create_connection(("127.0.0.1", tap.port), timeout=15) as client:
            assert client.recv(100) == b"welcome"
            client.sendall(says)
            tap.stop()
            left = [thread.name for thread in threading.enumerate() if thread.name.startswith("tlsnotes")]
        done.set()
    assert left == []
    del client
    assert held() == before
