"""The server's `ssl.SSLContext`, and the private file in which it leaves the secrets of each handshake."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import ssl
import tempfile
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tlsnotes.errors import TLSNotesError
from tlsnotes.pki.authority import Authority
from tlsnotes.pki.credential import Credential
from tlsnotes.pki.keys import key_kind, key_pem

Trust = x509.Certificate | Credential | Authority | Iterable[x509.Certificate]

MEMORY = Path("/dev/shm")  # noqa: S108  # Linux has it; mkdtemp makes a private folder there
KEYLOG_PREFIX = "tlsnotes-keylog-"
OLD = 60.0  # seconds: younger folders may belong to a server that is just starting
VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
# Python 3.13 checks so strictly by default; here every Python does.
STRICT = ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN


def server_context(
    credential: Credential, client_ca: Trust | None, client_auth: str, versions: Sequence[str]
) -> ssl.SSLContext:
    """Set up the server's side: what it proves itself with, whom it believes, which versions it speaks."""
    wanted = _versions(versions)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version, context.maximum_version = min(wanted), max(wanted)
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    load_credential(context, credential)
    if client_auth not in ("required", "optional"):
        raise TLSNotesError("this is no way to ask for a client's certificate", expected='"required" or "optional"')
    if client_ca is not None:
        context.verify_flags |= STRICT
        context.load_verify_locations(cadata=b"".join(c.public_bytes(Encoding.DER) for c in trusted(client_ca)))
        context.verify_mode = ssl.CERT_REQUIRED if client_auth == "required" else ssl.CERT_OPTIONAL
    return context


def trusted(trust: Trust) -> list[x509.Certificate]:
    """List the certificates of what a learner means by trust: an authority, a credential, or certificates."""
    if isinstance(trust, x509.Certificate):
        return [trust]
    if isinstance(trust, Authority | Credential):
        return [trust.certificate]
    certificates = list(trust) if isinstance(trust, Iterable) and not isinstance(trust, str | bytes) else []
    if not certificates or not all(isinstance(c, x509.Certificate) for c in certificates):
        raise TLSNotesError(
            "this cannot be trusted",
            expected="an Authority, a certificate, or a list of them",
            found=type(trust).__name__,
        )
    return certificates


def _versions(versions: Sequence[str]) -> list[ssl.TLSVersion]:
    named = list(versions) if isinstance(versions, Iterable) and not isinstance(versions, str) else []
    if not named or not all(isinstance(v, str) and v in VERSIONS for v in named):
        raise TLSNotesError(
            "these are no TLS versions for this server",
            expected='("1.2", "1.3"), ("1.2",) or ("1.3",)',
            found=repr(versions),
        )
    return [VERSIONS[v] for v in named]


def load_credential(context: ssl.SSLContext, credential: Credential) -> None:
    """Give a context its credential; raises `TLSNotesError` where this Python's OpenSSL does not take the key.

    What a context allows (`set_ciphers`) decides what it takes, and is set before.
    """
    # Python's ssl reads keys from files only. This one lives for a moment, and is encrypted all the same.
    password = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="tlsnotes-") as folder:
        path = Path(folder, "credential.pem")
        path.touch(mode=0o600)
        path.write_bytes(key_pem(credential.key, password) + credential.fullchain_pem)
        try:
            context.load_cert_chain(path, password=password)
        except ssl.SSLError as error:
            raise TLSNotesError(
                f"this Python cannot serve a key of kind {key_kind(credential.key)}",
                expected=f"a kind that its OpenSSL ({ssl.OPENSSL_VERSION}) knows and allows",
                found=f"OpenSSL says {error.reason}",
                fix='take "ecdsa-p256"',
            ) from error


class KeyLog:
    """Collects the secrets of handshakes: a private file (0600 in a 0700 folder), emptied as it is read.

    It is in memory, not on a disk, where there is such a folder. Where the system allows it the file has no name once
    it is open, so that not even a crash leaves it behind; elsewhere the next one removes what a crash has left.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        # A handshake writes its lines while it holds this lock, and nobody else does: so they are its own.
        self.lock = threading.Lock()
        home = MEMORY if os.access(MEMORY, os.W_OK) else Path(tempfile.gettempdir())
        _remove_leftovers(home)
        self._folder = Path(tempfile.mkdtemp(prefix=KEYLOG_PREFIX, dir=home))
        path = self._folder / "keys.log"
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        context.keylog_filename = str(path)
        with contextlib.suppress(OSError):  # Windows keeps the name of an open file until stop
            path.unlink()
            self._folder.rmdir()

    def take(self) -> str:
        """Give the lines written since the last call, and empty the file."""
        size = os.fstat(self._file).st_size
        if not size:
            return ""
        os.lseek(self._file, 0, os.SEEK_SET)
        text = os.read(self._file, size).decode("ascii", "replace")
        os.ftruncate(self._file, 0)
        head, line, rest = text.partition("\n")  # Python's ssl begins the file with a comment
        return rest if head.startswith("#") else head + line + rest

    def close(self) -> None:
        """Let go of the file, and of its folder where that still has a name."""
        with self.lock:
            self._context.keylog_filename = None  # type: ignore[assignment]  # typeshed forgets that None closes the file
            os.close(self._file)
        shutil.rmtree(self._folder, ignore_errors=True)


def _remove_leftovers(home: Path) -> None:
    """Remove the key logs of kernels that have crashed; those in use are not harmed.

    Windows deletes no file that is open. Elsewhere a log in use has no name already, and would not need one.
    """
    for folder in home.glob(f"{KEYLOG_PREFIX}*"):
        with contextlib.suppress(OSError):
            if time.time() - folder.lstat().st_mtime > OLD:
                shutil.rmtree(folder, ignore_errors=True)  # of links it takes none, of others' it may take none
