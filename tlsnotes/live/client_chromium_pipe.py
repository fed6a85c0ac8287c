"""A browser started with its debugging pipe, and what is said over it.

The pipe speaks the Chrome DevTools Protocol: JSON messages ended by a zero byte, on descriptors 3 and 4. Only where a
process can be started with these (not on Windows).
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any


@contextlib.contextmanager
def started(command: list[str], variables: Mapping[str, str]) -> Iterator[DevTools]:
    """Start the browser in a process group of its own, and end all of it afterwards."""
    if sys.platform == "win32":  # the callers have seen to it; this tells the type checker
        raise NotImplementedError
    ours, theirs = _pipes()
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_DUP2, theirs[0], 3),
        (os.POSIX_SPAWN_DUP2, theirs[1], 4),
    ]
    try:
        process = os.posix_spawn(command[0], command, variables, file_actions=actions, setpgroup=0)
    except BaseException:
        for descriptor in (*ours, *theirs):
            os.close(descriptor)
        raise
    for descriptor in theirs:
        os.close(descriptor)
    try:
        yield DevTools(*ours)
    finally:
        for descriptor in ours:
            os.close(descriptor)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process, signal.SIGKILL)
        os.waitpid(process, 0)


def _pipes() -> tuple[tuple[int, int], tuple[int, int]]:
    """Two pipes: our ends (read, write) and theirs, none of which is 3 or 4 already."""
    if sys.platform == "win32":  # as above
        raise NotImplementedError
    import fcntl  # noqa: PLC0415  # Windows has none, and shall import the rest

    their_read, our_write = os.pipe()
    our_read, their_write = os.pipe()
    moved = [fcntl.fcntl(one, fcntl.F_DUPFD_CLOEXEC, 10) for one in (our_read, our_write, their_read, their_write)]
    for one in (our_read, our_write, their_read, their_write):
        os.close(one)
    return (moved[0], moved[1]), (moved[2], moved[3])


class DevTools:
    """A browser at the other end of the pipe. `statuses`: the HTTP status of the last answer, by session."""

    def __init__(self, read: int, write: int) -> None:
        self._read, self._write = read, write
        self._buffer = b""
        self._number = 0
        self.statuses: dict[str, int] = {}

    def call(self, deadline: float, method: str, session: str = "", **parameters: object) -> dict[str, Any]:
        """Call a method and wait for its result until `deadline` (of `time.monotonic`).

        Raises `TimeoutError`, `OSError` where the browser is gone, `KeyError` and `ValueError` where it says no.
        """
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            heard = self._next(deadline)
            if heard.get("method") == "Network.responseReceived":
                self.statuses[heard["sessionId"]] = int(heard["params"]["response"]["status"])
            if heard.get("id") == self._number:
                result: dict[str, Any] = heard["result"]
                return result

    def _next(self, deadline: float) -> Any:  # an object of JSON
        while b"\0" not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._read], [], [], left)[0]:
                raise TimeoutError
            data = os.read(self._read, 1 << 16)
            if not data:
                raise BrokenPipeError("it ended")
            self._buffer += data
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)
