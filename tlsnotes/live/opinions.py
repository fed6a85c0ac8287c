"""Second opinions on a chain of certificates: pyca's verifier in this process, and `openssl verify` twice beside it.

They judge the same chain at the same time for the same name, each in its own words. What each is told:
- "pyca" (cryptography.x509.verification) keeps to a profile of the web: names in subjectAltName only, a name for every
  server, authorities with RSA or ECDSA keys, no CRLs.
- "openssl" is `openssl verify` at security level 2, as Python's own contexts and OpenSSL since 3.2 have it.
- "openssl -x509_strict" adds what Python's default context has since 3.13: strict rules, and a path may end at any
  trusted certificate.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import tomllib
import warnings
from base64 import encodebytes
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address, ip_address
from os import environ
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import verification

from tlsnotes.errors import TLSNotesError
from tlsnotes.live.client_programs import openssl_knows
from tlsnotes.live.server import visible
from tlsnotes.pki.authority import Authority
from tlsnotes.pki.credential import Credential
from tlsnotes.pki.pem import CERTIFICATE, CRL, der_blocks, is_pem
from tlsnotes.wire.fields import Field

JUDGES = ("pyca", "openssl", "openssl -x509_strict")
SECONDS = 10.0  # for one `openssl verify`
_WORDS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
_OPENSSL: dict[str, tuple[str, str]] = {code: (check, words) for code, (check, words) in _WORDS["openssl"].items()}
_PYCA: dict[str, tuple[str, str]] = {piece: (check, words) for piece, (check, words) in _WORDS["pyca"].items()}
_ERROR = re.compile(
    r"^error (\d+) at \d+ depth lookup: .*", re.MULTILINE
)  # at a line's start: names are in the lines too
_UNKNOWN = "Its words are all that is known here."


@dataclass(frozen=True, slots=True)
class Opinion:
    """What another judge says: `ok` is True, False, or None where it gave no opinion.

    `judge` is one of JUDGES; `code` OpenSSL's verify number (0 when ok), or the class of pyca's exception; `words` its
    own, on one line; `translated` what they mean; `check` the name of `judge`'s check that they speak of, or "".
    """

    judge: str
    ok: bool | None
    code: int | str
    words: str
    translated: str
    check: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: certificates and CRLs as DER, `name` as text, an IP address or None, `at` in UTC."""

    chain: Sequence[bytes]
    trust: Sequence[bytes]
    name: str | IPv4Address | IPv6Address | None
    at: datetime
    usage: str | None
    crls: Sequence[bytes]


def opinions(
    chain: object,
    trust: object,
    name: str | IPv4Address | IPv6Address | None = None,
    at: datetime | None = None,
    usage: str | None = "server",
    crls: object = (),
) -> tuple[Opinion, ...]:
    """Ask every judge of JUDGES what it thinks of a chain; the arguments are those of `judge`.

    Raises `TLSNotesError` for arguments that are none, and nothing for certificates, however they are.
    """
    if usage not in ("server", "client", None):
        raise TLSNotesError("this is no use of a certificate", expected='"server", "client" or None', found=repr(usage))
    if at is not None and (not isinstance(at, datetime) or at.tzinfo is None):
        raise TLSNotesError(
            "this is no moment to judge at",
            expected="a datetime with a time zone",
            found=repr(at),
            fix="datetime.now(UTC) is one",
        )
    question = Question(
        as_der(chain, "the chain"),
        as_der(trust, "trust"),
        _name(name),
        at or datetime.now(UTC),
        usage,
        as_der(crls, "crls"),
    )
    if not question.chain:
        raise TLSNotesError("there is no certificate to judge", expected="a chain, the end-entity's certificate first")
    return _pyca(question), *_openssl_both(question)


def as_der(given: object, what: str) -> tuple[bytes, ...]:
    """The DER of certificates or CRLs, of one or of a list: cryptography's objects, DER, PEM, `Field`, `Credential`
    (its chain too), `Authority`; raises `TLSNotesError` for anything else."""
    if isinstance(given, Authority):
        given = given.certificate
    if isinstance(given, Credential):
        given = [given.certificate, *given.chain]
    match given:
        case bytes() if is_pem(given):
            return tuple(der_blocks(given, rb"(?:%b|%b)" % (CERTIFICATE, CRL), what))
        case bytes():
            return (given,)
        case x509.Certificate() | x509.CertificateRevocationList():
            return (given.public_bytes(Encoding.DER),)
        case Field():
            return (bytes(given.raw),)
        case _ if isinstance(given, Iterable) and not isinstance(given, str):
            return tuple(der for one in given for der in as_der(one, what))
    raise TLSNotesError(
        f"this cannot be read as {what}",
        expected="certificates: cryptography's objects, DER or PEM bytes, a Credential, or a list of them",
        found=type(given).__name__,
    )


def _name(name: object) -> str | IPv4Address | IPv6Address | None:
    if name is None or isinstance(name, IPv4Address | IPv6Address):
        return name
    if not isinstance(name, str):
        raise TLSNotesError(
            "this is no name to judge for", expected="text, an IP address or None", found=type(name).__name__
        )
    try:
        return ip_address(name)
    except ValueError:
        return name


def _pyca(question: Question) -> Opinion:
    if question.usage is None:
        return Opinion("pyca", None, "no usage", "", "It judges servers and clients only, and was asked about neither.")
    if question.usage == "server" and question.name is None:
        return Opinion("pyca", None, "no name", "", "It judges no server without the name that the client asked for.")
    if not question.trust:
        return Opinion("pyca", None, "no trust", "", "It judges nothing without a certificate to trust.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what a later version will refuse, this one judges
            length = _pyca_verify(question)
    except verification.VerificationError as error:
        return _pyca_refusal(error)
    except Exception as error:  # noqa: BLE001  # whatever a hostile certificate brings about
        return _pyca_refusal(error, "encoding", "It cannot read what it was given to its end.")
    limits = [
        "It has looked at no CRL: it knows none." * bool(question.crls),
        "It compares no name for clients." * (question.usage == "client" and question.name is not None),
    ]
    return Opinion(
        "pyca", True, 0, f"returns a path of {length} certificates", " ".join(["It accepts.", *limits]).strip()
    )


def _pyca_verify(question: Question) -> int:
    """Verify, and give the length of the path; raises what pyca raises."""
    end_entity, *others = [x509.load_der_x509_certificate(der) for der in question.chain]
    store = verification.Store([x509.load_der_x509_certificate(der) for der in question.trust])
    builder = verification.PolicyBuilder().store(store).time(question.at)
    if question.usage == "client":
        return len(builder.build_client_verifier().verify(end_entity, others).chain)
    name = question.name
    subject = x509.DNSName(_a_labels(name)) if isinstance(name, str) else x509.IPAddress(name or ip_address(0))
    return len(builder.build_server_verifier(subject).verify(end_entity, others))


def _pyca_refusal(error: Exception, check: str = "", translated: str = _UNKNOWN) -> Opinion:
    # What follows repeats the certificate, at any length.
    words = str(error).partition(" (encountered processing")[0]
    check, translated = next((meant for piece, meant in _PYCA.items() if piece in words), (check, translated))
    return Opinion("pyca", False, type(error).__name__, visible(words), translated, check)


def _openssl_both(question: Question) -> tuple[Opinion, Opinion]:
    program = shutil.which("openssl")
    plain, strict = JUDGES[1:]
    if program is None:
        missing = ("not installed", "", "The program openssl is not installed here.")
        return Opinion(plain, None, *missing), Opinion(strict, None, *missing)
    with tempfile.TemporaryDirectory(prefix="tlsnotes-") as folder:
        alone = openssl_knows(program, "verify", "-no-CApath", "-no-CAstore")
        command = [program, "verify", *alone, *_arguments(question, Path(folder))]
        return (
            _openssl(plain, command, folder),
            _openssl(strict, [*command[:-1], "-x509_strict", "-partial_chain", command[-1]], folder),
        )


def _arguments(question: Question, folder: Path) -> list[str]:
    """Write the files of a question, and say it in OpenSSL's options; the last one is the end-entity's file."""
    options = ["-auth_level", "2", "-attime", str(int(question.at.timestamp()))]
    purposes = {"server": "sslserver", "client": "sslclient"}
    if question.usage in purposes:
        options += ["-purpose", purposes[question.usage]]
    end_entity, *others = question.chain
    options += _in_file(folder / "trusted.pem", "CERTIFICATE", question.trust, "-CAfile") or ["-no-CAfile"]
    options += _in_file(folder / "untrusted.pem", "CERTIFICATE", others, "-untrusted")
    if question.crls:
        options += _in_file(folder / "crls.pem", "X509 CRL", question.crls, "-CRLfile")
        options.append("-crl_check_all" if _crls_for_all(question) else "-crl_check")
    name = question.name
    if isinstance(name, str):
        options += ["-verify_email" if "@" in name else "-verify_hostname", _a_labels(name)]
    elif name is not None:
        options += ["-verify_ip", str(name)]
    _in_file(folder / "end-entity.pem", "CERTIFICATE", [end_entity], "")
    return [*options, str(folder / "end-entity.pem")]


def _in_file(path: Path, label: str, blobs: Iterable[bytes], option: str) -> list[str]:
    pem = b"".join(
        f"-----BEGIN {label}-----\n".encode() + encodebytes(der) + f"-----END {label}-----\n".encode() for der in blobs
    )
    if not pem:
        return []
    path.write_bytes(pem)
    return [option, str(path)]


def _crls_for_all(question: Question) -> bool:
    """Whether every certificate that could be revoked has a CRL of its issuer: OpenSSL refuses where it looks for one
    in vain."""
    certificates = [_names(der, x509.load_der_x509_certificate) for der in question.chain]
    issuers = {_names(der, x509.load_der_x509_crl)[0] for der in question.crls}
    return all(issuer in issuers for issuer, subject in certificates if issuer != subject)


def _names(der: bytes, load: Callable[[bytes], object]) -> tuple[bytes, bytes]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loaded = load(der)
            issuer, subject = (getattr(loaded, part, None) for part in ("issuer", "subject"))
            return issuer.public_bytes() if issuer else b"", subject.public_bytes() if subject else b""
    except Exception:  # noqa: BLE001  # a certificate that cannot be read has no names here
        return b"", b""


def _openssl(judge: str, command: list[str], folder: str) -> Opinion:
    environment = {name: value for name, value in environ.items() if not name.startswith(("OPENSSL_", "SSL_"))}
    try:
        ran = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False, env=environment)
    except subprocess.TimeoutExpired:
        return Opinion(judge, None, "timeout", "", f"It had come to no end after {SECONDS:g} seconds.")
    except (OSError, ValueError) as error:
        return Opinion(
            judge, None, type(error).__name__, visible(str(error)), "The program openssl could not be run so."
        )
    if ran.returncode == 0:
        return Opinion(judge, True, 0, "OK", "It accepts.")
    said = (ran.stderr + b"\n" + ran.stdout).decode("utf-8", "backslashreplace").replace(f"{folder}/", "")
    found = _ERROR.search(said)
    if found is None:
        first = next((line for line in said.splitlines() if line.strip()), "")
        unreadable = "ould not read" in said or "nable to load" in said
        if unreadable:
            return Opinion(
                judge, False, "unreadable", visible(first), "It cannot read a certificate at all.", "encoding"
            )
        return Opinion(judge, None, "not run", visible(first), "This openssl does not take the question.")
    # The first error is where a TLS client would have stopped; `openssl verify` goes on after some.
    check, translated = _OPENSSL.get(found[1], ("", _UNKNOWN))
    return Opinion(judge, False, int(found[1]), visible(found[0]), translated, check)


def _a_labels(name: str) -> str:
    """A host name in the form that stands in certificates; as it is where it has no such form."""
    try:
        return name if name.isascii() else name.encode("idna").decode("ascii")
    except UnicodeError:
        return name
