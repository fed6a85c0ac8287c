"""The server of a recipe: `HTTPSServer` where it can speak so, else the small one with a context made for it.

What a machine's OpenSSL cannot do is found by trying: the two sides of an odd handshake are joined without a socket.
"""

from __future__ import annotations

import base64
import ssl
import tempfile
import threading
import warnings
from collections.abc import Mapping
from pathlib import Path

from tlsnotes.errors import TLSNotesError
from tlsnotes.live.context import load_credential
from tlsnotes.live.mistakes_altered import INTEGER, SEQUENCE, der
from tlsnotes.live.mistakes_recipes import Speaks
from tlsnotes.live.server import HTTPSServer
from tlsnotes.live.small_server import SmallServer
from tlsnotes.pki.credential import Credential

VERSIONS = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}
# RFC 2409 section 6.2, the Second Oakley Group: the 1,024-bit prime that half of the internet once shared.
SMALL_PRIME = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD"
    "3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F"
    "24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF",
    16,
)
_ORDINARY = {"1.2", "1.3"}
_warnings = threading.Lock()  # the filters belong to the whole process


def server_for(
    speaks: Speaks, credential: Credential | None, made: Mapping[str, Credential]
) -> HTTPSServer | SmallServer:
    """Set up the server, not yet started; `made` has the certificate that it asks clients for.

    Raises `TLSNotesError` where this machine's OpenSSL cannot speak so.
    """
    if speaks.protocol != "TLS" or credential is None:
        return SmallServer(None) if speaks.protocol == "HTTP" else SmallServer(None, None)
    if speaks == Speaks(speaks.versions, speaks.asks) and set(speaks.versions) <= _ORDINARY:
        client_ca = made[speaks.asks].certificate if speaks.asks else None
        return HTTPSServer(credential, client_ca=client_ca, versions=speaks.versions)
    try:
        if not speaks.unknown_name:
            _rehearse(_context(speaks, credential), _context(speaks))
        return SmallServer(_context(speaks, credential))
    except (ssl.SSLError, ValueError) as error:
        reason = getattr(error, "reason", None) or str(error)  # set_ciphers raises one without
        raise TLSNotesError(
            f"this Python's {ssl.OPENSSL_VERSION} does not speak so any more",
            expected=_wanted(speaks),
            found=f"OpenSSL says {reason}",
            fix="nothing is wrong with the machine: it is too careful to make this mistake",
        ) from error


def _context(speaks: Speaks, credential: Credential | None = None) -> ssl.SSLContext:
    """Set up the server's side, or, without a credential, a client's that takes whatever such a server offers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if credential else ssl.PROTOCOL_TLS_CLIENT)
    with _warnings, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the old versions are deprecated: that is the mistake
        context.minimum_version = min(VERSIONS[version] for version in speaks.versions)
        context.maximum_version = max(VERSIONS[version] for version in speaks.versions)
    level = ":@SECLEVEL=0" if speaks.weak else ""
    context.set_ciphers((speaks.ciphers or ("ALL" if speaks.weak else "DEFAULT")) + level)
    if speaks.group:
        context.set_ecdh_curve(speaks.group)
    if credential is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE  # a rehearsal: nothing is sent, and whom to believe is not the question
        return context
    if speaks.small_dh:
        _load_small_dh(context)
    if speaks.unknown_name:
        context.sni_callback = _unknown_name
    load_credential(context, credential)
    return context


def _load_small_dh(context: ssl.SSLContext) -> None:
    # cryptography gives finite fields up, as TLS does: two INTEGERs in a SEQUENCE (PKCS #3) are soon written by hand.
    numbers = der(INTEGER, b"\0" + SMALL_PRIME.to_bytes(128, "big")) + der(INTEGER, b"\x02")
    text = base64.encodebytes(der(SEQUENCE, numbers)).decode()
    with tempfile.TemporaryDirectory(prefix="tlsnotes-") as folder:
        path = Path(folder, "dh.pem")
        path.write_text(f"-----BEGIN DH PARAMETERS-----\n{text}-----END DH PARAMETERS-----\n")
        context.load_dh_params(str(path))


def _unknown_name(_connection: object, name: str | None, _context: ssl.SSLContext) -> int | None:
    return None if name is None else ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME


def _rehearse(server_context: ssl.SSLContext, client_context: ssl.SSLContext) -> None:
    """Shake hands in memory; raises `ssl.SSLError` when the two cannot."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [
        client_context.wrap_bio(to_client, to_server),
        server_context.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(8):  # flights of each side, far more than a handshake has
        for side in list(sides):
            try:
                side.do_handshake()
                sides.remove(side)
            except ssl.SSLWantReadError:
                pass
        if not sides:
            return
    raise ssl.SSLError("the two wait for each other")


def _wanted(speaks: Speaks) -> str:
    parts = [f"TLS {' or '.join(speaks.versions)}", speaks.ciphers, speaks.group]
    parts += ["a 1,024-bit Diffie-Hellman group"] * speaks.small_dh + ["security level 0"] * speaks.weak
    return ", ".join(part for part in parts if part)
