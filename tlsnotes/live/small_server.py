"""A small server for what `HTTPSServer` refuses to do: speak in any context, in plain HTTP, or not at all.

It is there for the mistakes alone. It records and logs as `HTTPSServer` does, on loopback only, with the same time
limits, and its threads never print.
"""

from __future__ import annotations

import socket
import ssl
from collections import deque
from itertools import count
from types import TracebackType
from typing import Self

from tlsnotes.live.connection import Connection
from tlsnotes.live.context import KeyLog
from tlsnotes.live.http import App, converse
from tlsnotes.live.listener import Listener, part
from tlsnotes.live.recording import Recording
from tlsnotes.live.server import hello, visible
from tlsnotes.live.shelf import Entry, Shelf

SECONDS = 8.0
KEEP = 100


class SmallServer:
    """Speaks TLS with the `context` it is given, as it is; without one, plain HTTP, or nothing where `app` is None.

    A context manager; `url`, `port`, `log`, `recordings`, `last` and `wait_for` are those of `HTTPSServer`.
    """

    def __init__(self, context: ssl.SSLContext | None = None, app: App | None = hello) -> None:
        self._context = context
        self._app = app
        self._listener = Listener("127.0.0.1", 0, self._serve, self.stop)
        self._keylog: KeyLog | None = None
        self._shelf = Shelf(KEEP)
        self._log: deque[str] = deque(maxlen=KEEP)
        self._numbers = count(1)

    def start(self) -> Self:
        """Bind a free port and begin to answer; returns the server."""
        if self._context is not None:
            self._keylog = KeyLog(self._context)
        try:
            self._listener.start()
        except BaseException:
            self._close_keylog()
            raise
        return self

    def stop(self) -> None:
        """Stop answering and end every connection: no thread, port or file is left. A second call does nothing."""
        self._listener.stop()
        self._close_keylog()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._listener.port

    @property
    def url(self) -> str:
        """Where to find it; "https" or "http", as it speaks."""
        return f"http{'' if self._context is None else 's'}://localhost:{self.port}"

    @property
    def recordings(self) -> tuple[Recording, ...]:
        """The newest connections, oldest first."""
        return self._shelf.recordings()

    @property
    def last(self) -> Recording | None:
        """The newest connection; waits up to a second for it to come to rest."""
        return self._shelf.last()

    @property
    def log(self) -> list[str]:
        """What happened, a line for each request, refusal and failure, newest last."""
        self._shelf.last()
        return list(self._log)

    def wait_for(self, n: int, timeout: float = 5.0) -> tuple[Recording, ...]:
        """Wait until `n` connections in all have come to rest; raises `TLSNotesError` after `timeout` seconds."""
        return self._shelf.wait_for(n, timeout)

    def _serve(self, connected: socket.socket, peer: tuple[str, int]) -> None:
        entry = self._shelf.put(Recording(peer, connected.getsockname()[:2]))
        number = next(self._numbers)

        def log(text: str) -> None:
            self._log.append(f"#{number} {visible(text)}")

        try:
            if self._context is not None and self._keylog is not None and self._app is not None:
                connection = Connection(connected, self._context, self._keylog, entry, SECONDS)
                outcome = entry.conclude(connection.handshake())
                if outcome == "established":
                    converse(connection, self._app, None, log, entry.settle)
                else:
                    log(outcome)
                connection.close()
            elif self._app is not None:
                entry.conclude("no TLS: this server speaks plain HTTP")
                converse(_Plain(connected, entry), self._app, None, log, entry.settle)
                part(connected, lambda data: entry.add("C", data))
            else:
                log(entry.conclude("hung up by the server, without a word"))
                part(connected, lambda data: entry.add("C", data))
        except OSError:
            pass  # the client is gone, or says nothing more
        except Exception as error:  # noqa: BLE001  # a server thread never prints: what should not happen goes to the log
            log(f"the server failed: {type(error).__name__}: {error}")
        finally:
            entry.settle()

    def _close_keylog(self) -> None:
        if self._keylog:
            self._keylog.close()
            self._keylog = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<SmallServer {self.url}>" if self._listener.running else "<SmallServer, stopped>"


class _Plain:
    """A socket as the stream that HTTP is spoken over; what passes is recorded."""

    def __init__(self, connected: socket.socket, entry: Entry) -> None:
        self._socket = connected
        self._entry = entry
        connected.settimeout(SECONDS)

    def read(self) -> bytes:
        data = self._socket.recv(65536)
        self._entry.add("C", data)
        return data

    def write(self, data: bytes) -> None:
        self._entry.add("S", data)
        self._socket.sendall(data)
