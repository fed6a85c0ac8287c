"""What the clients of `try_client` answer, and what `judge` finds, is explained: the objects as they really come."""

from __future__ import annotations

import pytest

from tlsnotes import Authority, HTTPSServer, self_signed
from tlsnotes.live.clients import try_client
from tlsnotes.pki.judge import judge
from tlsnotes.show.explain import explain

ROOT = Authority.root("a root of these tests")


@pytest.mark.parametrize("client", ["requests", "ssl", "curl", "openssl", "node"])
def test_the_outcome_of_a_client_is_explained(client: str) -> None:
    with HTTPSServer(self_signed("localhost")) as server:
        outcome = try_client(client, server.url, trust=ROOT)
    if outcome.ok is None:
        assert explain(outcome).cause == "not-tried"
        pytest.skip(outcome.message)
    explanation = explain(outcome)
    assert (explanation.cause, explanation.refused, explanation.step) == ("self-signed", "client", "certificate")
    assert ("client", client) in explanation.known


def test_an_outcome_without_an_error_says_so() -> None:
    with HTTPSServer(ROOT.issue("localhost")) as server:
        assert explain(try_client("ssl", server.url, trust=ROOT)).cause == "fine"


def test_a_verdict_is_explained_by_the_check_that_decides() -> None:
    verdict = judge(ROOT.issue("elsewhere.example"), trust=[ROOT], name="localhost")
    explanation = explain(verdict)
    assert explanation.cause == "wrong-name"
    assert ("check", "name") in explanation.known
    assert explain(judge(ROOT.issue("localhost"), trust=[ROOT], name="localhost")).cause == "fine"
