"""A man in the middle: what he can do to a client that does not verify, and what verification takes from him."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import socket
import ssl
import subprocess
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests
import urllib3
from cryptography.hazmat.primitives.serialization import Encoding
from needs import need

from tlsnotes import Authority, Credential, HTTPSServer, Recording, Request, TLSNotesError, self_signed
from tlsnotes.live.exchange import Reply
from tlsnotes.live.interceptor import Interceptor
from tlsnotes.wire.records import client_random

ROOT = Authority.root("the servers' root")
CLIENTS = Authority.root("the clients' root")
LOCALHOST = ROOT.issue("localhost")
ALICE = CLIENTS.issue("alice@shop.example", usage="client")
MALLORY = self_signed("localhost")
PAYMENT = {"to": "shop", "amount": 10}

both_versions = pytest.mark.parametrize("version", ["1.2", "1.3"])


def payments(request: Request) -> object:
    match request.path:
        case "/pay":
            asked = request.json
            assert isinstance(asked, dict)
            return {"paid": asked["amount"], "to": asked["to"]}
        case "/echo":
            return {"target": request.target, "headers": dict(request.headers.items()), "body": request.body.decode()}
        case "/large":
            return "x" * (2 << 20)
        case "/gone":
            return 410, "gone", {"X-Shop": "closed"}
    return None


def server(version: str = "1.3", **options: object) -> HTTPSServer:
    return HTTPSServer(LOCALHOST, payments, versions=(version,), **options)  # type: ignore[arg-type]


def to_mallory(request: Request) -> dict[str, object]:
    asked = request.json
    assert isinstance(asked, dict)
    return asked | {"to": "mallory"}


def as_if_to_shop(request: Request, answer: Reply) -> dict[str, object]:
    said, asked = answer.json, request.json
    assert isinstance(said, dict)
    assert isinstance(asked, dict)
    return said | {"to": asked["to"]}


@pytest.fixture
def careless() -> Iterator[requests.Session]:
    """A client that does not verify."""
    with requests.Session() as session, warnings.catch_warnings():
        warnings.simplefilter("ignore", urllib3.exceptions.InsecureRequestWarning)
        session.trust_env = False
        session.verify = False
        yield session


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("trust") / "root.pem"
    path.write_bytes(ROOT.certificate_pem)
    return path


def curl(*options: object) -> subprocess.CompletedProcess[str]:
    command = [need("curl"), "-q", "-sS", "--max-time", "15", *map(str, options)]
    environment = {"PATH": os.environ["PATH"]}
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, env=environment)


def certificate_message(recording: Recording) -> bytes:
    """What the server of a recorded connection proved itself with."""
    messages = recording.dissect().messages
    return next(m.raw for m in messages if m.name == "Certificate" and m.sender == "server")


def held() -> tuple[list[str], list[str]]:
    """Our threads, and this process's open sockets and key logs."""
    gc.collect()
    links = []
    for descriptor in Path("/proc/self/fd").iterdir() if Path("/proc/self/fd").is_dir() else ():
        with contextlib.suppress(OSError):
            links.append(str(descriptor.readlink()))
    threads = [thread.name for thread in threading.enumerate() if thread.name.startswith("tlsnotes")]
    return threads, sorted(link for link in links if link.startswith("socket:") or "keys.log" in link)


@contextlib.contextmanager
def listening(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """The URL of a server of one connection that does as `serve` says, on the bare TCP connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(15)

        def run() -> None:
            with contextlib.suppress(OSError):
                connection = listener.accept()[0]
                with connection:
                    connection.settimeout(15)
                    serve(connection)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield f"https://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            thread.join(20)
            assert not thread.is_alive()


def over_tls(folder: Path, answer: bytes) -> Callable[[socket.socket], None]:
    """A server that reads one request and says exactly this."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    saved = LOCALHOST.save(folder)
    context.load_cert_chain(saved / "fullchain.pem", saved / "key.pem")

    def serve(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as tls:
            tls.recv(65536)
            tls.sendall(answer)

    return serve


# ---- a client that does not verify


@both_versions
def test_reads_and_changes_the_payment_of_a_client_that_does_not_verify(
    version: str, careless: requests.Session
) -> None:
    with server(version) as real, Interceptor(real, MALLORY, to_mallory, versions=(version,)) as mallory:
        answer = careless.post(f"{mallory.url}/pay", json=PAYMENT)
        assert answer.json() == {"paid": 10, "to": "mallory"}
        (seen,) = mallory.seen
        assert seen.request.json == PAYMENT
        assert seen.forwarded.json == {"to": "mallory", "amount": 10}
        assert seen.answer
        assert seen.answer.json == seen.returned.json == {"paid": 10, "to": "mallory"}
        assert mallory.log == ["#1 the request was changed on its way to the server", "#1 POST /pay -> 200"]
        assert "-> 200" in real.log[-1]


def test_changes_the_answer_too_so_that_the_client_sees_what_it_expects(careless: requests.Session) -> None:
    with server() as real, Interceptor(real, MALLORY, to_mallory, as_if_to_shop) as mallory:
        assert careless.post(f"{mallory.url}/pay", json=PAYMENT).json() == {"paid": 10, "to": "shop"}
        (seen,) = mallory.seen
        assert seen.answer
        assert seen.answer.json == {"paid": 10, "to": "mallory"}
        assert repr(seen) == (
            '<Exchange: POST /pay {"to": "shop", "amount": 10} passed on as /pay {"to": "mallory", "amount": 10}'
            ' -> 200 {"paid": 10, "to": "mallory"} passed on as {"paid": 10, "to": "shop"}>'
        )


def test_curl_with_insecure_is_deceived_and_without_is_not(root: Path) -> None:
    with server() as real, Interceptor(real, MALLORY, to_mallory) as mallory:
        payment = ("-d", json.dumps(PAYMENT), f"{mallory.url}/pay")
        assert json.loads(curl("--insecure", *payment).stdout) == {"paid": 10, "to": "mallory"}
        assert curl("--cacert", root, *payment).returncode == 60
        assert mallory.log[-1] == "#2 refused by the client: unknown_ca"


def test_hooks_may_be_set_while_it_runs(careless: requests.Session) -> None:
    with server() as real, Interceptor(real, MALLORY) as mallory:
        assert careless.post(f"{mallory.url}/pay", json=PAYMENT).json()["to"] == "shop"
        mallory.change_request = to_mallory
        assert careless.post(f"{mallory.url}/pay", json=PAYMENT).json()["to"] == "mallory"
        assert len(mallory.recordings) == 1, "one connection, kept for both"


def test_whole_messages_may_be_changed_path_query_headers_and_status(careless: requests.Session) -> None:
    def elsewhere(request: Request) -> Request:
        request.headers["X-Seen"] = "yes"
        return replace(request, path="/echo", query={"account": "4 2"})

    def teapot(request: Request, answer: Reply) -> Reply:
        assert request.path == "/"
        return replace(answer, status=418)

    with server() as real, Interceptor(real, MALLORY, elsewhere, teapot) as mallory:
        answer = careless.get(f"{mallory.url}/?a=1")
        assert answer.status_code == 418
        assert answer.json()["target"] == "/echo?account=4+2"
        assert answer.json()["headers"]["x-seen"] == "yes"
        assert "x-seen" not in mallory.seen[0].request.headers, "what was seen stays what it was"


def test_what_it_does_not_change_arrives_as_it_was(careless: requests.Session) -> None:
    with server() as real, Interceptor(real, MALLORY) as mallory:
        answer = careless.post(f"{mallory.url}/echo?a=1&a=%20&b", data=b"a body", headers={"X-Mine": "1"}).json()
        assert answer["target"] == "/echo?a=1&a=%20&b"
        assert answer["body"] == "a body"
        assert answer["headers"]["x-mine"] == "1"
        assert answer["headers"]["host"] == f"localhost:{real.port}", "or the server could tell"
        gone = careless.get(f"{mallory.url}/gone")
        assert (gone.status_code, gone.text, gone.headers["X-Shop"]) == (410, "gone", "closed")
        assert careless.get(f"{mallory.url}/none").status_code == 404
        assert careless.head(f"{mallory.url}/gone").text == ""


@pytest.mark.parametrize("failing", [lambda *_: 1 / 0, lambda *_: 7, lambda: None], ids=["raises", "7", "arguments"])
def test_a_hook_that_fails_changes_nothing_and_the_log_says_why(
    failing: Callable[..., object], careless: requests.Session
) -> None:
    with server() as real, Interceptor(real, MALLORY, failing, failing) as mallory:  # type: ignore[arg-type]
        assert careless.post(f"{mallory.url}/pay", json=PAYMENT).json() == {"paid": 10, "to": "shop"}
        assert [line.partition(",")[0] for line in mallory.log[:2]] == [
            "#1 change_request failed", "#1 change_answer failed",
        ]  # fmt: skip


def test_a_changed_request_that_is_no_http_is_not_sent(careless: requests.Session) -> None:
    def broken(request: Request) -> Request:
        return replace(request, path="/a b\r\nX: y")

    with server() as real, Interceptor(real, MALLORY, broken) as mallory:
        answer = careless.get(f"{mallory.url}/")
        assert answer.status_code == 502
        assert "cannot be sent on" in answer.json()["error"]
        assert real.log == []


# ---- two handshakes


@both_versions
def test_there_are_two_handshakes_with_two_certificates_and_both_can_be_read(
    version: str, careless: requests.Session
) -> None:
    with server(version) as real, Interceptor(real, MALLORY, to_mallory, versions=(version,)) as mallory:
        careless.post(f"{mallory.url}/pay", json=PAYMENT)
        outside, inside = mallory.wait_for(1)[0]
    assert inside
    assert outside.outcome == inside.outcome == "established"
    assert client_random(outside.segments) != client_random(inside.segments)
    mine, theirs = (c.certificate.public_bytes(Encoding.DER) for c in (MALLORY, LOCALHOST))
    assert [mine in certificate_message(outside), theirs in certificate_message(outside)] == [True, False]
    assert [mine in certificate_message(inside), theirs in certificate_message(inside)] == [False, True]
    for recording, says, never in ((outside, b"shop", b"mallory"), (inside, b"mallory", b"shop")):
        handshake = recording.dissect()
        assert handshake.version == f"TLS {version}"
        assert {check.ok for check in handshake.checks} == {True}
        sent = b"".join(m.raw for m in handshake.messages if m.sender == "client" and m.name == "application_data")
        assert says in sent
        assert never not in sent
        assert says not in b"".join(segment.data for segment in recording.segments), "on the wire it is encrypted"


def test_a_url_will_do_for_a_server_that_runs_elsewhere(careless: requests.Session) -> None:
    with server() as real, Interceptor(f"https://127.0.0.1:{real.port}/", MALLORY) as mallory:
        assert careless.post(f"{mallory.url}/pay", json=PAYMENT).json()["to"] == "shop"


def test_a_server_that_closes_its_connection_gets_a_new_one_for_the_next_request(tmp_path: Path) -> None:
    said = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end"
    with listening(over_tls(tmp_path, said)) as url, Interceptor(url, MALLORY) as mallory:
        answer = curl("-k", "-i", mallory.url).stdout
        assert answer.endswith("to the end")
        assert "connection: close" in answer.lower()


# ---- a client that verifies


@both_versions
def test_a_client_that_verifies_refuses_it_before_it_says_anything(version: str, root: Path) -> None:
    with server(version) as real, Interceptor(real, MALLORY, versions=(version,)) as mallory:
        with pytest.raises(requests.exceptions.SSLError):
            requests.post(f"{mallory.url}/pay", json=PAYMENT, verify=str(root))
        outside, inside = mallory.wait_for(1)[0]
        assert mallory.log == ["#1 refused by the client: unknown_ca"]
        assert outside.outcome == "refused by the client: unknown_ca"
        assert inside is None, "and the server never heard of it"
        assert mallory.seen == []
        assert real.recordings == ()


@pytest.mark.parametrize(
    ("credential", "alert"),
    [
        (MALLORY, "unknown_ca"),
        (Authority.root("Mallory's own root").issue("localhost"), "unknown_ca"),
        (ROOT.issue("mallory.example"), "bad_certificate"),
    ],
    ids=["self-signed", "of an own root", "a real one for another name"],
)
def test_no_certificate_that_mallory_can_get_is_good_enough(credential: Credential, alert: str) -> None:
    context = ssl.create_default_context(cadata=ROOT.certificate_pem.decode())
    with server() as real, Interceptor(real, credential) as mallory:
        with (
            socket.create_connection(("127.0.0.1", mallory.port), timeout=15) as raw,
            pytest.raises(ssl.SSLCertVerificationError),
        ):
            context.wrap_socket(raw, server_hostname="localhost")
        assert mallory.log == [f"#1 refused by the client: {alert}"]


def test_a_client_that_shakes_hands_and_leaves_is_noted() -> None:
    context = ssl._create_unverified_context()  # noqa: S323  # the careless client
    with server() as real, Interceptor(real, MALLORY) as mallory:
        with (
            socket.create_connection(("127.0.0.1", mallory.port), timeout=15) as raw,
            context.wrap_socket(raw, server_hostname="localhost") as client,
        ):
            client.unwrap()
        mallory.wait_for(1)
        assert mallory.log == [
            "#1 the client shook hands and left without a request: closed by the client, with close_notify"
        ]
        assert real.recordings == ()


# ---- a server that verifies its clients


@both_versions
@pytest.mark.parametrize("asks", [False, True], ids=["asks nobody", "asks the client for its certificate"])
def test_mutual_tls_refuses_it_because_the_clients_key_stays_with_the_client(
    version: str, asks: bool, careless: requests.Session, tmp_path: Path
) -> None:
    folder = ALICE.save(tmp_path / "alice")
    careless.cert = (str(folder / "fullchain.pem"), str(folder / "key.pem"))
    alert = {"1.2": "handshake_failure", "1.3": "certificate_required"}[version]
    with (
        server(version, client_ca=CLIENTS) as real,
        Interceptor(real, MALLORY, to_mallory, client_ca=CLIENTS if asks else None) as mallory,
    ):
        answer = careless.post(f"{mallory.url}/pay", json=PAYMENT)
        assert answer.status_code == 502
        assert answer.json()["error"] == f"no answer from the server: refused by the server: {alert}"
        outside, inside = mallory.wait_for(1)[0]
        assert inside
        assert inside.outcome == f"refused by the server: {alert}"
        assert outside.dissect().client_authenticated == asks, "it may learn who the client is, and gains nothing by it"
        caller = mallory.seen[0].request.client
        assert (caller.name if caller else None) == ("alice@shop.example" if asks else None)
        assert mallory.seen[0].answer is None
        assert [line for line in real.log if "POST" in line] == []


# ---- what goes wrong


def test_a_server_that_is_not_there_is_a_502(careless: requests.Session) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))  # bound, and nobody listens
        with Interceptor(f"https://127.0.0.1:{probe.getsockname()[1]}", MALLORY) as mallory:
            assert careless.get(mallory.url).status_code == 502
            assert "broke" in mallory.log[0]


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"220 mail.example ESMTP\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 40_000,
    ],
    ids=["nothing", "no HTTP", "half a body", "another protocol", "no status", "a head without end"],
)
def test_a_broken_answer_is_a_502_with_words(said: bytes, careless: requests.Session, tmp_path: Path) -> None:
    with listening(over_tls(tmp_path, said)) as url, Interceptor(url, MALLORY) as mallory:
        assert careless.get(mallory.url).status_code == 502
        assert mallory.log[0].startswith("#1 no answer from the server: ")
        assert mallory.seen[0].answer is None


def test_a_server_that_speaks_no_tls_is_a_502(careless: requests.Session) -> None:
    with listening(lambda c: c.sendall(b"HTTP/1.0 400 No\r\n\r\n")) as url, Interceptor(url, MALLORY) as mallory:
        assert careless.get(mallory.url).status_code == 502
        inside = mallory.wait_for(1)[0].server
        assert inside
        assert inside.outcome == "refused by the client: wrong version number"


def test_an_answer_that_is_too_large_is_not_passed_on(careless: requests.Session) -> None:
    with server() as real, Interceptor(real, MALLORY) as mallory:
        answer = careless.get(f"{mallory.url}/large")
        assert answer.status_code == 502
        assert "too large" in answer.json()["error"]


def test_control_characters_of_a_client_are_made_visible_in_the_log_and_in_what_was_seen(
    careless: requests.Session,
) -> None:
    with server() as real, Interceptor(real, MALLORY) as mallory:
        careless.post(f"{mallory.url}/echo", data="\x1b[2J\u202e".encode())
        shown = repr(mallory.seen[0])
        assert "\\x1b[2J\\u202e" in shown
        assert shown.isprintable()


@pytest.mark.parametrize("version", ["silent", "after TLS"])
def test_a_stop_ends_connections_whose_server_would_stay(version: str, tmp_path: Path) -> None:
    before = held()
    asked, done = threading.Event(), threading.Event()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    saved = LOCALHOST.save(tmp_path)
    context.load_cert_chain(saved / "fullchain.pem", saved / "key.pem")

    def stay(connection: socket.socket) -> None:
        if version == "silent":
            asked.set()
            done.wait(15)
            return
        with context.wrap_socket(connection, server_side=True) as tls:
            tls.recv(65536)
            asked.set()
            done.wait(15)

    careless = ssl._create_unverified_context()  # noqa: S323  # the careless client
    with listening(stay) as url:
        mallory = Interceptor(url, MALLORY).start()
        with (
            socket.create_connection(("127.0.0.1", mallory.port), timeout=15) as raw,
            careless.wrap_socket(raw, server_hostname="localhost") as client,
        ):
            client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert asked.wait(15)
            mallory.stop()
            left = [thread.name for thread in threading.enumerate() if thread.name.startswith("tlsnotes")]
        done.set()
    assert left == []
    del client, raw
    assert held() == before


def test_ten_that_were_used_and_stopped_leave_nothing(careless: requests.Session) -> None:
    before = held()
    with server() as real:
        for _ in range(10):
            with Interceptor(real, MALLORY) as mallory:
                answer = careless.post(f"{mallory.url}/pay", json=PAYMENT, headers={"Connection": "close"})
                assert answer.status_code == 200
            mallory.stop()
            assert repr(mallory) == "<Interceptor, stopped>"
    careless.close()
    assert held() == before


def test_a_second_start_on_the_same_interceptor_works(careless: requests.Session) -> None:
    mallory = Interceptor(server().start(), MALLORY)
    try:
        for _ in range(2):
            with mallory:
                assert mallory.start() is mallory
                assert careless.post(f"{mallory.url}/pay", json=PAYMENT).status_code == 200
        assert len(mallory.seen) == 2
    finally:
        assert isinstance(mallory._server, HTTPSServer)
        mallory._server.stop()


# ---- bad input


@pytest.mark.parametrize(
    "target",
    [
        None, 8443, "localhost:8443", "http://localhost:1", "https://", "https://localhost:99999", "https://[::1",
        "https://example.com", "https://192.0.2.1:443", "https://u:p@localhost", "https://localhost/path",
    ],
)  # fmt: skip
def test_refuses_what_is_no_server_on_this_machine(target: object) -> None:
    with pytest.raises(TLSNotesError) as caught:
        Interceptor(target, MALLORY)  # type: ignore[arg-type]
    assert "https://localhost" in caught.value.expected


def test_refuses_a_server_that_was_not_started_and_leaves_nothing() -> None:
    before = held()
    with pytest.raises(TLSNotesError, match="no port yet"):
        Interceptor(server(), MALLORY).start()
    assert held() == before


def test_refuses_what_is_no_credential_and_no_function() -> None:
    with pytest.raises(TLSNotesError, match="credential of its own"):
        Interceptor("https://localhost", ROOT)  # type: ignore[arg-type]
    with pytest.raises(TLSNotesError, match="is a function"):
        Interceptor("https://localhost", MALLORY, {"to": "mallory"})  # type: ignore[arg-type]


def test_a_port_of_somebody_else_is_refused_and_nothing_is_left() -> None:
    before = held()
    with (
        socket.create_server(("127.0.0.1", 0)) as theirs,
        pytest.raises(TLSNotesError, match="in use"),
    ):
        Interceptor("https://localhost", MALLORY, port=theirs.getsockname()[1]).start()
    del theirs
    assert held() == before
