"""The interceptor's own way to the server: one recorded TLS connection, and HTTP/1.1 over it, spoken by h11.

It verifies nobody: whoever attacks does not mind whom they reach. A client that has something to lose must not copy
this.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from types import TracebackType
from typing import Self
from wsgiref.headers import Headers

import h11

from tlsnotes.errors import TLSNotesError
from tlsnotes.live.connection import Connection
from tlsnotes.live.context import KeyLog
from tlsnotes.live.exchange import Reply, target_of
from tlsnotes.live.http import MAX_BODY, MAX_HEAD, Request
from tlsnotes.live.recording import Recording

SECONDS = 8.0  # for the handshake, and for each answer
CONNECT_SECONDS = 3.0
# RFC 9110 section 7.6.1: these speak of one connection only, and there are two here.
ONE_CONNECTION = {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
# Host and length are said anew; the body is already here, and wanted in a form that can be read.
SAID_ANEW = ONE_CONNECTION | {"host", "content-length", "expect", "accept-encoding"}


class NoAnswerError(TLSNotesError):
    """The server gave no answer that can be passed on: its words say why."""


def unverifying_context() -> ssl.SSLContext:
    """Make a client's context that believes whoever answers: an attacker's, never the mending of an error."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    return context


class Upstream:
    """A connection to `host` and `port`, recorded with its keys: made for the first request, kept for the next.

    `made(socket)` is called with the socket before anything is said, `recorded(recording)` with the recording.
    A context manager.
    """

    def __init__(
        self,
        target: tuple[str, int],
        context: ssl.SSLContext,
        keylog: KeyLog,
        made: Callable[[socket.socket], None],
        recorded: Callable[[Recording], None],
    ) -> None:
        self._target = target
        self._context = context
        self._keylog = keylog
        self._made = made
        self._recorded = recorded
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD)
        self._socket: socket.socket | None = None
        self._connection: Connection | None = None
        self._recording = Recording()

    @property
    def usable(self) -> bool:
        """Whether it can take a request, now or once it is connected."""
        return self._http.our_state is h11.IDLE and self._http.their_state is h11.IDLE

    def ask(self, request: Request) -> Reply:
        """Send a request and read its answer; raises `NoAnswerError`."""
        try:
            connection = self._connection or self._connect()
            if not self.usable:
                raise NoAnswerError("the server takes no further request on this connection")
            self._send(connection, request)
            reply = self._read(connection, request)
        except h11.LocalProtocolError as error:
            raise NoAnswerError(f"the request cannot be sent on: {error}") from error
        except h11.RemoteProtocolError as error:
            raise NoAnswerError(f"the server's answer is no HTTP: {error}") from error
        except OSError as error:
            why = error.strerror or str(error) or type(error).__name__
            raise NoAnswerError(f"the connection to the server broke: {why}") from error
        if (self._http.our_state, self._http.their_state) == (h11.DONE, h11.DONE):
            self._http.start_next_cycle()
        return reply

    def _connect(self) -> Connection:
        host, port = self._target
        self._socket = socket.create_connection((host, port), CONNECT_SECONDS)
        self._made(self._socket)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._recording = Recording(self._socket.getsockname()[:2], self._socket.getpeername()[:2])
        self._recorded(self._recording)
        connection = Connection(self._socket, self._context, self._keylog, self._recording, SECONDS, server_name=host)
        self._recording.outcome = connection.handshake()
        if self._recording.outcome != "established":
            raise NoAnswerError(self._recording.outcome)
        self._connection = connection
        return connection

    def _send(self, connection: Connection, request: Request) -> None:
        host, port = self._target
        headers = [("Host", f"[{host}]:{port}" if ":" in host else f"{host}:{port}")]
        headers += [(n, v) for n, v in request.headers.items() if n.lower() not in SAID_ANEW]
        if request.body or "content-length" in request.headers or "transfer-encoding" in request.headers:
            headers.append(("Content-Length", str(len(request.body))))
        head = h11.Request(method=request.method, target=target_of(request), headers=headers)
        data = self._http.send(head) or b""
        if request.body:
            data += self._http.send(h11.Data(data=request.body)) or b""
        connection.write(data + (self._http.send(h11.EndOfMessage()) or b""))

    def _read(self, connection: Connection, request: Request) -> Reply:
        head: h11.Response | None = None
        body = bytearray()
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                data = connection.read()
                if not data and head is None:
                    self._refused(connection)
                self._http.receive_data(data)
            elif isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage) and head is not None:
                return _reply(head, bytes(body))
            elif not isinstance(event, h11.InformationalResponse):
                raise NoAnswerError(f"the server switched to something else than HTTP after {request.method}")
            if len(body) > MAX_BODY:
                raise NoAnswerError(f"the answer is too large: at most {MAX_BODY} bytes are passed on")

    def _refused(self, connection: Connection) -> None:
        # In TLS 1.3 a server that refuses its client says so only now, when the client's handshake is long done.
        if connection.ended.startswith("refused"):
            self._recording.outcome = connection.ended
        raise NoAnswerError(connection.ended or "the server closed the connection without an answer")

    def close(self) -> None:
        """Say goodbye where there is somebody to say it to, and let go of the socket."""
        if self._socket is None:
            return
        try:
            if self._connection is not None:
                self._connection.close()
        except OSError:
            pass  # the server is gone already
        finally:
            self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _reply(head: h11.Response, body: bytes) -> Reply:
    if not 200 <= head.status_code <= 599:
        raise NoAnswerError(f"the server answered with status {head.status_code}, which is none")
    headers = Headers([(name.decode("ascii"), value.decode("latin-1")) for name, value in head.headers])
    return Reply(head.status_code, headers, body)
