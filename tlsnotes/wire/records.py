"""The record layer as anyone on the wire sees it: where records begin and end, and what they say in the clear.

    struct {                                   RFC 9846 section 5.1 (and RFC 5246 section 6.2.1)
        ContentType type;                      1 byte
        ProtocolVersion legacy_record_version; 2 bytes
        uint16 length;                         at most 2^14 + 256 (2^14 + 2048 in TLS 1.2)
        opaque fragment[TLSPlaintext.length];
    } TLSPlaintext;

Nothing is decrypted here. What does not look like a record ends the reading of that direction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tlsnotes.wire.registry import AlertDescription, ContentType, HandshakeType, name_of

HEADER_SIZE = 5
MAX_FRAGMENT = 2**14 + 2048
CONTENT_TYPES = frozenset(ContentType)
# A ServerHello with this random asks for another ClientHello (RFC 9846 section 4.2.4): SHA-256 of "HelloRetryRequest".
HELLO_RETRY_REQUEST = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


@dataclass(frozen=True, slots=True)
class Record:
    """One record: who sent it ("client", "server"), its index and its place in the bytes of that direction.

    `raw` holds header and fragment; `segment` is the index of the segment that brought its last byte.
    """

    sender: str
    index: int
    content_type: int
    start: int
    end: int
    raw: bytes
    segment: int

    @property
    def fragment(self) -> bytes:
        """The bytes behind the header."""
        return self.raw[HEADER_SIZE:]


def split_records(segments: Iterable[Sequence[object]]) -> list[Record]:
    """Find the records in segments of ("C" | "S", bytes, ...), in the order in which they became whole.

    A last piece that is no whole record is left out.
    """
    found: list[Record] = []
    readers = {"C": _Direction("client"), "S": _Direction("server")}
    for position, (sender, data, *_) in enumerate(segments):
        if isinstance(data, bytes):
            found.extend(readers[str(sender)].feed(data, position))
    return found


class _Direction:
    def __init__(self, sender: str) -> None:
        self.sender = sender
        self.pending = bytearray()
        self.start = self.index = 0
        self.readable = True

    def feed(self, data: bytes, segment: int) -> Iterator[Record]:
        if not self.readable:
            return
        self.pending += data
        done = 0
        while len(self.pending) - done >= HEADER_SIZE:
            content_type, major = self.pending[done], self.pending[done + 1]
            end = done + HEADER_SIZE + int.from_bytes(self.pending[done + 3 : done + 5], "big")
            if content_type not in CONTENT_TYPES or major != 3 or end - done - HEADER_SIZE > MAX_FRAGMENT:
                self.readable = False  # not TLS from here on: an HTTP request, say
                break
            if end > len(self.pending):
                break
            raw = bytes(self.pending[done:end])
            yield Record(self.sender, self.index, content_type, self.start, self.start + len(raw), raw, segment)
            self.index += 1
            self.start += len(raw)
            done = end
        del self.pending[:done]


def describe_records(records: Sequence[Record]) -> list[str]:
    """Say what can be seen of each record without keys: handshake messages, an alert, or that it is encrypted."""
    secret = {"client": False, "server": False}
    messages = {"client": _MessageHeads(), "server": _MessageHeads()}
    retry = False
    texts = []
    for record in records:
        sender, fragment = record.sender, record.fragment
        kind = name_of(ContentType, record.content_type)
        if record.content_type == ContentType.change_cipher_spec:
            # In TLS 1.2 the sender encrypts from here on. In TLS 1.3 this is for middleboxes only, and after a
            # HelloRetryRequest two more hellos follow in the clear.
            secret[sender] = not retry
        elif record.content_type == ContentType.application_data or secret[sender]:
            kind += " (encrypted)"
        elif record.content_type == ContentType.handshake:
            retry = retry or fragment[6:38] == HELLO_RETRY_REQUEST
            kind = ", ".join(messages[sender].feed(fragment)) or "handshake (goes on)"
        elif record.content_type == ContentType.alert and len(fragment) == 2:
            kind = f"alert {name_of(AlertDescription, fragment[1])}"
        texts.append(kind)
    return texts


def client_random(segments: Iterable[Sequence[object]]) -> bytes | None:
    """Find the ClientHello's `random` (32 bytes), by which a key log names its connection, or None."""
    hello = bytearray()
    for record in split_records(segments):
        if record.sender == "client":
            if record.content_type != ContentType.handshake:
                break
            hello += record.fragment
            if len(hello) >= 38:
                break
    # HandshakeType (1), length (3), legacy_version (2), then the random: RFC 9846 section 4.2.2
    return bytes(hello[6:38]) if len(hello) >= 38 and hello[0] == HandshakeType.client_hello else None


class _MessageHeads:
    """Reads the four-byte heads of handshake messages, which may stand anywhere, and skips the rest."""

    def __init__(self) -> None:
        self.pending = b""  # the begin of a head
        self.skip = 0  # bytes of a message that the next record goes on with

    def feed(self, fragment: bytes) -> list[str]:
        data, at, names = self.pending + fragment, self.skip, []
        while at + 4 <= len(data):
            names.append(name_of(HandshakeType, data[at]))
            at += 4 + int.from_bytes(data[at + 1 : at + 4], "big")
        self.pending, self.skip = data[at:], max(0, at - len(data))
        return names
