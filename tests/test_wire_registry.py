"""Registries: every number has a name or keeps its number, and the names are those that OpenSSL and Wireshark know."""

from __future__ import annotations

import copy
import pickle
import re
import subprocess
import tracemalloc
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from needs import need

from tlsnotes.wire.registry import (
    AlertDescription,
    CertificateCompressionAlgorithm,
    CertificateType,
    CipherSuite,
    ContentType,
    ECPointFormat,
    ExtensionType,
    HandshakeType,
    HashAlgorithm,
    HpkeAead,
    HpkeKdf,
    HpkeKem,
    KeyUpdateRequest,
    NamedGroup,
    ProtocolVersion,
    PskKeyExchangeMode,
    Registry,
    SignatureAlgorithm,
    SignatureScheme,
)

REGISTRIES = Registry.__subclasses__()
TWO_OCTETS = {
    CertificateCompressionAlgorithm, CipherSuite, ExtensionType, HpkeAead, HpkeKdf, HpkeKem, NamedGroup,
    ProtocolVersion, SignatureScheme,
}  # fmt: skip
# RFC 8701 section 2, both lists as they stand there.
GREASE_PAIRS = [
    0x0A0A, 0x1A1A, 0x2A2A, 0x3A3A, 0x4A4A, 0x5A5A, 0x6A6A, 0x7A7A,
    0x8A8A, 0x9A9A, 0xAAAA, 0xBABA, 0xCACA, 0xDADA, 0xEAEA, 0xFAFA,
]  # fmt: skip
GREASE_OCTETS = [0x0B, 0x2A, 0x49, 0x68, 0x87, 0xA6, 0xC5, 0xE4]
GREASE = {
    **dict.fromkeys((CipherSuite, ExtensionType, NamedGroup, ProtocolVersion, SignatureScheme), GREASE_PAIRS),
    PskKeyExchangeMode: GREASE_OCTETS,
}

every_registry = pytest.mark.parametrize("registry", REGISTRIES, ids=lambda registry: registry.__name__)
numbers = st.sampled_from(REGISTRIES).flatmap(
    lambda registry: st.tuples(st.just(registry), st.integers(0, 256**registry.size - 1))
)


# ---- a number without a name


@every_registry
def test_a_number_has_as_many_octets_as_on_the_wire(registry: type[Registry]) -> None:
    assert registry.size == (2 if registry in TWO_OCTETS else 1)
    assert all(0 <= member < 256**registry.size for member in registry)


@every_registry
def test_exactly_the_values_of_rfc_8701_are_called_grease(registry: type[Registry]) -> None:
    greased = [n for n in range(256**registry.size) if "GREASE" in str(registry(n))]
    assert greased == GREASE.get(registry, [])


def test_a_number_without_a_name_shows_as_many_digits_as_it_has_on_the_wire() -> None:
    assert str(CipherSuite(0x1A1A)) == "0x1a1a (GREASE)"
    assert str(CipherSuite(0x1A1B)) == "0x1a1b (unknown)"
    assert str(NamedGroup(0)) == "0x0000 (unknown)"
    assert str(PskKeyExchangeMode(0x2A)) == "0x2a (GREASE)"
    assert str(PskKeyExchangeMode(2)) == "0x02 (unknown)"
    assert str(HpkeKdf(0x0A0A)) == "0x0a0a (unknown)", "RFC 8701 reserves nothing in HPKE's registries"
    assert AlertDescription(255).name == "0xff (unknown)"


@given(numbers)
def test_every_number_survives(case: tuple[type[Registry], int]) -> None:
    registry, number = case
    member = registry(number)
    assert isinstance(member, registry)
    assert (int(member), member.value, member, hash(member)) == (number, number, number, hash(number))
    assert member == registry(number)
    assert registry(member) == member
    for again in (pickle.loads(pickle.dumps(member)), copy.copy(member), copy.deepcopy(member)):  # noqa: S301  # our own
        assert (type(again), again, again.name) == (registry, member, member.name)


def test_a_number_of_another_registry_is_that_number() -> None:
    assert ExtensionType(NamedGroup(0xFF01)) is ExtensionType.renegotiation_info
    assert type(CipherSuite(NamedGroup(0x11EC)).value) is int


def test_numbers_without_a_name_leave_nothing_behind() -> None:
    before = list(CipherSuite), set(vars(CipherSuite)), len(CipherSuite._value2member_map_)
    tracemalloc.start()
    try:
        for number in range(0xFFFF):
            CipherSuite(number)
        assert tracemalloc.get_traced_memory()[0] < 10_000
    finally:
        tracemalloc.stop()
    assert before == (list(CipherSuite), set(vars(CipherSuite)), len(CipherSuite._value2member_map_))
    assert CipherSuite(0x1234) is not CipherSuite(0x1234)


@every_registry
@pytest.mark.parametrize("value", [-1, 65536, 2**64, "server_name", b"\x01", None, 1.5, []])
def test_what_is_no_number_of_the_wire_is_a_value_error(registry: type[Registry], value: object) -> None:
    with pytest.raises(ValueError, match=f"is not a valid {registry.__name__}"):
        registry(value)
    if registry.size == 1:
        with pytest.raises(ValueError, match="256 is not a valid"):
            registry(256)


# ---- how a member is shown


def test_a_member_is_printed_by_its_name() -> None:
    suite = CipherSuite(0x1301)
    assert suite is CipherSuite.TLS_AES_128_GCM_SHA256
    assert f"{suite}" == str(suite) == "TLS_AES_128_GCM_SHA256"
    assert f"{NamedGroup.x25519:>10}|{NamedGroup.x25519:<10}|{NamedGroup.x25519:.3}" == "    x25519|x25519    |x25"
    assert f"{NamedGroup(0x2A2A):>16}" == " 0x2a2a (GREASE)"
    assert "%s" % HandshakeType.client_hello == "client_hello"  # noqa: UP031  # the third way to print


def test_a_version_is_printed_as_the_rfcs_write_it() -> None:
    assert [str(version) for version in ProtocolVersion] == ["SSL 3.0", "TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3"]
    assert f"{ProtocolVersion.TLS_1_3:>9}|{ProtocolVersion(0x0A0A)}" == "  TLS 1.3|0x0a0a (GREASE)"
    assert ProtocolVersion(0x0304).name == "TLS_1_3"


@given(numbers)
def test_the_repr_is_one_line_with_registry_name_and_number(case: tuple[type[Registry], int]) -> None:
    registry, number = case
    assert repr(registry(number)) == f"<{registry.__name__}.{registry(number).name}: {number}>"
    assert "\n" not in repr(registry(number))


def test_no_number_has_two_names() -> None:
    assert not [
        f"{registry.__name__}.{name}"
        for registry in REGISTRIES
        for name, member in registry.__members__.items()
        if name != member.name
    ]


# ---- what the numbers mean


@pytest.mark.parametrize(
    ("member", "number"),
    [
        (ContentType.handshake, 22), (HandshakeType.client_hello, 1), (HandshakeType.message_hash, 254),
        (KeyUpdateRequest.update_requested, 1), (ECPointFormat.ansiX962_compressed_char2, 2),
        (CertificateType.RawPublicKey, 2), (CertificateCompressionAlgorithm.zstd, 3),
        (ExtensionType.encrypted_client_hello, 0xFE0D), (ExtensionType.application_settings, 17613),
        (NamedGroup.X25519MLKEM768, 0x11EC), (NamedGroup.MLKEM1024, 0x0202), (SignatureScheme.mldsa65, 0x0905),
        (AlertDescription.too_many_cids_requested, 52), (AlertDescription.general_error, 117),
        (CipherSuite.TLS_AEGIS_128L_SHA256, 0x1307), (CipherSuite.TLS_FALLBACK_SCSV, 0x5600),
        (HpkeKem.DHKEM_X25519_HKDF_SHA256, 0x20), (HpkeKdf.HKDF_SHA256, 1), (HpkeAead.ChaCha20Poly1305, 3),
    ],
)  # fmt: skip
def test_a_number_is_the_one_of_its_rfc(member: Registry, number: int) -> None:
    """For what OpenSSL and tshark below do not list."""
    assert member == number


def test_the_octets_of_an_old_scheme_are_its_hash_and_its_algorithm() -> None:
    """RFC 9846 section 4.3.3 took the numbers over from RFC 5246 section 7.4.1.4.1."""
    old = re.compile(r"(rsa_pkcs1|ecdsa(_secp\w+)?)_sha\d+")
    schemes = [scheme for scheme in SignatureScheme if old.fullmatch(scheme.name)]
    assert len(schemes) == 8
    for scheme in schemes:
        algorithm, digest = scheme.name.split("_")[0], scheme.name.split("_")[-1]
        assert (HashAlgorithm(scheme >> 8).name, SignatureAlgorithm(scheme & 0xFF).name) == (digest, algorithm)
    for scheme in (SignatureScheme.ed25519, SignatureScheme.ed448):
        octets = HashAlgorithm(scheme >> 8), SignatureAlgorithm(scheme & 0xFF)
        assert octets == (HashAlgorithm.Intrinsic, SignatureAlgorithm[scheme.name])


# ---- the referees


def test_openssl_gives_every_cipher_suite_the_same_name() -> None:
    command = [need("openssl"), "ciphers", "-V", "-stdname", "ALL:COMPLEMENTOFALL"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    theirs = {int(a + b, 16): name for a, b, name in re.findall(r"0x(..),0x(..) - (\S+)", listed)}
    assert len(theirs) > 50
    assert {number: CipherSuite(number).name for number in theirs} == theirs


# Where Wireshark has another name than IANA (4.0, Debian's; other versions agree more).
OTHERWISE = {
    ExtensionType.delegated_credential: "delegated_credentials",  # a draft's
    ExtensionType.connection_id_deprecated: "connection_id (deprecated)",  # no identifier
    ExtensionType.application_settings_old: "application_settings",  # there were not two then
    # Numbers that Open Quantum Safe took for its experiments before IANA gave them away.
    NamedGroup.MLKEM512: "frodo640aes",
    NamedGroup.MLKEM768: "frodo640shake",
    NamedGroup.MLKEM1024: "frodo976aes",
}


@pytest.fixture(scope="module")
def wireshark() -> dict[str, dict[int, set[str]]]:
    """The names tshark has for the numbers of each field."""
    listed = subprocess.run([need("tshark"), "-G", "values"], capture_output=True, text=True, check=True).stdout
    names: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for field, number, name in re.findall(r"^V\t(tls\.\S+)\t(\w+)\t(.+)$", listed, re.MULTILINE):
        names[field][int(number, 0)].add(name)
    return names


@pytest.mark.parametrize(
    ("field", "registry", "at_least"),
    [
        ("tls.handshake.ciphersuite", CipherSuite, 340),
        ("tls.handshake.extension.type", ExtensionType, 50),
        ("tls.handshake.extensions_supported_group", NamedGroup, 35),
        ("tls.handshake.sig_hash_alg", SignatureScheme, 15),
        ("tls.compress_certificate.algorithm", CertificateCompressionAlgorithm, 3),
        ("tls.handshake.extensions_ec_point_format", ECPointFormat, 3),
        ("tls.handshake.key_update.request_update", KeyUpdateRequest, 2),
    ],
)
def test_wireshark_gives_a_number_the_same_name(
    field: str, registry: type[Registry], at_least: int, wireshark: dict[str, dict[int, set[str]]]
) -> None:
    theirs = wireshark[field]
    shared = [member for member in registry if member in theirs]
    assert len(shared) >= at_least
    differing = {m: theirs[m] for m in shared if not theirs[m] & {m.name, OTHERWISE.get(m)}}
    assert not differing


def test_wireshark_knows_grease_where_we_do(wireshark: dict[str, dict[int, set[str]]]) -> None:
    fields = {
        "tls.handshake.ciphersuite": CipherSuite,
        "tls.handshake.extension.type": ExtensionType,
        "tls.handshake.extensions_supported_group": NamedGroup,
    }
    for field, registry in fields.items():
        theirs = [number for number, names in sorted(wireshark[field].items()) if "Reserved (GREASE)" in names]
        assert theirs == GREASE[registry]


def test_wireshark_gives_an_alert_the_same_name(wireshark: dict[str, dict[int, set[str]]]) -> None:
    """Written in capitals and blanks there."""
    theirs = wireshark["tls.alert_message.desc"]
    shared = [alert for alert in AlertDescription if alert in theirs]
    assert len(shared) >= 35
    spelled = {alert: {name.lower().replace(" ", "_") for name in theirs[alert]} for alert in shared}
    assert {alert: names for alert, names in spelled.items() if alert.name not in names} == {}
