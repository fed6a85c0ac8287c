"""The schemas of certificates, requests and CRLs: what we make, what nobody should, and what is none."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

import pytest
from corpus import at, tiles
from cryptography import x509
from cryptography.hazmat._oid import _OID_NAMES
from cryptography.hazmat.primitives.serialization import Encoding

from tlsnotes.errors import DecodeError, TLSNotesError
from tlsnotes.pki.authority import Authority, self_signed
from tlsnotes.pki.keys import KEY_KINDS, generate_key
from tlsnotes.pki.profile import signature_hash
from tlsnotes.wire import asn1
from tlsnotes.wire.asn1 import parse_certificate, parse_crl, parse_csr, parse_der
from tlsnotes.wire.fields import Field
from tlsnotes.wire.oids import OIDS
from tlsnotes.wire.reader import parse
from tlsnotes.wire.sct import SignedCertificateTimestampList


def test_what_we_make_is_in_order() -> None:
    """Strictly: the first oddity would raise."""
    root = Authority.root("root", "ed25519")
    between = root.intermediate("intermediate")
    for kind in KEY_KINDS:
        key = generate_key(kind)
        leaf = between.issue(["localhost", ip_address("::1"), "*.shop.example"], key=key)
        own = self_signed("localhost", key)
        request = (
            x509.CertificateSigningRequestBuilder()
            .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")]))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .sign(key, signature_hash(key))
        )
        for certificate in (leaf.certificate, own.certificate):
            tree = parse(asn1.Certificate, certificate.public_bytes(Encoding.DER))
            assert at(tree, "tbsCertificate.extensions.subjectAltName.dNSName").value == "localhost"
        tree = parse(asn1.CertificationRequest, request.public_bytes(Encoding.DER))
        assert at(tree, "certificationRequestInfo.subject.commonName").value == "localhost"
        assert at(tree, "attributes.extensionRequest.subjectAltName.dNSName").value == "localhost"
        authority = Authority.root("another", key)
        authority.revoke(authority.issue("localhost").certificate, "key_compromise")
        for certificate in (authority.certificate, between.certificate, root.certificate):
            assert parse(asn1.Certificate, certificate.public_bytes(Encoding.DER))
        tree = parse(asn1.CertificateList, authority.crl().public_bytes(Encoding.DER))
        assert str(at(tree, "revokedCertificates.0.crlEntryExtensions.reasonCode").value) == "keyCompromise"


# pyca's spelling -> ours, where more than case and hyphens differ: the RFCs', or the registry's
OTHERWISE = {
    "cRLReason": "reasonCode",
    "extendedKeyUsage": "extKeyUsage",
    "ctPoison": "precertificatePoison",
    "msCertificateTemplate": "certificateTemplate",
    "Admissions": "admission",
    "msSmartcardLogin": "smartcardLogon",
    "pkInitKDC": "pkinitKPKdc",
    "dsaEncryption": "id-dsa",
    "id-qt-cps": "cps",
    "id-qt-unotice": "unotice",
}


def test_names_are_those_of_pyca() -> None:
    def plain(name: str) -> str:
        return re.sub(r"^(id)?|-|_", "", name.lower())

    other = re.compile(r"GOST|1\.3\.6\.1\.4\.1\.37476\.|11129\.2\.4\.5")  # a phrase, a private number, one name for two
    peers = {oid: name for oid, name in _OID_NAMES.items() if not other.search(f"{oid.dotted_string} {name}")}
    assert len(peers) > 90
    assert {
        name: OIDS.get(oid.dotted_string)
        for oid, name in peers.items()
        if plain(OTHERWISE.get(name, name)) != plain(OIDS.get(oid.dotted_string, ""))
    } == {}


# ---- The door


def test_a_certificate_is_read_by_the_names_of_the_rfc() -> None:
    tree = parse_certificate(certificate_of("localhost"))
    assert (tree.name, tree.type, str(at(tree, "version").value)) == ("Certificate", "Certificate", "v3")
    assert at(tree, "tbsCertificate.validity.notBefore").value == datetime(2026, 1, 1, tzinfo=UTC)
    assert at(tree, "tbsCertificate.extensions.keyUsage").value == ("digitalSignature",)
    assert at(tree, "extensions.basicConstraints.critical").value is True
    assert [child.name for child in at(tree, "serialNumber").children] == ["identifier", "length", "contents"]
    assert at(tree, "subjectPublicKeyInfo.algorithm").value == "1.2.840.10045.2.1"


@pytest.mark.parametrize(
    ("milliseconds", "value"),
    [
        (1_767_225_600_123, datetime(2026, 1, 1, 0, 0, 0, 123_000, tzinfo=UTC)),
        (2**64 - 1, 2**64 - 1),  # in no calendar
    ],
)
def test_a_timestamp_is_a_time_where_a_calendar_has_it(milliseconds: int, value: object) -> None:
    stamp = bytes(33) + milliseconds.to_bytes(8, "big") + bytes(2) + b"\4\3" + b"\0\1\xff"
    entry = len(stamp).to_bytes(2, "big") + stamp
    tree = parse(SignedCertificateTimestampList, len(entry).to_bytes(2, "big") + entry)
    assert at(tree, "sct_list.0.timestamp").value == value
    assert (at(tree, "algorithm.hash").value, at(tree, "algorithm.signature").value) == (4, 3)
    assert str(at(tree, "0.sct_version").value) == "v1"


def certificate_of(name: str) -> bytes:
    certificate = self_signed(name, start=datetime(2026, 1, 1, tzinfo=UTC)).certificate
    return certificate.public_bytes(Encoding.DER)


@pytest.mark.parametrize("parser", [parse_certificate, parse_csr, parse_crl, parse_der])
def test_what_is_no_der_is_refused_in_words(parser: Callable[[Any], Field]) -> None:
    pem = self_signed("localhost").certificate_pem
    for wrong, words in (
        (pem, "PEM"),
        (b"\n" + pem, "PEM"),
        (b"subject=CN=localhost\n" + pem, "PEM"),
        (pem.decode(), "str"),
        (None, "NoneType"),
    ):
        with pytest.raises(TLSNotesError, match="expected: ") as caught:
            parser(wrong)
        assert words in caught.value.found
        assert caught.value.fix
    for cut in (b"", b"\x30", b"\x30\x82\x01", b"\x1f\x81"):
        with pytest.raises(DecodeError):
            parser(cut)
    with pytest.raises(DecodeError, match="indefinite"):
        parser(b"\x30\x80\x02\x01\x05\x00\x00")


def test_bytes_of_any_kind_are_taken() -> None:
    data = certificate_of("localhost")
    assert parse_certificate(bytearray(data)) == parse_certificate(memoryview(data)) == parse_certificate(data)


def test_a_certificate_is_shown_as_far_as_it_goes() -> None:
    data = certificate_of("localhost")
    short = parse_certificate(data[:200])
    assert tiles(short, data[:200])
    assert at(short, "subject.commonName").value == "localhost"
    assert "as many bytes as the length says" in short.children[1].problem
    tail = parse_certificate(data + b"tail")
    assert tiles(tail, data + b"tail")
    assert (tail.children[-1].raw, tail.children[-1].problem) == (
        b"tail",
        "expected the end after Certificate, found 4 more bytes",
    )


def test_what_is_no_certificate_at_all_is_walked_as_what_it_is() -> None:
    tree = parse_certificate(b"\x02\x01\x05")
    assert (tree.name, tree.type, tree.value) == ("Certificate", "INTEGER", 5)
    assert tree.problem == "expected Certificate (SEQUENCE), found INTEGER"
