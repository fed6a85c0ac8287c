"""How a certificate or a CRL is signed, and whether key and algorithm are strong enough; cryptography does the sums.

Strong enough: RSA of 2048 bits and more, P-256, P-384, P-521, Ed25519, Ed448, ML-DSA; hashes from SHA-224 on. That is
what the CA/Browser Forum's Baseline Requirements ask for (sections 6.1.5 and 7.1.3), with the newer algorithms.
"""

from __future__ import annotations

from typing import NamedTuple

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, mldsa, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import load_der_public_key

from tlsnotes.wire.der import inside
from tlsnotes.wire.fields import Field
from tlsnotes.wire.notation import members
from tlsnotes.wire.oids import name_of

RSA_BITS = 2048
MAX_RSA_BITS = 16384  # beyond that one signature costs more than the whole of an honest chain
CURVES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
WEAK_HASHES = ("md2", "md4", "md5", "sha1")
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "md5": hashes.MD5(),  # noqa: S303  # whether such a signature may count is another check
    "sha1": hashes.SHA1(),  # noqa: S303
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
    "sha3-224": hashes.SHA3_224(),
    "sha3-256": hashes.SHA3_256(),
    "sha3-384": hashes.SHA3_384(),
    "sha3-512": hashes.SHA3_512(),
}
Pure = (
    ed25519.Ed25519PublicKey
    | ed448.Ed448PublicKey
    | mldsa.MLDSA44PublicKey
    | mldsa.MLDSA65PublicKey
    | mldsa.MLDSA87PublicKey
)
_ML_DSA = (mldsa.MLDSA44PublicKey, mldsa.MLDSA65PublicKey, mldsa.MLDSA87PublicKey)
_PURE = {  # algorithms that bring their own hash
    "id-Ed25519": (ed25519.Ed25519PublicKey,),
    "id-Ed448": (ed448.Ed448PublicKey,),
    **{f"id-ml-dsa-{size}": (kind,) for size, kind in zip((44, 65, 87), _ML_DSA, strict=True)},
}


class Algorithm(NamedTuple):
    """A signature algorithm taken apart: `kind` "rsa", "pss", "ecdsa", "dsa", "pure" or "", its hash, PSS's salt."""

    name: str
    kind: str
    hash: str
    salt: int = 0


def algorithm_of(identifier: Field | None) -> Algorithm:
    """Take an AlgorithmIdentifier apart."""
    name = name_of(identifier.value) if identifier else ""
    known = name or (str(identifier.value) if identifier else "none that can be read")
    if name in _PURE:
        return Algorithm(name, "pure", "")
    if name == "id-RSASSA-PSS":
        return _pss(identifier)
    found = name.lower().removeprefix("id-")
    if found.endswith("withrsaencryption"):
        return Algorithm(known, "rsa", found.removesuffix("withrsaencryption"))
    for prefix, kind in (("ecdsa-with-", "ecdsa"), ("dsa-with-", "dsa"), ("rsassa-pkcs1-v1-5-with-", "rsa")):
        if found.startswith(prefix):
            return Algorithm(known, kind, found.removeprefix(prefix))
    return Algorithm(known, "", "")


def _pss(identifier: Field | None) -> Algorithm:
    """RFC 4055 section 3.1: SHA-1 and a salt of 20 octets are what is meant where nothing is said."""
    parts = members(identifier).get("parameters") if identifier else None
    said = {m.name: m for m in inside(parts)} if parts else {}
    chosen = name_of(said["hashAlgorithm"].value) if "hashAlgorithm" in said else "id-sha1"
    mask = (
        next((f for f in said["maskGenAlgorithm"].walk() if f.name == "parameters"), None)
        if said.get("maskGenAlgorithm")
        else None
    )
    mask_hash = name_of(mask.value) if mask else "id-sha1"
    salt = said["saltLength"].value if "saltLength" in said else 20
    kind = "pss" if mask_hash == chosen and isinstance(salt, int) and 0 <= salt <= 512 else ""
    return Algorithm("id-RSASSA-PSS", kind, chosen.removeprefix("id-"), salt if isinstance(salt, int) else 0)


def weak_hash(algorithm: Algorithm) -> bool:
    """Whether somebody can make two things that have this signature."""
    return algorithm.hash in WEAK_HASHES


def load_key(spki: bytes) -> PublicKeyTypes | str:
    """The public key, or why there is none to check a signature with."""
    if not spki:
        return "it has no public key that can be read"
    try:
        key = load_der_public_key(spki)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        return f"cryptography does not read its public key: {str(error)[:80]}"
    if isinstance(key, rsa.RSAPublicKey) and key.key_size > MAX_RSA_BITS:
        return f"its RSA key has {key.key_size} bits: more than {MAX_RSA_BITS} are not computed with here"
    return key


def holds(spki: bytes, identifier: Field | None, signature: Field | None, signed: bytes) -> bool | str:
    """Whether the key in a SubjectPublicKeyInfo has signed these bytes: a bool, or why that cannot be said."""
    key = load_key(spki)
    if isinstance(key, str):
        return key
    algorithm = algorithm_of(identifier)
    octets = inside_bits(signature)
    if octets is None:
        return False
    try:
        return _verify(key, algorithm, octets, signed)
    except (InvalidSignature, ValueError):  # ValueError: a hash that is too large for the key
        return False
    except UnsupportedAlgorithm:
        return f"{algorithm.name} is not known to cryptography here"


def inside_bits(signature: Field | None) -> bytes | None:
    """The octets of a BIT STRING that is a whole number of them."""
    contents = signature.children[2].raw if signature and len(signature.children) > 2 else b""
    return contents[1:] if contents[:1] == b"\0" else None


def _verify(key: PublicKeyTypes, algorithm: Algorithm, signature: bytes, signed: bytes) -> bool | str:
    digest = _HASHES.get(algorithm.hash)
    if algorithm.kind == "pure":
        if not isinstance(key, Pure) or not isinstance(key, _PURE[algorithm.name]):
            return False
        key.verify(signature, signed)
        return True
    if not algorithm.kind or digest is None:
        return f"signatures of {algorithm.name} are not checked here"
    match algorithm.kind, key:
        case "rsa", rsa.RSAPublicKey():
            key.verify(signature, signed, padding.PKCS1v15(), digest)
        case "pss", rsa.RSAPublicKey():
            key.verify(signature, signed, padding.PSS(padding.MGF1(digest), algorithm.salt), digest)
        case "ecdsa", ec.EllipticCurvePublicKey():
            key.verify(signature, signed, ec.ECDSA(digest))
        case "dsa", dsa.DSAPublicKey():
            key.verify(signature, signed, digest)
        case _:
            return False  # an algorithm of another kind of key
    return True


def judge_key(spki: bytes) -> tuple[bool | None, str]:  # noqa: PLR0911  # one for each kind of key
    """Whether a public key is strong enough, and what was found."""
    key = load_key(spki)
    match key:
        case str():
            return False, f"expected a key that can be read, found that {key}"
        case rsa.RSAPublicKey(key_size=bits) if bits < RSA_BITS:
            return False, f"expected RSA with {RSA_BITS} bits or more, found RSA with {bits}"
        case rsa.RSAPublicKey(key_size=bits) if bits % 8:
            return False, f"expected RSA with a whole number of octets, found RSA with {bits} bits"
        case rsa.RSAPublicKey(key_size=bits):
            return True, f"RSA with {bits} bits"
        case ec.EllipticCurvePublicKey(curve=curve) if curve.name in CURVES:
            return True, f"ECDSA on {CURVES[curve.name]}"
        case ec.EllipticCurvePublicKey(curve=curve):
            return False, f"expected P-256, P-384 or P-521, found the curve {curve.name}"
        case ed25519.Ed25519PublicKey():
            return True, "Ed25519"
        case ed448.Ed448PublicKey():
            return True, "Ed448"
        case _ if isinstance(key, _ML_DSA):
            return True, "ML-DSA"
        case _:
            kind = type(key).__name__.lstrip("_").removesuffix("PublicKey")
            return False, f"expected a key that signs in TLS (RSA, ECDSA, Ed25519, Ed448, ML-DSA), found {kind}"
