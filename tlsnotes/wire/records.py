"""The record layer as anyone on the wire sees it: where records begin and end.

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

from tlsnotes.wire.fields import Field
from tlsnotes.wire.registry import ContentType, HandshakeType, ProtocolVersion

HEADER_SIZE = 5
MAX_FRAGMENT = 2**14 + 2048
CONTENT_TYPES = frozenset(range(20, 25))  # those of TLS; the registry has two more of DTLS
# A ServerHello with this random asks for another ClientHello (RFC 9846 section 4.2.4): SHA-256 of "HelloRetryRequest".
HELLO_RETRY_REQUEST = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


@dataclass(frozen=True, slots=True)
class Layout:
    """How a protected fragment is laid out: `before_size` bytes called `before`, the ciphertext, `after_size` bytes.

    `name` is the RFCs' for the whole: AEADEncrypted (RFC 9846 section 5.2), GenericAEADCipher (RFC 5246 section 6.2.3).
    """

    name: str
    before: str = ""
    before_size: int = 0
    after: str = ""
    after_size: int = 0

    def fields(self, start: int, end: int, buffer: bytes) -> tuple[Field, ...]:
        """The parts of the fragment from `start` to `end`; none where it is too short to have them."""
        inner, outer = start + self.before_size, end - self.after_size
        if inner > outer:
            return ()
        parts = ((self.before, start, inner), ("ciphertext", inner, outer), (self.after, outer, end))
        return tuple(
            Field(name, f"opaque[{to - at}]", at, to, buffer[at:to], (), buffer) for name, at, to in parts if to > at
        )


@dataclass(frozen=True, slots=True)
class Record:
    """One record: who sent it ("client", "server"), its index and its place in the bytes of that direction.

    `raw` holds header and fragment; `segment` is the index of the segment that brought its last byte. `layout` is
    that of a protected record. `plaintext` is what it carries, without the padding of TLS 1.3, and `inner_type` the
    content type of that: both None as long as nobody has opened it.
    """

    sender: str
    index: int
    content_type: int
    start: int
    end: int
    raw: bytes
    segment: int
    layout: Layout | None = None
    plaintext: bytes | None = None
    inner_type: int | None = None

    @property
    def fragment(self) -> bytes:
        """The bytes behind the header."""
        return self.raw[HEADER_SIZE:]

    @property
    def encrypted(self) -> bool:
        """Whether its sender protected it."""
        return self.layout is not None

    @property
    def field(self) -> Field:
        """The record as it was sent, as a tree (RFC 9846 sections 5.1 and 5.2)."""
        raw, end = self.raw, len(self.raw)
        opaque = self.layout is not None and self.layout.name == "AEADEncrypted"
        version, length = int.from_bytes(raw[1:3], "big"), end - HEADER_SIZE
        parts = self.layout.fields(HEADER_SIZE, end, raw) if self.layout else ()
        kind = self.layout.name if self.layout else f"opaque[{length}]"
        content = "encrypted_record" if opaque else "fragment"
        children = (
            Field("opaque_type" if opaque else "type", "ContentType", 0, 1, ContentType(raw[0]), (), raw),
            Field("legacy_record_version", "ProtocolVersion", 1, 3, ProtocolVersion(version), (), raw),
            Field("length", "uint16", 3, 5, length, (), raw),
            Field(content, kind, HEADER_SIZE, end, raw[HEADER_SIZE:], parts, raw),
        )
        name = "TLSCiphertext" if self.layout else "TLSPlaintext"
        return Field(name, name, 0, end, None, children, raw)


def split_records(segments: Iterable[Sequence[object]]) -> list[Record]:
    """Find the records in segments of ("C" | "S", bytes, ...), in the order in which they became whole.

    A last piece that is no whole record is left out.
    """
    return read_records(segments)[0]


def read_records(segments: Iterable[Sequence[object]]) -> tuple[list[Record], list[str]]:
    """Find the records as `split_records` does, and say for each side what is left and why it is no record."""
    found: list[Record] = []
    readers = {"C": _Direction("client"), "S": _Direction("server")}
    for position, (sender, data, *_) in enumerate(segments):
        if isinstance(data, bytes):
            found.extend(readers[str(sender)].feed(data, position))
    return found, [text for reader in readers.values() if (text := reader.left())]


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

    def left(self) -> str:
        if not self.pending:
            return ""
        place = f"the {self.sender}'s bytes from {self.start} on"
        if not self.readable:
            begin = bytes(self.pending[:HEADER_SIZE])
            hint = (
                " (they look like HTTP)" if begin.startswith((b"GET ", b"HEAD ", b"POST ", b"PUT ", b"HTTP/")) else ""
            )
            return f"{place} are no TLS record{hint}: they begin with {begin.hex(' ')}"
        if len(self.pending) < HEADER_SIZE:
            return f"{place} are cut off: {len(self.pending)} of the {HEADER_SIZE} of a record's header"
        whole = HEADER_SIZE + int.from_bytes(self.pending[3:5], "big")
        return f"{place} are cut off: {len(self.pending)} of a record's {whole}"


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
