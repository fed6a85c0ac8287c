"""Chromium's column of "What each client says", made for real, and the look of an explanation in light and dark."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from needs import need
from playwright.sync_api import BrowserContext, Error, Page, Playwright
from test_browser import Profile
from test_facts_clients import CLIENTS, ROOT, ROWS, Pem, Row, plain_http, sent, tls_server

from tlsnotes import HTTPSServer
from tlsnotes.show.explain import explain

pytestmark = pytest.mark.browser

# Its own codes; None where it accepts.
SAYS = {
    "self-signed leaf": ("CERT_AUTHORITY_INVALID", "untrusted"),
    "unknown root, not sent": ("CERT_AUTHORITY_INVALID", "untrusted"),
    "missing intermediate": ("CERT_AUTHORITY_INVALID", "untrusted"),
    "wrong host": ("CERT_COMMON_NAME_INVALID", "wrong-name"),
    "IP address, DNS-only SAN": ("CERT_COMMON_NAME_INVALID", "wrong-name"),
    "CN only": ("CERT_COMMON_NAME_INVALID", "wrong-name"),
    "expired": ("CERT_DATE_INVALID", "outside-validity"),
    "not yet valid": ("CERT_DATE_INVALID", "outside-validity"),
    "clientAuth-only server certificate": ("CERT_INVALID", "invalid-certificate"),
    "leaf used as a CA": ("CERT_INVALID", "invalid-certificate"),
    "RSA-1024": None,
    "tampered signature": ("CERT_AUTHORITY_INVALID", "untrusted"),
}


@pytest.fixture(scope="module")
def browser(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """A Chromium that trusts ROOT."""
    profile = Profile(tmp_path_factory.mktemp("browser") / "home", playwright)
    profile.trust(ROOT)
    with profile.open(need("chromium")) as browser:
        yield browser


@pytest.fixture
def page(browser: BrowserContext) -> Iterator[Page]:
    """A page of its own for each test: the error page of the one before may still be on its way."""
    page = browser.new_page()
    yield page
    page.close()


def error_of(page: Page, url: str) -> Error | None:
    try:
        page.goto(url)
    except Error as error:
        return error
    return None


def serving(row: Row) -> Pem:
    served = row.serve()
    return served if isinstance(served, Pem) else sent(served, *served.chain)


@pytest.mark.parametrize("name", SAYS)
def test_chromium_refuses_with_its_own_code_for_this_cause(page: Page, name: str, tmp_path: Path) -> None:
    row, expected = ROWS[name], SAYS[name]
    with tls_server(serving(row), tmp_path) as port:
        said = error_of(page, f"https://{row.host}:{port}/")
    if expected is None:
        assert said is None
        return
    assert said is not None, "it was accepted"
    code, cause = expected
    assert f"net::ERR_{code} " in str(said), said
    explanation = explain(said)
    assert (explanation.cause, explanation.refused, explanation.step) == (cause, "client", "certificate")


def test_chromium_without_a_client_certificate(browser: BrowserContext) -> None:
    """The server ends the connection behind its alert, and Chromium tells now of one, now of the other."""
    causes = {
        "ERR_BAD_SSL_CLIENT_AUTH_CERT": "client-certificate-refused",
        "ERR_SOCKET_NOT_CONNECTED": "connection-reset",
    }
    seen = set()
    for _ in range(10):
        with HTTPSServer(ROOT.issue("localhost"), client_ca=CLIENTS) as server, browser.new_page() as page:
            said = error_of(page, server.url)
        code = re.search(r"net::(\w+)", str(said))
        assert code is not None
        assert explain(said).cause == causes[code[1]]
        seen.add(code[1])
        if "ERR_BAD_SSL_CLIENT_AUTH_CERT" in seen:
            return
    pytest.fail(f"in ten connections: {seen}")


def test_chromium_speaks_tls_to_a_port_of_plain_http(page: Page) -> None:
    with plain_http() as port:
        said = error_of(page, f"https://localhost:{port}/")
    assert "net::ERR_SSL_PROTOCOL_ERROR " in str(said)
    explanation = explain(said)
    assert (explanation.cause, explanation.step) == ("protocol-error", "handshake")
    assert "does not speak TLS" in explanation.likely[0].why


def test_chromium_asks_a_port_of_https_in_plain_http(page: Page) -> None:
    with HTTPSServer(ROOT.issue("localhost")) as server:
        said = error_of(page, server.url.replace("https://", "http://"))
    assert "net::ERR_EMPTY_RESPONSE " in str(said)
    assert explain(said).cause in ("http-to-https", "closed-without-answer")


def test_chromium_says_to_every_server_the_same(page: Page) -> None:
    with HTTPSServer(ROOT.issue("elsewhere.example")) as server:
        assert error_of(page, server.url) is not None
        recordings = server.wait_for(1)
    explanation = explain(recordings[0])
    assert (explanation.cause, explanation.refused) == ("certificate-refused", "client")
    assert ("alert", "46 (certificate_unknown), from the client") in explanation.known


THEMES = {
    "light": "--jp-layout-color1:#fff;--jp-layout-color2:#f5f5f5;--jp-ui-font-color1:#1a1a1a;--jp-ui-font-color2:#555;"
    "--jp-border-color2:#ddd",
    "dark": "--jp-layout-color1:#111;--jp-layout-color2:#2a2a2a;--jp-ui-font-color1:#eee;--jp-ui-font-color2:#aaa;"
    "--jp-border-color2:#444",
}
CONTRAST = """() => {
  const probe = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgb = (colour) => { probe.clearRect(0, 0, 1, 1); probe.fillStyle = colour; probe.fillRect(0, 0, 1, 1);
    return [...probe.getImageData(0, 0, 1, 1).data]; };
  const light = (colour) => rgb(colour).slice(0, 3).map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (node) => { for (; node; node = node.parentElement) {
    const colour = getComputedStyle(node).backgroundColor;
    if (rgb(colour)[3] === 255) return colour; } return '#fff'; };
  return [...document.querySelectorAll('.tlsnotes-explanation *')].filter(n => n.textContent.trim()).map(node => {
    const [a, b] = [light(getComputedStyle(node).color), light(behind(node))].sort((x, y) => y - x);
    return [node.className || node.tagName, (a + 0.05) / (b + 0.05)]; });
}"""


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", [1000, 400])
def test_an_explanation_can_be_read_in_light_and_dark_and_on_a_narrow_page(
    page: Page, theme: str, width: int, tmp_path: Path
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    light = json.dumps(theme == "light")
    body = f'<body data-jp-theme-light="{light}" style="background:var(--jp-layout-color1);'
    html = f'<meta charset="utf-8">{body}{THEMES[theme]}">{explain(20, client="ssl")._repr_html_()}'
    (tmp_path / "page.html").write_text(html, "utf-8")
    page.goto((tmp_path / "page.html").as_uri())
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    for what, contrast in page.evaluate(CONTRAST):
        assert contrast >= 4.5, f"{what}: {contrast:.1f}"
