"""The presentation language of TLS (RFC 9846 section 3) as Python: a schema reads bytes and yields their `Field`s.

    uint16 = Uint(2)          uint16, section 3.3
    opaque(32)                opaque Random[32]                           a fixed number of bytes, section 3.4
    Vector(opaque, 0, 32)     opaque legacy_session_id<0..32>             length and contents, section 3.4
    Vector(opaque, 0, 2**16 - 1, holding=KeyShare)                        ... whose bytes are known to be a KeyShare
    Enum(registry.CipherSuite)                                            section 3.5
    Struct("Alert", level=..., description=...)                           section 3.6
    Select("msg_type", {...}) select (Handshake.msg_type) { case ... }    section 3.7
    Fixed(uint8, 1)           uint8 type = 1
    Foreign(Certificate)      a value of another language, DER

Each yields a field for every byte, length prefixes included. What does not fit is the reader's to raise or to note.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from tlsnotes.wire.fields import Field, Value, make
from tlsnotes.wire.reader import UNDECODED, Reader, Type
from tlsnotes.wire.registry import Registry


class Uint:
    """An unsigned integer of `size` bytes, the highest first."""

    optional = False

    def __init__(self, size: int) -> None:
        self.size = size
        self.name = f"uint{8 * size}"

    def read(self, reader: Reader, name: str) -> Field:
        """Read it as an int."""
        start = reader.at
        end = start + self.size
        if end > reader.end:
            raise reader.short(self.size)
        reader.at = end
        number = int.from_bytes(reader.buffer[start:end], "big")
        return make(Field, (name, self.name, start, end, number, (), reader.buffer, ""))


class Enum:
    """A code point of a registry; `parts` are the registries of its single bytes, where each has its own meaning."""

    optional = False

    def __init__(self, registry: type[Registry], **parts: type[Registry]) -> None:
        self.registry = registry
        self.name = registry.__name__
        self.size = registry.size
        self.members = {int(member): member for member in registry}  # a look-up at a third of registry(number)'s time
        self.parts = [(name, Enum(part)) for name, part in parts.items()]

    def read(self, reader: Reader, name: str) -> Field:
        """Read it as a member of the registry."""
        start = reader.at
        end = start + self.size
        if end > reader.end:
            raise reader.short(self.size)
        number = int.from_bytes(reader.buffer[start:end], "big")
        value = self.members.get(number)
        if value is None:
            value = self.registry(number)
        children = tuple([part.read(reader, part_name) for part_name, part in self.parts]) if self.parts else ()
        reader.at = end
        return make(Field, (name, self.name, start, end, value, children, reader.buffer, ""))


class _Bytes:
    """`size` bytes, or all up to the end; `parts` are what an older RFC reads in the same bytes."""

    optional = False

    def __init__(self, size: int | None, name: str, parts: Mapping[str, Type]) -> None:
        self.size = size
        self.name = name
        self.parts = tuple(parts.items())

    def read(self, reader: Reader, name: str) -> Field:
        start = reader.at
        end = reader.end if self.size is None else start + self.size
        if end > reader.end:
            raise reader.short(end - start)
        children = tuple([part.read(reader, part_name) for part_name, part in self.parts]) if self.parts else ()
        reader.at = end
        return make(Field, (name, self.name, start, end, reader.buffer[start:end], children, reader.buffer, ""))


def opaque(size: int, **parts: Type) -> Type:
    """`size` bytes whose meaning is elsewhere, or in their `parts`."""
    return _Bytes(size, f"opaque[{size}]", parts)


def rest(name: str = "opaque") -> Type:
    """All bytes up to the end of what holds them: their number is known from the connection, or by what is left."""
    return _Bytes(None, name, {})


class Bounded:
    """A value of as many bytes as a member before it says."""

    optional = False

    def __init__(self, length: str, wanted: Type) -> None:
        self.length = length
        self.wanted = wanted
        self.name = wanted.name
        self.keys = frozenset({length}) | getattr(wanted, "keys", frozenset())

    def read(self, reader: Reader, name: str) -> Field:
        """Read the value, which must fill its bytes."""
        end, outer = reader.at + cast("int", reader.known[self.length]), reader.end
        if end > outer:
            raise reader.short(end - reader.at)
        reader.end = end
        field = reader.whole(self.wanted, name)
        reader.end = outer
        return field


class Vector:
    """A length, and contents of `floor` to `ceiling` bytes: `item`s, or bytes that hold one value."""

    optional = False

    def __init__(
        self, item: Type | Callable[[int], Type], floor: int, ceiling: int, *, holding: Type | None = None
    ) -> None:
        self.item: Type | None = None if callable(item) else item  # None: bytes
        self.item_size = int(getattr(item, "size", 0))
        self.holding = holding
        self.floor = floor
        self.ceiling = ceiling
        self.prefix = (ceiling.bit_length() + 7) // 8
        self.length = f"uint{8 * self.prefix}"
        self.contents = "opaque" if callable(item) else item.name
        self.name = f"{self.contents}<{_power(floor)}..{_power(ceiling)}>"
        self.keys: frozenset[str] = getattr(holding, "keys", frozenset())

    def read(self, reader: Reader, name: str) -> Field:
        """Read length and contents. Its value is the contents' own."""
        start, buffer = reader.at, reader.buffer
        at = start + self.prefix
        if at > reader.end:
            raise reader.short(self.prefix)
        size = int.from_bytes(buffer[start:at], "big")
        end, outer = at + size, reader.end
        if end > outer:
            raise reader.error(f"{size} bytes, as the length says", f"{outer - at}, then the end", at)
        problem = ""
        if not self.floor <= size <= self.ceiling:
            allowed = f"a length from {_power(self.floor)} to {_power(self.ceiling)}"
            problem = reader.note(reader.error(allowed, str(size)))
        length = make(Field, ("length", self.length, start, at, size, (), buffer, ""))
        reader.at, reader.end = at, end
        contents = self._contents(reader)
        reader.end = outer
        return make(Field, (name, self.name, start, end, contents.value, (length, contents), buffer, problem))

    def _contents(self, reader: Reader) -> Field:
        start, end, buffer = reader.at, reader.end, reader.buffer
        if self.holding:
            return reader.whole(self.holding, "contents")
        if self.item is None:
            reader.at = end
            return make(Field, ("contents", "opaque", start, end, buffer[start:end], (), buffer, ""))
        item = self.item
        # Items of one size cannot fail as long as they are whole: the path, which only an error needs, can wait.
        whole = min((end - start) // self.item_size, reader.budget) if self.item_size else 0
        reader.spend(whole)
        children = [item.read(reader, str(number)) for number in range(whole)]
        while reader.at < end:
            name = str(len(children))
            children.append(reader.part(item, name, name))
        values = tuple([field.value for field in children])
        value: Value = None if None in values else values
        return make(Field, ("contents", self.contents, start, end, value, tuple(children), buffer, ""))


class Distinct:
    """A vector in which each name stands once, as extensions must (RFC 9846 section 4.3)."""

    optional = False

    def __init__(self, wanted: Vector) -> None:
        self.wanted = wanted
        self.name = wanted.name
        self.keys = wanted.keys

    def read(self, reader: Reader, name: str) -> Field:
        """Read all items; the first name that stands there again is a problem."""
        field = self.wanted.read(reader, name)
        seen: set[str] = set()
        for item in field.children[-1].children:
            if item.name in seen:
                error = reader.error("each once", f"{item.name} again", item.start)
                return field._replace(problem=field.problem or reader.note(error))
            seen.add(item.name)
        return field


class Struct:
    """Values one after the other, each under its name.

    `named_by` is the member whose value names the whole: an Extension is called what its extension_type says.
    """

    optional = False

    def __init__(self, _name: str, _named_by: str = "", **members: Type) -> None:
        self.name = _name
        self.named_by = _named_by
        self.members = tuple(members.items())
        # What the Selects among the members choose by, as far as it is in this struct.
        chosen_by = frozenset().union(*(getattr(member, "keys", ()) for member in members.values()))
        self.remembered = chosen_by & members.keys()

    def read(self, reader: Reader, name: str) -> Field:
        """Read the members in their order; what is optional may be missing at the end."""
        start = reader.at
        noted = len(reader.problems)
        children: list[Field] = []
        for member, wanted in self.members:
            if wanted.optional and reader.at == reader.end:
                continue
            field = reader.part(wanted, member, member)
            children.append(field)
            if len(reader.problems) > noted and reader.at == reader.end:
                break  # what follows has no bytes left, and its absence is no problem of its own
            if member in self.remembered:
                reader.known[member] = field.value
            if member == self.named_by:
                name = reader.path[-1] = str(field.value)
        return make(Field, (name, self.name, start, reader.at, None, tuple(children), reader.buffer, ""))


class Select:
    """The variant that a value chooses: one read before in the same struct, or one that the connection knows."""

    optional = False

    def __init__(self, key: str, cases: Mapping[object, Type], otherwise: Type | None = None) -> None:
        self.name = f"select ({key})"
        self.key = key
        self.keys = frozenset({key, *(inner for case in cases.values() for inner in getattr(case, "keys", ()))})
        self.cases = cases
        self.otherwise = otherwise

    def read(self, reader: Reader, name: str) -> Field:
        """Read the variant. Raises `DecodeError` where the value chooses none."""
        value = reader.known.get(self.key)
        chosen = self.cases.get(value, self.otherwise)
        if chosen is None:
            raise reader.error(f"a {self.key} of which the RFC says what follows", str(value))
        return chosen.read(reader, name)


class Optional:
    """A value that may be missing at the end of a struct."""

    optional = True

    def __init__(self, wanted: Type) -> None:
        self.wanted = wanted
        self.name = wanted.name

    def read(self, reader: Reader, name: str) -> Field:
        """Read it: it is there."""
        return self.wanted.read(reader, name)


class Fixed:
    """A value that can only be one: another is read, and is a problem."""

    optional = False

    def __init__(self, wanted: Type, value: Value) -> None:
        self.wanted = wanted
        self.name = wanted.name
        self.value = value

    def read(self, reader: Reader, name: str) -> Field:
        """Read it. A strict reader raises `DecodeError` for another value."""
        field = self.wanted.read(reader, name)
        if field.value == self.value:
            return field
        return field._replace(problem=reader.note(reader.error(str(self.value), str(field.value), field.start)))


class Foreign:
    """A value of another language, of which TLS says nothing: what is odd in it stays in its own tree.

    A reading of TLS fails by it only where it cannot be read at all.
    """

    optional = False

    def __init__(self, wanted: Type) -> None:
        self.wanted = wanted
        self.name = wanted.name

    def read(self, reader: Reader, name: str) -> Field:
        """Read it to the end, leniently. Raises `DecodeError` where a strict reader finds nothing of it."""
        strict, problems = reader.strict, reader.problems
        reader.strict, reader.problems = False, []
        field = reader.whole(self.wanted, name)
        own, reader.strict, reader.problems = reader.problems, strict, problems
        if own and field.children[:1] and field.children[0].name == UNDECODED:
            reader.note(own[0])
        return field


def _power(number: int) -> str:
    """Write a bound as the RFCs do: 2^16-1."""
    for short in (1, 2):
        if number > 255 and (number + short).bit_count() == 1:
            return f"2^{(number + short).bit_length() - 1}-{short}"
    return str(number)


uint8, uint16, uint24, uint32, uint64 = (Uint(size) for size in (1, 2, 3, 4, 8))
