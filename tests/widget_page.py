"""A page with nothing on it but one widget: its module, its style, and a model that only holds what it was given."""

from __future__ import annotations

import functools
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

MODEL = """
class Model {
  constructor(traits) { this.traits = traits; this.listeners = {}; }
  get(name) { return this.traits[name]; }
  set(name, value) { this.traits[name] = value; (this.listeners[`change:${name}`] ?? []).forEach((one) => one()); }
  save_changes() {}
  on(event, heard) { (this.listeners[event] ??= []).push(heard); }
  off(event, heard) { this.listeners[event] = (this.listeners[event] ?? []).filter((one) => one !== heard); }
}
window.errors = [];
window.addEventListener("error", (event) => window.errors.push(event.message));
window.addEventListener("unhandledrejection", (event) => window.errors.push(String(event.reason)));
const traits = await (await fetch("traits.json")).json();
const { default: widget } = await import("./widget.js");
window.model = new Model(traits);
const started = performance.now();
window.views = [...document.querySelectorAll(".view")].map((el) => widget.render({ model: window.model, el }));
document.body.getBoundingClientRect();
window.painted = performance.now() - started;
window.ready = true;
"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


def write_page(
    folder: Path, module: str, css: str, traits: Mapping[str, Any], *, views: int = 1, theme: str = ""
) -> None:
    """Put the page into a folder; `theme` is "light" or "dark" as JupyterLab says it, or nothing as other pages do."""
    (folder / "widget.js").write_text(module, "utf-8")
    (folder / "model.js").write_text(MODEL, "utf-8")
    (folder / "traits.json").write_text(json.dumps(traits), "utf-8")
    marked = f' data-jp-theme-light="{str(theme == "light").lower()}"' if theme else ""
    names = {"layout-color0": "#111", "layout-color1": "#212121", "ui-font-color0": "#fff", "border-color2": "#424242"}
    colours = ";".join(f"--jp-{name}: {colour}" for name, colour in names.items())
    style = f":root {{ {colours} }} body {{ background: #111; color: #fff }}" if theme == "dark" else ""
    (folder / "index.html").write_text(
        f'<!doctype html><html lang="en"><title>a widget</title><meta charset="utf-8"><style>{css}</style>'
        f"<style>{style} body {{ margin: 12px }}</style>"
        f"<body{marked}><main><h1>a widget</h1>{'<div class=view></div>' * views}</main>"
        '<script type="module" src="model.js"></script></body></html>',
        "utf-8",
    )


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve a folder on a port of this machine; gives its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/index.html"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def pages(browser: Browser, folder: Path) -> Iterator[Callable[..., Page]]:
    """Opens widgets alone on pages: (module, css, traits, theme=, width=, views=, ...).

    At the end nothing may have gone wrong: no page has logged an error or asked another machine.
    """
    wrong: list[str] = []
    with ExitStack() as stack:

        def open_(
            module: str,
            css: str,
            traits: Mapping[str, Any],
            *,
            theme: str = "light",
            width: int = 1240,
            views: int = 1,
            **context: Any,
        ) -> Page:
            own = folder / f"page{len(list(folder.iterdir()))}"
            own.mkdir()
            write_page(own, module, css, traits, views=views, theme=theme)
            url = stack.enter_context(serving(own))
            page = browser.new_context(viewport={"width": width, "height": 900}, **context).new_page()
            stack.callback(page.context.close)
            page.on("pageerror", lambda error: wrong.append(str(error)))
            inside = (url.removesuffix("index.html"), "data:", "blob:")
            page.on("request", lambda asked: None if asked.url.startswith(inside) else wrong.append(asked.url))
            page.goto(url)
            page.wait_for_function("window.ready")
            return page

        yield open_
    assert not wrong
