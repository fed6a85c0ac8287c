"""TLS 1.3 as real peers speak it: every cipher suite, kind of key and oddity that OpenSSL has, read whole."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa
from needs import need
from peers import (
    ROOT,
    SAID,
    V12,
    V13,
    OpenSSL,
    Pipe,
    contexts,
    issued,
    names_of,
    old,
    read_whole,
    talked,
)

from tlsnotes import Recording
from tlsnotes.wire.registry import ContentType, HandshakeType

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
