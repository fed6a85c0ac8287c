"""The chain view: what its cards say, what its controls lead to, and how both look alone on a page in Chromium."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from needs import ROOT, need, vectors
from test_pki_judge_limbo import cases, der
from widget_page import pages

from tlsnotes import Authority, ChainView, Credential, Field, TLSNotesError, Verdict, chain_view, judge
from tlsnotes.pki.inspected import GeneralName
from tlsnotes.pki.rules import apart
from tlsnotes.pki.verdict import CHECKS
from tlsnotes.show.chain_cards import Card, ask, band_of, cards_of, checks_table
from tlsnotes.show.chain_view import ChainPart
from tlsnotes.show.chain_words import FIXES, name_words, period, uses
from tlsnotes.show.words import words_of_check

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
GOOD = datetime(2026, 10, 1, 12, 30, tzinfo=UTC)
CLASS = Authority.root("Class Root CA", "ecdsa-p384", path_length=3, start=BEGIN, days=3650)
ISSUING = CLASS.intermediate("Class Issuing CA", start=BEGIN, days=364)
SHOP = ISSUING.issue(["payments.example", "www.payments.example"], start=datetime(2026, 8, 12, tzinfo=UTC), days=90)


def verdict(name: str | None = "payments.example", at: datetime = GOOD, **asked: Any) -> Verdict:
    return judge(SHOP, CLASS, name, at, **asked)


def view(**asked: Any) -> ChainView:
    return chain_view(verdict(**asked))


def self_signed_leaf() -> Credential:
    return Authority.root("alone", start=BEGIN).credential


def deep() -> Verdict:
    root = Authority.root("Class Root CA", path_length=3, start=BEGIN)
    low = root.intermediate("Policy CA", 2, start=BEGIN).intermediate("Regional CA", 1, start=BEGIN)
    leaf = low.intermediate("Class Issuing CA", 0, start=BEGIN).issue("payments.example", start=BEGIN, days=300)
    return judge(leaf, root, "payments.example", GOOD)


def row(card: Card, label: str) -> Any:
    return next(row for row in card.rows if row.label == label)


# ---- what was asked


def test_a_verdict_knows_what_was_asked_and_can_be_asked_again() -> None:
    first = judge(iter([SHOP.certificate, *SHOP.chain]), [CLASS], "payments.example", GOOD, crls=iter([ISSUING.crl()]))
    question = first.question
    assert question is not None
    assert (question.name, question.at, question.usage, len(question.crls)) == ("payments.example", GOOD, "server", 1)
    assert (len(question.chain), len(question.trust)) == (2, 1)
    assert ask(question) == first


def test_a_question_holds_no_key() -> None:
    question = verdict().question
    assert question is not None
    assert all(isinstance(tree, Field) for tree in (*question.chain, *question.trust))


def test_a_verdict_that_does_not_know_its_question_cannot_be_viewed() -> None:
    with pytest.raises(TLSNotesError, match="does not say what was asked"):
        chain_view(Verdict(True, (), (SHOP.certificate,)))


def test_a_chain_can_be_given_in_place_of_a_verdict() -> None:
    assert chain_view(SHOP, CLASS, "payments.example", GOOD).verdict == verdict()


# ---- the cards


def test_cards_lead_from_the_end_entity_to_the_trust_anchor() -> None:
    cards = cards_of(verdict())
    assert [card.role for card in cards] == ["end-entity", "intermediate", "trust anchor"]
    assert [card.title for card in cards] == ["payments.example", "Class Issuing CA", "Class Root CA"]
    assert [card.link for card in cards] == [True, True, None]
    assert row(cards[0], "names").values == ["payments.example", "www.payments.example"]
    assert row(cards[0], "may be").values == ["TLS server"]
    assert row(cards[1], "path length").values == ["0"]
    assert row(cards[1], "may sign").values == ["certificates, CRLs"]
    assert row(cards[2], "key").values == ["ECDSA P-384"]
    assert row(cards[2], "trusted").values == ["because you said so"]
    assert all(card.ok and card.bar and card.bar.ok for card in cards)


def test_what_ended_says_when_at_its_field_and_the_bar_shows_it() -> None:
    leaf, issuer, _ = cards_of(verdict(at=datetime(2026, 11, 23, tzinfo=UTC)))
    valid = row(leaf, "valid")
    assert (valid.values, valid.ok, valid.wrong) == (["12 Aug – 9 Nov 2026"], False, ["ended 13 days ago"])
    assert leaf.bar is not None
    assert leaf.bar.end < leaf.bar.at < 1
    assert not leaf.bar.ok
    assert issuer.ok


def test_what_has_not_begun_says_when_it_will() -> None:
    leaf, *_ = cards_of(verdict(at=datetime(2026, 8, 9, tzinfo=UTC)))
    assert row(leaf, "valid").wrong == ["begins in 3 days"]
    assert "clock" in band_of(verdict(at=datetime(2026, 8, 9, tzinfo=UTC))).todo


def test_another_name_fails_at_the_names() -> None:
    leaf, *_ = cards_of(verdict(name="shop.example"))
    assert row(leaf, "names").wrong == ["not for shop.example"]


def test_a_missing_intermediate_has_a_place_in_the_chain() -> None:
    leaf, absent = cards_of(judge(SHOP.certificate, CLASS, "payments.example", GOOD))
    assert (absent.missing, absent.title, absent.index) == (True, "Class Issuing CA", "not here")
    assert leaf.ok, "it is not the certificate's fault"
    assert absent.rows[0].checks == ["trust", "path"]


def test_a_namesake_of_the_issuer_is_told_from_the_issuer() -> None:
    _, absent = cards_of(judge(SHOP.certificate, Authority.root("Class Issuing CA"), "payments.example", GOOD))
    assert absent.rows[0].wrong == ("only another key of this name is here",)


def test_a_certificate_that_signed_itself_stands_alone() -> None:
    alone = self_signed_leaf()
    (card,) = cards_of(judge(alone, at=GOOD))
    assert row(card, "trusted").wrong == ["nobody here trusts it"]
    (card,) = cards_of(judge(alone, alone, at=GOOD))
    assert card.role == "end-entity and trust anchor"


def test_a_broken_signature_breaks_the_link() -> None:
    spoilt = bytearray(SHOP.certificate.public_bytes(Encoding.DER))
    spoilt[-1] ^= 1
    broken = judge([bytes(spoilt), *SHOP.chain], CLASS, "payments.example", GOOD)
    leaf, *_ = cards_of(broken)
    assert leaf.link is False
    assert row(leaf, "signature").ok is False


def failures(shown: Verdict) -> Iterator[tuple[str, list[Card]]]:
    cards = cards_of(shown)
    for check in shown.checks:
        if check.ok is False:
            yield check.name, [c for c in cards if any(check.name in r.checks and r.ok is False for r in c.rows)]


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_every_check_that_fails_has_its_place_in_a_card() -> None:
    seen: set[str] = set()
    for case in cases():
        name = case["expected_peer_name"]
        chain = [case["peer_certificate"], *case["untrusted_intermediates"]]
        at = datetime.fromisoformat(case["validation_time"]) if case["validation_time"] else GOOD
        made = judge([*map(der, chain)], [*map(der, case["trusted_certs"])], name and name["value"], at, None)
        for check, places in failures(made):
            assert places, f"{case['id']}: {check} has no place"
            seen.add(check)
    assert len(seen) > 12


def test_all_checks_stand_in_the_table_in_their_order() -> None:
    for shown in (verdict(), verdict(name=None), judge(SHOP.certificate, at=GOOD), judge(SHOP, SHOP, at=GOOD), deep()):
        names = [cells[1][0] for cells in checks_table(shown).rows]
        assert tuple(dict.fromkeys(names)) == CHECKS
    assert [cells[1][0] for cells in checks_table(verdict()).rows] == list(CHECKS)


def test_what_fails_is_one_row_for_each_certificate() -> None:
    rows = checks_table(verdict(at=datetime(2040, 1, 1, tzinfo=UTC))).rows
    assert [cells[3][0] for cells in rows if cells[1][0] == "validity"] == ["0", "1", "2"]


# ---- the band


def test_the_band_says_what_decides_and_what_to_do() -> None:
    band = band_of(verdict(at=datetime(2026, 11, 23, tzinfo=UTC)))
    assert (band.ok, band.word) == (False, "Refused")
    assert band.text.startswith("certificate 0 (payments.example): no longer valid")
    assert band.more == "Everything else holds."
    assert band.todo == "Ask the CA for a new one. Do not switch verification off."


def test_the_band_says_what_was_not_asked() -> None:
    assert band_of(verdict()).todo == "Not asked: revocation."
    assert band_of(verdict(name=None, usage=None)).todo == "Not asked: name, extended-key-usage, revocation."
    listed = verdict(at=datetime.now(UTC), crls=[ISSUING.crl(), CLASS.crl()])
    assert "revocation" not in band_of(listed).todo


def test_there_is_a_fix_for_every_check() -> None:
    assert set(CHECKS) <= set(FIXES)


# ---- the controls


def test_the_controls_stand_at_what_was_asked() -> None:
    controls = view().controls
    assert controls.name.value == "payments.example"
    assert controls.date.value == date(2026, 10, 1)
    assert [(box.description, box.value) for box, _ in controls.trust] == [
        ("Class Root CA", True),
        ("Class Issuing CA", False),
        ("the certificate itself", False),
    ]
    assert controls.usage.value == "server"
    assert controls.back.disabled


def test_another_name_is_judged_at_once() -> None:
    shown = view()
    shown.controls.name.value = "shop.example"
    assert shown.verdict.decisive is not None
    assert shown.verdict.decisive.name == "name"
    assert shown._band.shown["word"] == "Refused"
    shown.controls.name.value = "www.payments.example"
    assert shown.verdict.ok


def test_the_slider_moves_the_date_and_the_date_the_slider() -> None:
    shown = view()
    shown.controls.days.value += 60
    assert shown.controls.date.value == date(2026, 11, 30)
    assert shown._band.shown["ok"] is False
    assert shown._cards.shown["day"] == "30 Nov 2026"
    at = shown.controls.days.value
    shown.controls.date.value = date(2026, 10, 2)
    assert at - shown.controls.days.value == 59
    assert shown.verdict.ok


def test_the_slider_spans_every_period_with_a_margin() -> None:
    shown = view()
    first = shown._first
    last = first + timedelta(days=shown.controls.days.max)
    assert first < date(2025, 12, 18)
    assert last > date(2035, 12, 31)


def test_the_day_that_was_asked_is_judged_at_the_time_that_was_asked() -> None:
    shown = view()
    shown.controls.days.value += 1
    shown.controls.days.value -= 1
    assert shown.verdict == verdict()
    assert shown.verdict.question is not None
    assert shown.verdict.question.at == GOOD


def test_a_certificate_that_never_ends_leaves_the_slider_usable() -> None:
    leaf = (vectors() / "certificates" / "hostile" / "script.der").read_bytes()
    shown = chain_view(leaf, at=datetime(1, 1, 2, tzinfo=UTC))
    assert shown.controls.days.max <= 62 * 366
    shown.controls.date.value = date(9999, 12, 31)
    shown.controls.date.value = date(1, 1, 1)
    assert shown._cards.shown["stale"] is False


def test_trust_that_is_taken_away_breaks_the_chain_and_trust_that_is_given_shortens_it() -> None:
    shown = view()
    (root, _), (issuing, _), (leaf, _) = shown.controls.trust
    root.value = False
    assert shown._cards.shown["cards"][-1]["missing"]
    issuing.value = True
    assert shown.verdict.ok
    assert len(shown.verdict.path) == 2
    leaf.value = True
    assert len(shown.verdict.path) == 1


def test_a_server_certificate_is_no_client_certificate() -> None:
    shown = view()
    shown.controls.usage.value = "client"
    assert shown.verdict.decisive is not None
    assert shown.verdict.decisive.name == "extended-key-usage"
    shown.controls.usage.value = "any"
    assert shown.verdict.ok


def test_one_button_leads_back_to_what_was_asked() -> None:
    shown = view()
    for change in ("name", "usage"):
        getattr(shown.controls, change).value = {"name": "x.example", "usage": "client"}[change]
    shown.controls.days.value = 0
    shown.controls.trust[0][0].value = False
    assert not shown.controls.back.disabled
    shown.controls.back.click()
    assert shown.verdict == verdict()
    assert shown.question() == verdict().question
    assert shown.controls.back.disabled


@pytest.mark.parametrize("wrong", ["", "https://payments.example/", "a..b", "1.2.3.4/24", "<script>", "x" * 70_000])
def test_a_wrong_name_is_said_in_the_band_and_the_last_verdict_stays(wrong: str) -> None:
    shown = view()
    before = shown._cards.shown
    shown.controls.name.value = wrong
    assert shown._band.shown["ok"] is None
    assert shown._band.shown["word"] == "Not judged"
    assert "no name that a certificate could be for" in shown._band.shown["text"]
    assert shown._cards.shown == {**before, "stale": True}
    shown.controls.name.value = "payments.example"
    assert shown._cards.shown == before


def test_no_date_is_said_in_the_band() -> None:
    shown = view()
    shown.controls.date.value = None
    assert "no date" in shown._band.shown["text"]


def test_where_no_name_was_asked_an_empty_one_is_none() -> None:
    shown = view(name=None)
    shown.controls.name.value = "shop.example"
    assert not shown.verdict.ok
    shown.controls.name.value = ""
    assert shown.verdict == verdict(name=None)


def test_crls_are_asked_again_too() -> None:
    issuing = CLASS.intermediate("Revoking CA")
    leaf = issuing.issue("localhost")
    issuing.revoke(leaf.certificate)
    shown = chain_view(leaf, CLASS, "localhost", crls=iter([issuing.crl(), CLASS.crl()]))
    shown.controls.name.value = "elsewhere.example"
    shown.controls.name.value = "localhost"
    assert shown.verdict.decisive is not None
    assert shown.verdict.decisive.name == "revocation"


def test_of_many_trust_anchors_some_have_a_box_and_all_are_trusted() -> None:
    others = [Authority.root(f"Root {n}", start=BEGIN) for n in range(20)]
    shown = chain_view(SHOP, [*others, CLASS], "payments.example", GOOD)
    assert len(shown.controls.trust) == 8
    shown.controls.name.value = "www.payments.example"
    assert shown.verdict.ok


def test_what_looks_like_tex_in_a_name_is_no_formula_beside_a_box() -> None:
    """JupyterLab would make it one, with a link in it (seen with `\\href`)."""
    root = Authority.root(r"$\href{https://evil.example/}{x}$ \(y\)")
    (box, _), *_ = chain_view(SHOP, root, at=GOOD).controls.trust
    assert not set("$\\") & set(box.description + box.tooltip)
    assert "evil.example" in box.description


def test_roots_of_one_name_are_numbered() -> None:
    twins = [Authority.root("Twin", start=BEGIN) for _ in range(2)]
    boxes = chain_view(SHOP, twins, at=GOOD).controls.trust
    assert [box.description for box, _ in boxes][:2] == ["Twin (1)", "Twin (2)"]


def test_a_step_of_the_slider_is_judged_and_told_in_less_than_a_tenth_of_a_second() -> None:
    shown = chain_view(deep())
    times = []
    for _ in range(15):
        begun = time.perf_counter()
        shown.controls.days.value += 1
        times.append(time.perf_counter() - begun)
    assert sorted(times)[len(times) // 2] < 0.1
    assert len(json.dumps([shown._band.shown, shown._cards.shown])) < 20_000


# ---- without a widget


def test_the_output_says_the_same_where_no_widget_lives() -> None:
    shown = view(at=datetime(2026, 11, 23, tzinfo=UTC))
    data, _ = shown._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    for mime in ("text/html", "text/plain"):
        for words in ("Refused", "ended 13 days ago", "end-entity", "Class Issuing CA", "revocation"):
            assert words in data[mime]
    assert data["text/html"].count("<table") == 2
    assert data["text/html"].startswith('<div class="mathjax_ignore">')
    assert "PRIVATE" not in json.dumps(data)


def test_its_repr_is_one_line() -> None:
    assert repr(view()) == "<ChainView: ok, 3 certificates>"
    assert repr(view(name="x.example")).startswith("<ChainView: refused, 3 certificates: name of certificate 0")


def test_dates_periods_names_and_uses_are_short() -> None:
    assert period(BEGIN, datetime(2036, 2, 3, tzinfo=UTC)) == "1 Jan 2026 – 3 Feb 2036"
    assert apart(BEGIN + timedelta(hours=5), BEGIN) == "5 hours"
    assert apart(BEGIN, BEGIN) == "0 seconds"
    assert name_words(GeneralName("dNSName", "a.example, b.example")) == "'a.example, b.example'"
    assert name_words(GeneralName("iPAddress", "192.0.2.1")) == "the address 192.0.2.1"
    assert uses(["1.3.6.1.5.5.7.3.2", "1.2.3"]) == "1.2.3, TLS client"
    assert uses(None) == "anything"


# ---- hostile certificates


def others(kind: str) -> list[Path]:
    return sorted((vectors() / "certificates" / kind).rglob("*.der"))


def texts(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case Mapping():
            for one in value.values():
                yield from texts(one)
        case list():
            for one in value:
                yield from texts(one)


@pytest.mark.parametrize("kind", ["hostile", "odd"])
@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_what_is_sent_to_the_page_is_harmless_and_short(kind: str) -> None:
    assert others(kind)
    for path in others(kind):
        try:
            shown = chain_view(path.read_bytes(), name="localhost", at=GOOD)
        except TLSNotesError:
            continue  # no certificate at all
        sent = [
            *texts(shown._band.shown),
            *texts(shown._cards.shown),
            *(box.description for box, _ in shown.controls.trust),
        ]
        assert not [text for text in sent if not text.isprintable() or len(text) > 240], path.name
        html = shown._repr_mimebundle_()[0]["text/html"]
        assert "<script" not in html, path.name
        assert "<img" not in html, path.name
        for name, places in failures(shown.verdict):
            assert places, f"{path.name}: {name} has no place"


# ---- on a page


def test_the_functions_of_the_page_hold_in_node() -> None:
    done = subprocess.run(
        [need("node"), "--test", str(ROOT / "tests" / "js" / "chain.test.mjs")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


ASSETS = files("tlsnotes.show") / "assets"
THEMES = ("light", "dark")
Opener = Callable[..., "Page"]


def traits(shown: ChainView) -> dict[str, Any]:
    """What a page without controls shows: both parts in one."""
    return {"part": "all", "shown": {**shown._cards.shown, "band": shown._band.shown}}


@pytest.fixture
def opened(chromium: Browser, tmp_path: Path) -> Iterator[Opener]:
    """Opens a view alone on a page."""
    module = (ASSETS / "chain.js").read_text("utf-8")
    with pages(chromium, tmp_path) as open_:
        yield lambda shown, **how: open_(module, str(ChainPart._css), traits(shown), **{"width": 1080, **how})


def draw(page: Page, shown: ChainView) -> None:
    """Show another view in place of the one there, as a change of the controls does."""
    page.evaluate("shown => window.model.set('shown', shown)", traits(shown)["shown"])


def views() -> list[ChainView]:
    missing = judge(SHOP.certificate, CLASS, "payments.example", GOOD)
    stale = view()
    stale.controls.name.value = ""
    several = (verdict(), verdict(name="x.example", at=datetime(2040, 1, 1, tzinfo=UTC)), missing, deep())
    return [*map(chain_view, several), chain_view(self_signed_leaf(), at=GOOD), stale]


@pytest.mark.browser
@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", [1080, 500])
def test_axe_finds_no_barrier(opened: Opener, theme: str, width: int) -> None:
    axe = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
    page = opened(view(), theme=theme, width=width)
    page.evaluate(axe)
    for shown in views():
        draw(page, shown)
        found: Mapping[str, Any] = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        assert not [(v["id"], n["html"][:160], n["failureSummary"]) for v in found["violations"] for n in v["nodes"]]


@pytest.mark.browser
@pytest.mark.parametrize("width", [1600, 1080, 800, 640, 500, 360])
def test_nothing_is_cut_off_at_any_width(opened: Opener, width: int) -> None:
    page = opened(view(), width=width)
    long = (vectors() / "certificates" / "hostile" / "long64k.der").read_bytes()
    for shown in (*views(), chain_view(long, at=GOOD)):
        draw(page, shown)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        wide = page.locator(".tlsnotes-chain, .tnc-card, .tnc-table").evaluate_all(
            "all => all.filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.className)"
        )
        assert not wide


@pytest.mark.browser
def test_cards_stand_beside_each_other_and_below_where_it_is_narrow(opened: Opener) -> None:
    for width, rows in ((1080, 1), (500, 3)):
        tops = opened(view(), width=width).locator(".tnc-card").evaluate_all("all => all.map(one => one.offsetTop)")
        assert len(set(tops)) == rows


@pytest.mark.browser
def test_nothing_is_said_by_colour_alone(opened: Opener) -> None:
    page = opened(view(at=datetime(2026, 11, 23, tzinfo=UTC)))
    assert page.locator(".tnc-band").inner_text().startswith("✗ Refused")
    for look, mark in (("tn-holds", "✓"), ("tn-fails", "✗")):
        for text in page.locator(
            f".tlsnotes-chain .{look}:not(.tnc-wrong, .tnc-arrow, .tnc-decides)"
        ).all_inner_texts():
            assert mark in text
    assert page.get_by_role("img", name="the time asked, 23 Nov 2026, is after it").count() == 1


@pytest.mark.browser
def test_a_screen_reader_finds_lists_tables_and_regions(opened: Opener) -> None:
    for width in (1080, 500):
        page = opened(view(), width=width)
        for name in ("verdict", "the chain, from the end-entity up", "the checks"):
            assert page.get_by_role("region", name=name, exact=True).count() == 1
        assert page.get_by_role("listitem").count() == 3
        assert page.get_by_role("article", name="Class Issuing CA").count() == 1
        assert page.get_by_role("columnheader").count() == 5
        assert page.get_by_role("rowheader").count() == len(CHECKS)
        assert page.get_by_role("table").get_by_role("row").count() == len(CHECKS) + 1


@pytest.mark.browser
def test_a_change_is_drawn_and_then_said_once(opened: Opener) -> None:
    page = opened(view())
    changed = view(name="x.example")
    status = page.get_by_role("status")
    page.wait_for_function("document.querySelector('[role=status]').textContent.startsWith('Accepted')")
    draw(page, changed)
    assert page.locator(".tnc-band").inner_text().startswith("✗ Refused")
    assert page.locator(".tnc-wrong").inner_text() == "not for x.example"
    assert status.inner_text().startswith("Accepted"), "a slider in motion is not read out step by step"
    page.wait_for_function("document.querySelector('[role=status]').textContent.startsWith('Refused')")


@pytest.mark.browser
def test_a_page_takes_a_change_in_less_than_a_tenth_of_a_second(opened: Opener) -> None:
    page = opened(chain_view(deep()))
    took = page.evaluate(
        """() => {
          const shown = window.model.get('shown'), begun = performance.now();
          for (let i = 0; i < 20; i++) { window.model.set('shown', {...shown}); document.body.getBoundingClientRect(); }
          return (performance.now() - begun) / 20;
        }"""
    )
    assert took < 100


@pytest.mark.browser
def test_a_question_that_cannot_be_asked_marks_the_cards_as_old(opened: Opener) -> None:
    shown = view()
    shown.controls.name.value = ""
    page = opened(shown)
    assert page.locator(".tnc-band").inner_text().startswith("– Not judged")
    assert page.get_by_text("as it was judged before").is_visible()


@pytest.mark.browser
def test_the_places_of_a_check_light_up_under_the_pointer(opened: Opener) -> None:
    page = opened(view())
    page.get_by_role("rowheader", name="validity").hover()
    assert page.locator(".tnc-lit dt").all_inner_texts() == ["valid"] * 3
    page.locator(".tnc-band").hover()
    assert page.locator(".tnc-lit").count() == 0


@pytest.mark.browser
def test_two_views_of_one_widget_live_and_end_by_themselves(opened: Opener) -> None:
    page = opened(view(), views=2)
    ids = page.locator("[id]").evaluate_all("all => all.map(one => one.id)")
    assert len(ids) == len(set(ids)) == 6
    page.evaluate("window.views[0]()")
    assert page.locator(".tnc-band").count() == 1
    page.evaluate("window.views[1]()")
    assert page.locator("main .tlsnotes-chain").count() == 0
    assert page.evaluate("Object.values(window.model.listeners).flat().length") == 0


@pytest.mark.browser
def test_nothing_moves_where_less_motion_is_asked_for(opened: Opener) -> None:
    page = opened(view(), reduced_motion="reduce")
    moves = page.locator(".tlsnotes-chain *").evaluate_all(
        "all => all.map(one => getComputedStyle(one)).map(s => s.transitionDuration + s.animationName)"
    )
    assert set(moves) == {"0snone"}


@pytest.mark.browser
def test_the_bars_are_seen_in_forced_colours(opened: Opener) -> None:
    page = opened(view(), forced_colors="active")
    colours = page.locator(".tnc-period, .tnc-tick, .tnc-card").evaluate_all(
        "all => all.map(one => getComputedStyle(one).backgroundColor)"
    )
    assert len(set(colours)) > 1, "they differ from the ground"


@pytest.mark.browser
def test_hostile_certificates_stay_text(opened: Opener) -> None:
    """No script of theirs runs, and no element is there that we did not make."""
    ours = {"SECTION", "P", "STRONG", "SPAN", "OL", "LI", "ARTICLE", "DL", "DT", "DD", "DIV"}
    ours |= {"TABLE", "CAPTION", "THEAD", "TBODY", "TR", "TH", "TD", "DETAILS", "SUMMARY"}
    assert others("hostile")
    page = opened(view())
    for path in others("hostile"):
        draw(page, chain_view(path.read_bytes(), name="localhost", at=GOOD))
        assert page.evaluate("window.__pwned") is None, path.name
        names = page.locator(".tlsnotes-chain *").evaluate_all("all => [...new Set(all.map(one => one.tagName))]")
        assert set(names) <= ours, path.name
        assert page.locator("main a, main [href], main [src], main img, main script").count() == 0, path.name
        shown = page.locator(".tlsnotes-chain").inner_text()
        assert not [c for c in shown if not c.isprintable() and c not in "\n\t"], path.name


@pytest.mark.browser
def test_every_check_opened_says_what_it_asks_and_why(opened: Opener) -> None:
    page = opened(view())
    rows = page.locator("tr[data-check]")
    assert rows.count() >= len(CHECKS)
    for name in CHECKS:
        words = words_of_check("judge", name)
        assert words is not None
        row = page.locator(f'tr[data-check="{name}"]').first
        row.locator("summary").click()
        assert words.what in row.inner_text()
        assert words.why in row.inner_text()
