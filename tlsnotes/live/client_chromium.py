"""Chromium without a window: a throwaway profile and certificate store, and pages asked for over its debugging pipe.

The certificate store is NSS's, which Chromium has on Linux alone, and NSS's certutil and pk12util fill it. Which client
certificate to show is a person's choice, or a policy's; see `client_chromium_policy`. Nothing of it is left: no
process, no folder.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tlsnotes.errors import TLSNotesError
from tlsnotes.live.client_chromium_pipe import DevTools, started
from tlsnotes.live.client_chromium_policy import can_pick, import_pair, picking
from tlsnotes.live.client_programs import environment_of
from tlsnotes.live.client_python import Files
from tlsnotes.live.outcome import Outcome, accepted, not_tried, refused
from tlsnotes.programs import find_program

FLAGS = (
    "--headless", "--no-startup-window", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--disable-quic",
    "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-extensions", "--disable-dev-shm-usage",
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


class Chromium:
    """A Chromium that has nothing but these trust anchors beside its own, and looks up no host but that of `url`.

    A context manager. Every page is in a browser context of its own, which knows nothing of the others: no cookie, no
    connection, no session to resume. Where it cannot be started, `visit` says why.
    """

    def __init__(
        self, program: str, url: str, trust: Path | None, pair: Files | None, environment: Mapping[str, str]
    ) -> None:
        self._given = program, url, trust, pair, environment
        self._stack = contextlib.ExitStack()
        self._tools: DevTools | None = None
        self._failed: Outcome | None = None

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:  # what was begun is ended again where it goes no further
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _start(self, stack: contextlib.ExitStack) -> None:
        program, url, trust, pair, environment = self._given
        if reason := _unable(trust, pair):
            self._failed = not_tried("chromium", *reason)
            return
        temporary = tempfile.TemporaryDirectory(prefix="tlsnotes-chromium-", ignore_cleanup_errors=True)
        folder = stack.enter_context(temporary)
        home = Path(folder)
        command = [program, *FLAGS, _only(url), f"--user-data-dir={home}/profile"]
        try:
            stores = _fill_stores(home, trust) if trust or pair else []
            if pair:
                import_pair(home, stores, pair)
                command = picking(home, url, command)
        except (OSError, ValueError, TypeError, TLSNotesError, subprocess.SubprocessError) as error:
            self._failed = not_tried("chromium", "no such files", f"its certificate store takes no such files: {error}")
            return
        # TMPDIR too: it keeps a socket there, which would outlive it
        variables = environment_of({**environment, "HOME": folder, "TMPDIR": folder})
        self._tools = stack.enter_context(started(command, variables))

    def visit(self, url: str, timeout: float) -> Outcome:
        """Open a page at `url`, and say what became of it within `timeout` seconds."""
        if self._failed or not self._tools:
            return self._failed or not_tried("chromium", "not started", "it is not running")
        deadline = time.monotonic() + timeout
        try:
            return _visit(self._tools, url, deadline)
        except TimeoutError:
            return refused("chromium", "connect", "timeout", "no answer in time")
        except (OSError, KeyError, ValueError) as error:
            return refused(
                "chromium", "prepare", type(error).__name__, f"the browser did not do as it was told: {error}"
            )


def try_chromium(
    program: str, url: str, trust: Path | None, pair: Files | None, environment: Mapping[str, str], timeout: float
) -> Outcome:
    """Open `url` in a Chromium that was started for it alone."""
    with Chromium(program, url, trust, pair, environment) as browser:
        return browser.visit(url, timeout)


def _visit(tools: DevTools, url: str, deadline: float) -> Outcome:
    context = tools.call(deadline, "Target.createBrowserContext", disposeOnDetach=True)["browserContextId"]
    target = tools.call(deadline, "Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
    session = str(tools.call(deadline, "Target.attachToTarget", targetId=target, flatten=True)["sessionId"])
    tools.call(deadline, "Network.enable", session)
    answer = tools.call(deadline, "Page.navigate", session, url=url)
    tools.call(deadline, "Target.disposeBrowserContext", browserContextId=context)
    if text := str(answer.get("errorText", "")):
        code = text.removeprefix("net::")
        return refused("chromium", _stage(code), code, text)
    status = tools.statuses.get(session)
    return accepted("chromium", f"HTTP {status}" if status else "it shows the page")


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


def _stage(code: str) -> str:
    if code.startswith(CERTIFICATE):
        return "certificate"
    if code in CONNECT:
        return "connect"
    return "answer" if code in ANSWER else "handshake"
