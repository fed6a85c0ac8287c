"""Certificates with a mistake: described by what is wrong with them, made with keys of their own.

`Certified` says what one certificate holds; whatever it does not say is as it should be. Times are days from now, so
that "expired" is expired in every year. What no builder signs any more (SHA-1, MD5), X.509 version 1 and a damaged
signature are made from a sound certificate: its DER is changed and, but for the damage, signed anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from tlsnotes.errors import TLSNotesError
from tlsnotes.pki.credential import Credential
from tlsnotes.pki.keys import PrivateKey, generate_key
from tlsnotes.pki.profile import USAGES, authority_key_identifier, signature_hash
from tlsnotes.wire.asn1 import parse_certificate
from tlsnotes.wire.der import inside
from tlsnotes.wire.fields import Field

CA_USAGE = ("key_cert_sign", "crl_sign")
_KEY_USAGES = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
_ALL_KEY_USAGES = (*_KEY_USAGES, *CA_USAGE, "encipher_only", "decipher_only")

# Kinds of keys that nobody should use any more, and that `generate_key` does not make.
_WEAK_KEYS: dict[str, Callable[[], PrivateKey]] = {
    "rsa-1024": lambda: rsa.generate_private_key(public_exponent=65537, key_size=1024),  # noqa: S505  # the mistake
    "ecdsa-p256k1": lambda: ec.generate_private_key(ec.SECP256K1()),
    # A key that everybody has: its secret number is 1.
    "known": lambda: ec.derive_private_key(1, ec.SECP256R1()),
}
# RFC 3279 section 2.2.1: the AlgorithmIdentifier of each, in DER.
_WEAK_SIGNATURES: dict[str, tuple[bytes, hashes.HashAlgorithm]] = {
    "md5": (bytes.fromhex("300d06092a864886f70d0101040500"), hashes.MD5()),  # noqa: S303  # the mistake
    "sha1": (bytes.fromhex("300d06092a864886f70d0101050500"), hashes.SHA1()),  # noqa: S303  # the mistake
}
# An extension that nobody knows, under the enterprise number kept for examples (RFC 5612); its value is a DER NULL.
_UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.32473.1"), b"\x05\x00")
_FULLY_CRITICAL = ("basic constraints", "subjectAltName")


@dataclass(frozen=True, slots=True)
class Certified:
    """One certificate: what it says, and who signs it.

    `issuer`: the name, in the same recipe, of the certificate whose key signs this one; "" for its own key. `subject`:
    its commonName, "" for an empty subject. `names`: subjectAltName, as they are written, sound or not; None for no
    such extension. `begins`, `ends`: days from now. `usage`: extendedKeyUsage, () for none. `key_usage`: () for none.
    `key_identifier`: "issuer", "none", or the name of another certificate whose key it names. `signature`: "" for what
    the key's kind is used with, or "md5", "sha1". `uncritical`: of "basic constraints" and "subjectAltName", those
    that should be critical and are not. `only_names`: the DNS names that a CA is constrained to.
    """

    issuer: str = ""
    subject: str = "localhost"
    names: tuple[str | IPv4Address, ...] | None = ("localhost",)
    begins: float = -1.0
    ends: float = 90.0
    ca: bool = False
    path_length: int | None = None
    usage: tuple[str, ...] = ("server",)
    key_usage: tuple[str, ...] = ("digital_signature",)
    key: str = "ecdsa-p256"
    key_identifier: str = "issuer"
    signature: str = ""
    uncritical: tuple[str, ...] = ()
    only_names: tuple[str, ...] = ()
    unknown_critical: bool = False
    tampered: bool = False
    version: int = 3


def certify(recipe: Mapping[str, Certified], now: datetime) -> dict[str, Credential]:
    """Make every certificate of a recipe, in its order: an issuer stands before what it signs.

    Raises `TLSNotesError` where this machine cannot sign what is asked for.
    """
    made: dict[str, Credential] = {}
    for name, certified in recipe.items():
        key = _key(certified.key)
        issuer = made[certified.issuer] if certified.issuer else None
        builder = _builder(certified, key, issuer, now)
        for extension, critical in _extensions(certified, key, issuer, made):
            builder = builder.add_extension(extension, critical)
        signer = issuer.key if issuer else key
        certificate = _finish(builder.sign(signer, signature_hash(signer)), certified, signer)
        # A bundle's order is the recipe's matter: what a side sends is put together there.
        made[name] = Credential(certificate, key)
    return made


def _key(kind: str) -> PrivateKey:
    return _WEAK_KEYS[kind]() if kind in _WEAK_KEYS else generate_key(kind)


def _builder(
    certified: Certified, key: PrivateKey, issuer: Credential | None, now: datetime
) -> x509.CertificateBuilder:
    subject = _name(certified.subject)
    now = now.astimezone(UTC).replace(microsecond=0)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=certified.begins))
        .not_valid_after(now + timedelta(days=certified.ends))
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)] if common_name else [])


def _extensions(
    certified: Certified, key: PrivateKey, issuer: Credential | None, made: Mapping[str, Credential]
) -> Iterable[tuple[x509.ExtensionType, bool]]:
    yield x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False
    if issuer and certified.key_identifier != "none":
        named = issuer if certified.key_identifier == "issuer" else made[certified.key_identifier]
        yield authority_key_identifier(named.certificate), False
    critical = {part: part not in certified.uncritical for part in _FULLY_CRITICAL}
    yield x509.BasicConstraints(certified.ca, certified.path_length), critical["basic constraints"]
    if certified.key_usage:
        yield x509.KeyUsage(**{usage: usage in certified.key_usage for usage in _ALL_KEY_USAGES}), True
    if certified.usage:
        yield x509.ExtendedKeyUsage([USAGES[usage] for usage in certified.usage]), False
    if certified.names is not None:
        names = [x509.DNSName(name) if isinstance(name, str) else x509.IPAddress(name) for name in certified.names]
        yield x509.SubjectAlternativeName(names), not certified.subject and critical["subjectAltName"]
    if certified.only_names:
        yield x509.NameConstraints([x509.DNSName(name) for name in certified.only_names], None), True
    if certified.unknown_critical:
        yield _UNKNOWN, True


def _finish(certificate: x509.Certificate, certified: Certified, signer: PrivateKey) -> x509.Certificate:
    if certified.version == 1:
        certificate = _as_version_1(certificate, signer)
    if certified.signature:
        certificate = _weakly_signed(certificate, certified.signature, signer)
    return _tampered(certificate) if certified.tampered else certificate


def _as_version_1(certificate: x509.Certificate, signer: PrivateKey) -> x509.Certificate:
    """Take version and extensions away: version 1 has neither (RFC 5280 section 4.1.2.1)."""
    tbs, algorithm, _ = _parts(certificate)
    kept = b"".join(part.raw for part in inside(tbs) if part.name not in ("version", "extensions"))
    body = der(0x30, kept)
    if not isinstance(signer, ec.EllipticCurvePrivateKey):
        raise TypeError("only recipes with ECDSA authorities make version 1")
    return _put_together(body, algorithm.raw, signer.sign(body, ec.ECDSA(hashes.SHA256())))


def _weakly_signed(certificate: x509.Certificate, name: str, signer: PrivateKey) -> x509.Certificate:
    identifier, algorithm = _WEAK_SIGNATURES[name]
    tbs, was, _ = _parts(certificate)
    parts = [part.raw for part in inside(tbs)]
    # The algorithm stands twice, and what is signed says it too: RFC 5280 sections 4.1.1.2 and 4.1.2.3.
    body = der(0x30, b"".join(identifier if part == was.raw else part for part in parts))
    if not isinstance(signer, rsa.RSAPrivateKey):
        raise TypeError("only recipes with RSA authorities sign with these")
    try:
        signature = signer.sign(body, padding.PKCS1v15(), algorithm)
    except UnsupportedAlgorithm as error:
        raise TLSNotesError(
            f"this machine signs nothing with {name.upper()} any more",
            expected="a cryptography whose OpenSSL still does",
            found=str(error),
        ) from error
    return _put_together(body, identifier, signature)


def _tampered(certificate: x509.Certificate) -> x509.Certificate:
    """Flip the last bit of the signature: it stays a number in DER, and is another one."""
    octets = bytearray(certificate.public_bytes(Encoding.DER))
    octets[-1] ^= 1
    return x509.load_der_x509_certificate(bytes(octets))


def _parts(certificate: x509.Certificate) -> tuple[Field, Field, Field]:
    tbs, algorithm, signature = inside(parse_certificate(certificate.public_bytes(Encoding.DER)))
    return tbs, algorithm, signature


def _put_together(tbs: bytes, algorithm: bytes, signature: bytes) -> x509.Certificate:
    whole = der(0x30, tbs + algorithm + der(0x03, b"\x00" + signature))
    return x509.load_der_x509_certificate(whole)


def der(identifier: int, contents: bytes) -> bytes:
    """Write one DER value (X.690 section 8.1): identifier octet, length, contents."""
    size = len(contents)
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    length = bytes([size]) if size < 0x80 else bytes([0x80 | len(octets)]) + octets
    return bytes([identifier]) + length + contents
