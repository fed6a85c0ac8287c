"""What the exercises of 01-eavesdropping ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tlsnotes.checks import Check
from tlsnotes.learn.exercises import is_a, task
from tlsnotes.live.http import App, Request
from tlsnotes.live.http import answer as answer_of
from tlsnotes.live.recording import Recording

CARDS = ["4111111111111111", "5555555555554444"]  # known to everybody as test numbers
NO_CARD = "1234567890123456"


@task("01-thief", "write a function that finds card numbers in bytes", "the function")
def thief(answer: Callable[[bytes], list[str]]) -> Iterator[Check]:
    """What the function finds in bytes that it has not seen."""
    wire = f'{{"order": "{NO_CARD}", "card": "{CARDS[0]}"}} {CARDS[1]}'.encode()
    found = answer(wire)
    shown = str(found)[:80]
    yield Check("it gives a list of texts", isinstance(found, list) and all(isinstance(n, str) for n in found), shown)
    yield Check("it finds both cards", all(card in found for card in CARDS), shown)
    yield Check("a number with a wrong check digit is no card", NO_CARD not in found, shown)
    yield Check("where there is none it finds none", answer(b"\x17\x03\x03 nothing here") == [], "searched")


@task("01-no-name", "make a connection whose ClientHello names no server; hand in its recording", "server.last")
def no_name(answer: Recording) -> Iterator[Check]:
    """The ClientHello, and whether the connection came about."""
    yield (first := is_a(answer, Recording, "server.last"))
    if first.ok:
        name = answer.dissect().server_name
        yield Check("no server name in the ClientHello", name is None, f"it says {name}" if name else "none there")
        outcome = answer.outcome or "still under way"
        yield Check("the client accepted all the same", outcome == "established", outcome)


@task("01-same-size", "write an app whose two answers a listener cannot tell apart", "your app, a function")
def same_size(answer: App) -> Iterator[Check]:
    """What the app answers to both, as it would go into the encrypted record."""
    sizes = []
    for word in ("yes", "no"):
        log: list[str] = []
        response = answer_of(answer, Request("GET", f"/{word}"), log.append)
        said = response.body.decode("utf-8", "replace")
        right = response.head.status_code == 200 and f'"answer": "{word}"' in said.replace('":"', '": "')
        yield Check(f"/{word} is answered {word}", right, f"{said[:80]}; {log[0]}")
        sizes.append(len(response.body) + sum(len(name) + len(value) for name, value in response.head.headers))
    yield Check("both answers are equally long", sizes[0] == sizes[1], f"{sizes[0]} and {sizes[1]} bytes")
