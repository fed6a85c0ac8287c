"""Private keys: made, written so that only their owner can read them, and read back.

Keys are cryptography's own objects. A key file is PEM with PKCS#8 inside (RFC 5958). It has mode 0600 from the moment
it exists, in a folder of mode 0700 if that is made here, and replaces an older file only when it is whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, rsa

from tlsnotes.errors import TLSNotesError
from tlsnotes.pki.files import read_file, write_private

MLDSAPrivateKey = mldsa.MLDSA44PrivateKey | mldsa.MLDSA65PrivateKey | mldsa.MLDSA87PrivateKey
PrivateKey = (
    rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey | MLDSAPrivateKey
)

# PKCS#8 and its encrypted form, and the older RSA and EC forms; OpenSSH's own form is none of them.
_PRIVATE_KEY = re.compile(rb"-----BEGIN (?!OPENSSH )([A-Z0-9]+ )?PRIVATE KEY-----")

KEY_KINDS: dict[str, Callable[[], PrivateKey]] = {
    "ecdsa-p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ecdsa-p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "ecdsa-p521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "rsa-2048": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "rsa-3072": lambda: rsa.generate_private_key(public_exponent=65537, key_size=3072),
    "rsa-4096": lambda: rsa.generate_private_key(public_exponent=65537, key_size=4096),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "ed448": ed448.Ed448PrivateKey.generate,
    "ml-dsa-44": mldsa.MLDSA44PrivateKey.generate,
    "ml-dsa-65": mldsa.MLDSA65PrivateKey.generate,
    "ml-dsa-87": mldsa.MLDSA87PrivateKey.generate,
}

_FIXED_KINDS = (
    (ed25519.Ed25519PrivateKey, ed25519.Ed25519PublicKey, "ed25519"),
    (ed448.Ed448PrivateKey, ed448.Ed448PublicKey, "ed448"),
    (mldsa.MLDSA44PrivateKey, mldsa.MLDSA44PublicKey, "ml-dsa-44"),
    (mldsa.MLDSA65PrivateKey, mldsa.MLDSA65PublicKey, "ml-dsa-65"),
    (mldsa.MLDSA87PrivateKey, mldsa.MLDSA87PublicKey, "ml-dsa-87"),
)


def generate_key(kind: str = "ecdsa-p256") -> PrivateKey:
    """Make a new private key of one of `KEY_KINDS` ("ecdsa-p256", "rsa-2048", "ed25519", "ml-dsa-65", ...).

    Raises `TLSNotesError` for a kind that is not known, or that this machine's cryptography cannot make.
    """
    if not isinstance(kind, str) or kind not in KEY_KINDS:
        raise TLSNotesError("there is no such kind of key", expected=f"one of {', '.join(KEY_KINDS)}", found=repr(kind))
    try:
        return KEY_KINDS[kind]()
    except UnsupportedAlgorithm as error:
        raise TLSNotesError(
            f"this machine cannot make a key of kind {kind!r}",
            expected="a cryptography whose OpenSSL knows the algorithm",
            found=str(error),
            fix="pip install --upgrade cryptography, or take another kind",
        ) from error


def key_kind(key: object) -> str:
    """Name a private or public key in the words of `KEY_KINDS`, those of other sizes and curves too ("rsa-1024").

    Raises `TLSNotesError` for anything that cannot sign certificates and handshakes.
    """
    match key:
        case rsa.RSAPrivateKey() | rsa.RSAPublicKey():
            return f"rsa-{key.key_size}"
        case ec.EllipticCurvePrivateKey() | ec.EllipticCurvePublicKey():
            return f"ecdsa-{key.curve.name.replace('secp', 'p').removesuffix('r1')}"
    for private, public, kind in _FIXED_KINDS:
        if isinstance(key, private | public):
            return kind
    raise _not_for_signing(key)


def signing_key(key: object) -> PrivateKey:
    """Give back a private key that can sign certificates and handshakes; raises `TLSNotesError` for anything else."""
    if not isinstance(key, PrivateKey):
        raise _not_for_signing(key)
    return key


def key_pem(key: PrivateKey, password: str | bytes | None = None) -> bytes:
    """Write a private key as PEM (PKCS#8, RFC 5958), encrypted when a password is given."""
    return signing_key(key).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()
        if password is None
        else serialization.BestAvailableEncryption(password_bytes(password)),
    )


def save_key(key: PrivateKey, path: str | Path, password: str | bytes | None = None) -> Path:
    """Save a private key to a PEM file of mode 0600 and return the file's path; a file already there is replaced."""
    return write_private(Path(path), key_pem(key, password))


def load_key(path: str | Path, password: str | bytes | None = None) -> PrivateKey:
    """Load a private key from a PEM file, with the password it was saved with.

    Raises `TLSNotesError` when the file is missing or holds something else, and for a password that is wrong, missing
    or not needed.
    """
    path = Path(path)
    data = read_file(path)
    if not _PRIVATE_KEY.search(data):
        raise TLSNotesError(
            f"{path} holds no private key", expected="PEM text with a PRIVATE KEY block", found=what_is(data)
        )
    try:
        key = serialization.load_pem_private_key(data, None if password is None else password_bytes(password))
    except TypeError as error:
        raise _password_error(path, password) from error
    except ValueError as error:
        if password is not None:
            raise TLSNotesError(
                f"the password does not open {path}",
                expected="the password that the key was saved with",
                found="another one (or the file is damaged)",
                fix="there is no way round a forgotten password: make a new key and have it certified",
            ) from error
        raise TLSNotesError(f"{path} cannot be read", expected="a whole PEM private key", found=str(error)) from error
    except UnsupportedAlgorithm as error:
        raise TLSNotesError(f"{path} holds a key of a kind this machine does not know", found=str(error)) from error
    finally:
        data = b""  # a traceback may show every variable (IPython's %xmode Verbose): not this one
    return signing_key(key)


def password_bytes(password: str | bytes) -> bytes:
    """Turn a password into the bytes that encrypt: UTF-8, never empty, and 1023 at most (OpenSSL's limit)."""
    try:
        encoded = password.encode() if isinstance(password, str) else bytes(memoryview(password))
    except (TypeError, UnicodeEncodeError):
        raise TLSNotesError(
            "this cannot be a password",
            expected="text, or bytes",
            found=f"{type(password).__name__} without UTF-8 form",
        ) from None  # the error itself would show the password
    if len(encoded) > 1023:
        raise TLSNotesError(
            "a password cannot be so long", expected="1023 bytes of UTF-8 at most", found=f"{len(encoded)} bytes"
        )
    if not encoded:
        raise TLSNotesError(
            "a password cannot be empty", expected="at least one character", found="nothing", fix="leave it out (None)"
        )
    return encoded


def _not_for_signing(key: object) -> TLSNotesError:
    return TLSNotesError(
        "this is no key that signs certificates and handshakes",
        expected="an RSA, ECDSA, Ed25519, Ed448 or ML-DSA key of the cryptography package",
        found=type(key).__name__,
        fix='make one with generate_key("ecdsa-p256")',
    )


def _password_error(path: Path, password: str | bytes | None) -> TLSNotesError:
    if password is None:
        return TLSNotesError(f"{path} is encrypted", expected="its password", found="none", fix="pass password=...")
    return TLSNotesError(f"{path} is not encrypted", expected="no password", found="one", fix="leave password out")


def what_is(data: bytes) -> str:
    """Say what a file seems to hold, by its first PEM label or its first byte; never any of its content."""
    if block := re.search(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----", data):
        return f"a {block[1].decode()} block"
    if data[:1] == b"\x30":
        return "binary data, perhaps DER: convert it with openssl pkey -inform DER"
    return f"{len(data)} bytes of something else"
