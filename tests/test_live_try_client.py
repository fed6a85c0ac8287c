"""try_client: how far each client comes, in its own code, against a real server; and what never reaches it."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from needs import need
from peers import running_chromiums

from tlsnotes import Authority, HTTPSServer, TLSNotesError, explain, opinions, self_signed
from tlsnotes.live.client_programs import MAX_OUTPUT, run
from tlsnotes.live.clients import CLIENTS, try_client
from tlsnotes.live.mistakes import MISTAKES
from tlsnotes.live.outcome import Outcome

ROOT = Authority.root("the servers' root")
PEOPLE = Authority.root("the clients' root")
ALICE = PEOPLE.issue("alice@shop.example", usage="client")

every_client = pytest.mark.parametrize("client", [client for client in CLIENTS if client != "chromium"])


def tried(client: str, url: str, **given: object) -> Outcome:
    outcome = try_client(client, url, **given)  # type: ignore[arg-type]  # what a test gives
    if outcome.ok is None:
        pytest.skip(outcome.message)
    return outcome


@every_client
def test_a_trusted_server_is_accepted(client: str) -> None:
    with HTTPSServer(ROOT.issue("localhost")) as server:
        outcome = tried(client, server.url, trust=ROOT)
        assert (outcome.ok, outcome.stage, outcome.code) == (True, "done", 0), outcome
        assert outcome.message == "HTTP 200"
        assert server.wait_for(1)


@every_client
def test_a_certificate_is_refused_at_its_own_stage(client: str) -> None:
    with HTTPSServer(self_signed("localhost")) as server:
        assert tried(client, server.url, trust=ROOT).stage == "certificate"
    with HTTPSServer(ROOT.issue("elsewhere.example")) as server:
        assert tried(client, server.url, trust=ROOT).stage == "certificate"


@every_client
@pytest.mark.parametrize(("version", "stage"), [("1.2", "handshake"), ("1.3", "answer")])
def test_a_missing_client_certificate_shows_late_in_tls_1_3(client: str, version: str, stage: str) -> None:
    with HTTPSServer(ROOT.issue("localhost"), client_ca=PEOPLE, versions=[version]) as server:
        outcome = tried(client, server.url, trust=ROOT)
        assert (outcome.ok, outcome.stage) == (False, stage), outcome
        assert tried(client, server.url, trust=ROOT, credential=ALICE).ok


@every_client
def test_a_closed_port_is_no_matter_of_tls(client: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert tried(client, f"https://127.0.0.1:{port}", trust=ROOT).stage == "connect"


@every_client
def test_a_key_of_another_certificate_is_refused_before_any_handshake(client: str, tmp_path: Path) -> None:
    other = PEOPLE.issue("bob@shop.example", usage="client").save(tmp_path / "bob")
    pair = (ALICE.save(tmp_path / "alice") / "fullchain.pem", other / "key.pem")
    with HTTPSServer(ROOT.issue("localhost")) as server:
        assert tried(client, server.url, trust=ROOT, credential=pair).stage == "prepare"
        assert not any("GET" in line for line in server.log)


@every_client
def test_no_variable_of_this_machine_reaches_a_client(client: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
    with HTTPSServer(ROOT.issue("localhost")) as server:
        assert tried(client, server.url, trust=ROOT).ok


@pytest.mark.browser
def test_chromium_comes_as_far_as_its_own_store_lets_it() -> None:
    with HTTPSServer(ROOT.issue("localhost")) as server:
        assert tried("chromium", server.url, trust=ROOT).message == "HTTP 200"
        assert tried("chromium", server.url).code == "ERR_CERT_AUTHORITY_INVALID"
    with HTTPSServer(ROOT.issue("elsewhere.example")) as server:
        wrong = tried("chromium", server.url, trust=ROOT)
        assert (wrong.ok, wrong.stage, wrong.code) == (False, "certificate", "ERR_CERT_COMMON_NAME_INVALID")
    assert try_client("chromium", server.url, trust=ROOT).stage == "connect"  # it is stopped


@pytest.mark.browser
def test_chromium_shows_the_client_certificate_that_it_was_given() -> None:
    with HTTPSServer(ROOT.issue("localhost"), client_ca=PEOPLE) as server:
        assert tried("chromium", server.url, trust=ROOT, credential=ALICE).message == "HTTP 200"
        assert any("(client: alice@shop.example)" in line for line in server.log)


@pytest.mark.browser
def test_chromium_leaves_no_process_and_no_profile_behind() -> None:
    before = set(Path(tempfile.gettempdir()).glob("tlsnotes-chromium-*"))
    with HTTPSServer(ROOT.issue("localhost")) as server:
        assert tried("chromium", server.url, trust=ROOT, timeout=0.01).code == "timeout"
    assert set(Path(tempfile.gettempdir()).glob("tlsnotes-chromium-*")) <= before
    assert running_chromiums() == []


def test_a_proxy_that_was_asked_for_is_in_the_way() -> None:
    with HTTPSServer(ROOT.issue("localhost")) as server:
        for client in ("requests", "curl"):
            outcome = tried(client, server.url, trust=ROOT, environment={"HTTPS_PROXY": "http://127.0.0.1:9"})
            assert (outcome.ok, outcome.stage) == (False, "connect"), outcome
    with MISTAKES["proxy-in-the-way"].serve() as scene:  # this one answers, and opens no tunnel
        for client in ("requests", "curl"):
            outcome = tried(client, scene.url, trust=scene.trust, environment=scene.environment)
            assert (outcome.ok, outcome.stage) == (False, "connect"), outcome


@every_client
def test_a_server_that_says_nothing_is_an_outcome_and_in_time(client: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        outcome = tried(client, f"https://127.0.0.1:{silent.getsockname()[1]}", trust=ROOT, timeout=1.0)
    assert outcome.ok is False
    assert outcome.code == (28 if client == "curl" else "timeout")
    assert explain(outcome).cause == "timeout"


@contextlib.contextmanager
def endless(folder: Path) -> Iterator[str]:
    """A server whose answers never end; gives its URL."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    saved = ROOT.issue("localhost").save(folder)
    context.load_cert_chain(saved / "fullchain.pem", saved / "key.pem")
    stop = threading.Event()

    def serve(taken: socket.socket) -> None:
        with contextlib.suppress(OSError), taken, context.wrap_socket(taken, server_side=True) as tls:
            tls.recv(65536)
            tls.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
            while not stop.is_set():
                tls.sendall(b"more and " * 7000)

    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor() as pool:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while not stop.is_set():
                    pool.submit(serve, listening.accept()[0])

        pool.submit(accept)
        try:
            yield f"https://localhost:{listening.getsockname()[1]}"
        finally:
            stop.set()
            listening.shutdown(socket.SHUT_RDWR)


@every_client
def test_an_answer_without_an_end_is_given_up_in_time(client: str, tmp_path: Path) -> None:
    """Some take its head for the answer, others wait for its end; none of them for ever."""
    with endless(tmp_path / "server") as url:
        outcome = tried(client, url, trust=ROOT, timeout=1.0)
    assert outcome.ok or outcome.code in (28, "timeout"), outcome


def test_of_what_a_program_prints_without_an_end_only_the_beginning_is_kept() -> None:
    done = run([sys.executable, "-c", "while True: print('more and more ' * 1000)"], {}, 1.0)
    assert done.code is None
    assert len(done.stdout) == MAX_OUTPUT


@every_client
def test_tls_to_a_port_of_plain_http_ends_in_the_handshake_and_http_to_a_port_of_tls_without_an_answer(
    client: str,
) -> None:
    with MISTAKES["tls-to-an-http-port"].serve() as scene:
        assert tried(client, scene.url, trust=ROOT).stage == "handshake"
    with MISTAKES["http-to-a-tls-port"].serve() as scene:
        stage = tried(client, scene.url, trust=scene.trust).stage
        assert stage == ("done" if client in ("ssl", "openssl") else "answer")  # these two speak TLS whatever is asked


@pytest.mark.parametrize("name", ["HTTP/1.1 200 OK", "its\nHTTP/1.1 200 OK", "its\nverify error:num=10:expired"])
def test_a_name_in_a_certificate_is_never_taken_for_the_words_of_s_client(name: str) -> None:
    with HTTPSServer(Authority.root(name).credential) as server:
        outcome = tried("openssl", server.url, trust=ROOT)
    assert (outcome.ok, outcome.stage, outcome.code) == (False, "certificate", 18)


@pytest.mark.parametrize("client", ["curl", "node", "newman"])
def test_what_a_program_says_late_in_its_own_words_names_where_it_stood(client: str) -> None:
    with HTTPSServer(ROOT.issue("localhost"), versions=["1.2"], client_ca=PEOPLE) as server:
        stranger = Authority.root("nobody's root").issue("eve@shop.example", usage="client")
        assert tried(client, server.url, trust=ROOT, credential=stranger).stage == "handshake"


def test_newman_stays_at_a_proxy_that_opens_no_tunnel() -> None:
    proxy = {"HTTPS_PROXY": "http://127.0.0.1:9"}
    assert tried("newman", "https://localhost:9", trust=ROOT, environment=proxy).stage == "connect"
    with MISTAKES["proxy-in-the-way"].serve() as scene:
        assert tried("newman", scene.url, trust=scene.trust, environment=scene.environment).stage == "connect"


def test_a_client_that_is_not_installed_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    outcome = try_client("curl", "https://localhost", trust=ROOT)
    assert (outcome.ok, outcome.stage, outcome.code) == (None, "prepare", "not installed")
    assert "install" in outcome.message


def test_what_is_no_question_is_an_error_in_words() -> None:
    for client, url, trust, credential in (
        ("netscape", "https://localhost", None, None),
        ("curl", "localhost:8443", None, None),
        ("openssl", "https://localhost:84430", None, None),
        ("ssl", "https://localhost/\r\nHost: elsewhere", None, None),
        ("curl", "https://localhost", [b"root"], None),
        ("curl", "https://localhost", ALICE, None),
        ("curl", "https://localhost", None, "alice"),
    ):
        with pytest.raises(TLSNotesError):
            try_client(client, url, trust, credential)  # type: ignore[arg-type]  # wrong on purpose


def test_an_outcome_says_itself_in_one_line() -> None:
    assert repr(Outcome("curl", False, "certificate", 60, "SSL problem")) == (
        "<Outcome of curl: refused (certificate) 60: SSL problem>"
    )


@pytest.mark.skipif(os.name != "posix", reason="the openssl of 1.1.1 is played by a shell script")
def test_an_openssl_of_before_3_0_is_given_no_option_that_it_does_not_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """-no-CAstore is of 3.0; 1.1.1 would end with a usage error, and nothing would have been tried."""
    old = tmp_path / "openssl"
    old.write_text(
        "#!/bin/sh\n"
        'case " $* " in *" -no-CAstore "*) echo "Option unknown option -no-CAstore" >&2; exit 1;; esac\n'
        f'case " $* " in *" -help "*) {need("openssl")} "$@" 2>&1 | grep -v CAstore;; '
        f'*) exec {need("openssl")} "$@";; esac\n'
    )
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    root = Authority.root("Root")
    with HTTPSServer(root.issue("localhost")) as server:
        assert try_client("openssl", server.url, root).ok
        assert try_client("openssl", server.url).code == 20
    verdicts = opinions(root.issue("localhost"), root, "localhost")
    assert [opinion.ok for opinion in verdicts] == [True, True, True]
