"""Authorities: what they put into a certificate, for how long, for whom; what they refuse to sign; what they revoke."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import os
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import x25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID
from needs import need

from tlsnotes import Authority, Credential, TLSNotesError, generate_key, load_certificates, self_signed
from tlsnotes.pki.authority import REVOCATION_REASONS
from tlsnotes.pki.profile import BACKDATED

ROOT = Authority.root("Shop root")
INTERMEDIATE = ROOT.intermediate("Shop servers")
KEY = generate_key()
SECOND = timedelta(seconds=1)

SKI = ExtensionOID.SUBJECT_KEY_IDENTIFIER
AKI = ExtensionOID.AUTHORITY_KEY_IDENTIFIER
SAN = ExtensionOID.SUBJECT_ALTERNATIVE_NAME
BASIC = ExtensionOID.BASIC_CONSTRAINTS
USAGE = ExtensionOID.KEY_USAGE
EXTENDED = ExtensionOID.EXTENDED_KEY_USAGE


def openssl(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run openssl without what this machine may tell it to trust besides."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SSL_", "OPENSSL_"))}
    command = [need("openssl"), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=30)


def value(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> x509.ExtensionType:
    return certificate.extensions.get_extension_for_oid(oid).value


def criticality(certificate: x509.Certificate) -> dict[x509.ObjectIdentifier, bool]:
    return {extension.oid: extension.critical for extension in certificate.extensions}


def key_usages(certificate: x509.Certificate) -> set[str]:
    usage = value(certificate, USAGE)
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    return {name for name in (*names, "key_cert_sign", "crl_sign") if getattr(usage, name)}


def public(certificate_or_key: x509.Certificate) -> bytes:
    return certificate_or_key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def length(certificate: x509.Certificate) -> timedelta:
    """A lifetime as RFC 5280 section 4.1.2.5 counts it: both ends belong to it."""
    return certificate.not_valid_after_utc - certificate.not_valid_before_utc + SECOND


def request(*extensions: x509.ExtensionType, subject: str = "", key: object = KEY) -> x509.CertificateSigningRequest:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)] if subject else [])
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(key, hashes.SHA256())


def names(*entries: str | x509.GeneralName) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName([x509.DNSName(e) if isinstance(e, str) else e for e in entries])


# What is in a certificate


CERTIFICATES: dict[str, tuple[Callable[[], x509.Certificate], dict[x509.ObjectIdentifier, bool]]] = {
    "root": (lambda: ROOT.certificate, {SKI: False, BASIC: True, USAGE: True}),
    "intermediate": (lambda: INTERMEDIATE.certificate, {SKI: False, AKI: False, BASIC: True, USAGE: True}),
    "server": (
        lambda: INTERMEDIATE.issue("localhost", key=KEY).certificate,
        {SKI: False, AKI: False, SAN: False, BASIC: True, USAGE: True, EXTENDED: False},
    ),
    "client": (
        lambda: INTERMEDIATE.issue("alice@shop.example", "client", key=KEY).certificate,
        {SKI: False, AKI: False, SAN: False, BASIC: True, USAGE: True, EXTENDED: False},
    ),
    "requested": (
        lambda: INTERMEDIATE.sign(request(names("localhost"))),
        {SKI: False, AKI: False, SAN: False, BASIC: True, USAGE: True, EXTENDED: False},
    ),
    "self-signed": (
        lambda: self_signed("localhost", KEY).certificate,
        {SKI: False, SAN: False, BASIC: True, USAGE: True, EXTENDED: False},
    ),
}


@pytest.mark.parametrize("made", CERTIFICATES)
def test_a_certificate_has_just_these_extensions_and_these_are_critical(made: str) -> None:
    """RFC 5280 section 4.2; Python 3.13's strict mode insists on the key identifiers, browsers on the names."""
    make, expected = CERTIFICATES[made]
    assert criticality(make()) == expected


@pytest.mark.parametrize("made", CERTIFICATES)
def test_a_certificate_is_of_version_3_and_its_serial_number_of_20_octets_at_most(made: str) -> None:
    certificate = CERTIFICATES[made][0]()
    assert certificate.version is x509.Version.v3
    assert (
        0 < certificate.serial_number < 1 << 159
    )  # the first bit of the 20 octets is the sign: RFC 5280 section 4.1.2.2


@pytest.mark.parametrize("made", CERTIFICATES)
def test_a_key_identifier_is_the_sha_1_of_the_key(made: str) -> None:
    """RFC 5280 section 4.2.1.2, method 1: a name, not a protection, so SHA-1 does."""
    certificate = CERTIFICATES[made][0]()
    key = value(certificate, SKI).key_identifier
    form = (Encoding.X962, PublicFormat.UncompressedPoint)
    assert key == hashlib.sha1(certificate.public_key().public_bytes(*form), usedforsecurity=False).digest()


@pytest.mark.parametrize("made", ["intermediate", "server", "client", "requested"])
def test_what_was_issued_names_its_issuer_and_the_issuers_key(made: str) -> None:
    certificate = CERTIFICATES[made][0]()
    issuer = (ROOT if made == "intermediate" else INTERMEDIATE).certificate
    identifier = value(certificate, AKI)
    assert identifier.key_identifier == value(issuer, SKI).key_identifier
    assert identifier.authority_cert_issuer is identifier.authority_cert_serial_number is None
    assert certificate.issuer == issuer.subject
    certificate.verify_directly_issued_by(issuer)


@pytest.mark.parametrize("made", ["root", "self-signed"])
def test_what_signs_itself_is_its_own_issuer(made: str) -> None:
    certificate = CERTIFICATES[made][0]()
    assert certificate.issuer == certificate.subject
    certificate.verify_directly_issued_by(certificate)


@pytest.mark.parametrize(("made", "limit"), [("root", None), ("intermediate", 0)])
def test_an_authority_may_sign_certificates_and_lists_and_nothing_else(made: str, limit: int | None) -> None:
    certificate = CERTIFICATES[made][0]()
    assert value(certificate, BASIC) == x509.BasicConstraints(ca=True, path_length=limit)
    assert key_usages(certificate) == {"key_cert_sign", "crl_sign"}


@pytest.mark.parametrize(
    ("made", "purpose"),
    [
        ("server", ExtendedKeyUsageOID.SERVER_AUTH),
        ("client", ExtendedKeyUsageOID.CLIENT_AUTH),
        ("requested", ExtendedKeyUsageOID.SERVER_AUTH),
        ("self-signed", ExtendedKeyUsageOID.SERVER_AUTH),
    ],
)
def test_an_end_entity_may_sign_handshakes_for_one_purpose_and_nothing_else(
    made: str, purpose: x509.ObjectIdentifier
) -> None:
    certificate = CERTIFICATES[made][0]()
    assert value(certificate, BASIC) == x509.BasicConstraints(ca=False, path_length=None)
    assert key_usages(certificate) == {"digital_signature"}
    assert list(value(certificate, EXTENDED)) == [purpose]


def test_a_self_signed_certificate_can_be_a_clients() -> None:
    certificate = self_signed("alice@shop.example", KEY, usage="client").certificate
    assert list(value(certificate, EXTENDED)) == [ExtendedKeyUsageOID.CLIENT_AUTH]


def test_serial_numbers_are_random() -> None:
    """The Baseline Requirements ask for 64 random bits; numbers that count up betray how many there are."""
    serials = [ROOT.issue("localhost", key=KEY).certificate.serial_number for _ in range(100)]
    assert len(set(serials)) == 100
    assert max(serials).bit_length() > 150
    low = [serial & 0xFFFFFFFFFFFFFFFF for serial in serials]
    assert len(set(low)) == 100
    assert any(after < before for before, after in pairwise(serials))


@pytest.mark.parametrize(
    ("kind", "algorithm"),
    [
        ("ecdsa-p256", "1.2.840.10045.4.3.2"),
        ("ecdsa-p384", "1.2.840.10045.4.3.3"),
        ("ecdsa-p521", "1.2.840.10045.4.3.4"),
        ("rsa-2048", "1.2.840.113549.1.1.11"),
        ("ed25519", "1.3.101.112"),
        ("ed448", "1.3.101.113"),
        ("ml-dsa-44", "2.16.840.1.101.3.4.3.17"),
        ("ml-dsa-65", "2.16.840.1.101.3.4.3.18"),
        ("ml-dsa-87", "2.16.840.1.101.3.4.3.19"),
    ],
)
def test_a_signature_is_as_strong_as_the_key(kind: str, algorithm: str) -> None:
    authority = Authority.root("A root", kind)
    issued = authority.issue("localhost", key=KEY).certificate
    for certificate in (authority.certificate, issued):
        assert certificate.signature_algorithm_oid.dotted_string == algorithm
        certificate.verify_directly_issued_by(authority.certificate)
    assert authority.crl().is_signature_valid(authority.certificate.public_key())


def test_a_certificate_is_for_the_key_that_was_given() -> None:
    assert public(ROOT.issue("localhost", key=KEY).certificate) == public(KEY)
    assert public(self_signed("localhost", KEY).certificate) == public(KEY)
    assert public(Authority.root("A root", KEY).certificate) == public(KEY)
    assert public(ROOT.intermediate("Below", key=KEY).certificate) == public(KEY)


def test_a_certificate_gets_a_new_key_when_none_was_given() -> None:
    assert public(ROOT.issue("localhost").certificate) != public(ROOT.issue("localhost").certificate)


@pytest.mark.parametrize("key", [b"", 5, x25519.X25519PrivateKey.generate(), KEY.public_key(), "rsa", ""])
def test_what_is_no_key_certifies_nothing(key: object) -> None:
    makers = (
        lambda: self_signed("localhost", key),
        lambda: Authority.root("A root", key),
        lambda: ROOT.issue("localhost", key=key),
        lambda: ROOT.intermediate("Below", key=key),
    )
    for make in makers:
        with pytest.raises(TLSNotesError, match="key"):
            make()


@pytest.mark.parametrize("usage", ["ca", "", None, ["client"]])
def test_a_certificate_is_for_a_server_or_a_client(usage: object) -> None:
    with pytest.raises(TLSNotesError, match="for a server or for a client"):
        ROOT.issue("localhost", usage)


# How long it lasts


def test_a_certificate_begins_five_minutes_ago_and_lasts_90_days_and_an_authority_a_year() -> None:
    """Five minutes, so that it holds for clients whose clocks are slow."""
    before = datetime.now(UTC).replace(microsecond=0)
    made = {
        90: [self_signed("localhost", KEY).certificate, ROOT.issue("localhost", key=KEY).certificate],
        365: [Authority.root().certificate],
    }
    after = datetime.now(UTC)
    for days, certificates in made.items():
        for certificate in certificates:
            assert before <= certificate.not_valid_before_utc + timedelta(minutes=5) <= after
            assert length(certificate) == timedelta(days=days)


def test_a_request_is_signed_for_90_days() -> None:
    assert length(ROOT.sign(request(names("localhost")))) == timedelta(days=90)
    assert length(ROOT.sign(request(names("localhost")), days=3)) == timedelta(days=3)


@pytest.mark.parametrize("days", [1, 1.5, 0.25, 397, 1 / 86400, 36525])
def test_a_lifetime_counts_both_its_ends(days: float) -> None:
    certificate = self_signed("localhost", KEY, days=days).certificate
    assert length(certificate) == timedelta(days=days)


def test_a_certificate_can_live_for_a_second() -> None:
    assert length(ROOT.issue("localhost", key=KEY, days=1 / 86400).certificate) == SECOND


def test_a_start_is_kept_to_the_second_in_utc() -> None:
    start = datetime(2026, 3, 1, 14, 30, 15, 999, tzinfo=timezone(timedelta(hours=2)))
    certificate = self_signed("localhost", KEY, start=start, days=1).certificate
    assert certificate.not_valid_before_utc == datetime(2026, 3, 1, 12, 30, 15, tzinfo=UTC)
    assert certificate.not_valid_after_utc == datetime(2026, 3, 2, 12, 30, 14, tzinfo=UTC)


def test_a_certificate_may_reach_beyond_2049() -> None:
    """Where UTCTime ends and GeneralizedTime begins: RFC 5280 section 4.1.2.5."""
    certificate = self_signed("localhost", KEY, start=datetime(2049, 12, 31, tzinfo=UTC), days=2).certificate
    assert certificate.not_valid_after_utc == datetime(2050, 1, 1, 23, 59, 59, tzinfo=UTC)


def test_nothing_outlives_who_vouches_for_it() -> None:
    short = Authority.root("Short root", days=10)
    end = short.certificate.not_valid_after_utc
    below = short.intermediate("Below", days=365)
    assert below.certificate.not_valid_after_utc == end
    assert below.issue("localhost", key=KEY, days=90).certificate.not_valid_after_utc == end
    assert below.sign(request(names("localhost"))).not_valid_after_utc == end
    assert below.issue("localhost", key=KEY, days=5).certificate.not_valid_after_utc < end


def test_an_authority_that_has_ended_issues_nothing_more() -> None:
    ended = Authority.root("Old root", start=datetime(2020, 1, 1, tzinfo=UTC), days=30)
    for make in (lambda: ended.issue("localhost"), lambda: ended.intermediate("Below")):
        with pytest.raises(TLSNotesError, match="ends before") as caught:
            make()
        assert "2020-01-30" in caught.value.expected
    start = datetime(2020, 1, 10, tzinfo=UTC)
    assert ended.issue("localhost", start=start).certificate.not_valid_after_utc == datetime(
        2020, 1, 30, 23, 59, 59, tzinfo=UTC
    )


@pytest.mark.parametrize(
    "days", [0, -1, 0.000001, float("nan"), float("inf"), 36526, 10**30, "90", None, True, timedelta(1)]
)
def test_a_lifetime_is_a_number_of_days(days: object) -> None:
    for make in (self_signed, ROOT.issue, ROOT.intermediate):
        with pytest.raises(TLSNotesError, match="lifetime"):
            make("localhost", days=days)
    with pytest.raises(TLSNotesError, match="lifetime"):
        ROOT.crl(days)


@pytest.mark.parametrize(
    "start",
    [
        datetime(2026, 1, 1),  # noqa: DTZ001  # without a zone it is no moment, and so refused
        datetime(1949, 12, 31, tzinfo=UTC),
        datetime(1950, 1, 1, tzinfo=timezone(timedelta(hours=5))),  # 1949 still, in UTC
        datetime(9999, 12, 31, tzinfo=UTC),
        *("2026-01-01", date(2026, 1, 1), 0, 1767225600.0),
    ],
    ids=repr,
)
def test_a_start_is_a_moment_that_a_certificate_can_hold(start: object) -> None:
    for make in (self_signed, ROOT.issue, Authority.root):
        with pytest.raises(TLSNotesError, match="start"):
            make("localhost", start=start)


# Chains


def test_a_chain_leads_from_the_issuer_up_and_stops_below_the_root() -> None:
    top = Authority.root("Top")
    upper = top.intermediate("Upper", path_length=1)
    lower = upper.intermediate("Lower")
    leaf = lower.issue("localhost", key=KEY)
    assert top.credential.chain == top.issue("localhost", key=KEY).chain == ()
    assert upper.credential.chain == ()
    assert lower.credential.chain == (upper.certificate,)
    assert leaf.chain == (lower.certificate, upper.certificate)
    assert x509.load_pem_x509_certificates(leaf.fullchain_pem) == [leaf.certificate, *leaf.chain]
    assert leaf.fullchain_pem.startswith(leaf.certificate_pem)
    for certificate, issuer in pairwise([leaf.certificate, *leaf.chain, top.certificate]):
        certificate.verify_directly_issued_by(issuer)


def test_an_intermediate_that_has_its_roots_name_is_still_in_the_chain() -> None:
    """A name is no identity: who signed is told by the signature."""
    root = Authority.root("Shop")
    intermediate = root.intermediate("Shop")
    assert intermediate.issue("localhost", key=KEY).chain == (intermediate.certificate,)
    assert repr(intermediate) == "<Authority 'Shop': intermediate>"


def test_a_server_that_has_its_authoritys_name_is_not_self_signed() -> None:
    issued = Authority.root("localhost").issue("localhost", key=KEY)
    assert repr(issued) == "<Credential 'localhost': ecdsa-p256, signed by 'localhost'>"


@pytest.mark.parametrize(("above", "below"), [(None, None), (None, 0), (None, 7), (2, 1), (2, 0), (1, 0)])
def test_a_path_gets_shorter_downwards(above: int | None, below: int | None) -> None:
    intermediate = Authority.root("Top", KEY, path_length=above).intermediate("Below", below, KEY)
    assert intermediate.path_length == below
    assert value(intermediate.certificate, BASIC).path_length == below


@pytest.mark.parametrize(("above", "below"), [(0, 0), (0, None), (1, 1), (1, 2), (2, None)])
def test_a_path_that_would_be_too_long_is_refused_before_anything_is_signed(above: int, below: int | None) -> None:
    root = Authority.root("Top", KEY, path_length=above)
    with pytest.raises(TLSNotesError, match="too long") as caught:
        root.intermediate("Below", below, KEY)
    assert caught.value.expected
    assert str(below) in caught.value.found
    assert caught.value.fix


@pytest.mark.parametrize("path_length", [-1, 1.0, "0", True, b"", 10**30], ids=repr)
def test_a_path_length_is_a_count(path_length: object) -> None:
    with pytest.raises(TLSNotesError, match="path length"):
        Authority.root("Top", KEY, path_length=path_length)
    with pytest.raises(TLSNotesError, match="path length"):
        ROOT.intermediate("Below", path_length, KEY)


# Authorities' names


@pytest.mark.parametrize("name", ["R", "Shop root", "Bücherladen", "店", "a" * 64, "root\nwith\tmarks"])
def test_an_authority_has_the_name_it_was_given(name: str) -> None:
    authority = Authority.root(name, KEY)
    common = authority.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert [attribute.value for attribute in common] == [name]


@pytest.mark.parametrize("name", ["", "a" * 65, None, b"root", 5, "\ud800"])
def test_what_is_no_name_for_an_authority_is_refused(name: object) -> None:
    with pytest.raises(TLSNotesError, match="authority's name"):
        Authority.root(name, KEY)
    with pytest.raises(TLSNotesError, match="authority's name"):
        ROOT.intermediate(name, key=KEY)


def test_an_authoritys_name_that_is_too_long_in_octets_is_refused_in_our_own_words() -> None:
    """RFC 5280 appendix A.1 counts 64 characters, cryptography 64 octets of UTF-8: the smaller limit is said."""
    with pytest.raises(TLSNotesError, match="authority's name") as caught:
        Authority.root("é" * 40, KEY)
    assert "UTF-8" in caught.value.expected


HOSTILE = "evil\u202egnp.exe\x1b[2J\n<b>\u200b\0"


def test_a_hostile_name_is_shown_and_not_obeyed() -> None:
    authority = Authority.root(HOSTILE, KEY)
    below = authority.intermediate(HOSTILE + "2", key=KEY)
    shown = [repr(authority), repr(below), repr(below.issue("localhost", key=KEY)), repr(authority.credential)]
    with pytest.raises(TLSNotesError) as caught:
        ROOT.revoke(below.certificate)
    with pytest.raises(TLSNotesError) as not_ours:
        Credential(below.certificate, generate_key())
    with pytest.raises(TLSNotesError) as too_long:
        below.intermediate("Further")
    shown += [line for error in (caught, not_ours, too_long) for line in str(error.value).splitlines()]
    assert len([text for text in shown if r"evil\u202egnp.exe\x1b[2J\n<b>\u200b\x00" in text]) == 7
    assert [text for text in shown if not text.isprintable()] == []


# Signing requests


def test_a_request_gets_its_names_and_its_key_certified() -> None:
    mixed = names("localhost", x509.IPAddress(ipaddress.ip_address("::1")), "*.shop.example")
    certificate = INTERMEDIATE.sign(request(mixed))
    assert value(certificate, SAN) == mixed
    assert public(certificate) == public(KEY)
    certificate.verify_directly_issued_by(INTERMEDIATE.certificate)


def test_a_client_may_ask_for_an_e_mail_address_and_a_server_may_not() -> None:
    asked = request(names(x509.RFC822Name("alice@shop.example")))
    certificate = ROOT.sign(asked, "client")
    assert value(certificate, SAN) == names(x509.RFC822Name("alice@shop.example"))
    assert list(value(certificate, EXTENDED)) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    with pytest.raises(TLSNotesError, match="cannot name a server"):
        ROOT.sign(asked, "server")


def test_nothing_else_is_taken_from_a_request() -> None:
    """Who asks to be an authority does not become one by asking."""
    asked = request(
        names("localhost"),
        x509.BasicConstraints(ca=True, path_length=9),
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]),
        x509.SubjectKeyIdentifier(b"x" * 20),
        x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"),
        subject="The Bank of Everything",
    )
    certificate = ROOT.sign(asked)
    assert criticality(certificate) == CERTIFICATES["requested"][1]
    assert not value(certificate, BASIC).ca
    assert list(value(certificate, EXTENDED)) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert value(certificate, SKI) == x509.SubjectKeyIdentifier.from_public_key(KEY.public_key())
    assert "Bank" not in certificate.subject.rfc4514_string()


def test_a_request_that_was_changed_anywhere_is_refused() -> None:
    """In each byte of the signed part and of the signature; what cannot even be parsed any more is refused earlier."""
    asked = request(names("localhost"), subject="localhost")
    assert asked.is_signature_valid
    whole = asked.public_bytes(Encoding.DER)
    refused = 0
    for part in (asked.tbs_certrequest_bytes, asked.signature):
        start = whole.index(part)
        for place in range(start, start + len(part)):
            changed = bytearray(whole)
            changed[place] ^= 1 << place % 8
            try:
                forged = x509.load_der_x509_csr(bytes(changed))
            except (ValueError, x509.InvalidVersion):
                continue
            with pytest.raises(TLSNotesError, match="signature of the request fails"):
                ROOT.sign(forged)
            refused += 1
    assert refused > len(whole) // 2


def test_a_request_for_somebody_elses_key_is_refused() -> None:
    """The same request with another public key in it: the sender cannot have that one's private key."""
    other = generate_key()
    whole = request(names("localhost")).public_bytes(Encoding.DER).replace(public(KEY), public(other))
    with pytest.raises(TLSNotesError, match="signature of the request fails") as caught:
        ROOT.sign(x509.load_der_x509_csr(whole))
    assert "proof of possession" in caught.value.expected
    assert caught.value.found
    assert caught.value.fix


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(lambda: request(subject="localhost"), id="a common name only"),
        pytest.param(request, id="nothing"),
        pytest.param(lambda: request(names()), id="an empty list"),
        pytest.param(lambda: request(raw("3000ff")), id="what cannot be parsed"),
        pytest.param(lambda: request(raw("3007a505a1030c0161")), id="an ediPartyName"),
    ],
)
def test_a_request_without_a_name_that_can_be_read_is_refused(
    asked: Callable[[], x509.CertificateSigningRequest],
) -> None:
    with pytest.raises(TLSNotesError, match="name") as caught:
        ROOT.sign(asked())
    assert caught.value.expected
    assert caught.value.found


def raw(der: str) -> x509.UnrecognizedExtension:
    return x509.UnrecognizedExtension(SAN, bytes.fromhex(der))


@pytest.mark.parametrize(
    "name",
    [
        x509.DNSName("127.0.0.1"),
        x509.DNSName("local host"),
        x509.DNSName("alice@shop.example"),  # a DNS name that is none does not become an e-mail address
        x509.RFC822Name("shop.example"),
        x509.IPAddress(ipaddress.ip_network("10.0.0.0/8")),
        x509.UniformResourceIdentifier("https://localhost"),
        x509.RegisteredID(x509.ObjectIdentifier("1.2.3")),
        x509.DirectoryName(x509.Name([])),
    ],
    ids=repr,
)
@pytest.mark.parametrize("usage", ["server", "client"])
def test_a_request_for_a_name_that_is_none_is_refused_whole(name: x509.GeneralName, usage: str) -> None:
    with pytest.raises(TLSNotesError):
        ROOT.sign(request(names("localhost", name)), usage)


@pytest.mark.parametrize(
    "asked", [None, b"", "request.pem", KEY, ROOT.certificate], ids=lambda asked: type(asked).__name__
)
def test_what_is_no_request_is_refused(asked: object) -> None:
    with pytest.raises(TLSNotesError, match="request"):
        ROOT.sign(asked)


def test_a_request_that_openssl_made_is_signed_with_its_names_alone(tmp_path: Path) -> None:
    """The whole way of a team that keeps its own key: openssl req here, Authority.sign there."""
    key, csr = tmp_path / "key.pem", tmp_path / "csr.pem"
    made = openssl(
        *("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", csr),
        *("-subj", "/O=Evil/CN=not-localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
        *("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign"),
    )
    assert made.returncode == 0, made.stderr
    certificate = INTERMEDIATE.sign(x509.load_pem_x509_csr(csr.read_bytes()))
    assert value(certificate, SAN) == names("localhost", x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    assert not value(certificate, BASIC).ca
    assert key_usages(certificate) == {"digital_signature"}
    assert "Evil" not in certificate.subject.rfc4514_string()
    theirs = openssl("pkey", "-in", key, "-pubout").stdout.encode()
    assert certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo) == theirs


# Revoking


def test_a_list_begins_empty_and_counts_up() -> None:
    authority = Authority.root("Lists", KEY)
    lists = [authority.crl() for _ in range(3)]
    assert [list(crl) for crl in lists] == [[], [], []]
    numbers = [crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number for crl in lists]
    assert numbers == [1, 2, 3]


def test_a_list_is_signed_by_the_authority_and_good_for_a_week() -> None:
    authority = Authority.root("Lists", KEY)
    before = datetime.now(UTC).replace(microsecond=0)
    crl = authority.crl()
    after = datetime.now(UTC)
    assert crl.issuer == authority.certificate.subject
    assert crl.is_signature_valid(authority.certificate.public_key())
    assert not crl.is_signature_valid(ROOT.certificate.public_key())
    assert before <= crl.last_update_utc + timedelta(minutes=5) <= after
    assert crl.next_update_utc - crl.last_update_utc == timedelta(days=7)
    assert {extension.oid: extension.critical for extension in crl.extensions} == {
        AKI: False,
        ExtensionOID.CRL_NUMBER: False,
    }
    identifier = crl.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    assert identifier == value(authority.certificate, SKI).key_identifier


def test_a_revoked_certificate_is_on_every_list_from_then_on() -> None:
    authority = Authority.root("Lists", KEY)
    one, other = (authority.issue("localhost", key=KEY).certificate for _ in range(2))
    before = datetime.now(UTC).replace(microsecond=0)
    authority.revoke(one, "key_compromise")
    authority.revoke(other)
    for crl in (authority.crl(), authority.crl(days=1)):
        assert {entry.serial_number for entry in crl} == {one.serial_number, other.serial_number}
        entry = crl.get_revoked_certificate_by_serial_number(one.serial_number)
        assert entry.extensions.get_extension_for_class(x509.CRLReason).value.reason is x509.ReasonFlags.key_compromise
        assert before - BACKDATED <= entry.revocation_date_utc <= crl.last_update_utc
        # RFC 5280 section 5.3.1: "unspecified" is said by saying nothing.
        assert list(crl.get_revoked_certificate_by_serial_number(other.serial_number).extensions) == []


def test_a_certificate_revoked_twice_is_listed_once() -> None:
    authority = Authority.root("Lists", KEY)
    certificate = authority.issue("localhost", key=KEY).certificate
    authority.revoke(certificate)
    authority.revoke(certificate, "superseded")
    assert [entry.serial_number for entry in authority.crl()] == [certificate.serial_number]


@pytest.mark.parametrize("reason", REVOCATION_REASONS)
def test_every_reason_of_the_rfc_can_be_given(reason: str) -> None:
    authority = Authority.root("Lists", KEY)
    authority.revoke(authority.issue("localhost", key=KEY).certificate, reason)
    (entry,) = authority.crl()
    said = [extension.value.reason.name for extension in entry.extensions]
    assert said == ([] if reason == "unspecified" else [reason])


def test_the_reasons_are_those_of_a_full_list() -> None:
    assert len(REVOCATION_REASONS) == 9
    assert "remove_from_crl" not in REVOCATION_REASONS


@pytest.mark.parametrize("reason", ["", "lost", "remove_from_crl", "keyCompromise", None, 1, ["superseded"]])
def test_an_unknown_reason_is_refused_with_the_list_of_the_known(reason: object) -> None:
    authority = Authority.root("Lists", KEY)
    certificate = authority.issue("localhost", key=KEY).certificate
    with pytest.raises(TLSNotesError, match="no such reason") as caught:
        authority.revoke(certificate, reason)
    assert all(known in caught.value.expected for known in REVOCATION_REASONS)
    assert list(authority.crl()) == []


def test_only_the_issuer_revokes() -> None:
    """Nor does the root what its intermediate has issued, nor somebody of the same name."""
    issued = INTERMEDIATE.issue("localhost", key=KEY).certificate
    for stranger in (ROOT, Authority.root("Shop servers"), Authority.root("Another")):
        with pytest.raises(TLSNotesError, match="only the issuer") as caught:
            stranger.revoke(issued)
        assert repr(stranger) in caught.value.expected
        assert "Shop servers" in caught.value.found
        assert list(stranger.crl()) == []


@pytest.mark.parametrize("certificate", [None, 7, b"", "localhost", KEY], ids=lambda given: type(given).__name__)
def test_what_is_no_certificate_cannot_be_revoked(certificate: object) -> None:
    with pytest.raises(TLSNotesError):
        Authority.root("Lists", KEY).revoke(certificate)


def test_a_credential_given_for_its_certificate_is_told_what_to_give() -> None:
    authority = Authority.root("Lists", KEY)
    with pytest.raises(TLSNotesError) as caught:
        authority.revoke(authority.issue("localhost", key=KEY))
    assert caught.value.found == "Credential"
    assert ".certificate" in caught.value.fix


def test_openssl_reads_the_list_and_refuses_who_is_on_it(tmp_path: Path) -> None:
    authority = Authority.root("Lists", KEY)
    revoked, good = (authority.issue("localhost", key=KEY) for _ in range(2))
    authority.revoke(revoked.certificate, "key_compromise")
    (tmp_path / "crl.pem").write_bytes(authority.crl().public_bytes(Encoding.PEM))
    (tmp_path / "ca.pem").write_bytes(authority.certificate_pem)
    (tmp_path / "revoked.pem").write_bytes(revoked.certificate_pem)
    (tmp_path / "good.pem").write_bytes(good.certificate_pem)

    text = openssl("crl", "-in", tmp_path / "crl.pem", "-noout", "-text", "-CAfile", tmp_path / "ca.pem")
    assert "verify OK" in text.stderr
    assert "Key Compromise" in text.stdout
    assert f"{revoked.certificate.serial_number:X}" in text.stdout

    def verify(name: str) -> subprocess.CompletedProcess[str]:
        files = ("-CAfile", tmp_path / "ca.pem", "-CRLfile", tmp_path / "crl.pem", tmp_path / name)
        return openssl("verify", "-x509_strict", "-crl_check", "-no-CApath", "-no-CAstore", *files)

    assert verify("good.pem").returncode == 0, verify("good.pem").stderr
    refused = verify("revoked.pem")
    assert refused.returncode != 0
    assert "error 23" in refused.stdout + refused.stderr  # X509_V_ERR_CERT_REVOKED


# An authority is a credential of a CA, its own or somebody's


def test_an_authority_saved_and_loaded_goes_on_issuing(tmp_path: Path) -> None:
    INTERMEDIATE.credential.save(tmp_path / "ca", "secret")
    again = Authority(Credential.load(tmp_path / "ca", "secret"))
    assert again.certificate == INTERMEDIATE.certificate
    assert again.path_length == 0
    issued = again.issue("localhost", key=KEY)
    issued.certificate.verify_directly_issued_by(INTERMEDIATE.certificate)
    assert issued.chain == (INTERMEDIATE.certificate,)


def test_an_authoritys_pem_is_its_certificate_alone() -> None:
    assert x509.load_pem_x509_certificates(INTERMEDIATE.certificate_pem) == [INTERMEDIATE.certificate]
    assert b"PRIVATE" not in INTERMEDIATE.certificate_pem


def test_an_end_entity_is_no_authority() -> None:
    with pytest.raises(TLSNotesError, match="'localhost' is not an authority") as caught:
        Authority(ROOT.issue("localhost", key=KEY))
    assert "CA:TRUE" in caught.value.expected
    assert caught.value.fix


@pytest.mark.parametrize("credential", [None, ROOT.certificate, ROOT, "ca.pem"], ids=lambda given: type(given).__name__)
def test_an_authority_is_made_of_a_credential(credential: object) -> None:
    with pytest.raises(TLSNotesError, match="authority"):
        Authority(credential)


def test_an_old_authority_without_a_key_identifier_can_issue_all_the_same() -> None:
    """Its issuer's identifier is then the one that its key gives: RFC 5280 section 4.2.1.1."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Old house CA")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(KEY.public_key())
        .serial_number(1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(KEY, hashes.SHA256())
    )
    old = Authority(Credential(certificate, KEY))
    issued = old.issue("localhost", key=KEY).certificate
    issued.verify_directly_issued_by(certificate)
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(KEY.public_key())
    assert value(issued, AKI) == identifier
    assert old.crl().extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value == identifier


def test_what_an_authority_is_can_be_seen() -> None:
    assert repr(ROOT) == "<Authority 'Shop root': root>"
    assert repr(INTERMEDIATE) == "<Authority 'Shop servers': intermediate>"


# Credentials


def test_a_key_belongs_to_its_certificate_or_there_is_no_credential() -> None:
    for key in (generate_key(), generate_key("ed25519"), ROOT.credential.key):
        with pytest.raises(TLSNotesError, match="does not belong") as caught:
            Credential(self_signed("localhost", KEY).certificate, key)
        assert "'localhost'" in caught.value.expected
        assert caught.value.found
        assert caught.value.fix
    with pytest.raises(TLSNotesError, match="no key that signs"):
        Credential(self_signed("localhost", KEY).certificate, KEY.public_key())


@pytest.mark.parametrize("password", [None, "secret"])
@pytest.mark.parametrize("kind", ["ecdsa-p256", "rsa-2048", "ed25519", "ml-dsa-65"])
def test_a_credential_comes_back_from_its_folder(kind: str, password: str | None, tmp_path: Path) -> None:
    credential = INTERMEDIATE.issue(["localhost", ipaddress.ip_address("::1")], key=kind)
    folder = credential.save(tmp_path / "new" / "server", password)
    assert folder == tmp_path / "new" / "server"
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == {
        "key.pem": 0o600,
        "fullchain.pem": 0o644,
    }
    again = Credential.load(folder, password)
    assert again.certificate == credential.certificate
    assert again.chain == credential.chain
    assert public(again.key) == public(credential.key)
    assert load_certificates(folder / "fullchain.pem") == [credential.certificate, *credential.chain]


def test_a_credential_saved_again_replaces_the_older(tmp_path: Path) -> None:
    self_signed("old.example").save(tmp_path)
    new = self_signed("new.example")
    new.save(str(tmp_path))
    assert Credential.load(str(tmp_path)).certificate == new.certificate
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fullchain.pem", "key.pem"]


CUT_OFF = """
import resource, sys
from tlsnotes import Authority, Credential, TLSNotesError
new = Authority.root().intermediate("Below").issue("localhost")
assert len(new.fullchain_pem) > 900
resource.setrlimit(resource.RLIMIT_FSIZE, (900, 900))
try:
    new.save(sys.argv[1])
except TLSNotesError as error:
    print(error)
"""


def test_a_credential_that_cannot_be_saved_whole_leaves_the_old_pair(tmp_path: Path) -> None:
    """The key fits on the disk, the chain does not: the old certificate must not be left without its key."""
    pytest.importorskip("resource")
    old = self_signed("old.example", KEY)
    old.save(tmp_path)
    command = [sys.executable, "-c", CUT_OFF, str(tmp_path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
    assert "fullchain.pem cannot be written" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fullchain.pem", "key.pem"]
    assert Credential.load(tmp_path).certificate == old.certificate


def test_a_folder_with_files_of_two_credentials_is_refused(tmp_path: Path) -> None:
    for name in ("one", "two"):
        self_signed(f"{name}.example").save(tmp_path / name)
    (tmp_path / "one" / "key.pem").replace(tmp_path / "two" / "key.pem")
    with pytest.raises(TLSNotesError, match="does not belong") as caught:
        Credential.load(tmp_path / "two")
    assert "'two.example'" in caught.value.expected


def test_a_chain_in_the_wrong_order_is_refused(tmp_path: Path) -> None:
    credential = INTERMEDIATE.issue("localhost")
    credential.save(tmp_path)
    upside_down = [c.public_bytes(Encoding.PEM) for c in (*credential.chain, credential.certificate)]
    (tmp_path / "fullchain.pem").write_bytes(b"".join(upside_down))
    with pytest.raises(TLSNotesError, match="does not belong") as caught:
        Credential.load(tmp_path)
    assert "end-entity comes first" in caught.value.fix


@pytest.mark.parametrize("missing", ["key.pem", "fullchain.pem"])
def test_a_folder_that_lacks_a_file_says_which(missing: str, tmp_path: Path) -> None:
    self_signed("localhost", KEY).save(tmp_path)
    (tmp_path / missing).unlink()
    with pytest.raises(TLSNotesError, match=re.escape(f"{tmp_path / missing} is not there")):
        Credential.load(tmp_path)


def test_swapped_files_are_called_what_they_are(tmp_path: Path) -> None:
    self_signed("localhost", KEY).save(tmp_path)
    (tmp_path / "key.pem").rename(tmp_path / "aside")
    (tmp_path / "fullchain.pem").rename(tmp_path / "key.pem")
    (tmp_path / "aside").rename(tmp_path / "fullchain.pem")
    with pytest.raises(TLSNotesError, match=r"fullchain\.pem holds no certificate") as caught:
        Credential.load(tmp_path)
    assert "PRIVATE KEY" in caught.value.found
    assert "cryptography.io" not in str(caught.value), "a learner is told here, not sent to an FAQ"


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "0 bytes"),
        (b"hello", "something else"),
        (self_signed("localhost", KEY).certificate.public_bytes(Encoding.DER), "DER"),
        (request(names("localhost")).public_bytes(Encoding.PEM), "CERTIFICATE REQUEST"),
    ],
    ids=["nothing", "text", "DER", "request"],
)
def test_what_is_no_certificate_file_is_called_what_it_is(content: bytes, found: str, tmp_path: Path) -> None:
    path = tmp_path / "fullchain.pem"
    path.write_bytes(content)
    with pytest.raises(TLSNotesError, match="holds no certificate") as caught:
        load_certificates(path)
    assert "PEM" in caught.value.expected
    assert found in caught.value.found


def test_a_damaged_certificate_among_whole_ones_is_an_error(tmp_path: Path) -> None:
    whole = INTERMEDIATE.issue("localhost", key=KEY).fullchain_pem
    path = tmp_path / "fullchain.pem"
    path.write_bytes(whole.replace(b"MII", b"MIA", 1))
    with pytest.raises(TLSNotesError, match="that can be read"):
        load_certificates(path)


def test_what_a_credential_is_can_be_seen_in_one_line() -> None:
    several = ["a.example", ipaddress.ip_address("::1"), "b.example", "c.example", "d.example"]
    assert repr(self_signed("localhost", KEY)) == "<Credential 'localhost': ecdsa-p256, self-signed>"
    assert repr(ROOT.issue("localhost", key="ed25519")) == "<Credential 'localhost': ed25519, signed by 'Shop root'>"
    assert (
        repr(self_signed(several, KEY))
        == "<Credential 'a.example', '::1', 'b.example' and 2 more: ecdsa-p256, self-signed>"
    )
    assert repr(ROOT.credential) == "<Credential 'Shop root': ecdsa-p256, self-signed>"


def test_a_credential_never_shows_its_key() -> None:
    credential = self_signed("localhost", KEY)
    number = KEY.private_numbers().private_value
    raw_key = number.to_bytes(32)
    der = KEY.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    secrets = [
        str(number),
        f"{number:x}",
        raw_key.hex(),
        base64.b64encode(raw_key).decode(),
        base64.b64encode(der).decode(),
    ]
    for shown in (
        repr(credential),
        str(credential),
        f"{credential}",
        repr([credential]),
        repr(Authority.root("R", KEY)),
    ):
        assert not [secret for secret in secrets if secret.lower() in shown.lower()]
        assert "PrivateKey" not in shown


def test_a_credential_does_not_change() -> None:
    credential = self_signed("localhost", KEY)
    with pytest.raises(AttributeError):
        credential.certificate = ROOT.certificate
    assert credential.chain == ()
    assert Credential(credential.certificate, KEY, [ROOT.certificate]).chain == (ROOT.certificate,)
