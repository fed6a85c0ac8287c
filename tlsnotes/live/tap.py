"""A relay that records somebody else's connection: it passes every byte on and keeps a copy."""

from __future__ import annotations

import contextlib
import selectors
import socket
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from tlsnotes.live.listener import Listener
from tlsnotes.live.recording import Recording
from tlsnotes.live.shelf import Entry, Shelf
from tlsnotes.wire.keylog import lines_for
from tlsnotes.wire.records import client_random

KEEP_RECORDINGS = 100
CONNECT_SECONDS = 5.0
IDLE_SECONDS = 60.0
STOP_SECONDS = 0.25  # how long a quiet connection may not notice a stop
MAX_KEYLOG = 64 << 20


class Tap:
    """Listens on loopback and relays each connection to (`target_host`, `target_port`), recording both directions.

    `keylog_file`: where one of the two sides writes its secrets (RFC 9850, SSLKEYLOGFILE); each connection's lines
    are found by its client random. A tap reads nothing that it has no keys for, and changes nothing.
    A context manager, or `start()` and `stop()`.
    """

    def __init__(
        self,
        target_host: str,
        target_port: int,
        keylog_file: str | Path | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self._target = (target_host, target_port)
        self._keylog_file = None if keylog_file is None else Path(keylog_file)
        self._listener = Listener(host, port, self._relay, self.stop)
        self._shelf = Shelf(KEEP_RECORDINGS)

    def start(self) -> Self:
        """Bind the port and begin to relay; returns the tap. Raises `TLSNotesError` when the port is taken."""
        if not self._listener.running:
            said = self._listener.start()
            if said:
                print(said)  # noqa: T201  # in the learner's own cell: an older tap or server has just been stopped
        return self

    def stop(self) -> None:
        """Stop relaying and end every connection."""
        self._listener.stop()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._listener.port

    @property
    def url(self) -> str:
        """Where an HTTPS client finds it."""
        return f"https://localhost:{self.port}"

    @property
    def recordings(self) -> tuple[Recording, ...]:
        """The newest connections, oldest first; one under way grows."""
        recordings = self._shelf.recordings()
        for recording in recordings:
            self._read_keys(recording)
        return recordings

    @property
    def last(self) -> Recording | None:
        """The newest connection; waits up to a second for it to end."""
        recording = self._shelf.last()
        if recording is not None:
            self._read_keys(recording)
        return recording

    def wait_for(self, n: int, timeout: float = 5.0) -> tuple[Recording, ...]:
        """Wait until `n` connections in all have ended; raises `TLSNotesError` after `timeout` seconds."""
        self._shelf.wait_for(n, timeout)
        return self.recordings

    def _relay(self, client: socket.socket, peer: tuple[str, int]) -> None:
        entry = self._shelf.put(Recording(peer, client.getsockname()[:2]))
        try:
            with socket.create_connection(self._target, CONNECT_SECONDS) as server:
                server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                entry.conclude(_pump(client, server, entry, lambda: self._listener.running))
        except OSError as error:
            entry.conclude(f"broken off: {error.strerror or error}")
        finally:
            entry.settle()

    def _read_keys(self, recording: Recording) -> None:
        # Looked up when asked for: the side that writes the file may do so at any time of the connection.
        random = client_random(recording.segments)
        if random is None or self._keylog_file is None:
            return
        with contextlib.suppress(FileNotFoundError), self._keylog_file.open("rb") as file:
            recording.keylog = lines_for(file.read(MAX_KEYLOG).decode("ascii", "replace"), random) or recording.keylog

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        host, port = self._target
        here = f"on port {self.port}" if self._listener.running else "stopped"
        return f"<Tap {here}, to {host}:{port}>"


def _pump(client: socket.socket, server: socket.socket, entry: Entry, running: Callable[[], bool]) -> str:
    """Pass bytes on in both directions until both sides have ended theirs, one is gone, or the tap stops; say which.

    Neither side waits for the other: what one cannot take yet waits here, and nothing more is read for it until then.
    """
    other = {client: server, server: client}
    name = {client: "C", server: "S"}
    waiting = {client: b"", server: b""}  # what each side is still to be sent
    speaking = {client, server}
    heard = time.monotonic()
    client.setblocking(False)
    server.setblocking(False)
    with selectors.DefaultSelector() as selector:
        while speaking or any(waiting.values()):
            for side in other:
                reads = side in speaking and not waiting[other[side]]
                _watch(selector, side, reads * selectors.EVENT_READ | bool(waiting[side]) * selectors.EVENT_WRITE)
            ready = selector.select(STOP_SECONDS)
            if not running():
                return "broken off: the tap was stopped"
            if ready:
                heard = time.monotonic()
            elif time.monotonic() - heard > IDLE_SECONDS:
                raise TimeoutError("nobody spoke for a minute")
            for side, events in [
                (side, key_events) for key, key_events in ready for side in other if side is key.fileobj
            ]:
                try:
                    if events & selectors.EVENT_WRITE:
                        waiting[side] = waiting[side][side.send(waiting[side]) :]
                    if events & selectors.EVENT_READ:
                        data = side.recv(65536)
                        entry.add(name[side], data)
                        waiting[other[side]] = data
                        if not data:
                            speaking.remove(side)
                            with contextlib.suppress(OSError):
                                other[side].shutdown(socket.SHUT_WR)
                except BlockingIOError:
                    pass  # the selector spoke too soon
                except ConnectionError:
                    return f"ended by the {'client' if side is client else 'server'}, with a reset"
    return "relayed to its end"


def _watch(selector: selectors.BaseSelector, side: socket.socket, events: int) -> None:
    watched = side in selector.get_map()
    if watched and not events:
        selector.unregister(side)
    elif watched:
        selector.modify(side, events)
    elif events:
        selector.register(side, events)
