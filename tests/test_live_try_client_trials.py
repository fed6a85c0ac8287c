"""run_trials: mistakes times clients, side by side; what is not there is said and not run."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from needs import need
from peers import running_chromiums

from tlsnotes import TLSNotesError
from tlsnotes.live import trials
from tlsnotes.live.client_chromium import Chromium
from tlsnotes.live.client_chromium_pipe import DevTools
from tlsnotes.live.mistakes import MISTAKES, Mistake
from tlsnotes.live.mistakes_scenes import ordinary_root
from tlsnotes.live.outcome import Outcome
from tlsnotes.live.trials import CANNOT_BE_MADE, clients_of, mistakes_of, run_trials

FEW = ["self-signed", "expired-leaf", "root-sent-along"]


def test_each_mistake_comes_once_with_its_outcomes_in_the_order_of_the_clients() -> None:
    found = {trial.mistake.id: trial.outcomes for trial in run_trials(FEW, ["curl", "ssl"])}
    assert set(found) == set(FEW)
    assert all([outcome.client for outcome in outcomes] == ["curl", "ssl"] for outcomes in found.values())
    assert [outcome.ok for outcome in found["root-sent-along"]] == [True, True]
    assert found["self-signed"][1].code == 18


def test_mistakes_are_named_by_id_by_themselves_or_all_at_once() -> None:
    assert mistakes_of(["revoked", MISTAKES["revoked"]]) == (MISTAKES["revoked"],)
    assert mistakes_of("revoked") == mistakes_of(MISTAKES["revoked"]) == (MISTAKES["revoked"],)
    assert mistakes_of(MISTAKES) == tuple(MISTAKES.values())
    assert clients_of("ssl") == clients_of(["ssl", "ssl"]) == ("ssl",)


@pytest.mark.parametrize(("mistakes", "clients"), [("no-such", "ssl"), ([7], "ssl"), (FEW, "netscape")])
def test_what_is_not_there_is_said_before_anything_runs(mistakes: object, clients: str) -> None:
    with pytest.raises(TLSNotesError):
        run_trials(mistakes, clients)  # type: ignore[arg-type]  # wrong on purpose


def test_a_client_that_is_not_installed_is_looked_for_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    looked: list[str] = []
    really = trials.missing

    def counted(client: str) -> Outcome | None:
        looked.append(client)
        return really(client)

    monkeypatch.setattr(trials, "missing", counted)
    outcomes = [trial.outcomes for trial in run_trials(FEW, ["ssl", "curl"])]
    assert looked == ["ssl", "curl"]
    assert [of_curl.code for _, of_curl in outcomes] == ["not installed"] * 3
    assert all(of_ssl.ok is not None for of_ssl, _ in outcomes)


def test_a_mistake_that_this_machine_cannot_make_is_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Mistake, "unavailable", lambda _: "no OpenSSL makes it")
    (trial,) = run_trials("self-signed", "ssl")
    (outcome,) = trial.outcomes
    assert (outcome.ok, outcome.stage, outcome.code) == (None, "prepare", CANNOT_BE_MADE)
    assert outcome.message == "no OpenSSL makes it"


@pytest.mark.browser
def test_a_chromium_that_many_scenes_share_answers_each_as_its_own_would(monkeypatch: pytest.MonkeyPatch) -> None:
    need("chromium")
    started: list[str] = []
    really = Chromium.__enter__

    def counted(browser: Chromium) -> Chromium:
        started.append("one")
        return really(browser)

    monkeypatch.setattr(Chromium, "__enter__", counted)
    # What a page might leave for the next is asked for right after it: an intermediate, a session, an accepted name.
    order = sorted(MISTAKES, key=lambda one: (one not in ("root-sent-along", "hello-retry-request"), one))
    asked = [MISTAKES[one] for one in order if "chromium" in MISTAKES[one].expected]
    found = list(run_trials(asked, "chromium"))
    tried = [(trial.mistake, trial.outcomes[0]) for trial in found if trial.outcomes[0].ok is not None]
    assert len(found) == len(asked)
    assert len(started) < len(tried) / 2
    assert [(one.id, said) for one, said in tried if not one.agrees("chromium", said.code)] == []
    assert running_chromiums() == []


@pytest.mark.browser
def test_a_shared_chromium_that_is_gone_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    need("chromium")
    really = DevTools.call
    calls: list[str] = []

    def broken(
        tools: DevTools, deadline: float, method: str, session: str = "", **parameters: object
    ) -> dict[str, object]:
        calls.append(method)
        if calls.count("Page.navigate") == 1 and method == "Page.navigate":
            raise BrokenPipeError("it ended")
        return really(tools, deadline, method, session, **parameters)

    monkeypatch.setattr(DevTools, "call", broken)
    found = {trial.mistake.id: trial.outcomes[0].code for trial in run_trials(FEW, "chromium")}
    assert found == {"self-signed": "ERR_CERT_AUTHORITY_INVALID", "expired-leaf": "ERR_CERT_DATE_INVALID"} | {
        "root-sent-along": 0
    }
    assert running_chromiums() == []


@pytest.mark.browser
def test_leaving_early_leaves_no_browser_behind() -> None:
    need("chromium")
    running = run_trials(MISTAKES, ["ssl", "chromium"])
    next(iter(running))
    running.close()  # type: ignore[attr-defined]  # a generator, which is what `for` closes
    assert running_chromiums() == []


def test_scenes_of_a_run_share_a_root_unless_it_is_the_mistake() -> None:
    root = ordinary_root()
    with MISTAKES["expired-leaf"].serve(root) as one, MISTAKES["expired-root"].serve(root) as other:
        assert one.trust == (root.certificate,)
        assert other.trust != (root.certificate,)
        one.chain[0].verify_directly_issued_by(root.certificate)
    with MISTAKES["remade-root"].serve(root) as remade:  # the same name, another key
        assert remade.trust != (root.certificate,)


def test_leaving_early_leaves_no_thread_behind() -> None:
    running = run_trials(MISTAKES, "ssl")
    next(iter(running))
    running.close()  # type: ignore[attr-defined]  # a generator, which is what `for` closes
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("tlsnotes-trial")]
