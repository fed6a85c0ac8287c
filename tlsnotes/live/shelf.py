"""The recordings of a server or a tap: the newest ones kept, and a way to wait until a connection has come to rest."""

from __future__ import annotations

import threading
from collections import deque

from tlsnotes.errors import TLSNotesError
from tlsnotes.live.recording import Recording


class Shelf:
    """Keeps the last recordings in the order their connections came.

    A connection is settled when it is over, or has been answered and is waiting for the next request.
    """

    def __init__(self, keep: int) -> None:
        self._recordings: deque[Recording] = deque(maxlen=keep)
        self._unsettled: set[int] = set()
        self._settled = 0
        self._changed = threading.Condition()

    def put(self, recording: Recording) -> None:
        """Add the recording of a connection that has just come in."""
        with self._changed:
            self._recordings.append(recording)
            self._unsettled.add(id(recording))

    def settle(self, recording: Recording) -> None:
        """Note that a connection has come to rest; again and again is fine."""
        with self._changed:
            if id(recording) in self._unsettled:
                self._unsettled.remove(id(recording))
                self._settled += 1
                self._changed.notify_all()

    def recordings(self) -> tuple[Recording, ...]:
        """The kept recordings, oldest first."""
        with self._changed:
            return tuple(self._recordings)

    def last(self, patience: float = 1.0) -> Recording | None:
        """The newest recording, after waiting up to `patience` seconds for it to settle; None when there is none."""
        with self._changed:
            self._changed.wait_for(lambda: not self._recordings or not self._is_open(self._recordings[-1]), patience)
            return self._recordings[-1] if self._recordings else None

    def wait_for(self, n: int, timeout: float) -> tuple[Recording, ...]:
        """Wait until `n` connections in all have settled, and give the kept recordings.

        Raises `TLSNotesError` when fewer have after `timeout` seconds.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._settled >= n, timeout):
                raise TLSNotesError(
                    f"not every connection came to its end within {timeout} s",
                    expected=f"{n} connections",
                    found=f"{self._settled}",
                    fix="connect first, then wait; or give it more time: wait_for(n, timeout=...)",
                )
            return tuple(self._recordings)

    def _is_open(self, recording: Recording) -> bool:
        return id(recording) in self._unsettled
