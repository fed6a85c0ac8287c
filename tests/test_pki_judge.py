"""judge: each rule with a certificate made for it, what is asked in which words, and what hostile chains may cost."""

from __future__ import annotations

import ipaddress
import random
from base64 import encodebytes
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from abuse import within
from corpus import corpus
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from needs import vectors

from tlsnotes import Authority, Check, TLSNotesError, generate_key, parse_certificate, self_signed
from tlsnotes.pki.budget import Budget, BudgetSpentError
from tlsnotes.pki.inspected import GeneralName
from tlsnotes.pki.judge import MAX_CERTIFICATES, judge
from tlsnotes.pki.name_constraints import Subtrees, violation
from tlsnotes.pki.verdict import CHECKS, Verdict

ROOT = Authority.root("Class Root CA", path_length=2)
SHOP = ROOT.intermediate("Shop CA", path_length=0)
LEAF = SHOP.issue(["localhost", "*.shop.example", ipaddress.ip_address("127.0.0.1")])
NOW = datetime.now(UTC)
FOR_CLIENTS = x509.ExtendedKeyUsage([x509.OID_CLIENT_AUTH])
KEY = ec.generate_private_key(ec.SECP256R1())


def made(
    subject: str = "made",
    issuer: Authority = ROOT,
    extensions: tuple[tuple[x509.ExtensionType, bool], ...] = (),
    *,
    ca: bool = False,
    names: tuple[x509.GeneralName, ...] = (x509.DNSName("localhost"),),
    start: datetime = NOW - timedelta(days=1),
) -> x509.Certificate:
    """A certificate as RFC 5280 wants it, but for what a test changes."""
    issuer_key = issuer.credential.key
    identifier = x509.SubjectKeyIdentifier.from_public_key(issuer.certificate.public_key())
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, subject)]))
        .issuer_name(issuer.certificate.subject)
        .public_key(KEY.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(NOW + timedelta(days=30))
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(KEY.public_key()), critical=False)
    )
    if ca:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(issuer_key, hashes.SHA256())  # type: ignore[arg-type]  # this Authority's is an EC key


def failed(verdict: Verdict) -> dict[str, str]:
    return {check.name: check.detail for check in verdict.checks if check.ok is False}


def one(verdict: Verdict, name: str, index: int = 0) -> Check:
    return [check for check in verdict.checks if check.name == name][index]


# ---- a good chain


def test_a_good_chain_holds_and_every_question_was_asked() -> None:
    verdict = judge(LEAF, trust=ROOT, name="localhost", crls=[SHOP.crl(), ROOT.crl()])
    assert verdict.ok
    assert verdict.decisive is None
    assert {check.name for check in verdict.checks} == set(CHECKS)
    assert list(verdict.path) == [LEAF.certificate, SHOP.certificate, ROOT.certificate]
    assert all(check.detail and check.rfc and check.where for check in verdict.checks)
    assert one(verdict, "validity", 1).where == "certificate 1 (Shop CA)"
    assert repr(verdict) == "<Verdict: ok, 3 certificates>"


def test_the_checks_come_in_the_order_that_a_person_would_ask() -> None:
    places = [CHECKS.index(check.name) for check in judge(LEAF, trust=ROOT, name="localhost").checks]
    assert places == sorted(places)


def test_what_was_not_asked_is_said_to_be_unknown() -> None:
    verdict = judge(LEAF, trust=ROOT, usage=None)
    assert verdict.ok
    assert {c.name for c in verdict.checks if c.ok is None} >= {"name", "revocation", "extended-key-usage"}


@pytest.mark.parametrize("form", ["objects", "der", "pem", "fields", "mixed"])
def test_certificates_are_taken_in_every_form(form: str) -> None:
    chain = [LEAF.certificate, SHOP.certificate]
    der = [c.public_bytes(Encoding.DER) for c in chain]
    given = {
        "objects": chain,
        "der": der,
        "pem": b"".join(c.public_bytes(Encoding.PEM) for c in chain),
        "fields": [parse_certificate(one) for one in der],
        "mixed": [LEAF.certificate, der[1]],
    }[form]
    assert judge(given, trust=[ROOT], name="localhost").ok  # type: ignore[arg-type]  # one of these each time


def test_the_others_come_in_any_order_and_more_than_are_needed() -> None:
    stranger = Authority.root("somebody else").certificate
    verdict = judge([LEAF.certificate, stranger, ROOT.certificate, SHOP.certificate], trust=ROOT, name="localhost")
    assert verdict.ok
    assert "1 certificate beside it not needed" in one(verdict, "path").detail


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (lambda: judge([], trust=ROOT), "nothing to judge"),
        (lambda: judge("fullchain.pem", trust=ROOT), "no certificate for the chain"),  # type: ignore[arg-type]
        (lambda: judge(LEAF, trust=["root.pem"]), "no certificate for the trust"),  # type: ignore[list-item]
        (lambda: judge(LEAF, trust=ROOT, name="https://localhost:8443/"), "no name that a certificate could be for"),
        (lambda: judge(LEAF, trust=ROOT, at=datetime(2026, 1, 1)), "has its zone"),  # noqa: DTZ001
        (lambda: judge(LEAF, trust=ROOT, usage="both"), "for a server or for a client"),
        (lambda: judge(LEAF, trust=ROOT, crls=["crl.pem"]), "no CRL"),  # type: ignore[list-item]
        (lambda: judge(b"-----BEGIN X-----", trust=ROOT), "PEM"),
    ],
)
def test_what_is_no_question_is_an_error_in_words(given: Callable[[], Verdict], error: str) -> None:
    with pytest.raises(TLSNotesError, match=error):
        given()


# ---- trust and path


def test_an_unknown_root_a_missing_intermediate_and_a_self_signed_one_are_told_apart() -> None:
    unknown = judge(LEAF, trust=Authority.root("another"), name="localhost")
    assert "none of the name of the issuer of 'Shop CA'" in one(unknown, "trust").detail
    missing = judge(LEAF.certificate, trust=ROOT, name="localhost")
    assert failed(missing).keys() == {"trust", "path"}
    assert "expected the certificate of 'Shop CA'" in failed(missing)["path"]
    alone = judge(self_signed("localhost"), trust=ROOT, name="localhost")
    assert failed(alone).keys() == {"trust"}
    assert "self-signed and not trusted" in failed(alone)["trust"]


def test_a_root_made_again_under_the_same_name_is_another() -> None:
    again = Authority.root("Class Root CA")
    verdict = judge(LEAF, trust=again, name="localhost")
    assert "only another key under the name" in failed(verdict)["trust"]


def test_a_pinned_certificate_and_a_trusted_intermediate_are_ends_of_a_path() -> None:
    alone = self_signed("localhost")
    assert judge(alone, trust=alone, name="localhost").ok
    assert judge(LEAF, trust=SHOP.certificate, name="localhost").path == (LEAF.certificate, SHOP.certificate)


def test_of_two_paths_the_one_that_holds_is_taken() -> None:
    key = generate_key("ecdsa-p256")
    old = ROOT.intermediate("Cross CA", key=key, days=1, start=NOW - timedelta(days=9))
    new = Authority.root("New Root").intermediate("Cross CA", key=key)
    leaf = new.issue("localhost")
    new_root = new.credential
    for order in ([old.certificate, new_root.certificate], [new_root.certificate, old.certificate]):
        verdict = judge([leaf.certificate, *order], trust=[ROOT.certificate, new_root.certificate], name="localhost")
        assert verdict.ok, verdict.decisive
        assert verdict.path[1] == new_root.certificate


def test_a_spoilt_signature_is_shown_in_its_place() -> None:
    der = bytearray(LEAF.certificate.public_bytes(Encoding.DER))
    der[-3] ^= 1
    verdict = judge([bytes(der), SHOP.certificate], trust=ROOT, name="localhost")
    assert failed(verdict).keys() == {"signature"}
    assert verdict.decisive is not None
    assert verdict.decisive.where == "certificate 0 (localhost)"


# ---- each rule


@pytest.mark.parametrize(
    ("certificate", "rule", "words"),
    [
        (made(start=NOW + timedelta(hours=1)), "validity", "not valid yet"),
        (made(names=()), "name", "no subjectAltName"),
        (made(names=(x509.DNSName("127.0.0.1"),)), "name", "found '127.0.0.1'"),
        (made(extensions=((FOR_CLIENTS, False),)), "extended-key-usage", "TLS client"),
        (made(extensions=((x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"\5\0"), True),)),
            "critical-extension", "1.2.3"),
        (made(extensions=((x509.NameConstraints([x509.DNSName("example")], None), True),)),
            "name-constraints", "end-entity"),
    ],
)  # fmt: skip
def test_each_rule_names_what_was_expected_and_found(certificate: x509.Certificate, rule: str, words: str) -> None:
    verdict = judge(certificate, trust=ROOT, name="localhost")
    assert failed(verdict).keys() == {rule}
    assert words in failed(verdict)[rule]
    assert verdict.decisive == one(verdict, rule)


def test_it_goes_on_after_a_failure_and_says_which_one_decides() -> None:
    wrong = made(names=(x509.DNSName("elsewhere.example"),), start=NOW + timedelta(days=1),
        extensions=((FOR_CLIENTS, False),))  # fmt: skip
    verdict = judge(wrong, trust=Authority.root("nobody"), name="localhost")
    assert failed(verdict).keys() == {"trust", "path", "validity", "name", "extended-key-usage"}
    assert verdict.decisive == one(verdict, "trust")
    assert "and 4 more" in repr(verdict)


def test_an_authority_below_one_of_path_length_0_is_one_too_many() -> None:
    below = made("below", SHOP, ca=True, names=())
    leaf = made(issuer=Authority(type(LEAF)(below, KEY)))
    verdict = judge([leaf, below, SHOP.certificate], trust=ROOT, name="localhost")
    assert failed(verdict).keys() == {"path-length"}
    assert one(verdict, "path-length", 2).where == "certificate 2 (Shop CA)"
    assert one(verdict, "path-length", 2).ok is False


def test_both_ends_of_the_validity_belong_to_it() -> None:
    begin, end = LEAF.certificate.not_valid_before_utc, LEAF.certificate.not_valid_after_utc
    second = timedelta(seconds=1)
    for at, ok in ((begin, True), (end, True), (begin - second, False), (end + second, False)):
        assert one(judge(LEAF, trust=ROOT, name="localhost", at=at), "validity").ok is ok


@pytest.mark.parametrize(
    ("name", "ok"),
    [
        ("localhost", True), ("LOCALHOST", True), ("localhost.", True), ("127.0.0.1", True),
        (ipaddress.ip_address("127.0.0.1"), True), ("api.shop.example", True), ("münchen.shop.example", True),
        ("shop.example", False), ("a.b.shop.example", False), ("127.0.0.2", False), ("::1", False),
        ("localhost.example", False),
    ],
)  # fmt: skip
def test_names_are_compared_as_rfc_9525_says(name: str, ok: bool) -> None:
    assert one(judge(LEAF, trust=ROOT, name=name), "name").ok is ok


@pytest.mark.parametrize(
    ("permitted", "excluded", "name", "ok"),
    [
        (["shop.example"], [], "api.shop.example", True),
        (["shop.example"], [], "shop.example", True),
        (["shop.example"], [], "myshop.example", False),
        (["shop.example"], [], "*.shop.example", True),
        (["api.shop.example"], [], "*.shop.example", False),
        ([], ["api.shop.example"], "*.shop.example", False),
        ([], ["other.example"], "api.shop.example", True),
        ([], ["SHOP.example"], "api.shop.EXAMPLE", False),
    ],
)
def test_name_constraints_bind_every_name_below(permitted: list[str], excluded: list[str], name: str, ok: bool) -> None:
    constraints = x509.NameConstraints([*map(x509.DNSName, permitted)] or None, [*map(x509.DNSName, excluded)] or None)
    middle = made("constrained", ca=True, names=(), extensions=((constraints, True),))
    leaf = made(issuer=Authority(type(LEAF)(middle, KEY)), names=(x509.DNSName(name),))
    asked = name.replace("*", "one")
    verdict = judge([leaf, middle], trust=ROOT, name=asked)
    assert one(verdict, "name-constraints", 1).ok is ok, verdict.checks


# ---- revocation


def test_a_revoked_certificate_is_named_by_its_issuers_list_only() -> None:
    shop = ROOT.intermediate("Revoking CA")
    bad, good = shop.issue("localhost"), shop.issue("localhost")
    shop.revoke(bad.certificate, "key_compromise")
    lists = [shop.crl()]
    revoked = judge(bad, trust=ROOT, name="localhost", crls=lists)
    assert failed(revoked).keys() == {"revocation"}
    assert "keyCompromise" in failed(revoked)["revocation"]
    assert one(judge(good, trust=ROOT, name="localhost", crls=lists), "revocation").ok is True
    assert one(judge(bad, trust=ROOT, name="localhost", crls=[ROOT.crl()]), "revocation").ok is None


def test_a_list_that_cannot_be_relied_on_is_a_failure_and_no_proof_of_anything() -> None:
    crl = SHOP.crl(days=1)
    stale = judge(LEAF, trust=ROOT, name="localhost", crls=[crl], at=NOW + timedelta(days=5))
    assert "it is stale" in failed(stale)["revocation"]
    spoilt = bytearray(crl.public_bytes(Encoding.DER))
    spoilt[-3] ^= 1
    assert (
        "not signed with the issuer's key"
        in failed(judge(LEAF, trust=ROOT, name="localhost", crls=[bytes(spoilt)]))["revocation"]
    )


# ---- hostile chains


def quick(chain: list[x509.Certificate] | list[bytes], trust: object = ROOT, name: str = "localhost") -> Verdict:
    return within(1, lambda: judge(chain, trust=trust, name=name))  # type: ignore[arg-type]


def test_a_thousand_authorities_of_one_name_are_bounded_work() -> None:
    roots = [made("Shop CA", ca=True, names=()) for _ in range(300)]
    keys = [Authority.root("Shop CA").certificate for _ in range(300)]
    verdict = quick([LEAF.certificate, *roots, *keys], trust=Authority.root("nobody"))
    assert not verdict.ok


def test_authorities_that_sign_each_other_are_bounded_work() -> None:
    keys = [generate_key("ecdsa-p256") for _ in range(6)]
    names = [f"CA {number}" for number in range(6)]
    roots = [Authority.root(name, key) for name, key in zip(names, keys, strict=True)]
    web = [
        root.intermediate(name, path_length=None, key=key).certificate
        for root in roots
        for name, key in zip(names, keys, strict=True)
    ]
    verdict = quick([roots[0].issue("localhost").certificate, *web], trust=Authority.root("nobody"))
    assert not verdict.ok
    assert "limit of the search" in failed(verdict)["path"]


def test_ten_thousand_certificates_are_not_all_read_and_it_is_said() -> None:
    base = LEAF.certificate.public_bytes(Encoding.DER)
    many = [base[:-4] + number.to_bytes(4, "big") for number in range(10_000)]
    verdict = quick([base, *many])
    assert (
        f"{10_001 - MAX_CERTIFICATES:,} more not looked at"
        in next(c for c in verdict.checks if c.name == "path").detail
    )


def test_constraints_of_another_form_cost_a_name_one_step() -> None:
    """By the budget's own count: it is what bounds the work."""
    bases = [GeneralName("rfc822Name", f"n{number}.example") for number in range(100_000)]
    names = [GeneralName("dNSName", f"n{number}.example") for number in range(10_000)]

    def left() -> int:
        budget = Budget(250_000)
        assert violation(Subtrees({}, {"rfc822Name": bases}), names, budget) == ""
        return budget.left

    assert within(1, left) == 240_000
    with pytest.raises(BudgetSpentError):
        violation(Subtrees({}, {}), names, Budget(9_999))


def test_thousands_of_constraints_and_names_are_bounded_work_and_said_so() -> None:
    many = [x509.DNSName(f"n{number}.example") for number in range(3000)]
    middle = made("constrained", ca=True, names=(), extensions=((x509.NameConstraints(many, None), True),))
    leaf = made(issuer=Authority(type(LEAF)(middle, KEY)), names=(*many, x509.DNSName("localhost")))
    verdict = quick([leaf, middle])
    assert "given up" in failed(verdict)["name-constraints"]


def test_ten_thousand_names_are_judged_as_any() -> None:
    leaf = ROOT.issue([f"n{number}.example" for number in range(9_999)] + ["localhost"])
    assert quick([leaf.certificate]).ok


@pytest.mark.parametrize("folder", ["odd", "hostile"])
def test_every_odd_certificate_is_judged_as_far_as_it_can_be_read(folder: str) -> None:
    for path in sorted((vectors() / "certificates" / folder).iterdir()):
        if path.suffix in (".der", ".pem", ".crt", ".cer"):
            verdict = _judged_whatever(path)
            assert verdict is None or {"trust", "encoding"} <= {check.name for check in verdict.checks}, path.name


def _judged_whatever(path: Path) -> Verdict | None:
    try:
        return quick([path.read_bytes()])
    except TLSNotesError:
        return None  # no certificate at all, said in words


def test_no_mutation_of_a_chain_makes_it_hold_or_fall_over() -> None:
    chosen = random.Random(4)  # noqa: S311  # the same ones every time
    whole = [c.public_bytes(Encoding.DER) for c in (LEAF.certificate, SHOP.certificate)]
    for _ in range(600):
        chain = [bytearray(one) for one in whole]
        target = chosen.choice(chain)
        for _ in range(chosen.choice((1, 1, 2, 5))):
            target[chosen.randrange(len(target))] = chosen.randrange(256)
        if [bytes(one) for one in chain] == whole:
            continue
        try:
            verdict = judge([bytes(one) for one in chain], trust=ROOT, name="localhost")
        except TLSNotesError:
            continue
        assert not verdict.ok, chain


def test_a_version_that_cryptography_refuses_is_judged_from_der_and_from_pem() -> None:
    """Found by the seeds of the fuzzer: `InvalidVersion` is no `ValueError`."""
    (odd,) = [vector.der for vector in corpus() if vector.name == "x509/custom/invalid_version.pem"]
    pem = b"-----BEGIN CERTIFICATE-----\n" + encodebytes(odd) + b"-----END CERTIFICATE-----\n"
    for given in (odd, pem):
        verdict = judge(given, trust=ROOT, name="localhost")
        assert verdict.path == (odd,)
        assert "version" in failed(verdict)
    with pytest.raises(TLSNotesError, match="cannot be read"):
        judge(pem.replace(b"-----END", b"---"), trust=ROOT)
    with pytest.raises(TLSNotesError, match="a CRL"):
        judge(LEAF, trust=ROOT, crls=[pem])
