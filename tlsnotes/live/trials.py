"""Every mistake against every client, for real: a scene for each mistake, and the clients one after another in it.

Rules: mistakes run side by side (most of the time goes into waiting for programs), never more browsers at work than
`BROWSERS`, and scenes that want the same of one share it; a client that is not installed is looked for once, a mistake
that this machine cannot make is not begun; leaving the generator early ends what has not begun yet.
"""

from __future__ import annotations

import contextlib
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.serialization import Encoding

from tlsnotes.errors import TLSNotesError
from tlsnotes.live.client_chromium import Chromium
from tlsnotes.live.clients import CLIENTS, SECONDS, missing, try_client
from tlsnotes.live.mistakes import MISTAKES, Mistake, Scene
from tlsnotes.live.mistakes_scenes import ordinary_root
from tlsnotes.live.outcome import Outcome, not_tried
from tlsnotes.programs import find_program

AT_ONCE = 4  # mistakes; on two cores the measured best: more only wait for each other
BROWSERS = 2
HOST = "localhost"  # of nearly all scenes; a Chromium looks up no other than its own
CANNOT_BE_MADE = "cannot be made here"

Mistakes = Mapping[str, Mistake] | Iterable[str | Mistake] | str | Mistake


@dataclass(frozen=True, slots=True)
class Trial:
    """One mistake, and what each of the clients made of it, in the order in which they were asked for."""

    mistake: Mistake
    outcomes: Sequence[Outcome]


def mistakes_of(given: Mistakes) -> tuple[Mistake, ...]:
    """The mistakes that are meant by ids, by themselves, or by a mapping such as MISTAKES; each once.

    Raises `TLSNotesError` for an id that is none.
    """
    if isinstance(given, str | Mistake):
        given = [given]
    chosen = list(given.values() if isinstance(given, Mapping) else given)
    if unknown := [one for one in chosen if not isinstance(one, Mistake) and one not in MISTAKES]:
        raise TLSNotesError(
            "there is no such mistake", expected="an id in MISTAKES, or a Mistake", found=repr(unknown[0])[:80]
        )
    return tuple({m.id: m for one in chosen for m in [one if isinstance(one, Mistake) else MISTAKES[one]]}.values())


def clients_of(given: Iterable[str] | str) -> tuple[str, ...]:
    """The clients of these names, each once; raises `TLSNotesError` for a name that is none."""
    chosen = tuple(dict.fromkeys([given] if isinstance(given, str) else given))
    if unknown := [one for one in chosen if one not in CLIENTS]:
        raise TLSNotesError(
            "there is no such client", expected=f"one of {', '.join(CLIENTS)}", found=repr(unknown[0])[:80]
        )
    return chosen


def run_trials(mistakes: Mistakes = MISTAKES, clients: Iterable[str] | str = CLIENTS) -> Iterator[Trial]:
    """Make each mistake and let each client meet it; gives a `Trial` for each mistake as it is done, in any order.

    Raises `TLSNotesError` for a mistake or a client that there is not, before anything is run.
    """
    return _run(mistakes_of(mistakes), clients_of(clients))


def _run(mistakes: Sequence[Mistake], clients: Sequence[str]) -> Iterator[Trial]:
    absent = _absent(clients)
    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="tlsnotes-trial")
    with _Browsers() as browsers:
        try:
            futures = [pool.submit(_trial, mistake, clients, absent, browsers) for mistake in mistakes]
            for future in as_completed(futures):
                yield future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _absent(clients: Iterable[str]) -> Mapping[str, Outcome]:
    """What is to be said of each client that is not installed, asked once."""
    found = {client: missing(client) for client in clients}
    return {client: outcome for client, outcome in found.items() if outcome is not None}


def _trial(mistake: Mistake, clients: Sequence[str], absent: Mapping[str, Outcome], browsers: _Browsers) -> Trial:
    if set(clients) <= set(absent):
        return Trial(mistake, [absent[client] for client in clients])
    if reason := mistake.unavailable():
        return Trial(mistake, [absent.get(one) or not_tried(one, CANNOT_BE_MADE, reason) for one in clients])
    with mistake.serve(browsers.root) as scene:
        outcomes = []
        for client in clients:
            if client in absent:
                outcomes.append(absent[client])
            elif client == "chromium":
                outcomes.append(browsers.meet(scene))
            else:
                outcomes.append(_meet(client, scene))
        return Trial(mistake, outcomes)


def _meet(client: str, scene: Scene) -> Outcome:
    return try_client(client, scene.url, scene.trust, scene.credential, scene.environment)


class _Browsers:
    """The Chromiums of one run: to start one is most of a try, so scenes under the run's `root` share one.

    Its pages come one after another. A scene that wants anything else of its Chromium has its own.
    """

    def __init__(self) -> None:
        self.root = ordinary_root()
        self._slots = threading.BoundedSemaphore(BROWSERS)
        self._lock = threading.Lock()
        self._shared = contextlib.ExitStack()
        self._chromium: Chromium | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def meet(self, scene: Scene) -> Outcome:
        plain = not (scene.credential or scene.environment) and urlsplit(scene.url).hostname == HOST
        if plain and scene.trust == (self.root.certificate,):
            with self._lock, self._slots:
                if (outcome := self._visit(scene.url)).stage != "prepare":
                    return outcome
        with self._slots:
            return _meet("chromium", scene)

    def _visit(self, url: str) -> Outcome:
        if self._chromium is None:
            folder = self._shared.enter_context(tempfile.TemporaryDirectory(prefix="tlsnotes-"))
            trust = Path(folder) / "trust.pem"
            trust.write_bytes(self.root.certificate.public_bytes(Encoding.PEM))
            self._chromium = self._shared.enter_context(Chromium(find_program("chromium"), url, trust, None, {}))
        outcome = self._chromium.visit(url, SECONDS)
        if outcome.stage == "prepare" or outcome.code == "timeout":  # what it is still busy with is nobody else's
            self._end()
        return outcome

    def _end(self) -> None:
        self._chromium = None
        self._shared.close()
