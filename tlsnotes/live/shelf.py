"""The recordings of a server or a tap: the newest ones kept, and a way to wait until a connection has come to rest."""

from __future__ import annotations

import threading
from weakref import WeakSet, ref

from tlsnotes.errors import TLSNotesError
from tlsnotes.live.recording import Recording

KEEP_TOGETHER = 16 << 20  # bytes, of all connections that one shelf keeps
COST_OF_A_SEGMENT = 128  # bytes that Python takes for one, beside those in it


class Shelf:
    """Keeps the last recordings in the order their connections came, `keep` at most and 16 MB together.

    A connection is settled when it is over, or has been answered and is waiting for the next request.
    """

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._kept: dict[Recording, int] = {}  # each with its size
        self._size = 0
        self._unsettled: WeakSet[Recording] = WeakSet()
        self._settled = 0
        self._changed = threading.Condition()

    def put(self, recording: Recording) -> Entry:
        """Add the recording of a connection that has just come in, and give what the connection writes it with."""
        with self._changed:
            self._kept[recording] = 0
            self._unsettled.add(recording)
            self._make_room()
        return Entry(self, recording)

    def grow(self, recording: Recording, octets: int) -> None:
        """Count bytes that a recording has just kept; the oldest ones make room for them."""
        with self._changed:
            if recording in self._kept:
                self._kept[recording] += octets + COST_OF_A_SEGMENT
                self._size += octets + COST_OF_A_SEGMENT
                if self._size > KEEP_TOGETHER:
                    self._make_room()

    def settle(self, recording: Recording | None) -> None:
        """Note that a connection has come to rest; None where its recording is not kept any more."""
        with self._changed:
            if recording is not None:
                self._unsettled.discard(recording)
            self._settled += 1
            self._changed.notify_all()

    def recordings(self) -> tuple[Recording, ...]:
        """The kept recordings, oldest first."""
        with self._changed:
            return tuple(self._kept)

    def last(self, patience: float = 1.0) -> Recording | None:
        """The newest recording, after waiting up to `patience` seconds for it to settle; None when there is none."""
        with self._changed:
            self._changed.wait_for(lambda: self._newest() not in self._unsettled, patience)
            return self._newest()

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
            return tuple(self._kept)

    def _newest(self) -> Recording | None:
        return next(reversed(self._kept), None)

    def _make_room(self) -> None:
        while len(self._kept) > self._keep or (self._size > KEEP_TOGETHER and len(self._kept) > 1):
            self._size -= self._kept.pop(next(iter(self._kept)))


class Entry:
    """The hold that a connection has on its recording: a weak one, so that a thousand connections at once, whose
    recordings the shelf does not keep any more, take no memory for them."""

    def __init__(self, shelf: Shelf, recording: Recording) -> None:
        self._shelf = shelf
        self._recording = ref(recording)
        self._settled = False

    @property
    def recording(self) -> Recording | None:
        """The recording itself, as long as the shelf or somebody else keeps it."""
        return self._recording()

    def conclude(self, outcome: str) -> str:
        """Note in words how the connection came out, and give them back."""
        if recording := self._recording():
            recording.outcome = outcome
        return outcome

    def add(self, sender: str, data: bytes) -> None:
        """Note bytes that `sender` ("C" or "S") has just sent."""
        recording = self._recording()
        if recording and (kept := recording.add(sender, data)):
            self._shelf.grow(recording, kept)

    def add_secrets(self, lines: str) -> None:
        """Note lines of a key log (RFC 9850) that belong to this connection."""
        if recording := self._recording():
            recording.add_secrets(lines)

    def settle(self) -> None:
        """Note that the connection has come to rest; again and again is fine."""
        if not self._settled:
            self._settled = True
            self._shelf.settle(self._recording())
