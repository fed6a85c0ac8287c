"""The server that remembers: HTTPS in the background of a notebook, every connection recorded with its keys."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Sequence
from itertools import count
from types import TracebackType
from typing import Self

from cryptography import x509

from tlsnotes.errors import TLSNotesError, printable
from tlsnotes.live.connection import Connection
from tlsnotes.live.context import KeyLog, Trust, server_context
from tlsnotes.live.http import App, Client, Request, converse
from tlsnotes.live.listener import Listener
from tlsnotes.live.recording import Recording
from tlsnotes.live.shelf import Shelf
from tlsnotes.pki.credential import Credential
from tlsnotes.pki.names import certificate_names

SECONDS = 8.0  # for a handshake, and for each read and write after it
KEEP_RECORDINGS = 100
KEEP_LOG_LINES = 1000


def hello(request: Request) -> dict[str, object]:
    """Answer everybody: the app of a server that was given none."""
    return {"hello": request.client.name if request.client else "whoever you are", "path": request.path}


class HTTPSServer:
    """An HTTPS server in the background: a thread for each connection, each connection a `Recording`.

    `credential`: what it proves itself with; `app`: called with a `Request`, returns str, bytes, dict or (status, ...);
    `client_ca`: whose client certificates it believes (an Authority, a certificate, a list): with it the server asks
    for one, and with `client_auth="required"` refuses clients without; `host`: loopback unless another is named;
    `port`: 0 takes a free one; `versions`: of "1.2" and "1.3". A context manager, or `start()` and `stop()`.
    """

    def __init__(
        self,
        credential: Credential,
        app: App = hello,
        client_ca: Trust | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        versions: Sequence[str] = ("1.2", "1.3"),
        client_auth: str = "required",
    ) -> None:
        if not isinstance(credential, Credential):
            raise TLSNotesError(
                "a server needs a credential",
                expected='a Credential: a certificate with its key, such as self_signed("localhost")',
                found=type(credential).__name__,
            )
        if not callable(app):
            raise TLSNotesError(
                "an app is a function that the server calls with each request",
                expected="the function itself, without parentheses: HTTPSServer(credential, app)",
                found=type(app).__name__,
            )
        self._app = app
        self._host = host
        self._context = server_context(credential, client_ca, client_auth, versions)
        self._listener = Listener(host, port, self._serve, self.stop)
        self._keylog: KeyLog | None = None
        self._shelf = Shelf(KEEP_RECORDINGS)
        self._log: deque[str] = deque(maxlen=KEEP_LOG_LINES)
        self._numbers = count(1)

    def start(self) -> Self:
        """Bind the port and begin to answer; returns the server. Raises `TLSNotesError` when the port is taken."""
        if not self._listener.running:
            self._keylog = KeyLog(self._context)
            try:
                said = self._listener.start()
            except BaseException:
                self._keylog.close()
                raise
            if said:
                print(said)  # noqa: T201  # in the learner's own cell: an older server of theirs has just been stopped
        return self

    def stop(self) -> None:
        """Stop answering and end every connection: no thread, port or file is left. A second call does nothing."""
        if self._listener.running and self._keylog:
            self._listener.stop()
            self._keylog.close()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._listener.port

    @property
    def url(self) -> str:
        """Where to find it: by the name "localhost" on loopback and on every address, else by its address."""
        here = self._host in ("localhost", "127.0.0.1", "::1", "0.0.0.0", "::")  # noqa: S104  # compared with, not bound to
        name = "localhost" if here else f"[{self._host}]" if ":" in self._host else self._host
        return f"https://{name}:{self.port}"

    @property
    def recordings(self) -> tuple[Recording, ...]:
        """The newest connections, oldest first; one under way grows."""
        return self._shelf.recordings()

    @property
    def last(self) -> Recording | None:
        """The newest connection; waits up to a second for it to come to rest."""
        return self._shelf.last()

    @property
    def log(self) -> list[str]:
        """What happened, a line for each request, refusal and failure, newest last; waits like `last`."""
        self._shelf.last()
        return list(self._log)

    def wait_for(self, n: int, timeout: float = 5.0) -> tuple[Recording, ...]:
        """Wait until `n` connections in all have come to rest (over, or answered and idle), and give the recordings.

        Raises `TLSNotesError` when they have not within `timeout` seconds.
        """
        return self._shelf.wait_for(n, timeout)

    def _serve(self, connected: socket.socket, peer: tuple[str, int]) -> None:
        if self._keylog is None:
            return
        entry = self._shelf.put(Recording(peer, connected.getsockname()[:2]))
        number = next(self._numbers)

        def log(text: str) -> None:
            self._log.append(f"#{number} {visible(text)}")

        connection = Connection(connected, self._context, self._keylog, entry, SECONDS)
        try:
            outcome = connection.handshake()
            if outcome.startswith("broken off") and not self._listener.running:
                outcome = "broken off by the server: it was stopped"
            if entry.conclude(outcome) == "established":
                client = verified_client(connection.peer_certificate())
                converse(connection, self._app, client, log, entry.settle)
            else:
                log(outcome)
                entry.settle()
            connection.close()
        except OSError:
            pass  # the client is gone, in the middle of an answer or of a goodbye
        except Exception as error:  # noqa: BLE001  # a server thread never prints: what should not happen goes to the log
            log(f"the server failed: {type(error).__name__}: {error}")
        finally:
            entry.settle()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<HTTPSServer {self.url}>" if self._listener.running else "<HTTPSServer, stopped>"


def verified_client(certificate: bytes | None) -> Client | None:
    """Who a verified certificate (DER) says the client is; None for none."""
    if certificate is None:
        return None
    parsed = x509.load_der_x509_certificate(certificate)
    return Client(parsed, certificate_names(parsed))


def visible(text: str) -> str:
    """Shorten text that a peer had a hand in, and show its control and bidi characters instead of obeying them."""
    shown = printable(text)
    return shown if len(shown) <= 300 else f"{shown[:300]}... ({len(shown)} characters)"
