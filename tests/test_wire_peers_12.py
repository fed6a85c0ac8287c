"""TLS 1.2 as real peers speak it: every cipher suite, key exchange and oddity that OpenSSL has, read whole."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from peers import (
    OP_NO_ENCRYPT_THEN_MAC,
    OP_NO_EXTENDED_MASTER_SECRET,
    PSK,
    SAID,
    V12,
    OpenSSL,
    Pipe,
    contexts,
    data_of,
    issued,
    names_of,
    old,
    read_whole,
    talked,
)

from tlsnotes import Recording
from tlsnotes.wire.key_schedule import key_block
from tlsnotes.wire.keylog import secrets_for
from tlsnotes.wire.registry import CipherSuite, HandshakeType

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


def test_a_renegotiation_after_a_resumption_is_another_handshake(tmp_path: Path) -> None:
    """What the second, full handshake says is not judged as part of the first, short one."""
    session = tmp_path / "session.pem"
    with OpenSSL(tmp_path, "-client_renegotiation", credential=issued("ecdsa-p256"), rev=False) as peers:
        for way in (("-sess_out", session), ("-sess_in", session)):
            with peers.client(*V12, *way) as client:
                peers.exchange(client, "hello")
                if "-sess_in" in way:
                    client.tell("R")
                    client.expect("RENEGOTIATING")
                    peers.exchange(client, "again")
                client.tell("Q")
                client.end()
        handshake = peers.tap.wait_for(2)[-1].dissect()
    assert handshake.resumed
    assert handshake.outcome == "established"
    assert {c.ok for c in handshake.checks if "record keys" not in c.name} == {True}
    assert [c.name for c in handshake.checks if c.name.endswith(" Finished")] == ["server Finished", "client Finished"]


@pytest.mark.parametrize("resumed", [False, True], ids=["full", "resumed"])
def test_who_receives_the_last_finished_may_refuse_it_until_it_speaks(resumed: bool, tmp_path: Path) -> None:
    """In TLS 1.2 that is the client; where a session is resumed, the server."""
    client, server = contexts(issued("ecdsa-p256"), tmp_path)
    old(client, "ECDHE-ECDSA-AES128-GCM-SHA256")
    pipe = Pipe(client, server)
    talked(pipe)
    pipe = Pipe(client, server, pipe.client.session if resumed else None)
    recording = pipe.shake().recording
    for refuser in "CS":
        refused = Recording.from_segments(
            [*recording.segments, (refuser, sealed_alert(recording, refuser))], recording.keylog
        )
        last = "S" if resumed else "C"
        after = f"after the {'client' if resumed else 'server'}'s Finished"
        expected = f"refused by the {'server' if resumed else 'client'}: decrypt_error, {after}"
        assert refused.dissect().outcome == (expected if refuser == last else "established")
    pipe.say(last, b"I have taken it")
    spoken = Recording.from_segments([*recording.segments, (last, sealed_alert(recording, last, 2))], recording.keylog)
    assert spoken.dissect().outcome == "established"


def sealed_alert(recording: Recording, side: str, sequence: int = 1) -> bytes:
    """A fatal decrypt_error under TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, as the record of this number."""
    hellos = [m.raw[6:38] for m in recording.dissect().messages if m.name in ("ClientHello", "ServerHello")]
    secret = secrets_for(recording.keylog, hellos[0])["CLIENT_RANDOM"]
    keys = key_block(SHA256(), secret, hellos[0], hellos[1], 40)
    key, salt = (keys[:16], keys[32:36]) if side == "C" else (keys[16:32], keys[36:40])
    number = sequence.to_bytes(8, "big")
    sealed = AESGCM(key).encrypt(salt + number, b"\2\x33", number + b"\x15\3\3\0\2")
    return b"\x15\3\3" + (8 + len(sealed)).to_bytes(2, "big") + number + sealed


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
