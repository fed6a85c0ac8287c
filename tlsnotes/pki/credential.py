"""A certificate with the private key that belongs to it: what one side of a connection needs to prove who it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import pkcs12

from tlsnotes.errors import TLSNotesError
from tlsnotes.pki.files import PRIVATE, PUBLIC, read_file, write_together
from tlsnotes.pki.keys import (
    MLDSAPrivateKey,
    PrivateKey,
    key_kind,
    key_pem,
    load_key,
    password_bytes,
    signing_key,
    what_is,
)
from tlsnotes.pki.names import certificate_names, common_name

PEM = serialization.Encoding.PEM
KEY_FILE = "key.pem"
FULLCHAIN_FILE = "fullchain.pem"


@dataclass(frozen=True, slots=True, repr=False)
class Credential:
    """An X.509 certificate, its private key, and the intermediates between it and the trust anchor (which stays out).

    Raises `TLSNotesError` when the key does not belong to the certificate.
    """

    certificate: x509.Certificate
    key: PrivateKey = field(repr=False)
    chain: tuple[x509.Certificate, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "chain", tuple(self.chain))
        if _spki(self.certificate.public_key()) != _spki(signing_key(self.key).public_key()):
            raise TLSNotesError(
                "the key does not belong to the certificate",
                expected=f"the private key of the public key in {common_name(self.certificate.subject)!r}",
                found=f"another key ({key_kind(self.key)})",
                fix="look for the key this certificate was made with; in a chain file the end-entity comes first",
            )

    @property
    def names(self) -> tuple[str, ...]:
        """The names in subjectAltName, as text."""
        return certificate_names(self.certificate)

    @property
    def certificate_pem(self) -> bytes:
        """The certificate alone, as PEM."""
        return self.certificate.public_bytes(PEM)

    @property
    def fullchain_pem(self) -> bytes:
        """What a server sends, as PEM: the certificate first, then each one's issuer, without the trust anchor."""
        return b"".join(c.public_bytes(PEM) for c in (self.certificate, *self.chain))

    def save(self, folder: str | Path, password: str | bytes | None = None) -> Path:
        """Write `key.pem` (0600, encrypted when a password is given) and `fullchain.pem` to a folder, and return it.

        The folder is made with mode 0700 if it is not there; files of these names are replaced.
        """
        folder = Path(folder)
        write_together(
            {
                folder / KEY_FILE: (key_pem(self.key, password), PRIVATE),
                folder / FULLCHAIN_FILE: (self.fullchain_pem, PUBLIC),
            }
        )
        return folder

    @classmethod
    def load(cls, folder: str | Path, password: str | bytes | None = None) -> Credential:
        """Read what `save` wrote; raises `TLSNotesError` when a file is missing, unreadable or belongs elsewhere."""
        folder = Path(folder)
        certificates = load_certificates(folder / FULLCHAIN_FILE)
        return cls(certificates[0], load_key(folder / KEY_FILE, password), tuple(certificates[1:]))

    def pkcs12(self, password: str | bytes) -> bytes:
        """Pack key, certificate and chain into one PKCS#12 file (RFC 7292), as browsers and Postman import it.

        Encrypted with AES-256-CBC (PBES2) and authenticated with HMAC-SHA-256: not for the oldest readers.
        """
        encryption = (
            serialization.PrivateFormat.PKCS12.encryption_builder()
            .kdf_rounds(50_000)
            .key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC)
            .hmac_hash(hashes.SHA256())
            .build(password_bytes(password))
        )
        if isinstance(self.key, MLDSAPrivateKey):
            raise TLSNotesError(
                f"a key of kind {key_kind(self.key)} cannot go into a PKCS#12 file here",
                expected="an RSA, ECDSA or EdDSA key (what cryptography can pack, and browsers can import)",
                fix="use save(folder), which writes PEM",
            )
        label = (self.names or (common_name(self.certificate.subject),))[0]
        return pkcs12.serialize_key_and_certificates(
            label.encode(), self.key, self.certificate, list(self.chain), encryption
        )

    def __repr__(self) -> str:
        issuer = (
            "self-signed" if is_self_signed(self.certificate) else f"signed by {common_name(self.certificate.issuer)!r}"
        )
        names = ", ".join(map(repr, self.names[:3])) + (f" and {len(self.names) - 3} more" if self.names[3:] else "")
        return f"<Credential {names or repr(common_name(self.certificate.subject))}: {key_kind(self.key)}, {issuer}>"


def is_self_signed(certificate: x509.Certificate) -> bool:
    """Whether a certificate is signed with its own key; equal names alone say nothing, a CA may share its issuer's."""
    try:
        certificate.verify_directly_issued_by(certificate)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    return True


def load_certificates(path: str | Path) -> list[x509.Certificate]:
    """Load every certificate of a PEM file, in order; raises `TLSNotesError` when there is none or one is damaged."""
    data = read_file(Path(path))
    try:
        return x509.load_pem_x509_certificates(data)
    except (ValueError, x509.InvalidVersion) as error:
        raise TLSNotesError(
            f"{path} holds no certificate that can be read",
            expected="PEM text with CERTIFICATE blocks",
            found="a damaged CERTIFICATE block" if b"-----BEGIN CERTIFICATE-----" in data else what_is(data),
        ) from error


def _spki(public_key: CertificatePublicKeyTypes) -> bytes:
    return public_key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
