"""matrix(): which client refuses which mistake, and in which words: a table, and a figure with words in every cell."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tlsnotes.live.clients import CLIENTS
from tlsnotes.live.mistakes import MISTAKES, Mistake
from tlsnotes.live.outcome import Outcome
from tlsnotes.live.trials import CANNOT_BE_MADE, Mistakes, clients_of, mistakes_of, run_trials
from tlsnotes.show import matrix_figure
from tlsnotes.show.tables import Cell, Table, visible

if TYPE_CHECKING:  # matplotlib is loaded when a figure is asked for
    from matplotlib.figure import Figure

# What curl says before the thing itself: its number, which the code is, and what part of OpenSSL it was.
_PREAMBLE = re.compile(
    r"^curl: \(\d+\) (SSL certificate problem: |(OpenSSL SSL_\w+: )?(OpenSSL/[\w.]+: )?(error:\w+:[\w ]*:\w*:)?)"
)
MAX_WORDS = 80  # characters in a cell of the table; in the figure fewer


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
            [self._title(m), *(_cell(m, self.outcomes[m.id, client]) for client in self.clients)] for m in self.mistakes
        ]
        return Table(self._caption(), [("mistake", ""), *((client, "") for client in self.clients)], rows)

    def figure(self, *, dark: bool = False) -> Figure:
        """Draw it: a mark and words in every cell, blue where a client accepts, orange where it refuses, else grey."""
        titles = [mistake.title for mistake in self.mistakes]
        rows = [[_drawn(m, self.outcomes[m.id, client]) for client in self.clients] for m in self.mistakes]
        figure = matrix_figure.draw(titles, self.clients, rows, dark=dark)
        figure.set_label(self.alt)
        return figure

    def _title(self, mistake: Mistake) -> Cell:
        """The title of a mistake, and why this machine cannot make it where that is so."""
        reasons = [o.message for c in self.clients if (o := self.outcomes[mistake.id, c]).code == CANNOT_BE_MADE]
        return (f"{mistake.title} ({CANNOT_BE_MADE}: {reasons[0]})" if reasons else mistake.title), ""

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
    html = ipython.display.HTML
    shown = ipython.display.display(html(""), display_id=True)  # no widget: a saved notebook would keep its dead shell

    def note(done: int) -> None:
        bar = f'<progress value="{done}" max="{total}"></progress> {done} of {total} mistakes'
        shown.update(html(bar if done < total else ""))

    return note


def _surprises(mistake: Mistake, outcome: Outcome) -> bool:
    if outcome.ok is None or outcome.client not in mistake.expected:
        return False
    return not mistake.agrees(outcome.client, outcome.code)


def _cell(mistake: Mistake, outcome: Outcome) -> Cell:
    if _surprises(mistake, outcome):
        return f"{_words(outcome)} ≠", "fails"
    return _words(outcome), {True: "holds", False: "", None: "quiet"}[outcome.ok]


def _drawn(mistake: Mistake, outcome: Outcome) -> matrix_figure.Drawn:
    return matrix_figure.Drawn(outcome.ok, _words(outcome), not _surprises(mistake, outcome))


def _words(outcome: Outcome) -> str:
    if outcome.ok:
        return "accepts"
    if outcome.ok is None:
        return str(outcome.code)
    text = f"{outcome.code} {_PREAMBLE.sub('', outcome.message)}" if isinstance(outcome.code, int) else outcome.code
    text = visible(text)
    return text if len(text) <= MAX_WORDS else f"{text[: MAX_WORDS - 1]}…"
