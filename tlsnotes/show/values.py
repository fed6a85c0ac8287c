"""What a field's value looks like in one line of text: decoded, never longer than a line, and harmless."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import Enum
from itertools import islice

from tlsnotes.show.tables import visible
from tlsnotes.wire.code_points import Registry
from tlsnotes.wire.fields import Field
from tlsnotes.wire.oids import OIDS

FEW = 8  # bytes that are shown as they are
SOME = 6  # items of a list that are named
MANY = 64  # children that are looked at for it
FEW_MEMBERS = 3  # a structure of so many is said by what they say
DIGITS = 1 << 64  # numbers from here on are written in hex, as serial numbers are
SERIAL = 168  # bits; and larger ones, of keys and signatures, are shown by their size
SILENT = frozenset({"name_type", "unused_bits", "critical"})  # beside what they are about
# Octets that are text by their specification: host names (RFC 6066), protocol names (RFC 7301), stapled URLs.
TEXTS = frozenset({"host_name", "protocol_name_list", "supported_protocols", "public_name"})


def describe(field: Field, above: str = "") -> str:
    """Say a field's value in one line; `above` is the name of the list it stands in."""
    text = _value(field.value, as_text=field.name in TEXTS or above in TEXTS)
    if text is None:
        text = _structure(field)
    return visible(text)


def _value(value: object, *, as_text: bool) -> str | None:  # noqa: PLR0911  # one for each kind of value
    match value:
        case None:
            return None
        case Registry() as member:
            return str(member) if "(" in member.name else f"{member} ({int(member):#0{2 + 2 * member.size}x})"
        case Enum() as member:
            return member.name
        case bool():
            return str(value).upper()
        case int():
            return _number(value)
        case bytes() if as_text:
            return value.decode("ascii", "backslashreplace")
        case bytes():
            return _octets(value)
        case str():
            return OIDS.get(value, value)
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%S} UTC" if value.utcoffset() is not None else f"{value:%Y-%m-%d %H:%M:%S}"
        case tuple():
            return _items(value, as_text=as_text)
    return str(value)


def _number(value: int) -> str:
    if abs(value) < DIGITS:
        return f"{value:,}"
    return f"{value:#x}" if value.bit_length() <= SERIAL else f"a number of {value.bit_length():,} bits"


def _octets(data: bytes) -> str:
    if not data:
        return "empty"
    if not any(data) and len(data) > FEW:
        return f"{len(data):,} zero bytes"
    return data.hex(" ") if len(data) <= FEW else f"{len(data):,} bytes"


def _items(items: tuple[object, ...], *, as_text: bool) -> str:
    if not items:
        return "empty"
    named = [_in_list(item, as_text=as_text) for item in islice(items, SOME)]
    if None in named:
        return _count(len(items))
    more = f", … ({len(items):,})" if len(items) > SOME else ""
    return ", ".join(filter(None, named)) + more


def _in_list(item: object, *, as_text: bool) -> str | None:
    if isinstance(item, Registry):
        return str(item)  # without its number: a list has no room for it
    if isinstance(item, tuple):
        return " ".join(filter(None, (_in_list(part, as_text=as_text) for part in islice(item, SOME))))
    return _value(item, as_text=as_text)


def _count(number: int) -> str:
    return f"{number:,} {'entry' if number == 1 else 'entries'}"


def _structure(field: Field, levels: int = 4) -> str:
    """What is said of a field that has only children: what they are called if they are extensions, or what they say."""
    members = [m for m in islice(meaningful(field), MANY) if m.name not in SILENT]
    if not members:
        return "" if field.children and field.children[0].name == "identifier" else "empty"
    if all(member.type == "Extension" for member in members):
        return _some([member.name for member in members], sum(1 for _ in meaningful(field)))
    if len(members) > FEW_MEMBERS and not members[0].name.isdigit():
        return ""  # a structure of many members: its rows say it better
    if levels == 0:
        return ""
    said = [_member(member, field, levels) for member in members[:SOME]]
    if not all(said) or len(members) > SOME:
        return _count(len(members)) if members[0].name.isdigit() else ""
    return ", ".join(said)


def _member(member: Field, above: Field, levels: int) -> str:
    text = _value(member.value, as_text=member.name in TEXTS or above.name in TEXTS)
    if isinstance(member.value, bool):
        return f"{member.name} {text}"
    return _structure(member, levels - 1) if text is None else text.partition(" (0x")[0]


def _some(names: list[str], count: int) -> str:
    more = f", … ({count:,})" if count > SOME else ""
    return ", ".join(names[:SOME]) + more


def meaningful(field: Field) -> Iterable[Field]:
    """The children that say something of their own: what only says how long, of which kind, or wraps is passed by."""
    waiting = [*reversed(field.children)]
    while waiting:
        child = waiting.pop()
        if not is_plumbing(child, field):
            yield child
        else:
            waiting.extend(reversed(child.children))


# What holds another value and has no meaning beside it, or repeats what its parent is called.
_PLUMBING = frozenset({"identifier", "contents", "extension_data", "extnValue", "extension_type", "extnID", "body"})


def is_plumbing(field: Field, above: Field | None) -> bool:
    """Whether a field only says how long, of which kind or where: shown when every byte is asked for."""
    if above is None or field.problem:
        return False
    if field.name == "length":
        return above.type != "Handshake" and not above.type.startswith(("TLS", "ECHConfig"))
    # A type in place of a name: what an EXPLICIT tag or an OCTET STRING holds.
    return field.name in _PLUMBING or (field.name == field.type and bool(field.children))
