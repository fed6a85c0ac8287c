"""The transcript: what both sides must have seen alike, hashed message by message (RFC 9846 section 4.1)."""

from __future__ import annotations

from cryptography.hazmat.primitives.hashes import Hash

from tlsnotes.wire.protection import Suite
from tlsnotes.wire.registry import HandshakeType


class Transcript:
    """The hash of the handshake messages so far, with the hash of the cipher suite; `raw` are the messages."""

    def __init__(self, suite: Suite) -> None:
        self.algorithm = suite.hash
        self.raw: list[bytes] = []
        self._hash = Hash(suite.hash)

    def add(self, raw: bytes) -> None:
        """Add one message, from its type byte on."""
        self._hash.update(raw)
        self.raw.append(raw)

    def retry(self) -> None:
        """Put message_hash in place of the first ClientHello (RFC 9846 section 4.1)."""
        first = self._hash.finalize()
        self._hash = Hash(self.algorithm)
        self._hash.update(bytes([HandshakeType.message_hash, 0, 0, len(first)]) + first)

    def fork(self) -> Transcript:
        """A transcript that goes on from here beside this one."""
        other = object.__new__(Transcript)
        other.algorithm, other.raw, other._hash = self.algorithm, [*self.raw], self._hash.copy()
        return other

    def digest(self) -> bytes:
        """The hash so far."""
        return self._hash.copy().finalize()

    def __str__(self) -> str:
        return f"the transcript of the {len(self.raw)} messages before it"
