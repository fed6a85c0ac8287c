"""matrix(): which client refuses which mistake, and in which words: a table, and a figure with words in every cell."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from tlsnotes.live.clients import CLIENTS
from tlsnotes.live.mistakes import MISTAKES, Mistake
from tlsnotes.live.outcome import Outcome
from tlsnotes.live.trials import Mistakes, clients_of, mistakes_of, run_trials
from tlsnotes.show.tables import Cell, Table, visible

if TYPE_CHECKING:  # matplotlib is loaded when a figure is asked for
    from matplotlib.figure import Figure

# Blue and orange are told apart by everybody; words say the same.
COLOURS = {True: "#cfe6f2", False: "#f9d9b8", None: "#ececec"}
INK, QUIET = "#1a1a1a", "#5a5a5a"
ROW, COLUMN = 0.27, 2.0  # inches
MAX_CELL = 30  # characters
_SAID_TWICE = re.compile(r"^curl: \(\d+\) (SSL certificate problem: )?")


@dataclass(frozen=True, slots=True, repr=False)
class Matrix:
    """What became of each mistake in each client: `outcomes[mistake id, client]`."""

    mistakes: tuple[Mistake, ...]
    clients: tuple[str, ...]
    outcomes: Mapping[tuple[str, str], Outcome]

    @property
    def unexpected(self) -> list[Outcome]:
        """The outcomes that are not what the mistake says of that client."""
        return [
            self.outcomes[mistake.id, client]
            for mistake in self.mistakes
            for client in self.clients
            if _surprises(mistake, self.outcomes[mistake.id, client])
        ]

    @property
    def table(self) -> Table:
        """A row for each mistake, a column for each client, words in each cell."""
        rows = [
            [(m.title, ""), *(_cell(m, self.outcomes[m.id, client]) for client in self.clients)] for m in self.mistakes
        ]
        return Table(self._caption(), [("mistake", ""), *((client, "") for client in self.clients)], rows)

    def figure(self) -> Figure:
        """Draw it: blue where a client accepts, orange where it refuses, grey where it was not tried; words in each."""
        from matplotlib.figure import Figure  # noqa: PLC0415  # half a second that only those pay who want a figure

        height, width = len(self.mistakes), len(self.clients)
        figure = Figure(figsize=(3.6 + COLUMN * width, 0.9 + ROW * height), layout="constrained", facecolor="white")
        figure.set_label(self.alt)
        axes = figure.add_subplot()
        axes.set(xlim=(0, width), ylim=(height, 0))
        for row, mistake in enumerate(self.mistakes):
            for column, client in enumerate(self.clients):
                outcome = self.outcomes[mistake.id, client]
                colour = COLOURS[outcome.ok]
                axes.fill([column, column + 1, column + 1, column], [row, row, row + 1, row + 1], colour, ec="white")
                words = _words(outcome, MAX_CELL) + (" ≠" if _surprises(mistake, outcome) else "")
                ink = QUIET if outcome.ok is None else INK
                axes.text(column + 0.5, row + 0.5, words, ha="center", va="center", fontsize=7, color=ink)
        axes.set_xticks([column + 0.5 for column in range(width)], list(self.clients), fontsize=9, color=INK)
        axes.set_yticks([row + 0.5 for row in range(height)], [m.title for m in self.mistakes], fontsize=8, color=INK)
        axes.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
        for spine in axes.spines.values():
            spine.set_visible(False)
        figure.supxlabel("blue: accepts   orange: refuses, in its own code   grey: not tried", fontsize=8, color=QUIET)
        return figure

    @property
    def alt(self) -> str:
        """The figure in a sentence, for those who do not see it."""
        return f"A grid of {len(self.mistakes)} mistakes and {len(self.clients)} clients. {self._caption()}."

    def _caption(self) -> str:
        tried = [outcome for outcome in self.outcomes.values() if outcome.ok is not None]
        refusals = sum(outcome.ok is False for outcome in tried)
        odd = len(self.unexpected)
        surprise = f"; {odd} not as expected (≠)" if odd else "; all as expected"
        return f"{len(self.mistakes)} mistakes, {len(tried)} tries, {refusals} refusals{surprise}"

    def _repr_html_(self) -> str:
        return self.table._repr_html_()

    def __repr__(self) -> str:
        return f"<Matrix: {self._caption()}>"


def matrix(mistakes: Mistakes = MISTAKES, clients: Iterable[str] | str = CLIENTS, *, progress: bool = True) -> Matrix:
    """Let clients try mistakes, and show who refuses what. `mistakes`: of MISTAKES, or their ids.

    `clients`: of CLIENTS; one that is not installed is a column that says so. `progress`: a bar, in a notebook.
    Raises `TLSNotesError` for a mistake or a client that there is not.
    """
    chosen, asked = mistakes_of(mistakes), clients_of(clients)
    note = _progress(len(chosen)) if progress else None
    outcomes: dict[tuple[str, str], Outcome] = {}
    for done, trial in enumerate(run_trials(chosen, asked), 1):
        outcomes |= {(trial.mistake.id, client): o for client, o in zip(asked, trial.outcomes, strict=True)}
        if note:
            note(done)
    return Matrix(chosen, asked, outcomes)


def _progress(total: int) -> Callable[[int], None] | None:
    """A bar in a notebook, that goes when all is done; nothing elsewhere."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if ipython is None or not getattr(shell, "kernel", None):
        return None
    bar = import_module("ipywidgets").IntProgress(0, 0, total, description="mistakes")
    ipython.display.display(bar)

    def note(done: int) -> None:
        bar.value = done
        if done >= total:
            bar.close()

    return note


def _surprises(mistake: Mistake, outcome: Outcome) -> bool:
    if outcome.ok is None or outcome.client not in mistake.expected:
        return False
    return not mistake.agrees(outcome.client, outcome.code)


def _cell(mistake: Mistake, outcome: Outcome) -> Cell:
    look = {True: "holds", False: "fails", None: "quiet"}[outcome.ok]
    return _words(outcome, 60) + (" ≠" if _surprises(mistake, outcome) else ""), look


def _words(outcome: Outcome, longest: int) -> str:
    if outcome.ok:
        return "accepts"
    if outcome.ok is None:
        return str(outcome.code)
    text = f"{outcome.code} {_SAID_TWICE.sub('', outcome.message)}" if isinstance(outcome.code, int) else outcome.code
    text = visible(text)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
