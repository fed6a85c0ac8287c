"""A certificate as a judge reads it: what decides, taken from the tree of its DER, so that odd ones are read too.

What cannot be read is None or empty, never guessed; `unreadable` says which extensions those are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from tlsnotes.wire.der import inside
from tlsnotes.wire.fields import Field
from tlsnotes.wire.notation import members
from tlsnotes.wire.oids import name_of
from tlsnotes.wire.reader import UNDECODED

MAX_TITLE = 60
# What RFC 5280 section 7.1 compares: text without regard to case and to how many spaces.
Comparable = tuple[tuple[tuple[str, object], ...], ...]


class GeneralName(NamedTuple):
    """An entry of subjectAltName or a constraint: its form ("dNSName"), its value, and for a directoryName its RDNs."""

    form: str
    value: object
    rdns: Comparable = ()
    problem: str = ""


class Extension(NamedTuple):
    """An extension: its name or dotted number, whether it is critical, and its value's field (None: not readable)."""

    name: str
    critical: bool
    value: Field | None
    field: Field


@dataclass(frozen=True, slots=True)
class BasicConstraints:
    """Section 4.2.1.9."""

    ca: bool
    path_length: int | None


class Inspected:
    """The parts of a certificate (RFC 5280 section 4.1) that a judge asks for, each read when it is first asked for."""

    def __init__(self, field: Field) -> None:
        self.field = field
        self.der = field.raw
        self._parts = members(field)
        self._tbs = members(self._parts["tbsCertificate"]) if "tbsCertificate" in self._parts else {}

    def part(self, name: str) -> Field | None:
        """A member of Certificate or TBSCertificate, or None where it could not be read."""
        return self._parts.get(name) or self._tbs.get(name)

    def raw(self, name: str) -> bytes:
        """The DER of a member, or nothing."""
        part = self.part(name)
        return part.raw if part else b""

    @cached_property
    def title(self) -> str:
        """What to call it: its commonName, else its first name, else its whole subject."""
        subject = self.part("subject")
        attributes = [a for rdn in inside(subject) for a in inside(rdn)] if subject else []
        common = [a.value for a in attributes if a.name == "commonName" and isinstance(a.value, str)]
        others = [n.value for n in self.names if isinstance(n.value, str)]
        rest = [a.value for a in attributes if isinstance(a.value, str)]
        return short(next(iter([*common, *others, *rest]), "no name"))

    @cached_property
    def subject(self) -> Comparable:
        """The subject as it is compared."""
        return comparable(self.part("subject"))

    @cached_property
    def issuer(self) -> Comparable:
        """The issuer as it is compared."""
        return comparable(self.part("issuer"))

    @property
    def self_issued(self) -> bool:
        """Whether subject and issuer are one name (section 6.1); who signed it is another question."""
        return bool(self.subject) and self.subject == self.issuer

    @property
    def key(self) -> bytes:
        """The SubjectPublicKeyInfo as DER."""
        return self.raw("subjectPublicKeyInfo")

    @property
    def not_before(self) -> datetime | None:
        """When it begins to hold."""
        return self._time("notBefore")

    @property
    def not_after(self) -> datetime | None:
        """When it ceases to hold."""
        return self._time("notAfter")

    def _time(self, name: str) -> datetime | None:
        validity = self.part("validity")
        field = members(validity).get(name) if validity else None
        return field.value if field and isinstance(field.value, datetime) else None

    @cached_property
    def extensions(self) -> dict[str, Extension]:
        """Its extensions by their names; of one that stands twice the first, and `encoding` will say so."""
        found: dict[str, Extension] = {}
        for extension in extensions_of(self.part("extensions")):
            found.setdefault(extension.name, extension)
        return found

    def _value(self, name: str) -> Field | None:
        extension = self.extensions.get(name)
        return extension.value if extension else None

    @cached_property
    def basic_constraints(self) -> BasicConstraints | None:
        """Whether it is a CA, and how many may follow below it; None without the extension."""
        if "basicConstraints" not in self.extensions:
            return None
        value = self._value("basicConstraints")
        found = {m.name: m.value for m in inside(value)} if value else {}
        length = found.get("pathLenConstraint")
        return BasicConstraints(found.get("cA") is True, length if isinstance(length, int) else None)

    @property
    def is_ca(self) -> bool:
        """Whether basicConstraints say so."""
        return bool(self.basic_constraints and self.basic_constraints.ca)

    @cached_property
    def key_usage(self) -> frozenset[str] | None:
        """What its key may do; None without the extension."""
        return self._texts("keyUsage")

    @cached_property
    def extended_key_usage(self) -> frozenset[str] | None:
        """Dotted KeyPurposeIds; None without the extension."""
        return self._texts("extKeyUsage")

    def _texts(self, name: str) -> frozenset[str] | None:
        if name not in self.extensions:
            return None
        value = self._value(name)
        items = value.value if value and isinstance(value.value, tuple) else ()
        return frozenset(item for item in items if isinstance(item, str))

    @cached_property
    def names(self) -> tuple[GeneralName, ...]:
        """The entries of subjectAltName."""
        value = self._value("subjectAltName")
        return tuple(general_names(value)) if value else ()

    @cached_property
    def emails(self) -> tuple[str, ...]:
        """E-mail addresses in the subject, as they were written before subjectAltName."""
        subject = self.part("subject")
        attributes = [a for rdn in inside(subject) for a in inside(rdn)] if subject else []
        return tuple(str(a.value) for a in attributes if a.name == "emailAddress")

    @cached_property
    def subject_key_identifier(self) -> bytes | None:
        """The name of its own key."""
        value = self._value("subjectKeyIdentifier")
        return value.value if value and isinstance(value.value, bytes) else None

    @cached_property
    def authority_key_identifier(self) -> bytes | None:
        """The name of its issuer's key."""
        value = self._value("authorityKeyIdentifier")
        field = members(value).get("keyIdentifier") if value else None
        return field.value if field and isinstance(field.value, bytes) else None

    @cached_property
    def problems(self) -> tuple[tuple[str, str], ...]:
        """What its DER or RFC 5280's profile of it is violated by: (dotted path, words)."""
        return tuple(problems_of(self.field))


def extensions_of(field: Field | None) -> Iterator[Extension]:
    """The extensions of a certificate, a CRL or an entry of one."""
    if field is None:
        return
    listed = inside(field)
    if field.type.startswith("["):  # [3] EXPLICIT holds the list itself
        listed = inside(listed[0]) if listed else ()
    for item in listed:
        found = members(item)
        critical = found.get("critical")
        value = inside(found["extnValue"])[:1] if "extnValue" in found else ()
        readable = value and value[0].name != UNDECODED
        name = name_of(found["extnID"].value) if "extnID" in found else item.name
        dotted = str(found["extnID"].value) if "extnID" in found else item.name
        yield Extension(name or dotted, bool(critical and critical.value), value[0] if readable else None, item)


def general_names(field: Field) -> Iterator[GeneralName]:
    """Each entry of a GeneralNames."""
    for item in inside(field):
        yield general_name(item)


def general_name(item: Field) -> GeneralName:
    """One GeneralName: where it is a member, its form stands in its type."""
    form = item.type.partition(" ")[0] if item.name == "base" else item.name
    rdns: Comparable = ()
    if form == "directoryName":
        held = inside(item)
        rdns = comparable(held[0]) if held else ()
    return GeneralName(form, item.value, rdns, item.problem)


def comparable(name: Field | None) -> Comparable:
    """A distinguished name as RFC 5280 section 7.1 compares it: RDN by RDN, each a set of attributes."""
    if name is None:
        return ()
    return tuple(tuple(sorted(((_kind(a), _folded(a)) for a in inside(rdn)), key=repr)) for rdn in inside(name))


def _kind(attribute: Field) -> str:
    parts = inside(attribute)
    return str(parts[0].value) if parts else attribute.name


def _folded(attribute: Field) -> object:
    if isinstance(attribute.value, str):
        return re.sub(r"\s+", " ", attribute.value.strip()).casefold()
    parts = inside(attribute)
    return parts[-1].raw if parts else attribute.raw


def problems_of(field: Field) -> Iterator[tuple[str, str]]:
    """Each problem in a tree, with the names that lead to it."""
    waiting = [(field, field.name)]
    while waiting:
        found, path = waiting.pop()
        if found.problem:
            yield path, found.problem
        for child in reversed(found.children):
            named = child.name not in ("contents", "identifier", "length", "extnValue")
            waiting.append((child, f"{path}.{child.name}" if named else path))


def short(text: str) -> str:
    """Text in one line of few characters."""
    return text if len(text) <= MAX_TITLE else f"{text[:MAX_TITLE]}…"
