"""What went over one connection: the bytes of both sides in order, with times, and the keys that open them.

A recording is bounded: of each side the first bytes are kept, the rest is only counted. A saved recording holds the
connection's keys, says so in its first line, and only its owner can read the file.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from tlsnotes.errors import TLSNotesError
from tlsnotes.live.pcapng import Endpoint, pcapng_bytes
from tlsnotes.pki.files import read_file, write_private
from tlsnotes.wire.handshake import Handshake, dissect

KEEP_BYTES = 1 << 20  # of each side
KEEP_SEGMENTS = 1 << 14  # of both: a byte at a time would cost a hundred times its size
MAX_FILE = 64 << 20
MAX_SECONDS = 1e9  # thirty years, and no NaN
WARNING = "This file holds the keys of the recorded connection: whoever has it can read everything in it."
FORMAT = "tlsnotes recording 1"


class Segment(NamedTuple):
    """Bytes that one side sent at once: who ("C" client, "S" server), the bytes, seconds since the start (or None)."""

    sender: str
    data: bytes
    time: float | None = None


class Recording:
    """One connection: `segments` as they went over it, `keylog` lines (RFC 9850), and its `outcome` in words.

    `outcome` is None while it is undecided, "established", or who refused and why; `started` is when it began;
    `client` and `server` are (address, port); `dropped` counts the bytes that were not kept.
    """

    def __init__(self, client: Endpoint = ("127.0.0.1", 50000), server: Endpoint = ("127.0.0.1", 443)) -> None:
        self.client = client
        self.server = server
        self.started = datetime.now(UTC)
        self._began = time.monotonic()  # a clock that is set meanwhile must not bend the times
        self.keylog = ""
        self.outcome: str | None = None
        self.dropped = 0
        self._segments: list[Segment] = []
        self._room = {"C": KEEP_BYTES, "S": KEEP_BYTES}

    @classmethod
    def from_segments(cls, segments: Iterable[Sequence[object]], keylog: str = "") -> Recording:
        """Make a recording of ("C" | "S", bytes) or ("C" | "S", bytes, seconds) that come from elsewhere.

        Raises `TLSNotesError` for a segment of another form.
        """
        recording = cls()
        for position, segment in enumerate(segments):
            match tuple(segment) if isinstance(segment, Sequence) else (segment,):
                case ("C" | "S" as sender, bytes() as data):
                    recording._segments.append(Segment(sender, data))
                case ("C" | "S" as sender, bytes() as data, None as time):
                    recording._segments.append(Segment(sender, data, time))
                case ("C" | "S" as sender, bytes() as data, int() | float() as time) if abs(time) < MAX_SECONDS:
                    recording._segments.append(Segment(sender, data, time))
                case other:
                    raise TLSNotesError(
                        f"segment {position} is no segment",
                        expected='("C", bytes) or ("S", bytes), and seconds since the start if they are known',
                        found=f"({', '.join(type(part).__name__ for part in other)})",
                    )
        recording.keylog = keylog
        return recording

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The segments so far, in the order they were sent."""
        return tuple(self._segments)

    def add(self, sender: str, data: bytes) -> int:
        """Note bytes that `sender` ("C" or "S") has just sent; how many were kept, as far as there is room for them."""
        now = time.monotonic() - self._began
        kept = data[: self._room[sender]] if len(self._segments) < KEEP_SEGMENTS else b""
        self._room[sender] -= len(kept)
        self.dropped += len(data) - len(kept)
        if kept:
            self._segments.append(Segment(sender, kept, now))
        return len(kept)

    def add_secrets(self, lines: str) -> None:
        """Note lines of a key log (RFC 9850) that belong to this connection."""
        self.keylog += lines

    def save(self, path: str | Path) -> Path:
        """Write the recording with its keys to a JSON file that only its owner can read (0600), and return its path."""
        header = {
            "warning": WARNING,
            "format": FORMAT,
            "started": self.started.isoformat(),
            "client": self.client,
            "server": self.server,
            "outcome": self.outcome,
            "dropped": self.dropped,
            "keylog": self.keylog,
        }
        lines = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in header.items()]
        segments = ",\n".join(json.dumps([s.sender, s.data.hex(), s.time]) for s in self.segments)
        return write_private(Path(path), ("{" + ",\n".join(lines) + f',\n"segments": [\n{segments}\n]}}\n').encode())

    @classmethod
    def load(cls, path: str | Path) -> Recording:
        """Read what `save` wrote, or any JSON with `segments` ([["C", hex], ...]) and `keylog`.

        Raises `TLSNotesError` for anything else.
        """
        data = read_file(Path(path))
        if len(data) > MAX_FILE:
            raise TLSNotesError(
                f"{path} is too large", expected=f"at most {MAX_FILE} bytes", found=f"{len(data)} bytes"
            )
        try:
            return cls._from_json(json.loads(data))
        except (ValueError, TypeError, LookupError, OverflowError, RecursionError, TLSNotesError) as error:
            found = error.what if isinstance(error, TLSNotesError) else f"{type(error).__name__}: {str(error)[:200]}"
        finally:
            data = b""  # a traceback may show every variable (IPython's %xmode Verbose): not the keys in this one
        raise TLSNotesError(  # and from None, for json's own error holds the whole text
            f"{path} is no recording",
            expected='JSON with "segments" ([["C", hex], ["S", hex], ...]) and "keylog" (text)',
            found=found,
            fix="save one with recording.save(path)",
        )

    @classmethod
    def _from_json(cls, stored: dict[str, object]) -> Recording:
        segments, keylog = stored["segments"], stored.get("keylog", "")
        if not isinstance(segments, list) or not isinstance(keylog, str):
            raise TypeError("segments is no list, or keylog is no text")
        keylog.encode()  # raises for what no file could hold
        recording = cls.from_segments([(s[0], bytes.fromhex(s[1]), *s[2:]) for s in segments], keylog)
        if stored.get("format") == FORMAT:
            recording.started = datetime.fromisoformat(str(stored["started"])).astimezone(UTC)
            if recording.started.year < 1970:
                raise ValueError("started before 1970")
            recording.client, recording.server = _endpoint(stored["client"]), _endpoint(stored["server"])
            outcome, dropped = stored["outcome"], stored["dropped"]
            if not isinstance(outcome, str | None) or not isinstance(dropped, int):
                raise TypeError("outcome is no text, or dropped is no number")
            recording.outcome, recording.dropped = outcome, dropped
        return recording

    def to_pcapng(self, path: str | Path) -> Path:
        """Write a capture file with the keys inside, which Wireshark and tshark decrypt as it is; return its path.

        TLS bytes, times and addresses are those recorded; the TCP/IP headers around them are made up. Mode 0600.
        """
        data = pcapng_bytes(self.segments, self.keylog, self.started, self.client, self.server)
        return write_private(Path(path), data)

    def dissect(self) -> Handshake:
        """Read it: every message, decrypted where the keys are there, and every claim in it recomputed and judged.

        Never raises for what went over the wire; what could not be read is in the handshake's `notes`.
        """
        return dissect(self.segments, self.keylog)

    def __repr__(self) -> str:
        size = sum(len(segment.data) for segment in self._segments)
        return f"<Recording: {self.outcome or 'under way'}, {size} bytes in {len(self._segments)} segments>"


def _endpoint(stored: object) -> Endpoint:
    match stored:
        case [str() as host, int() as port] if 0 <= port <= 65535:
            ip_address(host)  # raises for anything else
            return host, port
        case _:
            raise TypeError("an endpoint is [address, port]")
