"""Certificates, requests and CRLs of others, read as openssl and pyca/cryptography read them."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC
from functools import partial
from typing import Any, cast

import pytest
from corpus import PACKAGE, Vector, at, corpus, problems, tiles
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from needs import need, vectors

from tlsnotes.wire.asn1 import parse_der
from tlsnotes.wire.der import inside
from tlsnotes.wire.fields import Field
from tlsnotes.wire.oids import OIDS

# ---- Referee 1: openssl asn1parse

_LINE = re.compile(r"^ *(\d+):d=\d+ +hl=(\d+) +l= *(\d+) (cons|prim): +([^:\n]+)", re.MULTILINE)
_CLASSES = {"application": "appl", "context-specific": "cont", "private": "priv"}
_NAMES = {
    1: "BOOLEAN",
    2: "INTEGER",
    3: "BIT STRING",
    4: "OCTET STRING",
    5: "NULL",
    6: "OBJECT",
    10: "ENUMERATED",
    12: "UTF8STRING",
    16: "SEQUENCE",
    17: "SET",
    18: "NUMERICSTRING",
    19: "PRINTABLESTRING",
    20: "T61STRING",
    22: "IA5STRING",
    23: "UTCTIME",
    24: "GENERALIZEDTIME",
    26: "VISIBLESTRING",
    27: "GENERALSTRING",
    28: "UNIVERSALSTRING",
    30: "BMPSTRING",
}
Node = tuple[int, int, int, str, str]


def nodes_by_openssl(data: bytes) -> tuple[set[Node], bool]:
    """What openssl sees: offset, header length, contents length, form and tag; and whether it got to the end."""
    run = subprocess.run([need("openssl"), "asn1parse", "-inform", "DER"], input=data, capture_output=True, check=False)
    lines = _LINE.findall(run.stdout.decode("utf-8", "replace"))
    return {
        (int(a), int(b), int(c), form, " ".join(tag.removesuffix("[HEX DUMP]").split())) for a, b, c, form, tag in lines
    }, not run.returncode


def nodes_of(tree: Field) -> Iterator[Node]:
    """The same of ours: openssl does not look into what a string holds."""
    waiting = [tree]
    while waiting:
        field = waiting.pop()
        if len(field.children) < 3 or field.children[0].name != "identifier":
            continue
        identifier, _, contents = field.children[:3]
        assert isinstance(identifier.value, int)
        cls, form = identifier.type.split()
        tag = f"{_CLASSES[cls]} [ {identifier.value} ]" if cls in _CLASSES else _NAMES[identifier.value]
        yield field.start, contents.start - field.start, contents.end - contents.start, form[:4], tag
        if form == "constructed":
            waiting.extend(contents.children)


def test_openssl_sees_the_same_values_at_the_same_places() -> None:
    with ThreadPoolExecutor(4) as threads:
        seen = list(threads.map(nodes_by_openssl, (vector.der for vector in corpus())))
    assert sum(len(nodes) for nodes, _ in seen) > 30_000
    different = {}
    for vector, (nodes, complete) in zip(corpus(), seen, strict=True):
        ours = set(nodes_of(vector.parse()))
        if difference := (ours ^ nodes if complete else nodes - ours):
            different[vector.name] = sorted(difference)[:4]
    assert not different


def test_every_byte_of_every_vector_is_in_one_leaf() -> None:
    assert len(corpus()) > 700
    assert not [vector.name for vector in corpus() if not tiles(vector.parse(), vector.der)]


def test_the_odd_and_the_hostile_ones_are_among_them() -> None:
    shared = {path.read_bytes() for path in (vectors() / "certificates").glob("*/*.der")}
    assert len(shared) > 70
    assert shared <= {vector.der for vector in corpus()}


def test_anything_else_in_der_can_be_walked_too() -> None:
    """Private and public keys, PKCS #7, OCSP: without a schema."""
    paths = [path for path in PACKAGE.rglob("*.der") if "x509" not in path.parts or "ocsp" in path.parts]
    assert len(paths) > 40
    for path in paths:
        data = path.read_bytes()
        tree = parse_der(data)
        nodes, complete = nodes_by_openssl(data)
        assert tiles(tree, data), path.name
        if complete:
            assert set(nodes_of(tree)) == nodes, path.name


# ---- Referee 2: pyca/cryptography

# What it raises for what it cannot read.
UNREADABLE = (
    *(ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion),
    *(x509.DuplicateExtension, x509.UnsupportedGeneralNameType),
)
Pair = tuple[str, Callable[[], object], Callable[[], object]]  # what, as pyca reads it, as we do


def attributes(name: Field) -> list[tuple[object, object]]:
    pairs = (field for field in name.walk() if field.type == "AttributeTypeAndValue")
    return [(at(pair, "type").value, at(pair, "value").value) for pair in pairs]


def attributes_by_pyca(name: x509.Name) -> list[tuple[object, object]]:
    # Of a BIT STRING it gives all contents, the number of unused bits too.
    plain = ((item.oid.dotted_string, item.value) for item in name)
    return [(oid, text[1:] if isinstance(text, bytes) else text) for oid, text in plain]


def names(field: Field) -> list[object]:
    items = (item for item in inside(field) if item.name != "otherName")
    return [attributes(item) if item.name == "directoryName" else item.value for item in items]


def names_by_pyca(names: Iterable[x509.GeneralName]) -> list[object]:
    def plain(name: x509.GeneralName) -> object:
        match name:
            case x509.DirectoryName(value=value):
                return attributes_by_pyca(value)
            case x509.RegisteredID(value=value):
                return value.dotted_string
            case _:
                return str(name.value)

    return [plain(name) for name in names if not isinstance(name, x509.OtherName)]


def subtrees(field: Field | None) -> list[object]:
    bases = [at(item, "base") for item in inside(field)] if field else []
    return [attributes(base) if base.type.startswith("directoryName") else base.value for base in bases]


def values(field: Field, name: str) -> list[object]:
    return [item.value for item in field.walk() if item.name == name]


def value(field: Field, path: str, default: object = None) -> object:
    found = field.find(path)
    return found.value if found else default


USAGES = {
    "digital_signature": "digitalSignature",
    "content_commitment": "nonRepudiation",
    "key_encipherment": "keyEncipherment",
    "data_encipherment": "dataEncipherment",
    "key_agreement": "keyAgreement",
    "key_cert_sign": "keyCertSign",
    "crl_sign": "cRLSign",
    "_encipher_only": "encipherOnly",
    "_decipher_only": "decipherOnly",
}
# Extension: what pyca reads, and what we do, each made plain.
EXTENSIONS: dict[str, tuple[Callable[[Any], object], Callable[[Field], object]]] = {
    "subjectAltName": (names_by_pyca, lambda field: names(at(field, "GeneralNames"))),
    "issuerAltName": (names_by_pyca, lambda field: names(at(field, "GeneralNames"))),
    "certificateIssuer": (names_by_pyca, lambda field: names(at(field, "GeneralNames"))),
    "basicConstraints": (
        lambda peer: (peer.ca, peer.path_length),
        lambda field: (value(field, "cA", default=False), value(field, "pathLenConstraint")),
    ),
    "keyUsage": (
        lambda peer: tuple(ours for theirs, ours in USAGES.items() if getattr(peer, theirs)),
        lambda field: field.value,
    ),
    "extKeyUsage": (lambda peer: tuple(oid.dotted_string for oid in peer), lambda field: field.value),
    "subjectKeyIdentifier": (lambda peer: peer.digest, lambda field: field.value),
    "authorityKeyIdentifier": (
        lambda peer: (
            peer.key_identifier,
            names_by_pyca(peer.authority_cert_issuer or []),
            peer.authority_cert_serial_number,
        ),
        lambda field: (
            value(field, "keyIdentifier"),
            names(issuer) if (issuer := field.find("authorityCertIssuer")) else [],
            value(field, "authorityCertSerialNumber"),
        ),
    ),
    "certificatePolicies": (
        lambda peer: [policy.policy_identifier.dotted_string for policy in peer],
        lambda field: values(field, "policyIdentifier"),
    ),
    "nameConstraints": (
        lambda peer: (names_by_pyca(peer.permitted_subtrees or []), names_by_pyca(peer.excluded_subtrees or [])),
        lambda field: (subtrees(field.find("permittedSubtrees")), subtrees(field.find("excludedSubtrees"))),
    ),
    "policyConstraints": (
        lambda peer: (peer.require_explicit_policy, peer.inhibit_policy_mapping),
        lambda field: (value(field, "requireExplicitPolicy"), value(field, "inhibitPolicyMapping")),
    ),
    "authorityInfoAccess": (
        lambda peer: [item.access_method.dotted_string for item in peer],
        lambda field: values(field, "accessMethod"),
    ),
    "signedCertificateTimestampList": (
        lambda peer: [(sct.log_id, sct.timestamp.replace(tzinfo=UTC), sct.signature) for sct in peer],
        lambda field: [
            (value(sct, "id"), value(sct, "timestamp"), value(sct, "signature.signature.contents"))
            for sct in field.walk()
            if sct.type == "SignedCertificateTimestamp"
        ],
    ),
    "tlsfeature": (lambda peer: tuple(feature.value for feature in peer), lambda field: field.value),
    "cRLNumber": (lambda peer: peer.crl_number, lambda field: field.value),
    "deltaCRLIndicator": (lambda peer: peer.crl_number, lambda field: field.value),
    "inhibitAnyPolicy": (lambda peer: peer.skip_certs, lambda field: field.value),
    "reasonCode": (lambda peer: peer.reason.value, lambda field: at(field, "CRLReason").value.name),  # type: ignore[union-attr]
    "invalidityDate": (lambda peer: peer.invalidity_date_utc, lambda field: field.value),
}


def extension_pairs(tree: Field, peer: Any, path: str) -> Iterator[Pair]:
    """The extensions there are, and each that pyca knows."""

    def ours() -> dict[object, Field]:
        holder = tree.find(path)
        found = (field for field in holder.walk() if field.type == "Extension") if holder else ()
        return {at(field, "extnID").value: field for field in found}

    yield (
        f"{path}: criticality",
        lambda: {item.oid.dotted_string: item.critical for item in peer.extensions},
        lambda: {oid: value(field, "critical", default=False) for oid, field in ours().items()},
    )
    for oid, field in ours().items():
        if (name := OIDS.get(str(oid), "")) in EXTENSIONS:
            theirs, plain = EXTENSIONS[name]
            yield f"{path}: {name}", partial(extension_by_pyca, peer, str(oid), theirs), partial(plain, field)


def extension_by_pyca(peer: Any, oid: str, plain: Callable[[Any], object]) -> object:
    return plain(peer.extensions.get_extension_for_oid(x509.ObjectIdentifier(oid)).value)


def key_by_pyca(key: Any) -> object:
    match key:
        case rsa.RSAPublicKey():
            return key.public_numbers().n, key.public_numbers().e
        case dsa.DSAPublicKey():
            return key.public_numbers().y, key.parameters().parameter_numbers().g
        case ec.EllipticCurvePublicKey():
            return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        case _:
            return key.public_bytes_raw()


def key(field: Field) -> object:
    algorithm = OIDS.get(str(at(field, "algorithm").value))
    bits = at(field, "subjectPublicKey.bits")
    match algorithm:
        case "rsaEncryption" | "id-RSASSA-PSS":
            return value(bits, "modulus"), value(bits, "publicExponent")
        case "id-dsa":
            return bits.value, value(field, "g")
        case _:
            return bits.value


def pairs(vector: Vector) -> Iterator[Pair]:
    tree, peer = vector.parse(), cast("Any", vector.peer())
    info = at(
        tree, {"certificate": "tbsCertificate", "csr": "certificationRequestInfo", "crl": "tbsCertList"}[vector.kind]
    )
    if vector.kind == "certificate":
        yield "serial", lambda: peer.serial_number, lambda: value(info, "serialNumber")
        yield "version", lambda: peer.version.value, lambda: value(info, "version", default=0)
        yield "not before", lambda: peer.not_valid_before_utc, lambda: value(info, "validity.notBefore")
        yield "not after", lambda: peer.not_valid_after_utc, lambda: value(info, "validity.notAfter")
        yield "key", lambda: key_by_pyca(peer.public_key()), lambda: key(at(info, "subjectPublicKeyInfo"))
        yield from extension_pairs(info, peer, "extensions")
    if vector.kind == "csr":
        yield "key", lambda: key_by_pyca(peer.public_key()), lambda: key(at(info, "subjectPKInfo"))
        yield from extension_pairs(info, peer, "attributes")
    if vector.kind == "crl":
        yield "last update", lambda: peer.last_update_utc, lambda: value(info, "thisUpdate")
        yield "next update", lambda: peer.next_update_utc, lambda: value(info, "nextUpdate")
        entries = inside(revoked) if (revoked := info.find("revokedCertificates")) else ()
        yield (
            "entries",
            lambda: [(item.serial_number, item.revocation_date_utc) for item in peer],
            lambda: [(value(item, "userCertificate"), value(item, "revocationDate")) for item in entries],
        )
        yield from extension_pairs(info, peer, "crlExtensions")
        for entry, item in zip(entries, peer, strict=True):
            yield from extension_pairs(entry, item, "crlEntryExtensions")
    else:
        yield "subject", lambda: attributes_by_pyca(peer.subject), lambda: attributes(at(info, "subject"))
    if vector.kind != "csr":
        yield "issuer", lambda: attributes_by_pyca(peer.issuer), lambda: attributes(at(info, "issuer"))
    signature = inside(tree)[2]
    yield "signature", lambda: peer.signature, lambda: b"".join(field.raw for field in inside(signature)[1:])
    yield "algorithm", lambda: peer.signature_algorithm_oid.dotted_string, lambda: value(tree, "signatureAlgorithm")


@pytest.mark.filterwarnings("ignore")
def test_pyca_reads_the_same_values() -> None:
    compared: Counter[str] = Counter()
    wrong = {}
    for vector in corpus():
        try:
            vector.peer()
        except UNREADABLE:
            continue
        for what, theirs, ours in pairs(vector):
            try:
                expected = theirs()
            except UNREADABLE:
                continue
            compared[what] += 1
            if (found := ours()) != expected:
                wrong[vector.name, what] = (expected, found)
    assert not wrong
    assert compared["serial"] > 450
    assert compared["extensions: subjectAltName"] > 25
    assert not {name for name in EXTENSIONS if not any(what.endswith(f": {name}") for what in compared)}


# ---- What is odd, and what is not

# pyca fails on these, and there is nothing wrong with them. DSA parameters may be the issuer's (RFC 3279 section
# 2.3.2); the others are as RFC 5280 wants them, with algorithms or kinds of names that pyca does not know.
SOUND = {
    "x509/PKITS_data/certs/DSAParametersInheritedCACert.crt": "",
    "x509/PKITS_data/certs/ValidDSAParameterInheritanceTest5EE.crt": "",
    "x509/custom/crl_md2_unknown_crit_entry_ext.pem": "signature_hash_algorithm",
    "x509/custom/rsa_pss_cert_unsupported_mgf_hash.der": "signature_algorithm_parameters",
    "x509/custom/unsupported_subject_public_key_info.pem": "public_key",
    "x509/e-trust.ru.der": "public_key",
    "x509/requests/rsa_md4.der": "signature_hash_algorithm",
    "x509/san_x400address.der": "extensions",
    "x509/v1_cert.pem": "signature_hash_algorithm",
    "x509/verisign_md2_root.pem": "signature_hash_algorithm",
}
# Where it must be that pyca stumbles, for what it is asked.
PLACES: dict[str, tuple[str, ...]] = {
    "subject": ("subject",),
    "issuer": ("issuer",),
    "serial_number": ("serialNumber",),
    "not_valid_before_utc": ("notBefore",),
    "not_valid_after_utc": ("notAfter",),
    "public_key": ("subjectPublicKeyInfo", "subjectPKInfo"),
    "extensions": ("extensions", "crlExtensions", "attributes"),
    "attributes": ("attributes",),
    "signature_hash_algorithm": ("signatureAlgorithm",),
    "signature_algorithm_parameters": ("signatureAlgorithm",),
    "last_update_utc": ("thisUpdate",),
    "next_update_utc": ("nextUpdate",),
    "entries": ("revokedCertificates",),
}


def stumbles(vector: Vector) -> Iterator[str]:
    """What pyca cannot read of it; nothing is what it is not even loaded for."""
    try:
        peer = cast("Any", vector.peer())
    except UNREADABLE:
        yield ""
        return
    for name in PLACES:
        try:
            if name == "entries":
                _ = [(item.serial_number, item.extensions) for item in peer] if vector.kind == "crl" else []
            elif callable(read := getattr(peer, name, None)):
                read()
            elif name == "attributes" and read:
                list(read)
        except UNREADABLE:
            yield name


@pytest.mark.filterwarnings("ignore")
def test_what_pyca_stumbles_over_is_named_at_its_place() -> None:
    stumbled = [(vector, name) for vector in corpus() for name in stumbles(vector)]
    assert len(stumbled) > 40
    unnamed = set()
    for vector, name in stumbled:
        tree = vector.parse()
        places = [place for path in PLACES[name] if (place := tree.find(path))] if name else [tree]
        if not any(problems(place) for place in places):
            unnamed.add((vector.name, name))
    assert unnamed == set(SOUND.items())


# All that PKITS has, reviewed: it is older than RFC 5280, which made a MUST of some of these.
PKITS_ODDITIES = {
    ("signatureValue", "expected whole octets, found 1 unused bits"),  # a signature damaged on purpose
    ("policyConstraints", "expected critical TRUE, found FALSE"),
    ("undecoded", "expected the end after Dss-Sig-Value, found 14 more bytes"),
    ("serialNumber", "expected a positive serial number, found a negative one"),
    ("userCertificate", "expected a positive serial number, found a negative one"),
    ("notBefore", "expected UTCTime, as for all times through 2049, found GeneralizedTime"),
    ("tbsCertificate", "expected no unique identifiers, as of all CAs, found some"),
    ("explicitText", "expected 1 to 200 characters, found 310"),
    ("0", "expected two policies, found anyPolicy, which maps to none"),
}


def test_the_pkits_certificates_are_in_order_but_for_what_they_test() -> None:
    pkits = {vector.name: problems(vector.parse()) for vector in corpus() if "PKITS" in vector.name}
    assert len(pkits) > 550
    assert len([name for name, found in pkits.items() if found]) < 30
    assert {(path.split(".")[-1], text) for found in pkits.values() for path, text in found} == PKITS_ODDITIES
