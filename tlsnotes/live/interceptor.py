"""A real man in the middle, on this machine only: two TLS connections, and somebody between who reads and rewrites.

It shows what encryption is worth to a client that does not ask who is at the other end. It cannot do a thing against
one that asks, nor against a server that does (mutual TLS): it has no private key but its own. It listens on loopback,
and attacks loopback only.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections import deque
from collections.abc import Sequence
from ipaddress import ip_address
from itertools import count
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary
from wsgiref.headers import Headers

from tlsnotes.errors import TLSNotesError
from tlsnotes.live.connection import Connection
from tlsnotes.live.context import KeyLog, Trust, server_context
from tlsnotes.live.exchange import ChangeAnswer, ChangeRequest, Exchange, Log, Reply, changed_answer, changed_request
from tlsnotes.live.http import Answer, Request, converse
from tlsnotes.live.listener import Listener
from tlsnotes.live.recording import Recording
from tlsnotes.live.server import KEEP_LOG_LINES, KEEP_RECORDINGS, SECONDS, HTTPSServer, verified_client, visible
from tlsnotes.live.shelf import Entry, Shelf
from tlsnotes.live.upstream import ONE_CONNECTION, NoAnswerError, Upstream, unverifying_context
from tlsnotes.pki.credential import Credential

KEEP_EXCHANGES = 100
KEEP_SEEN_BYTES = 16 << 20


class Intercepted(NamedTuple):
    """The two recordings of one intercepted connection: the client's with the interceptor, and the interceptor's with
    the server (None where it never came to that)."""

    client: Recording
    server: Recording | None


class Interceptor:
    """Listens with its own `credential` and passes everything on to `server`: an `HTTPSServer`, or a loopback URL.

    `change_request(request)` and `change_answer(request, answer)` may rewrite what passes: each returns the whole
    (a `Request`, a `Reply`), or only a new body (str, bytes, dict, list), or None to leave it; the Content-Length
    follows. Both are attributes too. `client_ca`: asks the clients for their certificates, as the server might;
    `versions`: of "1.2" and "1.3". `server` is not verified: an attacker need not care whom it reaches.
    A context manager, or `start()` and `stop()`. Raises `TLSNotesError` for what it cannot attack, or attack with.
    """

    def __init__(
        self,
        server: HTTPSServer | str,
        credential: Credential,
        change_request: ChangeRequest | None = None,
        change_answer: ChangeAnswer | None = None,
        *,
        client_ca: Trust | None = None,
        port: int = 0,
        versions: Sequence[str] = ("1.2", "1.3"),
    ) -> None:
        if not isinstance(credential, Credential):
            raise TLSNotesError(
                "an interceptor needs a credential of its own",
                expected='a Credential: a certificate with its key, such as self_signed("localhost")',
                found=type(credential).__name__,
            )
        for hook in (change_request, change_answer):
            if hook is not None and not callable(hook):
                raise TLSNotesError(
                    "what changes requests or answers is a function",
                    expected="change_request(request) or change_answer(request, answer)",
                    found=type(hook).__name__,
                )
        if not isinstance(server, HTTPSServer):
            _target(server)
        self.change_request = change_request
        self.change_answer = change_answer
        self._server = server
        self._towards_clients = server_context(credential, client_ca, "optional", versions)
        self._towards_server = unverifying_context()
        self._listener = Listener("127.0.0.1", port, self._serve, self.stop)
        self._target: tuple[str, int] = ("", 0)
        self._keylogs: tuple[KeyLog, KeyLog] | None = None
        self._shelf = Shelf(KEEP_RECORDINGS)
        self._beyond: WeakKeyDictionary[Recording, Recording] = WeakKeyDictionary()
        self._log: deque[str] = deque(maxlen=KEEP_LOG_LINES)
        self._seen: deque[Exchange] = deque(maxlen=KEEP_EXCHANGES)
        self._numbers = count(1)
        self._lock = threading.Lock()
        self._upstream_sockets: set[socket.socket] = set()
        self._stopped = True

    def start(self) -> Self:
        """Bind the port and begin to intercept; returns the interceptor. Raises `TLSNotesError` when the port is taken
        or the server was not started."""
        if self._listener.running:
            return self
        self._target = _target(self._server.url if isinstance(self._server, HTTPSServer) else self._server)
        with contextlib.ExitStack() as undo:
            keylogs = []
            for context in (self._towards_clients, self._towards_server):
                keylogs.append(KeyLog(context))
                undo.callback(keylogs[-1].close)
            self._keylogs = keylogs[0], keylogs[1]
            self._stopped = False
            said = self._listener.start()
            undo.pop_all()
        if said:
            print(said)  # noqa: T201  # in the learner's own cell: an older server of theirs has just been stopped
        return self

    def stop(self) -> None:
        """Stop intercepting and end every connection: no thread, port or file is left. A second call does nothing."""
        if not self._listener.running or self._keylogs is None:
            return
        with self._lock:
            self._stopped = True
            for connected in self._upstream_sockets:
                _shut(connected)
        self._listener.stop()
        for keylog in self._keylogs:
            keylog.close()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._listener.port

    @property
    def url(self) -> str:
        """Where the clients find it."""
        return f"https://localhost:{self.port}"

    @property
    def seen(self) -> list[Exchange]:
        """What it has read, in clear text: the newest requests with their answers, oldest first."""
        return list(self._seen)

    @property
    def recordings(self) -> tuple[Intercepted, ...]:
        """Both recordings of each of the newest connections, oldest first."""
        return tuple(self._both(recording) for recording in self._shelf.recordings())

    @property
    def last(self) -> Intercepted | None:
        """The newest connection's two recordings; waits up to a second for it to come to rest."""
        recording = self._shelf.last()
        return None if recording is None else self._both(recording)

    @property
    def log(self) -> list[str]:
        """What happened, a line for each request, change, refusal and failure, newest last; waits like `last`."""
        self._shelf.last()
        return list(self._log)

    def wait_for(self, n: int, timeout: float = 5.0) -> tuple[Intercepted, ...]:
        """Wait until `n` connections in all have come to rest, and give the recordings.

        Raises `TLSNotesError` when they have not within `timeout` seconds.
        """
        return tuple(self._both(recording) for recording in self._shelf.wait_for(n, timeout))

    def _both(self, recording: Recording) -> Intercepted:
        return Intercepted(recording, self._beyond.get(recording))

    def _serve(self, connected: socket.socket, peer: tuple[str, int]) -> None:
        if self._keylogs is None:
            return
        entry = self._shelf.put(Recording(peer, connected.getsockname()[:2]))
        number = next(self._numbers)

        def log(text: str) -> None:
            self._log.append(f"#{number} {visible(text)}")

        connection = Connection(connected, self._towards_clients, self._keylogs[0], entry, SECONDS)
        try:
            outcome = entry.conclude(connection.handshake())
            if outcome == "established":
                self._intercept(connection, entry, log)
            else:
                log(outcome)
                entry.settle()
            connection.close()
        except OSError:
            pass  # the client is gone, in the middle of an answer or of a goodbye
        except Exception as error:  # noqa: BLE001  # a server thread never prints: what should not happen goes to the log
            log(f"the interceptor failed: {type(error).__name__}: {error}")
        finally:
            entry.settle()

    def _intercept(self, connection: Connection, entry: Entry, log: Log) -> None:
        def made(upstream: socket.socket) -> None:
            with self._lock:
                if self._stopped:
                    _shut(upstream)
                self._upstream_sockets = {s for s in self._upstream_sockets if s.fileno() >= 0} | {upstream}

        def recorded(beyond: Recording) -> None:
            if recording := entry.recording:
                self._beyond[recording] = beyond

        asked = False

        def app(request: Request) -> Answer:
            nonlocal asked
            asked = True
            return self._pass_on(request, upstream, log)

        assert self._keylogs is not None  # noqa: S101  # for the type checker: _serve has just looked
        with Upstream(self._target, self._towards_server, self._keylogs[1], made, recorded) as upstream:
            client = verified_client(connection.peer_certificate())
            converse(connection, app, client, log, entry.settle)
            if not asked:
                log(f"the client shook hands and left without a request: {connection.ended}")

    def _pass_on(self, request: Request, upstream: Upstream, log: Log) -> Answer:
        forwarded = changed_request(self.change_request, request, log)
        answer = None
        try:
            answer = upstream.ask(forwarded)
        except NoAnswerError as error:
            log(f"no answer from the server: {error}")
            # RFC 9110 section 15.6.3: what a gateway says that got no good answer.
            words = {"error": f"no answer from the server: {error}", "status": 502}
            returned = Reply(502, Headers([("Content-Type", "application/json")]), json.dumps(words).encode())
        else:
            returned = changed_answer(self.change_answer, request, answer, log)
        self._remember(Exchange(request, forwarded, answer, returned))
        # Of headers that repeat, the last: an app's answer has room for one of each.
        headers = {n: v for n, v in returned.headers.items() if n.lower() not in ONE_CONNECTION}
        if not upstream.usable:
            headers["Connection"] = "close"  # the client's next connection brings a new one to the server too
        return returned.status, returned.body, headers

    def _remember(self, exchange: Exchange) -> None:
        with self._lock:
            self._seen.append(exchange)
            while len(self._seen) > 1 and sum(exchange.size for exchange in self._seen) > KEEP_SEEN_BYTES:
                self._seen.popleft()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<Interceptor {self.url}>" if self._listener.running else "<Interceptor, stopped>"


def _target(url: object) -> tuple[str, int]:
    """Host and port of a server on this machine."""
    expected = 'an HTTPSServer, or the URL of a server on this machine such as "https://localhost:8443"'
    if not isinstance(url, str):
        raise TLSNotesError("this is no server to intercept", expected=expected, found=type(url).__name__)
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        if parts.scheme != "https" or not host or parts.username or parts.path.strip("/") or parts.query:
            raise ValueError("no https:// URL of host and port alone")
    except ValueError as error:
        raise TLSNotesError("this is no server to intercept", expected=expected, found=repr(url)) from error
    if host != "localhost" and not _is_loopback(host):
        raise TLSNotesError(
            "the interceptor attacks servers on this machine only",
            expected=expected,
            found=repr(host),
            fix="start the server in this notebook: other people's connections are not yours to read",
        )
    return host, 443 if port is None else port


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _shut(connected: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connected.shutdown(socket.SHUT_RDWR)
