"""The words for a field, a code point or a check: what it is, why it is there, and which RFC says so.

They stand in texts/*.toml under keys that follow the schemas:

    "ClientHello.legacy_version"       a member of a structure: the structure's type and the member's name
    "ExtensionType.key_share"          a code point: its registry and its name
    "ClientHello"                      a message, or a type, for what stands in a list and has no name
    "Vector.length", "DER.length"      the parts that every vector and every value of DER is made of
    "judge.validity"                   a check

A field is found by its own name and by the fields above it; `keyed` walks a tree and says each field's key.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from tlsnotes.wire.code_points import Registry
from tlsnotes.wire.fields import Field
from tlsnotes.wire.reader import UNDECODED
from tlsnotes.wire.registry import CipherSuite

# The files in which words stand; each key stands in one of them.
FILES = ("messages", "extensions", "registries", "algorithms", "certificates", "checks", "schedule")
DER_PARTS = frozenset(
    {"identifier", "length", "contents", "unused_bits", "bits", "undecoded", "octets", "item", "value"}
)
# "[3] EXPLICIT Extensions" holds Extensions; "directoryName [4] EXPLICIT Name" a Name.
_WRAPPING = re.compile(r"(?:\w+ )?\[\d+\] EXPLICIT ")
# "client traffic keys from CLIENT_TRAFFIC_SECRET_0" is asked of both sides, and of several keys.
_SIDE_AND_LABEL = re.compile(r"^(client|server) | from \S+$")


class Words(NamedTuple):
    """What is said of one thing; `without` says what goes wrong without it, where that is worth a word."""

    what: str
    why: str
    rfc: str
    without: str = ""


@cache
def all_words() -> dict[str, Words]:
    """Read every text, by its key."""
    folder = files("tlsnotes.show") / "texts"
    read = (tomllib.loads((folder / f"{name}.toml").read_text("utf-8")) for name in FILES)
    return {key: Words(**entry) for one in read for key, entry in one.items()}


class Placed(NamedTuple):
    """A field of a tree: the key of its words or None, how deep it lies, its parent, and the list or structure around.

    `inside` is the name of the nearest field above that is no contents: of a list, say, whose items have no names.
    """

    field: Field
    key: str | None
    depth: int
    parent: Field | None
    inside: str


def keyed(tree: Field) -> Iterator[Placed]:
    """Give every field of a tree, each before its children, with the key of its words."""
    waiting: list[tuple[Placed, Field | None, bool]] = [(Placed(tree, None, 0, None, ""), None, False)]
    while waiting:
        (field, above, depth, parent, inside), structure, in_der = waiting.pop()
        in_der = in_der or (bool(field.children) and field.children[0].name == "identifier")
        key = _key_in_der(field, structure) if in_der else _key_in_tls(field, structure, above)
        yield Placed(field, key, depth, parent, inside)
        # Contents are no structure of their own, save where TLS says which one fills them.
        around = structure if field.type == "contents octets" or _is_plain(field) else field
        name = inside if field.name == "contents" else field.name
        waiting.extend(
            (Placed(child, key, depth + 1, field, name), around, _goes_on(child, in_der=in_der))
            for child in reversed(field.children)
        )


def value_keys(field: Field) -> tuple[str, ...]:
    """The keys of the words for the code point that a field holds: one, none, or those of a cipher suite's parts."""
    value = field.value
    if not isinstance(value, Registry):
        return ()
    name = "GREASE" if "GREASE" in value.name else value.name
    key = next((key for key in (f"{type(value).__name__}.{name}", name) if key in all_words()), None)
    if key:
        return (key,)
    return suite_keys(value.name) if isinstance(value, CipherSuite) else ()


def suite_keys(name: str) -> tuple[str, ...]:
    """The keys of the words for the parts of a TLS 1.2 cipher suite's name: TLS_(key exchange)_WITH_(cipher)_(hash)."""
    exchange, _, rest = name.removeprefix("TLS_").partition("_WITH_")
    found = re.fullmatch(r"(\w+?)(?:_(MD5|SHA|SHA256|SHA384|IMIT|OMAC))?", rest)
    if found is None:
        return ()
    exchange = exchange.replace("PSK_DHE", "DHE_PSK")  # RFC 6655 turns it round
    weakened = ("KeyExchange.EXPORT",) if exchange.endswith("_EXPORT") else ()
    mac = (f"Mac.{found[2]}",) if found[2] else ()
    return (f"KeyExchange.{exchange.removesuffix('_EXPORT')}", *weakened, f"Cipher.{found[1]}", *mac)


def words_of_check(kind: str, name: str) -> Words | None:
    """The words for a check of a "handshake" or of "judge"."""
    return all_words().get(f"{kind}.{_SIDE_AND_LABEL.sub('', name)}")


def _is_plain(field: Field) -> bool:
    """Whether these are the contents of a vector whose bytes are no structure but items or octets."""
    return field.name == "contents" and field.type not in _structures()


@cache
def _structures() -> frozenset[str]:
    """The types that have members with words."""
    return frozenset(key.partition(".")[0] for key in all_words() if "." in key)


def _goes_on(child: Field, *, in_der: bool) -> bool:
    """Whether a child of DER is DER too: a list of timestamps in an extension is TLS's notation again."""
    return in_der and not child.type.startswith(("SignedCertificateTimestamp", "SerializedSCT"))


def _key_in_tls(field: Field, structure: Field | None, above: str | None) -> str | None:
    words = all_words()
    own = field.type
    names: list[str] = []
    if structure is None:  # a whole message, or a record
        names = [field.name, own]
    elif field.name == UNDECODED:
        names = [UNDECODED]
    elif own == "Extension" and not field.name.isdigit():
        names = [f"ExtensionType.{field.name}", "GREASE" if "GREASE" in field.name else "ExtensionType"]
    elif field.name in ("length", "contents") and "<" in structure.type:
        names = [f"Vector.{field.name}"]
    elif field.name.isdigit():
        names = [own, *([above] if above else [])]
    else:
        names = [f"{structure.type}.{field.name}", f"{structure.name.capitalize()}.{field.name}", own]
    return next((name for name in names if name in words), None)


def _key_in_der(field: Field, structure: Field | None) -> str | None:
    words = all_words()
    if field.name in DER_PARTS and (field.name != "bits" or field.type not in words):
        return f"DER.{field.name}"
    inside = _WRAPPING.sub("", structure.type) if structure else ""
    own = _WRAPPING.sub("", field.type)
    names = [
        f"{inside}.{field.name}",
        f"{inside.removesuffix('s')}.{field.name}",  # the alternatives that GeneralNames lists
        *([field.name] if own in ("Extension", "Attribute", "AttributeTypeAndValue") else []),
        f"X509.{own}",
        own,
        *(["DER.octets"] if own == "octets" else ["DER.item"] if field.name.isdigit() else []),
        *(["DER.value"] if field.children or own.startswith("[") else []),
    ]
    return next((name for name in names if name in words), None)
