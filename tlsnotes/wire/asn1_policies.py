"""Extensions about policies (RFC 5280 sections 4.2.1.4, 4.2.1.5, 4.2.1.11, 4.2.1.14)."""

from __future__ import annotations

from collections.abc import Iterable

from tlsnotes.wire.der import inside
from tlsnotes.wire.fields import Field
from tlsnotes.wire.notation import (
    COUNT,
    INTEGER,
    OBJECT_IDENTIFIER,
    BMPString,
    Choice,
    DefinedBy,
    IA5String,
    UTF8String,
    VisibleString,
    checked,
    implicit,
    members,
    not_empty,
    once_each,
    optional,
    sequence,
    sequence_of,
    size,
)
from tlsnotes.wire.oids import DOTTED, name_of

# ---- Section 4.2.1.4: certificatePolicies


def _internet_qualifier(field: Field) -> Iterable[tuple[str, str]]:
    if field.value not in (DOTTED["cps"], DOTTED["unotice"]):
        yield "cps or unotice", name_of(field.value) or "another"


def _no_ia5(field: Field) -> Iterable[tuple[str, str]]:
    """RFC 6818 section 3."""
    text = members(field).get("explicitText")
    if text and text.type == "IA5String":
        yield "an explicitText as UTF8String", "IA5String"


#   DisplayText ::= CHOICE {
#        ia5String        IA5String      (SIZE (1..200)),
#        visibleString    VisibleString  (SIZE (1..200)),
#        bmpString        BMPString      (SIZE (1..200)),
#        utf8String       UTF8String     (SIZE (1..200)) }
_AT_MOST_200 = size(1, 200)
DisplayText = Choice(
    "DisplayText",
    ia5String=checked(IA5String, _AT_MOST_200),
    visibleString=checked(VisibleString, _AT_MOST_200),
    bmpString=checked(BMPString, _AT_MOST_200),
    utf8String=checked(UTF8String, _AT_MOST_200),
)

#   NoticeReference ::= SEQUENCE {
#        organization     DisplayText,
#        noticeNumbers    SEQUENCE OF INTEGER }
#   UserNotice ::= SEQUENCE {
#        noticeRef        NoticeReference OPTIONAL,
#        explicitText     DisplayText OPTIONAL }
NoticeReference = sequence(
    "NoticeReference", organization=DisplayText, noticeNumbers=sequence_of("SEQUENCE OF INTEGER", INTEGER)
)
UserNotice = sequence("UserNotice", _no_ia5, noticeRef=optional(NoticeReference), explicitText=optional(DisplayText))

#   PolicyQualifierInfo ::= SEQUENCE {
#        policyQualifierId  PolicyQualifierId,
#        qualifier          ANY DEFINED BY policyQualifierId }
#   PolicyQualifierId ::= OBJECT IDENTIFIER ( id-qt-cps | id-qt-unotice )
#   PolicyInformation ::= SEQUENCE {
#        policyIdentifier   CertPolicyId,
#        policyQualifiers   SEQUENCE SIZE (1..MAX) OF
#                                PolicyQualifierInfo OPTIONAL }
#   certificatePolicies ::= SEQUENCE SIZE (1..MAX) OF PolicyInformation
PolicyQualifierInfo = sequence(
    "PolicyQualifierInfo",
    policyQualifierId=checked(OBJECT_IDENTIFIER, _internet_qualifier),
    qualifier=DefinedBy("policyQualifierId", {"cps": IA5String, "unotice": UserNotice}),
)
PolicyInformation = sequence(
    "PolicyInformation",
    policyIdentifier=OBJECT_IDENTIFIER,
    policyQualifiers=optional(sequence_of("SEQUENCE OF PolicyQualifierInfo", PolicyQualifierInfo, floor=1)),
)
CertificatePolicies = sequence_of("certificatePolicies", PolicyInformation, once_each, floor=1)

# ---- Section 4.2.1.5: policyMappings


def _not_any(field: Field) -> Iterable[tuple[str, str]]:
    if any(policy.value == DOTTED["anyPolicy"] for policy in inside(field)):
        yield "two policies", "anyPolicy, which maps to none"


#   PolicyMappings ::= SEQUENCE SIZE (1..MAX) OF SEQUENCE {
#        issuerDomainPolicy      CertPolicyId,
#        subjectDomainPolicy     CertPolicyId }
PolicyMappings = sequence_of(
    "PolicyMappings",
    sequence("SEQUENCE", _not_any, issuerDomainPolicy=OBJECT_IDENTIFIER, subjectDomainPolicy=OBJECT_IDENTIFIER),
    floor=1,
)

# ---- Section 4.2.1.11: policyConstraints (inhibitAnyPolicy, section 4.2.1.14, is a SkipCerts)

#   PolicyConstraints ::= SEQUENCE {
#        requireExplicitPolicy   [0]     SkipCerts OPTIONAL,
#        inhibitPolicyMapping    [1]     SkipCerts OPTIONAL }
#   SkipCerts ::= INTEGER (0..MAX)
PolicyConstraints = sequence(
    "PolicyConstraints",
    not_empty,
    requireExplicitPolicy=optional(implicit(0, COUNT)),
    inhibitPolicyMapping=optional(implicit(1, COUNT)),
)
