"""The mistakes: each is told, can be made, is really on the wire, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import ssl
import tempfile
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from tlsnotes import TLSNotesError
from tlsnotes.live import mistakes_certificates
from tlsnotes.live.mistakes import MISTAKES, Mistake, Scene
from tlsnotes.live.mistakes_recipes import RECIPES, Recipe, Speaks
from tlsnotes.live.mistakes_scenes import rehearse, scene_of
from tlsnotes.live.small_server import SmallServer
from tlsnotes.pki.credential import Credential
from tlsnotes.wire.handshake import Handshake

NOW = datetime.now(UTC)
CLIENTS = {"requests", "ssl", "curl", "openssl", "node", "chromium", "newman"}
CHECKS = {
    *("trust", "path", "signature", "validity", "name", "basic-constraints", "path-length", "key-usage"),
    *("extended-key-usage", "name-constraints", "critical-extension", "version", "serial", "key-strength"),
    *("signature-algorithm", "identifiers", "revocation", "encoding"),
}
# badssl's groups, by our words for them.
GROUPS = {
    "certificate",
    "cipher suite",
    "key exchange",
    "protocol",
    "client certificate",
    "HTTP",
    "known-bad root",
}

every = pytest.mark.parametrize("mistake", MISTAKES.values(), ids=list(MISTAKES))


@contextlib.contextmanager
def served(identity: str) -> Iterator[Scene]:
    """A scene; skipped, in its own words, where this machine's OpenSSL cannot make the mistake."""
    if reason := MISTAKES[identity].unavailable():
        pytest.skip(reason)
    with MISTAKES[identity].serve() as scene:
        yield scene


def client_context(scene: Scene) -> ssl.SSLContext:
    """A client of Python's defaults that trusts what the scene gives it, and shows what the scene gives it."""
    if isinstance(scene.trust, Path):
        context = ssl.create_default_context(cafile=scene.trust)
    else:
        context = ssl.create_default_context(cadata=b"".join(c.public_bytes(Encoding.DER) for c in scene.trust))
    if isinstance(scene.credential, Credential):
        with tempfile.TemporaryDirectory() as folder:
            scene.credential.save(folder)
            context.load_cert_chain(Path(folder, "fullchain.pem"), Path(folder, "key.pem"))
    elif scene.credential:
        context.load_cert_chain(*scene.credential, password=lambda: "")
    return context


def visit(scene: Scene, context: ssl.SSLContext | None = None) -> int | str:
    """What Python's ssl says: "ok", or the code of its error; the first answer is read, TLS 1.3 refuses there."""
    host = scene.url.split("://")[1].split(":")[0]
    try:
        context = context or client_context(scene)
        with (
            socket.create_connection((host, scene.server.port), 10) as connected,
            context.wrap_socket(connected, server_hostname=host) as tls,
        ):
            tls.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return "ok" if tls.recv(65536).startswith(b"HTTP/1.1 200") else "no answer"
    except ssl.SSLCertVerificationError as error:
        return error.verify_code
    except ssl.SSLError as error:
        return getattr(error, "reason", None) or type(error).__name__
    except OSError as error:
        return type(error).__name__


def shaken(scene: Scene, context: ssl.SSLContext | None = None) -> tuple[int | str, Handshake]:
    """What the client says, and the reading of what went over the wire."""
    said = visit(scene, context)
    (recording,) = scene.server.wait_for(1)
    return said, recording.dissect()


# ---- what is told


def test_there_are_more_than_sixty() -> None:
    assert len(MISTAKES) > 60


@every
def test_each_is_told_in_full(mistake: Mistake) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", mistake.id)
    assert MISTAKES[mistake.id] is mistake
    assert mistake.title
    assert mistake.title[-1] not in ".!?"
    assert len(re.findall(r"[.?](?= |$)", mistake.story)) >= 2, "two sentences at least"
    assert mistake.fix.strip()
    assert mistake.group in GROUPS
    assert mistake.check in {*CHECKS, ""}
    assert mistake.title in repr(mistake)


@every
def test_something_is_expected_of_every_client_that_can_make_it(mistake: Mistake) -> None:
    files = RECIPES[mistake.id].client_files or RECIPES[mistake.id].trust_file
    assert set(mistake.expected) >= CLIENTS - ({"chromium", "openssl"} if files else set())
    assert set(mistake.expected) <= CLIENTS
    for expected in mistake.expected.values():
        codes = expected if isinstance(expected, tuple) else (expected,)
        assert all(isinstance(code, int | str) and code not in {"", 0} for code in codes)


def test_no_two_have_one_title_and_all_groups_of_badssl_are_there() -> None:
    assert len({mistake.title for mistake in MISTAKES.values()}) == len(MISTAKES)
    assert {mistake.group for mistake in MISTAKES.values()} == GROUPS


@every
def test_no_fix_turns_the_verification_off(mistake: Mistake) -> None:
    off = r"verify\s*=\s*False|--insecure|\bcurl -k\b|CERT_NONE|rejectUnauthorized|TLS_REJECT|ignore-certificate-errors"
    assert not re.search(off, mistake.fix + mistake.story)


def test_agrees_with_a_code_or_one_of_several_and_takes_0_for_accepted() -> None:
    assert MISTAKES["self-signed"].agrees("ssl", 18)
    assert not MISTAKES["self-signed"].agrees("ssl", 0)
    assert MISTAKES["rsa-1024"].agrees("node", 0)
    assert MISTAKES["rsa-1024"].agrees("node", "UNSPECIFIED")
    assert MISTAKES["root-sent-along"].agrees("curl", "ok")
    with pytest.raises(TLSNotesError, match="nothing is expected of 'lynx'"):
        MISTAKES["self-signed"].agrees("lynx", 0)


# ---- what is made


@every
def test_each_can_be_made_and_leaves_nothing(mistake: Mistake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = set(threading.enumerate())
    with served(mistake.id) as scene:
        port = scene.server.port
        assert re.fullmatch(rf"https?://(localhost|127\.0\.0\.1):{port}", scene.url)
        assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.iterdir()), "private folders"
        keys = [path for path in tmp_path.rglob("*") if path.is_file() and b"PRIVATE KEY" in path.read_bytes()]
        assert all(path.stat().st_mode & 0o077 == 0 for path in keys), "private keys"
    assert set(threading.enumerate()) == before
    assert list(tmp_path.iterdir()) == []
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_nothing_is_left_where_a_learner_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = set(threading.enumerate())
    with pytest.raises(ZeroDivisionError), MISTAKES["proxy-in-the-way"].serve():
        _ = 1 / 0
    assert set(threading.enumerate()) == before
    assert list(tmp_path.iterdir()) == []


def test_two_scenes_at_once_have_nothing_in_common() -> None:
    with MISTAKES["wrong-host"].serve() as one, MISTAKES["wrong-host"].serve() as other:
        assert one.url != other.url
        assert one.chain != other.chain
        assert one.trust != other.trust
        assert visit(one) == visit(other) == 62


@every
def test_pythons_ssl_answers_as_the_table_says(mistake: Mistake) -> None:
    with served(mistake.id) as scene:
        said = visit(scene)
    assert mistake.agrees("ssl", said), said


def test_a_sound_chain_of_the_same_making_is_accepted() -> None:
    """What a refusal means: it is the mistake, and not the way the scenes are made."""
    with scene_of(RECIPES["root-sent-along"]) as scene:
        assert visit(scene) == "ok"
    sound = Recipe(
        RECIPES["client-certificate-expired"].certificates
        | {"client": RECIPES["ip-without-ip-san"].certificates["server"]}
    )
    with scene_of(sound) as scene:
        assert visit(scene) == "ok"


@pytest.mark.parametrize(
    "speaks",
    [Speaks(("1.2",), ciphers="NO-SUCH-CIPHER"), Speaks(("1.2",), ciphers="ECDHE-RSA-AES128-GCM-SHA256")],
    ids=["a cipher suite that is not there", "a cipher suite for another kind of key"],
)
def test_says_so_where_this_openssl_cannot_speak_so(
    speaks: Speaks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    recipe = Recipe(RECIPES["wrong-host"].certificates, speaks=speaks)
    with pytest.raises(TLSNotesError, match="does not speak so"):
        rehearse(recipe)
    with pytest.raises(TLSNotesError, match="does not speak so"), scene_of(recipe):
        pass
    assert list(tmp_path.iterdir()) == []


def test_says_so_where_this_cryptography_makes_no_such_key(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise UnsupportedAlgorithm("this curve is not supported")

    monkeypatch.setitem(mistakes_certificates._WEAK_KEYS, "ecdsa-p256k1", refuse)
    with pytest.raises(TLSNotesError, match="makes no key of kind 'ecdsa-p256k1'"):
        rehearse(RECIPES["unusual-curve"])


def test_a_mistake_that_cannot_be_made_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Recipe(RECIPES["wrong-host"].certificates, speaks=Speaks(("1.2",), ciphers="NO-SUCH-CIPHER"))
    monkeypatch.setitem(RECIPES, "not-to-be-made", broken)
    mistake = Mistake("not-to-be-made", "t", "protocol", "s", "f", "", {}, broken)
    assert "NO-SUCH-CIPHER" in mistake.unavailable()
    with pytest.raises(TLSNotesError, match="does not speak so"), mistake.serve():
        pass


# ---- what is in the certificates


def test_times_are_relative_to_now() -> None:
    ends = {"expired-leaf": 0, "expired-intermediate": 1}
    for identity, index in ends.items():
        with served(identity) as scene:
            assert scene.chain[index].not_valid_after_utc < NOW
    with served("clock-an-hour-wrong") as scene:
        assert timedelta(minutes=55) < scene.chain[0].not_valid_before_utc - NOW < timedelta(minutes=65)


def test_a_tampered_signature_fails_and_everything_else_is_as_it_was() -> None:
    with served("tampered-signature") as scene, pytest.raises(InvalidSignature):
        scene.chain[0].verify_directly_issued_by(scene.trust[0])


@pytest.mark.parametrize(("identity", "name"), [("sha-1-signature", "sha1"), ("md5-signature", "md5")])
def test_a_weak_signature_is_a_real_one(identity: str, name: str) -> None:
    with served(identity) as scene:
        certificate = scene.chain[0]
        assert certificate.signature_hash_algorithm is not None
        assert certificate.signature_hash_algorithm.name == name
        root = scene.trust[0].public_key()
        assert isinstance(root, rsa.RSAPublicKey)
        root.verify(
            certificate.signature,
            certificate.tbs_certificate_bytes,
            padding.PKCS1v15(),
            certificate.signature_hash_algorithm,
        )


def test_version_1_has_no_extensions_and_a_signature_that_holds() -> None:
    with served("version-1") as scene:
        assert scene.chain[0].version is x509.Version.v1
        assert list(scene.chain[0].extensions) == []
        scene.chain[0].verify_directly_issued_by(scene.trust[0])


def test_the_known_key_is_the_number_1() -> None:
    with served("root-with-a-known-key") as scene:
        key = scene.trust[0].public_key()
        assert key == ec.derive_private_key(1, ec.SECP256R1()).public_key()


@pytest.mark.parametrize(("identity", "count"), [("a-thousand-names", 1_000), ("ten-thousand-names", 10_000)])
def test_names_are_as_many_as_it_says(identity: str, count: int) -> None:
    with served(identity) as scene:
        names = scene.chain[0].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert len(set(names.get_values_for_type(x509.DNSName))) == count


def test_the_revoked_certificate_is_on_its_issuers_list() -> None:
    with served("revoked") as scene:
        (crl,) = scene.crls
        assert crl.get_revoked_certificate_by_serial_number(scene.chain[0].serial_number)
        assert crl.is_signature_valid(scene.trust[0].public_key())


# ---- what is on the wire


@pytest.mark.parametrize(
    ("identity", "said", "outcome"),
    [
        ("tls-1-0-only", "TLSV1_ALERT_PROTOCOL_VERSION", "server: protocol_version"),
        ("tls-1-1-only", "TLSV1_ALERT_PROTOCOL_VERSION", "server: protocol_version"),
        ("no-common-cipher", "SSLV3_ALERT_HANDSHAKE_FAILURE", "server: handshake_failure"),
        ("static-rsa", "SSLV3_ALERT_HANDSHAKE_FAILURE", "server: handshake_failure"),
        ("no-common-group", "SSLV3_ALERT_HANDSHAKE_FAILURE", "server: handshake_failure"),
        ("unusual-curve", "SSLV3_ALERT_HANDSHAKE_FAILURE", "server: handshake_failure"),
        ("unrecognized-name", "TLSV1_UNRECOGNIZED_NAME", "server: unrecognized_name"),
        ("client-certificate-missing-1-2", "SSLV3_ALERT_HANDSHAKE_FAILURE", "server: handshake_failure"),
        ("client-certificate-missing-1-3", "TLSV13_ALERT_CERTIFICATE_REQUIRED", "server: certificate_required"),
        ("client-certificate-of-an-unknown-ca", "TLSV1_ALERT_UNKNOWN_CA", "server: unknown_ca"),
        ("client-certificate-without-intermediate", "TLSV1_ALERT_UNKNOWN_CA", "server: unknown_ca"),
        ("client-certificate-expired", "SSLV3_ALERT_CERTIFICATE_EXPIRED", "server: certificate_expired"),
        ("client-certificate-for-servers", "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE", "server: unsupported_certificate"),
        ("small-dh-group", "DH_KEY_TOO_SMALL", "client: handshake_failure"),
        ("expired-leaf", 10, "client: certificate_expired"),
        ("unknown-root", 20, "client: unknown_ca"),
        ("wrong-host", 62, "client: bad_certificate"),
    ],
)  # fmt: skip
def test_the_refusal_is_an_alert_on_the_wire(identity: str, said: int | str, outcome: str) -> None:
    with served(identity) as scene:
        reason, handshake = shaken(scene)
        assert reason == said
        assert handshake.outcome.startswith(f"refused by the {outcome}")
        assert scene.server.log


def test_missing_a_client_certificate_is_told_later_in_tls_1_3_than_in_1_2() -> None:
    after = {}
    for version in ("2", "3"):
        with served(f"client-certificate-missing-1-{version}") as scene:
            after[version] = shaken(scene)[1].outcome.rpartition("'s ")[2]
    assert after == {"2": "ClientKeyExchange", "3": "Finished"}


@pytest.mark.parametrize(("identity", "group"), [("hello-retry-request", "secp384r1"), ("secp521r1-only", "secp521r1")])
def test_a_group_without_a_key_share_takes_a_hello_retry_request(identity: str, group: str) -> None:
    with served(identity) as scene:
        said, handshake = shaken(scene)
        assert said == "ok"
        assert handshake.hello_retry_request
        assert str(handshake.group) == group
        assert handshake.outcome == "established"


def test_static_rsa_is_taken_by_a_client_that_still_offers_it() -> None:
    with served("static-rsa") as scene:
        context = client_context(scene)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("AES128-GCM-SHA256")
        said, handshake = shaken(scene, context)
        assert said == "ok"
        assert str(handshake.cipher_suite) == "TLS_RSA_WITH_AES_128_GCM_SHA256"


@pytest.mark.parametrize(
    ("identity", "sent"),
    [
        ("missing-intermediate", 1),
        ("self-signed", 1),
        ("root-sent-along", 3),
        ("reversed-chain", 3),
        ("unknown-root-sent-along", 2),
    ],
)
def test_the_judged_chain_is_what_the_server_sends(identity: str, sent: int) -> None:
    with served(identity) as scene:
        handshake = shaken(scene)[1]
        message = next(m for m in handshake.messages if m.name == "Certificate" and m.sender == "server")
        at = [message.raw.find(c.public_bytes(Encoding.DER)) for c in scene.chain]
        assert len(at) == sent
        assert -1 not in at
        assert at == sorted(at), "in this order"


# ---- what is no TLS


def test_a_client_hello_to_an_http_port_is_answered_in_http() -> None:
    with served("tls-to-an-http-port") as scene:
        assert visit(scene) == "WRONG_VERSION_NUMBER"
        (recording,) = scene.server.wait_for(1)
        assert b"".join(s.data for s in recording.segments if s.sender == "S").startswith(b"HTTP/1.1 400")


def test_a_request_in_http_to_a_tls_port_is_not_answered() -> None:
    with served("http-to-a-tls-port") as scene:
        connection = http.client.HTTPConnection("localhost", scene.server.port, timeout=10)
        connection.request("GET", "/")
        with contextlib.closing(connection), pytest.raises(http.client.RemoteDisconnected):
            connection.getresponse()
        assert any("plain HTTP" in line for line in scene.server.log)


def test_a_server_that_hangs_up_says_nothing() -> None:
    with served("hangs-up") as scene:
        assert visit(scene) == "UNEXPECTED_EOF_WHILE_READING"
        (recording,) = scene.server.wait_for(1)
        assert {s.sender for s in recording.segments} == {"C"}
        assert scene.server.log == ["#1 hung up by the server, without a word"]


def test_the_proxy_opens_no_tunnel_and_the_server_is_not_asked() -> None:
    with served("proxy-in-the-way") as scene:
        proxy = scene.environment["HTTPS_PROXY"].removeprefix("http://")
        connection = http.client.HTTPSConnection(*proxy.split(":"), timeout=10, context=client_context(scene))
        connection.set_tunnel("localhost", scene.server.port)
        with contextlib.closing(connection), pytest.raises(OSError, match="501"):
            connection.request("GET", "/")
        assert scene.server.recordings == ()


# ---- the small server


def test_the_small_server_speaks_plain_http_and_records_it() -> None:
    with SmallServer() as server:
        connection = http.client.HTTPConnection("localhost", server.port, timeout=10)
        with contextlib.closing(connection):
            connection.request("GET", "/who")
            assert connection.getresponse().status == 200
        assert server.url == f"http://localhost:{server.port}"
        assert server.last is not None
        assert [s.data[:8] for s in server.last.segments] == [b"GET /who", b"HTTP/1.1"]
        assert server.log == ["#1 GET /who -> 200"]
    assert repr(server) == "<SmallServer, stopped>"
    server.stop()


def test_a_stopped_small_server_can_be_started_again() -> None:
    server = SmallServer()
    for _ in range(2):
        with server, socket.create_connection(("localhost", server.port), 10):
            assert server.recordings is not None
