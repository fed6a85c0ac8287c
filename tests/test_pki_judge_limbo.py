"""x509-limbo's cases, judged: a collection of chains that its authors and several implementations agree about.

MISSES lists every case of the whole collection (also those that are not among the vectors) on which judge decides
otherwise, with the reason. A case that is not listed must agree.
"""

from __future__ import annotations

import base64
import json
from datetime import datetime
from functools import partial
from typing import Any

import pytest
from abuse import within
from needs import vectors

from tlsnotes.pki.judge import judge

NO_CN = "RFC 9525: the Common Name is not looked at, so it is not compared with subjectAltName either"
POLICY = "the Baseline Requirements ask for it, RFC 5280 does not: private CAs are free"
MISSES = {
    "cve::cve-2024-0567": "a root that another root has signed is not self-signed: it needs an identifier",
    "pathlen::validation-ignores-pathlen-in-leaf": "its key may only sign certificates, so it cannot sign a handshake",
    "rfc5280::ca-as-leaf": "its key may only sign certificates, so it cannot sign a handshake",
    "webpki::aki::root-with-aki-all-fields": POLICY,
    "webpki::cn::case-mismatch": NO_CN,
    "webpki::cn::ipv4-hex-mismatch": NO_CN,
    "webpki::cn::ipv4-leading-zeros-mismatch": NO_CN,
    "webpki::cn::ipv6-non-rfc5952-mismatch": NO_CN,
    "webpki::cn::ipv6-uncompressed-mismatch": NO_CN,
    "webpki::cn::ipv6-uppercase-mismatch": NO_CN,
    "webpki::cn::not-in-san": NO_CN,
    "webpki::cn::punycode-not-in-san": NO_CN,
    "webpki::cn::utf8-vs-punycode-mismatch": NO_CN,
    "webpki::ee-basicconstraints-ca": POLICY,
    "webpki::eku::ee-anyeku": POLICY,
    "webpki::eku::ee-critical-eku": POLICY,
    "webpki::eku::ee-without-eku": POLICY + "; rfc5280::eku::ee-without-eku asks for the contrary",
    "webpki::eku::root-has-eku": POLICY,
    "webpki::nc::permitted-dns-match-noncritical": "rfc5280::nc::permitted-dns-match-noncritical asks for the contrary",
    "webpki::san::public-suffix-multi-label-wildcard-san": "which domains are public suffixes is not known here",
    "webpki::san::public-suffix-private-namespace-wildcard-san": "which domains are public suffixes is not known here",
    "webpki::san::san-critical-with-nonempty-subject": POLICY,
}


def cases() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((vectors() / "chains" / "limbo.json").read_text("utf-8"))["testcases"]
    return found


def der(pem: str) -> bytes:
    return base64.b64decode("".join(line for line in pem.splitlines() if not line.startswith("-----")))


def agrees(case: dict[str, Any]) -> bool:
    names = [case["expected_peer_name"], *case["expected_peer_names"]]
    verdict = judge(
        [der(case["peer_certificate"]), *map(der, case["untrusted_intermediates"])],
        trust=[*map(der, case["trusted_certs"])],
        name=next((name["value"] for name in names if name), None),
        at=datetime.fromisoformat(case["validation_time"]) if case["validation_time"] else None,
        usage=case["validation_kind"].lower(),
        crls=[*map(der, case["crls"])],
        max_depth=case["max_chain_depth"],
    )
    assert verdict.ok is (verdict.decisive is None)
    return verdict.ok is (case["expected_result"] == "SUCCESS")


def test_every_case_agrees_or_is_listed_with_its_reason() -> None:
    missed = {case["id"] for case in cases() if not agrees(case)}
    assert missed <= MISSES.keys()
    assert len(missed) <= 0.05 * len(cases())


def test_what_is_listed_and_at_hand_is_really_missed() -> None:
    assert {case["id"] for case in cases() if case["id"] in MISSES and agrees(case)} == set()


@pytest.mark.parametrize("family", ["pathological", "online", "rfc5280::nc"])
def test_no_case_takes_a_second(family: str) -> None:
    for case in cases():
        if case["id"].startswith(family):
            within(1, partial(agrees, case))
