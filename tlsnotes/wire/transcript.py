"""The transcript: what both sides must have seen alike, hashed message by message (RFC 9846 section 4.1)."""

from __future__ import annotations

from cryptography.hazmat.primitives.hashes import Hash

from tlsnotes.wire.protection import Suite
from tlsnotes.wire.registry import HandshakeType


class Transcript:
    """The hash of the handshake messages so far, with the hash of the cipher suite; `count` and `raw` of them."""

    def __init__(self, suite: Suite) -> None:
        self.algorithm = suite.hash
        self.count = 0
        self.raw: list[bytes] = []
        self._hash = Hash(suite.hash)

    def add(self, raw: bytes) -> None:
        """Add one message, from its type byte on."""
        self._hash.update(raw)
        self.raw.append(raw)
        self.count += 1

    def retry(self) -> None:
        """Put message_hash in place of the first ClientHello (RFC 9846 section 4.1)."""
        first = self._hash.finalize()
        self._hash = Hash(self.algorithm)
        self._hash.update(bytes([HandshakeType.message_hash, 0, 0, len(first)]) + first)

    def fork(self) -> Transcript:
        """A transcript that goes on from here beside this one, with a `raw` of its own."""
        other = object.__new__(Transcript)
        other.algorithm, other.count, other.raw, other._hash = self.algorithm, self.count, [], self._hash.copy()
        return other

    def digest(self) -> bytes:
        """The hash so far."""
        return self._hash.copy().finalize()

    def __str__(self) -> str:
        return f"the transcript of the {self.count} messages before it"
