"""Extensions about revocation, in certificates (RFC 5280 sections 4.2.1.13 and 4.2.1.15) and in CRLs (5.2 and 5.3)."""

# ruff: noqa: N815  # the names are the RFC's own, mixedCase or not
from __future__ import annotations

from collections.abc import Iterable

from tlsnotes.wire.asn1_names import GeneralNames, RelativeDistinguishedName
from tlsnotes.wire.code_points import Registry
from tlsnotes.wire.der import inside
from tlsnotes.wire.fields import Field
from tlsnotes.wire.notation import (
    BOOLEAN,
    COUNT,
    ENUMERATED,
    Choice,
    called,
    checked,
    default,
    explicit,
    implicit,
    members,
    named_bits,
    named_numbers,
    not_empty,
    optional,
    sequence,
    sequence_of,
)

# ---- Section 4.2.1.13: cRLDistributionPoints; section 5.2.5: issuingDistributionPoint


def _not_only_reasons(field: Field) -> Iterable[tuple[str, str]]:
    if not {"distributionPoint", "cRLIssuer"} & members(field).keys():
        yield "a distributionPoint or a cRLIssuer", "neither"


#   ReasonFlags ::= BIT STRING {
#        unused                  (0),
#        keyCompromise           (1),  ...  }
ReasonFlags = named_bits(
    "ReasonFlags",
    "unused",
    "keyCompromise",
    "cACompromise",
    "affiliationChanged",
    "superseded",
    "cessationOfOperation",
    "certificateHold",
    "privilegeWithdrawn",
    "aACompromise",
)

#   DistributionPointName ::= CHOICE {
#        fullName                [0]     GeneralNames,
#        nameRelativeToCRLIssuer [1]     RelativeDistinguishedName }
#   DistributionPoint ::= SEQUENCE {
#        distributionPoint       [0]     DistributionPointName OPTIONAL,
#        reasons                 [1]     ReasonFlags OPTIONAL,
#        cRLIssuer               [2]     GeneralNames OPTIONAL }
#   CRLDistributionPoints ::= SEQUENCE SIZE (1..MAX) OF DistributionPoint
DistributionPointName = Choice(
    "DistributionPointName",
    fullName=implicit(0, GeneralNames),
    nameRelativeToCRLIssuer=implicit(1, RelativeDistinguishedName),
)
DistributionPoint = sequence(
    "DistributionPoint",
    _not_only_reasons,
    distributionPoint=optional(explicit(0, DistributionPointName)),
    reasons=optional(implicit(1, ReasonFlags)),
    cRLIssuer=optional(implicit(2, GeneralNames)),
)
CRLDistributionPoints = sequence_of("CRLDistributionPoints", DistributionPoint, floor=1)


def _one_kind(field: Field) -> Iterable[tuple[str, str]]:
    only = [member for member in inside(field) if member.name.startswith("onlyContains") and member.value]
    if len(only) > 1:
        yield "at most one of the onlyContains... TRUE", str(len(only))


#   IssuingDistributionPoint ::= SEQUENCE {
#        distributionPoint          [0] DistributionPointName OPTIONAL,
#        onlyContainsUserCerts      [1] BOOLEAN DEFAULT FALSE,
#        onlyContainsCACerts        [2] BOOLEAN DEFAULT FALSE,
#        onlySomeReasons            [3] ReasonFlags OPTIONAL,
#        indirectCRL                [4] BOOLEAN DEFAULT FALSE,
#        onlyContainsAttributeCerts [5] BOOLEAN DEFAULT FALSE }
IssuingDistributionPoint = sequence(
    "IssuingDistributionPoint",
    not_empty,
    _one_kind,
    distributionPoint=optional(explicit(0, DistributionPointName)),
    onlyContainsUserCerts=default(implicit(1, BOOLEAN), False),
    onlyContainsCACerts=default(implicit(2, BOOLEAN), False),
    onlySomeReasons=optional(implicit(3, ReasonFlags)),
    indirectCRL=default(implicit(4, BOOLEAN), False),
    onlyContainsAttributeCerts=default(implicit(5, BOOLEAN), False),
)

# ---- Section 5.2.3: cRLNumber


def _twenty_octets(field: Field) -> Iterable[tuple[str, str]]:
    size = field.children[2].end - field.children[2].start
    if size > 20:
        yield "at most 20 octets", str(size)


#   CRLNumber ::= INTEGER (0..MAX)
CRLNumber = checked(called("CRLNumber", COUNT), _twenty_octets)

# ---- Section 5.3.1: reasonCode


class CRLReason(Registry, size=1):
    """Why a certificate was revoked (RFC 5280 section 5.3.1). 7 is not used."""

    unspecified = 0
    keyCompromise = 1
    cACompromise = 2
    affiliationChanged = 3
    superseded = 4
    cessationOfOperation = 5
    certificateHold = 6
    removeFromCRL = 8
    privilegeWithdrawn = 9
    aACompromise = 10


ReasonCode = named_numbers(ENUMERATED, CRLReason)
