"""The table "What each client says", made for real: each client's own code, and the cause that `explain` names.

Codes and numbers are compared, never prose: words change with every version of every library.
"""

from __future__ import annotations

import contextlib
import http.server
import os
import re
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from needs import need

from tlsnotes import Authority, Credential, HTTPSServer, generate_key, self_signed
from tlsnotes.show.explain import explain
from tlsnotes.show.explanation import Explanation

NOW = datetime.now(UTC)
ROOT = Authority.root("the servers' root")
OTHER = Authority.root("a root that vouches for nobody here")
CLIENTS = Authority.root("the clients' root")
BETWEEN = ROOT.intermediate("the servers' intermediate")
ALICE = CLIENTS.issue("alice@shop.example", usage="client")
# What a certificate of an issuer is made with: the short recipes that leave things out.
SAN = x509.SubjectAlternativeName([x509.DNSName("localhost")])
SERVER_ONLY, CLIENT_ONLY = (
    x509.ExtendedKeyUsage([use]) for use in (x509.OID_SERVER_AUTH, x509.ExtendedKeyUsageOID.CLIENT_AUTH)
)


def with_identifiers(builder: x509.CertificateBuilder, key: object, issuer: Credential) -> x509.CertificateBuilder:
    """What Python's strict context, the default of 3.13, asks of every certificate but a root."""
    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    above = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.certificate.public_key())
    return builder.add_extension(own, critical=False).add_extension(above, critical=False)


@cache
def key_of(kind: str) -> object:
    return rsa.generate_private_key(65537, 1024) if kind == "rsa-1024" else generate_key(kind)  # to be refused


def made(
    *extensions: x509.ExtensionType,
    issuer: Credential = ROOT.credential,
    kind: str = "ecdsa-p256",
    tampered: bool = False,
    identified: bool = True,
) -> Pem:
    """A certificate for localhost by hand, with these extensions, and with the key identifiers that 3.13 asks for."""
    key = key_of(kind)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    builder = x509.CertificateBuilder(issuer.certificate.subject, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(NOW - timedelta(days=1)).not_valid_after(NOW + timedelta(days=9))
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    if identified:
        builder = with_identifiers(builder, key, issuer)
    der = bytearray(builder.sign(issuer.key, hashes.SHA256()).public_bytes(Encoding.DER))
    if tampered:
        der[-1] ^= 1  # the last byte of the signature
    above = [issuer.certificate] if issuer is not ROOT.credential else []
    return pem_of(x509.load_der_x509_certificate(bytes(der)), key, above)


@dataclass(frozen=True)
class Pem:
    """A chain and a key as text, whatever is wrong with them."""

    chain: bytes
    key: bytes

    def save(self, folder: Path) -> tuple[Path, Path]:
        folder.mkdir(exist_ok=True)
        (folder / "fullchain.pem").write_bytes(self.chain)
        (folder / "key.pem").write_bytes(self.key)
        return folder / "fullchain.pem", folder / "key.pem"


def pem_of(certificate: x509.Certificate, key: object, chain: list[x509.Certificate]) -> Pem:
    text = b"".join(each.public_bytes(Encoding.PEM) for each in (certificate, *chain))
    return Pem(text, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def sent(credential: Credential, *chain: x509.Certificate) -> Pem:
    """A credential with another chain than its own."""
    return pem_of(credential.certificate, credential.key, list(chain))


# ---- servers


@contextlib.contextmanager
def tls_server(pem: Pem, folder: Path) -> Iterator[int]:
    """A server that sends any chain at all; gives its port. `HTTPSServer` takes no certificate that is broken."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")  # so that it can show what others must refuse
    context.load_cert_chain(*pem.save(folder))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=_serve, args=(listening, context))
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def _serve(listening: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            raw = listening.accept()[0]
        except OSError:
            return
        raw.settimeout(10)
        with raw, contextlib.suppress(OSError), context.wrap_socket(raw, server_side=True) as connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")


class _Quiet(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def plain_http() -> Iterator[int]:
    """A server that speaks no TLS; gives its port."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


# ---- clients, each as a learner uses it: what it gives to be explained, or None where it accepts


@dataclass(frozen=True)
class Asked:
    """What a client is asked to do, and with which files."""

    url: str
    trust: Path
    certificate: Path | None = None
    key: Path | None = None

    @property
    def host(self) -> str:
        return self.url.split("://")[1].split(":")[0]

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])


def by_requests(asked: Asked) -> object:
    cert = (str(asked.certificate), str(asked.key)) if asked.certificate else None
    try:
        requests.get(asked.url, verify=str(asked.trust), cert=cert, timeout=15)
    except (requests.RequestException, OSError) as error:
        return error
    return None


def by_ssl(asked: Asked, flags: ssl.VerifyFlags = ssl.VerifyFlags.VERIFY_DEFAULT) -> object:
    try:
        context = ssl.create_default_context(cafile=str(asked.trust))
        context.verify_flags &= ~ssl.VerifyFlags.VERIFY_X509_STRICT  # which 3.13 has on, and its own row tests
        context.verify_flags |= flags
        if asked.certificate:
            context.load_cert_chain(asked.certificate, asked.key)
        with (
            socket.create_connection(("127.0.0.1", asked.port), timeout=15) as raw,
            context.wrap_socket(raw, server_hostname=asked.host) as client,
        ):
            client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            client.recv(65536)
    except OSError as error:
        return error
    return None


def by_strict_ssl(asked: Asked) -> object:
    return by_ssl(asked, ssl.VerifyFlags.VERIFY_X509_STRICT)


def by_curl(asked: Asked) -> object:
    own = ["--cert", asked.certificate, "--key", asked.key] if asked.certificate else []
    return run(need("curl"), "-sS", "--max-time", "15", "--cacert", asked.trust, *own, asked.url)


NODE = """
const [host, port, ca, cert, key] = process.argv.slice(1);
const fs = require('fs'), read = (path) => path ? fs.readFileSync(path) : undefined;
require('https').get({host, port, ca: read(ca), cert: read(cert), key: read(key), agent: false}, (response) =>
  response.resume());
"""


def by_node(asked: Asked) -> object:
    """Without a handler: what a learner sees is the whole trace of an error that nobody caught."""
    own = (asked.certificate or "", asked.key or "")
    return run(need("node"), "-e", NODE, asked.host, asked.port, asked.trust, *own)


def run(*command: object) -> subprocess.CompletedProcess[str] | None:
    done = subprocess.run([str(w) for w in command], capture_output=True, text=True, timeout=30, check=False)
    return done if done.returncode else None


RUNNERS: dict[str, Callable[[Asked], object]] = {
    "requests": by_requests,
    "ssl": by_ssl,
    "strict ssl": by_strict_ssl,
    "curl": by_curl,
    "node": by_node,
}


def code_of(said: object) -> object:
    """The client's own code, found without any of the code under test."""
    if isinstance(said, subprocess.CompletedProcess):
        if "curl" in said.args[0]:
            return said.returncode
        found = re.search(r"code: '([\w/]+)'", said.stderr)
        return found[1] if found else said.stderr
    below: list[object] = [said]
    while below:
        part = below.pop()
        if isinstance(part, ssl.SSLCertVerificationError):
            return part.verify_code
        if isinstance(part, ssl.SSLError):
            return part.reason or re.sub(r" \(_ssl.*", "", str(part.args[1]))
        if isinstance(part, BaseException):
            below += [*part.args, part.__cause__, getattr(part, "reason", None)]
    return type(said).__name__


@pytest.fixture(autouse=True)
def _nothing_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of this machine decides whom a client trusts or which proxy it asks."""
    bending = re.compile("(?i)(ssl_cert|_ca_|ca_bundle|cafile|capath|proxy|sslkeylog|openssl_|node_|curl_home)")
    for name in [name for name in os.environ if bending.search(name)]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trust")
    for name, authority in (("root", ROOT), ("other", OTHER)):
        (folder / f"{name}.pem").write_bytes(authority.certificate_pem)
    return folder


# ---- certificates of the server that are refused


@dataclass(frozen=True)
class Row:
    """A server's certificate, and of each client: its code and the cause; None for the one that accepts."""

    serve: Callable[[], Pem | Credential]
    says: dict[str, tuple[object, str] | None]
    host: str = "localhost"
    trust: str = "root"
    may_accept: tuple[str, ...] = ()  # clients whose newer versions refuse, and older ones do not


def everybody(verify: int, code: str, cause: str, **others: tuple[object, str] | None) -> dict[str, object]:
    """requests and ssl say `verify`, curl exits with 60, Node says `code`: all for this cause, but for `others`."""
    usual = {"requests": (verify, cause), "ssl": (verify, cause), "curl": (60, cause), "node": (code, cause)}
    return usual | others


def dated(**start: float) -> Credential:
    return ROOT.issue("localhost", days=30, start=NOW + timedelta(**start))


def bare_leaf() -> Credential:
    """An end-entity certificate of a short recipe: nothing but its name."""
    key = generate_key()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "elsewhere.example")])
    builder = x509.CertificateBuilder(ROOT.certificate.subject, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(NOW - timedelta(days=1)).not_valid_after(NOW + timedelta(days=9))
    builder = with_identifiers(builder.add_extension(SAN, critical=False), key, ROOT.credential)
    return Credential(builder.sign(ROOT.credential.key, hashes.SHA256()), key)


def beyond_its_path() -> Credential:
    """Below a CA that may have no CA below it there is one, which signs."""
    last = ROOT.intermediate("the last one", path_length=0)
    key = generate_key()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "one too many")])
    builder = x509.CertificateBuilder(last.certificate.subject, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(NOW - timedelta(days=1)).not_valid_after(NOW + timedelta(days=9))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    signs = dict.fromkeys(("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"), False)
    signs |= {"key_agreement": False, "key_cert_sign": True, "crl_sign": True}
    builder = builder.add_extension(x509.KeyUsage(**signs, encipher_only=False, decipher_only=False), critical=True)
    extra = with_identifiers(builder, key, last.credential).sign(last.credential.key, hashes.SHA256())
    below = Authority(Credential(extra, key, (last.certificate,)))
    return below.issue("localhost")


ROWS = {
    "self-signed leaf": Row(
        lambda: self_signed("localhost"), everybody(18, "DEPTH_ZERO_SELF_SIGNED_CERT", "self-signed")
    ),
    "unknown root, sent along": Row(
        lambda: sent(OTHER.issue("localhost"), OTHER.certificate),
        everybody(19, "SELF_SIGNED_CERT_IN_CHAIN", "self-signed-in-chain"),
    ),
    "unknown root, not sent": Row(
        lambda: OTHER.issue("localhost"), everybody(20, "UNABLE_TO_VERIFY_LEAF_SIGNATURE", "unknown-issuer")
    ),
    "wrong CA file": Row(
        lambda: ROOT.issue("localhost"),
        everybody(20, "UNABLE_TO_VERIFY_LEAF_SIGNATURE", "unknown-issuer"),
        trust="other",
    ),
    "missing intermediate": Row(
        lambda: sent(BETWEEN.issue("localhost")), everybody(20, "UNABLE_TO_VERIFY_LEAF_SIGNATURE", "unknown-issuer")
    ),
    "wrong host": Row(
        lambda: ROOT.issue("elsewhere.example"), everybody(62, "ERR_TLS_CERT_ALTNAME_INVALID", "wrong-name")
    ),
    "IP address, DNS-only SAN": Row(
        lambda: ROOT.issue("localhost"),
        everybody(64, "ERR_TLS_CERT_ALTNAME_INVALID", "wrong-address"),
        host="127.0.0.1",
    ),
    "CN only": Row(made, {"requests": (62, "wrong-name"), "ssl": None, "curl": None, "node": None}),
    "expired": Row(lambda: dated(days=-365), everybody(10, "CERT_HAS_EXPIRED", "expired")),
    "not yet valid": Row(lambda: dated(days=3), everybody(9, "CERT_NOT_YET_VALID", "not-yet-valid")),
    "clientAuth-only server certificate": Row(
        lambda: made(SAN, CLIENT_ONLY), everybody(26, "INVALID_PURPOSE", "purpose")
    ),
    "leaf used as a CA": Row(
        lambda: made(SAN, issuer=bare_leaf()),
        everybody(79, "INVALID_PURPOSE", "not-a-ca", node=("INVALID_PURPOSE", "purpose")),
    ),
    "RSA-1024": Row(lambda: made(SAN, kind="rsa-1024"), everybody(66, "UNSPECIFIED", "weak-key"), may_accept=("node",)),
    "no AKI": Row(
        lambda: made(SAN, identified=False),
        {"ssl": None, "curl": None, "node": None, "strict ssl": (85, "key-identifiers")},
    ),
    "tampered signature": Row(
        lambda: made(SAN, tampered=True),
        everybody(7, "CERT_SIGNATURE_FAILURE", "bad-signature", curl=(35, "bad-signature")),
    ),
    "path too long": Row(beyond_its_path, everybody(25, "PATH_LENGTH_EXCEEDED", "path-length")),
}
CASES = [(name, client) for name, row in ROWS.items() for client in row.says]


@pytest.fixture(scope="module")
def asked(request: pytest.FixtureRequest, files: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    row = ROWS[request.param]
    served = row.serve()
    pem = served if isinstance(served, Pem) else sent(served, *served.chain)
    with tls_server(pem, tmp_path_factory.mktemp("server")) as port:
        yield Asked(f"https://{row.host}:{port}", files / f"{row.trust}.pem")


def is_refused(explanation: Explanation, cause: str, by: str, step: str = "certificate") -> None:
    assert (explanation.cause, explanation.refused, explanation.step) == (cause, by, step), repr(explanation)


@pytest.mark.parametrize(("asked", "name", "client"), [(n, n, c) for n, c in CASES], indirect=["asked"])
def test_a_client_refuses_the_certificate_with_its_own_code_for_this_cause(
    asked: Asked, name: str, client: str
) -> None:
    said, expected = RUNNERS[client](asked), ROWS[name].says[client]
    if expected is None or (said is None and client in ROWS[name].may_accept):
        assert said is None, f"{client} is said to accept it: {said}"
        return
    assert said is not None, f"{client} accepted it"
    code, cause = expected
    assert code_of(said) == code, said
    is_refused(explain(said), cause, "client")


def test_one_text_has_its_three_causes_in_their_order() -> None:
    likely = explain("UNABLE_TO_VERIFY_LEAF_SIGNATURE").likely
    assert [re.search(r"intermediate|CA file|root", each.why)[0] for each in likely] == [
        "intermediate",
        "CA file",
        "root",
    ]
    assert all(each.run for each in likely)


# ---- the client's own certificate, refused by the server


@dataclass(frozen=True)
class Client:
    """A client's credential, of each client: its code and the cause, and where it shows."""

    credential: Callable[[], Credential | None]
    says: dict[str, tuple[object, str]]
    versions: tuple[str, ...] = ("1.2", "1.3")
    step: str = "certificate"


def either(alert: str) -> tuple[str, ...]:
    """Node's code with OpenSSL 3.0, and with 3.2 and later, which calls the old alerts otherwise."""
    return f"ERR_SSL_SSLV3_ALERT_{alert}", f"ERR_SSL_SSL/TLS_ALERT_{alert}"


def no_client_use() -> Credential:
    return CLIENTS.issue("localhost", usage="server")


EXPIRED_ALICE = CLIENTS.issue("alice@shop.example", usage="client", days=30, start=NOW - timedelta(days=365))
OWN = {
    "none, TLS 1.3": Client(
        lambda: None,
        {
            "requests": ("TLSV13_ALERT_CERTIFICATE_REQUIRED", "client-certificate-missing"),
            "ssl": ("TLSV13_ALERT_CERTIFICATE_REQUIRED", "client-certificate-missing"),
            "curl": (56, "client-certificate-missing"),
            "node": ("ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED", "client-certificate-missing"),
        },
    ),
    "none, TLS 1.2": Client(
        lambda: None,
        {
            "requests": ("SSLV3_ALERT_HANDSHAKE_FAILURE", "handshake-failure"),
            "ssl": ("SSLV3_ALERT_HANDSHAKE_FAILURE", "handshake-failure"),
            "curl": (35, "handshake-failure"),
            "node": ("EPROTO", "handshake-failure"),
        },
        versions=("1.2",),
        step="handshake",
    ),
    "of an unknown CA": Client(
        lambda: OTHER.issue("alice@shop.example", usage="client"),
        {
            "requests": ("TLSV1_ALERT_UNKNOWN_CA", "client-certificate-unknown-ca"),
            "ssl": ("TLSV1_ALERT_UNKNOWN_CA", "client-certificate-unknown-ca"),
            "curl": (56, "client-certificate-unknown-ca"),
            "node": ("ERR_SSL_TLSV1_ALERT_UNKNOWN_CA", "client-certificate-unknown-ca"),
        },
    ),
    "for the wrong use": Client(
        no_client_use,
        {
            "requests": ("SSLV3_ALERT_UNSUPPORTED_CERTIFICATE", "purpose"),
            "ssl": ("SSLV3_ALERT_UNSUPPORTED_CERTIFICATE", "purpose"),
            "curl": (56, "purpose"),
            "node": (either("UNSUPPORTED_CERTIFICATE"), "purpose"),
        },
    ),
    "expired": Client(
        lambda: EXPIRED_ALICE,
        {
            "requests": ("SSLV3_ALERT_CERTIFICATE_EXPIRED", "expired"),
            "ssl": ("SSLV3_ALERT_CERTIFICATE_EXPIRED", "expired"),
            "curl": (56, "expired"),
            "node": (either("CERTIFICATE_EXPIRED"), "expired"),
        },
    ),
}


@pytest.mark.parametrize(("name", "client"), [(n, c) for n, each in OWN.items() for c in each.says])
def test_the_server_refuses_the_client_and_the_client_learns_why(
    name: str, client: str, files: Path, tmp_path: Path
) -> None:
    own = OWN[name]
    credential = own.credential()
    with HTTPSServer(ROOT.issue("localhost"), client_ca=CLIENTS, versions=own.versions) as server:
        asked = Asked(server.url, files / "root.pem")
        if credential:
            folder = credential.save(tmp_path / "own")
            asked = replace(asked, certificate=folder / "fullchain.pem", key=folder / "key.pem")
        said = RUNNERS[client](asked)
    code, cause = own.says[client]
    assert said is not None, f"{client} was let in"
    assert code_of(said) in (code if isinstance(code, tuple) else (code,)), said
    is_refused(explain(said), cause, "server", own.step)
    if cause in ("purpose", "expired"):
        assert "client's certificate" in explain(said).title


# ---- files that do not fit, before any connection


def wrong_files(folder: Path) -> dict[str, tuple[Path, Path]]:
    """Files of certificate and key that cannot be used together, by what is wrong."""
    alice = ALICE.save(folder / "alice")
    other = CLIENTS.issue("alice@shop.example", usage="client").save(folder / "other")
    below = CLIENTS.intermediate("the clients' intermediate").issue("bob@shop.example", usage="client")
    turned = pem_of(below.chain[0], below.key, [below.certificate]).save(folder / "turned")
    locked = ALICE.save(folder / "locked", password="the right one")
    (folder / "alice.der").write_bytes(ALICE.certificate.public_bytes(Encoding.DER))
    return {
        "pairs": (alice / "fullchain.pem", other / "key.pem"),
        "order": turned,
        "DER": (folder / "alice.der", alice / "key.pem"),
        "swapped": (alice / "key.pem", alice / "fullchain.pem"),
        "locked": (locked / "fullchain.pem", locked / "key.pem"),
    }


UNFIT = [
    ("pairs", "ssl", "KEY_VALUES_MISMATCH", "key-mismatch"),
    ("pairs", "curl", 58, "own-certificate"),
    ("pairs", "node", "ERR_OSSL_X509_KEY_VALUES_MISMATCH", "key-mismatch"),
    ("order", "ssl", "KEY_VALUES_MISMATCH", "key-mismatch"),
    ("order", "curl", 58, "own-certificate"),
    ("order", "node", "ERR_OSSL_X509_KEY_VALUES_MISMATCH", "key-mismatch"),
    ("DER", "ssl", "[SSL] PEM lib", "not-pem"),
    ("DER", "node", "ERR_OSSL_PEM_NO_START_LINE", "not-pem"),
    ("swapped", "ssl", "[SSL] PEM lib", "not-pem"),
    ("swapped", "node", "ERR_OSSL_PEM_NO_START_LINE", "not-pem"),
]


@pytest.mark.parametrize(("wrong", "client", "code", "cause"), UNFIT)
def test_files_that_do_not_fit_are_refused_before_any_connection(
    wrong: str, client: str, code: object, cause: str, files: Path, tmp_path: Path
) -> None:
    certificate, key = wrong_files(tmp_path)[wrong]
    with HTTPSServer(ROOT.issue("localhost"), client_ca=CLIENTS) as server:
        said = RUNNERS[client](Asked(server.url, files / "root.pem", certificate, key))
    assert code_of(said) == code, said
    is_refused(explain(said), cause, "client", "prepare")


def test_a_wrong_password_looks_to_python_like_any_file_that_is_no_pem(tmp_path: Path) -> None:
    certificate, key = wrong_files(tmp_path)["locked"]
    with pytest.raises(ssl.SSLError) as raised:
        ssl.create_default_context().load_cert_chain(certificate, key, password="a wrong one")
    assert code_of(raised.value) == "[SSL] PEM lib"
    explanation = explain(raised.value)
    is_refused(explanation, "not-pem", "client", "prepare")
    assert any("password" in each.why for each in explanation.likely)


def test_node_knows_a_wrong_password(tmp_path: Path) -> None:
    certificate, key = wrong_files(tmp_path)["locked"]
    code = "require('tls').createSecureContext({cert: fs.readFileSync(process.argv[1]),\
        key: fs.readFileSync(process.argv[2]), passphrase: 'a wrong one'})"
    said = run(need("node"), "-e", code, certificate, key)
    assert code_of(said) == "ERR_OSSL_BAD_DECRYPT"
    is_refused(explain(said), "wrong-password", "client", "prepare")


# ---- ports, versions, paths, variables


@pytest.mark.parametrize(
    ("client", "code"), [("requests", "WRONG_VERSION_NUMBER"), ("ssl", "WRONG_VERSION_NUMBER"), ("curl", 35)]
)
def test_https_to_a_port_of_plain_http(client: str, code: object, files: Path) -> None:
    with plain_http() as port:
        said = RUNNERS[client](Asked(f"https://localhost:{port}", files / "root.pem"))
    assert code_of(said) == code, said
    is_refused(explain(said), "not-tls", "client", "handshake")


def test_https_to_a_port_of_plain_http_in_node(files: Path) -> None:
    with plain_http() as port:
        said = by_node(Asked(f"https://localhost:{port}", files / "root.pem"))
    assert code_of(said) in ("EPROTO", "ERR_SSL_WRONG_VERSION_NUMBER", "ERR_SSL_PACKET_LENGTH_TOO_LONG"), said
    is_refused(explain(said), "not-tls", "client", "handshake")


@pytest.mark.parametrize("client", ["requests", "curl"])
def test_http_to_a_port_of_https(client: str, files: Path) -> None:
    with HTTPSServer(ROOT.issue("localhost")) as server:
        said = RUNNERS[client](Asked(server.url.replace("https", "http"), files / "root.pem"))
    is_refused(explain(said), "http-to-https", "server", "handshake")


def test_the_server_that_is_spoken_to_in_plain_http_knows_it() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    incoming = ssl.MemoryBIO()
    incoming.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    with pytest.raises(ssl.SSLError) as raised:
        context.wrap_bio(incoming, ssl.MemoryBIO(), server_side=True).do_handshake()
    assert raised.value.reason == "HTTP_REQUEST"
    is_refused(explain(raised.value, side="server"), "http-to-https", "server", "handshake")


def test_no_common_version(files: Path) -> None:
    context = ssl.create_default_context(cafile=str(files / "root.pem"))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        HTTPSServer(ROOT.issue("localhost"), versions=("1.3",)) as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=15) as raw,
        pytest.raises(ssl.SSLError) as raised,
    ):
        context.wrap_socket(raw, server_hostname="localhost")
    assert raised.value.reason == "TLSV1_ALERT_PROTOCOL_VERSION"
    is_refused(explain(raised.value), "no-common-version", "server", "handshake")


def test_a_ca_file_that_is_not_there(tmp_path: Path) -> None:
    missing = Asked("https://localhost:1", tmp_path / "no-such.pem")
    said = by_requests(missing)
    assert isinstance(said, OSError)
    assert "Could not find a suitable TLS CA certificate bundle" in str(said)
    is_refused(explain(said), "ca-file-missing", "client", "prepare")
    with HTTPSServer(ROOT.issue("localhost")) as server:
        said = by_curl(replace(missing, url=server.url))
    assert code_of(said) == 77
    is_refused(explain(said), "ca-file-missing", "client", "prepare")


def test_a_variable_wins_over_a_session_that_verifies_nothing(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(files / "other.pem"))
    with HTTPSServer(ROOT.issue("localhost")) as server, requests.Session() as session:
        session.verify = False
        with pytest.raises(requests.exceptions.SSLError) as raised:
            session.get(server.url, timeout=15)
    assert code_of(raised.value) == 20
    is_refused(explain(raised.value), "unknown-issuer", "client")


# ---- seen from the server


@pytest.mark.parametrize("client", ["requests", "ssl", "curl"])
def test_openssls_clients_tell_the_server_by_an_alert_why_they_refuse(client: str, files: Path) -> None:
    with HTTPSServer(OTHER.issue("localhost")) as server:
        RUNNERS[client](Asked(server.url, files / "root.pem"))
        (recording,) = server.wait_for(1)
    is_refused(explain(recording), "unknown-issuer", "client")
    is_refused(explain(recording.dissect()), "unknown-issuer", "client")


def test_node_just_closes(files: Path) -> None:
    with HTTPSServer(OTHER.issue("localhost")) as server:
        by_node(Asked(server.url, files / "root.pem"))
        (recording,) = server.wait_for(1)
    assert explain(recording).cause == "closed-in-handshake"


def test_the_address_of_loopback_can_be_named(files: Path) -> None:
    """What stands beside the row of IP addresses: with the address in it, everybody accepts."""
    with HTTPSServer(ROOT.issue(["localhost", ip_address("127.0.0.1")])) as server:
        asked = Asked(server.url.replace("localhost", "127.0.0.1"), files / "root.pem")
        assert [RUNNERS[client](asked) for client in ("requests", "ssl", "curl", "node")] == [None] * 4
