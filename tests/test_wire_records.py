"""Records: found in whatever pieces the bytes arrive, and in linear time."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from needs import every_vector

from tlsnotes import Recording
from tlsnotes.live.recording import Segment
from tlsnotes.wire.keylog import lines_for
from tlsnotes.wire.records import MAX_FRAGMENT, Record, client_random, split_records


def record(content_type: int, fragment: bytes, version: int = 0x0303) -> bytes:
    return bytes([content_type]) + version.to_bytes(2, "big") + len(fragment).to_bytes(2, "big") + fragment


def message(handshake_type: int, body: bytes = b"") -> bytes:
    return bytes([handshake_type]) + len(body).to_bytes(3, "big") + body


def identity(found: Record) -> tuple[str, int, int, int, int, bytes]:
    """All of a record but the segment that brought it."""
    return found.sender, found.index, found.content_type, found.start, found.end, found.raw


def by_sender(records: list[Record]) -> dict[str, list[tuple[str, int, int, int, int, bytes]]]:
    return {name: [identity(r) for r in records if r.sender == name] for name in ("client", "server")}


def stream(segments: tuple[Segment, ...], sender: str) -> bytes:
    return b"".join(segment.data for segment in segments if segment.sender == sender)


# ---- split_records


@every_vector
def test_the_records_tile_what_each_side_sent(path: Path) -> None:
    segments = Recording.load(path).segments
    records = split_records(segments)
    for sender, name in (("C", "client"), ("S", "server")):
        mine = [r for r in records if r.sender == name]
        assert b"".join(r.raw for r in mine) == stream(segments, sender)
        assert [r.index for r in mine] == list(range(len(mine)))
        assert all(later.start == earlier.end for earlier, later in pairwise(mine))
        assert all(stream(segments, sender)[r.start : r.end] == r.raw for r in mine)
        assert all(r.fragment == r.raw[5:] and r.content_type == r.raw[0] for r in mine)
    assert [r.segment for r in records] == sorted(r.segment for r in records)


@every_vector
def test_the_records_are_the_ones_tshark_found(path: Path) -> None:
    rows = json.loads(path.read_text())["fields"]
    for way, name in (("C->S", "client"), ("S->C", "server")):
        headers = [row for row in rows if row["dir"] == way and row["where"] == "record"]
        kinds = ("tls.record.content_type", "tls.record.opaque_type")
        theirs = {row["rec"]: int(row["show"]) for row in headers if row["field"] in kinds}
        mine = {r.index: r.content_type for r in split_records(Recording.load(path).segments) if r.sender == name}
        assert mine == theirs


@every_vector
def test_bytes_that_arrive_one_by_one_are_the_same_records(path: Path) -> None:
    segments = Recording.load(path).segments
    single = [(segment.sender, bytes([byte])) for segment in segments for byte in segment.data]
    assert [identity(r) for r in split_records(single)] == [identity(r) for r in split_records(segments)]


@every_vector
def test_bytes_that_arrive_all_at_once_are_the_same_records(path: Path) -> None:
    segments = Recording.load(path).segments
    joined = [(sender, stream(segments, sender)) for sender in "CS"]
    assert by_sender(split_records(joined)) == by_sender(split_records(segments))


@every_vector
def test_wherever_the_bytes_end_the_whole_records_before_are_found(path: Path) -> None:
    segments = Recording.load(path).segments
    for sender in "CS":
        data = stream(segments, sender)[:3000]
        whole = split_records([(sender, data)])
        for cut in range(len(data)):
            expected = [identity(r) for r in whole if r.end <= cut]
            assert [identity(r) for r in split_records([(sender, data[:cut])])] == expected


@every_vector
def test_a_tail_of_a_record_changes_nothing_before_it(path: Path) -> None:
    segments = Recording.load(path).segments
    for tail in (b"\x16", b"\x17\x03\x03\x40", record(23, bytes(100))[:-1]):
        for sender in "CS":
            assert split_records([*segments, (sender, tail)]) == split_records(segments)


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 10, b"\x19\x03\x03\x00\x00", b"\x16\x02\x03\x00\x00",
        b"\x16\x04\x03\x00\x00",
        b"\x17\x03\x03" + (MAX_FRAGMENT + 1).to_bytes(2, "big") + bytes(MAX_FRAGMENT + 1),
        b"\x80\x2e\x01\x03\x01",
    ],
    ids=lambda data: repr(data[:16]),
)  # fmt: skip
def test_what_is_no_record_ends_the_reading_of_that_side_only(garbage: bytes) -> None:
    good = record(22, b"x")
    found = split_records([("C", good + garbage), ("C", good), ("S", good), ("S", good)])
    assert [(r.sender, r.index) for r in found] == [("client", 0), ("server", 0), ("server", 1)]


@pytest.mark.parametrize("version", [0x0300, 0x0301, 0x0302, 0x0303, 0x0304])
def test_a_record_may_bear_any_version_of_tls(version: int) -> None:
    assert len(split_records([("C", record(22, b"x", version))])) == 1


def test_records_may_be_empty_and_as_large_as_tls_1_2_allows() -> None:
    sizes = [0, MAX_FRAGMENT, 0, 1]
    found = split_records([("S", b"".join(record(23, bytes(size)) for size in sizes))])
    assert [len(r.fragment) for r in found] == sizes
    assert [r.start for r in found] == [0, 5, 10 + MAX_FRAGMENT, 15 + MAX_FRAGMENT]


def test_a_record_is_counted_where_it_became_whole() -> None:
    one = record(22, b"client's")
    found = split_records([("C", one[:3]), ("S", record(22, b"server's")), ("C", one[3:] + one), ("C", b"")])
    assert [(r.sender, r.segment) for r in found] == [("server", 1), ("client", 2), ("client", 2)]


def test_nothing_is_found_in_nothing() -> None:
    assert split_records([]) == []
    assert split_records([("C", b""), ("S", b"")]) == []
    assert client_random([]) is None


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.sampled_from("CS"), st.binary(max_size=40))))
def test_whatever_the_bytes_are_the_records_are_a_beginning_of_them(segments: list[tuple[str, bytes]]) -> None:
    records = split_records(segments)
    client_random(segments)
    for sender, name in (("C", "client"), ("S", "server")):
        whole = b"".join(data for who, data in segments if who == sender)
        assert whole.startswith(b"".join(r.raw for r in records if r.sender == name))


# ---- client_random and the key log

CLIENT_HELLO = message(1, b"\x03\x03" + bytes(range(32)) + bytes(200))


@every_vector
def test_the_random_of_the_client_hello_is_the_one_in_the_key_log(path: Path) -> None:
    recording = Recording.load(path)
    random = client_random(recording.segments)
    assert random
    mine = lines_for(recording.keylog, random)
    assert mine
    assert set(mine.splitlines()) <= set(recording.keylog.splitlines())


@pytest.mark.parametrize("size", [1, 2, 5, 37, 38, 39, 100])
def test_the_random_is_found_however_the_client_hello_is_split_over_records(size: int) -> None:
    pieces = [CLIENT_HELLO[at : at + size] for at in range(0, len(CLIENT_HELLO), size)]
    assert client_random([("C", record(22, piece)) for piece in pieces]) == bytes(range(32))
    wire = b"".join(record(22, piece) for piece in pieces)
    assert client_random([("C", bytes([byte])) for byte in wire]) == bytes(range(32))


def test_there_is_no_random_without_a_whole_beginning_of_a_client_hello() -> None:
    assert client_random([("S", record(22, CLIENT_HELLO))]) is None
    assert client_random([("C", record(22, CLIENT_HELLO)[:100])]) is None
    assert client_random([("C", record(22, CLIENT_HELLO[:37]))]) is None
    assert client_random([("C", record(22, message(2, bytes(100))))]) is None
    assert client_random([("C", record(21, bytes(2)) + record(22, CLIENT_HELLO))]) is None
    assert client_random([("C", b"GET / HTTP/1.1\r\n\r\n")]) is None


def test_the_lines_of_one_connection_are_picked_from_a_key_log_of_many() -> None:
    one, other = "11" * 32, "aB" * 32
    text = (
        f"# a comment\nCLIENT_RANDOM {one} {'00' * 48}\r\n\n  SERVER_TRAFFIC_SECRET_0 {one} 0011  \n"
        f"CLIENT_RANDOM {other} {'22' * 48}\nCLIENT_RANDOM {one} 123\nCLIENT_RANDOM {one}\nclient_random {one} 00\n"
        f"CLIENT_RANDOM {one} zz\nCLIENT_RANDOM {one}00 00\nEXPORTER_SECRET {one} 00 11\n"
    )
    assert lines_for(text, bytes.fromhex(one)) == (
        f"CLIENT_RANDOM {one} {'00' * 48}\nSERVER_TRAFFIC_SECRET_0 {one} 0011\n"
    )
    assert lines_for(text, bytes.fromhex(other)) == f"CLIENT_RANDOM {other} {'22' * 48}\n"
    assert lines_for(text, bytes(32)) == lines_for("", bytes(32)) == ""


# ---- time


def seconds(work: Callable[[], object]) -> float:
    """The best of five, for the machine does other things as well."""
    best = float("inf")
    for _ in range(5):
        started = time.process_time()
        work()
        best = min(best, time.process_time() - started)
    return best


def many_tiny_records(n: int) -> list[tuple[str, bytes]]:
    return [("C", record(22, b"x") * n)]


def many_tiny_segments(n: int) -> list[tuple[str, bytes]]:
    return [("C", bytes([byte])) for byte in record(22, bytes(15)) * (n // 4)]


def many_empty_records(n: int) -> list[tuple[str, bytes]]:
    return [("S", record(22, b"")) for _ in range(n)]


def many_messages_in_few_records(n: int) -> list[tuple[str, bytes]]:
    # Both sizes beyond what a processor keeps at hand: where one is not, the step between them looks like growth.
    return [("S", record(22, message(14) * 4000)) for _ in range(n // 25)]


def a_client_hello_that_never_ends(n: int) -> list[tuple[str, bytes]]:
    return [("C", record(22, message(1, bytes(100))[:30])), *(("C", record(22, b"")) for _ in range(n))]


def many_large_records_in_small_pieces(n: int) -> list[tuple[str, bytes]]:
    wire = record(23, bytes(16000)) * (n // 400)
    return [("S", wire[at : at + 100]) for at in range(0, len(wire), 100)]


SHAPES = [
    many_tiny_records, many_tiny_segments, many_empty_records, many_messages_in_few_records,
    a_client_hello_that_never_ends, many_large_records_in_small_pieces,
]  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_four_times_the_input_takes_about_four_times_the_time(shape: Callable[[int], list[tuple[str, bytes]]]) -> None:
    def work(segments: list[tuple[str, bytes]]) -> None:
        split_records(segments)
        client_random(segments)

    small, large = shape(5_000), shape(20_000)
    ratio = seconds(lambda: work(large)) / seconds(lambda: work(small))
    assert ratio < 8  # and not sixteen
