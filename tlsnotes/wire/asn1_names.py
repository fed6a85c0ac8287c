"""Names: of subjects and issuers (RFC 5280 section 4.1.2.4), and of everything else (section 4.2.1.6)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

from tlsnotes.wire.contents import Schema
from tlsnotes.wire.der import ANY, Check, Tagged
from tlsnotes.wire.fields import Field
from tlsnotes.wire.notation import (
    OBJECT_IDENTIFIER,
    OCTET_STRING,
    BMPString,
    Choice,
    DefinedBy,
    IA5String,
    PrintableString,
    TeletexString,
    UniversalString,
    UTF8String,
    bit_string,
    checked,
    explicit,
    implicit,
    once_each,
    optional,
    sequence,
    sequence_of,
    set_of,
    size,
)
from tlsnotes.wire.primitives import Contents
from tlsnotes.wire.reader import Reader


# DirectoryString ::= CHOICE {
#       teletexString       TeletexString   (SIZE (1..MAX)),
#       printableString     PrintableString (SIZE (1..MAX)),
#       universalString     UniversalString (SIZE (1..MAX)),
#       utf8String          UTF8String      (SIZE (1..MAX)),
#       bmpString           BMPString       (SIZE (1..MAX)) }
def directory_string(ceiling: int) -> Choice:
    """DirectoryString of at most `ceiling` characters: appendix A.1 has an upper bound for most attributes."""
    bound = size(1, ceiling)
    return Choice(
        "DirectoryString",
        teletexString=checked(TeletexString, bound),
        printableString=checked(PrintableString, bound),
        universalString=checked(UniversalString, bound),
        utf8String=checked(UTF8String, bound),
        bmpString=checked(BMPString, bound),
    )


# Appendix A.1; RFC 4519 and EV Guidelines section 7.1.4.2 for what is not there. All others are read as their tags say.
ATTRIBUTES: dict[str, Schema] = {
    "commonName": directory_string(64),
    "surname": directory_string(32768),
    "serialNumber": checked(PrintableString, size(1, 64)),
    "countryName": checked(PrintableString, size(2, 2)),
    "localityName": directory_string(128),
    "stateOrProvinceName": directory_string(128),
    "streetAddress": directory_string(128),
    "organizationName": directory_string(64),
    "organizationalUnitName": directory_string(64),
    "title": directory_string(64),
    "description": directory_string(1024),
    "businessCategory": directory_string(128),
    "postalCode": directory_string(40),
    "name": directory_string(32768),
    "givenName": directory_string(32768),
    "initials": directory_string(32768),
    "generationQualifier": directory_string(32768),
    "x500UniqueIdentifier": bit_string(),
    "dnQualifier": PrintableString,
    "pseudonym": directory_string(128),
    "userId": directory_string(256),
    "domainComponent": IA5String,
    "emailAddress": checked(IA5String, size(1, 255)),
    "jurisdictionLocalityName": directory_string(128),
    "jurisdictionStateOrProvinceName": directory_string(128),
    "jurisdictionCountryName": checked(PrintableString, size(2, 2)),
}

# AttributeTypeAndValue   ::= SEQUENCE {
#         type    AttributeType,
#         value   AttributeValue }
AttributeTypeAndValue = sequence(
    "AttributeTypeAndValue",
    _named=True,
    _valued="value",
    type=OBJECT_IDENTIFIER,
    value=DefinedBy("type", ATTRIBUTES),
)

# Name ::= CHOICE { -- only one possibility for now --
#      rdnSequence  RDNSequence }
# RDNSequence ::= SEQUENCE OF RelativeDistinguishedName
# RelativeDistinguishedName  ::= SET SIZE (1..MAX) OF AttributeTypeAndValue      (of different types: X.501 section 9.3)
RelativeDistinguishedName = set_of("RelativeDistinguishedName", AttributeTypeAndValue, once_each, floor=1)
Name = sequence_of("Name", RelativeDistinguishedName)


def _address(reader: Reader) -> Contents:
    """Four octets of IPv4 or sixteen of IPv6, as text."""
    data = reader.buffer[reader.at : reader.end]
    if len(data) in (4, 16):
        return str(ipaddress.ip_address(data)), (), ""
    return data, (), reader.note(reader.error("4 octets for IPv4 or 16 for IPv6", str(len(data))))


def _network(reader: Reader) -> Contents:
    """An address and a mask of as many octets (RFC 5280 section 4.2.1.10), as text: 10.0.0.0/8."""
    data = reader.buffer[reader.at : reader.end]
    half = len(data) // 2
    if len(data) not in (8, 32):
        return data, (), reader.note(reader.error("8 octets for IPv4 or 32 for IPv6", str(len(data))))
    address, mask = ipaddress.ip_address(data[:half]), ipaddress.ip_address(data[half:])
    ones = int(mask).bit_count()
    network = f"{address}/{ones}"
    if int(mask) != (1 << mask.max_prefixlen) - (1 << mask.max_prefixlen - ones):
        return f"{address}/{mask}", (), reader.note(reader.error("a mask of ones before zeros", str(mask)))
    if int(address) & ~int(mask):
        return network, (), reader.note(reader.error("an address without bits outside of its mask", network))
    return network, (), ""


def _text(pattern: str, expected: str) -> Check:
    form = re.compile(pattern)

    def check(field: Field) -> Iterable[tuple[str, str]]:
        if isinstance(field.value, str) and not field.problem and not form.fullmatch(field.value):
            yield expected, ascii(field.value[:40]) if field.value else "nothing"

    return check


# RFC 1034 section 3.5 as RFC 1123 section 2.1 widens it, and wildcards (RFC 9525 section 6.3).
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = rf"(?=.{{1,253}}\Z)(\*\.)?{_LABEL}(\.{_LABEL})*"
_dns_name = _text(_HOST, "a DNS name: labels of letters, digits and inner hyphens between dots")
# RFC 5321 section 4.1.2: no phrase, no angle brackets.
_mailbox = _text(r"(\"[^\"]*\"|[^\s@<>\"]+)@[^\s@<>\"]+", "an e-mail address: local-part@domain")
# RFC 3986 sections 2 and 3, and RFC 9110 section 4.2: http has a host.
_absolute = _text(
    r"(?!https?:(?!//[^/?#:]))[A-Za-z][A-Za-z0-9+.-]*:[!#-;=?-\[\]_a-z~]+",
    "a URI with a scheme and what follows it (and a host for http), without spaces",
)

# OtherName ::= SEQUENCE {
#      type-id    OBJECT IDENTIFIER,
#      value      [0] EXPLICIT ANY DEFINED BY type-id }
OtherName = sequence("OtherName", _valued="value", type_id=OBJECT_IDENTIFIER, value=explicit(0, ANY))

# EDIPartyName ::= SEQUENCE {
#      nameAssigner            [0]     DirectoryString OPTIONAL,
#      partyName               [1]     DirectoryString }
EDIPartyName = sequence(
    "EDIPartyName",
    nameAssigner=optional(explicit(0, directory_string(32768))),
    partyName=explicit(1, directory_string(32768)),
)


# GeneralName ::= CHOICE {
#      otherName                 [0]  OtherName,
#      rfc822Name                [1]  IA5String,
#      dNSName                   [2]  IA5String,
#      x400Address               [3]  ORAddress,
#      directoryName             [4]  Name,
#      ediPartyName              [5]  EDIPartyName,
#      uniformResourceIdentifier [6]  IA5String,
#      iPAddress                 [7]  OCTET STRING,
#      registeredID              [8]  OBJECT IDENTIFIER }
def _general_name(rfc822: Tagged, dns: Tagged, uri: Tagged, ip: Tagged) -> Choice:
    return Choice(
        "GeneralName",
        otherName=implicit(0, OtherName),
        rfc822Name=implicit(1, rfc822),
        dNSName=implicit(2, dns),
        x400Address=implicit(3, sequence_of("ORAddress", ANY)),
        directoryName=explicit(4, Name),
        ediPartyName=implicit(5, EDIPartyName),
        uniformResourceIdentifier=implicit(6, uri),
        iPAddress=implicit(7, ip),
        registeredID=implicit(8, OBJECT_IDENTIFIER),
    )


GeneralName = _general_name(
    rfc822=checked(IA5String, _mailbox),
    dns=checked(IA5String, _dns_name),
    uri=checked(IA5String, _absolute),
    ip=Tagged("OCTET STRING", OCTET_STRING.identifier, _address),
)
# What a name constraint compares with is a part of a name (section 4.2.1.10): a domain, a host, a network.
GeneralNameBase = _general_name(
    IA5String, IA5String, IA5String, Tagged("OCTET STRING", OCTET_STRING.identifier, _network)
)

# GeneralNames ::= SEQUENCE SIZE (1..MAX) OF GeneralName
GeneralNames = sequence_of("GeneralNames", GeneralName, floor=1)
