"""The walker of DER: values, what is odd, and what hostile bytes cannot do to it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

import pytest
from abuse import within
from corpus import Vector, at, corpus, problems, tiles
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from tlsnotes.errors import DecodeError
from tlsnotes.pki.authority import self_signed
from tlsnotes.wire import asn1
from tlsnotes.wire.asn1 import CertificationRequestInfo, TBSCertList, parse_certificate, parse_crl, parse_csr, parse_der
from tlsnotes.wire.asn1_extensions import Extensions, NameConstraints
from tlsnotes.wire.asn1_keys import RSAPublicKey
from tlsnotes.wire.asn1_names import GeneralName, Name
from tlsnotes.wire.der import ANY, MAX_DEPTH
from tlsnotes.wire.fields import Field, Value
from tlsnotes.wire.reader import Reader, Type, parse, read_whole

STRICT = {"certificate": asn1.Certificate, "csr": asn1.CertificationRequest, "crl": asn1.CertificateList}


def tlv(tag: int, *contents: bytes) -> bytes:
    """Encode a value."""
    data = b"".join(contents)
    size = len(data).to_bytes((len(data).bit_length() + 7) // 8 or 1, "big")
    return bytes([tag]) + (size if len(data) < 128 else bytes([0x80 | len(size)]) + size) + data


# ---- Values


@pytest.mark.parametrize(
    ("data", "name", "value"),
    [
        ("0101ff", "BOOLEAN", True),
        ("010100", "BOOLEAN", False),
        ("020100", "INTEGER", 0),
        ("020180", "INTEGER", -128),
        ("02020080", "INTEGER", 128),
        ("0a0103", "ENUMERATED", 3),
        ("0304066e5dc0", "BIT STRING", bytes.fromhex("6e5dc0")),
        ("030100", "BIT STRING", b""),
        ("0403010203", "OCTET STRING", b"\1\2\3"),
        ("0400", "OCTET STRING", b""),
        ("0500", "NULL", None),
        ("06062a864886f70d", "OBJECT IDENTIFIER", "1.2.840.113549"),
        ("0603883703", "OBJECT IDENTIFIER", "2.999.3"),
        ("060127", "OBJECT IDENTIFIER", "0.39"),
        ("0c03e282ac", "UTF8String", "€"),
        ("12033132 20".replace(" ", ""), "NumericString", "12 "),
        ("13024142", "PrintableString", "AB"),
        ("1401e9", "TeletexString", "é"),
        ("16024040", "IA5String", "@@"),
        ("1a0141", "VisibleString", "A"),
        ("1e0420ac0041", "BMPString", "€A"),
        ("1c040001f600", "UniversalString", "😀"),
        ("170d3439313233313233353935395a", "UTCTime", datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("170d3530303130313030303030305a", "UTCTime", datetime(1950, 1, 1, tzinfo=UTC)),
        ("180f39393939313233313233353935395a", "GeneralizedTime", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("300602010102 0102".replace(" ", ""), "SEQUENCE", (1, 2)),
        ("8001ff", "[0]", b"\xff"),
        ("5f810001aa", "[APPLICATION 128]", b"\xaa"),
        ("df1f00", "[PRIVATE 31]", b""),
    ],
)
def test_a_value_is_what_x680_says(data: str, name: str, value: Value) -> None:
    field = parse(ANY, bytes.fromhex(data))
    assert (field.type, field.value) == (name, value)
    assert [child.name for child in field.children] == ["identifier", "length", "contents"]
    assert tiles(field, bytes.fromhex(data))


def extension(oid: str, value: bytes) -> bytes:
    return tlv(0x30, tlv(0x30, bytes.fromhex(oid), tlv(4, value)))


KEY_USAGE, BASIC_CONSTRAINTS, UNKNOWN = "0603551d0f", "0603551d13", "06032a0304"
COMMON_NAME = bytes.fromhex("0603550403")
ALICE, BOB = (tlv(0x30, COMMON_NAME, tlv(12, name)) for name in (b"alice", b"bob"))

# The type, the octets, the words, and the offset that a strict reader gives.
ODD: list[tuple[Type, bytes | str, str, int]] = [
    (ANY, "02020001", "expected an INTEGER in its shortest form, found 00 01", 2),
    (ANY, "0202ff80", "expected an INTEGER in its shortest form, found ff 80", 2),
    (ANY, "0200", "expected at least one octet of contents, found none", 2),
    (ANY, "010101", "expected 00 for FALSE or ff for TRUE, found 01", 2),
    (ANY, "01020000", "expected 00 for FALSE or ff for TRUE, found 00 00", 2),
    (ANY, "050100", "expected no contents, found 00", 2),
    (ANY, "0600", "expected at least one octet of contents, found none", 2),
    (ANY, "06022a80", "expected a last arc that ends, found the end in the middle of it", 2),
    (ANY, "06032a8001", "expected arcs in their shortest form, found one that begins with 80", 2),
    (ANY, tlv(6, b"\x2a" + 20 * b"\x81" + b"\1"), "expected arcs of at most 19 octets, found a longer one", 2),
    (ANY, "0300", "expected at least one octet of contents, found none", 2),
    (ANY, "030101", "expected at most 0 unused bits, found 1", 2),
    (ANY, "03020800", "expected at most 7 unused bits, found 8", 2),
    (ANY, "03020101", "expected unused bits of 0, found 1 among them (00000001)", 3),
    (ANY, "0c01ff", "expected the characters of UTF8String, found the byte 0xff", 2),
    (ANY, "0c0361eda0", "expected the characters of UTF8String, found the byte 0xed", 3),
    (ANY, "12014e", "expected the characters of NumericString, found 'N'", 2),
    (ANY, "130140", "expected the characters of PrintableString, found '@'", 2),
    (ANY, "160261e9", "expected the characters of IA5String, found the byte 0xe9", 3),
    (ANY, "1a010a", "expected the characters of VisibleString, found '\\n'", 2),
    (ANY, "1e0141", "expected the characters of BMPString, found the byte 0x41", 2),
    (ANY, "1e04d83dde00", "expected the characters of BMPString, found '\\U0001f600'", 2),
    (ANY, "1c0400110000", "expected the characters of UniversalString, found the byte 0x00", 2),
    (ANY, tlv(23, b"2601010000Z"), "expected a time as YYMMDDHHMMSSZ, found '2601010000Z'", 2),
    (ANY, tlv(23, b"260230000000Z"), "expected a time as YYMMDDHHMMSSZ, found '260230000000Z'", 2),
    (ANY, tlv(23, b"260101000000+0100"), "expected a time as YYMMDDHHMMSSZ, found '260101000000+0100'", 2),
    (ANY, tlv(24, b"20260101000000.5Z"), "expected a time as YYYYMMDDHHMMSSZ, found '20260101000000.5Z'", 2),
    (ANY, "02810103", "expected a length in its shortest form, as DER wants, found 81 01", 1),
    (ANY, "0282000105", "expected a length in its shortest form, as DER wants, found 82 00 01", 1),
    (ANY, "2403040161", "expected the primitive form, found the constructed one", 0),
    (ANY, "1000", "expected the constructed form, found the primitive one", 0),
    (ANY, "9f1e00", "expected a tag number in its shortest form, found 30", 1),
    (ANY, "9f801f00", "expected a tag number in its shortest form, found 31", 1),
    (ANY, "020205", "expected as many bytes as the length says (2), found 1, then the end", 1),
    (
        ANY,
        "02fe" + 126 * "ff" + "05",
        "expected as many bytes as the length says (2^1007 or more), found 1, then the end",
        1,
    ),
    (ANY, "3006020101020500", "expected as many bytes as the length says (5), found 1, then the end", 6),
    (ANY, "30053080020101", "expected a definite length, as DER wants, found an indefinite length", 3),
    (ANY, "300102", "expected a length, found the end", 3),
    (ANY, "02010500", "expected the end after ANY, found 1 more byte", 3),
    (asn1.Validity, "3000", "expected notBefore (Time), found the end", 2),
    (asn1.Validity, "3003020101", "expected Time, found INTEGER", 2),
    (asn1.CertificateSerialNumber, "0400", "expected CertificateSerialNumber (INTEGER), found OCTET STRING", 0),
    (asn1.CertificateSerialNumber, "020100", "expected a positive serial number, found zero", 0),
    (asn1.CertificateSerialNumber, "0215" + 21 * "01", "expected a serial number of at most 20 octets, found 21", 0),
    (GeneralName, "8703010203", "expected 4 octets for IPv4 or 16 for IPv6, found 3", 2),
    (GeneralName, "8a00", "expected GeneralName, found [10] primitive", 0),
    (
        GeneralName,
        tlv(0x82, b"a\0.example"),
        "... letters, digits and inner hyphens between dots, found 'a\\x00.example'",
        0,
    ),
    (Name, tlv(0x30, tlv(0x31)), "expected at least one AttributeTypeAndValue, found none", 4),
    (
        Name,
        tlv(0x30, tlv(0x31, ALICE, BOB)),
        "expected the items of a SET OF in the order of their octets, found another order",
        4,
    ),
    (Name, tlv(0x30, tlv(0x31, BOB, ALICE)), "expected commonName once, found 2 of them", 2),
    (Name, tlv(0x30, tlv(0x31, tlv(0x30, COMMON_NAME, tlv(12)))), "expected 1 to 64 characters, found 0", 11),
    (
        Extensions,
        extension(BASIC_CONSTRAINTS, tlv(0x30, tlv(1, b"\0"))),
        "expected nothing, for FALSE is the default, found the default",
        13,
    ),
    (
        Extensions,
        extension(BASIC_CONSTRAINTS, tlv(0x30) + b"\0"),
        "expected the end after BasicConstraints, found 1 more byte",
        13,
    ),
    (Extensions, extension(KEY_USAGE, tlv(3, b"\0\x80")), "expected no 0 behind the last 1, found 10000000", 14),
    (Extensions, extension(KEY_USAGE, tlv(3, b"\0")), "expected at least one bit that is set, found none", 11),
    (Extensions, extension(KEY_USAGE, tlv(3, b"\4\0\0\x10")), "expected no bit after 8 (decipherOnly), found 19", 13),
    (
        Extensions,
        extension(UNKNOWN, b"value"),
        "expected the DER encoding of a value, as in every extension, found other octets",
        12,
    ),
]


@pytest.mark.parametrize(("wanted", "data", "words", "offset"), ODD)
def test_what_is_odd_is_said_where_it_is(wanted: Type, data: bytes | str, words: str, offset: int) -> None:
    octets = data if isinstance(data, bytes) else bytes.fromhex(data)
    field, errors = read_whole(wanted, octets)
    assert tiles(field, octets)
    assert words.lstrip(".") in "; ".join(text for _, text in problems(field))
    assert errors
    with pytest.raises(DecodeError) as caught:
        parse(wanted, octets)
    assert words.lstrip(".") in f"expected {caught.value.expected}, found {caught.value.found}"
    assert caught.value.offset == offset


@pytest.mark.parametrize("value", [tlv(3, b"\7\x80"), tlv(3, b"\7\0\x80"), tlv(3, b"\1\xfe")])
def test_key_usage_in_order_has_no_problem(value: bytes) -> None:
    assert parse(Extensions, extension(KEY_USAGE, value))


def test_what_has_another_tag_is_read_as_what_it_is() -> None:
    field, _ = read_whole(asn1.Validity, tlv(0x30, tlv(0x30, tlv(2, b"\5")), tlv(12, b"now")))
    assert (at(field, "notBefore").type, at(field, "notBefore").value) == ("SEQUENCE", (5,))
    assert (at(field, "notAfter").type, at(field, "notAfter").value) == ("UTF8String", "now")


def test_what_is_too_much_is_kept_and_called_so() -> None:
    field, errors = read_whole(asn1.Validity, tlv(0x30, 2 * tlv(23, b"260101000000Z"), tlv(2, b"\5"), tlv(5)))
    assert [(item.name, item.value) for item in field.children[2].children[2:]] == [("2", 5), ("3", None)]
    assert field.problem == "expected the end, found INTEGER"
    assert len(errors) == 1


# ---- What hostile bytes cannot do


def some() -> list[Vector]:
    """A few of each kind, small enough to be cut at every byte."""
    wanted = (
        "x509/letsencryptx3.pem",
        "x509/custom/san_email_dns_ip_dirname_uri.pem",
        "x509/custom/nc_permitted_excluded.pem",
        "x509/custom/cp_user_notice_with_notice_reference.pem",
        "x509/custom/rsa_pss_cert.pem",
        "x509/custom/crl_delta_crl_indicator.pem",
        "x509/custom/crl_idp_relative_user_all_reasons.pem",
        "x509/requests/challenge.pem",
        "x509/custom/dsa_selfsigned_ca.pem",
        "x509/badssl-sct.pem",
    )
    found = [vector for vector in corpus() if vector.name in wanted]
    assert len(found) == len(wanted)
    return found


def read_or_refuse(vector: Vector, data: bytes) -> None:
    """Both ways: strictly, and as far as it goes."""
    with suppress(DecodeError):
        parse(STRICT[vector.kind], data)
    try:
        tree = vector._replace(der=data).parse()
    except DecodeError:
        return
    assert tiles(tree, data)


@pytest.mark.parametrize("vector", some(), ids=lambda vector: vector.name)
def test_what_is_cut_or_has_a_tail_is_refused_strictly_and_shown_otherwise(vector: Vector) -> None:
    data = vector.der
    assert tiles(parse(STRICT[vector.kind], data), data)
    for end in range(len(data)):
        with pytest.raises(DecodeError):
            parse(STRICT[vector.kind], data[:end])
        if end > 4:
            assert tiles(vector._replace(der=data[:end]).parse(), data[:end])
    for tail in (b"\0", b"\x30", b"tail"):
        with pytest.raises(DecodeError):
            parse(STRICT[vector.kind], data + tail)
        assert tiles(vector._replace(der=data + tail).parse(), data + tail)


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_whatever_is_changed_is_read_or_refused(data: st.DataObject) -> None:
    vector = data.draw(st.sampled_from(corpus()))
    octets = bytearray(vector.der[:4000])
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(octets) - 1))
        end = place + data.draw(st.sampled_from((0, 1, 1, 1, 4, 40)))
        octets[place:end] = data.draw(st.binary(min_size=0, max_size=4))
        octets = octets or bytearray(b"\0")
    read_or_refuse(vector, bytes(octets))


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=200), st.sampled_from([parse_certificate, parse_csr, parse_crl, parse_der]))
def test_any_bytes_are_read_or_refused(data: bytes, parser: Callable[[bytes], Field]) -> None:
    for octets in (data, tlv(0x30, data), tlv(0x30, tlv(0x30, data))):
        try:
            tree = parser(octets)
        except DecodeError:
            continue
        assert tiles(tree, octets)


def nested(depth: int, tag: int) -> bytes:
    lengths = []
    size = 0
    for _ in range(depth):
        header = (
            tlv(tag, bytes(size))[: -size or None] if size < 70_000 else bytes([tag, 0x84]) + size.to_bytes(4, "big")
        )
        lengths.append(header)
        size += len(header)
    return b"".join(reversed(lengths))


@pytest.mark.parametrize("tag", [0x30, 0x31, 0xA0, 0x24, 0x23, 0x7F])
def test_what_nests_too_deep_stays_bytes(tag: int) -> None:
    for data in (nested(20_000, tag), bytes([tag, 0x82, 0xFF, 0xFF]) * 25_000, bytes([tag, 0x84]) * 50_000):
        for parser in (parse_certificate, parse_der):
            with suppress(DecodeError):
                tree = within(1, partial(parser, data))
                assert tiles(tree, data)
                assert problems(tree)
    deepest = parse_der(nested(MAX_DEPTH, 0x30))
    assert not problems(deepest)
    assert "at most 40 values in each other" in problems(parse_der(nested(MAX_DEPTH + 1, 0x30)))[-1][1]


def test_indefinite_lengths_are_refused_by_name_however_many() -> None:
    with pytest.raises(DecodeError, match="indefinite"):
        parse_certificate(b"\x30\x80" * 100_000)
    field = parse_der(tlv(0x30, b"\x30\x80" * 100_000))
    assert [text for _, text in problems(field)] == [
        "expected a definite length, as DER wants, found an indefinite length"
    ]


def test_a_number_of_a_megabyte_is_no_decimal_text() -> None:
    huge = b"\x7f" + bytes(1_000_000)
    for data in (tlv(2, huge), tlv(0x30, tlv(6, b"\x2a" + b"\xff" * 1_000_000 + b"\1")), tlv(0x30, tlv(23, huge))):
        tree = within(1, partial(parse_certificate, data))
        assert tiles(tree, data)
    # ... nor where a message is made of it: a version, a path length, a modulus, what should be an OBJECT IDENTIFIER.
    below = b"\x80" + bytes(1_000_000)
    for number in (huge, below):
        for data in (
            tlv(0x30, tlv(0x30, tlv(0xA0, tlv(2, number)))),
            tlv(0x30, tlv(0x30, tlv(0xA0, tlv(2, number)), tlv(0xA3, extension(UNKNOWN, tlv(5))))),
            tlv(0x30, tlv(0x30, *(2 * [tlv(0x30, tlv(2, number))]))),
        ):
            for parser in (parse_certificate, parse_csr, parse_crl):
                assert tiles(parser(data), data)
        for wanted, data in (
            (Extensions, extension(BASIC_CONSTRAINTS, tlv(0x30, tlv(1, b"\xff"), tlv(2, number)))),
            (Extensions, tlv(0x30, 2 * tlv(0x30, tlv(2, number), tlv(4, tlv(5))))),
            (RSAPublicKey, tlv(0x30, 2 * tlv(2, number))),
            (TBSCertList, tlv(0x30, tlv(2, number))),
            (CertificationRequestInfo, tlv(0x30, tlv(2, number))),
            (NameConstraints, tlv(0x30, tlv(0xA0, tlv(0x30, tlv(0x82, b"a.example"), tlv(0x80, number))))),
        ):
            assert tiles(read_whole(wanted, data)[0], data)
    serial = parse_certificate(tlv(0x30, tlv(0x30, tlv(2, huge))))
    assert "at most 20 octets, found 1000001" in at(serial, "serialNumber").problem


def with_names(count: int) -> bytes:
    return self_signed(f"host-{number}.example" for number in range(count)).certificate.public_bytes(Encoding.DER)


def test_the_time_it_takes_is_linear_in_the_names() -> None:
    def took(data: bytes) -> float:
        times = []
        for _ in range(3):
            start = time.process_time()
            fields = sum(1 for _ in parse_certificate(data).walk())
            times.append(time.process_time() - start)
            assert fields > len(data) / 20
        return min(times)

    few, many = with_names(2_500), with_names(10_000)
    assert took(many) < 0.5
    assert took(many) < 4 * 2.5 * took(few)


def test_there_is_an_end_to_what_is_remembered() -> None:
    data = tlv(0x30, tlv(0x30, tlv(5)) * 3_000)
    reader = Reader(data, strict=False, budget=1_000)
    tree = reader.whole(ANY, "")
    assert tiles(tree, data)
    assert sum(field.name == "contents" for field in tree.walk()) == 1_001  # the outermost is not counted
    assert "found more" in problems(tree)[-1][1]
