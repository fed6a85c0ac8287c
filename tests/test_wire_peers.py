"""What real peers say to each other, read whole: every cipher suite and way of shaking hands that OpenSSL speaks.

What a peer says of its connection must be what our reading says, and `read_whole` (peers.py) holds for each of them:
every record opens, every byte is in a field, and every check that can be made is made and holds.
"""

from __future__ import annotations

import secrets
import ssl
import subprocess
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa
from needs import need
from peers import (
    ANSWER,
    CLIENTS,
    EARLY,
    ENVIRONMENT,
    OP_NO_ENCRYPT_THEN_MAC,
    OP_NO_EXTENDED_MASTER_SECRET,
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
from tlsnotes.wire.registry import CipherSuite, ContentType, HandshakeType

# ---- TLS 1.2: every cipher suite


GROUP = """-----BEGIN DH PARAMETERS-----
MIIBCAKCAQEA//////////+t+FRYortKmq/cViAnPTzx2LnFg84tNpWp4TZBFGQz
+8yTnc4kmz75fS/jY2MMddj2gbICrsRhetPfHtXV/WVhJDP1H18GbtCFY2VVPe0a
87VXE15/V8k1mE8McODmi3fipona8+/och3xWKE2rec1MKzKT0g6eXq8CrGCsyT7
YdEIqUuyyOP7uWrat2DX9GgdT0Kj3jlN9K5W7edjcrsZCwenyO4KbXCeAvzhzffi
7MA0BM0oNC9hkXL+nOmFg/+OTxIy7vKBg8P+OxtMb61zO7X8vC7CIAXFjvGDfRaD
ssbzSibBsu/6iGtCOGEoXJf//////////wIBAg==
-----END DH PARAMETERS-----
"""  # ffdhe2048 of RFC 7919

AEADS = ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")
CCMS = ("AES128-CCM", "AES256-CCM", "AES128-CCM8", "AES256-CCM8")
BLOCKS = ("AES128-SHA", "AES256-SHA", "AES128-SHA256")
SUITES = [
    *(f"{kx}-{cipher}" for kx in ("ECDHE-ECDSA", "ECDHE-RSA", "DHE-RSA") for cipher in AEADS),
    *(f"{kx}-{cipher}" for kx in ("ECDHE-ECDSA", "DHE-RSA") for cipher in CCMS),
    "AES128-GCM-SHA256", "AES256-GCM-SHA384", *CCMS, "NULL-SHA256", "NULL-SHA", "NULL-MD5",
    "ECDHE-ECDSA-NULL-SHA", "ECDHE-RSA-NULL-SHA", "AECDH-NULL-SHA", "ADH-AES128-GCM-SHA256", "ADH-AES256-GCM-SHA384",
]  # fmt: skip
CBC_SUITES = [
    *(f"{kx}-{cipher}" for kx in ("ECDHE-ECDSA", "ECDHE-RSA") for cipher in (*BLOCKS, "AES256-SHA384")),
    *(f"{kx}{cipher}" for kx in ("DHE-RSA-", "ADH-", "") for cipher in (*BLOCKS, "AES256-SHA256")),
    *(f"{kx}-CAMELLIA{cipher}" for kx in ("ECDHE-ECDSA", "ECDHE-RSA") for cipher in ("128-SHA256", "256-SHA384")),
    *(f"{kx}CAMELLIA{cipher}" for kx in ("DHE-RSA-", "ADH-", "") for cipher in ("128-SHA", "256-SHA256")),
    "AECDH-AES128-SHA",
]  # fmt: skip


def by_suite(suite: str, folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    client, server = contexts(issued("ecdsa-p256" if "ECDSA" in suite else "rsa-2048"), folder)
    for context in (client, server):
        old(context, suite)
    if "DH" in suite and "ECDH" not in suite:
        (folder / "group.pem").write_text(GROUP)
        server.load_dh_params(str(folder / "group.pem"))
    if suite.startswith(("ADH", "AECDH")):  # nobody says who the server is
        client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    return client, server


def name_of(suite: str, context: ssl.SSLContext) -> str:
    """OpenSSL's name of a cipher suite in IANA's words."""
    number = next(cipher["id"] for cipher in context.get_ciphers() if cipher["name"] == suite)
    return CipherSuite(number & 0xFFFF).name


def reads_tls12(suite: str, pipe: Pipe, context: ssl.SSLContext) -> None:
    handshake = read_whole(talked(pipe), said=SAID)
    assert pipe.client.cipher()[0] == suite  # type: ignore[index]
    assert (handshake.version, handshake.cipher_suite) == ("TLS 1.2", name_of(suite, context))
    assert (handshake.outcome, handshake.server_name) == ("established", "localhost")
    assert not any([handshake.resumed, handshake.client_authenticated, handshake.hello_retry_request, handshake.alpn])
    assert handshake.group == ("x25519" if "ECDH" in suite else None)
    signed = "DHE" in suite
    assert [c.ok for c in handshake.checks if c.name == "server ServerKeyExchange signature"] == [True] * signed
    assert names_of(handshake, "client") == ["ClientHello", "ClientKeyExchange", "Finished"]


@pytest.mark.parametrize("suite", SUITES)
def test_every_cipher_suite_of_tls12_is_read(suite: str, tmp_path: Path) -> None:
    client, server = by_suite(suite, tmp_path)
    reads_tls12(suite, Pipe(client, server), server)


@pytest.mark.parametrize("etm", [True, False], ids=["encrypt-then-MAC", "MAC-then-encrypt"])
@pytest.mark.parametrize("suite", CBC_SUITES)
def test_every_block_cipher_is_read_with_either_order_of_mac_and_encryption(
    suite: str, etm: bool, tmp_path: Path
) -> None:
    client, server = by_suite(suite, tmp_path)
    if not etm:
        server.options |= OP_NO_ENCRYPT_THEN_MAC
    pipe = Pipe(client, server)
    reads_tls12(suite, pipe, server)
    hello = next(m for m in pipe.recording.dissect().messages if m.type == HandshakeType.server_hello)
    assert bool(hello.field.find("extensions.encrypt_then_mac")) == etm


def test_a_cipher_that_is_not_opened_here_is_named_and_nothing_is_claimed(tmp_path: Path) -> None:
    client, server = by_suite("ECDHE-ARIA128-GCM-SHA256", tmp_path)
    handshake = talked(Pipe(client, server)).dissect()
    assert handshake.cipher_suite == "TLS_ECDHE_RSA_WITH_ARIA_128_GCM_SHA256"
    assert len(handshake.notes) == 2
    assert all(note.endswith("records under ARIA_128_GCM are not opened here") for note in handshake.notes)
    assert {r.plaintext for r in handshake.records if r.encrypted} == {None}
    assert {c.name: c.ok for c in handshake.checks} == {
        "downgrade sentinel": True, "server ServerKeyExchange signature": True, "client Finished": None,
        "server Finished": None, "transcript hash": None, "client record keys from CLIENT_RANDOM": None,
        "server record keys from CLIENT_RANDOM": None,
    }  # fmt: skip


# ---- TLS 1.2 in other ways


@pytest.mark.parametrize("ems", [True, False], ids=["extended master secret", "plain master secret"])
@pytest.mark.parametrize("tickets", [True, False], ids=["ticket", "session id"])
def test_a_session_of_tls12_is_resumed(tickets: bool, ems: bool, tmp_path: Path) -> None:
    client, server = contexts(issued("ecdsa-p256"), tmp_path)
    old(client, "ECDHE+AESGCM")
    if not ems:
        client.options |= OP_NO_EXTENDED_MASTER_SECRET
    if not tickets:
        server.options |= ssl.OP_NO_TICKET
    first = Pipe(client, server)
    full = read_whole(talked(first), said=SAID)
    second = Pipe(client, server, first.client.session)
    short = read_whole(talked(second), said=SAID)
    assert second.client.session_reused
    assert (full.resumed, short.resumed) == (False, True)
    assert (full.group, short.group) == ("x25519", None)
    assert names_of(short, "client") == ["ClientHello", "Finished"]
    for handshake in (full, short):
        server_hello = next(m for m in handshake.messages if m.type == HandshakeType.server_hello)
        assert bool(server_hello.field.find("extensions.extended_master_secret")) == ems
        assert [c.name for c in handshake.checks if c.name.endswith(" Finished")] == (
            ["server Finished", "client Finished"] if handshake.resumed else ["client Finished", "server Finished"]
        )
    assert ("NewSessionTicket" in names_of(full, "server")) == tickets


def test_a_resumed_session_may_get_a_new_ticket(tmp_path: Path) -> None:
    """Without the server's key for its ticket there is a full handshake, though a ticket was sent."""
    client, server = contexts(issued("ecdsa-p256"), tmp_path)
    old(client, "ECDHE+AESGCM")
    first = Pipe(client, server)
    talked(first)
    other = contexts(issued("ecdsa-p256"), tmp_path)[1]
    second = Pipe(client, other, first.client.session)
    handshake = read_whole(talked(second), said=SAID)
    assert not second.client.session_reused
    assert not handshake.resumed
    sent = next(m for m in handshake.messages if m.name == "ClientHello").field.find("session_ticket.ticket")
    assert sent is not None
    assert len(sent.raw) > 100


PSK_SUITES = [
    ("PSK-AES128-GCM-SHA256", "TLS_PSK_WITH_AES_128_GCM_SHA256", None),
    ("PSK-AES128-CCM8", "TLS_PSK_WITH_AES_128_CCM_8", None),
    ("PSK-NULL-SHA256", "TLS_PSK_WITH_NULL_SHA256", None),
    ("DHE-PSK-AES256-GCM-SHA384", "TLS_DHE_PSK_WITH_AES_256_GCM_SHA384", None),
    ("DHE-PSK-AES128-CCM8", "TLS_PSK_DHE_WITH_AES_128_CCM_8", None),  # IANA has its name the other way round
    ("ECDHE-PSK-CHACHA20-POLY1305", "TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256", "x25519"),
    ("ECDHE-PSK-AES128-CBC-SHA256", "TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA256", "x25519"),
    ("RSA-PSK-AES256-GCM-SHA384", "TLS_RSA_PSK_WITH_AES_256_GCM_SHA384", None),
    ("RSA-PSK-AES128-CBC-SHA256", "TLS_RSA_PSK_WITH_AES_128_CBC_SHA256", None),
]


@pytest.mark.parametrize("hint", [(), ("-psk_hint", "which class?")], ids=["no hint", "hint"])
@pytest.mark.parametrize(("suite", "name", "group"), PSK_SUITES, ids=[suite for suite, _, _ in PSK_SUITES])
def test_a_pre_shared_key_of_tls12_is_named_in_the_key_exchange(
    suite: str, name: str, group: str | None, hint: tuple[str, ...], tmp_path: Path
) -> None:
    credential = issued("rsa-2048") if suite.startswith("RSA") else None
    weak = ("-cipher", f"{suite}:@SECLEVEL=0")
    with OpenSSL(tmp_path, *PSK, *hint, *weak, credential=credential) as peers:
        recording, printed = peers.call(*V12, *PSK, *weak)
    handshake = read_whole(recording, said={"client": b"hello\n", "server": b"olleh\n"})
    assert f"Cipher is {suite}" in printed
    assert (handshake.version, handshake.cipher_suite, handshake.group) == ("TLS 1.2", name, group)
    exchange = next(m for m in handshake.messages if m.type == HandshakeType.client_key_exchange)
    identity = exchange.field.find("psk_identity")
    assert identity is not None
    assert identity.value == b"the class"
    exchanges = [m for m in handshake.messages if m.type == HandshakeType.server_key_exchange]
    if hint:
        found = exchanges[0].field.find("psk_identity_hint")
        assert found is not None
        assert found.value == b"which class?"


def test_a_renegotiation_is_noted_and_ends_the_reading_there(tmp_path: Path) -> None:
    with OpenSSL(tmp_path, "-client_renegotiation", credential=issued("ecdsa-p256"), rev=False) as peers:
        with peers.client(*V12) as client:
            peers.exchange(client, "hello")
            client.tell("R")
            client.expect("RENEGOTIATING")
            peers.exchange(client, "again")
            client.tell("Q")
            client.end()
        handshake = peers.tap.wait_for(1)[-1].dissect()
    assert handshake.outcome == "established"
    assert {c.ok for c in handshake.checks if "record keys" not in c.name} == {True}
    assert (data_of(handshake, "client"), data_of(handshake, "server")) == (b"hello\n", b"olleh\n")
    assert names_of(handshake, "client").count("ClientHello") == 2  # the second is encrypted under the first keys
    assert len(handshake.notes) == 2
    assert all("renegotiation" in note for note in handshake.notes)


def test_the_next_protocol_negotiation_of_old_is_kept_as_bytes(tmp_path: Path) -> None:
    with OpenSSL(tmp_path, "-nextprotoneg", "http/1.1", credential=issued("ecdsa-p256")) as peers:
        recording, printed = peers.call(*V12, "-nextprotoneg", "http/1.1")
    if "Next protocol: (1) http/1.1" not in printed:
        pytest.skip("this OpenSSL has no next protocol negotiation")
    handshake = read_whole(recording)
    unknown = [m for m in handshake.messages if m.type == 67]
    assert len(unknown) == 1
    assert b"http/1.1" in unknown[0].raw
    assert unknown[0].encrypted


# ---- TLS 1.3: every cipher suite, every kind of key


@pytest.mark.parametrize(
    "suite",
    ["AES_128_GCM_SHA256", "AES_256_GCM_SHA384", "CHACHA20_POLY1305_SHA256", "AES_128_CCM_SHA256",
     "AES_128_CCM_8_SHA256"],
)  # fmt: skip
def test_every_cipher_suite_of_tls13_is_read(suite: str, tmp_path: Path) -> None:
    chosen = ("-ciphersuites", f"TLS_{suite}", "-cipher", "DEFAULT:@SECLEVEL=0", "-groups", "X25519")
    with OpenSSL(tmp_path, *chosen, "-alpn", "h2,http/1.1", credential=issued("ecdsa-p256")) as peers:
        recording, printed = peers.call(*V13, *chosen, "-alpn", "http/1.1", lines=("hello", "x" * 1000))
    handshake = read_whole(recording, said={"client": b"hello\n" + b"x" * 1000 + b"\n"})
    assert f"New, TLSv1.3, Cipher is TLS_{suite}" in printed
    assert (handshake.version, handshake.cipher_suite, handshake.group) == ("TLS 1.3", f"TLS_{suite}", "x25519")
    assert (handshake.alpn, handshake.server_name) == ("http/1.1", "localhost")
    assert "ALPN protocol: http/1.1" in printed
    assert not any([handshake.resumed, handshake.client_authenticated, handshake.hello_retry_request])
    assert handshake.outcome == "established"


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("kind", ["rsa-2048", "ecdsa-p256", "ecdsa-p384", "ecdsa-p521", "ed25519", "ed448"])
def test_signatures_with_every_kind_of_key_hold(kind: str, version: str, tmp_path: Path) -> None:
    client, server = contexts(issued(kind), tmp_path)
    if version == "1.2":
        old(client, "ECDHE+AESGCM")
    pipe = Pipe(client, server)
    handshake = read_whole(talked(pipe), said=SAID)
    claim = "server CertificateVerify" if version == "1.3" else "server ServerKeyExchange signature"
    detail = next(check.detail for check in handshake.checks if check.name == claim)
    # In TLS 1.2 the curve is not part of the scheme, and this server takes the client's first hash with any curve.
    scheme = SCHEMES["ecdsa-p256"] if version == "1.2" and kind.startswith("ecdsa") else SCHEMES[kind]
    assert detail.startswith("the " + scheme)
    assert handshake.version == pipe.client.version().replace("v", " ")  # type: ignore[union-attr]


SCHEMES = {
    "rsa-2048": "rsa_pss_rsae_sha256", "ecdsa-p256": "ecdsa_secp256r1_sha256", "ecdsa-p384": "ecdsa_secp384r1_sha384",
    "ecdsa-p521": "ecdsa_secp521r1_sha512", "ed25519": "ed25519", "ed448": "ed448",
}  # fmt: skip


@pytest.mark.parametrize(
    ("sigalgs", "kind", "version", "scheme"),
    [
        ("RSA+SHA1", "rsa-2048", V12, "rsa_pkcs1_sha1"),
        ("RSA+SHA256", "rsa-2048", V12, "rsa_pkcs1_sha256"),
        ("RSA+SHA384", "rsa-2048", V12, "rsa_pkcs1_sha384"),
        ("RSA+SHA512", "rsa-2048", V12, "rsa_pkcs1_sha512"),
        ("RSA+SHA224", "rsa-2048", V12, ""),
        ("rsa_pss_rsae_sha384", "rsa-2048", V12, "rsa_pss_rsae_sha384"),
        ("rsa_pss_rsae_sha512", "rsa-2048", V13, "rsa_pss_rsae_sha512"),
        ("ECDSA+SHA1", "ecdsa-p256", V12, "ecdsa_sha1"),
        ("ECDSA+SHA384", "ecdsa-p256", V12, "ecdsa_secp384r1_sha384"),  # in TLS 1.2 with any curve
        ("ECDSA+SHA512", "ecdsa-p384", V12, "ecdsa_secp521r1_sha512"),
        ("ECDSA+SHA224", "ecdsa-p384", V12, ""),
    ],
)
def test_signatures_with_every_hash_hold(
    sigalgs: str, kind: str, version: tuple[str], scheme: str, tmp_path: Path
) -> None:
    weak = ("-sigalgs", sigalgs, "-cipher", "DEFAULT:@SECLEVEL=0")
    with OpenSSL(tmp_path, *weak, credential=issued(kind)) as peers:
        recording, _ = peers.call(*version, *weak)
    handshake = read_whole(recording)
    claim = "server CertificateVerify" if version == V13 else "server ServerKeyExchange signature"
    detail = next(check.detail for check in handshake.checks if check.name == claim)
    assert detail.startswith("the " + scheme)


@pytest.mark.parametrize("version", [V12, V13], ids=["1.2", "1.3"])
def test_a_certificate_for_rsa_pss_alone_is_read(version: tuple[str], tmp_path: Path) -> None:
    paths = tmp_path / "pss.pem", tmp_path / "pss.key"
    subprocess.run(
        [need("openssl"), "req", "-x509", "-newkey", "rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048", "-nodes",
         "-subj", "/CN=localhost", "-out", paths[0], "-keyout", paths[1]],
        check=True, capture_output=True, timeout=20,
    )  # fmt: skip
    with OpenSSL(tmp_path, credential=paths) as peers:
        recording, _ = peers.call(*version)
    handshake = read_whole(recording)
    claim = "server CertificateVerify" if version == V13 else "server ServerKeyExchange signature"
    assert "rsa_pss_pss_sha256" in next(check.detail for check in handshake.checks if check.name == claim)


def test_a_signature_with_dsa_of_old_holds(tmp_path: Path) -> None:
    key = dsa.generate_private_key(1024)
    paths = tmp_path / "dsa.pem", tmp_path / "dsa.key"
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    start = ROOT.certificate.not_valid_before_utc
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, start, ROOT.certificate.not_valid_after_utc)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    weak = ("-cipher", "DHE-DSS-AES128-GCM-SHA256:@SECLEVEL=0", "-sigalgs", "DSA+SHA256")
    with OpenSSL(tmp_path, *weak, credential=paths) as peers:
        recording, _ = peers.call(*V12, *weak)
    handshake = read_whole(recording)
    assert handshake.cipher_suite == "TLS_DHE_DSS_WITH_AES_128_GCM_SHA256"
    assert [c.ok for c in handshake.checks if c.name == "server ServerKeyExchange signature"] == [True]


GROUPS = {
    "X25519": "x25519", "P-256": "secp256r1", "P-384": "secp384r1", "P-521": "secp521r1", "X448": "x448",
    "ffdhe2048": "ffdhe2048", "ffdhe3072": "ffdhe3072", "brainpoolP256r1": "brainpoolP256r1",
}  # fmt: skip


# TLS 1.3 has no brainpool here, and in TLS 1.2 OpenSSL does not negotiate finite field groups by name.
VERSIONS_OF = {"ffdhe2048": [V13], "ffdhe3072": [V13], "brainpoolP256r1": [V12]}


@pytest.mark.parametrize(
    ("group", "version"), [(group, version) for group in GROUPS for version in VERSIONS_OF.get(group, [V12, V13])]
)
def test_every_group_is_named(group: str, version: tuple[str], tmp_path: Path) -> None:
    with OpenSSL(tmp_path, "-groups", group, credential=issued("rsa-2048")) as peers:
        recording, _ = peers.call(*version, "-groups", group)
    assert read_whole(recording).group == GROUPS[group]


# ---- TLS 1.3 in other ways


@pytest.mark.parametrize(
    ("server", "asked"), [(("-groups", "P-256"), "secp256r1"), (("-groups", "X448:P-384"), "secp384r1")]
)
def test_a_server_that_wants_another_key_share_gets_it(server: tuple[str], asked: str, tmp_path: Path) -> None:
    with OpenSSL(tmp_path, *server, credential=issued("ecdsa-p256")) as peers:
        recording, _ = peers.call(*V13, "-groups", "X25519:P-256:P-384")
    handshake = read_whole(recording, said={"client": b"hello\n"})
    assert (handshake.hello_retry_request, handshake.group) == (True, asked)
    assert names_of(handshake, "client") == ["ClientHello", "ClientHello", "Finished"]
    assert names_of(handshake, "server")[:2] == ["HelloRetryRequest", "ServerHello"]
    assert next(c.detail for c in handshake.checks if c.name == "hello retry").startswith(
        f"asked for a key share for {asked}"
    )


@pytest.mark.parametrize("without", [(), ("-no_middlebox",)], ids=["middlebox compatible", "plain"])
def test_change_cipher_spec_is_for_middleboxes_only(without: tuple[str, ...], tmp_path: Path) -> None:
    with OpenSSL(tmp_path, *without, "-groups", "P-256", credential=issued("ecdsa-p256")) as peers:
        recording, _ = peers.call(*V13, *without, "-groups", "X25519:P-256")
    handshake = read_whole(recording)
    changes = [m.sender for m in handshake.messages if m.content_type == ContentType.change_cipher_spec]
    assert sorted(changes) == ([] if without else ["client", "server"])


def test_keys_are_updated_by_either_side_whoever_asks(tmp_path: Path) -> None:
    with OpenSSL(tmp_path, credential=issued("ecdsa-p256"), rev=False) as peers:
        with peers.client(*V13) as client:
            peers.exchange(client, "hello")
            for command in "Kk":  # K: and you, too
                client.tell(command)
                client.expect("KEYUPDATE")
                peers.server.tell(command)  # read before what the client says next, which comes later
                peers.exchange(client, f"after {command}")
            client.tell("Q")
            client.end()
        recording = peers.tap.wait_for(1)[-1]
    said = {"client": b"hello\nafter K\nafter k\n", "server": b"olleh\nK retfa\nk retfa\n"}
    handshake = read_whole(recording, said=said)
    for sender in ("client", "server"):
        asked = [m.field.find("request_update") for m in handshake.messages if m.sender == sender and m.type == 24]
        assert {str(field.value) for field in asked if field} == {"update_requested", "update_not_requested"}


def test_padding_of_records_is_taken_off(tmp_path: Path) -> None:
    padded = ("-record_padding", "512")
    with OpenSSL(tmp_path, *padded, credential=issued("ecdsa-p256")) as peers:
        recording, _ = peers.call(*V13, *padded)
    handshake = read_whole(recording, said={"client": b"hello\n", "server": b"olleh\n"})
    for record in handshake.records:
        if record.encrypted:
            assert (len(record.fragment) - 16) % 512 == 0
            assert record.plaintext is not None
            assert len(record.plaintext) < len(record.fragment) - 17


@pytest.mark.parametrize("version", [V12, V13], ids=["1.2", "1.3"])
@pytest.mark.parametrize(
    "how", [("-max_send_frag", "512"), ("-maxfraglen", "512"), ("-split_send_frag", "600")], ids=lambda how: how[0]
)
def test_messages_that_fill_many_records_are_put_together(
    how: tuple[str, str], version: tuple[str], tmp_path: Path
) -> None:
    deep = ROOT.intermediate("below", path_length=1).intermediate("further below").issue("localhost", key="rsa-2048")
    line = "x" * 5000
    with OpenSSL(tmp_path, *(how if how[0] != "-maxfraglen" else ()), credential=deep) as peers:
        recording, _ = peers.call(*version, *how, lines=(line,))
    handshake = read_whole(recording, said={"client": line.encode() + b"\n"})
    certificate = next(m for m in handshake.messages if m.type == HandshakeType.certificate)
    assert len(certificate.raw) > 1024
    if how[0] != "-split_send_frag":  # that one splits nothing unless there are pipelines
        assert len(certificate.records) > 2
        assert max(len(record.plaintext or b"") for record in handshake.records) == 512


def test_how_the_bytes_are_cut_into_segments_makes_no_difference(tmp_path: Path) -> None:
    client, server = contexts(issued("ecdsa-p256"), tmp_path)
    recording = talked(Pipe(client, server))
    whole = read_whole(recording, said=SAID)
    for size in (1, 7, 1000):
        cut = Recording.from_segments(
            [(who, data[at : at + size]) for who, data, _ in recording.segments for at in range(0, len(data), size)],
            recording.keylog,
        )
        again = read_whole(cut, said=SAID)
        assert [(m.sender, m.raw) for m in again.messages] == [(m.sender, m.raw) for m in whole.messages]
        assert again.checks == whole.checks


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
    assert names_of(handshake, "client") == ["ClientHello", "Finished", *answer]
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


# ---- keys that are missing, wrong or cut


def mutual(folder: Path, version: str, ciphers: str = "") -> Recording:
    """Both prove themselves, in TLS 1.3 the client once more after the handshake, and its keys are updated."""
    client, server = contexts(issued("ecdsa-p256"), folder)
    server.load_verify_locations(cadata=CLIENTS.certificate_pem.decode())
    server.verify_mode = ssl.CERT_OPTIONAL
    client.load_cert_chain(*files_of(alice(), folder / "alice"))
    if version == "1.2":
        old(client, ciphers)
        old(server, ciphers)
        return talked(Pipe(client, server))
    pipe = Pipe(client, server).shake()
    pipe.say("C", QUESTION)
    pipe.say("S", ANSWER)
    pipe.bye()
    return pipe.recording


def updated(folder: Path) -> Recording:
    with OpenSSL(folder, "-groups", "P-256", credential=issued("ecdsa-p256"), rev=False) as peers:
        with peers.client(*V13, "-groups", "X25519:P-256") as client:
            peers.exchange(client, "hello")
            client.tell("K")
            client.expect("KEYUPDATE")
            peers.exchange(client, "with other keys")
            client.tell("Q")
            client.end()
        return peers.tap.wait_for(1)[-1]


def asked_later(folder: Path) -> Recording:
    client, server = contexts(issued("ecdsa-p256"), folder)
    client.post_handshake_auth = server.post_handshake_auth = True
    server.load_verify_locations(cadata=CLIENTS.certificate_pem.decode())
    server.verify_mode = ssl.CERT_REQUIRED
    client.load_cert_chain(*files_of(alice(), folder / "alice"))
    pipe = Pipe(client, server).shake()
    pipe.server.verify_client_post_handshake()
    pipe.say("S", b"who are you?")
    pipe.say("C", b"me")
    return pipe.recording


MADE = {
    "TLS 1.3 mutual": lambda folder: mutual(folder, "1.3"),
    "TLS 1.3 hello retry, key updates": updated,
    "TLS 1.3 early data": lambda folder: with_early_data(folder)[0],
    "TLS 1.3 early data refused": lambda folder: with_early_data(folder, times=2)[0],
    "TLS 1.3 client asked later": asked_later,
    "TLS 1.2 GCM mutual": lambda folder: mutual(folder, "1.2", "ECDHE-ECDSA-AES128-GCM-SHA256"),
    "TLS 1.2 CBC mutual": lambda folder: mutual(folder, "1.2", "ECDHE-ECDSA-AES256-SHA384"),
}


@pytest.fixture(scope="module", params=MADE)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Recording:
    return MADE[request.param](tmp_path_factory.mktemp("made"))


def with_keys(recording: Recording, secrets: dict[str, str]) -> Recording:
    random = recording.keylog.split()[1]
    return Recording.from_segments(
        recording.segments, "".join(f"{label} {random} {secret}\n" for label, secret in secrets.items())
    )


def secrets_of(recording: Recording) -> dict[str, str]:
    return {label: secret for label, _, secret in (line.split() for line in recording.keylog.splitlines())}


def opened(recording: Recording) -> dict[tuple[str, int], bytes]:
    return {
        (record.sender, record.index): record.plaintext
        for record in recording.dissect().records
        if record.encrypted and record.plaintext is not None
    }


SPOILT = {
    "missing": lambda _: None,
    "random": lambda secret: secrets.token_hex(len(secret) // 2),
    "one bit wrong": lambda secret: f"{int(secret, 16) ^ 1:0{len(secret)}x}",
    "too short": lambda secret: secret[:-2],
    "too long": lambda secret: secret + "00",
}
# What a key log holds for others than the record layer, and what OpenSSL adds after each KeyUpdate.
UNUSED = {"EXPORTER_SECRET", "EARLY_EXPORTER_SECRET", "CLIENT_TRAFFIC_SECRET_N", "SERVER_TRAFFIC_SECRET_N"}


def needs(check: str, label: str) -> bool:
    """Whether a check cannot hold without a secret."""
    if label == "CLIENT_RANDOM":
        return check.endswith((" Finished", " keys from CLIENT_RANDOM")) or check == "transcript hash"
    if check.endswith(f" from {label}"):
        return True
    if label == "SERVER_HANDSHAKE_TRAFFIC_SECRET":
        return check.endswith(("CertificateVerify", "Finished")) or check == "transcript hash"
    # The client's Finished and CertificateVerify may be of the handshake or, where it is asked later, come after it.
    return label == "CLIENT_HANDSHAKE_TRAFFIC_SECRET" and check in ("client Finished", "transcript hash")


@pytest.mark.parametrize("how", SPOILT)
def test_without_a_good_secret_nothing_is_invented_and_the_rest_is_read(how: str, made: Recording) -> None:
    full, whole = made.dissect(), opened(made)
    assert full.notes == ()
    all_secrets = secrets_of(made)
    assert len(all_secrets) > (3 if full.version == "TLS 1.3" else 0)
    for label, secret in all_secrets.items():
        spoilt = SPOILT[how](secret)
        rest = {name: value for name, value in all_secrets.items() if name != label}
        recording = with_keys(made, rest if spoilt is None else rest | {label: spoilt})
        handshake, found = recording.dissect(), opened(recording)
        if label in UNUSED:
            assert (found, handshake.checks, handshake.notes) == (whole, full.checks, ())
            continue
        under_it = set(opened(with_keys(made, {label: secret})))
        assert under_it, label
        assert found == {place: plaintext for place, plaintext in whole.items() if place not in under_it}
        assert any(label in note for note in handshake.notes), handshake.notes
        true = {(message.sender, message.content_type, message.raw) for message in full.messages}
        assert {(message.sender, message.content_type, message.raw) for message in handshake.messages} <= true
        assert [c.name for c in handshake.checks if c.ok and needs(c.name, label)] == []
        assert {c.name for c in handshake.checks} <= {c.name for c in full.checks}
        for check in handshake.checks:
            assert check.ok is not False or " keys from " in check.name, check
            assert check.detail
        assert (handshake.version, handshake.cipher_suite) == (full.version, full.cipher_suite)


def test_each_secret_opens_its_own_records_and_all_of_them_everything(made: Recording) -> None:
    whole = opened(made)
    parts = [opened(with_keys(made, {label: secret})) for label, secret in secrets_of(made).items()]
    assert sum(len(part) for part in parts) == len(whole)
    together: dict[tuple[str, int], bytes] = {}
    for part in parts:
        together |= part
    assert together == whole


def test_without_any_key_every_record_is_closed_and_the_first_secrets_are_named(made: Recording) -> None:
    full = made.dissect()
    stranger = made.keylog.replace(made.keylog.split()[1], "ab" * 32)
    for keylog in ("", "# nothing\n", "nonsense\n", stranger):
        recording = Recording.from_segments(made.segments, keylog)
        handshake = recording.dissect()
        assert opened(recording) == {}
        assert not any(message.encrypted for message in handshake.messages)
        assert not any(" keys from " in check.name and check.ok for check in handshake.checks)
        assert not any(check.name.endswith("Finished") and check.ok for check in handshake.checks)
        for sender in ("client", "server"):
            label = "CLIENT_RANDOM" if full.version == "TLS 1.2" else f"{sender.upper()}_"
            assert [n for n in handshake.notes if f" of the {sender} (from record " in n and f" no {label}" in n]
        if keylog == "nonsense\n":
            assert any(note.startswith("line 1 of the key log") for note in handshake.notes)
        if keylog == stranger:
            assert any("no line for this connection" in note for note in handshake.notes)


@pytest.mark.parametrize("made", [name for name in MADE if name.startswith("TLS 1.3")], indirect=True)
def test_the_secrets_of_the_two_sides_are_not_taken_for_each_other(made: Recording) -> None:
    other = {"CLIENT": "SERVER", "SERVER": "CLIENT"}
    swapped = {
        other.get(side, side) + rest: secret
        for side, rest, secret in ((label[:6], label[6:], secret) for label, secret in secrets_of(made).items())
        if "EARLY" not in rest
    }
    recording = with_keys(made, swapped)
    assert opened(recording) == {}
    assert not any(check.ok and " keys from " in check.name for check in recording.dissect().checks)


def test_a_record_that_was_changed_is_never_read_as_what_was_said(made: Recording) -> None:
    """One bit at the end of each encrypted record in turn, in its tag, MAC or padding: that record stays closed."""
    whole, sides = opened(made), {"client": "C", "server": "S"}
    records = made.dissect().records
    for changed in records:
        if changed.encrypted:
            segments = [
                (sides[r.sender], r.raw if r is not changed else r.raw[:-1] + bytes([r.raw[-1] ^ 1])) for r in records
            ]
            recording = Recording.from_segments(segments, made.keylog)
            found, handshake = opened(recording), recording.dissect()
            assert (changed.sender, changed.index) not in found
            assert all(whole[place] == plaintext for place, plaintext in found.items())
            assert any(f" of the {changed.sender} (from record " in note for note in handshake.notes)
            assert any(check.ok is False for check in handshake.checks if check.name.startswith(changed.sender))
