"""The clients that learners have, each asked the same: this URL, this trust, this client certificate.

Compare what they say by `Outcome.code`: their words change with every version.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tlsnotes.errors import TLSNotesError
from tlsnotes.live.client_chromium import try_chromium
from tlsnotes.live.client_newman import try_newman
from tlsnotes.live.client_programs import try_curl, try_node, try_openssl
from tlsnotes.live.client_python import Files, try_requests, try_ssl
from tlsnotes.live.outcome import Outcome, not_tried
from tlsnotes.pki.authority import Authority
from tlsnotes.pki.credential import Credential
from tlsnotes.programs import find_program, how_to_get

__all__ = ["CLIENTS", "Outcome", "missing", "try_client"]

Try = Callable[[str, Path | None, Files | None, Mapping[str, str], float], Outcome]
TryProgram = Callable[[str, str, Path | None, Files | None, Mapping[str, str], float], Outcome]
IN_PROCESS: Mapping[str, Try] = {"requests": try_requests, "ssl": try_ssl}
PROGRAMS: Mapping[str, TryProgram] = {
    "curl": try_curl,
    "openssl": try_openssl,
    "node": try_node,
    "chromium": try_chromium,
    "newman": try_newman,
}
CLIENTS = (*IN_PROCESS, *PROGRAMS)
SECONDS = 10.0

TrustGiven = Authority | x509.Certificate | Path | str | Iterable[Authority | x509.Certificate] | None
CredentialGiven = Credential | tuple[Path | str, Path | str] | None


def try_client(
    client: str,
    url: str,
    trust: TrustGiven = None,
    credential: CredentialGiven = None,
    environment: Mapping[str, str] | None = None,
    timeout: float = SECONDS,
) -> Outcome:
    """Let a client GET `url` once, and give what became of it. `client`: one of CLIENTS.

    `trust`: an Authority, certificates, or the path of a PEM file (None: what the client trusts by itself);
    `credential`: its own, or the (certificate, key) paths as they are; `environment`: variables for this client, beside
    which none of this machine's about proxies and trust counts; `timeout`: seconds. Raises `TLSNotesError` for
    arguments that are no such things, never for what a client says.
    """
    _check(client, url)
    with tempfile.TemporaryDirectory(prefix="tlsnotes-") as folder:  # 0700, as mkdtemp makes it
        trusted = _trust_file(trust, Path(folder))
        pair = _pair(credential, Path(folder))
        if client in IN_PROCESS:
            return IN_PROCESS[client](url, trusted, pair, environment or {}, timeout)
        program = find_program(client)
        if not program:
            return _not_installed(client)
        return PROGRAMS[client](program, url, trusted, pair, environment or {}, timeout)


def missing(client: str) -> Outcome | None:
    """What is to be said of a client that is not installed here; None of one that can be tried."""
    return None if client in IN_PROCESS or find_program(client) else _not_installed(client)


def _not_installed(client: str) -> Outcome:
    return not_tried(client, "not installed", f"{client} is not installed here; to add it: {how_to_get(client)}")


def _check(client: object, url: object) -> None:
    if client not in CLIENTS:
        raise TLSNotesError("there is no such client", expected=f"one of {', '.join(CLIENTS)}", found=repr(client)[:80])
    if not _is_url(url):
        raise TLSNotesError("this is no URL", expected='"https://localhost:8443/", for example', found=repr(url)[:80])


def _is_url(url: object) -> bool:
    if not isinstance(url, str) or not url.isprintable():
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in ("https", "http") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none, a bracket too many
        return False


def _trust_file(trust: TrustGiven, folder: Path) -> Path | None:
    if trust is None or isinstance(trust, Path | str):
        return None if trust is None else Path(trust)
    given = list(trust) if isinstance(trust, Iterable) else [trust]
    certificates = [one.certificate if isinstance(one, Authority) else one for one in given]
    if wrong := [one for one in certificates if not isinstance(one, x509.Certificate)]:
        raise TLSNotesError(
            "this is nobody to trust",
            expected="an Authority, certificates, or a PEM path",
            found=type(wrong[0]).__name__,
        )
    path = folder / "trust.pem"
    path.write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in certificates))
    return path


def _pair(credential: CredentialGiven, folder: Path) -> Files | None:
    match credential:
        case None:
            return None
        case Credential():
            saved = credential.save(folder / "client")
            return saved / "fullchain.pem", saved / "key.pem"
        case (str() | os.PathLike() as certificate, str() | os.PathLike() as key):
            return Path(certificate), Path(key)
        case _:
            raise TLSNotesError(
                "this is no credential",
                expected="a Credential, or a (certificate, key) pair of paths",
                found=type(credential).__name__,
            )
