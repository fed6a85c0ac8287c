"""Each client, run for real against each mistake, answers as the table says: compared by code, never by prose."""

from __future__ import annotations

import pytest

from tlsnotes.live.clients import CLIENTS, try_client
from tlsnotes.live.mistakes import MISTAKES, Mistake

QUICK = [client for client in CLIENTS if client != "chromium"]

every = pytest.mark.parametrize("mistake", MISTAKES.values(), ids=list(MISTAKES))


def answers_as_expected(client: str, mistake: Mistake) -> None:
    if client not in mistake.expected:
        pytest.skip(f"{client} has no use for such a file, or no code for it")
    if reason := mistake.unavailable():
        pytest.skip(reason)
    with mistake.serve() as scene:
        given = {"trust": scene.trust, "credential": scene.credential, "environment": dict(scene.environment)}
        outcome = try_client(client, scene.url, **given)
    if outcome.ok is None:
        pytest.skip(outcome.message)
    assert mistake.agrees(client, outcome.code), (outcome, mistake.expected[client])
    assert outcome.ok == (outcome.code == 0)


@pytest.mark.parametrize("client", QUICK)
@every
def test_the_client_answers_as_expected(client: str, mistake: Mistake) -> None:
    answers_as_expected(client, mistake)


@pytest.mark.browser
@every
def test_chromium_answers_as_expected(mistake: Mistake) -> None:
    answers_as_expected("chromium", mistake)


def test_something_is_expected_of_every_client() -> None:
    assert {client for mistake in MISTAKES.values() for client in mistake.expected} >= set(CLIENTS)
