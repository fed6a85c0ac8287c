"""As much of the notation of ASN.1 (X.680) as it takes to write a schema the way its RFC does.

    INTEGER  OBJECT_IDENTIFIER  UTF8String ...          the universal types
    sequence("Validity", notBefore=Time, notAfter=Time)
    sequence_of("RDNSequence", RelativeDistinguishedName)       set_of(...)
    Choice("Time", utcTime=UTCTime, generalTime=GeneralizedTime)
    optional(T)   default(T, False)   explicit(0, T)   implicit(1, T)
    octet_string(T)   bit_string(T)                     ... whose octets are known to be a T
    DefinedBy("algorithm", {"rsaEncryption": T})        ANY DEFINED BY algorithm

Names are the RFC's: that of a member, of the OBJECT IDENTIFIER that an extension or an attribute begins with, or of the
alternative where a CHOICE is no member. Items of a list count from 0; what only a wrapper holds is called by its type.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from tlsnotes.wire import primitives
from tlsnotes.wire.code_points import Registry
from tlsnotes.wire.contents import Bits, Held, Items, Schema, keys_of, read_items
from tlsnotes.wire.der import (
    ANY,
    BIT_STRING,
    CONSTRUCTED,
    CONTEXT,
    SEQUENCE,
    SET,
    Check,
    Tagged,
    describe,
    inside,
    instead,
)
from tlsnotes.wire.fields import Field, Value
from tlsnotes.wire.oids import DOTTED, name_of
from tlsnotes.wire.primitives import Contents
from tlsnotes.wire.reader import UNDECODED, Reader, Type


class _Members:
    """The members of a SEQUENCE (X.690 section 8.9); `valued` is the one whose value is the whole's."""

    def __init__(self, members: Mapping[str, Schema], valued: str, *, named: bool) -> None:
        chosen_by: frozenset[str] = frozenset().union(*map(keys_of, members.values()))
        self.keys = chosen_by - members.keys()
        self.named = named
        self.valued = valued
        self.members = tuple(
            (name, wanted, wanted.starts if wanted.optional else None, name in chosen_by)
            for name, wanted in members.items()
        )

    def __call__(self, reader: Reader) -> Contents:
        """Read them in their order."""
        buffer, end, path = reader.buffer, reader.end, reader.path
        children: list[Field] = []
        value: Value = None
        problem = ""
        for member, wanted, starts, chosen_by in self.members:
            at = reader.at
            if starts is not None:
                if at == end or buffer[at] not in starts:
                    continue
            elif at == end:
                if not children or children[-1].name != UNDECODED:
                    problem = reader.note(reader.error(f"{member} ({wanted.name})", "the end"))
                break
            field = reader.part(wanted, member, member)
            children.append(field)
            if chosen_by:
                reader.known[member] = field.value
            if member == self.valued:
                value = field.value
            if self.named and len(children) == 1:
                path[-1] = name_of(field.value) or path[-1]
        if reader.at < end:
            problem = reader.note(reader.error("the end", describe(reader)))
            read_items(reader, ANY, children)
        return value, tuple(children), problem


class Choice:
    """One of several types, told by its tag (X.680 section 29)."""

    optional = False

    def __init__(self, name: str, **alternatives: Schema) -> None:
        self.name = name
        self.alternatives = {
            first: (alternative, schema, _called(alternative, schema))
            for alternative, schema in alternatives.items()
            for first in schema.starts
        }
        self.starts = frozenset(self.alternatives)
        self.keys: frozenset[str] = frozenset().union(*map(keys_of, alternatives.values()))

    def read(self, reader: Reader, name: str) -> Field:
        """Read the alternative that stands there, under its own name where it has no other. Raises `DecodeError`."""
        chosen = self.alternatives.get(reader.buffer[reader.at]) if reader.at < reader.end else None
        if chosen is None:
            return instead(reader, name or self.name, self.name)
        alternative, schema, called = chosen
        return called.read(reader, name) if name else schema.read(reader, alternative)


def _called(alternative: str, schema: Schema) -> Schema:
    """Put the alternative's name into the type where the tag does not tell, for a field that has the member's name."""
    if isinstance(schema, Tagged) and schema.identifier >= CONTEXT:
        return replace(schema, name=f"{alternative} {schema.name}")
    return schema


class DefinedBy:
    """The type that an OBJECT IDENTIFIER before it in the same SEQUENCE chooses; `cases` are by the names of these."""

    optional = False

    def __init__(self, key: str, cases: Mapping[str, Type], otherwise: Type = ANY) -> None:
        self.name = f"ANY DEFINED BY {key}"
        self.key = key
        self.keys = frozenset({key})
        self.starts = ANY.starts
        self.cases: dict[object, Type] = {DOTTED[name]: case for name, case in cases.items()}
        self.otherwise = otherwise

    def read(self, reader: Reader, name: str) -> Field:
        """Read it. Raises `DecodeError`."""
        chosen = self.cases.get(reader.known.get(self.key), self.otherwise)
        return chosen.read(reader, name or chosen.name)


class _Optional:
    """What may be missing."""

    optional = True

    def __init__(self, wanted: Schema) -> None:
        self.wanted = wanted
        self.name = wanted.name
        self.read = wanted.read
        self.starts = wanted.starts
        self.keys = keys_of(wanted)


def optional(wanted: Schema) -> Schema:
    """OPTIONAL."""
    return _Optional(wanted)


def default(wanted: Tagged, value: Value) -> Schema:
    """DEFAULT `value`: missing where it is that (X.690 section 11.5)."""

    def left_out(field: Field) -> Iterable[tuple[str, str]]:
        if field.value == value:
            yield f"nothing, for {str(value).upper()} is the default", "the default"

    return _Optional(checked(wanted, left_out))


def called(name: str, wanted: Tagged) -> Tagged:
    """A type under a name of its own."""
    return replace(wanted, name=name)


def checked(wanted: Tagged, *checks: Check) -> Tagged:
    """A type with more to be said about its values than its form."""
    return replace(wanted, checks=(*wanted.checks, *checks))


def explicit(tag: int, wanted: Schema) -> Tagged:
    """[tag] EXPLICIT: a value in a value (X.680 section 31)."""
    return Tagged(f"[{tag}] EXPLICIT {wanted.name}", CONTEXT | CONSTRUCTED | tag, Held(wanted))


def implicit(tag: int, wanted: Tagged) -> Tagged:
    """[tag] IMPLICIT: the same contents under another tag."""
    return replace(wanted, identifier=CONTEXT | wanted.identifier & CONSTRUCTED | tag)


def sequence(_name: str, *_checks: Check, _valued: str = "", _named: bool = False, **members: Schema) -> Tagged:
    """A SEQUENCE of these members: it has the value of the member `_valued`, and is `_named` by its first."""
    named = {name.replace("_", "-"): member for name, member in members.items()}  # type-id is no name in Python
    return Tagged(_name, CONSTRUCTED | SEQUENCE, _Members(named, _valued, named=_named), _checks, _named)


def sequence_of(name: str, item: Schema, *checks: Check, floor: int = 0) -> Tagged:
    """A SEQUENCE OF: SIZE (floor..MAX)."""
    items = Items(item, floor, named=isinstance(item, Choice))
    return Tagged(name, CONSTRUCTED | SEQUENCE, items, checks)


def set_of(name: str, item: Schema, *checks: Check, floor: int = 0) -> Tagged:
    """A SET OF: SIZE (floor..MAX)."""
    items = Items(item, floor, ordered=True, named=isinstance(item, Choice))
    return Tagged(name, CONSTRUCTED | SET, items, checks)


def octet_string(holding: Type) -> Tagged:
    """An OCTET STRING whose octets are a value of their own."""
    return Tagged("OCTET STRING", OCTET_STRING.identifier, Held(holding))


def bit_string(holding: Type | None = None, name: str = "BIT STRING") -> Tagged:
    """A BIT STRING, or one whose octets are a value of their own."""
    return Tagged(name, BIT_STRING, Bits(holding))


def named_bits(name: str, *names: str) -> Tagged:
    """A BIT STRING of named bits (X.680 section 22): its value is the names of those that are set."""
    return Tagged(name, BIT_STRING, Bits(names=names))


def named_numbers(wanted: Tagged, registry: type[Registry]) -> Tagged:
    """An INTEGER or an ENUMERATED whose numbers have names, and which has no others (X.680 sections 19 and 20)."""
    names = frozenset(registry)

    def contents(reader: Reader) -> Contents:
        number, children, problem = wanted.contents(reader)
        if isinstance(number, int) and 0 <= number < 256**registry.size:
            return registry(number), children, problem
        return number, children, problem

    def known(field: Field) -> Iterable[tuple[str, str]]:
        if field.value not in names:
            yield f"a {registry.__name__}", said(field.value)

    return replace(wanted, name=registry.__name__, contents=contents, checks=(known,))


def size(floor: int, ceiling: int) -> Check:
    """SIZE (floor..ceiling), in characters."""
    allowed = f"{floor} to {ceiling}" if floor < ceiling else str(floor)

    def check(field: Field) -> Iterable[tuple[str, str]]:
        if isinstance(field.value, str) and not floor <= len(field.value) <= ceiling:
            yield f"{allowed} characters", f"{len(field.value)}"

    return check


def range_from(floor: int) -> Check:
    """An INTEGER (floor..MAX)."""

    def check(field: Field) -> Iterable[tuple[str, str]]:
        if isinstance(field.value, int) and field.value < floor:
            yield f"a number from {floor}", said(field.value)

    return check


def said(value: Value) -> str:
    """Say what should be a number in few words: it can have more digits than anybody reads, or Python writes."""
    if not isinstance(value, int):
        return "something else"
    return str(value) if abs(value) < 2**64 else f"{'-' * (value < 0)}2^{value.bit_length() - 1} or beyond"


def members(field: Field) -> dict[str, Field]:
    """Give the members of a SEQUENCE by their names."""
    return {member.name: member for member in inside(field)}


def not_empty(field: Field) -> Iterable[tuple[str, str]]:
    """A SEQUENCE of optional members must have one of them."""
    if not inside(field):
        yield "at least one member", "an empty SEQUENCE"


def once_each(field: Field) -> Iterable[tuple[str, str]]:
    """The OBJECT IDENTIFIERs that the items begin with differ."""
    begun = (inside(item)[0].value for item in inside(field) if inside(item))
    for name, count in Counter(map(name_of, begun)).items():
        if name and count > 1:
            yield f"{name} once", f"{count} of them"


def _universal(tag: int) -> Tagged:
    name, contents = primitives.UNIVERSAL[tag]
    return Tagged(name, tag, contents)


BOOLEAN, INTEGER, OCTET_STRING, NULL, OBJECT_IDENTIFIER, ENUMERATED = map(_universal, (1, 2, 4, 5, 6, 10))
UTF8String, NumericString, PrintableString, TeletexString = map(_universal, (12, 18, 19, 20))
IA5String, UTCTime, GeneralizedTime, VisibleString = map(_universal, (22, 23, 24, 26))
UniversalString, BMPString = map(_universal, (28, 30))
COUNT = checked(INTEGER, range_from(0))  # INTEGER (0..MAX)
