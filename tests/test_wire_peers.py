"""What real peers say to each other, read whole: every cipher suite and way of shaking hands that OpenSSL speaks.

What a peer says of its connection must be what our reading says, and `read_whole` (peers.py) holds for each of them:
every record opens, every byte is in a field, and every check that can be made is made and holds.
"""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

import pytest
import requests
from needs import need
from peers import (
    ANSWER,
    CLIENTS,
    EARLY,
    ENVIRONMENT,
    PSK,
    QUESTION,
    ROOT,
    SAID,
    V12,
    V13,
    OpenSSL,
    Pipe,
    alice,
    between_nodes,
    contexts,
    data_of,
    files_of,
    issued,
    names_of,
    node_client,
    ocsp_response,
    old,
    read_whole,
    talked,
    with_early_data,
)

from tlsnotes import Authority, HTTPSServer, Recording
from tlsnotes.wire.registry import HandshakeType

# ---- resumption, pre-shared keys and early data


@pytest.mark.parametrize("suite", ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"])
@pytest.mark.parametrize("dhe", [True, False], ids=["psk_dhe_ke", "psk_ke"])
def test_a_session_of_tls13_is_resumed(dhe: bool, suite: str, tmp_path: Path) -> None:
    chosen = ("-ciphersuites", suite, "-allow_no_dhe_kex")
    session = tmp_path / "session"
    other = () if dhe else ("-groups", "X448")  # no group in common: OpenSSL does without only then
    with OpenSSL(tmp_path, *chosen, "-groups", "X25519", credential=issued("ecdsa-p256")) as peers:
        first, _ = peers.call(*V13, *chosen, "-sess_out", session)
        second, printed = peers.call(*V13, *chosen, *other, "-sess_in", session)
    assert "Reused, TLSv1.3" in printed
    full, short = read_whole(first), read_whole(second, said={"client": b"hello\n"}, unjudged=("PSK binder",))
    assert (full.resumed, short.resumed) == (False, True)
    assert short.group == ("x25519" if dhe else None)
    assert names_of(short, "server")[:3] == ["ServerHello", "EncryptedExtensions", "Finished"]
    assert short.cipher_suite == full.cipher_suite == suite


def test_a_ticket_that_the_server_cannot_open_is_passed_over(tmp_path: Path) -> None:
    client, server = contexts(issued("ecdsa-p256"), tmp_path)
    first = Pipe(client, server)
    talked(first)
    second = Pipe(client, contexts(issued("ecdsa-p256"), tmp_path)[1], first.client.session)
    handshake = read_whole(talked(second), said=SAID, unjudged=("PSK binder",))
    assert not handshake.resumed
    assert not second.client.session_reused
    assert "CertificateVerify" in names_of(handshake, "server")


def test_a_session_is_resumed_after_a_hello_retry_request(tmp_path: Path) -> None:
    session = tmp_path / "session"
    with OpenSSL(tmp_path, "-groups", "P-256", credential=issued("ecdsa-p256")) as peers:
        peers.call(*V13, "-groups", "X25519:P-256", "-sess_out", session)
        recording, printed = peers.call(*V13, "-groups", "X25519:P-256", "-sess_in", session)
    assert "Reused, TLSv1.3" in printed
    handshake = read_whole(recording, unjudged=("PSK binder",))
    assert (handshake.resumed, handshake.hello_retry_request, handshake.group) == (True, True, "secp256r1")


def test_an_external_pre_shared_key_needs_no_certificate(tmp_path: Path) -> None:
    chosen = (*PSK, "-ciphersuites", "TLS_AES_128_GCM_SHA256")
    with OpenSSL(tmp_path, *chosen) as peers:
        recording, printed = peers.call(*V13, *chosen)
    handshake = read_whole(recording, said={"client": b"hello\n"}, unjudged=("PSK binder",))
    assert "Reused, TLSv1.3" in printed  # OpenSSL's word for every pre-shared key
    assert handshake.resumed
    assert "Certificate" not in names_of(handshake, "server")
    identity = handshake.messages[0].field.find("identities.0.identity")
    assert identity is not None
    assert identity.value == b"the class"


def test_early_data_that_is_accepted_is_read(tmp_path: Path) -> None:
    recording, printed = with_early_data(tmp_path)
    assert "Early data was accepted" in printed
    handshake = read_whole(recording, said={"client": EARLY + b"hello\n"}, unjudged=("PSK binder",))
    assert handshake.resumed
    assert names_of(handshake, "client") == ["ClientHello", "EndOfEarlyData", "Finished"]
    held = {check.name for check in handshake.checks if check.ok}
    assert "client traffic keys from CLIENT_EARLY_TRAFFIC_SECRET" in held


def test_early_data_is_refused_where_the_ticket_was_used_before(tmp_path: Path) -> None:
    recording, printed = with_early_data(tmp_path, times=2)
    assert "Early data was rejected" in printed
    assert "New, TLSv1.3" in printed
    handshake = read_whole(recording, said={"client": EARLY + b"hello\n"}, unjudged=("PSK binder",))
    assert not handshake.resumed
    assert names_of(handshake, "client") == ["ClientHello", "Finished"]


def test_early_data_is_refused_where_the_server_asks_for_another_hello(tmp_path: Path) -> None:
    recording, printed = with_early_data(tmp_path, ("-groups", "P-256", "-no_anti_replay"), ("-groups", "X25519:P-256"))
    assert "Early data was rejected" in printed
    assert "Reused, TLSv1.3" in printed
    handshake = read_whole(recording, said={"client": EARLY + b"hello\n"}, unjudged=("PSK binder",))
    assert (handshake.resumed, handshake.hello_retry_request) == (True, True)


def test_early_data_under_the_suite_of_the_session_before_is_read(tmp_path: Path) -> None:
    recording, printed = with_early_data(tmp_path, first=("-ciphersuites", "TLS_AES_128_GCM_SHA256"))
    assert "Early data was rejected" in printed
    handshake = read_whole(recording, said={"client": EARLY + b"hello\n"}, unjudged=("PSK binder",))
    assert handshake.cipher_suite == "TLS_AES_256_GCM_SHA384"


# ---- client certificates


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("kind", ["ecdsa-p256", "rsa-2048", "ed25519", ""])
def test_a_client_proves_itself_or_says_that_it_has_nothing(kind: str, version: str, tmp_path: Path) -> None:
    client, server = contexts(issued("ecdsa-p256"), tmp_path)
    server.load_verify_locations(cadata=CLIENTS.certificate_pem.decode())
    server.verify_mode = ssl.CERT_OPTIONAL
    if version == "1.2":
        old(client, "ECDHE+AESGCM")
    if kind:
        credential = CLIENTS.issue("alice@shop.example", usage="client", key=kind)
        client.load_cert_chain(*files_of(credential, tmp_path / "alice"))
    pipe = Pipe(client, server)
    handshake = read_whole(talked(pipe), said=SAID)
    assert handshake.client_authenticated == bool(kind) == bool(pipe.server.getpeercert())
    assert handshake.outcome == "established"
    assert "CertificateRequest" in names_of(handshake, "server")
    assert ("CertificateVerify" in names_of(handshake, "client")) == bool(kind)


@pytest.mark.parametrize("version", [V12, V13], ids=["1.2", "1.3"])
def test_a_server_names_the_roots_it_believes(version: tuple[str], tmp_path: Path) -> None:
    (tmp_path / "clients.pem").write_bytes(CLIENTS.certificate_pem + ROOT.certificate_pem)
    certificate, key = files_of(alice(), tmp_path / "alice")
    asks = ("-Verify", "2", "-CAfile", tmp_path / "clients.pem")
    with OpenSSL(tmp_path, *asks, credential=issued("ecdsa-p256")) as peers:
        recording, printed = peers.call(*version, "-cert", certificate, "-key", key)
    assert "Acceptable client certificate CA names" in printed
    handshake = read_whole(recording)
    assert handshake.client_authenticated
    request = next(m for m in handshake.messages if m.type == HandshakeType.certificate_request)
    names = request.field.find("certificate_authorities" if version == V12 else "certificate_authorities.authorities")
    assert names is not None
    found = {name.children[-1].raw for name in names.children[-1].children}
    assert found == {root.certificate.subject.public_bytes() for root in (CLIENTS, ROOT)}


@pytest.mark.parametrize("has", [True, False], ids=["with a certificate", "without"])
def test_a_client_is_asked_after_the_handshake(has: bool, tmp_path: Path) -> None:
    client, server = contexts(issued("ecdsa-p256"), tmp_path)
    client.post_handshake_auth = True
    server.load_verify_locations(cadata=CLIENTS.certificate_pem.decode())
    server.post_handshake_auth, server.verify_mode = True, ssl.CERT_OPTIONAL
    if has:
        client.load_cert_chain(*files_of(alice(), tmp_path / "alice"))
    pipe = Pipe(client, server).shake()
    pipe.say("C", QUESTION)
    assert not pipe.server.getpeercert()
    pipe.server.verify_client_post_handshake()
    pipe.say("S", b"who are you?")
    pipe.say("C", b"this is me")
    assert bool(pipe.server.getpeercert()) == has
    pipe.say("S", ANSWER)
    pipe.bye()
    said = {"client": QUESTION + b"this is me", "server": b"who are you?" + ANSWER}
    handshake = read_whole(pipe.recording, said=said)
    assert handshake.client_authenticated == has
    answer = ["Certificate", "CertificateVerify", "Finished"] if has else ["Certificate", "Finished"]
    said_by_client = [name.removeprefix("Compressed") for name in names_of(handshake, "client")]  # OpenSSL 3.5 does
    assert said_by_client == ["ClientHello", "Finished", *answer]
    assert handshake.messages[0].field.find("extensions.post_handshake_auth")


def test_a_client_that_is_asked_after_its_keys_were_updated_proves_itself_with_the_new_ones(tmp_path: Path) -> None:
    (tmp_path / "clients.pem").write_bytes(CLIENTS.certificate_pem)
    certificate, key = files_of(alice(), tmp_path / "alice")
    trust = ("-CAfile", tmp_path / "clients.pem")
    with OpenSSL(tmp_path, *trust, credential=issued("ecdsa-p256"), rev=False) as peers:
        with peers.client(*V13, "-enable_pha", "-cert", certificate, "-key", key) as client:
            peers.exchange(client, "hello")
            client.tell("K")
            client.expect("KEYUPDATE")
            peers.exchange(client, "with new keys")
            peers.server.tell("c")
            peers.exchange(client, "who are you?")
            client.tell("Q")
            client.end()
        recording = peers.tap.wait_for(1)[-1]
    handshake = read_whole(recording)
    assert handshake.client_authenticated
    assert "CertificateRequest" in names_of(handshake, "server")
    assert names_of(handshake, "client")[2:] == ["KeyUpdate", "Certificate", "CertificateVerify", "Finished"]


# ---- what a server adds


@pytest.mark.parametrize("version", [V12, V13], ids=["1.2", "1.3"])
def test_a_stapled_ocsp_response_is_a_tree_of_its_own(version: tuple[str], tmp_path: Path) -> None:
    credential = issued("ecdsa-p256")
    staple = ocsp_response(credential, tmp_path / "ocsp.der")
    with OpenSSL(tmp_path, "-status_file", staple, credential=credential) as peers:
        recording, printed = peers.call(*version, "-status")
    assert "OCSP Response Status: successful" in printed
    handshake = read_whole(recording)
    where = HandshakeType.certificate_status if version == V12 else HandshakeType.certificate
    response = next(m for m in handshake.messages if m.type == where).field.find("response")
    assert response is not None
    assert response.raw[3:] == staple.read_bytes()
    assert len(list(response.walk())) > 20


# ---- refusals: who, with which alert, after what


def test_a_client_refuses_a_root_it_does_not_know(tmp_path: Path) -> None:
    for version, after in (("1.2", "ServerHelloDone"), ("1.3", "Finished")):
        client, server = contexts(issued("ecdsa-p256"), tmp_path)
        stranger = ssl.create_default_context(cadata=CLIENTS.certificate_pem.decode())
        stranger.keylog_filename = client.keylog_filename
        stranger.maximum_version = ssl.TLSVersion.TLSv1_2 if version == "1.2" else ssl.TLSVersion.TLSv1_3
        pipe = Pipe(stranger, server)
        with pytest.raises(ssl.SSLError):
            pipe.shake()
        handshake = read_whole(pipe.recording)
        assert handshake.version == f"TLS {version}"
        assert handshake.outcome == f"refused by the client: unknown_ca, after the server's {after}"


def test_without_a_common_version_the_server_refuses(tmp_path: Path) -> None:
    client, server = contexts(issued("ecdsa-p256"), tmp_path)
    client.maximum_version, server.minimum_version = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
    pipe = Pipe(client, server)
    with pytest.raises(ssl.SSLError):
        pipe.shake()
    handshake = read_whole(pipe.recording)
    assert (handshake.version, handshake.cipher_suite, handshake.group) == (None, None, None)
    assert handshake.server_name == "localhost"
    assert handshake.outcome == "refused by the server: protocol_version, after the client's ClientHello"


def test_without_a_common_cipher_suite_the_server_refuses(tmp_path: Path) -> None:
    client, server = contexts(issued("ecdsa-p256"), tmp_path)
    old(client, "ECDHE-ECDSA-AES128-GCM-SHA256")
    old(server, "ECDHE-ECDSA-AES256-GCM-SHA384")
    pipe = Pipe(client, server)
    with pytest.raises(ssl.SSLError):
        pipe.shake()
    handshake = read_whole(pipe.recording)
    assert handshake.version is None
    assert handshake.outcome == "refused by the server: handshake_failure, after the client's ClientHello"


def test_without_a_common_group_the_server_refuses(tmp_path: Path) -> None:
    with OpenSSL(tmp_path, "-groups", "P-384", credential=issued("ecdsa-p256")) as peers:
        recording, printed = peers.refused(*V13, "-groups", "X25519")
    assert "alert handshake failure" in printed
    handshake = read_whole(recording)
    assert handshake.outcome == "refused by the server: handshake_failure, after the client's ClientHello"


def test_without_a_common_protocol_the_server_refuses(tmp_path: Path) -> None:
    with OpenSSL(tmp_path, "-alpn", "h2", credential=issued("ecdsa-p256")) as peers:
        recording, printed = peers.refused(*V13, "-alpn", "http/1.1")
    assert "alert no application protocol" in printed
    handshake = read_whole(recording)
    assert handshake.outcome == "refused by the server: no_application_protocol, after the client's ClientHello"


@pytest.mark.parametrize(
    ("version", "alert"), [("1.2", "handshake_failure"), ("1.3", "certificate_required")], ids=["1.2", "1.3"]
)
def test_a_server_that_wants_a_certificate_refuses_without_one(version: str, alert: str, tmp_path: Path) -> None:
    client, server = contexts(issued("ecdsa-p256"), tmp_path)
    server.load_verify_locations(cadata=CLIENTS.certificate_pem.decode())
    server.verify_mode = ssl.CERT_REQUIRED
    if version == "1.2":
        old(client, "ECDHE+AESGCM")
    pipe = Pipe(client, server)
    with pytest.raises(ssl.SSLError):
        pipe.shake()
    handshake = read_whole(pipe.recording)
    assert handshake.outcome.startswith(f"refused by the server: {alert}, after the client's ")
    assert not handshake.client_authenticated


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_server_refuses_a_client_of_another_root(version: str, tmp_path: Path) -> None:
    client, server = contexts(issued("ecdsa-p256"), tmp_path)
    server.load_verify_locations(cadata=CLIENTS.certificate_pem.decode())
    server.verify_mode = ssl.CERT_REQUIRED
    other = Authority.root("nobody's root").issue("mallory@shop.example", usage="client")
    client.load_cert_chain(*files_of(other, tmp_path / "mallory"))
    if version == "1.2":
        old(client, "ECDHE+AESGCM")
    pipe = Pipe(client, server)
    with pytest.raises(ssl.SSLError):
        pipe.shake()
    handshake = read_whole(pipe.recording)
    assert handshake.outcome.startswith("refused by the server: unknown_ca, after the client's ")
    assert not handshake.client_authenticated  # though the signature is that of the certificate it has shown


def test_a_server_refuses_a_name_that_is_not_its_own(tmp_path: Path) -> None:
    client, server = contexts(issued("ecdsa-p256"), tmp_path)
    server.sni_callback = lambda *_: ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME  # type: ignore[assignment]
    pipe = Pipe(client, server, name="elsewhere.example")
    with pytest.raises(ssl.SSLError):
        pipe.shake()
    handshake = read_whole(pipe.recording)
    assert handshake.server_name == "elsewhere.example"
    assert handshake.outcome == "refused by the server: unrecognized_name, after the client's ClientHello"


def test_a_wrong_pre_shared_key_is_refused(tmp_path: Path) -> None:
    wrong = ("-psk", "00" * 16, "-psk_identity", "the class", "-ciphersuites", "TLS_AES_128_GCM_SHA256")
    with OpenSSL(tmp_path, *PSK) as peers:
        recording, _ = peers.refused(*V13, *wrong)
    handshake = read_whole(recording, unjudged=())
    assert handshake.outcome == "refused by the server: illegal_parameter, after the client's ClientHello"


def test_a_client_that_goes_away_is_the_end_of_the_reading(tmp_path: Path) -> None:
    client, server = contexts(issued("ecdsa-p256"), tmp_path)
    recording = talked(Pipe(client, server))
    flights = [list(recording.segments[:end]) for end in (1, 2)]
    outcomes = [
        read_whole(Recording.from_segments(flight, recording.keylog)).outcome
        for flight in flights
    ]  # fmt: skip
    assert outcomes == ["broken off after the client's ClientHello", "broken off after the server's Finished"]


# ---- Node with OpenSSL 3.5: the hybrid groups, ML-DSA, certificate compression


HELLO = b"hello from node"
NODES = {"client": HELLO, "server": HELLO}


@pytest.mark.parametrize(
    ("group", "sizes"),
    [("X25519MLKEM768", (1216, 1120)), ("SecP256r1MLKEM768", (1249, 1153)), ("SecP384r1MLKEM1024", (1665, 1665)),
     ("MLKEM768", (1184, 1088))],
)  # fmt: skip
def test_hybrid_key_shares_are_read_with_their_sizes(group: str, sizes: tuple[int, int], tmp_path: Path) -> None:
    recording, printed = between_nodes(issued("ecdsa-p256"), tmp_path, {"ecdhCurve": group}, {"ecdhCurve": group})
    assert 'speaks ["TLSv1.3"' in printed
    handshake = read_whole(recording, said=NODES)
    assert (handshake.version, handshake.group) == ("TLS 1.3", group)
    first, answer = (m for m in handshake.messages if m.name in ("ClientHello", "ServerHello"))
    sent = [first.field.find("client_shares.0.key_exchange.contents"), answer.field.find("server_share.key_exchange")]
    assert [len(field.raw) for field in sent if field] == [sizes[0], sizes[1] + 2]  # the second with its length


def test_node_takes_the_hybrid_group_by_itself(tmp_path: Path) -> None:
    handshake = read_whole(between_nodes(issued("ecdsa-p256"), tmp_path, {}, {})[0], said=NODES)
    assert handshake.group == "X25519MLKEM768"
    shares = handshake.messages[0].field.find("key_share.client_shares.contents")
    assert shares is not None
    sizes = {str(entry.children[0].value): len(entry.children[1].raw) - 2 for entry in shares.children}
    assert sizes == {"X25519MLKEM768": 1216, "x25519": 32}


def test_a_server_that_wants_a_hybrid_key_share_asks_for_it(tmp_path: Path) -> None:
    groups = "X25519:X25519MLKEM768"
    server = {"ecdhCurve": "X25519MLKEM768"}
    handshake = read_whole(between_nodes(issued("ecdsa-p256"), tmp_path, server, {"ecdhCurve": groups})[0], said=NODES)
    assert (handshake.hello_retry_request, handshake.group) == (True, "X25519MLKEM768")


@pytest.mark.parametrize("kind", ["ml-dsa-44", "ml-dsa-65", "ml-dsa-87"])
def test_signatures_with_ml_dsa_hold(kind: str, tmp_path: Path) -> None:
    handshake = read_whole(between_nodes(issued(kind), tmp_path, {}, {})[0], said=NODES)
    detail = next(check.detail for check in handshake.checks if check.name == "server CertificateVerify")
    assert detail.startswith(f"the {kind.replace('-', '', 1).replace('-', '')} signature")


@pytest.mark.parametrize("how", ["zlib", "brotli", "zstd"])
def test_a_compressed_certificate_is_unpacked_where_python_can(how: str, tmp_path: Path) -> None:
    option = {"certificateCompression": [how]}
    recording, _ = between_nodes(issued("ecdsa-p256"), tmp_path, option, option)
    unjudged = () if how == "zlib" else ("server CertificateVerify",)
    handshake = read_whole(recording, said=NODES, unjudged=unjudged)
    if "CompressedCertificate" not in names_of(handshake, "server"):
        pytest.skip(f"this Node does not compress certificates with {how}")
    message = next(m for m in handshake.messages if m.name == "CompressedCertificate")
    algorithm = message.field.find("algorithm")
    assert algorithm is not None
    assert str(algorithm.value) == how


# ---- the clients that learners have, against the server that remembers


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("name", ["requests", "curl", "node"])
def test_what_a_client_asks_of_the_server_is_read(name: str, version: str, tmp_path: Path) -> None:
    root = tmp_path / "root.pem"
    root.write_bytes(ROOT.certificate_pem)
    with HTTPSServer(issued("ecdsa-p256"), lambda request: f"you asked {request.path}", versions=(version,)) as server:
        if name == "requests":
            assert requests.get(f"{server.url}/it", verify=str(root), timeout=15).text == "you asked /it"
        elif name == "curl":
            answer = subprocess.run(
                [need("curl"), "-q", "-sS", "--max-time", "15", "--cacert", root, f"{server.url}/it"],
                capture_output=True, text=True, timeout=20, check=False, env=ENVIRONMENT,
            )  # fmt: skip
            assert answer.stdout == "you asked /it", answer.stderr
        else:
            printed = node_client(server.port, tmp_path, ALPNProtocols=["http/1.1"])
            assert "speaks" in printed
        recording = server.wait_for(1)[0]
    handshake = read_whole(recording)
    assert handshake.version == f"TLS {version}"
    assert (handshake.server_name, handshake.outcome) == ("localhost", "established")
    assert handshake.alpn == "http/1.1"
    if name == "node":
        assert data_of(handshake, "client") == HELLO
        assert handshake.group in ("x25519", "X25519MLKEM768")  # as this Python's OpenSSL can
    else:
        assert data_of(handshake, "client").startswith(b"GET /it HTTP/1.1\r\n")
        assert data_of(handshake, "server").endswith(b"you asked /it")
    times = [message.time for message in handshake.messages]
    assert None not in times
    assert times == sorted(times)  # type: ignore[type-var]
