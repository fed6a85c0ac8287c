"""What is said of certificates, requests, revocation lists and checks: complete both ways, short, with its source.

The schemas of wire/asn1*.py are walked for what needs a text; every certificate of others is walked for what has none.
"""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files

import pytest
from corpus import corpus
from cryptography.hazmat.primitives.serialization import Encoding
from needs import vectors

from tlsnotes import Authority, Recording
from tlsnotes.pki.rules import PURPOSES, RULES
from tlsnotes.pki.strength import CURVES
from tlsnotes.pki.verdict import CHECKS
from tlsnotes.show.words import keyed
from tlsnotes.wire import asn1, asn1_extensions, asn1_revocation, sct
from tlsnotes.wire.contents import Bits, Held, Items
from tlsnotes.wire.der import Tagged
from tlsnotes.wire.fields import Field
from tlsnotes.wire.notation import Choice, DefinedBy
from tlsnotes.wire.oids import OIDS, name_of
from tlsnotes.wire.presentation import Struct, Vector
from tlsnotes.wire.primitives import UNIVERSAL

TEXTS = files("tlsnotes.show") / "texts"
CERTIFICATES: dict[str, dict[str, str]] = tomllib.loads((TEXTS / "certificates.toml").read_text("utf-8"))
OF_CHECKS: dict[str, dict[str, str]] = tomllib.loads((TEXTS / "checks.toml").read_text("utf-8"))
BOTH = CERTIFICATES | OF_CHECKS

ROOTS = (asn1.Certificate, asn1.CertificateList, asn1.CertificationRequest, sct.SignedCertificateTimestampList)
# The types of any value that stands there without a schema, read as its tag says.
GENERIC = {name for name, _ in UNIVERSAL.values()} | {"SEQUENCE", "SET"}
DER_PARTS = {"identifier", "length", "contents", "unused_bits", "bits", "undecoded", "octets", "item", "value"}
# "[3] EXPLICIT Extensions" holds Extensions; "directoryName [4] EXPLICIT Name" a Name.
WRAPPING = re.compile(r"(?:\w+ )?\[\d+\] EXPLICIT ")


# ---- what the schemas ask for


def inner(schema: object) -> list[object]:  # noqa: PLR0911  # one for each kind of schema
    """The schemas directly inside of one."""
    match schema:
        case Tagged():
            return [schema.contents]
        case Choice():
            return [alternative for _, alternative, _ in schema.alternatives.values()]
        case DefinedBy():
            return [*schema.cases.values(), schema.otherwise]
        case Items():
            return [schema.item]
        case Held():
            return [schema.wanted]
        case Bits():
            return [schema.held]
        case Struct():
            return [member for _, member in schema.members]
        case Vector():
            return [schema.holding, schema.item]
    members = getattr(schema, "members", None)  # those of a SEQUENCE
    if isinstance(members, tuple):
        return [member for _, member, _, _ in members]
    return [getattr(schema, "wanted", None)]  # OPTIONAL and DEFAULT


def every_schema() -> list[object]:
    seen: dict[int, object] = {}
    waiting: list[object] = [*ROOTS]
    while waiting:
        schema = waiting.pop()
        if schema is not None and id(schema) not in seen:
            seen[id(schema)] = schema
            waiting.extend(inner(schema))
    return [*seen.values()]


SCHEMAS = every_schema()


def of_members() -> set[str]:
    structures = [(schema.name, schema.contents) for schema in SCHEMAS if isinstance(schema, Tagged)]
    in_der = {f"{name}.{m[0]}" for name, contents in structures for m in getattr(contents, "members", ())}
    in_tls = {f"{schema.name}.{name}" for schema in SCHEMAS if isinstance(schema, Struct) for name, _ in schema.members}
    return in_der | in_tls


def of_alternatives() -> set[str]:
    """Those that show their names: an alternative of a universal type is called by the member it is."""
    choices = [schema for schema in SCHEMAS if isinstance(schema, Choice)]
    return {f"{c.name}.{name}" for c in choices for first, (name, _, _) in c.alternatives.items() if first >= 0x80}


def of_values() -> set[str]:
    bits = {f"{s.name}.{bit}" for s in SCHEMAS if isinstance(s, Tagged) and isinstance(s.contents, Bits)
            for bit in s.contents.names}  # fmt: skip
    return bits | {f"{registry.__name__}.{m.name}" for registry in (asn1.Version, asn1_revocation.CRLReason)
                   for m in registry}  # fmt: skip


def of_choosers() -> set[str]:
    """What the OBJECT IDENTIFIERs name by which a schema chooses: extensions, attributes, algorithms."""
    return {name_of(oid) for schema in SCHEMAS if isinstance(schema, DefinedBy) for oid in schema.cases}


def of_types() -> set[str]:
    """The types of what has no member's name: what is held, what is in a list, what stands by itself."""
    found: set[str] = set()
    waiting: list[object] = [*ROOTS]
    for schema in SCHEMAS:
        if isinstance(schema, Items | Held | DefinedBy | Vector):
            waiting.extend(inner(schema))
    while waiting:
        match schema := waiting.pop():
            case Choice():
                waiting.extend(a for first, (_, a, _) in schema.alternatives.items() if first < 0x80)
            case DefinedBy() | None:
                pass  # its own cases are waiting already
            case _:
                found.add(WRAPPING.sub("", str(getattr(schema, "name", ""))))
    # Plain octets and code points of TLS are said elsewhere; ANY is whatever stands there.
    return {name for name in found if not re.match(r"opaque|octets|ANY|ExtensionType", name)} - GENERIC


def test_the_walk_sees_the_schemas() -> None:
    """What the others stand on: a walk that saw nothing would pass them all."""
    assert {"TBSCertificate.validity", "SEQUENCE.revocationDate", "SignedCertificateTimestamp.id"} <= of_members()
    assert {"GeneralName.dNSName", "DistributionPointName.fullName"} <= of_alternatives()
    assert {"KeyUsage.keyCertSign", "CRLReason.keyCompromise", "Version.v3"} <= of_values()
    assert {"subjectAltName", "commonName", "id-ml-dsa-65", "cps"} <= of_choosers()
    assert {"Certificate", "Extension", "GeneralNames", "RSAPublicKey", "DistributionPoint"} <= of_types()


@pytest.mark.parametrize("asked", [of_members, of_alternatives, of_values, of_choosers])
def test_nothing_in_a_schema_is_without_words(asked: object) -> None:
    assert callable(asked)
    assert not asked() - CERTIFICATES.keys()


def test_no_type_is_without_words() -> None:
    used = {schema.name for schema in SCHEMAS if isinstance(schema, Tagged)} & GENERIC
    assert "UTCTime" in used
    assert not used - CERTIFICATES.keys()
    assert not {name for name in of_types() if not {name, f"X509.{name}"} & CERTIFICATES.keys()}


def test_no_extension_purpose_or_curve_that_is_judged_is_without_words() -> None:
    judged = {*asn1_extensions.EXTENSIONS, *map(name_of, PURPOSES.values()), *CURVES}
    assert not judged - CERTIFICATES.keys()


def test_no_words_are_about_what_is_not_there() -> None:
    types = of_types()
    there = of_members() | of_alternatives() | of_values() | types | GENERIC | {*OIDS.values()}
    there |= {f"X509.{name}" for name in types} | {f"DER.{part}" for part in DER_PARTS}
    assert not CERTIFICATES.keys() - there


# ---- what certificates, requests and lists of others hold


def without_words(tree: Field) -> set[tuple[str, str, str]]:
    return {(one.inside, one.field.name, one.field.type) for one in keyed(tree) if not one.key}


def test_every_field_of_every_certificate_request_and_list_has_words() -> None:
    bare: set[tuple[str, str, str]] = set()
    for vector in corpus():
        bare |= without_words(vector.parse())
    assert not bare


def test_every_field_of_every_certificate_in_a_handshake_has_words() -> None:
    trees = [
        field
        for path in sorted((vectors() / "handshakes").glob("*.json"))
        for message in Recording.load(path).dissect().messages
        for field in message.field.walk()
        if field.type == "Certificate" and field.children and field.children[0].name == "identifier"
    ]
    assert trees
    assert not set().union(*map(without_words, trees))


def test_a_field_gets_its_own_words_and_not_those_of_its_type() -> None:
    der = Authority.root("a root of these tests").issue(["localhost"]).certificate.public_bytes(Encoding.DER)
    keys = {(one.inside, one.field.name): one.key for one in keyed(asn1.parse_certificate(der))}
    assert keys["", "Certificate"] == "X509.Certificate"
    assert keys["tbsCertificate", "validity"] == "TBSCertificate.validity"
    assert keys["validity", "notAfter"] == "Validity.notAfter"
    assert keys["Extensions", "subjectAltName"] == "subjectAltName"
    assert keys["GeneralNames", "dNSName"] == "GeneralName.dNSName"
    assert keys["0", "commonName"] == "commonName"
    assert keys["subjectPublicKey", "bits"] == "ECPoint"
    assert keys["basicConstraints", "critical"] == "Extension.critical"


# ---- checks


def asked_of_handshakes() -> set[str]:
    """The names of all checks of all vectors, without the side before them and the key's label behind them."""
    found: set[str] = set()
    for path in sorted((vectors() / "handshakes").glob("*.json")):
        for check in Recording.load(path).dissect().checks:
            found.add(re.sub(r"^(client|server) | from \S+$", "", check.name))
    return found


def with_timestamps() -> Recording:
    """The hellos of TLS 1.2, and in its Certificate one with signed certificate timestamps."""
    der = next(v.der for v in corpus() if v.kind == "certificate" and v.parse().find("signedCertificateTimestampList"))
    first, second = Recording.load(vectors() / "handshakes" / "tls12-ecdhe-ecdsa-gcm.json").dissect().messages[:2]
    entry = len(der).to_bytes(3, "big") + der
    body = len(entry).to_bytes(3, "big") + entry
    certificate = b"\x0b" + len(body).to_bytes(3, "big") + body
    records = [b"\x16\x03\x03" + len(raw).to_bytes(2, "big") + raw for raw in (first.raw, second.raw, certificate)]
    return Recording.from_segments([("C", records[0]), ("S", records[1] + records[2])])


def test_every_check_of_a_handshake_has_words_and_no_words_are_about_another() -> None:
    names = asked_of_handshakes() | {check.name for check in with_timestamps().dissect().checks}
    assert "signed certificate timestamps" in names
    assert {f"handshake.{name}" for name in names} == {key for key in OF_CHECKS if key.startswith("handshake.")}


def test_every_check_of_a_chain_has_words_and_no_words_are_about_another() -> None:
    assert {f"judge.{name}" for name in CHECKS} == {key for key in OF_CHECKS if key.startswith("judge.")}


@pytest.mark.parametrize(("name", "rfc"), [(name, rfc) for name, rfc, _ in RULES])
def test_the_words_for_a_check_name_the_source_that_the_judge_names(name: str, rfc: str) -> None:
    assert OF_CHECKS[f"judge.{name}"]["rfc"] == rfc
