"""Mutual TLS: the server knows who is calling, and whom it refuses learns why, in both versions of TLS."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tlsnotes import Authority, Credential, HTTPSServer, Recording, Request, self_signed

ROOT = Authority.root("the servers' root")
CLIENTS = Authority.root("the clients' root")
STRANGERS = Authority.root("somebody else's root")
LOCALHOST = ROOT.issue("localhost")
ALICE = CLIENTS.issue(["alice@shop.example", "alice.shop.example"], usage="client")

LAST_YEAR = datetime.now(UTC) - timedelta(days=365)
CALLERS: dict[str, Credential | None] = {
    "nobody": None,
    "alice": ALICE,
    "below an intermediate": CLIENTS.intermediate("below").issue("bob@shop.example", usage="client"),
    "a stranger": STRANGERS.issue("mallory@shop.example", usage="client"),
    "self-signed": self_signed("alice@shop.example", usage="client"),
    "expired": CLIENTS.issue("alice@shop.example", usage="client", days=30, start=LAST_YEAR),
    "a server": CLIENTS.issue("shop.example", usage="server"),
}
# The client's error (OpenSSL names alerts by the version that brought them), the alert's number, the server's words.
REFUSED = {
    "a stranger": ("TLSV1_ALERT_UNKNOWN_CA", 48, "issuer"),
    "self-signed": ("TLSV1_ALERT_UNKNOWN_CA", 48, "self-signed"),
    "expired": ("SSLV3_ALERT_CERTIFICATE_EXPIRED", 45, "expired"),
    "a server": ("SSLV3_ALERT_UNSUPPORTED_CERTIFICATE", 43, "purpose"),
}
NO_CERTIFICATE = {
    "1.2": ("SSLV3_ALERT_HANDSHAKE_FAILURE", 40),
    "1.3": ("TLSV13_ALERT_CERTIFICATE_REQUIRED", 116),
}

both_versions = pytest.mark.parametrize("version", ["1.2", "1.3"])

Contexts = Callable[[str], ssl.SSLContext]


@pytest.fixture(scope="module")
def calling_as(tmp_path_factory: pytest.TempPathFactory) -> Contexts:
    """Make a context of a client that trusts the server and calls itself by one of CALLERS."""
    folder = tmp_path_factory.mktemp("callers")

    def context(name: str) -> ssl.SSLContext:
        made = ssl.create_default_context(cadata=ROOT.certificate_pem.decode())
        credential = CALLERS[name]
        if credential:
            saved: Path = folder / name
            if not saved.exists():
                credential.save(saved)
            made.load_cert_chain(saved / "fullchain.pem", saved / "key.pem")
        return made

    return context


def whoami(request: Request) -> dict[str, object]:
    return {"names": request.client.names if request.client else None, "path": request.path}


def server(version: str = "1.3", client_auth: str = "required") -> HTTPSServer:
    return HTTPSServer(LOCALHOST, whoami, client_ca=CLIENTS, client_auth=client_auth, versions=(version,))


def call(
    port: int, context: ssl.SSLContext, wait: float = 0.0, session: ssl.SSLSession | None = None
) -> tuple[dict[str, object], ssl.SSLSession | None, bool]:
    """Send one request over a connection of its own, `wait` seconds before each of two writes, and read to the end."""
    raw = socket.create_connection(("127.0.0.1", port), timeout=15)
    with context.wrap_socket(raw, server_hostname="localhost", session=session) as client:
        for piece in (b"GET /account HTTP/1.1\r\n", b"Host: localhost\r\nConnection: close\r\n\r\n"):
            if wait:
                time.sleep(wait)  # what is tested: a client that writes later than the server has refused it
            client.sendall(piece)
        data = b"".join(iter(lambda: client.recv(65536), b""))
        if not data:
            raise EOFError("the connection ended without an alert and without an answer")
        return json.loads(data.partition(b"\r\n\r\n")[2]), client.session, bool(client.session_reused)


def last_of(server: HTTPSServer) -> Recording:
    recording = server.last
    assert recording is not None
    return recording


# ---- who is calling


@both_versions
@pytest.mark.parametrize("client_auth", ["required", "optional"])
def test_the_app_knows_the_names_of_a_client_with_a_certificate(
    version: str, client_auth: str, calling_as: Contexts
) -> None:
    with server(version, client_auth) as running:
        answer, _, _ = call(running.port, calling_as("alice"))
        assert answer["names"] == ["alice@shop.example", "alice.shop.example"]
        assert last_of(running).outcome == "established"
        assert "alice@shop.example" in running.log[-1]


def test_the_app_is_given_the_certificate_itself(calling_as: Contexts) -> None:
    seen = []

    def app(request: Request) -> dict[str, object]:
        assert request.client
        seen.append(request.client)
        return {"name": request.client.name}

    with HTTPSServer(LOCALHOST, app, client_ca=CLIENTS) as running:
        assert call(running.port, calling_as("alice"))[0] == {"name": "alice@shop.example"}
    assert seen[0].certificate == ALICE.certificate


@both_versions
def test_a_client_below_an_intermediate_is_known(version: str, calling_as: Contexts) -> None:
    with server(version) as running:
        assert call(running.port, calling_as("below an intermediate"))[0]["names"] == ["bob@shop.example"]


@both_versions
def test_one_certificate_may_be_all_that_is_trusted(version: str, calling_as: Contexts) -> None:
    pinned = HTTPSServer(LOCALHOST, whoami, client_ca=ALICE.certificate, versions=(version,))
    with pinned as running:
        assert call(running.port, calling_as("alice"))[0]["names"] == ["alice@shop.example", "alice.shop.example"]
        with pytest.raises(ssl.SSLError):
            call(running.port, calling_as("below an intermediate"))


@both_versions
def test_nobody_is_asked_for_a_certificate_when_no_authority_is_named(version: str, calling_as: Contexts) -> None:
    with HTTPSServer(LOCALHOST, whoami, versions=(version,)) as running:
        assert call(running.port, calling_as("alice"))[0]["names"] is None


@both_versions
def test_a_client_without_a_certificate_is_nobody_where_one_is_optional(version: str, calling_as: Contexts) -> None:
    with server(version, "optional") as running:
        assert call(running.port, calling_as("nobody"))[0]["names"] is None
        assert last_of(running).outcome == "established"


def test_clients_at_once_are_not_taken_for_each_other(calling_as: Contexts) -> None:
    names = ["alice", "below an intermediate", "nobody"] * 10
    contexts = {name: calling_as(name) for name in names}
    with server("1.3", "optional") as running, ThreadPoolExecutor(30) as pool:
        answers = list(pool.map(lambda name: call(running.port, contexts[name])[0]["names"], names))
    bob = ["bob@shop.example"]
    assert answers == [["alice@shop.example", "alice.shop.example"], bob, None] * 10


@both_versions
def test_a_resumed_session_is_still_the_same_client(version: str, calling_as: Contexts) -> None:
    with server(version) as running:
        context = calling_as("alice")
        first, session, reused = call(running.port, context)
        assert not reused
        again, _, reused = call(running.port, context, session=session)
        assert reused
        assert again == first
        recordings = running.wait_for(2)
        # The certificates went over the wire the first time only.
        sizes = [sum(len(segment.data) for segment in recording.segments) for recording in recordings]
        assert sizes[1] < sizes[0] - 500
        assert recordings[1].outcome == "established"


@both_versions
def test_a_session_begun_as_nobody_does_not_open_a_server_that_requires_a_certificate(
    version: str, calling_as: Contexts
) -> None:
    context = calling_as("nobody")
    with server(version, "optional") as lax:
        _, session, _ = call(lax.port, context)
    with server(version) as strict, pytest.raises(ssl.SSLError) as caught:
        call(strict.port, context, session=session)
    assert caught.value.reason == NO_CERTIFICATE[version][0]


# ---- whom it refuses


@both_versions
@pytest.mark.parametrize("client_auth", ["required", "optional"])
@pytest.mark.parametrize("name", REFUSED)
def test_a_client_with_a_bad_certificate_sees_which_alert_and_the_server_says_why(
    version: str, client_auth: str, name: str, calling_as: Contexts
) -> None:
    reason, _, words = REFUSED[name]
    with server(version, client_auth) as running:
        with pytest.raises(ssl.SSLError) as caught:
            call(running.port, calling_as(name))
        assert caught.value.reason == reason
        outcome = str(last_of(running).outcome)
        assert outcome.startswith("refused by the server: ")
        assert words in outcome
        assert list(running.log) == [f"#1 {outcome}"]  # and the app was never asked


@both_versions
def test_a_client_without_a_certificate_sees_the_alert_and_the_server_says_why(
    version: str, calling_as: Contexts
) -> None:
    with server(version) as running:
        with pytest.raises(ssl.SSLError) as caught:
            call(running.port, calling_as("nobody"))
        assert caught.value.reason == NO_CERTIFICATE[version][0]
        assert last_of(running).outcome == "refused by the server: peer did not return a certificate"


@pytest.mark.parametrize("name", ["nobody", *REFUSED])
def test_in_tls_1_2_the_alert_is_on_the_wire_for_all_to_see(name: str, calling_as: Contexts) -> None:
    number = REFUSED[name][1] if name in REFUSED else NO_CERTIFICATE["1.2"][1]
    with server("1.2") as running:
        with pytest.raises(ssl.SSLError):
            call(running.port, calling_as(name))
        sent = b"".join(segment.data for segment in last_of(running).segments if segment.sender == "S")
        assert sent.endswith(bytes([21, 3, 3, 0, 2, 2, number]))


@both_versions
@pytest.mark.parametrize("wait", [0.0, 0.05], ids=["writes at once", "waits 50 ms"])
def test_200_of_200_clients_without_a_certificate_see_the_alert_not_the_end(
    version: str, wait: float, calling_as: Contexts
) -> None:
    context = calling_as("nobody")

    def what_it_sees(_: int) -> str:
        try:
            call(running.port, context, wait)
        except (OSError, EOFError) as error:
            return str(getattr(error, "reason", None) or repr(error))
        return "an answer"

    with server(version) as running, ThreadPoolExecutor(20) as pool:
        seen = list(pool.map(what_it_sees, range(200)))
        running.wait_for(200)
        outcomes = {recording.outcome for recording in running.recordings}
    assert {reason: seen.count(reason) for reason in set(seen)} == {NO_CERTIFICATE[version][0]: 200}
    assert outcomes == {"refused by the server: peer did not return a certificate"}


def test_100_clients_one_after_another_see_the_alert_too(calling_as: Contexts) -> None:
    context = calling_as("nobody")
    with server() as running:
        for _ in range(100):
            with pytest.raises(ssl.SSLError) as caught:
                call(running.port, context)
            assert caught.value.reason == NO_CERTIFICATE["1.3"][0]


def test_a_refused_client_that_sends_much_before_it_reads_sees_the_alert(calling_as: Contexts) -> None:
    context = calling_as("nobody")
    with server() as running:
        for _ in range(20):
            raw = socket.create_connection(("127.0.0.1", running.port), timeout=15)
            with context.wrap_socket(raw, server_hostname="localhost") as client:
                client.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500000\r\n\r\n" + bytes(500_000))
                with pytest.raises(ssl.SSLError) as caught:
                    client.recv(100)
            assert caught.value.reason == NO_CERTIFICATE["1.3"][0]


def test_a_refused_client_that_never_leaves_is_left_after_a_second(calling_as: Contexts) -> None:
    context = calling_as("nobody")
    with server() as running:
        raw = socket.create_connection(("127.0.0.1", running.port), timeout=15)
        with context.wrap_socket(raw, server_hostname="localhost") as client:
            assert last_of(running).outcome  # noted at once, whatever the client does
            started = time.monotonic()
            client.settimeout(5)
            with contextlib.suppress(OSError):
                while time.monotonic() - started < 4:
                    socket.socket.sendall(client, b"\0" * 1000)
                    time.sleep(0.05)
            assert 0.5 < time.monotonic() - started < 3
