"""Certificates with a mistake: described by what is wrong with them, made with keys of their own.

`Certified` says what one certificate holds; whatever it does not say is as it should be. Times are days from now, so
that "expired" is expired in every year. What no builder makes is altered afterwards, in `mistakes_altered`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tlsnotes.errors import TLSNotesError
from tlsnotes.live.mistakes_altered import alter
from tlsnotes.pki.credential import Credential
from tlsnotes.pki.keys import PrivateKey, generate_key
from tlsnotes.pki.profile import USAGES, signature_hash

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
# An extension that nobody knows, under the enterprise number kept for examples (RFC 5612); its value is a DER NULL.
_UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.32473.1"), b"\x05\x00")
_MAY_BE_UNCRITICAL = ("basic constraints", "subjectAltName")


@dataclass(frozen=True, slots=True)
class Certified:
    """One certificate: what it says, and who signs it.

    `issuer`: the name, in the same recipe, of the certificate whose key signs this one; "" for its own key. `subject`:
    its commonName, "" for an empty subject. `names`: subjectAltName, as they are written, sound or not; None for no
    such extension. `begins`, `ends`: days from now. `usage`: extendedKeyUsage, () for none. `key_usage`: () for none.
    `key_identifier`: "issuer", "none", or the name of another certificate whose key it names. `uncritical`: of "basic
    constraints" and "subjectAltName", those that should be critical and are not. `only_names`: the DNS names that a CA
    is constrained to. `altered`: what is changed behind the builder's back (`mistakes_altered.alter`).
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
    uncritical: tuple[str, ...] = ()
    only_names: tuple[str, ...] = ()
    unknown_critical: bool = False
    altered: str = ""


def certify(
    recipe: Mapping[str, Certified], now: datetime, given: Mapping[str, Credential] | None = None
) -> dict[str, Credential]:
    """Make every certificate of a recipe but those `given`, in its order: an issuer stands before what it signs.

    Raises `TLSNotesError` where this machine cannot sign what is asked for.
    """
    made = dict(given or {})
    for name, certified in recipe.items():
        if name in made:
            continue
        key = _key(certified.key)
        issuer = made[certified.issuer] if certified.issuer else None
        builder = _builder(certified, key, issuer, now)
        for extension, critical in _extensions(certified, key, issuer, made):
            builder = builder.add_extension(extension, critical)
        signer = issuer.key if issuer else key
        certificate = builder.sign(signer, signature_hash(signer))
        if certified.altered:
            certificate = alter(certificate, certified.altered, signer)
        # A bundle's order is the recipe's matter: what a side sends is put together there.
        made[name] = Credential(certificate, key)
    return made


def _key(kind: str) -> PrivateKey:
    if kind not in _WEAK_KEYS:
        return generate_key(kind)
    try:
        return _WEAK_KEYS[kind]()
    except (UnsupportedAlgorithm, ValueError) as error:
        raise TLSNotesError(
            f"this machine makes no key of kind {kind!r} any more",
            expected="a cryptography whose OpenSSL still does",
            found=str(error),
        ) from error


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
        yield x509.AuthorityKeyIdentifier.from_issuer_public_key(named.key.public_key()), False
    critical = {part: part not in certified.uncritical for part in _MAY_BE_UNCRITICAL}
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
