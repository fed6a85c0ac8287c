"""What is remembered of a connection: its bytes in order, its own keys and no others, files that others can read."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import socket
import ssl
import stat
import subprocess
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.client import HTTPSConnection
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from needs import every_vector, ipv6, need

from tlsnotes import Authority, HTTPSServer, Recording, Request, TLSNotesError
from tlsnotes.live.recording import KEEP_BYTES
from tlsnotes.wire.records import client_random, split_records

ROOT = Authority.root("the root of these tests")
LOCALHOST = ROOT.issue(["localhost", ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1")])
TLS13_LABELS = Counter(
    [
        "CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0",
        "SERVER_TRAFFIC_SECRET_0", "EXPORTER_SECRET",
    ]
)  # fmt: skip


def trusting() -> ssl.SSLContext:
    return ssl.create_default_context(cadata=ROOT.certificate_pem.decode())


def get(server: HTTPSServer, path: str = "/", body: bytes | None = None, host: str = "localhost") -> bytes:
    connection = HTTPSConnection(host, server.port, context=trusting(), timeout=10)
    with contextlib.closing(connection):
        connection.request("POST" if body else "GET", path, body)
        return connection.getresponse().read()


def recorded(versions: tuple[str, ...] = ("1.3",), host: str = "localhost") -> Recording:
    with HTTPSServer(LOCALHOST, lambda _: "the answer to it all", versions=versions) as server:
        assert get(server, "/question?life=1", host=host) == b"the answer to it all"
        return server.wait_for(1)[0]


def labels(recording: Recording) -> Counter[str]:
    return Counter(line.split()[0] for line in recording.keylog.splitlines())


def randoms(recording: Recording) -> set[str]:
    return {line.split()[1] for line in recording.keylog.splitlines()}


def sent_by(recording: Recording, sender: str) -> bytes:
    return b"".join(segment.data for segment in recording.segments if segment.sender == sender)


# ---- what a recording holds


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_segments_are_in_the_order_they_were_sent_with_growing_times(version: str) -> None:
    before = datetime.now(UTC)
    recording = recorded((version,))
    assert before <= recording.started <= datetime.now(UTC)
    assert [segment.sender for segment in recording.segments][:3] == ["C", "S", "C"]
    times = [segment.time for segment in recording.segments]
    assert all(earlier is not None and later is not None and earlier <= later for earlier, later in pairwise(times))
    assert times[0] is not None
    assert 0 <= times[0] <= times[-1] < 10  # type: ignore[operator]
    assert recording.outcome == "established"
    assert recording.dropped == 0
    assert all(segment.data for segment in recording.segments)


def test_it_holds_what_the_client_sent_and_read_byte_for_byte() -> None:
    context = trusting()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    sent, read = b"", b""
    with HTTPSServer(LOCALHOST) as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:

            def exchange(operation: Any) -> Any:
                nonlocal sent, read
                while True:
                    try:
                        return operation()
                    except ssl.SSLWantReadError:
                        pass
                    finally:
                        if data := outgoing.read():
                            client.sendall(data)
                            sent += data
                    read += (data := client.recv(65536))
                    incoming.write(data)

            exchange(tls.do_handshake)
            exchange(lambda: tls.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
            while True:
                try:
                    if not exchange(lambda: tls.read(65536)):
                        break
                except ssl.SSLZeroReturnError:
                    break
        recording = server.wait_for(1)[0]
        assert sent_by(recording, "C") == sent
        assert sent_by(recording, "S") == read


def test_its_endpoints_are_those_of_the_connection() -> None:
    with (
        HTTPSServer(LOCALHOST) as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw,
        trusting().wrap_socket(raw, server_hostname="localhost") as client,
    ):
        recording = server.recordings[0]
        assert recording.client == client.getsockname()
        assert recording.server == ("127.0.0.1", server.port)


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_the_key_log_holds_the_secrets_of_this_connection(version: str, tmp_path: Path) -> None:
    context = trusting()
    context.keylog_filename = str(tmp_path / "the client's own.log")
    with HTTPSServer(LOCALHOST, versions=(version,)) as server:
        with (
            socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw,
            context.wrap_socket(raw, server_hostname="localhost"),
        ):
            pass
        recording = server.wait_for(1)[0]
    theirs = [line for line in (tmp_path / "the client's own.log").read_text().splitlines() if line[0] != "#"]
    assert sorted(recording.keylog.splitlines()) == sorted(theirs)
    assert labels(recording) == (TLS13_LABELS if version == "1.3" else Counter(["CLIENT_RANDOM"]))
    random = client_random(recording.segments)
    assert random
    assert randoms(recording) == {random.hex()}


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_thirty_connections_at_once_have_each_their_own_keys(version: str) -> None:
    with HTTPSServer(LOCALHOST, lambda request: request.path, versions=(version,)) as server:
        with ThreadPoolExecutor(30) as pool:
            list(pool.map(lambda n: get(server, f"/{n}"), range(30)))
        recordings = server.wait_for(30)
    for recording in recordings:
        random = client_random(recording.segments)
        assert random
        assert randoms(recording) == {random.hex()}
        assert labels(recording) == (TLS13_LABELS if version == "1.3" else Counter(["CLIENT_RANDOM"]))
    assert len({recording.keylog for recording in recordings}) == 30


def test_a_refused_connection_keeps_the_keys_it_came_to_have() -> None:
    stranger = ssl.create_default_context(cadata=Authority.root("another").certificate_pem.decode())
    with HTTPSServer(LOCALHOST) as server:
        raw = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        with pytest.raises(ssl.SSLCertVerificationError):
            stranger.wrap_socket(raw, server_hostname="localhost")
        recording = server.wait_for(1)[0]
    assert recording.outcome == "refused by the client: unknown_ca"
    assert labels(recording)["SERVER_HANDSHAKE_TRAFFIC_SECRET"] == 1


@pytest.mark.parametrize("direction", ["up", "down"])
def test_of_a_long_connection_the_first_bytes_are_kept_and_the_rest_is_counted(direction: str) -> None:
    count, size = 4, 700_000
    wire = 0

    def app(request: Request) -> bytes:
        return b"" if request.body else bytes(size)

    with HTTPSServer(LOCALHOST, app) as server:
        connection = HTTPSConnection("localhost", server.port, context=trusting(), timeout=10)
        with contextlib.closing(connection):
            for _ in range(count):
                connection.request("POST", "/", bytes(size) if direction == "up" else None)
                wire += len(connection.getresponse().read())
        recording = server.wait_for(1)[0]
    sender, other = ("C", "S") if direction == "up" else ("S", "C")
    assert len(sent_by(recording, sender)) == KEEP_BYTES
    assert 0 < len(sent_by(recording, other)) < 20_000
    records = count * size // 16384
    total = KEEP_BYTES + recording.dropped
    assert count * size + records * 20 < total < count * size + records * 40 + 20_000  # 22 bytes a record, headers
    assert repr(recording).startswith("<Recording: established, ")


def test_the_first_bytes_are_kept_even_of_one_huge_piece() -> None:
    recording = Recording()
    recording.add("S", b"a" * (KEEP_BYTES - 1))
    recording.add("C", b"question")
    recording.add("S", b"bcdef")
    recording.add("S", b"lost")
    recording.add("C", b"another")
    assert sent_by(recording, "S") == b"a" * (KEEP_BYTES - 1) + b"b"
    assert sent_by(recording, "C") == b"questionanother"
    assert recording.dropped == 8


def test_the_newest_hundred_connections_are_kept() -> None:
    with HTTPSServer(LOCALHOST, lambda request: request.path) as server:
        for n in range(103):
            get(server, f"/{n}")
        recordings = server.wait_for(103)
        assert len(recordings) == 100
        starts = [recording.started for recording in recordings]
        assert starts == sorted(starts)
        assert recordings[-1] is server.last
        assert server.log[-1].startswith("#103 ")


# ---- waiting for it


def test_a_server_nobody_called_has_no_last_connection() -> None:
    with HTTPSServer(LOCALHOST) as server:
        assert server.last is None
        assert server.recordings == ()
        assert list(server.log) == []
        assert server.wait_for(0) == ()


def test_waiting_for_more_connections_than_come_is_an_error_that_counts_them() -> None:
    with HTTPSServer(LOCALHOST) as server:
        get(server)
        assert len(server.wait_for(1)) == 1
        started = time.monotonic()
        with pytest.raises(TLSNotesError) as caught:
            server.wait_for(2, timeout=0.2)
        assert 0.2 <= time.monotonic() - started < 2
        assert caught.value.expected == "2 connections"
        assert caught.value.found == "1"


def test_the_last_recording_is_complete_when_the_client_has_its_answer() -> None:
    with HTTPSServer(LOCALHOST) as server:
        connection = HTTPSConnection("localhost", server.port, context=trusting(), timeout=10)
        with contextlib.closing(connection):
            for n in range(1, 20):  # the connection stays open: `last` does not wait for its end
                connection.request("GET", "/")
                connection.getresponse().read()
                started = time.monotonic()
                recording = server.last
                assert time.monotonic() - started < 0.5
                assert recording is not None
                assert recording.outcome == "established"
                assert recording.segments[-1].sender == "S"
                assert len(server.log) == n


def test_the_last_recording_knows_of_the_refusal_as_soon_as_the_client_does() -> None:
    stranger = ssl.create_default_context(cadata=Authority.root("another").certificate_pem.decode())
    with HTTPSServer(LOCALHOST) as server:
        for _ in range(30):
            raw = socket.create_connection(("127.0.0.1", server.port), timeout=10)
            with pytest.raises(ssl.SSLCertVerificationError):
                stranger.wrap_socket(raw, server_hostname="localhost")
            recording = server.last
            assert recording is not None
            assert recording.outcome == "refused by the client: unknown_ca"


# ---- saved and loaded


def same(one: Recording, other: Recording) -> None:
    for name in ("segments", "keylog", "outcome", "started", "client", "server", "dropped"):
        assert getattr(one, name) == getattr(other, name), name


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_what_was_saved_is_what_is_loaded(version: str, tmp_path: Path) -> None:
    recording = recorded((version,))
    recording.dropped = 5
    path = recording.save(tmp_path / "made for it" / "connection.json")
    assert path == tmp_path / "made for it" / "connection.json"
    loaded = Recording.load(path)
    same(loaded, recording)
    same(Recording.load(loaded.save(str(tmp_path / "again.json"))), recording)


def test_an_empty_recording_can_be_saved_too(tmp_path: Path) -> None:
    same(Recording.load((empty := Recording()).save(tmp_path / "empty.json")), empty)


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")
def test_a_saved_recording_is_its_owners_alone_and_says_that_it_holds_keys(tmp_path: Path) -> None:
    recording = recorded()
    before = os.umask(0)
    try:
        paths = recording.save(tmp_path / "new" / "a.json"), recording.to_pcapng(tmp_path / "new" / "a.pcapng")
    finally:
        os.umask(before)
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o600}
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    first = paths[0].read_text().splitlines()[0]
    assert "holds the keys" in first
    assert json.loads(paths[0].read_text())["segments"]  # and it is plain JSON all the same


def test_segments_from_elsewhere_make_a_recording() -> None:
    recording = Recording.from_segments([("C", b"one"), ["S", b"two", 0.5], ("C", b"three", None)], "keys")
    assert [tuple(segment) for segment in recording.segments] == [
        ("C", b"one", None), ("S", b"two", 0.5), ("C", b"three", None),
    ]  # fmt: skip
    assert recording.keylog == "keys"


@pytest.mark.parametrize(
    "segment",
    [(), ("C",), ("X", b""), ("C", "text"), ("C", b"", "now"), ("C", b"", 0, 0), (b"C", b""), "Cx", 5, None, (1, 2)],
    ids=repr,
)
def test_what_is_no_segment_is_refused_with_its_place(segment: Any) -> None:
    with pytest.raises(TLSNotesError, match="segment 1"):
        Recording.from_segments([("C", b"fine"), segment])


GOOD: dict[str, object] = {
    "format": "tlsnotes recording 1", "started": "2026-11-24T10:00:00+00:00", "client": ["127.0.0.1", 50000],
    "server": ["127.0.0.1", 443], "outcome": None, "dropped": 0, "keylog": "", "segments": [["C", "16", 0.1]],
}  # fmt: skip


def changed(**changes: object) -> bytes:
    return json.dumps(GOOD | changes).encode()


def short(data: bytes) -> str:
    return repr(data if len(data) < 80 else data[:20] + b"..." + data[-50:])


@pytest.mark.parametrize(
    "data",
    [
        b"", b"no JSON", b"\xff\xfe\x00", b"null", b"5", b'"text"', b"[]", b"{}", b"[" * 200_000, b'{"a":' * 100_000,
        b'{"segments": ' + b"[" * 100_000, b'{"segments": {}}', b'{"segments": [[]]}', b'{"segments": [["C"]]}',
        b'{"segments": [["C", "0"]]}', b'{"segments": [["C", "zz"]]}', b'{"segments": [["X", "00"]]}',
        b'{"segments": [["C", 5]]}', b'{"segments": [5]}', b'{"segments": ["C00"]}', b'{"segments": [{"0": "C"}]}',
        b'{"segments": [["C", "00", "now"]]}', b'{"segments": [["C", "00", 0, 0]]}',
        b'{"segments": [[["C"], "00"]]}', b'{"segments": [], "keylog": 5}', b'{"segments": [], "keylog": null}',
        b'{"segments": [["C", "00", ' + b"9" * 5000 + b"]]}", changed(started="yesterday"), changed(started=None),
        changed(started="0001-01-01T00:00:00+23:00"), changed(client=["127.0.0.1"]),
        changed(client=["127.0.0.1", 65536]), changed(client=["127.0.0.1", "443"]), changed(client=[None, 443]),
        changed(server=None), changed(outcome=5), changed(dropped="many"),
        json.dumps({key: value for key, value in GOOD.items() if key != "outcome"}).encode(),
    ],
    ids=short,
)  # fmt: skip
def test_what_is_no_recording_is_refused_with_the_name_of_the_file(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "input.json").write_bytes(data)
    with pytest.raises(TLSNotesError, match=r"input\.json") as caught:
        Recording.load(tmp_path / "input.json")
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    "data",
    [
        changed(), changed(segments=[]), changed(client=["nowhere", 1]), changed(client=["::1", 1]),
        changed(segments=[["C", "16", float("nan")]]), changed(segments=[["C", "16", float("inf")]]),
        changed(segments=[["C", "16", 1e300]]), changed(segments=[["C", "16", 10**400]]),
        changed(segments=[["C", "16", -1e12]]), changed(keylog="\ud800"), changed(started="0001-01-01T00:00:00+00:00"),
        changed(started="9999-12-31T23:59:59+00:00", segments=[["C", "16", 1e6]]),
    ],
    ids=short,
)  # fmt: skip
def test_what_load_takes_can_be_written_in_every_form(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "input.json").write_bytes(data)
    with contextlib.suppress(TLSNotesError):  # to refuse it is right too
        recording = Recording.load(tmp_path / "input.json")
        recording.to_pcapng(tmp_path / "output.pcapng")
        same(Recording.load(recording.save(tmp_path / "output.json")), recording)


@pytest.mark.parametrize("name", ["missing.json", ".", "missing/too.json"])
def test_a_file_that_is_not_there_is_said_to_be(name: str, tmp_path: Path) -> None:
    with pytest.raises(TLSNotesError, match=r"is not there|cannot be read"):
        Recording.load(tmp_path / name)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["C", "S", "00ff", "0"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(sorted(GOOD)) | st.text(), inner),
    max_leaves=12,
)
segment_values = st.lists(st.lists(st.sampled_from(["C", "S", "X", "00", "1603", "0", 0, 0.5, None, -1]), max_size=4))
nearly_recordings = st.fixed_dictionaries(
    {"segments": segment_values | json_values},
    optional={name: st.just(value) | json_values for name, value in GOOD.items() if name != "segments"},
)


@settings(
    max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(stored=nearly_recordings | json_values)
def test_whatever_json_is_loaded_either_is_a_recording_or_raises_only_a_tlsnoteserror(
    stored: object, tmp_path: Path
) -> None:
    path = tmp_path / "random.json"
    path.write_text(json.dumps(stored), encoding="utf-8")
    with contextlib.suppress(TLSNotesError):
        recording = Recording.load(path)
        recording.to_pcapng(tmp_path / "random.pcapng")
        same(Recording.load(recording.save(tmp_path / "again.json")), recording)


@settings(
    max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(position=st.floats(0, 1, exclude_max=True), replacement=st.binary(max_size=3), data=st.binary(max_size=40))
def test_bytes_that_were_changed_raise_only_a_tlsnoteserror(
    position: float, replacement: bytes, data: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "random.json"
    whole = changed()
    at = int(position * len(whole))
    for attempt in (data, whole[:at] + replacement + whole[at + 1 :], whole[:at]):
        path.write_bytes(attempt)
        with contextlib.suppress(TLSNotesError):
            Recording.load(path).to_pcapng(tmp_path / "random.pcapng")


@every_vector
def test_recordings_made_by_others_load_and_keep_all_they_hold(path: Path, tmp_path: Path) -> None:
    stored = json.loads(path.read_text())
    recording = Recording.load(path)
    assert [[segment.sender, segment.data.hex()] for segment in recording.segments] == [
        s[:2] for s in stored["segments"]
    ]
    assert recording.keylog == stored["keylog"]
    assert recording.outcome is None
    again = Recording.load(recording.save(tmp_path / "again.json"))
    assert (again.segments, again.keylog) == (recording.segments, recording.keylog)


# ---- for Wireshark


def tshark(path: Path, port: int, *arguments: str) -> list[list[str]]:
    """The fields asked for with -e, one row a packet, as tshark reads the file without any keys but those in it.

    The server's `port` is TLS: a few of those that the system gives out mean another protocol to tshark.
    """
    command = [need("tshark"), "-r", str(path), "-d", f"tcp.port=={port},tls", "-T", "fields"]
    answer = subprocess.run(
        [*command, "-E", "separator=|", "-E", "occurrence=a", *arguments],
        env={"PATH": os.environ["PATH"], "HOME": str(path.parent), "LC_ALL": "C.UTF-8"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    return [line.split("|") for line in answer.stdout.splitlines()]


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("host", ["127.0.0.1", pytest.param("::1", marks=ipv6)])
def test_tshark_reads_and_decrypts_a_capture_as_it_is(version: str, host: str, tmp_path: Path) -> None:
    recording = recorded((version,), host)
    assert recording.server[0] == host
    path = recording.to_pcapng(tmp_path / "capture.pcapng")
    rows = tshark(
        path, recording.server[1], "-e", "http.request.uri", "-e", "http.response.code", "-e", "http.file_data",
        "-e", "tls.handshake.type", "-e", "_ws.malformed", "-e", "tcp.port",
    )  # fmt: skip
    columns = list(zip(*rows, strict=True))
    assert [uri for uri in columns[0] if uri] == ["/question?life=1"]
    assert [code for code in columns[1] if code] == ["200"]
    shown = "".join(columns[2])
    assert "the answer to it all" in shown or b"the answer to it all".hex() in shown.replace(":", "")
    seen = ",".join(kind for kind in columns[3] if kind).split(",")
    assert seen.count("20") == 2  # both Finished, which are encrypted
    assert not any(columns[4])
    assert str(recording.server[1]) in columns[5][0]


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("host", ["127.0.0.1", pytest.param("::1", marks=ipv6)])
def test_tshark_finds_nothing_wrong_with_the_packets(version: str, host: str, tmp_path: Path) -> None:
    recording = recorded((version,), host)
    path = recording.to_pcapng(tmp_path / "capture.pcapng")
    checks = (
        "-o",
        "tcp.check_checksum:TRUE",
        "-o",
        "ip.check_checksum:TRUE",
        "-o",
        "tcp.analyze_sequence_numbers:TRUE",
    )
    rows = tshark(
        path, recording.server[1], *checks, "-e", "tcp.checksum.status", "-e", "ip.checksum.status",
        "-e", "tcp.analysis.flags", "-e", "_ws.expert.severity", "-e", "frame.time_epoch", "-e", "tcp.len",
    )  # fmt: skip
    assert len(rows) == len(recording.segments) + 5  # three packets open a TCP connection, two end it
    assert {row[0] for row in rows} == {"1"}  # good
    assert {row[1] for row in rows} == ({"1"} if host == "127.0.0.1" else {""})
    assert not any(row[2] for row in rows)
    warning = 0x600000
    assert not [row for row in rows if any(int(severity) >= warning for severity in row[3].split(",") if severity)]
    lengths = [int(row[5]) for row in rows]
    assert lengths == [0, 0, 0, *(len(segment.data) for segment in recording.segments), 0, 0]
    for row, segment in zip(rows[3:-2], recording.segments, strict=True):
        assert segment.time is not None
        at = recording.started + timedelta(seconds=segment.time)
        assert abs(float(row[4]) - at.timestamp()) < 0.00001


def test_tshark_decrypts_a_connection_with_large_segments(tmp_path: Path) -> None:
    with HTTPSServer(LOCALHOST, lambda request: str(len(request.body))) as server:
        body = bytes(range(256)) * 1200  # 307 kB
        assert get(server, "/large", body) == str(len(body)).encode()
        recording = server.wait_for(1)[0]
    # What one side said without a break becomes one piece, larger than an IP packet can be.
    joined: list[tuple[str, bytes, float]] = []
    for segment in recording.segments:
        if joined and joined[-1][0] == segment.sender:
            joined[-1] = (segment.sender, joined[-1][1] + segment.data, joined[-1][2])
        else:
            joined.append((segment.sender, segment.data, segment.time or 0.0))
    assert max(len(data) for _, data, _ in joined) > 65_536
    path = Recording.from_segments(joined, recording.keylog).to_pcapng(tmp_path / "large.pcapng")
    rows = tshark(
        path, 443, "-e", "http.request.uri", "-e", "http.content_length", "-e", "_ws.malformed",
        "-e", "tcp.analysis.flags",
    )  # fmt: skip
    assert [row[0] for row in rows if row[0]] == ["/large"]
    assert str(len(body)) in [row[1] for row in rows]
    assert not any(row[2] or row[3] for row in rows)


@every_vector
def test_tshark_sees_in_our_capture_what_it_saw_in_the_original(path: Path, tmp_path: Path) -> None:
    need("tshark")
    stored = json.loads(path.read_text())
    messages = {(row["dir"], row["msg"], row["htype"]) for row in stored["fields"] if row["htype"]}
    expected = {sender: Counter(htype for way, _, htype in messages if way == sender) for sender in ("C->S", "S->C")}
    capture = Recording.load(path).to_pcapng(tmp_path / "capture.pcapng")
    rows = tshark(
        capture, 443, "-e", "tcp.dstport", "-e", "tls.handshake.type", "-e", "_ws.malformed", "-e", "tcp.analysis.flags"
    )
    seen: dict[str, Counter[str]] = {"C->S": Counter(), "S->C": Counter()}
    for port, types, malformed, flags in rows:
        seen["C->S" if port == "443" else "S->C"].update(kind for kind in types.split(",") if kind)
        assert not malformed
        assert not flags
    assert seen == expected


def test_a_capture_without_keys_is_still_a_capture(tmp_path: Path) -> None:
    recording = recorded()
    path = Recording.from_segments(recording.segments).to_pcapng(tmp_path / "no keys.pcapng")
    rows = tshark(path, 443, "-e", "tls.handshake.type", "-e", "http.request.uri")
    assert "1" in [row[0] for row in rows]
    assert not any(row[1] for row in rows)


def test_the_records_of_a_recording_are_whole() -> None:
    recording = recorded()
    for sender, name in (("C", "client"), ("S", "server")):
        raw = b"".join(record.raw for record in split_records(recording.segments) if record.sender == name)
        assert raw == sent_by(recording, sender)
