"""HTTP/1.1 over a connection, spoken by h11: requests in, an app's answers out, JSON for whatever goes wrong."""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import lru_cache
from typing import Protocol
from urllib.parse import parse_qsl
from wsgiref.headers import Headers

import h11
from cryptography import x509

from tlsnotes.errors import TLSNotesError

MAX_BODY = 1 << 20  # bytes of a request's body
MAX_HEAD = 1 << 14  # bytes of a request's line and headers
LONG = 1 << 16  # bytes of an answer's body


@dataclass(frozen=True, slots=True)
class Client:
    """Who is calling, as its certificate says and the server has verified: the certificate, and its names."""

    certificate: x509.Certificate
    names: tuple[str, ...]

    @property
    def name(self) -> str:
        """The first of its names; empty when it has none."""
        return self.names[0] if self.names else ""


class BadRequestError(TLSNotesError):
    """The client's request cannot be understood: it gets status 400, with these words."""


@dataclass(frozen=True, slots=True)
class Request:
    """What an app is called with: `method`, `path` and `query`, `headers` (any case), `body` in bytes, and `client`:
    the verified certificate of the client with its names, or None; `target` is path and query as they were sent."""

    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""
    client: Client | None = None
    target: str = field(default="", repr=False)

    @property
    def json(self) -> object:
        """The body read as JSON; raises `BadRequestError` (the client gets a 400) when it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise BadRequestError("the body is no JSON", expected="JSON text", found=str(error)[:200]) from error


Body = str | bytes | dict[str, object] | list[object]
Answer = Body | tuple[int, Body] | tuple[int, Body, dict[str, str]] | None
App = Callable[[Request], Answer]


class Stream(Protocol):
    """What HTTP is spoken over."""

    def read(self) -> bytes:
        """Give the next bytes, b"" at the end."""

    def write(self, data: bytes) -> None:
        """Send all of these bytes."""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, checked and ready to be sent."""

    head: h11.Response
    body: bytes


def converse(
    stream: Stream, app: App, client: Client | None, log: Callable[[str], None], rest: Callable[[], None]
) -> None:
    """Answer requests until the client closes or the connection cannot be kept; `log` takes a line for each, `rest` is
    called whenever an answer has been sent."""
    http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)
    while True:
        method = "GET"
        try:
            head = _next_event(http, stream)
            if not isinstance(head, h11.Request):
                return
            method = head.method.decode("ascii")
            body = _read_body(http, stream, head)
            if not head.http_version.startswith(b"1."):  # RFC 9110 section 15.6.6; h11 asks for the form alone
                response = _error(505, "this server speaks HTTP/1.1")
            elif method == "CONNECT":  # h11 takes a 2xx for the begin of a tunnel
                response = _error(501, "this server makes no tunnels: CONNECT is for proxies")
            elif body is None:
                response = _error(413, f"the body is too large: at most {MAX_BODY} bytes are taken")
            else:
                response = answer(app, _request(head, body, client), log)
        except h11.RemoteProtocolError as error:
            log(f"a request that is no HTTP: {error}")
            response = _error(error.error_status_hint, f"this is no HTTP request: {error}")
        _send(http, stream, method, response)
        rest()
        if http.our_state is not h11.DONE or http.their_state is not h11.DONE:
            return
        http.start_next_cycle()


def answer(app: App, request: Request, log: Callable[[str], None]) -> Response:
    """Ask the app and turn what it returns into a response: text, bytes, JSON, (status, ...), or None for 404."""
    try:
        response = _response(request, app(request))
    except BadRequestError as error:
        response = _error(400, str(error))
    # Whatever a learner's app raises, sys.exit() too: the client gets a 500, the log the reason.
    except BaseException as error:  # noqa: BLE001
        frame = traceback.extract_tb(error.__traceback__)[-1]
        log(f"the app failed: {type(error).__name__}: {error} ({frame.name}, line {frame.lineno})")
        response = _error(500, "the app failed: see the server's log")
    caller = f" (client: {request.client.name})" if request.client else ""
    log(f"{request.method} {request.path} -> {response.head.status_code}{caller}")
    return response


def _response(request: Request, result: Answer) -> Response:
    if result is None:
        return _error(404, f"there is nothing at {request.path}")
    status, body, *rest = result if isinstance(result, tuple) else (200, result)
    extra: dict[str, str] = dict(*rest)
    match body:
        case str():
            kind, data = "text/plain; charset=utf-8", body.encode()
        case bytes():
            kind, data = "application/octet-stream", body
        case dict() | list():
            kind, data = "application/json", json.dumps(body).encode()
        case _:
            raise TypeError(f"an app returns str, bytes, dict, (status, ...) or None, not {type(body).__name__}")
    return _build(status, data, {"Content-Type": kind, **extra})


def _error(status: int, text: str) -> Response:
    return _build(status, json.dumps({"error": text, "status": status}).encode(), {"Content-Type": "application/json"})


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)


def _build(status: int, body: bytes, headers: dict[str, str]) -> Response:
    if not 200 <= status <= 599:
        raise ValueError(f"{status} is no status of an answer: 200 to 599")
    named = {name.lower(): (name, value) for name, value in headers.items()}  # of two that differ in case, the later
    if status in (204, 304):  # RFC 9110 section 6.4.1: these have no content
        body = b""
        named.pop("content-type", None)
        named.pop("content-length", None)
    else:
        named["content-length"] = ("Content-Length", str(len(body)))
    named["date"] = ("Date", _date(int(time.time())))
    return Response(h11.Response(status_code=status, headers=list(named.values())), body)


def _request(head: h11.Request, body: bytes, client: Client | None) -> Request:
    target = head.target.decode("ascii", "replace")
    if not target.startswith("/"):  # the absolute form, as to a proxy: RFC 9112 section 3.2.2
        target = "/" + target.partition("://")[2].partition("/")[2]
    path, _, query = target.partition("?")
    headers = Headers([(name.decode("ascii"), value.decode("latin-1")) for name, value in head.headers])
    fields = dict(parse_qsl(query, keep_blank_values=True))
    return Request(head.method.decode("ascii"), path, fields, headers, body, client, target)


def _next_event(http: h11.Connection, stream: Stream) -> h11.Event | type[h11.NEED_DATA | h11.PAUSED]:
    while True:
        event = http.next_event()
        if event is not h11.NEED_DATA:
            return event
        if http.they_are_waiting_for_100_continue:
            stream.write(http.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
        http.receive_data(stream.read())


def _read_body(http: h11.Connection, stream: Stream, head: h11.Request) -> bytes | None:
    """Read the body of a request; None as soon as it is, or says that it will be, too large."""
    if any(name == b"content-length" and int(value) > MAX_BODY for name, value in head.headers):
        return None
    body = bytearray()
    while True:
        event = _next_event(http, stream)
        if isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            return bytes(body)
        elif isinstance(event, h11.ConnectionClosed):
            raise h11.RemoteProtocolError("the body ends early")
        if len(body) > MAX_BODY:
            return None


def _send(http: h11.Connection, stream: Stream, method: str, response: Response) -> None:
    if http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
        return
    head = response.head
    if http.their_state is not h11.DONE:  # a body that was not read: what comes next could not be told from it
        head = h11.Response(status_code=head.status_code, headers=[*head.headers, (b"Connection", b"close")])
    data = http.send(head) or b""
    body = b""
    if method != "HEAD" and response.body:
        body = http.send(h11.Data(data=response.body)) or b""
    end = http.send(h11.EndOfMessage()) or b""
    # A short answer goes out in one record; a long one is not copied once more for that.
    for part in (data, body, end) if len(body) > LONG else (data + body + end,):
        stream.write(part)
