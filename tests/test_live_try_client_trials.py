"""run_trials: mistakes times clients, side by side; what is not there is said and not run."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tlsnotes import TLSNotesError
from tlsnotes.live import trials
from tlsnotes.live.mistakes import MISTAKES, Mistake
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


def test_leaving_early_leaves_no_thread_behind() -> None:
    running = run_trials(MISTAKES, "ssl")
    next(iter(running))
    running.close()  # type: ignore[attr-defined]  # a generator, which is what `for` closes
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("tlsnotes-trial")]
