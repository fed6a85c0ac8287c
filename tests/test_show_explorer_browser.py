"""The explorer in Chromium, alone on a page: mouse, keyboard, themes, sizes, barriers (axe-core), and hostile data."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from needs import vectors
from playwright.sync_api import Browser, Page, expect
from widget_page import pages

from tlsnotes import Authority, Recording, compare, explore
from tlsnotes.show.explorer import Explorer

pytestmark = pytest.mark.browser

ASSETS = files("tlsnotes.show") / "assets"
MODULE = (ASSETS / "explorer.js").read_text("utf-8")
AXE = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
THEMES = ("light", "dark")

Opener = Callable[..., Page]


def recording(name: str) -> Recording:
    return Recording.load(vectors() / "handshakes" / f"{name}.json")


@pytest.fixture
def opened(chromium: Browser, tmp_path: Path) -> Iterator[Opener]:
    """Opens an explorer alone on a page."""
    with pages(chromium, tmp_path) as open_:
        yield lambda widget, **how: open_(MODULE, str(Explorer._css), {"payload": widget.payload}, **how)


@pytest.fixture
def page(opened: Opener) -> Page:
    """A handshake with mutual TLS."""
    return opened(explore(recording("tls13-mtls")))


def message(page: Page, name: str, number: int = 0) -> None:
    page.locator(".tnx-rung", has_text=name).nth(number).click()


def chosen(page: Page) -> str:
    """The name of the field that is chosen."""
    return page.get_by_role("treeitem", selected=True).locator(".tnx-name").inner_text()


def words(page: Page) -> str:
    return page.locator(".tnx-words").inner_text()


def lit(page: Page) -> list[int]:
    """Which bytes are lit as the chosen field's."""
    found = page.locator('.tnx-byte[data-tint="chosen"]').evaluate_all("all => all.map(one => Number(one.dataset.at))")
    assert isinstance(found, list)
    return found


# ---- what a learner does


def test_the_ladder_shows_each_message_with_its_sender_its_lock_and_what_was_verified(page: Page) -> None:
    rungs = page.get_by_role("option")
    handshake = recording("tls13-mtls").dissect()
    assert rungs.count() == len(handshake.messages)
    first, finished = rungs.nth(0), page.locator(".tnx-rung", has_text="Finished").nth(0)
    assert "client sends ClientHello" in first.inner_text().replace("\n", " ")
    assert "encrypted" not in first.inner_text()
    assert "encrypted" in finished.inner_text()
    assert "verified: server Finished" in finished.inner_text()


def test_a_click_on_a_field_lights_its_bytes_and_says_what_it_is(page: Page) -> None:
    page.get_by_role("treeitem", name="random").click()
    assert lit(page) == list(range(6, 38))
    assert "32 bytes that the client has drawn at random" in words(page)
    assert "RFC 9846" in words(page)


def test_a_click_on_a_byte_chooses_the_innermost_field_that_holds_it(page: Page) -> None:
    page.locator('.tnx-byte[data-at="4"]').click()
    assert chosen(page).startswith("legacy_version")
    assert lit(page) == [4, 5]
    page.locator('.tnx-byte[data-at="2"]').click()
    assert "length" in page.locator(".tnx-title").inner_text()
    page.locator('.tnx-byte[data-at="230"]').click()
    assert chosen(page) == "key_exchange"
    assert "The public key itself" in words(page), "and not that these are the contents of a vector"


def test_pointing_at_a_field_marks_its_bytes_and_pointing_at_a_byte_marks_its_field(page: Page) -> None:
    page.get_by_role("treeitem", name="legacy_version").hover()
    assert page.locator(".tnx-byte[data-over]").count() == 2
    page.locator('.tnx-byte[data-at="10"]').hover()
    assert page.locator(".tnx-hovered .tnx-name").inner_text() == "random"
    assert page.locator(".tnx-byte[data-over]").count() == 32


def test_a_length_is_a_row_only_when_every_byte_is_asked_for_but_can_always_be_clicked(page: Page) -> None:
    assert page.get_by_role("treeitem", name="extension_type").count() == 0
    page.locator('.tnx-byte[data-at="38"]').click()  # the length of legacy_session_id
    assert "length" in page.locator(".tnx-title").inner_text()
    assert chosen(page).startswith("legacy_session_id")
    page.get_by_label("every byte").check()
    assert chosen(page).startswith("length")


def test_the_bytes_of_a_message_are_shown_as_sent_and_decrypted(page: Page) -> None:
    message(page, "Certificate", 1)
    decrypted = page.locator(".tnx-line").first.inner_text()
    page.get_by_role("button", name="as sent").click()
    assert page.locator(".tnx-line").first.inner_text() != decrypted
    assert page.locator('.tnx-byte[data-at="0"]').inner_text() == "17"
    page.get_by_role("treeitem", name="tag").click()
    assert len(lit(page)) == 16
    page.get_by_role("button", name="decrypted").click()
    assert page.locator(".tnx-line").first.inner_text() == decrypted


def test_a_computed_value_says_how_it_was_checked(page: Page) -> None:
    message(page, "Finished")
    page.get_by_role("treeitem", name="verify_data").click()
    assert "✓ server Finished holds: the HMAC over the transcript of the 6 messages before it matches" in words(page)


def test_an_alert_stands_in_its_place_with_who_refused(opened: Opener) -> None:
    page = opened(explore(recording("alert-unknown-ca")))
    assert page.locator(".tnx-alert", has_text="Alert: unknown_ca").count() == 1
    assert "refused by the client: unknown_ca" in page.locator(".tnx-head").inner_text()
    message(page, "unknown_ca")
    page.get_by_role("treeitem", name="description").click()
    assert "The chain leads to no CA that the sender trusts" in words(page)


def test_search_finds_names_and_values_in_all_messages_and_goes_on_with_enter(page: Page) -> None:
    page.get_by_label("search names and values").fill("dnsname")
    assert page.locator(".tnx-hits").inner_text() == "1 of 2"
    assert chosen(page).startswith("dNSName")
    page.keyboard.press("Enter")
    assert page.locator(".tnx-hits").inner_text() == "2 of 2"
    page.get_by_label("search names and values").fill("nothing of this kind")
    assert page.locator(".tnx-hits").inner_text() == "not found"


@pytest.mark.parametrize(("form", "copied"), [("hex", "03 03"), ("base64", "AwM="), ("text", "\x03\x03")])
def test_the_bytes_of_a_field_can_be_copied(opened: Opener, form: str, copied: str) -> None:
    page = opened(explore(recording("tls13-mtls")), permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("treeitem", name="legacy_version").click()
    page.locator(".tnx-copies").get_by_role("button", name=form).click()
    expect(page.locator(".tnx-copies")).to_contain_text(f"copied as {form}")
    assert page.evaluate("navigator.clipboard.readText()") == copied


def test_the_checks_are_listed_and_each_leads_to_its_place(page: Page) -> None:
    page.get_by_role("button", name="12 of 12 checks hold").click()
    assert "server CertificateVerify holds" in words(page)
    assert all(check["what"] in words(page) for check in explore(recording("tls13-mtls")).payload["checks"])
    page.locator(".tnx-checked", has_text="server CertificateVerify").get_by_role("button", name="show it").click()
    assert chosen(page).startswith("signature")


def test_a_record_says_which_messages_it_holds_and_leads_there(page: Page) -> None:
    page.get_by_role("button", name="Records").click()
    records = page.evaluate("window.model.get('payload').records.map(one => one.holds)")
    number = next(number for number, holds in enumerate(records) if 3 in holds)
    page.get_by_role("option").nth(number).click()
    page.locator(".tnx-words").get_by_role("button", name="EncryptedExtensions").click()
    assert "EncryptedExtensions" in page.locator(".tnx-title").inner_text()


# ---- the key schedule


def test_the_key_schedule_says_who_has_what_at_which_time(page: Page) -> None:
    page.get_by_role("button", name="Keys").click()
    step = page.locator(".tnx-step", has_text="server_handshake_traffic_secret")
    assert "client does not have it yet" in step.inner_text().replace("\n", " ")
    message(page, "ServerHello")
    assert "client has it" in step.inner_text().replace("\n", " ")
    assert "listener never has it" in step.inner_text().replace("\n", " ")
    step.click()
    assert "Derive-Secret(Handshake Secret" in words(page)


def test_no_secret_is_in_the_page_unless_it_was_asked_for(opened: Opener) -> None:
    shown = recording("tls13-mtls")
    secrets = [line.split()[2] for line in shown.keylog.splitlines() if not line.startswith("#")]
    assert secrets
    text = json.dumps(explore(shown).payload)
    assert not [secret for secret in secrets if secret in text]
    page = opened(explore(shown, secrets=True))
    page.get_by_role("button", name="Keys").click()
    page.locator(".tnx-step", has_text="client_handshake_traffic_secret").click()
    label = next(line.split() for line in shown.keylog.splitlines() if line.startswith("CLIENT_HANDSHAKE"))
    assert page.locator(".tnx-secret").inner_text() == label[2]


# ---- the keyboard, from message to field to bytes to words


def test_the_keyboard_leads_from_message_to_field_to_bytes_to_words(page: Page) -> None:
    page.get_by_role("listbox", name="Messages").focus()
    page.keyboard.press("ArrowDown")
    assert "ServerHello" in page.get_by_role("option", selected=True).inner_text()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.getAttribute('role')") == "tree"
    for _ in range(4):
        page.keyboard.press("ArrowDown")
    assert chosen(page).startswith("random")
    active = page.get_by_role("tree").get_attribute("aria-activedescendant")
    assert page.get_by_role("treeitem", selected=True).get_attribute("id") == active
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.getAttribute('role')") == "grid"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert chosen(page).startswith("legacy_session_id_echo")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.className") == "tnx-words"


def test_the_arrows_open_and_close_the_tree(page: Page) -> None:
    page.get_by_role("treeitem", name="cipher_suites").click()
    item = page.get_by_role("treeitem", name="cipher_suites")
    assert item.get_attribute("aria-expanded") == "true"
    page.keyboard.press("ArrowLeft")
    assert item.get_attribute("aria-expanded") == "false"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert "TLS_AES_256_GCM_SHA384" in page.get_by_role("treeitem", selected=True).inner_text()
    page.keyboard.press("Home")
    assert chosen(page).startswith("ClientHello")
    page.keyboard.press("End")
    assert page.get_by_role("treeitem", selected=True).get_attribute("aria-level") == "3"


# ---- barriers, themes, sizes


def violations(page: Page) -> list[str]:
    page.evaluate(AXE)
    found: Mapping[str, Any] = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{v['id']}: {n['html'][:160]} {n['failureSummary'][:200]}" for v in found["violations"] for n in v["nodes"]
    ]


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("mode", ["Messages", "Keys", "Records"])
def test_axe_finds_no_barrier_in_a_handshake(opened: Opener, theme: str, mode: str) -> None:
    page = opened(explore(recording("tls13-mtls"), secrets=True), theme=theme)
    page.get_by_role("button", name=mode, exact=True).click()
    page.get_by_role("option").nth(3).click()
    assert not violations(page)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", [1240, 900, 600])
def test_axe_finds_no_barrier_in_a_refusal_a_certificate_or_a_comparison(
    opened: Opener, theme: str, width: int
) -> None:
    credential = Authority.root("a root").intermediate("an intermediate").issue("localhost")
    for widget in (
        explore(recording("alert-unknown-ca")),
        explore(credential),
        compare(recording("tls12-mtls"), recording("tls13-mtls")),
    ):
        assert not violations(opened(widget, theme=theme, width=width))


@pytest.mark.parametrize("width", [1600, 1240, 1000, 900, 620, 400])
def test_nothing_is_cut_off_at_any_width(opened: Opener, width: int) -> None:
    """The page itself never scrolls sideways, nor does the widget; 620 is 1240 at a zoom of 200 %."""
    page = opened(explore(recording("tls13-mtls")), width=width)
    message(page, "Certificate", 1)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for pane in (".tnx", ".tnx-body", ".tnx-bytes", ".tnx-words", ".tnx-head"):
        assert page.locator(pane).evaluate("one => one.scrollWidth <= one.clientWidth + 1"), pane


def test_nothing_moves_where_less_motion_is_asked_for(opened: Opener) -> None:
    page = opened(explore(recording("tls13-mtls")), reduced_motion="reduce")
    times = page.locator(".tnx *").evaluate_all("all => all.map(one => getComputedStyle(one).transitionDuration)")
    assert set(times) == {"0s"}


# ---- sizes, views, ends


def test_ten_thousand_names_open_at_once_and_scroll(opened: Opener) -> None:
    der = Authority.root("a root").issue([f"host-{n}.example.com" for n in range(10_000)])
    page = opened(explore(der.certificate))
    assert page.evaluate("window.painted") < 1000
    page.get_by_label("search names and values").fill("host-9876.example.com")
    assert chosen(page).startswith("dNSName")
    assert page.locator(".tnx-row").count() < 100, "only what is in sight is in the page"
    assert page.locator(".tnx-line").count() < 100
    page.get_by_role("tree").evaluate("one => { one.scrollTop = one.scrollHeight }")
    expect(page.get_by_role("treeitem", name="signatureValue")).to_be_visible()


def test_two_views_of_one_widget_know_nothing_of_each_other(opened: Opener) -> None:
    page = opened(explore(recording("tls13-mtls")), views=2)
    page.locator(".tnx").nth(1).get_by_role("treeitem", name="random").click()
    titles = page.locator(".tnx-title strong").all_inner_texts()
    assert titles == ["ClientHello", "random"]
    ids = page.locator("[id]").evaluate_all("all => all.map(one => one.id)")
    assert len(ids) == len(set(ids))


def test_a_closed_view_leaves_nothing_behind(opened: Opener) -> None:
    page = opened(explore(recording("tls13-mtls")), views=2)
    page.evaluate("window.views[0]()")
    assert page.locator(".tnx").count() == 1
    page.evaluate("window.views[1]()")
    assert page.locator("main").evaluate("one => one.querySelectorAll('.tnx, .tnx *').length") == 0
    assert page.evaluate("Object.values(window.model.listeners).flat().length") == 0


# ---- hostile data


def hostile() -> list[Path]:
    return sorted((vectors() / "certificates" / "hostile").rglob("*.der"))


@pytest.mark.parametrize("theme", ["light"])
def test_hostile_certificates_stay_text(opened: Opener, theme: str) -> None:
    """No script of theirs runs, and no element is there that we did not make."""
    ours = {"DIV", "SPAN", "P", "STRONG", "BUTTON", "INPUT", "LABEL", "DL", "DT", "DD", "CODE", "svg", "rect", "path"}
    assert hostile()
    for path in hostile():
        page = opened(explore(path.read_bytes()), theme=theme)
        page.get_by_label("every byte").check()
        page.get_by_role("tree").focus()
        for _ in range(12):
            page.keyboard.press("*")
            page.keyboard.press("ArrowDown")
        assert page.evaluate("window.__pwned") is None, path.name
        names = page.locator(".tnx *").evaluate_all("all => [...new Set(all.map(one => one.tagName))]")
        assert set(names) <= ours, path.name
        links = page.locator(".tnx a, .tnx [href], .tnx [src], .tnx img, .tnx script").count()
        assert links == 0, path.name
        shown = page.locator(".tnx").inner_text()
        assert not [c for c in shown if not c.isprintable() and c not in "\n\t"], path.name
        page.context.close()
