"""Where a reading stands: its place in the bytes, how far it may go, and what has gone wrong on the way.

A strict reader raises `DecodeError` at the first byte that does not fit. A lenient one notes the error, keeps the bytes
from there to the end of the innermost length as they are, and goes on behind it: lengths bound what an error can reach.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from tlsnotes.errors import DecodeError
from tlsnotes.wire.fields import Field

MAX_VALUES = 250_000  # in one reading: what others can make us remember is bounded
WRAPPERS = {"body", "extension_data"}  # members that a path can do without
UNDECODED = "undecoded"  # the name of the bytes that an error leaves unread


class Type(Protocol):
    """What can be read: a `name`, as the RFC writes it, and whether a struct may end before it."""

    name: str

    @property
    def optional(self) -> bool:
        """Whether the struct may end before it."""

    def read(self, reader: Reader, name: str) -> Field:
        """Read one value at the reader's place. Raises `DecodeError`."""


class Reader:
    """A place (`at`) in `buffer`, and the `end` of what may be read there.

    `known` holds what a `Select` chooses by: what was read before, and what only the connection knows ("version").
    `path` leads to the field being read; `problems` are the errors so far of a lenient reader; `budget` is how many
    more values it will read.
    """

    __slots__ = ("at", "budget", "buffer", "depth", "end", "known", "path", "problems", "strict")

    def __init__(
        self,
        buffer: bytes,
        known: Mapping[str, object] | None = None,
        *,
        strict: bool = True,
        budget: int = MAX_VALUES,
    ) -> None:
        self.buffer = buffer
        self.at = 0
        self.end = len(buffer)
        self.known: dict[str, object] = dict(known or {})
        self.path: list[str] = []
        self.problems: list[DecodeError] = []
        self.strict = strict
        self.budget = budget
        self.depth = 0  # of nested DER values

    def error(self, expected: str, found: str, at: int | None = None) -> DecodeError:
        """Make the error for the field being read."""
        path = ".".join(name for name in self.path if name not in WRAPPERS)
        return DecodeError(path, self.at if at is None else at, expected=expected, found=found)

    def short(self, size: int) -> DecodeError:
        """Make the error for `size` bytes of which not all are there."""
        left = self.end - self.at
        return self.error(f"{size} byte{'s' * (size != 1)}", f"{left}, then the end" if left else "the end")

    def note(self, error: DecodeError) -> str:
        """Note an error that does not stop the reading, and give it in words; a strict reader raises it."""
        if self.strict:
            raise error
        self.problems.append(error)
        return f"expected {error.expected}, found {error.found}"

    def spend(self, values: int) -> None:
        """Count more values. Raises `DecodeError` when there are too many."""
        self.budget -= values
        if self.budget < 0:
            raise self.error("an end: so many values are not read", "more")

    def part(self, wanted: Type, place: str, name: str) -> Field:
        """Read one part of something at its `place` in the path; of one that cannot be read, keep the bytes."""
        path, at = self.path, self.at
        depth = len(path)
        path.append(place)
        try:
            self.spend(1)
            field = wanted.read(self, name)
        except DecodeError as error:
            field = self.undecoded(at, error)
        del path[depth:]
        return field

    def undecoded(self, start: int, error: DecodeError) -> Field:
        """Note the error and keep the bytes from `start` to the end as they are; a strict reader raises it."""
        problem = self.note(error)
        self.at = self.end
        return Field(UNDECODED, "opaque", start, self.end, self.buffer[start : self.end], (), self.buffer, problem)

    def whole(self, wanted: Type, name: str) -> Field:
        """Read one value that must reach to the end."""
        start = self.at
        try:
            field = wanted.read(self, name)
        except DecodeError as error:
            rest = self.undecoded(start, error)
            return Field(name, wanted.name, start, self.end, None, (rest,), self.buffer)
        if self.at == self.end:
            return field
        left = self.end - self.at
        rest = self.undecoded(
            self.at, self.error(f"the end after {wanted.name}", f"{left} more byte{'s' * (left != 1)}")
        )
        return field._replace(end=self.end, children=(*(field.children or (field,)), rest))


def parse(wanted: Type, data: bytes, name: str = "", known: Mapping[str, object] | None = None) -> Field:
    """Read `data` as one value and nothing else. Raises `DecodeError`."""
    return read_whole(wanted, data, name, known, strict=True)[0]


def read_whole(
    wanted: Type, data: bytes, name: str = "", known: Mapping[str, object] | None = None, *, strict: bool = False
) -> tuple[Field, list[DecodeError]]:
    """Read `data` as one value as far as it goes; give the tree and what does not fit. Strict: raises `DecodeError`."""
    reader = Reader(data, known, strict=strict)
    reader.path.append(name or wanted.name)
    return reader.whole(wanted, name or wanted.name), reader.problems
