"""What the exercises of 07-mutual-tls ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tlsnotes.checks import Check
from tlsnotes.learn.exercises import is_a, task
from tlsnotes.live.http import Client, Request
from tlsnotes.live.recording import Recording
from tlsnotes.pki.authority import Authority


def _asked(app: Callable[[Request], Any], path: str, client: Client | None) -> tuple[int, str]:
    """What an app answers: its status and its text."""
    answer = app(Request("GET", path, client=client))
    status = answer[0] if isinstance(answer, tuple) and answer and isinstance(answer[0], int) else 200
    return status, str(answer)


@task("07-optional", "write an app that greets known callers and lets others read only /public", "the function")
def optional(answer: Callable[[Request], Any]) -> Iterator[Check]:
    """The app is called with and without a client."""
    yield Check("a function", callable(answer), type(answer).__name__)
    if not callable(answer):
        return
    certificate = Authority.root("a root").issue("shop@customers.example", usage="client").certificate
    shop = Client(certificate, ("shop@customers.example",))
    known, public, other = (_asked(answer, *asked) for asked in (("/", shop), ("/public", None), ("/balance", None)))
    yield Check("a known caller is greeted by name", "shop@customers.example" in known[1], known[1][:80])
    yield Check("everybody may read /public", public[0] == 200, f"status {public[0]}")
    yield Check("nobody else may read anything else", other[0] in (401, 403), f"status {other[0]}")


def _outcome(answer: object, wanted: str, words: str) -> Iterator[Check]:
    yield (first := is_a(answer, Recording, "server.last"))
    if first.ok and isinstance(answer, Recording):
        found = answer.outcome or "still under way"
        yield Check(words, wanted in found, found)


@task("07-wrong-role", "call with the server's certificate as the client's; hand in the recording", "server.last")
def wrong_role(answer: Recording) -> Iterator[Check]:
    """Who refused, and why."""
    yield from _outcome(answer, "refused by the server: unsuitable certificate purpose", "refused for its purpose")


@task("07-expired", "call with a client certificate that is over; hand in the recording", "server.last")
def expired(answer: Recording) -> Iterator[Check]:
    """Who refused, and why."""
    yield from _outcome(answer, "refused by the server: certificate has expired", "refused for its date")
