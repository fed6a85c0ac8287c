"""Extensions of certificates and CRLs: RFC 5280 sections 4.2, 5.2 and 5.3; RFC 6962, RFC 7633, RFC 3739, Netscape's.

Each is an `Extension` under its own name. An unknown one keeps its number, and its value is read as its tags say.
"""

from __future__ import annotations

from collections.abc import Iterable

from tlsnotes.errors import DecodeError
from tlsnotes.wire import sct
from tlsnotes.wire.asn1_names import ATTRIBUTES, GeneralName, GeneralNameBase, GeneralNames
from tlsnotes.wire.asn1_policies import CertificatePolicies, PolicyConstraints, PolicyMappings
from tlsnotes.wire.asn1_revocation import CRLDistributionPoints, CRLNumber, IssuingDistributionPoint, ReasonCode
from tlsnotes.wire.der import ANY
from tlsnotes.wire.fields import Field
from tlsnotes.wire.notation import (
    BOOLEAN,
    COUNT,
    INTEGER,
    NULL,
    OBJECT_IDENTIFIER,
    OCTET_STRING,
    DefinedBy,
    GeneralizedTime,
    IA5String,
    called,
    checked,
    default,
    implicit,
    members,
    named_bits,
    named_numbers,
    not_empty,
    octet_string,
    once_each,
    optional,
    sequence,
    sequence_of,
    set_of,
)
from tlsnotes.wire.reader import Reader, Type
from tlsnotes.wire.registry import ExtensionType

# ---- Section 4.2.1.1: authorityKeyIdentifier


def _together(field: Field) -> Iterable[tuple[str, str]]:
    present = members(field)
    if ("authorityCertIssuer" in present) != ("authorityCertSerialNumber" in present):
        yield "authorityCertIssuer and authorityCertSerialNumber, or none of the two", "one"


#   AuthorityKeyIdentifier ::= SEQUENCE {
#      keyIdentifier             [0] KeyIdentifier           OPTIONAL,
#      authorityCertIssuer       [1] GeneralNames            OPTIONAL,
#      authorityCertSerialNumber [2] CertificateSerialNumber OPTIONAL  }
#   KeyIdentifier ::= OCTET STRING
AuthorityKeyIdentifier = sequence(
    "AuthorityKeyIdentifier",
    _together,
    keyIdentifier=optional(implicit(0, OCTET_STRING)),
    authorityCertIssuer=optional(implicit(1, GeneralNames)),
    authorityCertSerialNumber=optional(implicit(2, INTEGER)),
)

# ---- Section 4.2.1.3: keyUsage


def _some_bit(field: Field) -> Iterable[tuple[str, str]]:
    if field.value == ():
        yield "at least one bit that is set", "none"


#   KeyUsage ::= BIT STRING {
#        digitalSignature        (0),
#        nonRepudiation          (1), -- recent editions of X.509 have
#                             -- renamed this bit to contentCommitment
#        keyEncipherment         (2),  ...  }
KeyUsage = checked(
    named_bits(
        "KeyUsage",
        "digitalSignature",
        "nonRepudiation",
        "keyEncipherment",
        "dataEncipherment",
        "keyAgreement",
        "keyCertSign",
        "cRLSign",
        "encipherOnly",
        "decipherOnly",
    ),
    _some_bit,
)

# RFC 3280, section 4.2.1.4
#   PrivateKeyUsagePeriod ::= SEQUENCE {
#        notBefore       [0]     GeneralizedTime OPTIONAL,
#        notAfter        [1]     GeneralizedTime OPTIONAL }
PrivateKeyUsagePeriod = sequence(
    "PrivateKeyUsagePeriod",
    not_empty,
    notBefore=optional(implicit(0, GeneralizedTime)),
    notAfter=optional(implicit(1, GeneralizedTime)),
)

# ---- Section 4.2.1.8: subjectDirectoryAttributes

#   SubjectDirectoryAttributes ::= SEQUENCE SIZE (1..MAX) OF Attribute
#   Attribute               ::= SEQUENCE {
#        type             AttributeType,
#        values    SET OF AttributeValue }
SubjectDirectoryAttributes = sequence_of(
    "SubjectDirectoryAttributes",
    sequence(
        "Attribute",
        _named=True,
        _valued="values",
        type=OBJECT_IDENTIFIER,
        values=set_of("SET OF AttributeValue", DefinedBy("type", ATTRIBUTES)),
    ),
    floor=1,
)

# ---- Section 4.2.1.9: basicConstraints


def _path_of_a_ca(field: Field) -> Iterable[tuple[str, str]]:
    present = members(field)
    if "pathLenConstraint" in present and not ("cA" in present and present["cA"].value):
        yield "a pathLenConstraint only where cA is TRUE", "one where it is FALSE"


#   BasicConstraints ::= SEQUENCE {
#        cA                      BOOLEAN DEFAULT FALSE,
#        pathLenConstraint       INTEGER (0..MAX) OPTIONAL }
BasicConstraints = sequence(
    "BasicConstraints", _path_of_a_ca, cA=default(BOOLEAN, False), pathLenConstraint=optional(COUNT)
)

# ---- Section 4.2.1.10: nameConstraints


def _exact(field: Field) -> Iterable[tuple[str, str]]:
    if "maximum" in (present := members(field)) or ("minimum" in present and present["minimum"].value != 0):
        yield "neither a minimum nor a maximum", "one of the two"


#   NameConstraints ::= SEQUENCE {
#        permittedSubtrees       [0]     GeneralSubtrees OPTIONAL,
#        excludedSubtrees        [1]     GeneralSubtrees OPTIONAL }
#   GeneralSubtrees ::= SEQUENCE SIZE (1..MAX) OF GeneralSubtree
#   GeneralSubtree ::= SEQUENCE {
#        base                    GeneralName,
#        minimum         [0]     BaseDistance DEFAULT 0,
#        maximum         [1]     BaseDistance OPTIONAL }
GeneralSubtree = sequence(
    "GeneralSubtree",
    _exact,
    _valued="base",
    base=GeneralNameBase,
    minimum=default(implicit(0, COUNT), 0),
    maximum=optional(implicit(1, COUNT)),
)
GeneralSubtrees = sequence_of("GeneralSubtrees", GeneralSubtree, floor=1)
NameConstraints = sequence(
    "NameConstraints",
    not_empty,
    permittedSubtrees=optional(implicit(0, GeneralSubtrees)),
    excludedSubtrees=optional(implicit(1, GeneralSubtrees)),
)

# ---- Section 4.2.1.12: extKeyUsage

#   ExtKeyUsageSyntax ::= SEQUENCE SIZE (1..MAX) OF KeyPurposeId
ExtKeyUsageSyntax = sequence_of("ExtKeyUsageSyntax", called("KeyPurposeId", OBJECT_IDENTIFIER), floor=1)

# ---- Section 4.2.2: authorityInfoAccess, subjectInfoAccess

#   AuthorityInfoAccessSyntax  ::= SEQUENCE SIZE (1..MAX) OF AccessDescription
#   AccessDescription  ::=  SEQUENCE {
#        accessMethod          OBJECT IDENTIFIER,
#        accessLocation        GeneralName  }
AccessDescription = sequence("AccessDescription", accessMethod=OBJECT_IDENTIFIER, accessLocation=GeneralName)
AuthorityInfoAccessSyntax = sequence_of("AuthorityInfoAccessSyntax", AccessDescription, floor=1)
SubjectInfoAccessSyntax = sequence_of("SubjectInfoAccessSyntax", AccessDescription, floor=1)

# ---- Of other RFCs, and older ones

# RFC 7633, section 4
#   Features ::= SEQUENCE OF INTEGER
Features = sequence_of("Features", named_numbers(INTEGER, ExtensionType))

# RFC 3739, section 3.2.6
#   QCStatements ::= SEQUENCE OF QCStatement
#   QCStatement ::= SEQUENCE {
#        statementId        OBJECT IDENTIFIER,
#        statementInfo      ANY DEFINED BY statementId OPTIONAL}
QCStatement = sequence("QCStatement", statementId=OBJECT_IDENTIFIER, statementInfo=optional(ANY))
QCStatements = sequence_of("QCStatements", QCStatement)

NetscapeCertType = named_bits(
    "NetscapeCertType",
    "sslClient",
    "sslServer",
    "smime",
    "objectSigning",
    "reserved",
    "sslCA",
    "smimeCA",
    "objectSigningCA",
)

EXTENSIONS: dict[str, Type] = {
    "subjectDirectoryAttributes": SubjectDirectoryAttributes,
    "subjectKeyIdentifier": called("SubjectKeyIdentifier", OCTET_STRING),
    "keyUsage": KeyUsage,
    "privateKeyUsagePeriod": PrivateKeyUsagePeriod,
    "subjectAltName": GeneralNames,
    "issuerAltName": GeneralNames,
    "basicConstraints": BasicConstraints,
    "cRLNumber": CRLNumber,
    "reasonCode": ReasonCode,
    "holdInstructionCode": called("HoldInstructionCode", OBJECT_IDENTIFIER),
    "invalidityDate": called("InvalidityDate", GeneralizedTime),
    "deltaCRLIndicator": called("BaseCRLNumber", CRLNumber),
    "issuingDistributionPoint": IssuingDistributionPoint,
    "certificateIssuer": GeneralNames,
    "nameConstraints": NameConstraints,
    "cRLDistributionPoints": CRLDistributionPoints,
    "certificatePolicies": CertificatePolicies,
    "policyMappings": PolicyMappings,
    "authorityKeyIdentifier": AuthorityKeyIdentifier,
    "policyConstraints": PolicyConstraints,
    "extKeyUsage": ExtKeyUsageSyntax,
    "freshestCRL": CRLDistributionPoints,
    "inhibitAnyPolicy": called("InhibitAnyPolicy", COUNT),
    "authorityInfoAccess": AuthorityInfoAccessSyntax,
    "qcStatements": QCStatements,
    "subjectInfoAccess": SubjectInfoAccessSyntax,
    "tlsfeature": Features,
    "ocspNoCheck": NULL,
    "signedCertificateTimestampList": octet_string(sct.SignedCertificateTimestampList),
    "precertificatePoison": NULL,
    "netscapeCertType": NetscapeCertType,
    **dict.fromkeys(
        (
            "netscapeBaseUrl",
            "netscapeRevocationUrl",
            "netscapeCaRevocationUrl",
            "netscapeCaPolicyUrl",
            "netscapeSslServerName",
            "netscapeComment",
        ),
        IA5String,
    ),
}

# What a conforming CA "MUST mark" as critical, or as not: the same sections, and RFC 6962 section 3.1.
MUST_BE_CRITICAL = {
    **dict.fromkeys(
        (
            "nameConstraints",
            "policyConstraints",
            "inhibitAnyPolicy",
            "deltaCRLIndicator",
            "issuingDistributionPoint",
            "certificateIssuer",
            "precertificatePoison",
        ),
        True,
    ),
    **dict.fromkeys(
        (
            "authorityKeyIdentifier",
            "subjectKeyIdentifier",
            "subjectDirectoryAttributes",
            "freshestCRL",
            "authorityInfoAccess",
            "subjectInfoAccess",
            "cRLNumber",
        ),
        False,
    ),
}


class _Unknown:
    """The DER encoding of a value, as section 4.2 wants it of every extension; or octets, where it is none."""

    name = "octets"
    optional = False

    def read(self, reader: Reader, name: str) -> Field:
        """Read it as DER if it is that throughout, for other octets would make a tree of nonsense."""
        probe = Reader(reader.buffer, budget=reader.budget)
        probe.at, probe.end, probe.depth = reader.at, reader.end, reader.depth
        try:
            field = probe.whole(ANY, "")
        except DecodeError as error:
            expected = "the DER encoding of a value, as in every extension"
            start, problem = reader.at, reader.note(reader.error(expected, "other octets", error.offset))
            reader.at = reader.end
            octets = reader.buffer[start : reader.end]
            return Field(name or self.name, self.name, start, reader.end, octets, (), reader.buffer, problem)
        reader.at, reader.budget = probe.at, probe.budget
        return field


def _criticality(field: Field) -> Iterable[tuple[str, str]]:
    wanted = MUST_BE_CRITICAL.get(field.name)
    critical = members(field).get("critical")
    if wanted is not None and wanted is not bool(critical and critical.value):
        yield f"critical {str(wanted).upper()}", f"{str(not wanted).upper()}"


# Section 4.1
#   Extensions  ::=  SEQUENCE SIZE (1..MAX) OF Extension
#   Extension  ::=  SEQUENCE  {
#        extnID      OBJECT IDENTIFIER,
#        critical    BOOLEAN DEFAULT FALSE,
#        extnValue   OCTET STRING  }
Extension = sequence(
    "Extension",
    _criticality,
    _named=True,
    _valued="extnValue",
    extnID=OBJECT_IDENTIFIER,
    critical=default(BOOLEAN, False),
    extnValue=octet_string(DefinedBy("extnID", EXTENSIONS, _Unknown())),
)
Extensions = sequence_of("Extensions", Extension, once_each, floor=1)
