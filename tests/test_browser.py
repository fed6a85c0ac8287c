"""Chromium as a learner has it: the page of our server, with and without trust, and the course in JupyterLab."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbconvert import HTMLExporter
from needs import ROOT, need
from playwright.sync_api import BrowserContext, Error, Page, Playwright

from tlsnotes import Authority, HTTPSServer

pytestmark = pytest.mark.browser

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# With windowing off every cell is in the page, so a code cell without a number is one that has not run.
ALL_CELLS_RAN = """() => {
  const cells = [...document.querySelectorAll('.jp-NotebookPanel .jp-CodeCell')]
    .filter(cell => cell.querySelector('.cm-content')?.textContent.trim());
  return cells.length > 0 &&
    cells.every(cell => /\\[\\d+\\]/.test(cell.querySelector('.jp-InputPrompt')?.textContent ?? ''));
}"""
KERNEL_IS_IDLE = """() => [...document.querySelectorAll('#jp-main-statusbar .jp-StatusBar-TextItem')]
  .some(item => / \\| Idle$/.test(item.textContent))"""


@pytest.fixture
def root() -> Authority:
    return Authority.root("Class Root CA")


class Profile:
    """A throwaway home with its own NSS databases, the certificate store of Chromium on Linux."""

    def __init__(self, home: Path, playwright: Playwright) -> None:
        self.home = home
        self.playwright = playwright
        # The first is where Chromium has always looked, the second where newer ones look too.
        self.databases = [home / ".pki" / "nssdb", home / ".local" / "share" / "pki" / "nssdb"]
        for database in self.databases:
            database.mkdir(parents=True)
        self._tool("certutil", "-N", "--empty-password")

    def trust(self, authority: Authority) -> None:
        path = self.home / "root.pem"
        path.write_bytes(authority.certificate_pem)
        self._tool("certutil", "-A", "-n", "Class Root CA", "-t", "C,,", "-i", str(path))

    def import_pkcs12(self, data: bytes, password: str) -> None:
        path = self.home / "client.p12"
        path.write_bytes(data)
        self._tool("pk12util", "-i", str(path), "-W", password)

    def open(self, executable: str) -> BrowserContext:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
        return self.playwright.chromium.launch_persistent_context(
            str(self.home / "profile"),
            executable_path=executable,
            args=FLAGS,
            env=environment | {"HOME": str(self.home)},
        )

    def _tool(self, tool: str, *arguments: str) -> None:
        for database in self.databases:
            command = [need(tool), *arguments, "-d", f"sql:{database}"]
            subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL)


@pytest.fixture
def profile(tmp_path: Path, playwright: Playwright) -> Profile:
    return Profile(tmp_path / "home", playwright)


def test_chromium_opens_the_page_when_the_root_is_in_its_store(profile: Profile, root: Authority) -> None:
    profile.trust(root)
    with HTTPSServer(root.issue("localhost")) as server, profile.open(need("chromium")) as browser:
        page = browser.new_page()
        answer = page.goto(server.url)
        assert answer is not None
        assert answer.status == 200
        assert answer.json()["hello"] == "whoever you are"
        assert answer.security_details()["issuer"] == "Class Root CA"


def test_chromium_refuses_the_page_when_the_root_is_not_in_its_store(profile: Profile, root: Authority) -> None:
    with HTTPSServer(root.issue("localhost")) as server, profile.open(need("chromium")) as browser:
        with pytest.raises(Error, match="ERR_CERT_AUTHORITY_INVALID"):
            browser.new_page().goto(server.url)
        server.wait_for(1)
        assert {r.outcome for r in server.recordings} >= {"refused by the client: certificate_unknown"}
        assert not any("->" in line for line in server.log), "a request came through"


def test_chromium_compares_the_name(profile: Profile, root: Authority) -> None:
    profile.trust(root)
    with (
        HTTPSServer(root.issue("payments.example")) as server,
        profile.open(need("chromium")) as browser,
        pytest.raises(Error, match="ERR_CERT_COMMON_NAME_INVALID"),
    ):
        browser.new_page().goto(server.url)


def test_chromium_shows_the_client_certificate_of_an_imported_pkcs12(profile: Profile, root: Authority) -> None:
    """Which certificate to show is the user's to click; a managed policy, seen by this Chromium alone, clicks here."""
    chromium = need("chromium")
    unshare = shutil.which("unshare")
    if not unshare or subprocess.run([unshare, "-m", "true"], check=False, capture_output=True).returncode:
        pytest.skip("needs a mount namespace of its own (root on Linux) to give this Chromium a policy")
    if not Path("/etc/chromium").is_dir():
        pytest.skip("needs Debian's Chromium, which reads its policies in /etc/chromium")
    profile.trust(root)
    profile.import_pkcs12(root.issue("alice@shop.example", usage="client").pkcs12("correct horse"), "correct horse")
    policies = profile.home / "policies"
    (policies / "policies" / "managed").mkdir(parents=True)
    choice = json.dumps({"pattern": "https://localhost", "filter": {}})
    (policies / "policies" / "managed" / "tlsnotes.json").write_text(
        json.dumps({"AutoSelectCertificateForUrls": [choice]})
    )
    started = profile.home / "chromium"
    started.write_text(
        f"#!/bin/sh\nexec {unshare} -m sh -c "
        f"""'mount --bind "{policies}" /etc/chromium && exec "{chromium}" "$@"' chromium "$@"\n"""
    )
    started.chmod(0o700)
    with HTTPSServer(root.issue("localhost"), client_ca=root) as server, profile.open(str(started)) as browser:
        answer = browser.new_page().goto(server.url)
        assert answer is not None
        assert answer.json()["hello"] == "alice@shop.example"


# The course in JupyterLab, started as a learner starts it


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, Path]]:
    """`tlsnotes lab FOLDER` without a screen: its address, its token, and the folder."""
    home = tmp_path_factory.mktemp("home")
    folder = home / "course"
    hidden = {"DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "WSL_DISTRO_NAME"}
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    environment |= {"JUPYTER_CONFIG_DIR": str(home / "config"), "JUPYTER_RUNTIME_DIR": str(home / "runtime")}
    process = subprocess.Popen(
        [sys.executable, "-m", "tlsnotes", "lab", str(folder), "--", "--ServerApp.port=0"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        cwd=home,
    )
    try:
        assert process.stdout is not None
        printed = ""
        for line in process.stdout:
            printed += line
            if found := re.search(r"(http://(?:localhost|127\.0\.0\.1):\d+)/\S*\?token=(\w+)", line):
                yield found[1], found[2], folder
                break
        else:
            pytest.fail(f"no address was printed:\n{printed}")
    finally:
        process.terminate()
        process.communicate(timeout=20)


@pytest.fixture
def lab(playwright: Playwright, course: tuple[str, str, Path]) -> Iterator[Page]:
    """A page of Chromium at the course, which fails the test when it logs an error or asks another machine."""
    base, token, _ = course
    browser = playwright.chromium.launch(executable_path=need("chromium"), args=FLAGS)
    page = browser.new_context(viewport={"width": 1300, "height": 1000}, reduced_motion="reduce").new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    inside = (base, base.replace("http", "ws", 1), "data:", "blob:")
    page.on("request", lambda asked: None if asked.url.startswith(inside) else wrong.append(f"asked {asked.url}"))
    page.goto(f"{base}/lab?reset&token={token}")
    page.wait_for_selector("#jp-main-dock-panel", timeout=60_000)
    for plugin, setting in {
        "notebook-extension:tracker": '{"windowingMode": "none"}',
        "docmanager-extension:plugin": '{"autosave": false}',
    }.items():
        address = f"{base}/lab/api/settings/@jupyterlab/{plugin}?token={token}"
        assert page.request.put(address, data=json.dumps({"raw": setting})).ok
    yield page
    browser.close()
    assert not wrong


def run_all(page: Page, course: tuple[str, str, Path], name: str) -> list[dict[str, Any]]:
    """Open a notebook, run all of it, save it, and give its code cells as they were saved."""
    base, token, folder = course
    page.goto(f"{base}/lab/tree/{name}?reset&token={token}")
    page.wait_for_selector(".jp-NotebookPanel .jp-Cell", timeout=60_000)
    page.wait_for_function(KERNEL_IS_IDLE, timeout=60_000)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.wait_for_function(ALL_CELLS_RAN, timeout=120_000)
    page.wait_for_function(KERNEL_IS_IDLE, timeout=60_000)
    # The server answers when the whole file is written. Nothing else saves it: `lab` has switched autosave off.
    with page.expect_response(lambda got: got.request.method == "PUT" and f"/api/contents/{name}" in got.url) as saved:
        page.keyboard.press("Control+s")
    assert saved.value.ok
    cells = json.loads((folder / name).read_text("utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert [c["id"] for c in code if c["execution_count"] is None] == []
    assert [c["id"] for c in code for o in c["outputs"] if o["output_type"] == "error"] == []
    return code


def set_theme(page: Page, course: tuple[str, str, Path], theme: str) -> None:
    base, token, _ = course
    themes = f"{base}/lab/api/settings/@jupyterlab/apputils-extension:themes?token={token}"
    page.request.put(themes, data=json.dumps({"raw": json.dumps({"theme": f"JupyterLab {theme}"})}))


def in_theme(page: Page, course: tuple[str, str, Path], name: str, theme: str) -> None:
    """Open a notebook in a theme; its kernel lives on, and so do its widgets."""
    base, token, _ = course
    set_theme(page, course, theme)
    page.goto(f"{base}/lab/tree/{name}?reset&token={token}")
    light = str(theme == "Light").lower()
    page.wait_for_selector(f'body[data-jp-theme-light="{light}"]', state="attached", timeout=60_000)
    page.wait_for_selector(".jp-NotebookPanel .jp-Cell", timeout=60_000)
    page.wait_for_function(KERNEL_IS_IDLE, timeout=60_000)


def barriers(page: Page) -> list[str]:
    """What axe-core finds wrong in the outputs of a notebook: contrast, names, roles."""
    page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text("utf-8"))
    # An output is a piece of JupyterLab's page: what only a whole page can have is not asked of it.
    found = page.evaluate(
        """axe.run({include: [['.jp-OutputArea-output']]}, {resultTypes: ['violations'],
          runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa']})"""
    )
    return [f"{one['id']}: {node['html'][:200]}" for one in found["violations"] for node in one["nodes"]]


COURSE = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))


@pytest.mark.parametrize("name", [path.name for path in COURSE])
def test_a_notebook_runs_in_jupyterlab_without_a_console_error_or_an_outside_request(
    lab: Page, course: tuple[str, str, Path], name: str
) -> None:
    """Run in the light theme, and shown again in the dark one; what it shows has no barriers in either."""
    code = run_all(lab, course, name)
    if any("".join(cell["source"]).splitlines()[-1] == "server.last" for cell in code):
        assert lab.locator("table.tlsnotes-table caption", has_text="records").first.is_visible()
    if name.startswith("00"):
        lab.get_by_text("Widgets work: this page asked the kernel").wait_for(timeout=10_000)
    widgets = lab.locator(".tnx, .tnc").count()
    found = {"Light": barriers(lab)}
    in_theme(lab, course, name, "Dark")
    lab.wait_for_function(f"document.querySelectorAll('.tnx, .tnc').length == {widgets}")
    found["Dark"] = barriers(lab)
    set_theme(lab, course, "Light")
    assert found == {"Light": [], "Dark": []}


def test_a_notebook_tells_its_story_as_html_without_a_network(playwright: Playwright, tmp_path: Path) -> None:
    """As `nbconvert --to html` makes it: pictures and static displays are there, hints and solutions folded."""
    shutil.copytree(ROOT / "notebooks" / "images", tmp_path / "images")
    browser = playwright.chromium.launch(executable_path=need("chromium"), args=FLAGS)
    page = browser.new_context(offline=True).new_page()
    for path in COURSE:
        html, _ = HTMLExporter().from_filename(str(path))
        (tmp_path / f"{path.stem}.html").write_text(html, "utf-8")
        page.goto((tmp_path / f"{path.stem}.html").as_uri())
        broken = page.evaluate("[...document.images].filter(image => !image.naturalWidth).map(image => image.src)")
        assert broken == [], path.name
        assert page.locator("table.tlsnotes-table, .tlsnotes-explanation").count() >= 3, path.name
        folded = page.locator("details")
        assert folded.count() >= 4, path.name
        assert page.locator("details > p:visible, details > div:visible").count() == 0, path.name
        assert page.get_by_text("What you saw").is_visible()
    browser.close()


def test_a_word_leads_to_its_entry_in_the_glossary(lab: Page, course: tuple[str, str, Path]) -> None:
    base, token, _ = course
    lab.goto(f"{base}/lab/tree/02-keys-and-signatures.ipynb?reset&token={token}")
    lab.get_by_role("link", name="replay", exact=True).click(timeout=60_000)
    lab.get_by_role("heading", name="replay").wait_for(timeout=60_000)
    lab.wait_for_function(
        """() => [...document.querySelectorAll('.jp-MarkdownViewer h3')].some(heading => {
          const { top, bottom } = heading.getBoundingClientRect();
          return /^replay/.test(heading.textContent) && top >= 0 && bottom <= window.innerHeight; })"""
    )


def test_the_address_that_is_printed_opens_the_first_notebook(lab: Page, course: tuple[str, str, Path]) -> None:
    base, token, _ = course
    lab.goto(f"{base}/lab/tree/00-start-here.ipynb?token={token}")
    lab.get_by_role("heading", name="Start here").wait_for(timeout=60_000)
    assert lab.get_by_role("dialog").count() == 0, "JupyterLab asks something before the learner has begun"


# The explorer there: a widget of a live kernel, in a page with other widgets, themes, and notebooks that are closed

EXPLORING = [
    """import requests
from pathlib import Path
from tlsnotes import Authority, HTTPSServer, chain_view, compare, explore, judge
root = Authority.root("Class Root CA")
Path("root.pem").write_bytes(root.certificate_pem)
server = HTTPSServer(root.issue("localhost")).start()
for _ in range(2):
    requests.get(server.url, verify="root.pem", timeout=10)""",
    "explore(server.last)",
    "explore(root.certificate)",
    "compare(*server.recordings[:2])",
    "chain_view(judge(root.issue('localhost'), trust=[root], name='localhost'))",
    """server.stop()
from ipywidgets.widgets.widget import _instances
print(len(_instances), "widgets")""",
]


def test_the_explorer_lives_in_jupyterlab(lab: Page, course: tuple[str, str, Path]) -> None:
    """Run all; hover; from message to field to bytes to words by keyboard; another theme; close, and open again."""
    folder = course[2]
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in EXPLORING],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    nbformat.write(notebook, folder / "exploring.ipynb")
    code = run_all(lab, course, "exploring.ipynb")
    assert "data:image/svg+xml;base64," in "".join(code[1]["outputs"][0]["data"]["text/html"])

    def widgets(cells: list[dict[str, Any]]) -> str:
        return "".join(cells[-1]["outputs"][0]["text"])

    made = widgets(code)
    for _ in range(2):
        code = run_all(lab, course, "exploring.ipynb")
    assert widgets(code) == made, "what a cell made before is closed when it runs again"

    widget = lab.locator(".tnx").first
    widget.scroll_into_view_if_needed()
    assert lab.locator(".tnx").count() == 3
    widget.get_by_role("treeitem", name="random").hover()
    assert widget.locator(".tnx-byte[data-over]").count() == 32

    widget.get_by_role("listbox", name="Messages").focus()
    lab.keyboard.press("ArrowDown")
    lab.keyboard.press("Enter")
    for _ in range(4):
        lab.keyboard.press("ArrowDown")
    assert widget.locator(".tnx-title strong").inner_text() == "random"
    lab.keyboard.press("Enter")
    lab.keyboard.press("ArrowRight")
    assert widget.locator(".tnx-byte[data-cursor]").get_attribute("data-at") == "7"
    lab.keyboard.press("Enter")
    assert lab.evaluate("document.activeElement.className") == "tnx-words"
    assert lab.locator(".jp-Cell.jp-mod-selected").count() <= 1, "the arrows were ours, not the notebook's"

    page_is = "getComputedStyle(document.querySelector('.tnx')).backgroundColor"
    light = lab.evaluate(page_is)
    in_theme(lab, course, "exploring.ipynb", "Dark")
    lab.locator(".tnx").first.wait_for(timeout=60_000)  # the kernel lives on, and so do its widgets
    assert lab.evaluate(page_is) != light
    assert lab.locator(".tnx").count() == 3
    set_theme(lab, course, "Light")


HOSTILE = [
    r"""from tlsnotes import *
from cryptography import x509
name = r'$\href{https://evil.example}{x}$<img src=x onerror=__pwned=1>'  # 64 characters are allowed
root = Authority.root(name)
leaf = root.issue("localhost")
verdict = judge(leaf, trust=[root], name="other.example")""",
    "explore(root.certificate)",
    "chain_view(verdict)",
    "verdict",
    "root",
    "leaf",
    "explain(root.certificate)",
    "chain_figure(verdict)",
    "validity_figure(root)",
    "parse_certificate(root.certificate.public_bytes(__import__('cryptography').hazmat.primitives.serialization.Encoding.DER))",
]


def test_hostile_names_are_only_text_in_jupyterlab(lab: Page, course: tuple[str, str, Path]) -> None:
    """No script, no element, no link, and no formula of theirs: JupyterLab typesets TeX in what a cell shows."""
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in HOSTILE],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    nbformat.write(notebook, course[2] / "hostile.ipynb")
    run_all(lab, course, "hostile.ipynb")
    lab.locator(".tnx").first.wait_for()
    outputs = lab.locator(".jp-OutputArea-output")
    assert outputs.count() >= len(HOSTILE) - 1
    assert "onerror" in outputs.nth(0).inner_text()
    assert lab.evaluate("window.__pwned") is None
    for theirs in ("mjx-container", ".MathJax", "a[href]", 'img[src="x"]', "[onerror]"):
        assert lab.locator(f".jp-OutputArea-output {theirs}").count() == 0, theirs
