"""The clients in this process: requests, and Python's own ssl over a socket; each with what it is given and no more."""

from __future__ import annotations

import re
import socket
import ssl
import traceback
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import requests
import requests.exceptions
import urllib3.exceptions

from tlsnotes.live.outcome import Outcome, accepted, refused

Files = tuple[Path, Path]  # a certificate's path, and its key's
MAX_DEPTH = 20


def try_requests(
    url: str, trust: Path | None, pair: Files | None, environment: Mapping[str, str], timeout: float
) -> Outcome:
    """GET `url` with requests; `environment` may name a proxy or a CA bundle, the machine's own does not count."""
    with requests.Session() as session:
        session.trust_env = False
        given = {name.lower(): value for name, value in environment.items()}
        for scheme in ("http", "https"):
            if proxy := given.get(f"{scheme}_proxy", given.get("all_proxy")):
                session.proxies[scheme] = proxy
        session.verify = str(trust) if trust else given.get("requests_ca_bundle", True)
        session.cert = (str(pair[0]), str(pair[1])) if pair else None
        try:
            with session.get(url, timeout=timeout, allow_redirects=False, stream=True) as answer:
                return accepted("requests", f"HTTP {answer.status_code}")  # its body could go on for ever
        except (OSError, ValueError) as error:  # requests' own errors are OSErrors
            return outcome_of("requests", error, "" if _usable(pair) else "prepare")


def try_ssl(
    url: str, trust: Path | None, pair: Files | None, environment: Mapping[str, str], timeout: float
) -> Outcome:
    """GET `url` over `ssl.create_default_context` and a socket; and read: in TLS 1.3 a refusal comes late."""
    del environment  # ssl knows no proxy; what it trusts it is told
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        context = ssl.create_default_context(cafile=str(trust) if trust else None)
        if pair:
            context.load_cert_chain(pair[0], pair[1], password=_no_password)
    except (OSError, ValueError) as error:
        return outcome_of("ssl", error, "prepare")
    stage = "connect"
    try:
        with socket.create_connection((host, parts.port or 443), timeout) as raw:
            stage = "handshake"
            with context.wrap_socket(raw, server_hostname=host) as tls:
                stage = "answer"
                tls.sendall(
                    f"GET {target(parts)} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode()
                )
                data = tls.recv(65536)
    except (OSError, ValueError) as error:
        return outcome_of("ssl", error, stage)
    status = re.match(rb"HTTP/1\.[01] (\d{3})", data)
    if not status:
        return refused("ssl", "answer", "no HTTP", "the answer is no HTTP" if data else "the server closed without one")
    return accepted("ssl", f"HTTP {status[1].decode()}")


def target(parts: SplitResult) -> str:
    """What of a URL stands in the request line (RFC 9112 §3.2.1)."""
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _usable(pair: Files | None) -> bool:
    """Whether a client's own files are a certificate and its key: requests looks at them late, and says no more."""
    try:
        if pair:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(pair[0], pair[1], password=_no_password)
    except (OSError, ValueError):
        return False
    return True


def _no_password() -> str:
    """Say that there is none: without this, ssl would ask on the terminal."""
    return ""


def outcome_of(client: str, error: BaseException, stage: str = "") -> Outcome:
    """Put an exception into an Outcome: by the `ssl.SSLError` at its bottom where there is one, else by its class."""
    chain = _causes(error)
    inner = next((one for one in chain if isinstance(one, ssl.SSLError)), None)
    if isinstance(inner, ssl.SSLCertVerificationError):
        code = inner.verify_code or "certificate"
        return refused(client, "certificate", code, inner.verify_message or str(inner))
    mismatch = next((one for one in chain if isinstance(one, urllib3.exceptions.SSLError | ssl.CertificateError)), None)
    if inner is None and mismatch is not None and "doesn't match" in str(mismatch):
        return refused(
            client, "certificate", 62, str(mismatch)
        )  # urllib3's own comparison of names has OpenSSL's meaning
    if inner is not None:
        reason = inner.reason or "SSLError"
        return refused(client, stage if stage and stage != "connect" else _stage_of(inner, error), reason, str(inner))
    last = _telling(chain)
    late = any(isinstance(one, TimeoutError | requests.exceptions.Timeout) for one in chain)
    code = "timeout" if late else type(last).__name__
    return refused(client, stage or _stage_by_frames(error) or _stage_by_class(last), code, str(last))


def _telling(chain: list[BaseException]) -> BaseException:
    """The error that says most: of requests' wrappings the innermost that is none of its own."""
    names = ("ProxyError", "RemoteDisconnected", "ConnectTimeout", "ReadTimeout", "ConnectionRefusedError")
    return next((one for name in names for one in chain if type(one).__name__ == name), chain[0])


def _stage_of(inner: ssl.SSLError, error: BaseException) -> str:
    """When an error of TLS came up in requests, which does not say: by what it is."""
    reason = inner.reason or ""
    if type(error) in (ssl.SSLError, OSError) or reason in ("KEY_VALUES_MISMATCH", "NO_CERTIFICATE_OR_CRL_FOUND"):
        return "prepare"  # not wrapped: its own files, before anything was sent
    return "answer" if reason.startswith("TLSV13_ALERT") else _stage_by_frames(error) or "handshake"


def _stage_by_frames(error: BaseException) -> str:
    """When it came up, by the functions of `http.client` and `ssl` that it came through; "" where by none of them."""
    names = {frame.name for one in _causes(error) for frame in traceback.extract_tb(one.__traceback__)}
    return "answer" if "getresponse" in names else "handshake" if "do_handshake" in names else ""


def _stage_by_class(error: BaseException) -> str:
    name = type(error).__name__
    if name == "RemoteDisconnected":
        return "answer"
    return "prepare" if type(error) in (OSError, FileNotFoundError) else "connect"


def _causes(error: BaseException) -> list[BaseException]:
    """An exception and those that it wraps: by cause, context, reason and arguments."""
    found: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting and len(found) < MAX_DEPTH:
        one = waiting.pop(0)
        if isinstance(one, BaseException) and all(one is not other for other in found):
            found.append(one)
            waiting += [getattr(one, "reason", None), *one.args, one.__cause__, one.__context__]
    return found
