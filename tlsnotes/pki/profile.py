"""What a certificate of ours contains: the same few extensions for everybody, each because somebody insists on it.

who insists                                          on what
RFC 9525, Chromium                                   names in subjectAltName
RFC 5280 section 4.2, Python 3.13's strict mode      basicConstraints and keyUsage critical, key identifiers
CA/Browser Forum Baseline Requirements               extendedKeyUsage, random serial numbers, whole days
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID

from tlsnotes.errors import TLSNotesError
from tlsnotes.pki.credential import Credential
from tlsnotes.pki.keys import PrivateKey, generate_key, key_kind, signing_key

BACKDATED = timedelta(minutes=5)  # a certificate made just now still holds for a client whose clock is a little slow
USAGES = {
    "server": ExtendedKeyUsageOID.SERVER_AUTH,
    "client": ExtendedKeyUsageOID.CLIENT_AUTH,
}


def as_key(key: PrivateKey | str | None) -> PrivateKey:
    """Take a key as it is, make one of a kind named by text, and an ECDSA P-256 key when there is none."""
    if key is None or isinstance(key, str):
        return generate_key("ecdsa-p256" if key is None else key)
    return signing_key(key)


def signature_hash(key: PrivateKey) -> hashes.SHA256 | hashes.SHA384 | hashes.SHA512 | None:
    """Choose the hash that a key signs with: as strong as its curve; None where the algorithm brings its own."""
    if isinstance(key, rsa.RSAPrivateKey):
        return hashes.SHA256()
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return hashes.SHA256() if key.key_size <= 256 else hashes.SHA384() if key.key_size <= 384 else hashes.SHA512()
    return None


def common_name_subject(name: str) -> x509.Name:
    """Make a subject of one commonName (RFC 5280 appendix A.1: 64 characters at most; cryptography counts octets)."""
    # A lone surrogate has no UTF-8 form: "replace" lets it be counted, the comparison finds it.
    octets = name.encode("utf-8", "replace") if isinstance(name, str) else b""
    if not 1 <= len(octets) <= 64 or octets.decode() != name:
        raise TLSNotesError(
            "this cannot be an authority's name", expected="text of 1 to 64 bytes of UTF-8", found=repr(name)[:90]
        )
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def end_entity(
    names: Sequence[x509.GeneralName],
    public_key: CertificatePublicKeyTypes,
    usage: str,
    days: float,
    start: datetime | None,
    issuer: Credential | PrivateKey,
) -> x509.Certificate:
    """Sign a certificate for a server or a client; `issuer` is its own private key where it signs itself."""
    if not isinstance(usage, str) or usage not in USAGES:
        raise TLSNotesError(
            "a certificate is for a server or for a client", expected='"server" or "client"', found=repr(usage)
        )
    # A commonName is only for people to read, and holds 64 characters; where it stays away subjectAltName is critical.
    # An issuer is never empty (RFC 5280 section 4.1.2.4), and what signs itself is its own issuer.
    first = str(names[0].value)
    if len(first) > 64 and not isinstance(issuer, Credential):
        first = "self-signed"
    subject = common_name_subject(first) if len(first) <= 64 else x509.Name([])
    builder = (
        _builder(subject, public_key, days, start, issuer)
        .add_extension(x509.SubjectAlternativeName(names), critical=not list(subject))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([USAGES[usage]]), critical=False)
    )
    return _sign(builder, issuer)


def authority(
    name: str,
    public_key: CertificatePublicKeyTypes,
    path_length: int | None,
    days: float,
    start: datetime | None,
    issuer: Credential | PrivateKey,
) -> x509.Certificate:
    """Sign a CA certificate; `issuer` is its own private key for a root."""
    builder = (
        _builder(common_name_subject(name), public_key, days, start, issuer)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(_key_usage(key_cert_sign=True, crl_sign=True), critical=True)
    )
    return _sign(builder, issuer)


def authority_key_identifier(certificate: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    """Name the key of an issuer the way its own certificate names it (RFC 5280 section 4.2.1.1)."""
    try:
        identifier = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:  # an older CA of somebody's: then the one that its key gives
        identifier = x509.SubjectKeyIdentifier.from_public_key(certificate.public_key())
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)


def _builder(
    subject: x509.Name,
    public_key: CertificatePublicKeyTypes,
    days: float,
    start: datetime | None,
    issuer: Credential | PrivateKey,
) -> x509.CertificateBuilder:
    key_kind(public_key)
    not_before, not_after = _validity(days, start)
    builder = x509.CertificateBuilder().subject_name(subject).public_key(public_key)
    if isinstance(issuer, Credential):
        builder = builder.issuer_name(issuer.certificate.subject).add_extension(
            authority_key_identifier(issuer.certificate), critical=False
        )
        not_after = min(not_after, issuer.certificate.not_valid_after_utc)  # nobody can vouch beyond their own end
        if not_after < not_before:
            raise TLSNotesError(
                "the authority's certificate ends before this one would begin",
                expected=f"a start before {not_after:%Y-%m-%d %H:%M} UTC",
                found=f"{not_before:%Y-%m-%d %H:%M} UTC",
            )
    else:
        builder = builder.issuer_name(subject)
    return (
        builder.serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def lifetime(days: float) -> timedelta:
    """Turn a lifetime in days into a span of time; raises `TLSNotesError` for what is none."""
    if isinstance(days, bool) or not isinstance(days, int | float) or not 1 / 86400 <= days <= 36525:
        raise TLSNotesError(
            "a lifetime is a number of days", expected="from one second (1/86400) to 36525", found=repr(days)
        )
    return timedelta(seconds=int(days * 86400))


def backdated_now(days: float = 1) -> datetime:
    """Give the time from which what lasts `days` holds: five minutes ago, or now if it lasts under an hour."""
    now = datetime.now(UTC).replace(microsecond=0)
    return now - BACKDATED if lifetime(days) >= timedelta(hours=1) else now


def _validity(days: float, start: datetime | None) -> tuple[datetime, datetime]:
    """Work out notBefore and notAfter: from `start`, or from a little before now."""
    if start is not None and not _is_moment(start):
        raise TLSNotesError(
            "a start is a time with its zone, from 1950 on",
            expected="datetime.now(UTC), for example",
            found=repr(start),
        )
    begin = start.astimezone(UTC) if start is not None else backdated_now(days)
    not_before = begin.replace(microsecond=0)
    # Both ends belong to the validity period (RFC 5280 section 4.1.2.5): hence the second less.
    return not_before, not_before + lifetime(days) - timedelta(seconds=1)


def _is_moment(start: object) -> bool:
    # The bounds leave a day for the zone: a certificate holds years from 1950, and 9999 must not overflow.
    return (
        isinstance(start, datetime)
        and start.tzinfo is not None
        and datetime(1950, 1, 1, tzinfo=UTC) <= start < datetime(9800, 1, 1, tzinfo=UTC)
    )


def _key_usage(digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _sign(builder: x509.CertificateBuilder, issuer: Credential | PrivateKey) -> x509.Certificate:
    key = issuer.key if isinstance(issuer, Credential) else issuer
    return builder.sign(key, signature_hash(key))
