"""From a secret in the key log to what it is used for: keys, the next secret, verify_data.

TLS 1.3 expands with HKDF (RFC 9846 section 7), TLS 1.2 with a PRF of its own (RFC 5246 section 5). The arithmetic is
cryptography's; which label goes with what is the RFCs'.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.hashes import Hash, HashAlgorithm
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand


def digest(algorithm: HashAlgorithm, data: bytes) -> bytes:
    """Hash `data`."""
    context = Hash(algorithm)
    context.update(data)
    return context.finalize()


def hmac(algorithm: HashAlgorithm, key: bytes, data: bytes) -> bytes:
    """HMAC of `data` (RFC 2104)."""
    context = HMAC(key, algorithm)
    context.update(data)
    return context.finalize()


# ---- TLS 1.3


def hkdf_expand_label(algorithm: HashAlgorithm, secret: bytes, label: str, context: bytes, length: int) -> bytes:
    """HKDF-Expand-Label: `length` bytes for a `label` without its "tls13 " (RFC 9846 section 7.1)."""
    # struct { uint16 length; opaque label<7..255> = "tls13 " + Label; opaque context<0..255>; } HkdfLabel;
    name = b"tls13 " + label.encode("ascii")
    info = length.to_bytes(2, "big") + bytes([len(name)]) + name + bytes([len(context)]) + context
    return HKDFExpand(algorithm, length, info).derive(secret)


def traffic_key(algorithm: HashAlgorithm, secret: bytes, key_length: int, iv_length: int) -> tuple[bytes, bytes]:
    """The write key and IV of a traffic secret (RFC 9846 section 7.3)."""
    key = hkdf_expand_label(algorithm, secret, "key", b"", key_length)
    return key, hkdf_expand_label(algorithm, secret, "iv", b"", iv_length)


def next_traffic_secret(algorithm: HashAlgorithm, secret: bytes) -> bytes:
    """The application traffic secret after a KeyUpdate (RFC 9846 section 7.2)."""
    return hkdf_expand_label(algorithm, secret, "traffic upd", b"", algorithm.digest_size)


def verify_data(algorithm: HashAlgorithm, base_key: bytes, transcript_hash: bytes) -> bytes:
    """The verify_data of a Finished, from its sender's traffic secret (RFC 9846 section 4.5.3)."""
    finished_key = hkdf_expand_label(algorithm, base_key, "finished", b"", algorithm.digest_size)
    return hmac(algorithm, finished_key, transcript_hash)


# ---- TLS 1.2


def prf(algorithm: HashAlgorithm, secret: bytes, label: bytes, seed: bytes, length: int) -> bytes:
    """The pseudorandom function: P_hash(secret, label + seed) (RFC 5246 section 5)."""
    seed = label + seed
    output, a = b"", seed
    while len(output) < length:
        a = hmac(algorithm, secret, a)
        output += hmac(algorithm, secret, a + seed)
    return output[:length]


def key_block(algorithm: HashAlgorithm, master_secret: bytes, client: bytes, server: bytes, length: int) -> bytes:
    """The bytes that are cut into keys, from both hellos' randoms (RFC 5246 section 6.3)."""
    return prf(algorithm, master_secret, b"key expansion", server + client, length)


def verify_data_12(algorithm: HashAlgorithm, master_secret: bytes, sender: str, transcript_hash: bytes) -> bytes:
    """The verify_data of TLS 1.2's Finished (RFC 5246 section 7.4.9)."""
    return prf(algorithm, master_secret, f"{sender} finished".encode("ascii"), transcript_hash, 12)
