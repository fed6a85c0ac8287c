"""The explorer: how much it sends to the page, and how soon there is something to see.

The page is a real Chromium's. It has the widget's module and its payload as text, as JupyterLab has them when a cell
has ended; what is timed is everything from there to the first frame that is painted.
"""

from __future__ import annotations

import json
from importlib.resources import files
from importlib.util import find_spec

from benchmarks.connections import Kind, connection
from benchmarks.rows import Result, Row
from benchmarks.timing import Sample, by_the_clock
from tlsnotes.programs import find_program
from tlsnotes.show.explorer import explore
from tlsnotes.show.payload import Payload

MUTUAL = Kind(4_600, keys="ecdsa-p256", mutual=True)
PAINT = """async ([module, css, text]) => {
  const style = document.createElement("style");
  style.textContent = css;
  document.head.append(style);
  const el = document.createElement("div");
  document.body.append(el);
  await new Promise(requestAnimationFrame);
  const started = performance.now();
  const { default: widget } = await import(URL.createObjectURL(new Blob([module], { type: "text/javascript" })));
  const payload = JSON.parse(text);
  const close = widget.render({ model: { get: () => payload }, el });
  await new Promise((painted) => requestAnimationFrame(() => setTimeout(painted)));
  const milliseconds = performance.now() - started;
  close();
  return milliseconds;
}"""


def _payload() -> tuple[Payload, str]:
    made = explore(connection(MUTUAL).recording()).payload
    return made, f"{len(made['items'])}"


def payload(runs: int) -> Row:
    """What a handshake of mutual TLS comes to as JSON, and how long the kernel takes to make it."""
    recording = connection(MUTUAL).recording()
    made, messages = _payload()
    size = len(json.dumps(made).encode())
    ours = Sample([by_the_clock(lambda: explore(recording)) for _ in range(runs)])
    return Row("explorer/payload", "", ours, None, Result(size / 1000, "kB"), 300, size, messages)


def first_paint(runs: int) -> Row:
    """How long the page takes to show it."""
    name = "explorer/first-paint"
    browser = find_program("chromium")
    if not browser or find_spec("playwright") is None:
        return Row(name, f"{'playwright' if browser else 'chromium'} is not installed")
    from playwright.sync_api import sync_playwright

    folder = files("tlsnotes.show") / "assets"
    module, palette, css = ((folder / one).read_text("utf-8") for one in ("explorer.js", "palette.css", "explorer.css"))
    made, messages = _payload()
    with sync_playwright() as driver:
        page = driver.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"]).new_page()
        page.goto("about:blank")
        given = [module, palette + css, json.dumps(made)]
        seconds = [page.evaluate(PAINT, given) / 1000 for _ in range(runs)]
        version = page.context.browser.version if page.context.browser else ""
        page.context.close()
    ours = Sample(seconds)
    peer = f"Chromium {version.partition('.')[0]}, first of {runs}: {seconds[0] * 1000:.0f} ms"
    return Row(name, peer, ours, None, Result(ours.median * 1000, "ms"), 200, None, messages)
