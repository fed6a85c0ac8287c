"""Records are only how messages travel: sealed again in records of other sizes, they are the same handshake.

The messages of recorded TLS 1.3 handshakes are put into new records here: cut anywhere, many in one, padded, one byte
each, and protected again with the secrets of their key log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from needs import every_vector_of_tls_1_3, vectors
from test_wire_vectors import seen, verdicts

from tlsnotes import Handshake, Message, Recording
from tlsnotes.wire.key_schedule import hkdf_expand_label, next_traffic_secret, traffic_key
from tlsnotes.wire.keylog import secrets_for
from tlsnotes.wire.protection import Suite, suite_of
from tlsnotes.wire.registry import CipherSuite, ContentType, HandshakeType

SIDES = {"client": "C", "server": "S"}


class Sender:
    """Seals what one side says, and changes keys when it has to."""

    def __init__(self, name: str, suite: Suite, secrets: dict[str, bytes]) -> None:
        self.side = SIDES[name]
        self.suite = suite
        self.secret = secrets.get(f"{name.upper()}_HANDSHAKE_TRAFFIC_SECRET", b"")
        self.later = secrets.get(f"{name.upper()}_TRAFFIC_SECRET_0", b"")
        self.sequence = 0

    def change(self, secret: bytes) -> None:
        self.secret, self.sequence = secret, 0

    def seal(self, content: bytes, kind: int, padding: int = 0) -> tuple[str, bytes]:
        length = 16 if "128" in self.suite.cipher else 32
        key, iv = traffic_key(self.suite.hash, self.secret, length, 12)
        inner = content + bytes([kind]) + bytes(padding)
        header = b"\x17\x03\x03" + (len(inner) + 16).to_bytes(2, "big")
        nonce = (int.from_bytes(iv, "big") ^ self.sequence).to_bytes(12, "big")
        self.sequence += 1
        return self.side, header + AESGCM(key).encrypt(nonce, inner, header)


Frames = Callable[[bytes], Iterator[tuple[bytes, int]]]  # a run of messages in pieces, each with its padding


def one_byte_each(data: bytes) -> Iterator[tuple[bytes, int]]:
    return ((data[at : at + 1], 0) for at in range(len(data)))


def seven_bytes_and_padding(data: bytes) -> Iterator[tuple[bytes, int]]:
    return ((data[at : at + 7], at % 50) for at in range(0, len(data), 7))


def all_in_one(data: bytes) -> Iterator[tuple[bytes, int]]:
    yield data, 0


def all_in_one_with_much_padding(data: bytes) -> Iterator[tuple[bytes, int]]:
    yield data, 3000


def reframed(path: Path, frames: Frames, *, update: bool = False) -> Recording:
    """The recording with its encrypted messages in other records; `update`: a KeyUpdate before application data."""
    recording = Recording.load(path)
    read = recording.dissect()
    random = read.messages[0].raw[6:38]
    suite = suite_of(CipherSuite[read.cipher_suite or ""])
    assert suite is not None
    senders = {name: Sender(name, suite, secrets_for(recording.keylog, random)) for name in SIDES}
    segments: list[tuple[str, bytes]] = []

    def run(message: Message) -> tuple[str, int, bool, bool]:
        last = message.type == HandshakeType.finished and message.content_type == ContentType.handshake
        return message.sender, message.content_type, message.encrypted, last

    for (name, kind, encrypted, last), group in groupby(read.messages, run):
        messages, sender = list(group), senders[name]
        if not encrypted:
            for message in messages:
                header = bytes([kind, 3, 3]) + len(message.raw).to_bytes(2, "big")
                segments.append((sender.side, header + message.raw))
            continue
        if update and kind == ContentType.application_data:
            segments.append(sender.seal(bytes([HandshakeType.key_update, 0, 0, 1, 0]), ContentType.handshake))
            sender.change(next_traffic_secret(suite.hash, sender.secret))
        data = b"".join(message.raw for message in messages)
        pieces = frames(data) if kind == ContentType.handshake else iter([(data, 0)])
        segments += [sender.seal(piece, kind, padding) for piece, padding in pieces]
        if last:
            sender.change(sender.later)
    return Recording.from_segments(segments, recording.keylog)


def handshake_of(read: Handshake) -> list[tuple[object, ...]]:
    return [part for part in seen(read) if part[1] not in ("application_data", "KeyUpdate")]


@every_vector_of_tls_1_3
@pytest.mark.parametrize("frames", [one_byte_each, seven_bytes_and_padding, all_in_one, all_in_one_with_much_padding])
def test_in_other_records_it_is_the_same_handshake(path: Path, frames: Frames) -> None:
    read, again = Recording.load(path).dissect(), reframed(path, frames).dissect()
    assert handshake_of(again) == handshake_of(read)
    assert verdicts(again) == verdicts(read)
    assert again.notes == ()
    assert all(r.plaintext is not None for r in again.records)


@every_vector_of_tls_1_3
def test_after_a_key_update_both_sides_are_still_read(path: Path) -> None:
    read, again = Recording.load(path).dissect(), reframed(path, all_in_one, update=True).dissect()
    assert [m.name for m in again.messages].count("KeyUpdate") == len(
        [1 for _, run in groupby(m.sender for m in read.messages if m.name == "application_data")]
    )
    assert handshake_of(again) == handshake_of(read)
    assert all(r.plaintext is not None for r in again.records)
    for sender in SIDES:
        data = [
            b"".join(m.raw for m in h.messages if (m.sender, m.name) == (sender, "application_data"))
            for h in (read, again)
        ]
        assert data[0] == data[1]


def test_a_record_that_is_all_padding_is_noted() -> None:
    recording = Recording.load(vectors() / "handshakes" / "tls13-x25519-aes256.json")
    read = recording.dissect()
    suite = suite_of(CipherSuite[read.cipher_suite or ""])
    assert suite is not None
    sender = Sender("client", suite, secrets_for(recording.keylog, read.messages[0].raw[6:38]))
    sender.change(sender.later)
    sender.sequence = len([r for r in read.records if r.sender == "client" and r.encrypted]) - 1
    again = Recording.from_segments([*recording.segments, sender.seal(b"", 0, 20)], recording.keylog).dissect()
    assert len(again.notes) == 1
    assert "all padding" in again.notes[0]
    assert seen(again) == seen(read)


def test_a_record_that_goes_on_after_the_keys_change_is_noted() -> None:
    """RFC 9846 section 5.1: what follows the server's Finished needs a record and keys of its own."""
    recording = Recording.load(vectors() / "handshakes" / "tls13-x25519-aes256.json")
    assert recording.dissect().notes == ()
    read = recording.dissect()
    suite = suite_of(CipherSuite[read.cipher_suite or ""])
    assert suite is not None
    sender = Sender("server", suite, secrets_for(recording.keylog, read.messages[0].raw[6:38]))
    flight = [m.raw for m in read.messages if m.sender == "server" and m.encrypted and m.content_type == 22]
    joined = sender.seal(b"".join(flight), ContentType.handshake)
    sender.change(sender.secret)
    empty = sender.seal(b"", ContentType.handshake)
    hellos = [
        (SIDES[m.sender], b"\x16\3\3" + len(m.raw).to_bytes(2, "big") + m.raw)
        for m in read.messages
        if m.name in ("ClientHello", "ServerHello")
    ]
    again = Recording.from_segments([*hellos, joined], recording.keylog).dissect()
    assert [note for note in again.notes if "goes on after its finished, after which the keys change" in note]
    again = Recording.from_segments([*hellos, empty], recording.keylog).dissect()
    assert [note for note in again.notes if "is empty" in note]


def test_hkdf_expand_label_gives_what_rfc_8448_shows() -> None:
    """RFC 8448 section 3: the server's handshake traffic secret, its key and IV."""
    suite = suite_of(CipherSuite.TLS_AES_128_GCM_SHA256)
    assert suite is not None
    secret = bytes.fromhex("b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38")
    key, iv = traffic_key(suite.hash, secret, 16, 12)
    assert key.hex() == "3fce516009c21727d0f2e4e86ee403bc"
    assert iv.hex() == "5d313eb2671276ee13000b30"
    assert hkdf_expand_label(suite.hash, secret, "finished", b"", 32).hex() == (
        "008d3b66f816ea559f96b537e885c31fc068bf492c652f01f288a1d8cdc19fc8"
    )
