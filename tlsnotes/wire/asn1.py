"""Certificates and CRLs (RFC 5280) and requests (RFC 2986), and what reads them: `parse_certificate` and its like.

    names: asn1_names    keys and signatures: asn1_keys    extensions: asn1_extensions, asn1_policies, asn1_revocation

What the RFC's text adds to its ASN.1 is checked where the bytes alone tell: versions, serial numbers, what is there
twice. What a certificate is good for, and whether its signature holds, is not asked here.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from tlsnotes.errors import DecodeError, TLSNotesError
from tlsnotes.wire.asn1_extensions import Extensions
from tlsnotes.wire.asn1_keys import Signature, SignatureAlgorithm, SubjectPublicKeyInfo
from tlsnotes.wire.asn1_names import ATTRIBUTES, Name, directory_string
from tlsnotes.wire.code_points import Registry
from tlsnotes.wire.der import ANY, inside
from tlsnotes.wire.fields import Field
from tlsnotes.wire.notation import (
    INTEGER,
    OBJECT_IDENTIFIER,
    Choice,
    DefinedBy,
    GeneralizedTime,
    UTCTime,
    bit_string,
    called,
    checked,
    default,
    explicit,
    implicit,
    members,
    named_numbers,
    once_each,
    optional,
    said,
    sequence,
    sequence_of,
    set_of,
)
from tlsnotes.wire.reader import UNDECODED, Reader, Type


class Version(Registry, size=1):
    """Version  ::=  INTEGER  {  v1(0), v2(1), v3(2)  } (RFC 5280 section 4.1.2.1)."""

    v1 = 0
    v2 = 1
    v3 = 2


VERSION = named_numbers(INTEGER, Version)


def _serial(field: Field) -> Iterable[tuple[str, str]]:
    """Section 4.1.2.2: positive, and at most 20 octets."""
    octets = field.children[2]
    if isinstance(field.value, int) and field.value <= 0:
        yield "a positive serial number", "zero" if field.value == 0 else "a negative one"
    if octets.end - octets.start > 20:
        yield "a serial number of at most 20 octets", f"{octets.end - octets.start}"


# CertificateSerialNumber  ::=  INTEGER
CertificateSerialNumber = checked(called("CertificateSerialNumber", INTEGER), _serial)


def _late(field: Field) -> Iterable[tuple[str, str]]:
    """Section 4.1.2.5: UTCTime through 2049."""
    if isinstance(field.value, datetime) and field.value.year < 2050:
        yield "UTCTime, as for all times through 2049", "GeneralizedTime"


# Section 4.1
#   Validity ::= SEQUENCE {
#        notBefore      Time,
#        notAfter       Time }
#   Time ::= CHOICE {
#        utcTime        UTCTime,
#        generalTime    GeneralizedTime }
Time = Choice("Time", utcTime=UTCTime, generalTime=checked(GeneralizedTime, _late))
Validity = sequence("Validity", notBefore=Time, notAfter=Time)


def _consistent(field: Field) -> Iterable[tuple[str, str]]:
    """Sections 4.1.2.1, 4.1.2.4, 4.1.2.6 and 4.1.2.8: what the version and the names ask for."""
    present = members(field)
    version = present["version"].value if "version" in present else Version.v1
    if "extensions" in present and version != Version.v3:
        yield "version v3, where there are extensions", said(version)
    if {"issuerUniqueID", "subjectUniqueID"} & present.keys():
        yield "no unique identifiers, as of all CAs", "some"
    if "issuer" in present and not inside(present["issuer"]):
        yield "an issuer with a name", "an empty one"
    if "subject" in present and not inside(present["subject"]):
        names = present["extensions"].find("subjectAltName") if "extensions" in present else None
        critical = names and names.find("critical")
        if not (critical and critical.value):
            yield "a critical subjectAltName, where the subject is empty", "none"


#   TBSCertificate  ::=  SEQUENCE  {
#        version         [0]  EXPLICIT Version DEFAULT v1,
#        serialNumber         CertificateSerialNumber,
#        signature            AlgorithmIdentifier,
#        issuer               Name,
#        validity             Validity,
#        subject              Name,
#        subjectPublicKeyInfo SubjectPublicKeyInfo,
#        issuerUniqueID  [1]  IMPLICIT UniqueIdentifier OPTIONAL,
#                             -- If present, version MUST be v2 or v3
#        subjectUniqueID [2]  IMPLICIT UniqueIdentifier OPTIONAL,
#                             -- If present, version MUST be v2 or v3
#        extensions      [3]  EXPLICIT Extensions OPTIONAL
#                             -- If present, version MUST be v3
#        }
UniqueIdentifier = bit_string(name="UniqueIdentifier")
TBSCertificate = sequence(
    "TBSCertificate",
    _consistent,
    version=default(explicit(0, VERSION), Version.v1),
    serialNumber=CertificateSerialNumber,
    signature=SignatureAlgorithm,
    issuer=Name,
    validity=Validity,
    subject=Name,
    subjectPublicKeyInfo=SubjectPublicKeyInfo,
    issuerUniqueID=optional(implicit(1, UniqueIdentifier)),
    subjectUniqueID=optional(implicit(2, UniqueIdentifier)),
    extensions=optional(explicit(3, Extensions)),
)


def _same_algorithm(field: Field) -> Iterable[tuple[str, str]]:
    """Sections 4.1.1.2 and 5.1.1.2: inside and outside of what is signed."""
    inner = members(inside(field)[0]).get("signature") if inside(field) else None
    outer = members(field).get("signatureAlgorithm")
    if inner and outer and inner.raw != outer.raw:
        yield "the same algorithm in signature and in signatureAlgorithm", "two"


#   Certificate  ::=  SEQUENCE  {
#        tbsCertificate       TBSCertificate,
#        signatureAlgorithm   AlgorithmIdentifier,
#        signatureValue       BIT STRING  }
Certificate = sequence(
    "Certificate",
    _same_algorithm,
    tbsCertificate=TBSCertificate,
    signatureAlgorithm=SignatureAlgorithm,
    signatureValue=Signature,
)


def _v2(field: Field) -> Iterable[tuple[str, str]]:
    """Section 5.1.2.1: the only version that is written down, wherever there are extensions."""
    present = members(field)
    entries = inside(present["revokedCertificates"]) if "revokedCertificates" in present else ()
    if "version" in present:
        if present["version"].value != Version.v2:
            yield "version v2, or none", said(present["version"].value)
    elif "crlExtensions" in present or any("crlEntryExtensions" in members(entry) for entry in entries):
        yield "version v2, where there are extensions", "none"


# Section 5.1
#   TBSCertList  ::=  SEQUENCE  {
#        version                 Version OPTIONAL,
#                                     -- if present, MUST be v2
#        signature               AlgorithmIdentifier,
#        issuer                  Name,
#        thisUpdate              Time,
#        nextUpdate              Time OPTIONAL,
#        revokedCertificates     SEQUENCE OF SEQUENCE  {
#             userCertificate         CertificateSerialNumber,
#             revocationDate          Time,
#             crlEntryExtensions      Extensions OPTIONAL
#                                      -- if present, version MUST be v2
#                                  }  OPTIONAL,
#        crlExtensions           [0]  EXPLICIT Extensions OPTIONAL
#                                      -- if present, version MUST be v2
#                                  }
RevokedCertificate = sequence(
    "SEQUENCE", userCertificate=CertificateSerialNumber, revocationDate=Time, crlEntryExtensions=optional(Extensions)
)
TBSCertList = sequence(
    "TBSCertList",
    _v2,
    version=optional(VERSION),
    signature=SignatureAlgorithm,
    issuer=Name,
    thisUpdate=Time,
    nextUpdate=optional(Time),
    revokedCertificates=optional(sequence_of("SEQUENCE OF SEQUENCE", RevokedCertificate, floor=1)),
    crlExtensions=optional(explicit(0, Extensions)),
)

#   CertificateList  ::=  SEQUENCE  {
#        tbsCertList          TBSCertList,
#        signatureAlgorithm   AlgorithmIdentifier,
#        signatureValue       BIT STRING  }
CertificateList = sequence(
    "CertificateList",
    _same_algorithm,
    tbsCertList=TBSCertList,
    signatureAlgorithm=SignatureAlgorithm,
    signatureValue=Signature,
)


def _single(field: Field) -> Iterable[tuple[str, str]]:
    """RFC 2985 sections 5.4.1 and 5.4.2: SINGLE VALUE TRUE."""
    values = members(field).get("values")
    if field.name in ("challengePassword", "extensionRequest") and values and len(inside(values)) > 1:
        yield f"one {field.name}", f"{len(inside(values))}"


# RFC 2986, section 4.1
#   CertificationRequestInfo ::= SEQUENCE {
#        version       INTEGER { v1(0) } (v1,...),
#        subject       Name,
#        subjectPKInfo SubjectPublicKeyInfo{{ PKInfoAlgorithms }},
#        attributes    [0] Attributes{{ CRIAttributes }}
#   }
#   Attributes { ATTRIBUTE:IOSet } ::= SET OF Attribute{{ IOSet }}
#   Attribute { ATTRIBUTE:IOSet } ::= SEQUENCE {
#        type   ATTRIBUTE.&id({IOSet}),
#        values SET SIZE(1..MAX) OF ATTRIBUTE.&Type({IOSet}{@type})
#   }
Attribute = sequence(
    "Attribute",
    _single,
    _named=True,
    _valued="values",
    type=OBJECT_IDENTIFIER,
    values=set_of(
        "SET OF AttributeValue",
        DefinedBy(
            "type",
            {
                **ATTRIBUTES,
                "extensionRequest": Extensions,
                "certExtensions": Extensions,
                "challengePassword": directory_string(255),
            },
        ),
        floor=1,
    ),
)


def _v1(field: Field) -> Iterable[tuple[str, str]]:
    version = members(field).get("version")
    if version and version.value != Version.v1:
        yield "version v1", said(version.value)


CertificationRequestInfo = sequence(
    "CertificationRequestInfo",
    _v1,
    version=VERSION,
    subject=Name,
    subjectPKInfo=SubjectPublicKeyInfo,
    attributes=implicit(0, set_of("Attributes", Attribute, once_each)),
)

# Section 4.2
#   CertificationRequest ::= SEQUENCE {
#        certificationRequestInfo CertificationRequestInfo,
#        signatureAlgorithm AlgorithmIdentifier{{ SignatureAlgorithms }},
#        signature          BIT STRING
#   }
CertificationRequest = sequence(
    "CertificationRequest",
    certificationRequestInfo=CertificationRequestInfo,
    signatureAlgorithm=SignatureAlgorithm,
    signature=Signature,
)


Octets = bytes | bytearray | memoryview


def parse_certificate(der: Octets) -> Field:
    """Read a certificate, whatever is wrong with it: its fields, each problem at its place.

    `der`: DER bytes. Raises `TLSNotesError` where they are none at all, PEM for example. RFC 5280 section 4.1.
    """
    return _parse(Certificate, der)


def parse_csr(der: Octets) -> Field:
    """Read a certification request, like `parse_certificate`. RFC 2986 section 4."""
    return _parse(CertificationRequest, der)


def parse_crl(der: Octets) -> Field:
    """Read a certificate revocation list, like `parse_certificate`. RFC 5280 section 5.1."""
    return _parse(CertificateList, der)


def parse_der(der: Octets) -> Field:
    """Read any DER as its tags say, like `parse_certificate`. X.690."""
    return _parse(ANY, der)


def _parse(wanted: Type, der: Octets) -> Field:
    data = _octets(der)
    reader = Reader(data, strict=False)
    name = "" if wanted is ANY else wanted.name
    reader.path.append(wanted.name)
    field = reader.whole(wanted, name)
    if field.children[0].name == UNDECODED:
        raise reader.problems[0]
    return field


def _octets(der: object) -> bytes:
    """Take the bytes, or say what they are instead."""
    if not isinstance(der, bytes | bytearray | memoryview):
        raise TLSNotesError(
            "this is no DER",
            expected="bytes",
            found=type(der).__name__,
            fix="Path(...).read_bytes(), or certificate.public_bytes(Encoding.DER) of cryptography's objects",
        )
    data = bytes(der)
    if data.lstrip()[:5] == b"-----" or (data[:1] != b"\x30" and b"-----BEGIN " in data):
        raise DecodeError(
            "DER",
            0,
            expected="DER",
            found="PEM, which is DER as text between BEGIN and END",
            fix="ssl.PEM_cert_to_DER_cert(text), or openssl x509 -in file.pem -outform DER -out file.der",
        )
    return data
