"""What the contents octets of a value are made of where other values stand in them (X.690 sections 8.6 to 8.14).

Like those of `primitives`, each stands at the contents of one value and reads them to their end.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Protocol

from tlsnotes.errors import DecodeError
from tlsnotes.wire import primitives
from tlsnotes.wire.fields import Field
from tlsnotes.wire.primitives import Contents
from tlsnotes.wire.reader import Reader, Type


class Schema(Type, Protocol):
    """A type of ASN.1."""

    @property
    def starts(self) -> frozenset[int]:
        """The identifier octets that a value of it can begin with."""


def keys_of(schema: object) -> frozenset[str]:
    """What a `DefinedBy` in it chooses by."""
    keys: frozenset[str] = getattr(schema, "keys", frozenset())
    return keys


def read_items(reader: Reader, item: Schema, children: list[Field], *, named: bool = False) -> None:
    """Read items up to the end; where they are not `named` by themselves, their names are their indices."""
    while reader.at < reader.end:
        index = str(len(children))
        children.append(reader.part(item, index, "" if named else index))


class Items:
    """The items of a SEQUENCE OF, or those of a SET OF, in order (X.690 sections 8.10, 8.12 and 11.6)."""

    def __init__(self, item: Schema, floor: int = 0, *, ordered: bool = False, named: bool = False) -> None:
        self.item = item
        self.floor = floor
        self.ordered = ordered
        self.named = named
        self.keys = keys_of(item)

    def __call__(self, reader: Reader) -> Contents:
        """Read them; the value is the tuple of theirs, where all have one."""
        start = reader.at
        children: list[Field] = []
        read_items(reader, self.item, children, named=self.named)
        problem = ""
        if len(children) < self.floor:
            problem = reader.note(reader.error(f"at least one {self.item.name}", "none"))
        # A shorter encoding is compared as if zeros followed, but no whole one is the beginning of another.
        if self.ordered and any(one.raw > other.raw for one, other in pairwise(children)):
            order = reader.error("the items of a SET OF in the order of their octets", "another order", start)
            problem = reader.note(order)
        values = tuple(child.value for child in children)
        return None if None in values else values, tuple(children), problem


class Held:
    """One value and nothing else: what an EXPLICIT tag, an OCTET STRING or a BIT STRING holds."""

    def __init__(self, wanted: Type, name: str = "") -> None:
        self.wanted = wanted
        self.name = name or ("" if hasattr(wanted, "starts") else wanted.name)  # types of ASN.1 name themselves
        self.keys = keys_of(wanted)

    def __call__(self, reader: Reader) -> Contents:
        """Read it; its value is theirs."""
        start = reader.at
        try:
            field = self.wanted.read(reader, self.name)
        except DecodeError as error:
            return None, (reader.undecoded(start, error),), ""
        if reader.at == reader.end:
            return field.value, (field,), ""
        left = reader.end - reader.at
        more = reader.error(f"the end after {field.type}", f"{left} more byte{'s' * (left != 1)}")
        return field.value, (field, reader.undecoded(reader.at, more)), ""


class Bits:
    """A BIT STRING: the number of unused bits, and the octets (X.690 sections 8.6 and 11.2); `names` are its bits'."""

    def __init__(self, holding: Type | None = None, names: tuple[str, ...] = ()) -> None:
        self.held = Held(holding, "bits") if holding else None
        self.names = names
        self.keys = keys_of(holding)

    def __call__(self, reader: Reader) -> Contents:
        """Read both; the value is the octets, what they hold, or the names of the bits that are set."""
        buffer, start, end = reader.buffer, reader.at, reader.end
        if start == end:
            return None, (), reader.note(reader.error(primitives.ONE_OCTET, "none"))
        unused = buffer[start]
        problem = self._problem(reader, unused)
        count = Field("unused_bits", "initial octet", start, start + 1, unused, (), buffer)
        reader.at = start + 1
        if self.held:
            value, children, _ = self.held(reader)
            return value, (count, *children), problem
        octets = buffer[start + 1 : end]
        value = self._set(octets) if self.names else octets
        return value, (count, Field("bits", "subsequent octets", start + 1, end, value, (), buffer)), problem

    def _problem(self, reader: Reader, unused: int) -> str:
        end = reader.end
        last = reader.buffer[end - 1]
        empty = end == reader.at + 1
        if unused > (0 if empty else 7):
            return reader.note(reader.error(f"at most {0 if empty else 7} unused bits", str(unused)))
        if last & ((1 << unused) - 1) and not empty:
            return reader.note(reader.error("unused bits of 0", f"1 among them ({last:08b})", end - 1))
        if self.names and not empty and not last >> unused & 1:
            return reader.note(reader.error("no 0 behind the last 1", f"{last:08b}", end - 1))
        bits = 8 * (end - reader.at - 1) - unused
        if self.names and bits > len(self.names):
            last_name = f"{len(self.names) - 1} ({self.names[-1]})"
            return reader.note(reader.error(f"no bit after {last_name}", str(bits - 1)))
        if self.held and unused:
            return reader.note(reader.error("whole octets", f"{unused} unused bits"))
        return ""

    def _set(self, octets: bytes) -> tuple[str, ...]:
        """Name the bits that are set, among as many as any RFC could name."""
        bits = [8 * place + bit for place, octet in enumerate(octets[:8]) for bit in range(8) if octet << bit & 0x80]
        return tuple(self.names[bit] if bit < len(self.names) else f"bit {bit}" for bit in bits)
