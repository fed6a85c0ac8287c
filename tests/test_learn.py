"""Predictions and exercises: right answers are found right, wrong ones are answered in words, and nothing is lost."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import re
import socket
import ssl
import stat
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from tlsnotes import (
    Authority,
    Credential,
    HTTPSServer,
    TLSNotesError,
    exercise,
    generate_key,
    predict,
    progress_table,
    save_key,
    self_signed,
    try_client,
)
from tlsnotes.learn import progress
from tlsnotes.learn.checks_08 import CASES
from tlsnotes.learn.exercises import all_exercises
from tlsnotes.learn.progress import Progress

QUESTION, OPTIONS = "What will the client say?", ("it accepts", "it refuses", "nothing at all")
ROOT = Authority.root("Class Root CA")
PAST = datetime.now(UTC) - timedelta(days=2)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of this test's own, in which the progress is kept."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(progress.VARIABLE, raising=False)
    (tmp_path / "root.pem").write_bytes(ROOT.certificate_pem)
    return tmp_path


def kept(folder: Path) -> dict[str, Any]:
    held = json.loads((folder / progress.FILE).read_text("utf-8"))
    assert isinstance(held, dict)
    return held


# ---- predictions


def test_a_prediction_is_remembered_and_compared_with_what_happened(folder: Path) -> None:
    prediction = predict(QUESTION, OPTIONS).choose("it refuses")
    assert kept(folder)["predicted"] == {QUESTION: "it refuses"}
    assert predict(QUESTION, OPTIONS).chosen == "it refuses"
    assert prediction.happened("it refuses").as_predicted is True
    assert "as you predicted" in repr(prediction.happened("it refuses"))
    surprise = repr(prediction.happened("it accepts"))
    assert "you predicted: it refuses" in surprise
    assert "what happened: it accepts" in surprise


def test_without_a_prediction_what_happened_is_told_all_the_same() -> None:
    outcome = predict(QUESTION, OPTIONS).happened("it accepts")
    assert outcome.as_predicted is None
    assert "what happened: it accepts" in repr(outcome)


def test_a_quiz_is_a_list_where_no_widget_lives() -> None:
    bundle = predict(QUESTION, ["<b>bold</b>", "plain"])._repr_mimebundle_()
    assert "&lt;b&gt;bold&lt;/b&gt;" in bundle["text/html"]
    assert "○ plain" in bundle["text/plain"]
    assert "predict before you run" in bundle["text/plain"]


def test_a_click_in_the_quiz_is_the_choice(folder: Path) -> None:
    prediction = predict(QUESTION, OPTIONS)
    radio = prediction._quiz().children[1]
    assert radio.value is None, "nothing is chosen for the learner"
    radio.value = "nothing at all"
    assert prediction.chosen == "nothing at all"
    assert kept(folder)["predicted"][QUESTION] == "nothing at all"


@pytest.mark.parametrize("options", [[], ["one"], ["same", "same"], "text", [1, 2], [str(n) for n in range(9)]])
def test_a_prediction_needs_something_to_choose_from(options: Any) -> None:
    with pytest.raises(TLSNotesError, match="choose from"):
        predict(QUESTION, options)


def test_only_an_option_can_be_chosen_or_happen() -> None:
    for act in (predict(QUESTION, OPTIONS).choose, predict(QUESTION, OPTIONS).happened):
        with pytest.raises(TLSNotesError):
            act("something else")


# ---- exercises, done for real


def client_error(server: HTTPSServer, **how: Any) -> Exception:
    with pytest.raises(requests.exceptions.RequestException) as refused:
        requests.get(server.url, timeout=10, **how)
    return refused.value


def longer_path() -> object:
    with HTTPSServer(ROOT.issue("localhost")) as server:
        requests.get(f"{server.url}/{'x' * 500}", verify="root.pem", timeout=10)
        return server.last


def short_path() -> object:
    with HTTPSServer(ROOT.issue("localhost")) as server:
        requests.get(server.url, verify="root.pem", timeout=10)
        return server.last


def without_trust() -> object:
    with HTTPSServer(ROOT.issue("localhost")) as server:
        client_error(server, verify=True)
        return server.last


def for_wireshark() -> object:
    recording = short_path()
    recording.to_pcapng("first.pcapng")  # type: ignore[attr-defined]
    return "first.pcapng"


def with_password() -> object:
    return self_signed(["a.example"]).save("locked", password="correct horse")


def without_password() -> object:
    return self_signed(["a.example"]).save("open")


def wrong_name() -> object:
    with HTTPSServer(ROOT.issue("payments.example")) as server:
        return client_error(server, verify="root.pem")


def untrusted() -> object:
    with HTTPSServer(ROOT.issue("localhost")) as server:
        return client_error(server, verify=True)


def expired_server() -> object:
    with HTTPSServer(ROOT.issue("localhost", days=1, start=PAST)) as server:
        return client_error(server, verify="root.pem")


def plain_http() -> object:
    with HTTPSServer(ROOT.issue("localhost")) as server:
        with pytest.raises(requests.exceptions.ConnectionError):
            requests.get(server.url.replace("https", "http"), timeout=10)
        return server.wait_for(1)[0]


def app(request: Any) -> object:
    if request.client:
        return {"hello": request.client.name}
    if request.path == "/public":
        return {"hello": "whoever you are"}
    return 401, {"error": "show a certificate"}


def refused_client(usage: str, **how: Any) -> object:
    credential = ROOT.issue("localhost") if usage == "server" else ROOT.issue("shop@example.com", usage=usage, **how)
    folder = credential.save("client")
    with HTTPSServer(ROOT.issue("localhost"), client_ca=ROOT) as server:
        client_error(server, verify="root.pem", cert=(folder / "fullchain.pem", folder / "key.pem"))
        return server.last


# ---- 01, 02


def luhn(number: str) -> bool:
    digits = [int(digit) for digit in reversed(number)]
    return (sum(digits[::2]) + sum(2 * d - 9 * (d > 4) for d in digits[1::2])) % 10 == 0


def cards(data: bytes) -> list[str]:
    return [found.decode() for found in re.findall(rb"\b\d{16}\b", data) if luhn(found.decode())]


def no_name() -> object:
    with HTTPSServer(ROOT.issue(ip_address("127.0.0.1"))) as server:
        requests.get(f"https://127.0.0.1:{server.port}", verify="root.pem", timeout=10)
        return server.last


def padded(request: Any) -> object:
    word = "yes" if request.path.startswith("/yes") else "no"
    return {"answer": word, "padding": "x" * (10 - len(word))}


def who_signed(order: bytes, signature: bytes, customers: Any) -> str | None:
    for name, key in customers.items():
        with contextlib.suppress(InvalidSignature):
            key.verify(signature, order)
            return str(name)
    return None


def pay_once(order: bytes, signature: bytes, key: Any, seen: set[int]) -> bool:
    try:
        key.verify(signature, order, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    number = json.loads(order)["order"]
    fresh = number not in seen
    seen.add(number)
    return fresh


def pay_and_use_up(order: bytes, signature: bytes, key: Any, seen: set[int]) -> bool:
    fresh = b'"order": 2' not in order or 2 not in seen
    if b'"order": 2' in order:
        seen.add(2)
    return fresh and pay_once(order, signature, key, seen)


def key_file(password: str | None) -> object:
    return save_key(generate_key(), "key.pem", password=password)


# ---- 05, 06


def long_chain() -> object:
    root = Authority.root("Long Root CA")
    upper = root.intermediate("Upper CA", path_length=1)
    return root, upper.intermediate("Lower CA").issue("shop.example")


def renew_on(certificate: Any) -> datetime:
    end: datetime = certificate.not_valid_after_utc
    return end - (end - certificate.not_valid_before_utc) / 3


def revoked(reason: str) -> object:
    authority = Authority.root("My Root CA")
    credential = authority.issue("localhost")
    authority.revoke(credential.certificate, reason)
    return authority, credential, authority.crl()


def whole_transcript(recording: Any) -> bytes:
    handshake = recording.dissect()
    spoken = [m for m in handshake.messages if m.content_type == 22 and m.name != "NewSessionTicket"]
    return hashlib.new("sha" + handshake.cipher_suite[-3:], b"".join(m.raw for m in spoken)).digest()


def client_finished(recording: Any) -> bytes:
    handshake = recording.dissect()
    spoken = [m for m in handshake.messages if m.content_type == 22 and m.name != "NewSessionTicket"]
    secrets = {name: bytes.fromhex(secret) for name, _, secret in map(str.split, recording.keylog.splitlines())}
    name = "sha" + handshake.cipher_suite[-3:]
    size = hashlib.new(name).digest_size
    info = size.to_bytes(2, "big") + bytes([14]) + b"tls13 finished" + b"\0"
    algorithm = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384()}[name]
    key = HKDFExpand(algorithm, size, info).derive(secrets["CLIENT_HANDSHAKE_TRAFFIC_SECRET"])
    return hmac.digest(key, hashlib.new(name, b"".join(m.raw for m in spoken[:-1])).digest(), name)


TAKEN: list[bytes] = []


def copied_finished(recording: Any) -> bytes:
    finished: list[bytes] = [m.raw[4:] for m in recording.dissect().messages if m.name == "Finished"]
    TAKEN.append(finished[-1] if len(finished) == 2 else TAKEN[-1])
    return TAKEN[-1]


def resumed(again: bool = True) -> object:
    context = ssl.create_default_context(cafile="root.pem")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    session = None
    with HTTPSServer(ROOT.issue("localhost")) as server:
        for _ in range(2):
            with (
                socket.create_connection(("127.0.0.1", server.port), timeout=10) as tcp,
                context.wrap_socket(tcp, server_hostname="localhost", session=session) as tls,
            ):
                tls.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                while tls.recv(4096):
                    pass
                session = tls.session if again else None
        return server.wait_for(2)[1]


# ---- 08, 09


def worth_retrying(error: Exception) -> bool:
    if isinstance(error, requests.exceptions.SSLError) or "ALERT" in str(error).upper():
        return False
    return isinstance(error, (requests.exceptions.ConnectionError, requests.exceptions.Timeout))


def mended(first_whole: bool) -> object:
    leaf = ROOT.intermediate("Issuing CA").issue("localhost")
    outcomes = []
    for credential in (leaf if first_whole else Credential(leaf.certificate, leaf.key), leaf):
        with HTTPSServer(credential) as server:
            outcomes.append(try_client("ssl", server.url, trust=ROOT))
    return tuple(outcomes)


def urllib_call() -> object:
    with HTTPSServer(ROOT.issue("localhost")) as server:
        context = ssl.create_default_context(cafile="root.pem")
        urllib.request.urlopen(server.url, context=context, timeout=10).read()  # noqa: S310  # our own server
        return server.last


def p12(usage: str, mode: int = 0o600) -> object:
    path = Path("alice.p12")
    path.write_bytes(ROOT.issue("alice@customers.example", usage=usage).pkcs12("a long one"))
    path.chmod(mode)
    return path, "a long one"


def collection(*paths: tuple[str, str]) -> object:
    event = {"listen": "test", "script": {"exec": ["pm.test('answered', () => true)"]}}
    items = [{"request": {"method": m, "url": "{{server}}" + path}, "event": [event]} for m, path in paths]
    schema = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
    path = Path("mine.json")
    path.write_text(json.dumps({"info": {"name": "mine", "schema": schema}, "item": items}))
    return path


RIGHT: dict[str, Callable[[], object]] = {
    "00-longer-path": longer_path,
    "00-without-trust": without_trust,
    "00-for-wireshark": for_wireshark,
    "01-thief": lambda: cards,
    "01-no-name": no_name,
    "01-same-size": lambda: padded,
    "02-who-signed": lambda: who_signed,
    "02-pay-once": lambda: pay_once,
    "02-safe-file": lambda: key_file("correct horse battery staple"),
    "03-three-names": lambda: self_signed(["a.example", "b.example", "localhost"]),
    "03-password": with_password,
    "03-same-name": lambda: (Authority.root("Twice"), Authority.root("Twice")),
    "04-wrong-name": wrong_name,
    "04-expired": expired_server,
    "04-plain-http": plain_http,
    "05-long-chain": long_chain,
    "05-renew": lambda: renew_on,
    "05-revoked": lambda: revoked("key_compromise"),
    "06-transcript": lambda: whole_transcript,
    "06-finished": lambda: client_finished,
    "06-resumed": resumed,
    "07-optional": lambda: app,
    "07-wrong-role": lambda: refused_client("server"),
    "07-expired": lambda: refused_client("client", days=1, start=PAST),
    "08-detective": lambda: CASES,
    "08-retry": lambda: worth_retrying,
    "08-mend": lambda: mended(first_whole=False),
    "09-other-client": urllib_call,
    "09-p12": lambda: p12("client"),
    "09-collection": lambda: collection(("GET", "/balance"), ("POST", "/pay")),
}
WRONG: dict[str, tuple[Callable[[], object], str]] = {
    "00-longer-path": (short_path, "your path has 1"),
    "00-without-trust": (short_path, "established"),
    "00-for-wireshark": (lambda: "not-there.pcapng", "nothing is at not-there.pcapng"),
    "01-thief": (lambda: lambda data: [n.decode() for n in re.findall(rb"\d{16}", data)], "1234567890123456"),
    "01-no-name": (short_path, "it says localhost"),
    "01-same-size": (lambda: lambda request: {"answer": request.path[1:]}, "bytes"),
    "02-who-signed": (lambda: lambda _order, _signature, customers: next(iter(customers)), "1 of 3 are right"),
    "02-pay-once": (lambda: pay_and_use_up, "the forged one has not used its number up"),
    "02-safe-file": (lambda: key_file("sunshine"), "'sunshine' opens it"),
    "03-three-names": (lambda: self_signed(["localhost"]), "only those of the notebook"),
    "03-password": (without_password, "anybody can read it"),
    "03-same-name": (lambda: (ROOT, ROOT), "the same authority twice"),
    "04-wrong-name": (untrusted, "20 unable to get local issuer certificate"),
    "04-expired": (wrong_name, "62 Hostname mismatch"),
    "04-plain-http": (short_path, "established"),
    "05-long-chain": (lambda: (ROOT, ROOT.issue("shop.example")), "there are 0"),
    "05-renew": (lambda: lambda certificate: certificate.not_valid_after_utc, "your moment is day 47.0"),
    "05-revoked": (lambda: revoked("superseded"), "superseded"),
    "06-transcript": (lambda: lambda recording: hashlib.sha384(recording.segments[0].data).digest(), "48 bytes"),
    "06-finished": (lambda: copied_finished, "computed from the secret, not copied"),
    "06-resumed": (lambda: resumed(again=False), "a full handshake"),
    "07-optional": (lambda: lambda _request: {"hello": "all"}, "status 200"),
    "07-wrong-role": (short_path, "established"),
    "07-expired": (lambda: refused_client("server"), "unsuitable certificate purpose"),
    "08-detective": (lambda: dict.fromkeys("ABC", "expired-leaf"), "Expired yesterday"),
    "08-retry": (lambda: lambda _error: True, "an expired certificate: stop"),
    "08-mend": (lambda: mended(first_whole=True), "first it is refused, with code 20"),
    "09-other-client": (short_path, "python-requests"),
    "09-p12": (lambda: p12("client", 0o644), "its mode is 644"),
    "09-collection": (lambda: collection(("GET", "/balance")), "POST {{server}}/pay"),
}


def test_every_exercise_is_tried_here() -> None:
    assert RIGHT.keys() == WRONG.keys() == all_exercises().keys()


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_answer_is_found_right_and_remembered(name: str, folder: Path) -> None:
    feedback = exercise(name).check(RIGHT[name]())
    assert feedback.ok, feedback
    assert "done, well made" in repr(feedback)
    assert kept(folder)["done"] == [name]
    assert "✓ done" in repr(exercise(name))


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_answer_is_told_what_is_still_missing(name: str, folder: Path) -> None:
    make, words = WRONG[name]
    feedback = exercise(name).check(make())
    assert not feedback.ok
    assert words in repr(feedback)
    assert not (folder / progress.FILE).exists()


@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.parametrize("answer", [None, 5, "", "text", object(), [], (1, 2), b"\xff", lambda: 1 / 0])
def test_any_answer_is_answered_in_words(name: str, answer: object) -> None:
    feedback = exercise(name).check(answer)
    assert not feedback.ok
    assert feedback.checks
    assert all(check.detail for check in feedback.checks if not check.ok)
    assert feedback._repr_html_()


def test_no_answer_yet_is_no_wrong_answer(folder: Path) -> None:
    feedback = exercise("00-longer-path").check(...)
    assert not feedback.ok
    assert "– later" in repr(feedback)
    assert "in place of ... above: server.last" in repr(feedback)
    assert not (folder / progress.FILE).exists()


@pytest.mark.parametrize("answer", [..., None, lambda _request: {"hello": "all"}])
def test_where_nbgrader_grades_a_wrong_answer_is_an_error(answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    with pytest.raises(TLSNotesError, match="07-optional is not done yet"):
        exercise("07-optional").check(answer)
    assert exercise("07-optional").check(app).ok


def test_an_exercise_that_is_not_there_names_its_neighbours() -> None:
    with pytest.raises(TLSNotesError, match="03-password"):
        exercise("03-nothing")
    with pytest.raises(TLSNotesError):
        exercise(None)  # type: ignore[arg-type]


# ---- progress


def test_the_progress_of_the_course_is_a_table() -> None:
    assert f"0 of {len(RIGHT)} exercises done" in repr(progress_table())
    exercise("07-optional").check(app)
    assert f"1 of {len(RIGHT)} exercises done" in repr(progress_table())


def test_the_file_can_be_deleted_and_the_course_begins_anew(folder: Path) -> None:
    exercise("07-optional").check(app)
    (folder / progress.FILE).unlink()
    assert f"0 of {len(RIGHT)}" in repr(progress_table())


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"done": 5, "predicted": {}}', '{"done": [], "predicted": {"a": 1}}', "[" * 9999]
)
def test_a_file_that_cannot_be_read_is_said_and_left_alone(folder: Path, text: str) -> None:
    path = folder / progress.FILE
    path.write_text(text)
    with pytest.raises(TLSNotesError, match="move"):
        progress_table()
    with pytest.raises(TLSNotesError):
        exercise("07-optional").check(app)
    assert path.read_text() == text


def test_progress_can_be_kept_elsewhere_or_nowhere(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(progress.VARIABLE, str(folder / "elsewhere.json"))
    progress.save(Progress(["07-optional"]))
    assert (folder / "elsewhere.json").exists()
    monkeypatch.setenv(progress.VARIABLE, "")
    progress.save(Progress(["07-optional"]))
    assert progress.load().done == []
    assert not (folder / progress.FILE).exists()


def test_a_file_that_cannot_be_written_is_said_and_nothing_is_half_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(progress.VARIABLE, str(folder / "no" / "folder.json"))
    with pytest.raises(TLSNotesError, match="cannot be written"):
        progress.save(Progress())
    assert stat.S_ISDIR(folder.stat().st_mode)
    assert [path.name for path in folder.iterdir()] == ["root.pem"]
