"""HTTPSServer as a program on the machine: where it listens, whom it gives way to, and what is left when it stops."""

from __future__ import annotations

import contextlib
import gc
import ipaddress
import os
import random
import re
import socket
import ssl
import stat
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import pytest
from needs import has_ipv6_loopback, ipv6

from tlsnotes import KEY_KINDS, Authority, HTTPSServer, Recording, Request, TLSNotesError, self_signed
from tlsnotes.pki.keys import key_pem

LOOPBACK = tuple(ipaddress.ip_address(text) for text in ("127.0.0.1", "127.0.0.2", "::1"))
ROOT = Authority.root("the root of these tests")
LOCALHOST = ROOT.issue(["localhost", *LOOPBACK])

linux = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="reads /proc, which Linux has")
posix = pytest.mark.skipif(os.name != "posix", reason="file modes, and files without a name, are POSIX's")


def trusting(root: Authority = ROOT) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=root.certificate_pem.decode())


def get(server: HTTPSServer, path: str = "/", host: str = "localhost") -> tuple[int, bytes]:
    connection = HTTPSConnection(host, server.port, context=trusting(), timeout=10)
    with contextlib.closing(connection):
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()


def connected(server: HTTPSServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=10)


def reset(connection: socket.socket) -> None:
    """Close with a TCP reset in place of an orderly end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def held() -> dict[str, list[str]]:
    """What this process holds: our threads, its sockets, its files without a name, its temporary files."""
    gc.collect()
    open_files = []
    for descriptor in Path("/proc/self/fd").iterdir() if Path("/proc/self/fd").is_dir() else ():
        with contextlib.suppress(OSError):
            open_files.append(str(descriptor.readlink()))
    return {
        "threads": sorted(t.name for t in threading.enumerate() if t.name.startswith("tlsnotes")),
        "sockets": sorted(name for name in open_files if name.startswith("socket:")),
        "deleted": sorted(name for name in open_files if name.endswith("(deleted)")),
        "files": names_in(Path(tempfile.gettempdir())),
    }


def sockets() -> set[str]:
    """The kernel's numbers of the sockets that this process has open."""
    found = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found.add(str(descriptor.readlink()).removeprefix("socket:[").removesuffix("]"))
    return found


def listening_addresses(port: int) -> set[str]:
    """The local addresses on which this process listens on `port`: somebody else may have that port on another one."""
    found, mine = set(), sockets()
    for table, size in (("/proc/net/tcp", 4), ("/proc/net/tcp6", 16)):
        for line in Path(table).read_text().splitlines()[1:] if Path(table).exists() else ():
            local, state, number = line.split()[1], line.split()[3], line.split()[9]
            address, local_port = local.split(":")
            if state == "0A" and int(local_port, 16) == port and number in mine:
                words = struct.unpack(f">{size // 4}I", bytes.fromhex(address))
                found.add(str(ipaddress.ip_address(struct.pack(f"={size // 4}I", *words))))
    return found


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary folder of this test's own, so that whatever is left in it can be seen."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr("tlsnotes.live.context.MEMORY", tmp_path)
    return tmp_path


@pytest.fixture
def free_port() -> int:
    """One that nobody has, from below the range that systems take ports from: nobody gets it by chance meanwhile."""
    while True:
        port = random.randrange(20_000, 32_768)  # noqa: S311  # nothing is to be kept secret by it
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port


# ---- where it is found


def test_the_url_answers_while_the_with_block_runs() -> None:
    with HTTPSServer(LOCALHOST) as server:
        assert server.url == f"https://localhost:{server.port}"
        assert repr(server) == f"<HTTPSServer {server.url}>"
        status, body = get(server, "/deep/path")
    assert status == 200
    assert b"/deep/path" in body
    assert repr(server) == "<HTTPSServer, stopped>"


def test_a_free_port_is_taken_when_none_is_named() -> None:
    with HTTPSServer(LOCALHOST) as one, HTTPSServer(LOCALHOST) as other:
        assert 0 < one.port != other.port > 0


def test_a_server_that_was_never_started_has_no_port() -> None:
    server = HTTPSServer(LOCALHOST)
    with pytest.raises(TLSNotesError, match="no port yet"):
        _ = server.port
    assert repr(server) == "<HTTPSServer, stopped>"


def test_the_start_gives_the_server_and_a_second_start_changes_nothing() -> None:
    server = HTTPSServer(LOCALHOST).start()
    try:
        port = server.port
        assert server.start() is server
        assert server.port == port
        assert get(server)[0] == 200
    finally:
        server.stop()


@ipv6
def test_localhost_is_answered_in_both_of_its_meanings() -> None:
    with HTTPSServer(LOCALHOST) as server:
        assert get(server, host="127.0.0.1")[0] == 200
        assert get(server, host="::1")[0] == 200


@linux
def test_it_listens_on_loopback_and_nowhere_else() -> None:
    with HTTPSServer(LOCALHOST) as server:
        assert listening_addresses(server.port) == {"127.0.0.1"} | ({"::1"} if has_ipv6_loopback() else set())
    assert listening_addresses(server.port) == set()


@linux
def test_it_listens_on_another_address_only_when_that_is_named() -> None:
    with HTTPSServer(LOCALHOST, host="127.0.0.2") as server:
        assert listening_addresses(server.port) == {"127.0.0.2"}
        assert server.url == f"https://127.0.0.2:{server.port}"
        assert get(server, host="127.0.0.2")[0] == 200
    with HTTPSServer(LOCALHOST, host="0.0.0.0") as server:
        assert listening_addresses(server.port) == {"0.0.0.0"}
        assert server.url == f"https://localhost:{server.port}"


# ---- ports that are not free


def test_the_same_port_asked_for_again_replaces_our_own_server_and_says_so(
    free_port: int, capfd: pytest.CaptureFixture[str]
) -> None:
    old = HTTPSServer(LOCALHOST, lambda _: "old", port=free_port).start()
    try:
        assert get(old) == (200, b"old")
        assert capfd.readouterr() == ("", "")
        with HTTPSServer(LOCALHOST, lambda _: "new", port=free_port) as new:
            assert new.port == free_port
            assert get(new) == (200, b"new")
            assert repr(old) == "<HTTPSServer, stopped>"
            said = capfd.readouterr()
            assert str(free_port) in said.out
            assert "stopped" in said.out.lower()
            old.stop()  # it is not the new server's port that this gives back
            assert get(new) == (200, b"new")
    finally:
        old.stop()


def test_the_port_of_a_stopped_server_is_taken_again_without_a_word(
    free_port: int, capfd: pytest.CaptureFixture[str]
) -> None:
    for _ in range(3):
        with HTTPSServer(LOCALHOST, port=free_port) as server:
            assert get(server)[0] == 200
    assert capfd.readouterr() == ("", "")


def test_the_port_of_our_own_server_is_known_by_its_number_however_it_was_chosen() -> None:
    with (
        HTTPSServer(LOCALHOST, lambda _: "chosen for it") as first,
        HTTPSServer(LOCALHOST, lambda _: "named", port=first.port) as second,
    ):
        assert get(second) == (200, b"named")


@pytest.mark.parametrize("taken_on", ["127.0.0.1", pytest.param("::1", marks=ipv6)])
def test_a_port_of_somebody_else_is_left_to_them(taken_on: str, folder: Path) -> None:
    family = socket.AF_INET6 if ":" in taken_on else socket.AF_INET
    with socket.socket(family) as theirs:
        theirs.bind((taken_on, 0))
        theirs.listen()
        port = theirs.getsockname()[1]
        before = held()
        with pytest.raises(TLSNotesError, match=f"port {port} .*in use by another program") as caught:
            HTTPSServer(LOCALHOST, port=port).start()
        assert caught.value.fix
        del caught
        assert held() == before
        assert before["files"] == names_in(folder) == []
        with socket.create_connection((taken_on, port), timeout=5):  # it is still theirs
            theirs.accept()[0].close()
        assert listening_addresses(port) == {taken_on}  # and of ours nothing is left on the half that had been free


def test_a_start_that_failed_can_be_tried_again(free_port: int) -> None:
    server = HTTPSServer(LOCALHOST, port=free_port)
    with socket.socket() as theirs:
        theirs.bind(("127.0.0.1", free_port))
        theirs.listen()
        with pytest.raises(TLSNotesError):
            server.start()
    server.stop()  # harmless: it does not run
    with server:
        assert get(server)[0] == 200


# ---- stopping


def test_twenty_starts_and_stops_leave_no_thread_socket_or_file(folder: Path) -> None:
    before = held()
    for _ in range(20):
        with HTTPSServer(LOCALHOST) as server:
            assert get(server)[0] == 200
        assert held() == before
    assert names_in(folder) == []


def test_whatever_ended_just_before_the_stop_is_gone_after_it() -> None:
    before = held()
    for _ in range(100):
        server = HTTPSServer(LOCALHOST).start()
        with connected(server) as client:
            client.sendall(b"no TLS")
            client.shutdown(socket.SHUT_WR)
            while client.recv(100):
                pass
        server.stop()
        assert not [t.name for t in threading.enumerate() if t.name.startswith("tlsnotes")]
    assert held() == before


def test_a_stop_ends_clients_that_are_silent_idle_or_in_the_middle() -> None:
    before = held()
    server = HTTPSServer(LOCALHOST).start()
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(connected(server)) for _ in range(5)]
        idle = stack.enter_context(trusting().wrap_socket(connected(server), server_hostname="localhost"))
        idle.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert idle.recv(100).startswith(b"HTTP/1.1 200")
        half = stack.enter_context(trusting().wrap_socket(connected(server), server_hostname="localhost"))
        half.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nonly this")
        started = time.monotonic()
        server.stop()
        assert time.monotonic() - started < 3
        for client in silent:
            with contextlib.suppress(ConnectionError):
                assert client.recv(100) == b""
    del idle, half, silent, client
    assert held() == before


def test_a_server_that_stops_does_not_blame_the_client() -> None:
    server = HTTPSServer(LOCALHOST).start()
    with connected(server) as client:
        client.sendall(b"\x16\x03\x01")
        while not (server.recordings and server.recordings[0].segments):
            threading.Event().wait(0.001)
        server.stop()
        assert "client" not in str(server.recordings[0].outcome)


def test_a_second_stop_is_harmless_and_so_is_one_before_the_start() -> None:
    server = HTTPSServer(LOCALHOST)
    server.stop()
    with server:
        assert get(server)[0] == 200
    server.stop()
    server.stop()


def test_a_stopped_server_starts_again_and_still_remembers() -> None:
    server = HTTPSServer(LOCALHOST)
    for round_ in (1, 2, 3):
        with server:
            assert get(server)[0] == 200
            assert len(server.wait_for(round_)) == round_
    assert len(server.log) == 3
    assert all(recording.keylog for recording in server.recordings)


def test_an_app_may_stop_its_own_server() -> None:
    def app(_: Request) -> str:
        server.stop()
        return "never arrives"

    server = HTTPSServer(LOCALHOST, app).start()
    with contextlib.suppress(OSError):
        get(server)
    assert repr(server) == "<HTTPSServer, stopped>"
    with pytest.raises(OSError):  # noqa: PT011  # refused or reset, as the system likes
        connected(server).close()


def test_an_error_in_the_with_block_stops_the_server_too(folder: Path) -> None:
    before = held()
    with pytest.raises(ZeroDivisionError), HTTPSServer(LOCALHOST):
        _ = 1 / 0
    assert held() == before
    assert names_in(folder) == []


# ---- what cannot be served


@pytest.mark.parametrize("credential", [None, "key.pem", ROOT, LOCALHOST.certificate, LOCALHOST.key, ()])
def test_only_a_credential_can_be_served(credential: Any) -> None:
    with pytest.raises(TLSNotesError, match="needs a credential"):
        HTTPSServer(credential)


@pytest.mark.parametrize("app", [None, "hello", {"answer": 42}])
def test_an_app_is_a_function(app: Any) -> None:
    """A learner who writes app() instead of app hears of it at once, and not from a client's 500."""
    with pytest.raises(TLSNotesError, match="an app is a function"):
        HTTPSServer(LOCALHOST, app)


@pytest.mark.parametrize("versions", [(), "1.3", ("1.1",), ("1.3", "1.4"), (1.3,), None, 1.3, ([],)], ids=repr)
def test_only_versions_1_2_and_1_3_can_be_served(versions: Any) -> None:
    with pytest.raises(TLSNotesError, match="TLS versions"):
        HTTPSServer(LOCALHOST, versions=versions)


@pytest.mark.parametrize("client_auth", ["none", "REQUIRED", "", None, True, []], ids=repr)
def test_a_client_certificate_is_required_or_optional(client_auth: Any) -> None:
    with pytest.raises(TLSNotesError, match="client"):
        HTTPSServer(LOCALHOST, client_ca=ROOT, client_auth=client_auth)


@pytest.mark.parametrize("client_ca", ["root.pem", b"pem", [], 5, [ROOT.certificate_pem], [None], ROOT.credential.key])
def test_only_authorities_and_certificates_can_be_trusted(client_ca: Any) -> None:
    with pytest.raises(TLSNotesError, match="trusted"):
        HTTPSServer(LOCALHOST, client_ca=client_ca)


@pytest.mark.parametrize("client_ca", [ROOT, ROOT.certificate, ROOT.credential, [ROOT.certificate] * 2], ids=type)
def test_trust_is_an_authority_a_credential_or_certificates(client_ca: Any) -> None:
    with HTTPSServer(LOCALHOST, client_ca=client_ca, client_auth="optional") as server:
        assert get(server)[0] == 200


@pytest.mark.parametrize("port", [-1, 65536, "443", 1.5, None, True, [443]], ids=repr)
def test_a_port_is_a_number_up_to_65535(port: Any, folder: Path) -> None:
    before = held()
    with pytest.raises(TLSNotesError, match="port"):
        HTTPSServer(LOCALHOST, port=port).start()
    assert held() == before
    assert names_in(folder) == []


@pytest.mark.parametrize("host", ["", "no such host", "203.0.113.1", "localhost:443", "127.0.0.1\0", None, 5, b"::1"])
def test_a_host_is_an_address_of_this_machine(host: Any, folder: Path) -> None:
    server = HTTPSServer(LOCALHOST, host=host)
    try:
        with pytest.raises(TLSNotesError):
            server.start()
    finally:
        server.stop()
    assert names_in(folder) == []


@pytest.mark.parametrize("kind", [kind for kind in KEY_KINDS if kind not in ("rsa-3072", "rsa-4096")])
def test_a_key_is_served_or_this_openssl_is_named(kind: str) -> None:
    credential = self_signed("localhost", kind)
    if kind.startswith("ml-dsa") and ssl.OPENSSL_VERSION_INFO < (3, 5):
        with pytest.raises(TLSNotesError, match=kind) as caught:
            HTTPSServer(credential)
        assert ssl.OPENSSL_VERSION in str(caught.value)
        return
    context = ssl.create_default_context(cadata=credential.certificate_pem.decode())
    with (
        HTTPSServer(credential) as server,
        context.wrap_socket(connected(server), server_hostname="localhost") as client,
    ):
        assert client.version() == "TLSv1.3"


# ---- versions


@pytest.mark.parametrize(
    ("versions", "spoken"),
    [(("1.2",), "TLSv1.2"), (("1.3",), "TLSv1.3"), (("1.2", "1.3"), "TLSv1.3"), (["1.3", "1.2"], "TLSv1.3")],
)
def test_only_the_versions_named_are_spoken(versions: tuple[str, ...], spoken: str) -> None:
    with (
        HTTPSServer(LOCALHOST, versions=versions) as server,
        trusting().wrap_socket(connected(server), server_hostname="localhost") as client,
    ):
        assert client.version() == spoken


@pytest.mark.parametrize(
    ("versions", "client_version"), [(("1.2",), ssl.TLSVersion.TLSv1_3), (("1.3",), ssl.TLSVersion.TLSv1_2)]
)
def test_a_client_of_another_version_sees_the_alert_protocol_version(
    versions: tuple[str, ...], client_version: ssl.TLSVersion
) -> None:
    context = trusting()
    context.minimum_version = context.maximum_version = client_version
    with HTTPSServer(LOCALHOST, versions=versions) as server:
        with pytest.raises(ssl.SSLError) as caught:
            context.wrap_socket(connected(server), server_hostname="localhost")
        assert caught.value.reason == "TLSV1_ALERT_PROTOCOL_VERSION"
        recording = server.last
        assert recording is not None
        assert recording.outcome == "refused by the server: unsupported protocol"
        assert recording.segments[-1].data[-2:] == b"\x02\x46"  # fatal, protocol_version(70)
        assert recording.outcome in server.log[-1]


# ---- clients that misbehave


def nothing(_: HTTPSServer) -> None:
    return


def garbage(server: HTTPSServer) -> None:
    with connected(server) as client, contextlib.suppress(ConnectionError):
        client.sendall(os.urandom(3000))
        client.shutdown(socket.SHUT_WR)
        while client.recv(4096):
            pass


def plain_http(server: HTTPSServer) -> None:
    with connected(server) as client, contextlib.suppress(ConnectionError):
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        while client.recv(4096):
            pass


def a_reset_at_once(server: HTTPSServer) -> None:
    reset(connected(server))


def a_reset_in_the_handshake(server: HTTPSServer) -> None:
    client = connected(server)
    client.sendall(bytes.fromhex("1603010200010001fc0303"))
    reset(client)


def a_half_close_in_the_handshake(server: HTTPSServer) -> None:
    with connected(server) as client, contextlib.suppress(ConnectionError):
        client.sendall(bytes.fromhex("1603010200010001fc0303"))
        client.shutdown(socket.SHUT_WR)
        while client.recv(4096):
            pass


def a_reset_in_the_middle_of_a_response(server: HTTPSServer) -> None:
    client = trusting().wrap_socket(connected(server), server_hostname="localhost")
    client.sendall(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
    client.recv(100)
    reset(client)


def a_close_in_the_middle_of_a_request(server: HTTPSServer) -> None:
    with trusting().wrap_socket(connected(server), server_hostname="localhost") as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nonly this")


def an_untrusting_client(server: HTTPSServer) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        trusting(Authority.root("another")).wrap_socket(connected(server), server_hostname="localhost")


def garbage_after_the_handshake(server: HTTPSServer) -> None:
    client = trusting().wrap_socket(connected(server), server_hostname="localhost")
    with socket.socket(fileno=client.detach()) as raw, contextlib.suppress(ConnectionError):
        raw.settimeout(10)
        raw.sendall(b"\x17\x03\x03\x00\x20" + os.urandom(32))
        while raw.recv(4096):
            pass


MISBEHAVIOUR = [
    nothing, garbage, plain_http, a_reset_at_once, a_reset_in_the_handshake, a_half_close_in_the_handshake,
    a_reset_in_the_middle_of_a_response, a_close_in_the_middle_of_a_request, an_untrusting_client,
    garbage_after_the_handshake,
]  # fmt: skip


@pytest.mark.parametrize("misbehave", MISBEHAVIOUR)
def test_whatever_clients_do_the_server_goes_on_and_prints_nothing(
    misbehave: Any, capfd: pytest.CaptureFixture[str], folder: Path
) -> None:
    before = held()

    def app(request: Request) -> bytes | str:
        return bytes(20_000_000) if request.path == "/large" else "still here"

    with HTTPSServer(LOCALHOST, app) as server:
        for _ in range(3):
            misbehave(server)
            assert get(server) == (200, b"still here")
        assert not [line for line in server.log if "the server failed" in line]
    assert capfd.readouterr() == ("", "")
    assert held() == before
    assert names_in(folder) == []


@pytest.mark.parametrize("failure", [SystemExit("bye"), KeyboardInterrupt(), Exception("\x1b[31m"), RecursionError()])
def test_however_an_app_fails_the_server_prints_nothing(
    failure: BaseException, capfd: pytest.CaptureFixture[str]
) -> None:
    def app(_: Request) -> str:
        raise failure

    with HTTPSServer(LOCALHOST, app) as server:
        status, _ = get(server)
        assert status == 500
        assert type(failure).__name__ in "".join(server.log)
        assert "\x1b" not in "".join(server.log)
    assert capfd.readouterr() == ("", "")


def test_http_spoken_to_the_tls_port_is_called_by_its_name() -> None:
    with HTTPSServer(LOCALHOST) as server:
        plain_http(server)
        assert server.wait_for(1)[0].outcome == "not TLS: the client spoke plain HTTP"


def test_a_client_that_distrusts_the_server_is_the_one_who_refused() -> None:
    with HTTPSServer(LOCALHOST) as server:
        an_untrusting_client(server)
        assert server.wait_for(1)[0].outcome == "refused by the client: unknown_ca"


def test_a_client_that_breaks_off_is_the_one_who_did() -> None:
    with HTTPSServer(LOCALHOST) as server:
        a_half_close_in_the_handshake(server)
        assert server.wait_for(1)[0].outcome == "broken off by the client, without an alert"
        a_reset_in_the_handshake(server)
        assert "broken off by the client" in str(server.wait_for(2)[1].outcome)


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_client_that_leaves_without_goodbye_is_sent_no_alert(version: str) -> None:
    """As requests does at the end of every program: nobody would read the alert, and in a recording it frightens."""
    with HTTPSServer(LOCALHOST, versions=(version,)) as server:
        assert get(server)[0] == 200
        recording = server.wait_for(1)[0]
        server.stop()
        assert recording.outcome == "established"
        alerts = [m for m in recording.dissect().messages if m.content_type == 21 and m.sender == "server"]
        assert [m.type for m in alerts if m.type != 0] == []


def alert_in_the_clear(server: HTTPSServer, number: int, level: int = 2) -> Recording:
    """Send a real ClientHello, read the server's answer to it, and end the handshake with the alert `number`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    with connected(server) as client:
        client.sendall(outgoing.read())
        assert client.recv(65536)[0] == 22
        client.sendall(bytes([21, 3, 3, 0, 2, level, number]))
        while client.recv(4096):
            pass
    recording = server.last
    assert recording is not None
    return recording


# Those of RFC 5246 section 7.2 and RFC 9846 section 6 with which a client can end a handshake.
CLIENT_ALERTS = {
    10: "unexpected_message", 20: "bad_record_mac", 22: "record_overflow", 40: "handshake_failure",
    42: "bad_certificate", 43: "unsupported_certificate", 44: "certificate_revoked", 45: "certificate_expired",
    46: "certificate_unknown", 47: "illegal_parameter", 48: "unknown_ca", 49: "access_denied", 50: "decode_error",
    51: "decrypt_error", 70: "protocol_version", 71: "insufficient_security", 80: "internal_error",
    90: "user_canceled", 110: "unsupported_extension",
}  # fmt: skip


def test_every_alert_of_a_client_is_named_in_the_outcome() -> None:
    with HTTPSServer(LOCALHOST) as server:
        outcomes = {number: alert_in_the_clear(server, number).outcome for number in CLIENT_ALERTS}
    assert outcomes == {number: f"refused by the client: {name}" for number, name in CLIENT_ALERTS.items()}


def test_a_client_that_says_goodbye_in_the_handshake_is_the_one_who_left() -> None:
    with HTTPSServer(LOCALHOST) as server:
        outcome = alert_in_the_clear(server, 0, level=1).outcome
    assert "client" in str(outcome)
    assert "server" not in str(outcome)


def test_a_silent_or_dripping_client_is_dropped_after_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tlsnotes.live.server.SECONDS", 0.4)
    with HTTPSServer(LOCALHOST) as server, connected(server) as silent, connected(server) as dripping:
        started = time.monotonic()
        dripping.settimeout(0.02)
        for byte in bytes.fromhex("1603010200010001fc0303") + bytes(500):
            try:
                dripping.sendall(bytes([byte]))
                if not dripping.recv(1):
                    break
            except TimeoutError:
                pass
            except ConnectionError:
                break
        assert silent.recv(1) == b""
        assert 0.3 < time.monotonic() - started < 3
        assert all("given up" in str(recording.outcome) for recording in server.wait_for(2))
        assert get(server)[0] == 200


def test_fifty_silent_clients_do_not_delay_another_one() -> None:
    with HTTPSServer(LOCALHOST) as server, contextlib.ExitStack() as stack:
        for _ in range(50):
            stack.enter_context(connected(server))
        started = time.monotonic()
        assert get(server)[0] == 200
        assert time.monotonic() - started < 1


def test_a_hundred_clients_at_once_are_all_answered() -> None:
    with HTTPSServer(LOCALHOST, lambda request: request.path) as server, ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(lambda n: get(server, f"/{n}"), range(100)))
        assert answers == [(200, f"/{n}".encode()) for n in range(100)]
        assert len(server.wait_for(100)) == 100
        assert [recording.outcome for recording in server.recordings] == ["established"] * 100


# ---- secrets on disk

_watching: list[Path] = []
_seen: list[tuple[int, int, bytes]] = []


def _see(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook (they cannot be taken off again): look at temporary files in the moment before they are deleted."""
    if _watching and event == "shutil.rmtree" and _watching[0] in Path(os.fsdecode(arguments[0])).parents:
        for path in Path(os.fsdecode(arguments[0])).glob("*"):
            modes = stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode)
            _seen.append((*modes, path.read_bytes()))


@cache
def _watch_deletions() -> None:
    sys.addaudithook(_see)


@pytest.fixture
def deleted_files(folder: Path) -> Iterator[list[tuple[int, int, bytes]]]:
    """Files deleted from the temporary folder in this test: the file's mode, its folder's, and what was in it."""
    _watch_deletions()
    _watching.append(folder)
    _seen.clear()
    yield _seen
    _watching.clear()


@pytest.fixture
def open_umask() -> Iterator[None]:
    """The most careless umask there is: files are for everybody unless their maker says otherwise."""
    before = os.umask(0)
    yield
    os.umask(before)


@posix
@pytest.mark.usefixtures("open_umask")
@pytest.mark.parametrize("kind", ["ecdsa-p256", "rsa-2048", "ed25519"])
def test_the_private_key_never_lies_on_disk_in_the_clear(
    kind: str, deleted_files: list[tuple[int, int, bytes]], folder: Path
) -> None:
    credential = self_signed("localhost", kind)
    with HTTPSServer(credential):
        pass
    assert names_in(folder) == []
    assert len(deleted_files) == 1  # the one that `ssl` loads the key from
    file_mode, folder_mode, data = deleted_files[0]
    assert (file_mode, folder_mode) == (0o600, 0o700)
    assert b"-----BEGIN ENCRYPTED PRIVATE KEY-----" in data
    body = b"".join(key_pem(credential.key).splitlines()[1:-1])
    assert re.findall(b"-----BEGIN ([A-Z ]*KEY)-----", data) == [b"ENCRYPTED PRIVATE KEY"]
    assert body[-40:] not in data.replace(b"\n", b"")


@posix
@linux
@pytest.mark.usefixtures("open_umask")
def test_the_key_log_is_private_and_has_no_name_while_the_server_runs(folder: Path) -> None:
    before = held()
    with HTTPSServer(LOCALHOST) as server:
        assert get(server)[0] == 200
        assert names_in(folder) == []
        logs = [fd for fd in Path("/proc/self/fd").iterdir() if str(folder) in os.path.realpath(fd)]
        assert logs
        assert all(str(fd.readlink()).endswith("(deleted)") for fd in logs)
        assert {stat.S_IMODE(fd.stat().st_mode) for fd in logs} == {0o600}
        assert {fd.stat().st_size for fd in logs} == {0}  # what a connection took is no longer in the file
    assert held() == before


@pytest.mark.parametrize("memory", ["there", "not there"])
def test_the_key_log_is_in_memory_where_there_is_such_a_folder(
    memory: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tlsnotes.live.context.MEMORY", folder / "memory")
    if memory == "there":
        (folder / "memory").mkdir()
    made, make = [], tempfile.mkdtemp
    monkeypatch.setattr(tempfile, "mkdtemp", lambda *given, **named: made.append(make(*given, **named)) or made[-1])
    with HTTPSServer(LOCALHOST) as server:
        assert get(server)[0] == 200
    assert Path(made[-1]).parent == (folder / "memory" if memory == "there" else folder)


def test_no_secret_is_in_the_log_or_in_what_objects_say_of_themselves() -> None:
    with HTTPSServer(LOCALHOST) as server:
        get(server)
        recording = server.last
        assert recording is not None
        secrets = [line.split()[2] for line in recording.keylog.splitlines()]
        assert len(secrets) == 5
        said = f"{server!r} {server.log} {recording!r} {server.recordings!r}"
        assert not [secret for secret in secrets if secret in said]
