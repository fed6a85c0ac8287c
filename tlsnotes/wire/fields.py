"""The one tree that every table, widget and test reads: a `Field` for each piece of a message or a certificate.

Its leaves tile the bytes: each byte belongs to exactly one leaf, in order. What the standards write as length and
contents (a vector, RFC 9846 section 3.4; a DER value, X.690 section 8.1) is a field whose children are called so.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import Enum
from typing import NamedTuple

Value = int | str | bytes | tuple[object, ...] | datetime | None


# A NamedTuple is as immutable as a frozen dataclass, and made in a third of its time: a handshake has a thousand.
class Field(NamedTuple):
    """Bytes `start` to `end` (offsets in `buffer`) under the name and the type that the standard gives them.

    `value` is what they mean: an int (a `Registry` member for a code point), text, bytes, a time, the tuple of the
    items' values for a list of these, or None for a structure, whose meaning is in its `children`.
    `problem` says in words what is odd here, and is empty where nothing is.
    """

    name: str
    type: str
    start: int
    end: int
    value: Value
    children: tuple[Field, ...]
    buffer: bytes
    problem: str = ""

    @property
    def raw(self) -> bytes:
        """The bytes themselves."""
        return self.buffer[self.start : self.end]

    def walk(self) -> Iterator[Field]:
        """Give this field and all below it, each before its children."""
        waiting = [self]
        while waiting:
            field = waiting.pop()
            yield field
            waiting.extend(reversed(field.children))

    def leaves(self) -> Iterator[Field]:
        """Give the fields without children, which tile the bytes."""
        return (field for field in self.walk() if not field.children)

    def find(self, path: str) -> Field | None:
        """Find a field by dotted names ("extensions.key_share"), or None.

        Each name is that of the nearest field below the one before it, so that what wraps it need not be named.
        """
        found: Field | None = self
        for name in path.split("."):
            found = found._nearest(name) if found else None
        return found

    def _nearest(self, name: str) -> Field | None:
        level = self.children
        while level:
            for field in level:
                if field.name == name:
                    return field
            level = tuple([child for field in level if field.children for child in field.children])
        return None

    def __repr__(self) -> str:
        return f"<Field {self.name}: {self.type}, bytes {self.start} to {self.end}{self._brief()}>"

    def _brief(self) -> str:
        match self.value:
            case None:
                return f", {len(self.children)} children"
            case bytes() as data:
                return f", {data[:16].hex()}{'…' if len(data) > 16 else ''}"
            case tuple() as items:
                return f", {len(items)} items"
            case int() as number if not isinstance(number, Enum) and abs(number) >= 1 << 128:
                return f", {'-' * (number < 0)}0x{abs(number):x}"[:32] + "…"  # Python writes no number of 5,000 digits
            case value:
                text = str(value)
                return f", {ascii(text[:40])[1:-1]}{'…' if len(text) > 40 else ''}"


# make(Field, (...)) is Field(...) without the function in Python that a NamedTuple puts between: a tenth of all reading
# goes into making fields. Each of the eight is given, `problem` too.
make = tuple.__new__
