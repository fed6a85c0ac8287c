"""Chromium without a window: a throwaway profile and certificate store, and one page asked for over its debugging pipe.

The pipe speaks the Chrome DevTools Protocol: JSON messages ended by a zero byte, on descriptors 3 and 4. Only where a
process can be started with these (not on Windows). The certificate store is NSS's, which Chromium has on Linux alone,
and NSS's certutil and pk12util fill it. Which client certificate to show is a person's choice, or a policy's; see
`client_chromium_policy`. Nothing of it is left: no process, no folder.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tlsnotes.errors import TLSNotesError
from tlsnotes.live.client_chromium_policy import can_pick, import_pair, picking
from tlsnotes.live.client_programs import environment_of
from tlsnotes.live.client_python import Files
from tlsnotes.live.outcome import Outcome, accepted, not_tried, refused
from tlsnotes.programs import find_program

FLAGS = (
    "--headless", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
    "--disable-dev-shm-usage",
)  # fmt: skip
# The first is where Chromium has always looked, the second where newer ones look too.
STORES = (Path(".pki/nssdb"), Path(".local/share/pki/nssdb"))
NSS = ("certutil", "pk12util")
ASKS = (
    "asks a person",
    "which client certificate to show is asked of a person here; no policy can be given to it alone",
)
CERTIFICATE = "ERR_CERT_"
CONNECT = ("ERR_CONNECTION_REFUSED", "ERR_NAME_NOT_RESOLVED", "ERR_CONNECTION_TIMED_OUT", "ERR_PROXY_CONNECTION_FAILED")
ANSWER = ("ERR_BAD_SSL_CLIENT_AUTH_CERT", "ERR_SOCKET_NOT_CONNECTED", "ERR_EMPTY_RESPONSE", "ERR_INVALID_HTTP_RESPONSE")


def try_chromium(
    program: str, url: str, trust: Path | None, pair: Files | None, environment: Mapping[str, str], timeout: float
) -> Outcome:
    """Open `url` in a Chromium that has nothing but these trust anchors beside its own."""
    if reason := _unable(trust, pair):
        return not_tried("chromium", *reason)
    with tempfile.TemporaryDirectory(prefix="tlsnotes-chromium-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        command = [program, *FLAGS, _only(url), f"--user-data-dir={home}/profile", "about:blank"]
        try:
            stores = _fill_stores(home, trust) if trust or pair else []
            if pair:
                import_pair(home, stores, pair)
                command = picking(home, url, command)
        except (OSError, ValueError, TypeError, TLSNotesError, subprocess.SubprocessError) as error:
            return not_tried("chromium", "no such files", f"its certificate store takes no such files: {error}")
        # TMPDIR too: it keeps a socket there, which would outlive it
        variables = environment_of({**environment, "HOME": folder, "TMPDIR": folder})
        with _started(command, variables) as page:
            return page.visit(url, time.monotonic() + timeout)


def _only(url: str) -> str:
    """The flag that lets Chromium look up no other host: at its start it asks for several of its maker's by itself."""
    host = urlsplit(url).hostname or ""
    plain = re.fullmatch(r"[\w.:-]+", host, re.ASCII)
    return "--host-resolver-rules=MAP * ~NOTFOUND" + (f", EXCLUDE {host}" if plain else "")


def _unable(trust: Path | None, pair: Files | None) -> tuple[str, str] | None:
    """A code and words where this system lacks what it takes."""
    if sys.platform == "win32" or not hasattr(os, "posix_spawn"):
        return "no pipe", "on this system no browser can be started with a debugging pipe"
    if not (trust or pair):
        return None
    if sys.platform != "linux":
        return (
            "system's store",
            "on this system Chromium trusts what the system's store holds, which is left alone here",
        )
    if not all(map(find_program, NSS)):
        return "no certutil", "NSS's certutil and pk12util fill its certificate store: apt install libnss3-tools"
    return None if pair is None or can_pick() else ASKS


def _fill_stores(home: Path, trust: Path | None) -> list[Path]:
    """Make the certificate stores, with what is trusted in them."""
    certificates = x509.load_pem_x509_certificates(trust.read_bytes()) if trust else []
    stores = [home / one for one in STORES]
    for store in stores:
        store.mkdir(parents=True)
        _quietly(find_program("certutil"), "-N", "--empty-password", "-d", f"sql:{store}")
        for number, certificate in enumerate(certificates):
            path = home / "root.pem"
            path.write_bytes(certificate.public_bytes(Encoding.PEM))
            named = ("-n", f"root {number}", "-t", "C,,", "-i", str(path), "-d", f"sql:{store}")
            _quietly(find_program("certutil"), "-A", *named)
    return stores


def _quietly(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=20)


@contextlib.contextmanager
def _started(command: list[str], variables: Mapping[str, str]) -> Iterator[_Page]:
    """Start the browser in a process group of its own, and end all of it afterwards."""
    if sys.platform == "win32":  # `_unable` has seen to it; this tells the type checker
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
        yield _Page(*ours)
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


class _Page:
    """One page of the browser, and the messages that go to it and come from it."""

    def __init__(self, read: int, write: int) -> None:
        self._read, self._write = read, write
        self._buffer = b""
        self._number = 0
        self.status = 0

    def visit(self, url: str, deadline: float) -> Outcome:
        """Open the page, and say what became of it."""
        try:
            target = self._call(deadline, "Target.createTarget", url="about:blank")
            session = self._call(deadline, "Target.attachToTarget", targetId=target["targetId"], flatten=True)
            here = str(session["sessionId"])
            self._call(deadline, "Network.enable", here)
            answer = self._call(deadline, "Page.navigate", here, url=url)
        except TimeoutError:
            return refused("chromium", "connect", "timeout", "no answer in time")
        except (OSError, KeyError, ValueError) as error:
            return refused(
                "chromium", "prepare", type(error).__name__, f"the browser did not do as it was told: {error}"
            )
        if text := str(answer.get("errorText", "")):
            code = text.removeprefix("net::")
            return refused("chromium", _stage(code), code, text)
        return accepted("chromium", f"HTTP {self.status}" if self.status else "it shows the page")

    def _call(self, deadline: float, method: str, session: str = "", **parameters: object) -> dict[str, object]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            heard = self._next(deadline)
            if heard.get("method") == "Network.responseReceived":
                self.status = int(heard["params"]["response"]["status"])
            if heard.get("id") == self._number:
                result: dict[str, object] = heard["result"]
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


def _stage(code: str) -> str:
    if code.startswith(CERTIFICATE):
        return "certificate"
    if code in CONNECT:
        return "connect"
    return "answer" if code in ANSWER else "handshake"
