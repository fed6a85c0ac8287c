"""DER (X.690): values of a tag, a length and contents, and values in values.

A value becomes a `Field` with three children, in X.690's words: its identifier, length and contents octets. The field
has the value of its contents; inside the contents stand the values that they hold.

- What DER, the type or the RFC forbids is the `problem` of the field where it is. A strict reader raises it; a lenient
  one reads a value with another tag than expected as what it says it is.
- Indefinite lengths are refused, and what nests deeper than `MAX_DEPTH` stays bytes.
- The types that a schema is written with are in `notation`, those without a schema are read here, by `ANY`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from tlsnotes.wire import primitives
from tlsnotes.wire.contents import Bits, Items, keys_of
from tlsnotes.wire.fields import Field, make
from tlsnotes.wire.oids import name_of
from tlsnotes.wire.primitives import Decode
from tlsnotes.wire.reader import Reader

MAX_DEPTH = 40  # a certificate has about 15
CONSTRUCTED = 0x20
HIGH_TAG = 0x1F  # the number follows in octets of its own
APPLICATION, CONTEXT = 0x40, 0x80
CLASSES = ("universal", "application", "context-specific", "private")
FORMS = tuple(f"{name} {form}" for name in CLASSES for form in ("primitive", "constructed"))
BIT_STRING, SEQUENCE, SET = 3, 16, 17
STRUCTURES = {8: "EXTERNAL", 11: "EMBEDDED PDV", SEQUENCE: "SEQUENCE", SET: "SET"}

# For all that is wrong with a value that could be read: what was expected, and what was found.
Check = Callable[[Field], Iterable[tuple[str, str]]]


def inside(field: Field) -> tuple[Field, ...]:
    """Give the values in a value."""
    return field.children[2].children if field.children and field.children[0].name == "identifier" else ()


def also(problem: str, other: str) -> str:
    """Add one problem to another."""
    return f"{problem}; {other}" if problem and other else problem or other


@dataclass(slots=True)
class Tagged:
    """A type of one tag: its identifier octet, and how its contents are read. `named`: by what it begins with."""

    name: str
    identifier: int
    contents: Decode
    checks: tuple[Check, ...] = ()
    named: bool = False
    optional: bool = False

    @property
    def starts(self) -> frozenset[int]:
        """The one."""
        return frozenset({self.identifier})

    @property
    def keys(self) -> frozenset[str]:
        """What is chosen by inside."""
        return keys_of(self.contents)

    def read(self, reader: Reader, name: str) -> Field:
        """Read one value of this type, or what stands there instead. Raises `DecodeError`."""
        start = reader.at
        if start < reader.end and reader.buffer[start] == self.identifier:
            return self.after_identifier(reader, name or self.name, start + 1, self.identifier & HIGH_TAG)
        tag = _GENERIC[self.identifier].name
        return instead(reader, name or self.name, self.name if self.name.startswith(tag) else f"{self.name} ({tag})")

    def after_identifier(self, reader: Reader, name: str, at: int, tag: int, oddity: str = "") -> Field:
        """Read the length at `at`, and the contents (X.690 section 8.1); `oddity`: what is odd about the identifier."""
        buffer, start, outer = reader.buffer, reader.at, reader.end
        if at == outer:
            raise reader.error("a length", "the end", at)
        size, body, form, problem = buffer[at], at + 1, "short form", ""
        if size > 127:
            size, body, problem = _long_length(reader, at)
            form = "long form"
        end = body + size
        if end > outer:
            says = f"{size:,}" if size < 2**64 else f"2^{size.bit_length() - 1} or more"
            cut = reader.error(f"as many bytes as the length says ({says})", f"{outer - body:,}, then the end", at)
            problem = also(problem, reader.note(cut))
            end = outer
        identifier = make(Field, ("identifier", FORMS[buffer[start] >> 5], start, at, tag, (), buffer, oddity))
        length = make(Field, ("length", form, at, body, size, (), buffer, problem))
        reader.at, reader.end = body, end
        if reader.depth < MAX_DEPTH:
            reader.depth += 1
            value, children, problem = self.contents(reader)
            reader.depth -= 1
        else:
            value, children, _ = primitives.opaque(reader)
            problem = reader.note(reader.error(f"at most {MAX_DEPTH} values in each other", "one more"))
        reader.at, reader.end = end, outer
        contents = make(Field, ("contents", "contents octets", body, end, value, children, buffer, ""))
        if self.named and children:
            name = name_of(children[0].value) or name
        field = make(Field, (name, self.name, start, end, value, (identifier, length, contents), buffer, problem))
        for check in self.checks:
            for expected, found in check(field):
                field = field._replace(problem=also(field.problem, reader.note(reader.error(expected, found, start))))
        return field


def _long_length(reader: Reader, at: int) -> tuple[int, int, str]:
    """Read a length of more than one octet: the size, where the contents begin, what is odd (X.690 section 8.1.3.5)."""
    buffer = reader.buffer
    count = buffer[at] & 0x7F
    if count == 0:
        raise reader.error("a definite length, as DER wants", "an indefinite length", at)
    body = at + 1 + count
    if body > reader.end:
        raise reader.error(f"{count} more octets of length", f"{reader.end - at - 1}, then the end", at)
    size = int.from_bytes(buffer[at + 1 : body], "big")
    if size > 127 and buffer[at + 1]:
        return size, body, ""
    found = primitives.shown(buffer[at:body])
    return size, body, reader.note(reader.error("a length in its shortest form, as DER wants", found, at))


class _Any:
    """Whatever stands there, read as its tag says; what is odd about it is so for DER alone."""

    name = "ANY"
    optional = False
    starts = frozenset(range(256))

    def read(self, reader: Reader, name: str) -> Field:
        """Read one value. Raises `DecodeError`."""
        start = reader.at
        if start == reader.end:
            raise reader.error("a value", "the end")
        first = reader.buffer[start]
        generic = _GENERIC[first]
        tag, at, oddity = first & HIGH_TAG, start + 1, ""
        if tag == HIGH_TAG:
            tag, at, oddity = _high_tag(reader)
            generic = replace(generic, name=_tag_name(first, tag))
        return generic.after_identifier(reader, name or generic.name, at, tag, oddity)


ANY = _Any()


def instead(reader: Reader, name: str, expected: str) -> Field:
    """Read what stands where something else was expected. Raises `DecodeError` where nothing does."""
    if reader.at == reader.end:
        raise reader.error(expected, "the end")
    problem = reader.note(reader.error(expected, describe(reader)))
    field = ANY.read(reader, name)
    return field._replace(problem=also(problem, field.problem))


def describe(reader: Reader) -> str:
    """Name the type of the value that comes next, by its tag."""
    first = reader.buffer[reader.at]
    form = "" if first < APPLICATION else " constructed" if first & CONSTRUCTED else " primitive"
    return _GENERIC[first].name + form


def _high_tag(reader: Reader) -> tuple[int, int, str]:
    """Read a tag number above 30: the number, where it ends, and what is odd (X.690 section 8.1.2.4)."""
    start, tag = reader.at + 1, 0
    for at in range(start, min(start + 5, reader.end)):
        octet = reader.buffer[at]
        tag = tag << 7 | octet & 0x7F
        if octet < 0x80:
            if tag >= HIGH_TAG and reader.buffer[start] != 0x80:
                return tag, at + 1, ""
            return tag, at + 1, reader.note(reader.error("a tag number in its shortest form", str(tag), start))
    raise reader.error("a tag number of at most 5 octets", "one that goes on", start)


def _tag_name(first: int, tag: int) -> str:
    """Name a type by its tag, and its form where that is not the type's own."""
    if first >= APPLICATION:
        return f"[{('APPLICATION ', '', 'PRIVATE ')[(first >> 6) - 1]}{tag}]"
    if tag in STRUCTURES:
        return STRUCTURES[tag] if first & CONSTRUCTED else f"primitive {STRUCTURES[tag]}"
    name = primitives.UNIVERSAL[tag][0] if tag in primitives.UNIVERSAL else f"[UNIVERSAL {tag}]"
    return f"constructed {name}" if first & CONSTRUCTED else name


def _generic(first: int) -> Tagged:
    """Make the type of everything that begins with this octet."""
    tag = first & HIGH_TAG
    name = _tag_name(first, tag)
    if first >= APPLICATION:
        return Tagged(name, first, Items(ANY) if first & CONSTRUCTED else primitives.opaque)
    own = "constructed" if tag in STRUCTURES else "primitive"
    form = "constructed" if first & CONSTRUCTED else "primitive"
    contents: Decode
    if form == "constructed":
        contents = Items(ANY)
    elif tag == BIT_STRING:
        contents = Bits()
    else:
        contents = primitives.UNIVERSAL.get(tag, ("", primitives.opaque))[1]

    def wrong_form(_: Field) -> Iterable[tuple[str, str]]:
        yield f"the {own} form", f"the {form} one"

    return Tagged(name, first, contents, () if own == form else (wrong_form,))


_GENERIC = tuple(map(_generic, range(256)))
