"""What pyca and OpenSSL think of a chain: the same question to both, each in its own words, and what they mean."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from needs import need, vectors

from tlsnotes import Authority, Credential, TLSNotesError, parse_certificate, self_signed
from tlsnotes.live import opinions as module
from tlsnotes.live.opinions import JUDGES, Opinion, opinions
from tlsnotes.pki.keys import generate_key
from tlsnotes.pki.profile import authority_key_identifier, common_name_subject

ROOT = Authority.root("the root")
SHOP = ROOT.intermediate("the shop's intermediate")
LEAF = SHOP.issue(["shop.example", ip_address("127.0.0.1")])
NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def _with_openssl() -> None:
    need("openssl")


def answers(*arguments: object, **named: object) -> list[bool | None]:
    return [opinion.ok for opinion in opinions(*arguments, **named)]  # type: ignore[arg-type]


def codes(*arguments: object, **named: object) -> list[int | str]:
    return [opinion.code for opinion in opinions(*arguments, **named)]  # type: ignore[arg-type]


def below_root(
    names: tuple[str, ...] = ("localhost",), key: str = "ecdsa-p256", without: str = "", tampered: bool = False
) -> x509.Certificate:
    """A server's certificate below ROOT: with an extension missing, or a weak key, or changed after it was signed."""
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024) if key == "rsa-1024" else None
    public = (weak or generate_key(key)).public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(common_name_subject("localhost"))
        .issuer_name(ROOT.certificate.subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(hours=1))
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )
    if without != "subjectAltName":
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), critical=False)
    if without != "authorityKeyIdentifier":
        builder = builder.add_extension(authority_key_identifier(ROOT.certificate), critical=False)
    if without == "meaning":
        builder = builder.add_extension(
            x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.99"), b"\x05\x00"), True
        )
    made = builder.sign(ROOT.credential.key, SHA256())
    if tampered:
        return x509.load_der_x509_certificate(made.public_bytes(Encoding.DER).replace(b"localhost", b"lokalhost", 1))
    return made


# ---- the same question


def test_all_accept_a_sound_chain_for_each_of_its_names() -> None:
    for name in ("shop.example", "127.0.0.1", ip_address("127.0.0.1")):
        given = opinions(LEAF, ROOT, name)
        assert [(o.judge, o.ok, o.code) for o in given] == [(judge, True, 0) for judge in JUDGES]


@pytest.mark.parametrize(
    "form",
    [
        lambda: LEAF,
        lambda: [LEAF.certificate, SHOP.certificate],
        lambda: [c.public_bytes(Encoding.DER) for c in (LEAF.certificate, *LEAF.chain)],
        lambda: LEAF.fullchain_pem,
        lambda: [parse_certificate(c.public_bytes(Encoding.DER)) for c in (LEAF.certificate, *LEAF.chain)],
        lambda: [LEAF.certificate, Authority.root("another").certificate, SHOP.certificate],
    ],
    ids=["credential", "certificates", "DER", "PEM", "fields", "one too many"],
)
def test_a_chain_may_come_in_every_form(form: Callable[[], object]) -> None:
    for trust in (ROOT, ROOT.certificate, [ROOT.certificate_pem]):
        assert answers(form(), trust, "shop.example") == [True, True, True]


def test_each_refuses_in_its_own_words_and_they_mean_the_same() -> None:
    for opinion, words in zip(
        opinions(LEAF, ROOT, "elsewhere.example"), ("no matching subjectAltName", "error 62", "error 62"), strict=True
    ):
        assert opinion.ok is False
        assert words in opinion.words
        assert opinion.check == "name"
        assert opinion.translated


@pytest.mark.parametrize(
    ("at", "expected"),
    [(timedelta(days=-400), "VerificationError 9 9"), (timedelta(days=400), "VerificationError 10 10")],
)
def test_they_judge_at_the_time_that_is_asked_about(at: timedelta, expected: str) -> None:
    given = opinions(LEAF, ROOT, "shop.example", at=NOW + at)
    assert " ".join(str(o.code) for o in given) == expected
    assert {o.check for o in given} == {"validity"}


def test_they_judge_for_the_use_that_is_asked_about() -> None:
    assert answers(LEAF, ROOT, "shop.example", usage="client") == [False, False, False]
    alice = ROOT.issue("alice@shop.example", usage="client")
    assert answers(alice, ROOT, usage="client") == [True, True, True]
    assert answers(alice, ROOT, "alice@shop.example", usage="client") == [True, True, True]
    assert codes(alice, ROOT, "mallory@shop.example", usage="client") == [0, 63, 63]
    assert "compares no name" in opinions(alice, ROOT, "mallory@shop.example", usage="client")[0].translated


def test_pyca_gives_no_opinion_where_it_cannot_be_asked() -> None:
    assert codes(LEAF, ROOT) == ["no name", 0, 0]
    assert codes(LEAF, ROOT, usage=None) == ["no usage", 0, 0]
    assert codes(LEAF, [], "shop.example") == ["no trust", 20, 20]


def test_a_host_name_is_asked_for_as_it_stands_in_certificates() -> None:
    leaf = ROOT.issue("xn--bcher-kva.example")
    assert answers(leaf, ROOT, "bücher.example") == [True, True, True]


# ---- revocation


def test_openssl_reads_the_crls_and_pyca_says_that_it_does_not() -> None:
    root = Authority.root("a root that revokes")
    good, bad = root.issue("localhost"), root.issue("localhost")
    root.revoke(bad.certificate)
    assert codes(bad, root, "localhost", crls=[root.crl()]) == [0, 23, 23]
    assert codes(good, root, "localhost", crls=[root.crl()]) == [0, 0, 0]
    assert codes(good, root, "localhost", crls=root.crl()) == [0, 0, 0]
    assert "no CRL" in opinions(good, root, "localhost", crls=[root.crl()])[0].translated


def test_a_revoked_intermediate_is_found_where_every_issuer_has_a_crl() -> None:
    root = Authority.root("a root that revokes")
    below = root.intermediate("revoked")
    leaf = below.issue("localhost")
    root.revoke(below.certificate)
    assert codes(leaf, root, "localhost", crls=[root.crl(), below.crl()]) == [0, 23, 23]
    assert codes(leaf, root, "localhost", crls=[below.crl()]) == [0, 0, 0]
    assert codes(leaf, root, "localhost", crls=[root.crl()]) == [0, 3, 3]


# ---- where they differ, each for a reason of its own


def test_pyca_takes_no_authority_with_an_eddsa_key() -> None:
    root = Authority.root("Ed25519", key="ed25519")
    pyca, *others = opinions(root.issue("localhost"), root, "localhost")
    assert (pyca.ok, pyca.check) == (False, "key-strength")
    assert [o.ok for o in others] == [True, True]


@pytest.mark.parametrize(
    ("leaf", "expected"),
    [
        ({}, [True, True, True]),
        ({"without": "subjectAltName"}, [False, True, True]),
        ({"names": ("l*.shop.example",)}, [False, True, True]),
        ({"without": "authorityKeyIdentifier"}, [False, True, False]),
        ({"key": "rsa-1024"}, [True, False, False]),
        ({"without": "meaning"}, [False, False, False]),
        ({"tampered": True}, [False, False, False]),
    ],
    ids=str,
)
def test_what_each_makes_of_a_mistake(leaf: dict[str, Any], expected: list[bool]) -> None:
    name = "lemon.shop.example" if "names" in leaf else "localhost"
    assert answers(below_root(**leaf), ROOT, name) == expected


def test_any_trusted_certificate_ends_a_path_for_python_3_13_and_for_pyca() -> None:
    assert answers(LEAF.certificate, SHOP, "shop.example") == [True, False, True]


def test_every_number_of_openssl_has_its_meaning() -> None:
    """By the numbers of this machine's own header, where it has one."""
    header = Path("/usr/include/openssl/x509_vfy.h")
    if not header.is_file():
        pytest.skip("no OpenSSL headers: `apt install libssl-dev`")
    numbers = re.findall(r"define\s+X509_V_ERR_(\w+)\s+(\d+)", header.read_text("utf-8"))
    # What nobody asks about here: proxies, policies, suite B, DANE, OCSP; and failures of the program itself.
    elsewhere = "PROXY POLICY SUITE_B DANE OCSP LOOKUP OUT_OF_MEM APPLICATION CALL SCTS UNNESTED PATH_VALIDATION NON_CA"
    missing = {name for name, number in numbers if number not in module._OPENSSL}
    assert {name for name in missing if not any(word in name for word in elsewhere.split())} == set()
    assert len(numbers) > 60


# ---- others' vectors


def test_both_agree_with_every_expectation_of_limbo_but_its_limit_on_depth() -> None:
    wrong = []
    for case in json.loads((vectors() / "chains" / "limbo.json").read_text("utf-8"))["testcases"]:
        at = case["validation_time"]
        given = opinions(
            [pem.encode() for pem in (case["peer_certificate"], *case["untrusted_intermediates"])],
            [pem.encode() for pem in case["trusted_certs"]],
            case["expected_peer_name"] and case["expected_peer_name"]["value"],
            datetime.fromisoformat(at) if at else None,
            case["validation_kind"].lower(),
            [pem.encode() for pem in case["crls"]],
        )
        expected = case["expected_result"] == "SUCCESS"
        wrong += [case["id"] for opinion in given if opinion.ok is not expected]
        assert all(o.check or o.code == 1 for o in given if o.ok is False), case["id"]
    assert set(wrong) == {"pathlen::max-chain-depth-0-exhausted"}


def test_no_certificate_however_odd_or_hostile_raises_or_shows_what_it_should_not() -> None:
    files = sorted((vectors() / "certificates").rglob("*.der"))
    assert files
    for path in files:
        der = path.read_bytes()
        for opinion in opinions(der, der, "localhost"):
            assert (opinion.words + opinion.translated).isprintable(), path.name
            assert opinion.check or opinion.ok, (path.name, opinion)


@pytest.mark.parametrize("blob", [b"", b"\x30\x03", b"junk", b"-----BEGIN CERTIFICATE-----\nAA==\n-----END "])
def test_what_is_no_certificate_is_refused_by_all(blob: bytes) -> None:
    given = opinions(blob, ROOT, "localhost")
    assert [(o.ok, o.check) for o in given] == [(False, "encoding")] * 3


def test_a_text_in_a_certificate_cannot_pass_for_openssls_words() -> None:
    made = self_signed("localhost")
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x\nerror 10 at 0 depth lookup: gone")])
    forged = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(made.certificate.public_key())
        .serial_number(1).not_valid_before(NOW).not_valid_after(NOW + timedelta(days=1))
        .sign(made.key, made.certificate.signature_hash_algorithm)  # type: ignore[arg-type]
    )  # fmt: skip
    assert codes(forged, ROOT, "localhost")[1:] == [18, 18]


# ---- the program, and what is left of it


def test_nothing_of_the_machine_decides(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    store = tmp_path / "store.pem"
    store.write_bytes(ROOT.certificate_pem)
    broken = tmp_path / "openssl.cnf"
    broken.write_text("openssl_conf = nowhere_at_all\n.include /nowhere\n")
    for variable, value in {"SSL_CERT_FILE": store, "OPENSSL_CONF": broken}.items():
        monkeypatch.setenv(variable, str(value))
    assert codes(LEAF, Authority.root("another"), "shop.example")[1:] == [20, 20]
    assert codes(LEAF, [], "shop.example")[1:] == [20, 20]


def test_without_openssl_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert codes(LEAF, ROOT, "shop.example") == [0, "not installed", "not installed"]


def test_an_openssl_that_comes_to_no_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def late(command: list[str], **_: object) -> None:
        raise subprocess.TimeoutExpired(command, module.SECONDS)

    monkeypatch.setattr(module.subprocess, "run", late)
    assert codes(LEAF, ROOT, "shop.example")[1:] == ["timeout", "timeout"]


def test_a_program_that_takes_other_options_gives_no_opinion(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    other = tmp_path / "openssl"
    other.write_text("#!/bin/sh\necho 'verify: Unknown option: -auth_level' >&2\nexit 1\n")
    other.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert codes(LEAF, ROOT, "shop.example") == [0, "not run", "not run"]


def test_no_file_is_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert len(opinions(LEAF, ROOT, "shop.example", crls=[ROOT.crl()])) == 3
    assert list(tmp_path.iterdir()) == []


# ---- bad input


@pytest.mark.parametrize("chain", [None, 7, "a text", [None], [], b"-----BEGIN nothing"])
def test_refuses_what_is_no_chain(chain: object) -> None:
    with pytest.raises(TLSNotesError):
        opinions(chain, ROOT, "localhost")


@pytest.mark.parametrize(
    "wrong",
    [{"name": 7}, {"usage": "both"}, {"at": datetime(2026, 1, 1)}, {"at": "now"}, {"crls": [None]}],  # noqa: DTZ001
    ids=str,
)
def test_refuses_what_is_no_question(wrong: dict[str, object]) -> None:
    with pytest.raises(TLSNotesError):
        opinions(LEAF, ROOT, **wrong)  # type: ignore[arg-type]


def test_refuses_damaged_pem() -> None:
    with pytest.raises(TLSNotesError, match="cannot be read"):
        opinions(LEAF.fullchain_pem.replace(b"MII", b"M!I"), ROOT, "shop.example")


def test_an_opinion_is_what_it_is() -> None:
    opinion = Opinion("pyca", True, 0, "", "")
    with pytest.raises(AttributeError):
        opinion.ok = False  # type: ignore[misc]
    assert isinstance(LEAF, Credential)
