"""Predictions and exercises: right answers are found right, wrong ones are answered in words, and nothing is lost."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from tlsnotes import Authority, HTTPSServer, TLSNotesError, exercise, predict, progress_table, self_signed
from tlsnotes.learn import progress
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


RIGHT: dict[str, Callable[[], object]] = {
    "00-longer-path": longer_path,
    "00-without-trust": without_trust,
    "00-for-wireshark": for_wireshark,
    "03-three-names": lambda: self_signed(["a.example", "b.example", "localhost"]),
    "03-password": with_password,
    "03-same-name": lambda: (Authority.root("Twice"), Authority.root("Twice")),
    "04-wrong-name": wrong_name,
    "04-expired": expired_server,
    "04-plain-http": plain_http,
    "07-optional": lambda: app,
    "07-wrong-role": lambda: refused_client("server"),
    "07-expired": lambda: refused_client("client", days=1, start=PAST),
}
WRONG: dict[str, tuple[Callable[[], object], str]] = {
    "00-longer-path": (short_path, "your path has 1"),
    "00-without-trust": (short_path, "established"),
    "00-for-wireshark": (lambda: "not-there.pcapng", "nothing is at not-there.pcapng"),
    "03-three-names": (lambda: self_signed(["localhost"]), "only those of the notebook"),
    "03-password": (without_password, "anybody can read it"),
    "03-same-name": (lambda: (ROOT, ROOT), "the same authority twice"),
    "04-wrong-name": (untrusted, "20 unable to get local issuer certificate"),
    "04-expired": (wrong_name, "62 Hostname mismatch"),
    "04-plain-http": (short_path, "established"),
    "07-optional": (lambda: lambda _request: {"hello": "all"}, "status 200"),
    "07-wrong-role": (short_path, "established"),
    "07-expired": (lambda: refused_client("server"), "unsuitable certificate purpose"),
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


def test_an_exercise_that_is_not_there_names_its_neighbours() -> None:
    with pytest.raises(TLSNotesError, match="03-password"):
        exercise("03-nothing")
    with pytest.raises(TLSNotesError):
        exercise(None)  # type: ignore[arg-type]


# ---- progress


def test_the_progress_of_the_course_is_a_table() -> None:
    assert "0 of 12 exercises done" in repr(progress_table())
    exercise("07-optional").check(app)
    assert "1 of 12 exercises done" in repr(progress_table())


def test_the_file_can_be_deleted_and_the_course_begins_anew(folder: Path) -> None:
    exercise("07-optional").check(app)
    (folder / progress.FILE).unlink()
    assert "0 of 12" in repr(progress_table())


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
