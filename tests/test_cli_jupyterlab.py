"""What `tlsnotes lab` tells JupyterLab, and a JupyterLab that is really started with it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from needs import ROOT

from tlsnotes import cli

SCREEN = ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME", "SSH_CONNECTION")


def test_an_option_of_the_learner_takes_the_place_of_ours() -> None:
    ours = cli.settings(Path("course"), screen=False, root=True)
    assert "--ServerApp.ip=127.0.0.1" in ours
    theirs = cli.settings(
        Path("course"), ["--ip=::1", "--ServerApp.root_dir=/x", "--allow-root", "--debug", "--no-browser"],
        screen=False, root=True,
    )  # fmt: skip
    assert {option.split("=")[0] for option in ours} - {option.split("=")[0] for option in theirs} == {
        "--ServerApp.ip", "--ServerApp.root_dir", "--allow-root", "--Application.log_level", "--no-browser"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("system", "variables", "browser", "screen"),
    [
        ("linux", {}, object(), False),
        ("linux", {"DISPLAY": ":0"}, object(), True),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, object(), True),
        ("linux", {"WSL_DISTRO_NAME": "Debian"}, object(), True),
        ("linux", {"WSL_DISTRO_NAME": "Debian"}, cli.webbrowser.GenericBrowser("w3m"), False),
        ("linux", {"BROWSER": "/editor/open-on-the-desktop"}, object(), True),
        ("darwin", {}, object(), True),
        ("darwin", {"SSH_CONNECTION": "192.0.2.1 50000 192.0.2.2 22"}, object(), False),
        ("win32", {}, object(), True),
        ("win32", {}, None, False),
    ],
)
def test_a_browser_is_opened_only_where_it_can_be_seen(
    monkeypatch: pytest.MonkeyPatch, system: str, variables: dict[str, str], browser: object, screen: bool
) -> None:
    def get() -> object:
        if browser is None:
            raise cli.webbrowser.Error("could not locate runnable browser")
        return browser

    for name in SCREEN:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(cli.sys, "platform", system)
    monkeypatch.setattr(cli.webbrowser, "get", get)
    assert cli.has_screen() is screen


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """`tlsnotes lab` for a learner without settings and without a screen: what it printed, and the address in it."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if name not in SCREEN}
    environment |= {f"JUPYTER_{kind}_DIR": str(tmp_path / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}
    command = [sys.executable, "-m", "tlsnotes", "lab", str(tmp_path / "course"), "--", f"--port={port}"]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True,
    )  # fmt: skip
    late = threading.Timer(60, process.kill)
    late.start()
    try:
        assert process.stdout
        printed, address = "", None
        while address is None and (line := process.stdout.readline()):
            printed += line
            address = re.search(r"^\s*(http://\S+)$", line)
        assert address, f"JupyterLab printed no address:\n{printed}"
        # It is printed a moment before JupyterLab listens there. If it never does, the timer ends the process and this.
        place = urllib.parse.urlsplit(address[1])
        while process.poll() is None:
            with contextlib.suppress(ConnectionRefusedError):
                socket.create_connection((place.hostname, place.port), timeout=30).close()
                break
            time.sleep(0.02)
        yield printed, address[1]
    finally:
        late.cancel()
        process.terminate()
        process.communicate(timeout=30)


def fetch(url: str) -> str:
    """What is at `url`; past any proxy, as a learner's browser would ask for this machine."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(url, timeout=30) as answer:
        assert isinstance(answer, http.client.HTTPResponse)
        assert answer.status == 200
        return answer.read().decode()


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="elsewhere a browser would open on the tester's screen"
)
def test_lab_prints_an_address_that_opens_the_first_notebook(running: tuple[str, str]) -> None:
    printed, address = running
    server, _, query = address.partition(f"/lab/tree/{cli.START}?")
    assert server.startswith("http://127.0.0.1:")
    assert "There is no screen here" in printed
    assert ("You are root" in printed) == (os.geteuid() == 0)
    assert "started" in json.loads(fetch(f"{server}/api/status?{query}"))
    notebook = json.loads(fetch(f"{server}/api/contents/{cli.START}?{query}"))["content"]
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"

    # The page opens this notebook, asks no question about news, and looks for neither updates nor extensions.
    page = fetch(address)
    found = re.search(r'<script id="jupyter-config-data" type="application/json">(.*?)</script>', page, re.DOTALL)
    assert found
    settings = json.loads(found[1])
    assert settings["treePath"] == cli.START
    assert settings["news"] == {"disabled": True}
    notification = fetch(f"{server}/lab/api/settings/@jupyterlab/apputils-extension:notification?{query}")
    defaults = {name: value["default"] for name, value in json.loads(notification)["schema"]["properties"].items()}
    assert defaults["fetchNews"] == "false"
    assert defaults["checkForUpdates"] is False
    assert json.loads(fetch(f"{server}/lab/api/update?{query}"))["notification"] is None
    assert json.loads(fetch(f"{server}/lab/api/extensions?{query}")) is not None
