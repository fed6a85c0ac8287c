"""The tables of verdicts: what is folded, what decides, and why other judges differ."""

from __future__ import annotations

import warnings
from datetime import datetime
from typing import Any

import pytest
from needs import need
from test_pki_judge_limbo import cases, der

from tlsnotes import Authority, self_signed
from tlsnotes.live.opinions import opinions
from tlsnotes.pki.judge import judge
from tlsnotes.show.disagreements import NOT_WRITTEN, why_they_differ
from tlsnotes.show.verdicts import compare_verdicts, opinions_table, verdict_table

ROOT = Authority.root("Class Root CA")
LEAF = ROOT.intermediate("Shop CA").issue("localhost")


def test_checks_that_hold_are_one_row_for_all_certificates() -> None:
    table = verdict_table(judge(LEAF, trust=ROOT, name="localhost"))
    assert table.caption == "accepted: a path of 3 certificates"
    rows = {row[1][0]: row for row in table.rows}
    assert rows["validity"][2][0] == "0 to 2"
    assert rows["validity"][0][0] == "✓ holds"
    assert rows["revocation"][0][0] == "– not checked"


def test_a_failure_has_its_own_row_and_one_of_them_decides() -> None:
    table = verdict_table(judge(self_signed("elsewhere.example"), trust=ROOT, name="localhost"))
    marks = [row[0][0] for row in table.rows]
    assert table.caption == "refused: trust"
    assert (marks[0], marks.count("✗ decides"), marks.count("✗ fails")) == ("✗ decides", 1, 1)


def test_what_a_certificate_says_is_escaped() -> None:
    hostile = self_signed("localhost").certificate
    html = verdict_table(judge(hostile, trust=ROOT, name="localhost"))._repr_html_()
    assert "<script" not in html
    evil = Authority.root("<img src=x onerror=alert(1)>\u202e")
    html = verdict_table(judge(evil.issue("localhost"), trust=ROOT, name="localhost"))._repr_html_()
    assert "<img" not in html
    assert "\u202e" not in html


def test_three_judges_stand_beside_each_other() -> None:
    need("openssl")
    table = opinions_table(LEAF, ROOT.certificate, "localhost")
    assert [row[1][0] for row in table.rows] == ["judge", "pyca", "openssl", "openssl -x509_strict"]
    assert table.caption == "no two disagree"


def test_where_they_differ_the_table_says_so_and_why() -> None:
    need("openssl")
    root = Authority.root("Edwards", "ed25519")
    leaf = root.issue("localhost")
    table = opinions_table(leaf, root.certificate, "localhost")
    assert table.caption == "not all agree: pyca beside judge"
    assert "no Ed25519" in table.rows[1][4][0]
    revoking = Authority.root("Revoking")
    bad = revoking.issue("localhost")
    revoking.revoke(bad.certificate)
    table = opinions_table(bad, revoking.certificate, "localhost", crls=[revoking.crl()])
    assert "no CRL at all" in table.rows[1][4][0]


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_every_disagreement_about_the_cases_of_limbo_has_its_reason() -> None:
    need("openssl")
    for case in cases():
        names = [case["expected_peer_name"], *case["expected_peer_names"]]
        asked: dict[str, Any] = {
            "name": next((name["value"] for name in names if name), None),
            "at": datetime.fromisoformat(case["validation_time"]) if case["validation_time"] else None,
            "usage": case["validation_kind"].lower(),
            "crls": [*map(der, case["crls"])],
        }
        chain = [der(case["peer_certificate"]), *map(der, case["untrusted_intermediates"])]
        trust = [*map(der, case["trusted_certs"])]
        verdict = judge(chain, trust, **asked)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            others = opinions(chain, trust, **asked)
        assert NOT_WRITTEN not in [why_they_differ(verdict, other) for other in others], case["id"]
        assert len(compare_verdicts(verdict, others).rows) == 4
