"""A relay that records somebody else's connection: it passes every byte on and keeps a copy."""

from __future__ import annotations

import contextlib
import selectors
import socket
from pathlib import Path
from types import TracebackType
from typing import Self

from tlsnotes.live.listener import Listener
from tlsnotes.live.recording import Recording
from tlsnotes.live.shelf import Shelf
from tlsnotes.wire.keylog import lines_for
from tlsnotes.wire.records import client_random

KEEP_RECORDINGS = 100
CONNECT_SECONDS = 5.0
IDLE_SECONDS = 60.0
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
        recording = Recording(peer, client.getsockname()[:2])
        self._shelf.put(recording)
        try:
            with socket.create_connection(self._target, CONNECT_SECONDS) as server:
                server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                _pump(client, server, recording)
            recording.outcome = "relayed to its end"
        except OSError as error:
            recording.outcome = f"broken off: {error.strerror or error}"
        finally:
            self._shelf.settle(recording)

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


def _pump(client: socket.socket, server: socket.socket, recording: Recording) -> None:
    """Pass bytes on in both directions until both sides have ended theirs, or neither has spoken for a minute."""
    other = {client: server, server: client}
    name = {client: "C", server: "S"}
    with selectors.DefaultSelector() as selector:
        for side in other:
            side.settimeout(IDLE_SECONDS)
            selector.register(side, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(IDLE_SECONDS)
            if not ready:
                raise TimeoutError("nobody spoke for a minute")
            speaking = [key.fileobj for key, _ in ready]
            for side in (side for side in other if side in speaking):
                data = side.recv(65536)
                if data:
                    recording.add(name[side], data)
                    other[side].sendall(data)
                else:
                    selector.unregister(side)
                    with contextlib.suppress(OSError):
                        other[side].shutdown(socket.SHUT_WR)
