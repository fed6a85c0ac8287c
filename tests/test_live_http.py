"""What an app is asked and what its answers become: HTTP/1.1 over real TLS connections, the odd requests included."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPResponse, HTTPSConnection
from typing import Any

import pytest

from tlsnotes import Authority, HTTPSServer, Request

ROOT = Authority.root("the root of these tests")
LOCALHOST = ROOT.issue("localhost")
END = b"\r\n\r\n"


def trusting() -> ssl.SSLContext:
    return ssl.create_default_context(cadata=ROOT.certificate_pem.decode())


@contextlib.contextmanager
def tls(server: HTTPSServer) -> Iterator[ssl.SSLSocket]:
    raw = socket.create_connection(("127.0.0.1", server.port), timeout=15)
    with trusting().wrap_socket(raw, server_hostname="localhost") as client:
        yield client


def read_response(client: ssl.SSLSocket, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    response = HTTPResponse(client, method=method)
    with contextlib.closing(response):
        response.begin()
        body = response.read()
        headers = [(name.lower(), value) for name, value in response.getheaders()]
        assert len(dict(headers)) == len(headers), f"a header twice: {headers}"
        return response.status, dict(headers), body


def read_to_end(client: ssl.SSLSocket) -> bytes:
    return b"".join(iter(lambda: client.recv(65536), b""))


def say(app: Any, request: bytes, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    """Send the bytes of one request to a server with `app`, and read its answer."""
    with HTTPSServer(LOCALHOST, app) as server, tls(server) as client:
        client.sendall(request)
        return read_response(client, method)


def answer_of(result: object) -> tuple[int, dict[str, str], bytes]:
    """What a client gets when the app returns `result`."""
    return say(lambda _: result, b"GET / HTTP/1.1\r\nHost: localhost" + END)


def question_of(request: bytes) -> Request:
    """What the app is asked when a client sends the bytes of `request`."""
    asked: list[Request] = []

    def app(request: Request) -> str:
        asked.append(request)
        return "noted"

    assert say(app, request)[2] == b"noted"
    assert len(asked) == 1
    return asked[0]


def echo(request: Request) -> dict[str, object]:
    return {"method": request.method, "path": request.path, "query": request.query, "length": len(request.body)}


# ---- answers


@pytest.mark.parametrize(
    ("result", "status", "kind", "body"),
    [
        ("hellö", 200, "text/plain; charset=utf-8", "hellö".encode()),
        ("", 200, "text/plain; charset=utf-8", b""),
        (b"\0\xff", 200, "application/octet-stream", b"\0\xff"),
        ({"a": 1}, 200, "application/json", b'{"a": 1}'),
        ([1, "two"], 200, "application/json", b'[1, "two"]'),
        ((201, "made"), 201, "text/plain; charset=utf-8", b"made"),
        ((404, {"no": "such"}), 404, "application/json", b'{"no": "such"}'),
        ((200, "<p>", {"Content-Type": "text/html"}), 200, "text/html", b"<p>"),
        ((200, "<p>", {"content-type": "text/html"}), 200, "text/html", b"<p>"),
    ],
)
def test_what_an_app_returns_is_what_the_client_reads(result: object, status: int, kind: str, body: bytes) -> None:
    got, headers, data = answer_of(result)
    assert (got, headers["content-type"], data) == (status, kind, body)
    assert headers["content-length"] == str(len(body))
    assert headers["date"].endswith("GMT")


def test_headers_of_an_app_are_passed_on() -> None:
    _, headers, _ = answer_of((200, "x", {"Location": "/there", "X-Own": "yes"}))
    assert headers["location"] == "/there"
    assert headers["x-own"] == "yes"


@pytest.mark.parametrize("own", ["Content-Length", "content-length", "Date", "date"])
def test_an_app_that_sets_what_the_server_sets_does_not_break_the_answer(own: str) -> None:
    status, headers, body = answer_of((200, "four", {own: "4"}))
    assert (status, headers["content-length"], body) == (200, "4", b"four")


def test_nothing_is_404_in_json() -> None:
    status, headers, body = say(lambda _: None, b"GET /gone HTTP/1.1\r\nHost: localhost" + END)
    assert (status, headers["content-type"]) == (404, "application/json")
    assert json.loads(body)["status"] == 404
    assert "/gone" in json.loads(body)["error"]


def test_an_answer_of_204_has_no_content_and_the_connection_goes_on() -> None:
    with HTTPSServer(LOCALHOST, lambda _: (204, "ignored")) as server, tls(server) as client:
        for _ in range(2):
            client.sendall(b"DELETE /x HTTP/1.1\r\nHost: localhost" + END)
            status, headers, body = read_response(client, "DELETE")
            assert (status, body) == (204, b"")
            assert not headers.keys() & {"content-length", "content-type", "transfer-encoding"}


def test_head_is_answered_with_the_headers_of_get_and_nothing_more() -> None:
    with HTTPSServer(LOCALHOST, lambda _: "twelve bytes") as server, tls(server) as client:
        client.sendall(b"HEAD / HTTP/1.1\r\nHost: localhost" + END)
        status, headers, _ = read_response(client, "HEAD")
        assert (status, headers["content-length"]) == (200, "12")
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close" + END)
        assert read_to_end(client).startswith(b"HTTP/1.1 200")  # no stray body stood before it


def test_a_large_answer_arrives_whole() -> None:
    body = bytes(range(256)) * 40_000
    assert answer_of(body)[2] == body


# ---- apps that fail


@pytest.mark.parametrize(
    "result",
    [
        5, object(), 1.5, True, {1, 2}, bytearray(b"x"), {"a": object()}, (), (200,), ("200", "x"), (99, "x"),
        (700, "x"), (101, "x"), (200.5, "x"), (200, None), (200, "x", None), (200, "x", {}, {}), (200, "x", {"A": 1}),
        "\ud800", (200, "x", {"Ünïcode": "x"}),
    ],
    ids=repr,
)  # fmt: skip
def test_an_app_that_returns_something_else_is_a_500_with_the_reason_in_the_log(result: object) -> None:
    with HTTPSServer(LOCALHOST, lambda _: result) as server, tls(server) as client:  # type: ignore[arg-type, return-value]
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost" + END)
        status, headers, body = read_response(client)
        assert (status, headers["content-type"]) == (500, "application/json")
        assert json.loads(body) == {"error": "the app failed: see the server's log", "status": 500}
        assert any("the app failed" in line for line in server.log)


def test_a_failing_app_is_a_500_and_its_reason_stays_with_the_server() -> None:
    def app(_: Request) -> str:
        raise KeyError("hidden detail")

    with HTTPSServer(LOCALHOST, app) as server, tls(server) as client:
        for _ in range(2):  # and the connection goes on
            client.sendall(b"GET /x HTTP/1.1\r\nHost: localhost" + END)
            status, _, body = read_response(client)
            assert status == 500
            assert b"hidden" not in body
            assert b"KeyError" not in body
        reasons = [line for line in server.log if "KeyError" in line]
        assert len(reasons) == 2
        assert "hidden detail" in reasons[0]


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: stolen=1", "a\nb", "a\0b"], ids=repr)
@pytest.mark.parametrize("place", ["name", "value"])
def test_a_header_with_a_line_break_is_a_500_and_no_second_header(place: str, value: str) -> None:
    headers = {value: "x"} if place == "name" else {"X": value}
    with HTTPSServer(LOCALHOST, lambda _: (200, "x", headers)) as server, tls(server) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close" + END)
        data = read_to_end(client)
    assert data.startswith(b"HTTP/1.1 500 ")
    assert b"stolen" not in data


def test_hostile_text_in_a_request_is_made_visible_in_the_log() -> None:
    def app(request: Request) -> str:
        raise ValueError(f"\x1b[2J\u202e{request.path * 1000}")

    with HTTPSServer(LOCALHOST, app) as server, tls(server) as client:
        client.sendall(b"GET /abc HTTP/1.1\r\nHost: localhost" + END)
        assert read_response(client)[0] == 500
        assert all(line.isprintable() and len(line) < 400 for line in server.log)


# ---- requests


def test_an_app_sees_method_path_query_headers_and_body() -> None:
    asked = question_of(
        b"PUT /a%20b/c?x=1&y=two+words&empty=&y=again HTTP/1.1\r\nHost: localhost\r\n"
        b"X-Thing: One\r\nContent-Length: 3" + END + b"abc"
    )
    assert (asked.method, asked.path, asked.body) == ("PUT", "/a%20b/c", b"abc")
    assert asked.query == {"x": "1", "y": "again", "empty": ""}
    assert asked.headers["x-thing"] == asked.headers["X-THING"] == "One"
    assert "host" in asked.headers
    assert asked.headers["absent"] is None
    assert asked.client is None


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "OPTIONS", "TRACE", "BREW", "lower", "M-SEARCH"])
def test_any_method_reaches_the_app(method: str) -> None:
    assert question_of(f"{method} /x HTTP/1.1\r\nHost: localhost".encode() + END).method == method


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("http://localhost/a/b?x=1", "/a/b", {"x": "1"}),
        ("https://localhost:8443", "/", {}),
        ("*", "/", {}),
        ("//double//slash", "//double//slash", {}),
        ("/?", "/", {}),
        ("/a#b", "/a#b", {}),
    ],
)
def test_a_target_in_another_form_becomes_a_path(target: str, path: str, query: dict[str, str]) -> None:
    asked = question_of(f"OPTIONS {target} HTTP/1.1\r\nHost: localhost".encode() + END)
    assert (asked.path, asked.query) == (path, query)


def test_a_method_that_asks_for_a_tunnel_gets_an_answer_too() -> None:
    status, _, _ = say(echo, b"CONNECT example.com:443 HTTP/1.1\r\nHost: localhost" + END, "GET")
    assert 200 <= status <= 599


def test_a_client_that_offers_to_change_the_protocol_is_answered_in_this_one() -> None:
    status, _, body = say(
        echo, b"GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket" + END
    )
    assert (status, json.loads(body)["path"]) == (200, "/ws")


def test_a_body_is_read_as_json_by_the_one_who_asks_for_it() -> None:
    body = json.dumps({"amount": 5}).encode()
    request = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d" % len(body) + END + body
    assert json.loads(say(lambda request: {"got": request.json}, request)[2]) == {"got": {"amount": 5}}


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"not json", b"9" * 10_000])
def test_a_body_that_is_no_json_is_a_400(body: bytes) -> None:
    request = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d" % len(body) + END + body
    status, headers, data = say(lambda request: {"got": request.json}, request)
    assert (status, headers["content-type"]) == (400, "application/json")
    assert json.loads(data)["error"].startswith("the body is no JSON")


def test_a_body_in_chunks_is_put_together() -> None:
    asked = question_of(
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked"
        + END
        + b"5\r\nhello\r\n6;extension=1\r\n world\r\n0\r\nTrailer: x\r\n\r\n"
    )
    assert asked.body == b"hello world"


def test_a_client_that_asks_before_it_sends_is_told_to_go_on() -> None:
    with HTTPSServer(LOCALHOST, echo) as server, tls(server) as client:
        client.sendall(b"POST /up HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nExpect: 100-continue" + END)
        assert client.recv(100) == b"HTTP/1.1 100 \r\n\r\n"
        client.sendall(b"12345")
        assert json.loads(read_response(client, "POST")[2])["length"] == 5


def test_a_client_that_asks_before_it_sends_too_much_is_told_to_keep_it() -> None:
    with HTTPSServer(LOCALHOST, echo) as server, tls(server) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999\r\nExpect: 100-continue" + END)
        started = time.monotonic()
        assert client.recv(100).startswith(b"HTTP/1.1 413 ")
        assert time.monotonic() - started < 2


def test_a_promised_gigabyte_is_refused_at_once() -> None:
    with HTTPSServer(LOCALHOST, echo) as server, tls(server) as client:
        started = time.monotonic()
        client.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1073741824" + END)
        status, headers, body = read_response(client, "POST")
        assert time.monotonic() - started < 2
        assert (status, headers["connection"]) == (413, "close")
        assert json.loads(body)["status"] == 413


@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_a_body_of_five_megabytes_is_refused_with_413_and_the_client_reads_it(framing: str) -> None:
    body = bytes(5 << 20)
    if framing == "length":
        head, sent = b"Content-Length: %d" % len(body), body
    else:
        head, sent = b"Transfer-Encoding: chunked", b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"
    with HTTPSServer(LOCALHOST, echo) as server, tls(server) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\n" + head + END + sent)
        assert read_response(client, "POST")[0] == 413


def test_a_body_of_exactly_one_mebibyte_is_taken() -> None:
    body = bytes(1 << 20)
    request = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d" % len(body) + END + body
    assert json.loads(say(echo, request)[2])["length"] == len(body)


@pytest.mark.parametrize(
    "line",
    [b"X: " + b"a" * 100_000, b"\r\n".join(b"X-%d: y" % n for n in range(10_000))],
    ids=["one header", "many headers"],
)
def test_headers_without_end_are_refused_with_431(line: bytes) -> None:
    with HTTPSServer(LOCALHOST, echo) as server, tls(server) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n" + line)
        assert read_response(client)[0] == 431
        assert "no HTTP" in server.log[-1]


@pytest.mark.parametrize(
    "request_",
    [
        b"nonsense\r\n\r\n", b"GET /\r\n\r\n", b"\x00\x01\x02\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n",  # the last: no Host
        b"GET / HTTP/1.1\r\nHost: localhost\r\nBad Header: x\r\n\r\n", b"GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    ],
)  # fmt: skip
def test_what_is_no_http_request_is_a_400_and_ends_the_connection(request_: bytes) -> None:
    with HTTPSServer(LOCALHOST, echo) as server, tls(server) as client:
        client.sendall(request_)
        status, headers, body = read_response(client)
        assert status == 400
        assert headers["connection"] == "close"
        assert json.loads(body)["status"] == 400
        assert read_to_end(client) == b""
        assert "no HTTP" in server.log[-1]


def test_a_body_that_ends_early_reaches_no_app() -> None:
    asked: list[Request] = []

    def app(request: Request) -> str:
        asked.append(request)
        return "x"

    with HTTPSServer(LOCALHOST, app) as server:
        with tls(server) as client:
            client.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100" + END + b"half")
        server.wait_for(1)
    assert asked == []


# ---- connections


def test_a_hundred_requests_on_one_connection_are_one_recording() -> None:
    with HTTPSServer(LOCALHOST, lambda request: request.path) as server:
        connection = HTTPSConnection("localhost", server.port, context=trusting(), timeout=10)
        with contextlib.closing(connection):
            for n in range(100):
                connection.request("POST", f"/{n}", b"x" * n)
                assert connection.getresponse().read() == f"/{n}".encode()
            assert len(server.recordings) == 1
            assert len(server.log) == 100


def test_a_client_that_wants_to_close_is_closed_with_a_goodbye() -> None:
    with HTTPSServer(LOCALHOST, lambda _: "bye") as server, tls(server) as client:
        client.suppress_ragged_eofs = False  # an end without close_notify would raise
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close" + END)
        data = read_to_end(client)
        assert data.endswith(b"bye")
        assert b"connection: close" in data.lower()


def test_requests_sent_together_are_answered_in_their_order() -> None:
    together = b"".join(
        b"POST /%d HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2" % n + END + b"ab" for n in range(20)
    )
    with HTTPSServer(LOCALHOST, lambda request: request.path) as server, tls(server) as client:
        client.sendall(together + b"GET /last HTTP/1.1\r\nHost: localhost\r\nConnection: close" + END)
        data = read_to_end(client)
    bodies = [piece.partition(END)[2].decode() for piece in data.split(b"HTTP/1.1 200 ")[1:]]
    assert bodies == [*(f"/{n}" for n in range(20)), "/last"]


def test_a_request_that_comes_byte_by_byte_is_answered() -> None:
    with HTTPSServer(LOCALHOST, echo) as server, tls(server) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"POST /drip HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3" + END + b"abc":
            client.sendall(bytes([byte]))
        assert json.loads(read_response(client, "POST")[2]) == {
            "method": "POST", "path": "/drip", "query": {}, "length": 3,
        }  # fmt: skip


def test_an_old_client_is_answered_and_closed() -> None:
    with HTTPSServer(LOCALHOST, lambda _: "for the old") as server, tls(server) as client:
        client.sendall(b"GET / HTTP/1.0" + END)
        data = read_to_end(client)
    assert data.startswith(b"HTTP/1.1 200 ")
    assert data.endswith(b"for the old")


def test_a_client_that_ends_its_side_still_reads_the_answer() -> None:
    with HTTPSServer(LOCALHOST, lambda _: "still here") as server, tls(server) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost" + END)
        socket.socket.shutdown(client, socket.SHUT_WR)  # ends TCP's sending side and leaves TLS as it is
        assert read_response(client)[2] == b"still here"


def test_fifty_clients_at_once_get_each_their_own_answer() -> None:
    def ask(n: int) -> bytes:
        with tls(server) as client:
            client.sendall(b"POST /%d HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000" % n + END + b"%4d" % n * 250)
            return read_response(client, "POST")[2]

    def app(request: Request) -> bytes:
        return request.path.encode() + request.body

    with HTTPSServer(LOCALHOST, app) as server, ThreadPoolExecutor(50) as pool:
        assert list(pool.map(ask, range(50))) == [b"/%d" % n + b"%4d" % n * 250 for n in range(50)]


def test_the_default_app_greets_everybody() -> None:
    with HTTPSServer(LOCALHOST) as server, tls(server) as client:
        client.sendall(b"GET /x HTTP/1.1\r\nHost: localhost" + END)
        assert json.loads(read_response(client)[2])["path"] == "/x"


def test_the_log_has_a_line_for_each_request() -> None:
    with HTTPSServer(LOCALHOST, lambda _: None) as server, tls(server) as client:
        client.sendall(b"GET /secret?token=1 HTTP/1.1\r\nHost: localhost" + END)
        read_response(client)
        assert list(server.log) == ["#1 GET /secret -> 404"]
