"""No secret is in what anything says of itself, draws or raises; and the scanner that looks for them works."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from IPython.core.ultratb import VerboseTB
from shown_secrets import found_in
from spy import secret_numbers

from tlsnotes import (
    KEY_KINDS,
    Authority,
    Credential,
    HTTPSServer,
    Recording,
    TLSNotesError,
    chain_view,
    compare,
    explain,
    explore,
    generate_key,
    judge,
    load_key,
    save_key,
    try_client,
)  # fmt: skip
from tlsnotes.show.verdicts import verdict_table

ROOT = Authority.root("Root")
SITE = ROOT.issue("localhost")
CALLER = ROOT.issue("learner@example.com", usage="client")
KEYS = [number for one in (ROOT.credential, SITE, CALLER) for number in secret_numbers(one.key)]
PASSWORD = "correct horse battery staple"


# ---- the scanner itself


FORMS: dict[str, Callable[[bytes], str]] = {
    "hex": bytes.hex,
    "hex in capitals": lambda data: data.hex().upper(),
    "hex with colons": lambda data: data.hex(":"),
    "hex in lines": lambda data: "\n".join(f"    {data[at : at + 15].hex(':')}:" for at in range(0, len(data), 15)),
    "hex in HTML": lambda data: "".join(f"<span class='b'>{byte:02x}</span>\n" for byte in data),
    "decimal": lambda data: f"d = {int.from_bytes(data, 'big')}",
    "a Python integer": lambda data: hex(int.from_bytes(data, "big")),
    "base64": lambda data: base64.b64encode(data).decode(),
    "base64 for URLs": lambda data: base64.urlsafe_b64encode(b"ab" + data).decode(),
    "base64 within something": lambda data: base64.b64encode(b"abcd" + data + b"efg").decode(),
    "base64 in lines": lambda data: base64.encodebytes(bytes(50) + data).decode(),
    "bytes": lambda data: repr({"key": data}),
    "JSON": lambda data: json.dumps({"pem": base64.encodebytes(data).decode()}),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["ecdsa-p256", "ecdsa-p521", "ed25519", "rsa-2048", "ml-dsa-65"])
def test_the_scanner_finds_a_key_in_every_form(form: str, kind: str) -> None:
    for number in secret_numbers(generate_key(kind)):
        assert found_in(f"It is {FORMS[form](number)}.", [number])
        assert not found_in(f"It is {FORMS[form](bytes(reversed(number)))}.", [number])


@pytest.mark.parametrize("kind", KEY_KINDS)
def test_the_scanner_finds_a_key_in_its_files(kind: str) -> None:
    key = generate_key(kind)
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    assert found_in(pem, [])
    assert all(found_in(pem.replace("PRIVATE", ""), [number]) for number in secret_numbers(key))
    assert all(found_in(der.hex(), [number]) for number in secret_numbers(key))


# ---- what things say of themselves


@pytest.fixture(scope="module")
def recording() -> Recording:
    with HTTPSServer(SITE, client_ca=ROOT) as server:
        assert try_client("requests", server.url, ROOT, credential=CALLER).ok
        (found,) = server.wait_for(1)
    return found


def traffic(recording: Recording) -> list[bytes]:
    secrets = [bytes.fromhex(line.split()[2]) for line in recording.keylog.splitlines()]
    assert len(secrets) == 5
    return secrets


def html_of(shown: object) -> str:
    return str(getattr(shown, "_repr_html_", lambda: "")())


def test_no_object_shows_a_key_or_a_traffic_secret(recording: Recording) -> None:
    handshake = recording.dissect()
    verdict = judge(SITE, trust=ROOT, name="localhost")
    server = HTTPSServer(SITE, client_ca=ROOT)
    things = [
        ROOT, SITE, CALLER, SITE.key, ROOT.crl(), recording, handshake, server, verdict, verdict.question,
        *handshake.messages, *handshake.records, *handshake.checks, *verdict.checks,
        *recording.segments,
        try_client("ssl", "https://localhost:1", ROOT, credential=CALLER),
        verdict_table(verdict), explain(SITE), explain(SITE.certificate), explain(handshake.messages[0]),
    ]  # fmt: skip
    said = "\n".join(f"{thing!r}\n{thing}\n{html_of(thing)}" for thing in things)
    assert found_in(said, KEYS + traffic(recording)) == []


def test_no_widget_is_sent_a_key_or_a_traffic_secret_that_nobody_asked_for(recording: Recording) -> None:
    sent = [
        explore(recording), explore(SITE), explore(SITE.certificate), explore(ROOT.crl()),
        compare(recording, recording), chain_view(judge(SITE, trust=ROOT, name="localhost")),
    ]  # fmt: skip
    secrets = KEYS + traffic(recording)
    for widget in sent:
        states = {id(one): one.get_state() for one in _all_of(widget)}
        assert states
        assert found_in(str(list(states.values())), secrets) == [], widget


def _all_of(widget: object) -> list[object]:
    """A widget and what is in it."""
    inner = [widget, *getattr(widget, "children", ()), *(getattr(widget, "__dict__", {}).values())]
    return [one for one in inner if hasattr(one, "get_state")]


def test_the_key_schedule_shows_secrets_only_when_asked_and_says_so(recording: Recording) -> None:
    quiet, asked = (json.dumps(explore(recording, secrets=secrets).payload) for secrets in (False, True))
    assert found_in(quiet, traffic(recording)) == []
    assert found_in(asked, traffic(recording)) != []
    assert found_in(asked, KEYS) == []
    script = (files("tlsnotes.show") / "assets" / "explorer.js").read_text("utf-8")
    assert "not shown" in script
    assert "explore(recording, secrets=True)" in script


def test_a_saved_recording_says_in_its_first_line_that_it_holds_keys(recording: Recording, tmp_path: Path) -> None:
    first = recording.save(tmp_path / "one.json").read_text("utf-8").splitlines()[0]
    assert "holds the keys" in first


# ---- what is raised


def failing(folder: Path) -> dict[str, Callable[[], object]]:
    """Calls that fail while they have a key, a password or a key log in their hands."""
    key = folder / "key.pem"
    save_key(SITE.key, key)
    locked = folder / "locked.pem"
    save_key(SITE.key, locked, PASSWORD)
    cut = folder / "cut.pem"
    cut.write_bytes(key.read_bytes()[:-60])
    return {
        "another's key": lambda: Credential(SITE.certificate, CALLER.key),
        "no app": lambda: HTTPSServer(SITE, app=3),  # type: ignore[arg-type]
        "no port": lambda: HTTPSServer(SITE, port=-1).start(),
        "a wrong password": lambda: load_key(locked, PASSWORD[:-1]),
        "a password too many": lambda: load_key(key, PASSWORD),
        "a cut file": lambda: load_key(cut),
        "a folder that is none": lambda: SITE.save(key / "below"),
        "a key as a certificate": lambda: judge(key.read_bytes(), trust=ROOT),
        "a key that is explored": lambda: explore(SITE.key),
        "a recording that is none": lambda: Recording.load(key),
    }


def test_no_traceback_holds_a_key_or_a_password_even_with_every_variable_shown(tmp_path: Path) -> None:
    for name, call in failing(tmp_path).items():
        try:
            call()
        except TLSNotesError as error:
            own = str(error)
            shown = "\n".join(VerboseTB("nocolor").structured_traceback(*sys.exc_info()))
        else:
            pytest.fail(f"{name} did not fail")
        assert "TLSNotesError" in shown
        # What the learner hands over in clear, a variable of theirs, stands in such a traceback: the words are ours.
        assert found_in(own if name == "a key as a certificate" else own + shown, KEYS) == [], name
        assert PASSWORD not in own, name


def test_a_key_of_every_kind_is_known_to_the_scanner_by_its_numbers() -> None:
    assert [len(secret_numbers(generate_key(kind))) for kind in ("ecdsa-p384", "ed448", "rsa-2048")] == [1, 1, 3]
    assert secret_numbers(ec.derive_private_key(5, ec.SECP256R1())) == [bytes(31) + b"\5"]
