"""Hostile bytes: whatever arrives, `dissect` gives back what can be read, in a time that grows with the bytes only."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from abuse import Mutator, assert_linear
from hypothesis import given, settings
from hypothesis import strategies as st
from needs import every_vector, vectors
from test_wire_vectors import assert_tiled, handshake_messages, known_for

from tlsnotes import DecodeError, Handshake, Recording
from tlsnotes.wire.fields import Field
from tlsnotes.wire.handshake import MAX_VALUES, dissect
from tlsnotes.wire.messages import Handshake as HandshakeMessage
from tlsnotes.wire.reader import parse, read_whole

Segments = list[tuple[str, bytes]]


def assert_whole(read: Handshake) -> None:
    """Everything that was read can be looked at, and its leaves tile the bytes."""
    for message in read.messages:
        assert_tiled(message.field, message.raw)
        assert repr(message)
    for record in read.records:
        assert_tiled(record.field, record.raw)
    said = [repr(read), read.outcome, *read.notes, *(check.detail for check in read.checks)]
    assert all(text and text.isprintable() for text in said)


@every_vector
def test_recordings_with_random_changes_are_read_as_far_as_they_go(path: Path) -> None:
    recording, mutate = Recording.load(path), Mutator(1)
    for _ in range(60):
        segments = [(s.sender, s.data) for s in recording.segments]
        victim = mutate.dice.randrange(len(segments))
        segments[victim] = (segments[victim][0], mutate(segments[victim][1]))
        assert_whole(dissect(segments, recording.keylog))


@every_vector
def test_key_logs_with_random_changes_open_the_same_or_nothing(path: Path) -> None:
    recording, mutate = Recording.load(path), Mutator(2)
    whole = {(r.sender, r.index): r.plaintext for r in recording.dissect().records}
    for _ in range(30):
        read = dissect(recording.segments, mutate(recording.keylog.encode()).decode("latin-1"))
        assert all(r.plaintext in (None, whole[r.sender, r.index]) for r in read.records)


@every_vector
def test_messages_with_random_changes_raise_decode_errors_or_are_read(path: Path) -> None:
    """Decrypted messages too: nobody can change these on the wire, but a peer can send what it likes."""
    read, mutate = Recording.load(path).dissect(), Mutator(3)
    for message in handshake_messages(read):
        known = known_for(read, message)
        for _ in range(40):
            data = mutate(message.raw)
            tree, problems = read_whole(HandshakeMessage, data, "Changed", known)
            assert_tiled(tree, data)
            if problems:
                assert any(field.problem for field in tree.walk())
                with pytest.raises(DecodeError) as refused:
                    parse(HandshakeMessage, data, "Changed", known)
                assert refused.value.path == problems[0].path
                assert refused.value.offset == problems[0].offset
            else:
                assert parse(HandshakeMessage, data, "Changed", known) == tree


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.sampled_from("CS"), st.binary(max_size=60)), max_size=8), st.text(max_size=60))
def test_any_bytes_and_any_key_log_are_survived(segments: Segments, keylog: str) -> None:
    assert_whole(dissect(segments, keylog))


def record(content_type: int, fragment: bytes) -> bytes:
    return bytes([content_type, 3, 3]) + len(fragment).to_bytes(2, "big") + fragment


def message(handshake_type: int, body: bytes = b"") -> bytes:
    return bytes([handshake_type]) + len(body).to_bytes(3, "big") + body


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    st.sampled_from("CS"),
    st.lists(st.tuples(st.sampled_from([1, 2, 4, 8, 11, 12, 13, 15, 20, 22, 25, 99]), st.binary(max_size=80))),
)
def test_handshake_messages_of_any_content_are_survived(side: str, messages: list[tuple[int, bytes]]) -> None:
    wire = b"".join(record(22, message(kind, body)) for kind, body in messages)
    read = dissect([(side, wire)])
    assert_whole(read)
    assert [m.raw for m in read.messages] == [message(kind, body) for kind, body in messages]


# ---- bounds


def test_a_connection_of_more_values_than_anybody_needs_is_cut_off_with_a_note() -> None:
    read = dissect([*many_certificates(MAX_VALUES), *many_certificates(10)])
    assert sum(1 for m in read.messages for _ in m.field.walk()) < 10 * MAX_VALUES
    assert any("so many values" in note for note in read.notes)
    assert len(read.notes) < 20
    assert_whole(read)


@pytest.mark.parametrize("unit", [b"\x15\3\3\0\2\1\0", b"\x16\3\3\0\4\0\0\0\0"], ids=["alerts", "empty messages"])
def test_messages_by_the_hundred_thousand_are_not_all_read(unit: bytes) -> None:
    read = dissect([("C", unit * (MAX_VALUES // 2)), ("S", unit * MAX_VALUES)])
    assert len(read.records) == MAX_VALUES // 2 + MAX_VALUES
    assert MAX_VALUES // 10 < len(read.messages) <= MAX_VALUES
    assert any("on nothing of the server is read: more than 100,000 values" in note for note in read.notes)
    assert len(read.notes) < 10


@every_vector
def test_wherever_the_budget_ends_what_was_read_before_is_given(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recording = Recording.load(path)
    for budget in range(0, 300, 3):
        monkeypatch.setattr("tlsnotes.wire.handshake.MAX_VALUES", budget)
        assert_whole(dissect(recording.segments, recording.keylog))


@cache
def hello_of(vector: str, sender: str) -> bytes:
    read = Recording.load(vectors() / "handshakes" / f"{vector}.json").dissect()
    return next(m.raw for m in read.messages if m.sender == sender)


def extension(number: int, data: bytes = b"") -> bytes:
    return number.to_bytes(2, "big") + len(data).to_bytes(2, "big") + data


def client_hello(extensions: bytes) -> bytes:
    head = b"\3\3" + bytes(32) + b"\0" + b"\0\2\x13\1" + b"\1\0"
    return message(1, head + len(extensions).to_bytes(2, "big") + extensions)


def split(raw: bytes, size: int = 16_000) -> bytes:
    return b"".join(record(22, raw[at : at + size]) for at in range(0, len(raw), size))


def many_small_records(n: int) -> Segments:
    return [("C", record(22, hello_of("tls13-mtls", "client"))), ("C", record(23, b"x" * 20) * n)]


def many_opened_records(n: int) -> Segments:
    return [("C", record(20, b"\1") * n), ("S", record(21, b"\1\0") * n)]


def one_message_in_many_records(n: int) -> Segments:
    return [("C", split(message(99, bytes(n)), 1))]


def many_messages_in_few_records(n: int) -> Segments:
    return [("S", split(message(14) * n))]


def many_extensions(n: int) -> Segments:
    return [("C", split(client_hello(extension(0xABCD) * min(n, 16_000))))]


def many_key_shares(n: int) -> Segments:
    shares = b"\0\x1d\0\1x" * min(n, 12_000)
    return [("C", split(client_hello(extension(51, len(shares).to_bytes(2, "big") + shares))))]


def many_certificates(n: int) -> Segments:
    hellos = [("C", record(22, hello_of("tls12-mtls", "client"))), ("S", record(22, hello_of("tls12-mtls", "server")))]
    entries = b"\0\0\4\x30\2\5\0" * n
    return [*hellos, ("S", split(message(11, len(entries).to_bytes(3, "big") + entries)))]


def deeply_nested_der(n: int) -> Segments:
    hellos = [("C", record(22, hello_of("tls12-mtls", "client"))), ("S", record(22, hello_of("tls12-mtls", "server")))]
    der = b""
    for _ in range(min(n, 3_000)):
        size = len(der)
        der = b"\x30" + (bytes([size]) if size < 128 else b"\x82" + size.to_bytes(2, "big")) + der
    entry = len(der).to_bytes(3, "big") + der
    return [*hellos, ("S", split(message(11, len(entry).to_bytes(3, "big") + entry)))]


def many_signatures(n: int) -> Segments:
    """CertificateVerify again and again, as if each stood for all that came before it."""
    hellos = [("C", record(22, hello_of("tls12-mtls", "client"))), ("S", record(22, hello_of("tls12-mtls", "server")))]
    verify = message(15, b"\4\3\0\4sign") + message(12, b"\3\0\x1d\1x\4\3\0\4sign")
    return [*hellos, ("S", split(message(14) + verify * n)), ("C", split(verify * n))]


SHAPES = [
    many_small_records, many_opened_records, one_message_in_many_records, many_messages_in_few_records,
    many_extensions, many_key_shares, many_certificates, deeply_nested_der, many_signatures,
]  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_twice_the_input_takes_about_twice_the_time(shape: Callable[[int], Segments]) -> None:
    keylog = Recording.load(vectors() / "handshakes" / "tls13-mtls.json").keylog
    once, twice = shape(1_500), shape(3_000)
    assert_linear(lambda: dissect(once, keylog), lambda: dissect(twice, keylog))


@pytest.mark.parametrize("shape", SHAPES)
def test_each_of_these_is_read_whole_and_in_a_second(shape: Callable[[int], Segments]) -> None:
    segments = shape(20_000)
    started = time.process_time()
    read = dissect(segments)
    assert time.process_time() - started < 5  # about half a second on two cores that do nothing else
    assert_whole(read)


def test_a_field_is_found_however_many_others_there_are() -> None:
    read = dissect(many_extensions(16_000))
    field: Field | None = read.messages[0].field
    assert field is not None
    assert field.find("extensions.no_such_extension") is None
    assert field.find("extensions.0xabcd (unknown).length") is not None
