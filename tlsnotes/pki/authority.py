"""Who vouches: a certificate that vouches for itself, and authorities that vouch for others."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from tlsnotes.errors import TLSNotesError
from tlsnotes.pki import profile
from tlsnotes.pki.credential import Credential, is_self_signed
from tlsnotes.pki.keys import PrivateKey
from tlsnotes.pki.names import UNREADABLE, Name, common_name, general_names

# RFC 5280 section 5.3.1, without removeFromCRL, which only a delta CRL can say.
REVOCATION_REASONS = tuple(flag.name for flag in x509.ReasonFlags if flag is not x509.ReasonFlags.remove_from_crl)


def self_signed(
    names: Name | Iterable[Name],
    key: PrivateKey | str | None = None,
    *,
    usage: str = "server",
    days: float = 90,
    start: datetime | None = None,
) -> Credential:
    """Make a certificate signed with its own key: nobody vouches for it, so whoever trusts it must have it beforehand.

    `names`: DNS names as text, `ipaddress` objects; `key`: a private key or a kind ("ed25519"), default ECDSA P-256;
    `usage`: "server" or "client"; `days`: its lifetime; `start`: when it begins (default: five minutes ago).
    Raises `TLSNotesError` for a name that is no name. RFC 5280 section 4.
    """
    key = profile.as_key(key)
    entries = general_names(names, usage)
    return Credential(profile.end_entity(entries, key.public_key(), usage, days, start, issuer=key), key)


class Authority:
    """A certification authority: its own credential, what it has revoked, and the verbs of its trade."""

    def __init__(self, credential: Credential) -> None:
        """Wrap a credential whose certificate is a CA's; raises `TLSNotesError` for any other."""
        if not isinstance(credential, Credential):
            raise TLSNotesError(
                "an authority is made of a credential",
                expected="a Credential: a CA's certificate with its key",
                found=type(credential).__name__,
                fix='Authority.root("name") makes a new one; Authority(Credential.load(folder)) takes a saved one',
            )
        constraints = _basic_constraints(credential.certificate)
        if not constraints.ca:
            raise TLSNotesError(
                f"{common_name(credential.certificate.subject)!r} is not an authority",
                expected="a certificate with basicConstraints CA:TRUE (RFC 5280 section 4.2.1.9)",
                found="an end-entity certificate",
                fix='make one with Authority.root("name") or .intermediate("name")',
            )
        self.credential = credential
        self.path_length = constraints.path_length
        self._revoked: dict[int, x509.RevokedCertificate] = {}
        self._crl_number = 0
        self._root: bool | None = None  # whether its certificate is signed with its own key, once that is known

    @classmethod
    def root(
        cls,
        name: str = "tlsnotes root",
        key: PrivateKey | str | None = None,
        *,
        path_length: int | None = None,
        days: float = 365,
        start: datetime | None = None,
    ) -> Authority:
        """Make a root: a CA whose certificate is signed with its own key, to be trusted by decision."""
        key = profile.as_key(key)
        _check_path_length(path_length)
        certificate = profile.authority(name, key.public_key(), path_length, days, start, issuer=key)
        root = cls(Credential(certificate, key))
        root._root = True
        return root

    @property
    def certificate(self) -> x509.Certificate:
        """The authority's own certificate."""
        return self.credential.certificate

    @property
    def certificate_pem(self) -> bytes:
        """The authority's own certificate as PEM: for a root, what relying parties put in their trust store."""
        return self.credential.certificate_pem

    def intermediate(
        self,
        name: str,
        path_length: int | None = 0,
        key: PrivateKey | str | None = None,
        *,
        days: float = 365,
        start: datetime | None = None,
    ) -> Authority:
        """Make an authority below this one; `path_length` is how many more may follow below it (None: not limited).

        Raises `TLSNotesError` where the path would be longer than this authority's own limit. RFC 5280 section 4.2.1.9.
        """
        _check_path_length(path_length)
        if self.path_length is not None and (path_length is None or path_length >= self.path_length):
            raise TLSNotesError(
                f"the path below {self!r} would be too long",
                expected="no authority below it (its path length is 0)"
                if self.path_length == 0
                else f"a path length below its own {self.path_length}",
                found=f"an intermediate with path length {path_length}",
                fix="make the authority above with a larger path_length, or issue end-entity certificates only",
            )
        key = profile.as_key(key)
        certificate = profile.authority(name, key.public_key(), path_length, days, start, issuer=self.credential)
        return Authority(Credential(certificate, key, self._chain_below()))

    def issue(
        self,
        names: Name | Iterable[Name],
        usage: str = "server",
        key: PrivateKey | str | None = None,
        *,
        days: float = 90,
        start: datetime | None = None,
    ) -> Credential:
        """Make a key and sign a certificate for it, for a "server" or a "client"; arguments as for `self_signed`.

        A name with an @ is an e-mail address, for clients only. The certificate never outlives this authority's own.
        """
        entries = general_names(names, usage)
        key = profile.as_key(key)
        certificate = profile.end_entity(entries, key.public_key(), usage, days, start, issuer=self.credential)
        return Credential(certificate, key, self._chain_below())

    def sign(
        self,
        csr: x509.CertificateSigningRequest,
        usage: str = "server",
        *,
        days: float = 90,
        start: datetime | None = None,
    ) -> x509.Certificate:
        """Sign a certificate for the key and the subjectAltName of a request, after checking the request's signature.

        Nothing else is taken from the request: what the certificate may be used for is for the authority to say.
        Raises `TLSNotesError` for a signature that fails, and for a request without names. RFC 2986.
        """
        if not isinstance(csr, x509.CertificateSigningRequest):
            raise TLSNotesError(
                "this is no certificate signing request",
                expected="an x509.CertificateSigningRequest of cryptography",
                found=type(csr).__name__,
                fix='x509.load_pem_x509_csr(Path("csr.pem").read_bytes())',
            )
        if not _signature_holds(csr):
            raise TLSNotesError(
                "the signature of the request fails",
                expected="a request signed with the private key of the public key in it (proof of possession)",
                found="a signature that does not match: the request was changed, or signed with another key",
                fix="ask for the request again",
            )
        try:
            names = list(csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
        except (x509.ExtensionNotFound, *UNREADABLE) as error:
            raise TLSNotesError(
                "the request asks for no name that can be read",
                expected="a subjectAltName extension (a commonName alone does not count: RFC 9525)",
                found=str(error),
                fix='openssl req -new -addext "subjectAltName=DNS:localhost" ...',
            ) from error
        entries = general_names([_requested(name) for name in names], usage)
        return profile.end_entity(entries, csr.public_key(), usage, days, start, issuer=self.credential)

    def revoke(self, certificate: x509.Certificate, reason: str = "unspecified") -> None:
        """Put a certificate on the next CRL; `reason` is one of RFC 5280 section 5.3.1 ("key_compromise", ...).

        Raises `TLSNotesError` for a certificate that this authority has not signed, and for an unknown reason.
        """
        if not isinstance(certificate, x509.Certificate):
            raise TLSNotesError(
                "only a certificate can be revoked",
                expected="an x509.Certificate",
                found=type(certificate).__name__,
                fix="credential.certificate is the one of a credential",
            )
        try:
            certificate.verify_directly_issued_by(self.certificate)
        except Exception as error:
            raise TLSNotesError(
                "only the issuer can revoke a certificate",
                expected=f"a certificate signed by {self!r}",
                found=f"one issued by {common_name(certificate.issuer)!r}",
            ) from error
        if reason not in REVOCATION_REASONS:
            known = ", ".join(REVOCATION_REASONS)
            raise TLSNotesError("there is no such reason to revoke", expected=f"one of {known}", found=repr(reason))
        flag = x509.ReasonFlags[reason]
        builder = (
            x509.RevokedCertificateBuilder()
            .serial_number(certificate.serial_number)
            .revocation_date(profile.backdated_now())  # never after the list that says so
        )
        if flag is not x509.ReasonFlags.unspecified:  # section 5.3.1: better no reason than that one
            builder = builder.add_extension(x509.CRLReason(flag), critical=False)
        self._revoked[certificate.serial_number] = builder.build()

    def crl(self, days: float = 7) -> x509.CertificateRevocationList:
        """Sign the list of what is revoked, good for `days`; each list has the next number. RFC 5280 section 5."""
        self._crl_number += 1
        this_update = profile.backdated_now(days)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(this_update)
            .next_update(this_update + profile.lifetime(days))
            .add_extension(profile.authority_key_identifier(self.certificate), critical=False)
            .add_extension(x509.CRLNumber(self._crl_number), critical=False)
        )
        for revoked in self._revoked.values():
            builder = builder.add_revoked_certificate(revoked)
        key = self.credential.key
        return builder.sign(key, profile.signature_hash(key))

    def _chain_below(self) -> tuple[x509.Certificate, ...]:
        # A root stays out of the chain: the other side must have it already, or it proves nothing.
        return () if self._is_root() else (self.certificate, *self.credential.chain)

    def _is_root(self) -> bool:
        if self._root is None:
            self._root = is_self_signed(self.certificate)
        return self._root

    def __repr__(self) -> str:
        kind = "root" if self._is_root() else "intermediate"
        return f"<Authority {common_name(self.certificate.subject)!r}: {kind}>"


def _basic_constraints(certificate: x509.Certificate) -> x509.BasicConstraints:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return x509.BasicConstraints(ca=False, path_length=None)


def _check_path_length(path_length: int | None) -> None:
    if path_length is not None and (
        isinstance(path_length, bool) or not isinstance(path_length, int) or not 0 <= path_length <= 255
    ):
        raise TLSNotesError("a path length is a count", expected="0, 1, 2, ... 255, or None", found=repr(path_length))


def _signature_holds(csr: x509.CertificateSigningRequest) -> bool:
    try:
        return csr.is_signature_valid
    except (UnsupportedAlgorithm, ValueError, TypeError):
        return False


def _requested(name: x509.GeneralName) -> Name:
    match name:
        case x509.DNSName(value=text) if "@" not in text:
            return text
        case x509.RFC822Name(value=text) if "@" in text:
            return text
        case x509.IPAddress(value=IPv4Address() | IPv6Address() as address):
            return address
        case _:
            raise TLSNotesError(
                "the request asks for a name of a kind not issued here",
                expected="DNS names, IP addresses, or e-mail addresses for clients",
                found=type(name).__name__,
            )
