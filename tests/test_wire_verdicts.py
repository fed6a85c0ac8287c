"""What a handshake says of itself: how it ended, what was agreed, which claim is false, and what was not judged."""

from __future__ import annotations

import zlib

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from needs import vectors
from test_wire_reframed import Sender

from tlsnotes import Check, Handshake, Recording, generate_key, self_signed
from tlsnotes.wire.claims import answered_context
from tlsnotes.wire.handshake import dissect
from tlsnotes.wire.protection import suite_of
from tlsnotes.wire.registry import CipherSuite, SignatureScheme
from tlsnotes.wire.signatures import verify

RANDOM = bytes(range(32))


def record(content_type: int, fragment: bytes) -> bytes:
    return bytes([content_type, 3, 3]) + len(fragment).to_bytes(2, "big") + fragment


def message(handshake_type: int, body: bytes = b"") -> bytes:
    return record(22, bytes([handshake_type]) + len(body).to_bytes(3, "big") + body)


def vector(data: bytes, prefix: int) -> bytes:
    return len(data).to_bytes(prefix, "big") + data


def extension(number: int, data: bytes = b"") -> bytes:
    return number.to_bytes(2, "big") + vector(data, 2)


VERSIONS_12_AND_13 = extension(43, vector(b"\3\4\3\3", 1))
ONLY_13 = extension(43, vector(b"\3\4", 1))
CHOSEN_13 = extension(43, b"\3\4")
RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


def client_hello(*extensions: bytes, session_id: bytes = b"", suites: bytes = b"\x13\1\xc0\x2f") -> bytes:
    head = b"\3\3" + RANDOM + vector(session_id, 1) + vector(suites, 2) + b"\1\0"
    return message(1, head + (vector(b"".join(extensions), 2) if extensions else b""))


def server_hello(
    *extensions: bytes,
    random: bytes = RANDOM[::-1],
    session_id: bytes = b"",
    suite: bytes = b"\xc0\x2f",
    version: bytes = b"\3\3",
) -> bytes:
    head = version + random + vector(session_id, 1) + suite + b"\0"
    return message(2, head + (vector(b"".join(extensions), 2) if extensions else b""))


def alert(description: int, level: int = 2) -> bytes:
    return record(21, bytes([level, description]))


def check_of(read: Handshake, name: str) -> Check:
    [check] = [check for check in read.checks if check.name == name]
    return check


# ---- how it ended


@pytest.mark.parametrize(
    ("segments", "outcome"),
    [
        ([], "no handshake was seen"),
        ([("C", b"GET / HTTP/1.1\r\n\r\n")], "no handshake was seen"),
        ([("C", client_hello())], "broken off after the client's ClientHello"),
        ([("C", client_hello(ONLY_13)), ("S", alert(70))],
            "refused by the server: protocol_version, after the client's ClientHello"),
        ([("C", client_hello()), ("S", alert(40))],
            "refused by the server: handshake_failure, after the client's ClientHello"),
        ([("C", client_hello()), ("S", server_hello()), ("C", alert(47))],
            "refused by the client: illegal_parameter, after the server's ServerHello"),
        ([("C", client_hello()), ("S", server_hello()), ("C", alert(0, level=1))],
            "broken off after the server's ServerHello"),
        ([("C", client_hello()), ("S", alert(112, level=1) + server_hello())],
            "broken off after the server's ServerHello"),
        ([("C", client_hello()), ("S", alert(112, level=1)), ("S", alert(40))],
            "refused by the server: handshake_failure, after the client's ClientHello"),
        ([("S", alert(80))], "refused by the server: internal_error"),
        ([("C", client_hello()), ("S", record(21, b"\1\x70\2\x28"))],
            "refused by the server: handshake_failure, after the client's ClientHello"),
        ([("C", client_hello()), ("S", record(21, bytes(18)))],
            "unknown: the handshake goes on in records that could not be opened"),
        ([("C", client_hello()), ("S", alert(222))],
            "refused by the server: 0xde (unknown), after the client's ClientHello"),
        ([("C", client_hello(ONLY_13)), ("S", server_hello(CHOSEN_13, suite=b"\x13\1") + record(23, bytes(99)))],
            "unknown: the handshake goes on in records that could not be opened"),
        ([("C", client_hello(ONLY_13)), ("S", server_hello(CHOSEN_13, suite=b"\x13\1") + record(23, bytes(99))),
            ("C", alert(48))], "refused by the client: unknown_ca, after the server's ServerHello"),
    ],
)  # fmt: skip
def test_the_outcome_is_who_refused_with_which_alert_after_which_message(
    segments: list[tuple[str, bytes]], outcome: str
) -> None:
    assert dissect(segments).outcome == outcome


def test_nothing_is_agreed_where_nobody_answered() -> None:
    read = dissect([("C", client_hello(ONLY_13))])
    assert (read.version, read.cipher_suite, read.group, read.alpn) == (None, None, None, None)
    assert (read.resumed, read.client_authenticated, read.hello_retry_request) == (False, False, False)
    assert read.server_name is None
    assert read.checks == ()
    assert read.notes == ()


def test_what_is_agreed_is_what_the_server_has_chosen() -> None:
    alpn = extension(16, vector(vector(b"h2", 1), 2))
    name = extension(0, vector(b"\0" + vector(b"shop.example", 2), 2))
    read = dissect([("C", client_hello(name, VERSIONS_12_AND_13)), ("S", server_hello(alpn))])
    assert (read.version, read.cipher_suite) == ("TLS 1.2", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256")
    assert (read.server_name, read.alpn) == ("shop.example", "h2")
    read = dissect([("C", client_hello(ONLY_13)), ("S", server_hello(CHOSEN_13, suite=b"\x13\1"))])
    assert (read.version, read.cipher_suite) == ("TLS 1.3", "TLS_AES_128_GCM_SHA256")
    read = dissect([("C", client_hello()), ("S", server_hello(version=b"\3\1", suite=b"\xab\xcd"))])
    assert (read.version, read.cipher_suite) == ("TLS 1.0", "0xabcd (unknown)")


def test_a_hostile_server_name_is_shown_without_being_obeyed() -> None:
    name = extension(0, vector(b"\0" + vector(b"\xff\x1b[31m", 2), 2))
    assert dissect([("C", client_hello(name))]).server_name == "\\xff\\x1b[31m"


# ---- facts of the hellos


@pytest.mark.parametrize(
    ("offer", "tail", "ok"),
    [
        (VERSIONS_12_AND_13, b"DOWNGRD\1", False),
        (VERSIONS_12_AND_13, b"DOWNGRD\0", False),
        (VERSIONS_12_AND_13, b"DOWNGRD\2", True),
        (b"", b"DOWNGRD\1", True),
        (b"", bytes(8), True),
    ],
)
def test_the_downgrade_sentinel_warns_a_client_that_offered_more(offer: bytes, tail: bytes, ok: bool) -> None:
    offers = [offer] if offer else []
    read = dissect([("C", client_hello(*offers)), ("S", server_hello(random=bytes(24) + tail))])
    assert check_of(read, "downgrade sentinel").ok is ok


def test_the_sentinel_for_tls_1_1_warns_a_client_of_tls_1_2() -> None:
    read = dissect([("C", client_hello()), ("S", server_hello(random=bytes(24) + b"DOWNGRD\0", version=b"\3\2"))])
    check = check_of(read, "downgrade sentinel")
    assert check.ok is False
    assert "TLS 1.1" in check.detail


@pytest.mark.parametrize(("echo", "ok"), [(b"session", True), (b"", False), (b"sessioN", False)])
def test_the_session_id_must_come_back_in_tls_1_3(echo: bytes, ok: bool) -> None:
    answer = server_hello(CHOSEN_13, suite=b"\x13\1", session_id=echo)
    read = dissect([("C", client_hello(ONLY_13, session_id=b"session")), ("S", answer)])
    assert check_of(read, "session id echo").ok is ok


def test_the_session_id_is_no_claim_in_tls_1_2() -> None:
    read = dissect([("C", client_hello(session_id=b"old")), ("S", server_hello(session_id=b"new"))])
    assert not [check for check in read.checks if check.name == "session id echo"]


def shares(*groups: int) -> bytes:
    return extension(51, vector(b"".join(group.to_bytes(2, "big") + vector(b"x" * 32, 2) for group in groups), 2))


@pytest.mark.parametrize(
    ("second", "suite", "ok", "found"),
    [
        (shares(0x17), b"\x13\1", True, "got it"),
        (shares(0x1D), b"\x13\1", False, "no key share for the group asked for"),
        (shares(0x17, 0x1D), b"\x13\1", False, "no key share for the group asked for"),
        (shares(0x17), b"\x13\2", False, "another cipher suite"),
    ],
)
def test_the_second_client_hello_brings_what_the_retry_asked_for(
    second: bytes, suite: bytes, ok: bool, found: str
) -> None:
    retry = server_hello(CHOSEN_13, extension(51, b"\0\x17"), random=RETRY, suite=b"\x13\1")
    read = dissect([
        ("C", client_hello(ONLY_13, shares(0x1D))),
        ("S", retry),
        ("C", client_hello(ONLY_13, second)),
        ("S", server_hello(CHOSEN_13, shares(0x17)[:2] + vector(b"\0\x17" + vector(b"y" * 65, 2), 2), suite=suite)),
    ])  # fmt: skip
    check = check_of(read, "hello retry")
    assert check.ok is ok
    assert found in check.detail
    assert read.hello_retry_request
    assert read.group == "secp256r1"


def test_a_server_hello_with_another_group_than_the_retry_asked_for_is_wrong() -> None:
    retry = server_hello(CHOSEN_13, extension(51, b"\0\x17"), random=RETRY, suite=b"\x13\1")
    answer = server_hello(CHOSEN_13, extension(51, b"\0\x1d" + vector(b"y" * 32, 2)), suite=b"\x13\1")
    hellos = [("C", client_hello(ONLY_13, shares(0x1D))), ("S", retry), ("C", client_hello(ONLY_13, shares(0x17)))]
    check = check_of(dissect([*hellos, ("S", answer)]), "hello retry")
    assert check.ok is False
    assert "another group in the ServerHello" in check.detail


@pytest.mark.parametrize(
    ("hello", "found"),
    [
        ({"session_id": b"other"}, "another legacy_session_id in the second ClientHello"),
        ({"suites": b"\x13\2\x13\1"}, "another cipher_suites in the second ClientHello"),
    ],
)
def test_the_second_client_hello_changes_nothing_but_what_it_may(hello: dict[str, bytes], found: str) -> None:
    retry = server_hello(CHOSEN_13, extension(51, b"\0\x17"), random=RETRY, suite=b"\x13\1")
    answer = server_hello(CHOSEN_13, extension(51, b"\0\x17" + vector(b"y" * 65, 2)), suite=b"\x13\1")
    first = [("C", client_hello(ONLY_13, shares(0x1D))), ("S", retry)]
    again = check_of(dissect([*first, ("C", client_hello(ONLY_13, shares(0x17))), ("S", answer)]), "hello retry")
    assert again.ok, again
    for second in (client_hello(ONLY_13, shares(0x17), **hello), client_hello(ONLY_13, shares(0x17), extension(23))):
        check = check_of(dissect([*first, ("C", second), ("S", answer)]), "hello retry")
        assert check.ok is False
        assert found in check.detail or "another extended_master_secret" in check.detail
    twice = dissect([*first, first[1], ("C", client_hello(ONLY_13, shares(0x17))), ("S", answer)])
    assert "a second HelloRetryRequest" in check_of(twice, "hello retry").detail


def test_a_retry_without_a_second_hello_is_not_judged() -> None:
    retry = server_hello(CHOSEN_13, extension(51, b"\0\x17"), random=RETRY, suite=b"\x13\1")
    read = dissect([("C", client_hello(ONLY_13, shares(0x1D))), ("S", retry), ("C", alert(40))])
    assert check_of(read, "hello retry").ok is None
    assert read.outcome == "refused by the client: handshake_failure, after the server's HelloRetryRequest"


@pytest.mark.parametrize("suite", [b"\x13\7", b"\xc1\0", b"\xab\xcd"])
def test_what_is_not_recomputed_is_said_to_be_so(suite: bytes) -> None:
    read = dissect([("C", client_hello(ONLY_13)), ("S", server_hello(CHOSEN_13, suite=suite) + record(23, bytes(50)))])
    assert any(check.ok is None for check in read.checks)
    assert not [check for check in read.checks if "hash" in check.name and check.ok is not None]
    assert any("closed" in note or "not opened here" in note or "no SERVER_" in note for note in read.notes)


@pytest.mark.parametrize(
    "suite", ["TLS_RSA_WITH_NULL_SHA256", "TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_RSA_WITH_AES_128_GCM_SHA256"]
)
def test_a_cipher_suite_of_tls_1_2_opens_nothing_in_tls_1_3(suite: str) -> None:
    keylog = f"SERVER_HANDSHAKE_TRAFFIC_SECRET {RANDOM.hex()} {'00' * 32}\n"
    answer = server_hello(CHOSEN_13, suite=int(CipherSuite[suite]).to_bytes(2, "big")) + record(23, bytes(50))
    read = dissect([("C", client_hello(ONLY_13)), ("S", answer)], keylog)
    assert any("none of this version" in note for note in read.notes)
    assert read.records[-1].plaintext is None


@pytest.mark.parametrize("version", [0x0300, 0x0301, 0x0302, 0x0303, 0x0304, 0x1A1A])
def test_whatever_a_server_chooses_is_survived(version: int) -> None:
    secrets = {"CLIENT_RANDOM": 48, "SERVER_HANDSHAKE_TRAFFIC_SECRET": 32, "SERVER_TRAFFIC_SECRET_0": 48}
    keylog = "".join(f"{label} {RANDOM.hex()} {'00' * size}\n" for label, size in secrets.items())
    chosen = extension(43, version.to_bytes(2, "big"))
    for suite in CipherSuite:
        answer = server_hello(chosen, suite=int(suite).to_bytes(2, "big")) + record(20, b"\1")
        protected = record(22, bytes(64)) + record(23, bytes(80)) + record(21, b"\2\x28")
        read = dissect([("C", client_hello(VERSIONS_12_AND_13)), ("S", answer + protected)], keylog)
        assert read.cipher_suite == suite.name
        assert [r.plaintext for r in read.records if r.encrypted and r.plaintext is not None] == []


def test_a_cipher_suite_of_tls_1_3_opens_nothing_in_tls_1_2() -> None:
    wire = server_hello(suite=b"\x13\1") + record(20, b"\1") + record(22, bytes(50))
    read = dissect([("C", client_hello()), ("S", wire)], f"CLIENT_RANDOM {RANDOM.hex()} {'00' * 48}\n")
    assert any("none of this version" in note for note in read.notes)


def test_tls_1_1_is_read_but_not_decrypted() -> None:
    hellos = [("C", client_hello()), ("S", server_hello(version=b"\3\2", suite=b"\0\x2f") + message(14))]
    wire = [*hellos, ("C", message(16, bytes(9)) + record(20, b"\1") + record(22, bytes(40)))]
    read = dissect(wire, f"CLIENT_RANDOM {RANDOM.hex()} {'00' * 48}\n")
    assert [m.name for m in read.messages][-2:] == ["ClientKeyExchange", "ChangeCipherSpec"]
    assert any("TLS 1.1 is not decrypted here" in note for note in read.notes)


@pytest.mark.parametrize("lifetime", [604_800, 604_801])
def test_a_ticket_may_last_a_week(lifetime: int) -> None:
    ticket = message(4, lifetime.to_bytes(4, "big") + bytes(4) + b"\0" + vector(b"ticket", 2) + vector(b"", 2))
    read = dissect([("C", client_hello(ONLY_13)), ("S", server_hello(CHOSEN_13, suite=b"\x13\1") + ticket)])
    assert check_of(read, "ticket lifetime").ok is (lifetime == 604_800)


@pytest.mark.parametrize("raw", [True, False])
def test_a_server_may_show_a_raw_public_key_instead_of_a_certificate(raw: bool) -> None:
    """RFC 7250 in TLS 1.2, where all of this is in the clear."""
    credential = self_signed("localhost")
    key = credential.key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    params = b"\3\0\x1d" + vector(b"x" * 32, 1)
    signature = key.sign(RANDOM + RANDOM[::-1] + params, ec.ECDSA(hashes.SHA256()))
    certificate = (
        vector(spki(key), 3) if raw else vector(vector(credential.certificate.public_bytes(Encoding.DER), 3), 3)
    )
    asked = extension(20, vector(b"\2\0", 1))
    hello = server_hello(*([extension(20, b"\2")] if raw else []), suite=b"\xc0\x2b")
    flight = hello + message(11, certificate) + message(12, params + b"\4\3" + vector(signature, 2)) + message(14)
    read = dissect([("C", client_hello(asked, suites=b"\xc0\x2b")), ("S", flight)])
    assert check_of(read, "server ServerKeyExchange signature").ok is True
    assert read.notes == ()
    assert not [field for m in read.messages for field in m.field.walk() if field.problem]
    assert bool(read.messages[2].field.find("raw_public_key")) is raw


# ---- the key log


def test_a_key_log_without_a_line_for_this_connection_is_noted_with_the_random() -> None:
    keylog = f"SERVER_TRAFFIC_SECRET_0 {'ab' * 32} {'00' * 32}\n"
    read = dissect([("C", client_hello(ONLY_13))], keylog)
    assert read.notes == (f"the key log has no line for this connection, whose client random is {RANDOM.hex()}",)
    with_ech = client_hello(ONLY_13, extension(0xFE0D, b"\0\0\1\0\1\7" + vector(b"", 2) + vector(b"secret", 2)))
    assert any("inner ClientHello" in note for note in dissect([("C", with_ech)], keylog).notes)


def test_lines_that_are_no_secrets_are_noted() -> None:
    keylog = "# fine\n\nCLIENT_RANDOM 12 34\nnonsense\n"
    notes = dissect([("C", client_hello())], keylog).notes
    assert "line 3 and 1 more of the key log: not a label, a client random and a secret (RFC 9850)" in notes


@pytest.mark.parametrize("size", [31, 33])
def test_a_secret_of_the_wrong_size_is_noted_and_not_used(size: int) -> None:
    keylog = f"SERVER_HANDSHAKE_TRAFFIC_SECRET {RANDOM.hex()} {'00' * size}\n"
    wire = server_hello(CHOSEN_13, suite=b"\x13\1") + record(23, bytes(50))
    read = dissect([("C", client_hello(ONLY_13)), ("S", wire)], keylog)
    assert any(f"SERVER_HANDSHAKE_TRAFFIC_SECRET has {size} bytes, not 32" in note for note in read.notes)


# ---- cipher suites and signatures


@pytest.mark.parametrize(
    ("name", "exchange", "cipher", "mac", "hash_name", "readable"),
    [
        ("TLS_AES_128_CCM_8_SHA256", "", "AES_128_CCM_8", "sha256", "sha256", True),
        ("TLS_CHACHA20_POLY1305_SHA256", "", "CHACHA20_POLY1305", "sha256", "sha256", True),
        ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE", "AES_256_GCM", "sha384", "sha384", True),
        ("TLS_RSA_WITH_AES_128_CBC_SHA", "RSA", "AES_128_CBC", "sha1", "sha256", True),
        ("TLS_DHE_RSA_WITH_AES_256_CBC_SHA256", "DHE", "AES_256_CBC", "sha256", "sha256", True),
        ("TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8", "ECDHE", "AES_128_CCM_8", "sha256", "sha256", True),
        ("TLS_DHE_PSK_WITH_AES_128_GCM_SHA256", "DHE_PSK", "AES_128_GCM", "sha256", "sha256", True),
        ("TLS_PSK_DHE_WITH_AES_128_CCM_8", "DHE_PSK", "AES_128_CCM_8", "sha256", "sha256", True),
        ("TLS_ECDH_anon_WITH_AES_128_CBC_SHA", "ECDH_anon", "AES_128_CBC", "sha1", "sha256", True),
        ("TLS_RSA_WITH_NULL_SHA256", "RSA", "NULL", "sha256", "sha256", True),
        ("TLS_RSA_WITH_3DES_EDE_CBC_SHA", "RSA", "3DES_EDE_CBC", "sha1", "sha256", True),
        ("TLS_RSA_WITH_RC4_128_MD5", "RSA", "RC4_128", "md5", "sha256", False),
        ("TLS_ECDHE_RSA_WITH_ARIA_128_GCM_SHA256", "ECDHE", "ARIA_128_GCM", "sha256", "sha256", False),
    ],
)
def test_a_cipher_suite_says_what_it_is_made_of(
    name: str, exchange: str, cipher: str, mac: str, hash_name: str, readable: bool
) -> None:
    suite = suite_of(CipherSuite[name])
    assert suite is not None
    assert (suite.key_exchange, suite.cipher, suite.mac.name, suite.hash.name, suite.readable) == (
        exchange, cipher, mac, hash_name, readable,
    )  # fmt: skip


def test_every_registered_cipher_suite_is_taken_apart_or_says_too_little() -> None:
    vague = {suite.name for suite in CipherSuite if suite_of(suite) is None}
    assert {"TLS_EMPTY_RENEGOTIATION_INFO_SCSV", "TLS_FALLBACK_SCSV", "TLS_SM4_GCM_SM3"} <= vague
    assert len(vague) < 20
    assert suite_of(CipherSuite(0x1A1A)) is None


def spki(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def test_an_ecdsa_scheme_names_its_curve_in_tls_1_3_only() -> None:
    key = generate_key("ecdsa-p384")
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    signature = key.sign(b"said", ec.ECDSA(hashes.SHA256()))
    scheme = SignatureScheme.ecdsa_secp256r1_sha256
    assert verify(spki(key), scheme, signature, b"said", tls13=False) is True
    assert verify(spki(key), scheme, signature, b"said", tls13=True) is False
    assert verify(spki(key), scheme, signature, b"unsaid", tls13=False) is False


@pytest.mark.parametrize("number", [0x0201, 0x0301, 0x0401, 0x0501, 0x0601, 0x0420, 0x0804, 0x0806, 0x080A])
def test_rsa_signs_in_two_ways_with_any_hash(number: int) -> None:
    key = generate_key("rsa-2048")
    assert isinstance(key, rsa.RSAPrivateKey)
    bits = {2: hashes.SHA1(), 3: hashes.SHA224(), 4: hashes.SHA256(), 5: hashes.SHA384(), 6: hashes.SHA512()}
    algorithm = {0x0804: bits[4], 0x0806: bits[6], 0x080A: bits[5]}.get(number) or bits[number >> 8]
    pss = padding.PSS(padding.MGF1(algorithm), algorithm.digest_size)
    signature = key.sign(b"said", pss if number >> 8 == 8 else padding.PKCS1v15(), algorithm)
    assert verify(spki(key), SignatureScheme(number), signature, b"said", tls13=False) is True
    assert verify(spki(key), SignatureScheme(number), signature[::-1], b"said", tls13=False) is False


def test_a_hash_that_is_too_large_for_the_key_makes_no_signature() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    assert verify(spki(key), SignatureScheme.rsa_pss_rsae_sha512, bytes(128), b"said", tls13=True) is False


def test_application_data_in_the_clear_establishes_nothing() -> None:
    wire = [("C", client_hello() + record(23, b"x")), ("S", server_hello() + record(23, b"y"))]
    assert dissect(wire).outcome != "established"


def test_application_data_that_looks_like_a_hello_is_application_data() -> None:
    hello = client_hello()
    read = dissect([("C", hello), ("S", server_hello()), ("C", record(23, hello[5:]))])
    assert [m.field.type for m in read.messages if m.content_type == 23] == ["application_data"]


def test_a_refusal_is_one_however_the_directions_are_ordered() -> None:
    recording = Recording.load(vectors() / "handshakes" / "tls13-mtls-nocert.json")
    joined = [(side, b"".join(s.data for s in recording.segments if s.sender == side)) for side in "CS"]
    assert "certificate_required" in dissect(joined, recording.keylog).outcome


def test_a_finished_in_the_clear_is_none_in_tls_1_3() -> None:
    flight = server_hello(CHOSEN_13, suite=b"\x13\1") + message(8, b"\0\0") + message(20, bytes(32))
    keylog = f"SERVER_HANDSHAKE_TRAFFIC_SECRET {RANDOM.hex()} {'00' * 32}\n"
    read = dissect([("C", client_hello(ONLY_13)), ("S", flight), ("C", message(20, bytes(32)))], keylog)
    assert check_of(read, "server Finished").ok is False
    assert "in the clear" in check_of(read, "server Finished").detail
    assert read.outcome != "established"


def test_whether_a_server_took_the_client_is_unknown_where_its_answer_is_closed() -> None:
    recording = Recording.load(vectors() / "handshakes" / "tls13-mtls-nocert.json")
    keylog = "".join(f"{line}\n" for line in recording.keylog.splitlines() if "SERVER_TRAFFIC" not in line)
    read = dissect(recording.segments, keylog)
    assert read.outcome.startswith("unknown")
    assert not read.client_authenticated


def test_a_signature_of_another_kind_or_an_unknown_one_is_not_taken_for_good() -> None:
    key = generate_key("ecdsa-p256")
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert verify(spki(key), SignatureScheme.ed25519, bytes(64), b"", tls13=True) is False
    assert "not checked here" in str(verify(spki(key), SignatureScheme(0x0709), bytes(64), b"", tls13=True))
    assert "does not read" in str(verify(b"no key", SignatureScheme.ed25519, bytes(64), b"", tls13=True))


@pytest.mark.parametrize(
    ("scheme", "offered", "why"),
    [
        (SignatureScheme.rsa_pss_rsae_sha256, b"\x08\4\4\1", ""),
        (SignatureScheme.rsa_pss_rsae_sha256, b"\4\3", "has not offered this scheme"),
        (SignatureScheme.rsa_pkcs1_sha256, b"\x08\4\4\1", "PSS padding only"),
        (SignatureScheme.rsa_pkcs1_sha1, b"\2\1", "PSS padding only"),
        (SignatureScheme(0x0203), b"\2\3", "so weak a hash"),
    ],
)
def test_a_right_signature_counts_in_tls_1_3_only_where_its_scheme_may_be_used(
    scheme: SignatureScheme, offered: bytes, why: str
) -> None:
    suite = suite_of(CipherSuite.TLS_AES_128_GCM_SHA256)
    assert suite is not None
    sealed = Sender("server", suite, {"SERVER_HANDSHAKE_TRAFFIC_SECRET": bytes(32)})
    keylog = f"SERVER_HANDSHAKE_TRAFFIC_SECRET {RANDOM.hex()} {'00' * 32}\n"
    credential = self_signed("localhost", generate_key("rsa-2048" if "rsa" in scheme.name else "ecdsa-p256"))
    key = credential.key
    hello = client_hello(ONLY_13, extension(13, vector(offered, 2)))
    answer = server_hello(CHOSEN_13, suite=b"\x13\1")
    entry = vector(credential.certificate.public_bytes(Encoding.DER), 3) + b"\0\0"
    flight = [message(8, b"\0\0")[5:], message(11, b"\0" + vector(entry, 3))[5:]]
    digest = hashes.Hash(hashes.SHA256())
    for part in (hello[5:], answer[5:], *flight):
        digest.update(part)
    content = b" " * 64 + b"TLS 1.3, server CertificateVerify\0" + digest.finalize()
    if isinstance(key, rsa.RSAPrivateKey):
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
        sha1 = scheme == SignatureScheme.rsa_pkcs1_sha1
        way = pss if "pss" in scheme.name else padding.PKCS1v15()
        signature = key.sign(content, way, hashes.SHA1() if sha1 else hashes.SHA256())
    else:
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        signature = key.sign(content, ec.ECDSA(hashes.SHA1()))
    flight.append(message(15, scheme.to_bytes(2, "big") + vector(signature, 2))[5:])
    segments = [("C", hello), ("S", answer), *(sealed.seal(part, 22) for part in flight)]
    check = check_of(dissect(segments, keylog), "server CertificateVerify")
    assert check.ok is (not why)
    assert why in check.detail


def test_an_extension_that_stands_twice_is_noted() -> None:
    read = dissect([("C", client_hello(extension(23), ONLY_13, extension(23)))])
    assert len(read.notes) == 1
    assert "each once, found extended_master_secret again" in read.notes[0]


def test_a_recording_reads_itself() -> None:
    recording = Recording.from_segments([("C", client_hello(), 0.25), ("S", alert(40), 0.5)])
    read = recording.dissect()
    assert [m.time for m in read.messages] == [0.25, 0.5]
    assert repr(read) == (
        "<Handshake: refused by the server: handshake_failure, after the client's ClientHello, "
        "2 messages, 0 of 0 checks hold>"
    )
    assert repr(read.messages[1]) == "<Message: Alert of the server, 2 bytes>"


@pytest.mark.parametrize(("algorithm", "context"), [(1, b"ctx1"), (2, None)], ids=["zlib", "brotli"])
def test_the_context_of_a_compressed_certificate_is_found_where_it_can_be_opened(
    algorithm: int, context: bytes | None
) -> None:
    """OpenSSL 3.5 compresses what a client shows after the handshake: its request is known by the context inside."""
    inner = vector(b"ctx1", 1) + vector(b"", 3)
    body = algorithm.to_bytes(2, "big") + len(inner).to_bytes(3, "big") + vector(zlib.compress(inner), 3)
    (read,) = dissect([("C", message(25, body))]).messages
    assert answered_context(read) == context
