"""A client certificate for Chromium: it shows one only when a person picks it, or a policy of the machine does.

The policy stands here in a mount namespace that only this one Chromium sees; nothing of the machine is changed. That
takes Linux, `unshare`, and the folder in which Debian's Chromium looks for its policies.
"""

from __future__ import annotations

import contextlib
import functools
import json
import secrets
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tlsnotes.live.client_python import Files
from tlsnotes.pki.credential import Credential
from tlsnotes.pki.files import PRIVATE, write_together
from tlsnotes.programs import find_program

POLICIES = Path("/etc/chromium")
PASSWORD_BYTES = 16
# Run inside the namespace: it puts the folder in its place and becomes the browser.
ENTER = (
    "import os, subprocess, sys; "
    f"subprocess.run(['mount', '--bind', sys.argv[1], '{POLICIES}'], check=True); os.execv(sys.argv[2], sys.argv[2:])"
)


def can_pick() -> bool:
    """Whether this machine can give one Chromium a policy of its own, and has what fills its store."""
    return bool(_namespace()) and bool(find_program("pk12util"))


@functools.cache
def _namespace() -> tuple[str, ...]:
    """The command that makes a mount namespace: as root, or with a user namespace; empty where neither goes.

    Found out by doing it: some systems give a namespace and then forbid to mount in it.
    """
    unshare, nothing = find_program("unshare"), (sys.executable, "-I", "-S", "-c", "")
    for command in ((unshare, "-m"), (unshare, "-r", "-m")) if unshare and POLICIES.is_dir() else ():
        tried = [*command, sys.executable, "-c", ENTER, str(POLICIES), *nothing]
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            subprocess.run(tried, capture_output=True, check=True, stdin=subprocess.DEVNULL, timeout=10)
            return command
    return ()


def import_pair(home: Path, stores: list[Path], pair: Files) -> None:
    """Put certificate and key into the stores; raises `ValueError`, `TypeError`, `OSError` for files that are none."""
    first, *rest = x509.load_pem_x509_certificates(pair[0].read_bytes())
    key = load_pem_private_key(pair[1].read_bytes(), None)
    password = secrets.token_hex(PASSWORD_BYTES)
    credential = Credential(first, key, tuple(rest))  # type: ignore[arg-type]  # it says itself what key it takes
    packed, word = home / "client.p12", home / "password"
    write_together({packed: (credential.pkcs12(password), PRIVATE), word: (password.encode(), PRIVATE)})
    for store in stores:
        command = [find_program("pk12util"), "-i", str(packed), "-w", str(word), "-d", f"sql:{store}"]
        subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=20)


def picking(home: Path, url: str, command: list[str]) -> list[str]:
    """The command that starts Chromium with a policy to show what is in its store to the server of `url`."""
    folder = home / "policies" / "policies" / "managed"
    folder.mkdir(parents=True)
    choice = json.dumps({"pattern": f"https://{urlsplit(url).hostname}", "filter": {}})
    (folder / "pick.json").write_text(json.dumps({"AutoSelectCertificateForUrls": [choice]}), "utf-8")
    return [*_namespace(), sys.executable, "-c", ENTER, str(home / "policies"), *command]
