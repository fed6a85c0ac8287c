"""Real connections read with keys that are missing, wrong or cut: nothing is invented, and the rest is read."""

from __future__ import annotations

import secrets
import ssl
from pathlib import Path

import pytest
from peers import (
    ANSWER,
    CLIENTS,
    QUESTION,
    V13,
    OpenSSL,
    Pipe,
    alice,
    contexts,
    files_of,
    issued,
    old,
    talked,
    with_early_data,
)

from tlsnotes import Recording

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
