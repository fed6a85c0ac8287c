"""Names: each goes into subjectAltName as what it is, and what is no name goes nowhere."""

from __future__ import annotations

import ipaddress
import re
import string
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tlsnotes import Authority, Credential, TLSNotesError, generate_key, self_signed
from tlsnotes.pki.names import certificate_names, common_name, general_names

KEY = generate_key("ed25519")
V4, V6 = ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("2001:db8::7")
# The same names at each run: what is found once is found every time, and written down as an example.
steadily = settings(derandomize=True, database=None, deadline=None, max_examples=400)


def alternative_names(certificate: x509.Certificate) -> list[x509.GeneralName]:
    """The names as they are read back from the certificate's own bytes."""
    again = x509.load_der_x509_certificate(certificate.public_bytes(Encoding.DER))
    return list(again.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)


def refused(names: object, usage: str = "server") -> TLSNotesError:
    with pytest.raises(TLSNotesError) as caught:
        general_names(names, usage)
    assert caught.value.what
    assert caught.value.expected
    return caught.value


# What a name is, once more and in another way than the package says it.


def is_host(text: str) -> bool:
    """RFC 1123 section 2.1 and RFC 1034 section 3.5; a last label of digits would make it look like an IPv4 address."""
    labels = text.split(".")
    letters = set(string.ascii_letters + string.digits)
    fits = all(
        1 <= len(label) <= 63 and set(label) <= letters | {"-"} and {label[0], label[-1]} <= letters for label in labels
    )
    return fits and len(text) <= 253 and not set(labels[-1]) <= set(string.digits)


def is_wildcard(text: str) -> bool:
    """RFC 9525 section 6.3: the whole left-most label, and at least two below it."""
    return text.startswith("*.") and "." in text[2:] and len(text) <= 253 and is_host(text[2:])


def is_mailbox(text: str) -> bool:
    """RFC 5321 section 4.1.2, the plain form, and 64 octets at most before the @ (section 4.5.3.1.1)."""
    local, at, domain = text.rpartition("@")
    atoms = local.split(".")
    atext = set(string.ascii_letters + string.digits + "!#$%&'*+/=?^_`{|}~-")
    return bool(at) and all(atom and set(atom) <= atext for atom in atoms) and len(local) <= 64 and is_host(domain)


# Accepted


@pytest.mark.parametrize(
    "name",
    [
        *("localhost", "api.example", "API.Example", "a", "a-b.c--d.example", "xn--bcher-kva.example", "3com.example"),
        *("1.2.3.4.in-addr.arpa", "*.shop.example", "a" * 63 + ".example", ".".join(["a" * 49] * 5) + ".abc"),
    ],
)
def test_a_dns_name_goes_in_as_it_is_written(name: str) -> None:
    assert alternative_names(self_signed(name, KEY).certificate) == [x509.DNSName(name)]


@pytest.mark.parametrize("address", [V4, V6, ipaddress.ip_address("::1"), ipaddress.ip_address("10.0.0.255")])
def test_an_address_goes_in_as_an_address(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    assert alternative_names(self_signed(address, KEY).certificate) == [x509.IPAddress(address)]


def test_several_names_keep_their_order_and_their_kinds() -> None:
    names = ["localhost", V4, "*.shop.example", V6]
    kinds = [x509.DNSName("localhost"), x509.IPAddress(V4), x509.DNSName("*.shop.example"), x509.IPAddress(V6)]
    for several in (names, tuple(names), iter(names)):
        credential = self_signed(several, KEY)
        assert alternative_names(credential.certificate) == kinds
        assert credential.names == ("localhost", "127.0.0.1", "*.shop.example", "2001:db8::7")


@pytest.mark.parametrize(
    "name", ["alice@shop.example", "Alice.B+pay@shop.example", "o'neil@localhost", "a" * 64 + "@b.example"]
)
def test_an_e_mail_address_names_a_client(name: str) -> None:
    assert alternative_names(self_signed(name, KEY, usage="client").certificate) == [x509.RFC822Name(name)]


def test_an_e_mail_address_names_no_server() -> None:
    error = refused("alice@shop.example", "server")
    assert "cannot name a server" in error.what
    assert error.found == "an e-mail address"


# Refused


@pytest.mark.parametrize(
    "text", ["127.0.0.1", "255.255.255.255", "::1", "[::1]", "2001:db8::7", "::ffff:10.0.0.1", "fe80::1%eth0"]
)
@pytest.mark.parametrize("usage", ["server", "client"])
def test_an_address_given_as_text_is_refused_with_the_object_to_take(text: str, usage: str) -> None:
    error = refused(text, usage)
    assert "IP address given as text" in error.what
    given = re.fullmatch(r'ipaddress\.ip_address\("(.*)"\)', error.expected)
    assert given
    assert ipaddress.ip_address(given[1]), "what the message says to type must work"


NO_NAMES = [
    *("", " ", ".", "*", "*.", "*.example", "**.shop.example", "a.*.example", "w*.shop.example", "*shop.example"),
    *("localhost.", ".localhost", "a..b", "-a.example", "a-.example", "a_b.example", "local host", "localhost\n"),
    *("\tlocalhost", "localhost\0.example", "https://localhost", "localhost:8443", "localhost/path", "a,b", "a;b"),
    *("1.2.3", "256.1.1.1", "1.2.3.4.5", "12345", "10.0.0.0/8", "127.1", "[localhost]", "a" * 64 + ".example"),
    *("bücher.example", "ｌocalhost", "\u212aelvin.example", "example\u3002com", "a\u202eb.example", "\ud800.example"),
    *("CN=localhost", "DNS:localhost", "IP:127.0.0.1", "localhost,127.0.0.1", "<b>localhost</b>", "xn--\u00fc.example"),
]
NO_MAILBOXES = [
    *(
        "@",
        "@shop.example",
        "alice@",
        "alice@@shop.example",
        "a@b@shop.example",
        ".alice@shop.example",
        "a..b@c.example",
    ),
    *("alice.@shop.example", "al ice@shop.example", '"al ice"@shop.example', "alice@127.0.0.1", "alice@[127.0.0.1]"),
    *(
        "alice@-shop.example",
        "alïce@shop.example",
        "alice@shöp.example",
        "Alice <alice@shop.example>",
        "alice@shop.example\n",
    ),
    # With IGNORECASE, K also means the Kelvin sign and s the long s: letters, but none of ASCII.
    *("\u212aelvin@shop.example", "\u017fam@shop.example"),
    *("alice@*.shop.example", "a" * 65 + "@shop.example", "mailto:alice@shop.example\r\nBcc: x"),
]


@pytest.mark.parametrize("name", [*NO_NAMES, *NO_MAILBOXES])
@pytest.mark.parametrize("usage", ["server", "client"])
def test_what_is_no_name_is_refused(name: str, usage: str) -> None:
    refused(name, usage)


@pytest.mark.parametrize("bad", NO_NAMES[:12])
def test_one_bad_name_among_good_ones_is_refused(bad: str) -> None:
    refused(["localhost", bad, "api.example"])


def test_a_long_name_may_have_253_characters_and_no_more() -> None:
    longest = ".".join([*["a" * 61] * 4, "abcde"])
    assert len(longest) == 253
    assert general_names(longest, "server") == [x509.DNSName(longest)]
    error = refused("b" + longest)
    assert "254" in error.found


def test_a_refusal_of_a_very_long_name_is_short() -> None:
    for name in ("a" * 100_000, "a." * 50_000, "a" * 100_000 + "@b.example", "é" * 100_000, "a@" + "b" * 100_000):
        assert len(str(refused(name, "client"))) < 1000


def test_a_name_outside_ascii_is_answered_with_its_a_label() -> None:
    assert "xn--bcher-kva.example" in refused("bücher.example").found


@pytest.mark.parametrize(
    "names",
    [
        *(
            None,
            5,
            1.5,
            True,
            object(),
            b"localhost",
            bytearray(b"localhost"),
            [b"localhost"],
            [None],
            [5],
            [["localhost"]],
        ),
        *([], (), set(), iter([]), [()], ["localhost", None], [x509.DNSName("localhost")], x509.DNSName("localhost")),
        *(ipaddress.ip_network("10.0.0.0/20"), ipaddress.ip_network("::/120"), [ipaddress.ip_network("::/64")]),
        # An interface is an address of ipaddress's by inheritance, and its mask would be lost; so would a zone.
        *(ipaddress.ip_interface("10.0.0.1/8"), ipaddress.ip_interface("2001:db8::7/64")),
        ipaddress.ip_address("fe80::1%eth0"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("usage", ["server", "client"])
def test_what_is_no_text_and_no_address_is_refused_in_our_own_words(names: object, usage: str) -> None:
    refused(names, usage)


@pytest.mark.parametrize("usage", ["", "Server", "ca", None, ["server"]])
def test_a_usage_that_is_none_is_refused(usage: object) -> None:
    with pytest.raises(TLSNotesError, match="for a server or for a client"):
        self_signed("localhost", KEY, usage=usage)


# Any text at all

TEXT = (
    st.text(max_size=80)
    | st.text(st.sampled_from("abzAZ019-.*@_+ [:]%/éK\u212a\u017f\u3002\n\0"), max_size=30)
    | st.from_regex(r"[a-z0-9-]{1,4}(\.[a-z0-9-]{1,4}){0,3}", fullmatch=True)
    | st.from_regex(r"[a-z\u212a\u017f.+]{1,6}@(\*\.)?[a-z0-9-]{1,4}(\.[a-z]{1,3}){0,2}", fullmatch=True)
    | st.from_regex(r"[0-9a-fx:.]{1,16}", fullmatch=True)
    | st.ip_addresses().map(str)
)


@given(name=TEXT, usage=st.sampled_from(["server", "client"]))
@example("\u212aelvin@shop.example", "client")
@example("alice@*.shop.example", "client")
@steadily
def test_any_text_is_a_name_by_the_rules_or_is_refused(name: str, usage: str) -> None:
    try:
        certificate = self_signed(name, KEY, usage=usage).certificate
    except TLSNotesError:
        meant = is_host(name) or is_wildcard(name) or (usage == "client" and is_mailbox(name))
        assert meant is False
        return
    if "@" in name:
        assert usage == "client"
        assert is_mailbox(name)
        assert alternative_names(certificate) == [x509.RFC822Name(name)]
    else:
        assert is_host(name) or is_wildcard(name)
        assert alternative_names(certificate) == [x509.DNSName(name)]
    assert certificate_names(certificate) == (name,)


@given(names=st.lists(st.ip_addresses(), min_size=1, max_size=5))
@steadily
def test_any_address_survives_the_certificate(names: Sequence[ipaddress.IPv4Address | ipaddress.IPv6Address]) -> None:
    certificate = self_signed(names, KEY).certificate
    assert [name.value for name in alternative_names(certificate)] == names
    assert certificate_names(certificate) == tuple(map(str, names))


@given(
    names=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.binary(max_size=9) | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3) | st.tuples(inner) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
        ),
        max_leaves=6,
    )
)
@steadily
def test_any_object_is_names_or_is_refused(names: object) -> None:
    try:
        entries = general_names(names, "client")
    except TLSNotesError:
        return
    assert entries
    assert all(isinstance(entry, x509.DNSName | x509.RFC822Name) for entry in entries)


# The subject


def san_is_critical(certificate: x509.Certificate) -> bool:
    return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).critical


def test_the_first_name_is_also_the_common_name_for_people_to_read() -> None:
    certificate = self_signed(["localhost", V4], KEY).certificate
    assert common_name(certificate.subject) == "localhost"
    assert not san_is_critical(certificate)


def test_a_first_name_of_64_characters_still_fits_the_common_name() -> None:
    name = "a" * 56 + ".example"
    assert len(name) == 64
    certificate = Authority.root().issue(name).certificate
    assert common_name(certificate.subject) == name
    assert not san_is_critical(certificate)


def test_without_a_subject_the_alternative_names_are_critical() -> None:
    """RFC 5280 section 4.2.1.6: then they are all that names the certificate."""
    name = "a" * 57 + ".example"
    certificate = Authority.root().issue([name, "localhost"]).certificate
    if not list(certificate.subject):
        assert san_is_critical(certificate)
    assert certificate_names(certificate) == (name, "localhost")


def test_no_certificate_is_without_an_issuer() -> None:
    """RFC 5280 section 4.1.2.4: a subject may be empty, an issuer never; who signs for himself has both the same."""
    certificate = self_signed("a" * 57 + ".example", KEY).certificate
    assert list(certificate.issuer)
    assert certificate.issuer == certificate.subject


# Names in the certificates of others


def foreign(*extensions: x509.ExtensionType, subject: str = "somebody") -> x509.Certificate:
    """A certificate with just these extensions, as nobody here would make it."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, subject)] if subject else [])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(FOREIGN_KEY.public_key())
        .serial_number(7)
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2027, 1, 1, tzinfo=UTC))
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(FOREIGN_KEY, hashes.SHA256())


FOREIGN_KEY = generate_key("ecdsa-p256")


def raw_names(der: str) -> x509.UnrecognizedExtension:
    return x509.UnrecognizedExtension(x509.SubjectAlternativeName.oid, bytes.fromhex(der))


def test_a_certificate_without_names_has_none() -> None:
    assert certificate_names(foreign()) == ()
    assert repr(Credential(foreign(), FOREIGN_KEY)) == "<Credential 'somebody': ecdsa-p256, self-signed>"


def test_names_of_other_kinds_are_passed_over() -> None:
    names = x509.SubjectAlternativeName(
        [
            x509.RegisteredID(x509.ObjectIdentifier("1.2.3")),
            x509.DNSName("a.example"),
            x509.UniformResourceIdentifier("x:y"),
        ]
    )
    assert certificate_names(foreign(names)) == ("a.example", "x:y")


@pytest.mark.parametrize(
    "der",
    [
        *("", "30", "3000ff", "0500", "30068204612e62ff", "3005870301020300"),
        "3007a505a1030c0161",  # an ediPartyName, which cryptography does not read
        "3004a3023000",  # an x400Address, nor this
    ],
)
def test_names_that_cannot_be_read_are_none(der: str) -> None:
    certificate = foreign(raw_names(der))
    assert certificate_names(certificate) == ()
    assert repr(Credential(certificate, FOREIGN_KEY)) == "<Credential 'somebody': ecdsa-p256, self-signed>"


def test_a_subject_without_a_common_name_is_shown_whole() -> None:
    name = x509.Name(
        [
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Shop"),
            x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "DE"),
        ]
    )
    assert common_name(name) == "C=DE,O=Shop"
    assert common_name(x509.Name([])) == ""
