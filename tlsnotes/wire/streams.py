"""One direction of a connection: its records opened where the keys are there, and the messages put together from them.

Each direction is read by itself: which keys protect a record depends on what its own sender has said before (Finished,
KeyUpdate, EndOfEarlyData in TLS 1.3; change_cipher_spec in TLS 1.2), never on how the two directions interleave.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from tlsnotes.wire.epochs import Protection
from tlsnotes.wire.fields import Field
from tlsnotes.wire.records import Record
from tlsnotes.wire.registry import ContentType, HandshakeType


class Piece(NamedTuple):
    """One message as bytes: of a handshake message from its type on, of anything else the plaintext of its record.

    `order` sorts the pieces of both directions as they became whole; `gap` says that records of the handshake before
    it are closed, so that messages may be missing.
    """

    sender: str
    content_type: int
    raw: bytes
    records: tuple[Record, ...]
    encrypted: bool
    order: tuple[int, int]
    gap: bool


@dataclass(frozen=True, slots=True, repr=False)
class Message:
    """A message as it was read: who sent it ("client", "server"), its `content_type`, `type` and `name`.

    `type` is the HandshakeType or AlertDescription, None for others. `raw` starts at the handshake type byte,
    reassembled and decrypted; `field` is its tree, with offsets counted in `raw`. `records` brought it, at `time`
    (seconds since the start, or None). `gap`: messages of the handshake before it may be missing.
    """

    sender: str
    content_type: int
    type: int | None
    name: str
    raw: bytes
    field: Field
    encrypted: bool
    records: tuple[Record, ...]
    time: float | None
    gap: bool = False

    def __repr__(self) -> str:
        size = f"{len(self.raw)} bytes{', encrypted' if self.encrypted else ''}"
        return f"<Message: {self.name} of the {self.sender}, {size}>"


class Stream:
    """Reads the records of one `sender`: `records` as opened or left closed, and in `notes` what is odd."""

    def __init__(self, sender: str, protection: Protection) -> None:
        self.sender = sender
        self.protection = protection
        self.records: list[Record] = []
        self.notes: list[str] = []
        self.gap = False
        self._cut = ""
        self._keys_change = False  # behind the last message
        self._odd_records = False  # one note of these is enough: they come by the thousand
        self._pending = bytearray()
        self._bringing: list[Record] = []  # the records that brought what is pending

    def pieces(self, records: Iterable[tuple[int, Record]]) -> Iterator[Piece]:
        """Give the messages in (position, record) of this sender."""
        for position, record in records:
            opened = self._opened(record)
            self.records.append(opened)
            if opened.plaintext is None or opened.inner_type is None:
                continue
            if opened.inner_type == ContentType.handshake:
                yield from self._handshake(opened, position)
                continue
            if self._pending and opened.inner_type == ContentType.application_data:
                self._give_up("application data comes before its end")
            step = 2 if opened.inner_type == ContentType.alert else max(1, len(opened.plaintext))
            for number, at in enumerate(range(0, max(1, len(opened.plaintext)), step)):
                raw = opened.plaintext[at : at + step]
                yield self._piece(opened.inner_type, raw, (opened,), (position, number), encrypted=opened.encrypted)

    def finish(self) -> None:
        """Say what the end of the stream has cut off."""
        if self._pending:
            self._give_up("what could be read ends")

    def cut(self, piece: Piece, why: str) -> None:
        """Say that from this piece on nothing is read."""
        self._cut = f"from record {piece.records[-1].index} on nothing of the {self.sender} is read: {why}"
        self.notes.append(self._cut)

    def gap_reason(self) -> str:
        """Why records of the handshake are closed or not read, or nothing where all are."""
        if self._cut or not self.gap:
            return self._cut
        return next((text for use in self.protection.uses if (text := use.reason())), "")

    def all_notes(self) -> list[str]:
        """What is odd in this direction, and which of its records are closed and why."""
        closed = [
            f"{len(use.closed)} record{'s' * (len(use.closed) > 1)} of the {self.sender} "
            f"(from record {use.closed[0]} on): {use.reason()}"
            for use in self.protection.uses
            if use.closed
        ]
        return [*self.notes, *closed]

    def _opened(self, record: Record) -> Record:
        layout = self.protection.layout(record)
        if layout is None:
            return replace(record, plaintext=record.fragment, inner_type=record.content_type)
        found = self.protection.open(record)
        if found is None:
            self.gap = self.gap or self.protection.in_handshake
            return replace(record, layout=layout)
        plaintext, inner_type = found
        if inner_type is None:
            self.notes.append(f"record {record.index} of the {self.sender} is all padding: it has no content type")
        return replace(record, layout=layout, plaintext=plaintext, inner_type=inner_type)

    def _handshake(self, record: Record, position: int) -> Iterator[Piece]:
        pending, done = self._pending, 0
        if record.plaintext:
            pending += record.plaintext
            self._bringing.append(record)
        else:
            self._note_once(f"record {record.index} of the {self.sender} is empty: RFC 9846 §5.1 forbids that")
        while len(pending) - done >= 4:
            end = done + 4 + int.from_bytes(pending[done + 1 : done + 4], "big")
            if end > len(pending):
                break
            raw, done = bytes(pending[done:end]), end
            yield self._piece(
                ContentType.handshake, raw, tuple(self._bringing), (position, done), encrypted=record.encrypted
            )
            self._bringing = [record]
            if done < len(pending) and self._keys_change:
                name = HandshakeType(raw[0]).name
                where = f"record {record.index} of the {self.sender} goes on after its {name}"
                self._note_once(f"{where}, after which the keys change: RFC 9846 §5.1 forbids that")
        del pending[:done]
        if not pending:
            self._bringing = []

    def _piece(
        self, content_type: int, raw: bytes, records: tuple[Record, ...], order: tuple[int, int], *, encrypted: bool
    ) -> Piece:
        piece = Piece(self.sender, content_type, raw, records, encrypted, order, self.gap)
        self._keys_change = self.protection.passed(content_type, raw, encrypted=encrypted)
        return piece

    def _note_once(self, note: str) -> None:
        if not self._odd_records:
            self._odd_records = True
            self.notes.append(note)

    def _give_up(self, why: str) -> None:
        there = len(self._pending)
        if there >= 4:
            name = HandshakeType(self._pending[0]).name
            size = 4 + int.from_bytes(self._pending[1:4], "big")
            self.notes.append(f"the {self.sender}'s {name} is cut off: {why} after {there} of its {size} bytes")
        else:
            self.notes.append(f"a handshake message of the {self.sender} is cut off in its first four bytes: {why}")
        self._pending.clear()
        self._bringing.clear()
