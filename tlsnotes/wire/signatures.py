"""Whether a signature holds, by its SignatureScheme (RFC 9846 section 4.3.3): cryptography does the arithmetic."""

from __future__ import annotations

import re

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, mldsa, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import load_der_public_key

from tlsnotes.wire.registry import HashAlgorithm, SignatureScheme

_HASHES: dict[str, hashes.HashAlgorithm] = {
    "md5": hashes.MD5(),  # noqa: S303  # a peer may still sign with it: whether it may is another question
    "sha1": hashes.SHA1(),  # noqa: S303
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
# SignatureSchemes of ECDSA name the curve from TLS 1.3 on.
_CURVES = {
    "ecdsa_secp256r1_sha256": "secp256r1",
    "ecdsa_secp384r1_sha384": "secp384r1",
    "ecdsa_secp521r1_sha512": "secp521r1",
}
_TLS12 = {1: "rsa_pkcs1", 2: "dsa", 3: "ecdsa"}  # by SignatureAlgorithm
_SINCE = re.compile(r"(rsa_pkcs1|rsa_pss|ecdsa|ed25519|ed448|mldsa44|mldsa65|mldsa87)\w*?(?:_(sha\d+))?(?:_legacy)?")


def verify(spki: bytes, scheme: SignatureScheme, signature: bytes, content: bytes, *, tls13: bool) -> str | bool:
    """Whether `signature` over `content` holds for a public key (SubjectPublicKeyInfo, DER): a bool, or why unknown."""
    try:
        key = load_der_public_key(spki)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return "cryptography does not read the public key"
    if tls13 and isinstance(key, ec.EllipticCurvePublicKey) and _CURVES.get(scheme.name) not in (None, key.curve.name):
        return False
    try:
        return _verify(key, scheme, signature, content)
    except (InvalidSignature, ValueError):  # ValueError: a hash that is too large for the key
        return False
    except UnsupportedAlgorithm:
        return f"{scheme.name} is not known to cryptography here"


def _verify(key: PublicKeyTypes, scheme: SignatureScheme, signature: bytes, content: bytes) -> str | bool:
    kind, algorithm = _kind_and_hash(scheme)
    match kind, key:
        case "rsa_pkcs1", rsa.RSAPublicKey():
            key.verify(signature, content, padding.PKCS1v15(), algorithm)
        case "rsa_pss", rsa.RSAPublicKey():
            pss = padding.PSS(padding.MGF1(algorithm), algorithm.digest_size)
            key.verify(signature, content, pss, algorithm)
        case "ecdsa", ec.EllipticCurvePublicKey():
            key.verify(signature, content, ec.ECDSA(algorithm))
        case "dsa", dsa.DSAPublicKey():
            key.verify(signature, content, algorithm)
        case "ed25519", ed25519.Ed25519PublicKey():
            key.verify(signature, content)
        case "ed448", ed448.Ed448PublicKey():
            key.verify(signature, content)
        case "mldsa44", mldsa.MLDSA44PublicKey():
            key.verify(signature, content)
        case "mldsa65", mldsa.MLDSA65PublicKey():
            key.verify(signature, content)
        case "mldsa87", mldsa.MLDSA87PublicKey():
            key.verify(signature, content)
        case "", _:
            return f"signatures of {scheme.name} are not checked here"
        case _:
            return False  # a scheme of another kind of key
    return True


def _kind_and_hash(scheme: SignatureScheme) -> tuple[str, hashes.HashAlgorithm]:
    """What signs, and the hash of what: from the octets of TLS 1.2 (RFC 5246 section 7.4.1.4.1) or the name since."""
    hash_name, kind = HashAlgorithm(scheme >> 8).name, _TLS12.get(scheme & 0xFF, "")
    if kind and hash_name in _HASHES:
        return kind, _HASHES[hash_name]
    found = _SINCE.fullmatch(scheme.name)
    return (found[1], _HASHES[found[2] or "sha256"]) if found else ("", _HASHES["sha256"])
