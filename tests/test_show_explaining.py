"""`with explaining():` shows an explanation for what concerns a connection, and lets everything else surface."""

from __future__ import annotations

import errno
import json
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tlsnotes import Authority, HTTPSServer, TLSNotesError, self_signed
from tlsnotes.show.explaining import explaining


def test_the_explanation_is_shown_and_the_error_kept(capsys: pytest.CaptureFixture[str]) -> None:
    with HTTPSServer(self_signed("localhost")) as server, explaining() as block:
        requests.get(server.url, timeout=15)
    assert isinstance(block.error, requests.exceptions.SSLError)
    assert block.explanation is not None
    assert block.explanation.cause == "self-signed"
    shown = capsys.readouterr().out
    assert shown == f"{block.explanation!r}\n"
    assert "Traceback" not in shown


def test_the_error_is_raised_only_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    block = explaining(reraise=True)
    with pytest.raises(ConnectionRefusedError), block:
        raise ConnectionRefusedError(errno.ECONNREFUSED, "x")
    assert block.explanation is not None
    assert block.explanation.cause == "connection-refused"
    assert "Nobody listens" in capsys.readouterr().out


def test_where_all_goes_well_nothing_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    root = Authority.root("a root of these tests")
    context = ssl.create_default_context(cadata=root.certificate_pem.decode())
    with (
        HTTPSServer(root.issue("localhost")) as server,
        explaining() as block,
        socket.create_connection(("127.0.0.1", server.port), timeout=15) as raw,
        context.wrap_socket(raw, server_hostname="localhost") as client,
    ):
        assert client.version()
    assert (block.error, block.explanation) == (None, None)
    assert capsys.readouterr().out == ""


def test_a_block_can_be_used_again() -> None:
    block = explaining()
    with block:
        raise TimeoutError("timed out")
    with block:
        pass
    assert block.error is None


def test_an_explanation_knows_that_the_server_is_asking() -> None:
    error = ssl.SSLError(1, "x")
    error.reason = "TLSV1_ALERT_UNKNOWN_CA"
    with explaining(side="server") as block:
        raise error
    assert block.explanation is not None
    assert block.explanation.refused == "client"


def a_bad_cell(folder: Path) -> dict[str, BaseException]:
    """What a cell does wrong by itself, by what it does."""

    names = {"requests": requests, "json": json, "ssl": ssl, "path": folder / "none", "subprocess": subprocess}

    def caught(code: str) -> BaseException:
        with pytest.raises(Exception) as raised:  # noqa: PT011  # each of its own kind
            exec(code, names)  # noqa: S102  # a cell, as Jupyter runs it
        return raised.value

    return {
        name: caught(code)
        for name, code in {
            "NameError": "no_such_name",
            "NameError in a handler": "try: raise ssl.SSLError(1, 'x')\nexcept ssl.SSLError: no_such_name",
            "KeyError": "{}['x']",
            "TypeError": "ssl.create_default_context(1)",
            "its own file": "open(path)",
            "its own JSON": "json.loads('<')",
            "no URL": "requests.get('localhost')",
            "another program": f"subprocess.run([{sys.executable!r}, '-c', 'raise SystemExit(3)'], check=True)",
        }.items()
    }


def test_what_a_cell_does_wrong_by_itself_surfaces(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, error in a_bad_cell(tmp_path).items():
        with pytest.raises(type(error)) as raised, explaining() as block:
            raise error
        assert raised.value is error, name
        assert block.error is None, name
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1), GeneratorExit(), AssertionError("x")])
def test_who_wants_to_stop_stops(error: BaseException) -> None:
    with pytest.raises(type(error)), explaining():
        raise error


def test_a_group_is_explained_where_all_in_it_concerns_a_connection() -> None:
    with explaining() as block:
        raise ExceptionGroup("several", [TimeoutError("x"), ssl.SSLError(1, "x")])
    assert block.error is not None
    with pytest.raises(ExceptionGroup), explaining():
        raise ExceptionGroup("several", [TimeoutError("x"), NameError("x")])
    with pytest.raises(BaseExceptionGroup), explaining():
        raise BaseExceptionGroup("several", [TimeoutError("x"), KeyboardInterrupt()])


def test_files_of_tls_that_are_not_there_are_explained(tmp_path: Path) -> None:
    with explaining() as block:
        ssl.create_default_context().load_cert_chain(tmp_path / "none.pem")
    assert block.explanation is not None
    assert block.explanation.cause == "own-file-missing"
    with explaining() as block:
        requests.get("https://localhost:1", verify=str(tmp_path / "none.pem"), timeout=5)
    assert block.explanation is not None
    assert block.explanation.cause == "ca-file-missing"
    with explaining() as block:
        requests.get("https://localhost:1", cert=str(tmp_path / "none.pem"), timeout=5)
    assert block.explanation is not None
    assert block.explanation.cause == "own-file-missing"


def test_errors_of_ours_and_of_curl_are_explained() -> None:
    with explaining() as block:
        raise TLSNotesError("it broke")
    assert block.explanation is not None
    assert block.explanation.cause == "tlsnotes"
    with explaining() as block:
        raise subprocess.CalledProcessError(60, ["curl", "https://localhost"], "", "curl: (60) x")
    assert block.explanation is not None
    assert block.explanation.cause == "certificate-refused"


def test_in_a_notebook_it_is_html() -> None:
    code = """
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
shell = InteractiveShell.instance()
from tlsnotes.show.explaining import explaining
with capture_output() as captured:
    with explaining():
        raise ConnectionRefusedError(111, "x")
(shown,) = captured.outputs
print("<section" in shown.data["text/html"], "Nobody listens" in shown.data["text/plain"], repr(captured.stdout))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["True", "True", "''"]


def test_it_says_in_one_line_what_it_is() -> None:
    with explaining() as block:
        pass
    assert repr(block) == "<explaining: nothing went wrong>"
