"""Certificates that no builder makes: a sound one's DER is altered and, but for a tampered signature, signed anew."""

from __future__ import annotations

import secrets

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from tlsnotes.errors import TLSNotesError
from tlsnotes.pki.keys import PrivateKey
from tlsnotes.wire.asn1 import parse_certificate
from tlsnotes.wire.der import inside

INTEGER, BIT_STRING, SEQUENCE, EXTENSIONS = 0x02, 0x03, 0x30, 0xA3  # identifier octets; the last is [3] EXPLICIT

# RFC 3279 section 2.2.1: the AlgorithmIdentifiers of RSA with hashes that are not used any more, in DER.
WEAK_HASHES: dict[str, tuple[bytes, hashes.HashAlgorithm]] = {
    "MD5": (bytes.fromhex("300d06092a864886f70d0101040500"), hashes.MD5()),  # noqa: S303  # the mistake
    "SHA-1": (bytes.fromhex("300d06092a864886f70d0101050500"), hashes.SHA1()),  # noqa: S303  # the mistake
}


def alter(certificate: x509.Certificate, how: str, signer: PrivateKey) -> x509.Certificate:
    """Alter a certificate: "MD5" or "SHA-1" (its signature's hash, by an RSA `signer`), "version 1", "tampered",
    "an extension twice", "a serial number of 21 octets".

    Raises `TLSNotesError` where this machine does not sign so any more.
    """
    if how == "tampered":
        return _tampered(certificate)
    tbs, algorithm, _ = inside(parse_certificate(certificate.public_bytes(Encoding.DER)))
    parts = {part.name: part.raw for part in inside(tbs)}
    identifier = algorithm.raw
    match how:
        case "MD5" | "SHA-1":
            # It stands twice, and what is signed says it too: RFC 5280 sections 4.1.1.2 and 4.1.2.3.
            identifier = parts["signature"] = WEAK_HASHES[how][0]
        case "version 1":  # which has no extensions, and does not name itself: RFC 5280 section 4.1.2.1
            del parts["version"], parts["extensions"]
        case "a serial number of 21 octets":  # the leading zero keeps it positive
            parts["serialNumber"] = der(INTEGER, b"\x00\xff" + secrets.token_bytes(19))
        case "an extension twice":
            (extensions,) = inside(inside(tbs)[-1])
            several = [extension.raw for extension in inside(extensions)]
            parts["extensions"] = der(EXTENSIONS, der(SEQUENCE, b"".join([*several, several[-1]])))
        case _:
            raise ValueError(how)
    body = der(SEQUENCE, b"".join(parts.values()))
    signature = _weak_signature(body, how, signer) if how in WEAK_HASHES else _signature(body, signer)
    whole = der(SEQUENCE, body + identifier + der(BIT_STRING, b"\x00" + signature))
    return x509.load_der_x509_certificate(whole)


def der(identifier: int, contents: bytes) -> bytes:
    """Write one DER value (X.690 section 8.1): identifier octet, length, contents."""
    size = len(contents)
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    length = bytes([size]) if size < 0x80 else bytes([0x80 | len(octets)]) + octets
    return bytes([identifier]) + length + contents


def _tampered(certificate: x509.Certificate) -> x509.Certificate:
    """Flip the last bit of the signature: it stays a number in DER, and is another one."""
    octets = bytearray(certificate.public_bytes(Encoding.DER))
    octets[-1] ^= 1
    return x509.load_der_x509_certificate(bytes(octets))


def _signature(body: bytes, signer: PrivateKey) -> bytes:
    if not isinstance(signer, ec.EllipticCurvePrivateKey):
        raise TypeError("the recipes' authorities sign with ECDSA where the hash is no mistake")
    return signer.sign(body, ec.ECDSA(hashes.SHA256()))


def _weak_signature(body: bytes, name: str, signer: PrivateKey) -> bytes:
    if not isinstance(signer, rsa.RSAPrivateKey):
        raise TypeError("the recipes' authorities sign with RSA where the hash is the mistake")
    try:
        return signer.sign(body, padding.PKCS1v15(), WEAK_HASHES[name][1])
    except UnsupportedAlgorithm as error:
        raise TLSNotesError(
            f"this machine signs nothing with {name} any more",
            expected="a cryptography whose OpenSSL still does",
            found=str(error),
        ) from error
