"""Exercises: a check looks at the learner's own object and says in words what holds and what is still missing.

    exercise("03-three-names").check(credential)

What is checked stands in the modules checks_NN.py, one for each notebook. A check never raises for a wrong answer.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from tlsnotes.checks import Check
from tlsnotes.errors import TLSNotesError
from tlsnotes.learn.progress import load, save
from tlsnotes.show.tables import Table, visible

NOTEBOOKS = ("00", "01", "02", "03", "04", "05", "06", "07", "08", "09")  # those whose exercises are checked here
MARKS = {True: ("✓ done", "holds"), False: ("✗ not yet", "fails"), None: ("– later", "quiet short")}

GRADING = "NBGRADER_EXECUTION"  # set by nbgrader where it runs a notebook to grade or to validate it

Checker = Callable[[Any], Iterable[Check]]


@dataclass(frozen=True, slots=True, repr=False)
class Feedback:
    """What was found of an answer; `ok` where all of it holds."""

    exercise: str
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether the exercise is done."""
        return bool(self.checks) and all(check.ok for check in self.checks)

    @property
    def table(self) -> Table:
        """The same as a table: what holds, what does not yet, and what to look at."""
        rows = [[MARKS[check.ok], (check.name, ""), (check.detail, "")] for check in self.checks]
        caption = f"{self.exercise}: {'done, well made' if self.ok else 'not yet'}"
        return Table(caption, [("", ""), ("asked for", ""), ("found", "")], rows)

    def __repr__(self) -> str:
        return repr(self.table)

    def _repr_html_(self) -> str:
        return self.table._repr_html_()


@dataclass(frozen=True, slots=True, repr=False)
class Exercise:
    """One exercise: its id, what is asked, what kind of object answers it, and the check of it."""

    id: str
    task: str
    wants: str
    checker: Checker

    def check(self, answer: Any) -> Feedback:
        """Look at an answer. What is right is remembered; what is not is said, and nothing is lost.

        `...` stands for no answer yet. Raises `TLSNotesError` for a wrong answer where nbgrader runs the notebook:
        there a cell counts as done unless it raises, and nobody reads what it shows.
        """
        feedback = self._feedback(answer)
        if feedback.ok:
            progress = load()
            if self.id not in progress.done:
                progress.done.append(self.id)
                save(progress)
        elif os.environ.get(GRADING):
            missing = [f"{check.name}: {check.detail}" for check in feedback.checks if not check.ok]
            raise TLSNotesError(f"{self.id} is not done yet", expected=self.task, found="; ".join(missing))
        return feedback

    def _feedback(self, answer: Any) -> Feedback:
        if answer is ...:
            return Feedback(self.id, (Check(self.task, None, f"put it in place of ... above: {self.wants}"),))
        try:
            checks = tuple(self.checker(answer))
        except TLSNotesError as error:  # the answer could not even be used: its own words say why
            checks = (Check(self.task, False, str(error).replace("\n", ";")),)
        except Exception as error:  # noqa: BLE001  # whatever a learner hands in is answered in words
            found = f"a {type(answer).__name__} that could not be looked at ({type(error).__name__})"
            checks = (Check(self.task, False, f"expected {self.wants}, found {found}"),)
        return Feedback(self.id, checks)

    def __repr__(self) -> str:
        done = "✓ done" if self.id in load().done else "○ not yet"
        return f"<Exercise {self.id!r}: {self.task} ({done}; hand in {self.wants})>"


EXERCISES: dict[str, Exercise] = {}


def task(name: str, words: str, wants: str) -> Callable[[Checker], Checker]:
    """Make a function that looks at an answer the check of an exercise."""

    def register(checker: Checker) -> Checker:
        EXERCISES[name] = Exercise(name, words, wants, checker)
        return checker

    return register


def exercise(name: str) -> Exercise:
    """Give the exercise of this id ("03-three-names"). Raises `TLSNotesError` where there is none."""
    found = all_exercises().get(name) if isinstance(name, str) else None
    if found is None:
        near = [one for one in EXERCISES if isinstance(name, str) and one[:2] == name[:2]]
        raise TLSNotesError(
            "there is no such exercise", expected=", ".join(near or EXERCISES), found=visible(repr(name))[:80]
        )
    return found


def all_exercises() -> dict[str, Exercise]:
    """Every exercise by its id, in the order of the notebooks."""
    for number in NOTEBOOKS:
        import_module(f"tlsnotes.learn.checks_{number}")
    # In this order even where somebody has imported one of these modules before.
    return dict(sorted(EXERCISES.items(), key=lambda item: item[0][:2]))


def progress_table() -> Table:
    """List the exercises of the course, and which are done."""
    done = set(load().done)
    rows = [
        [MARKS[True] if one.id in done else ("○ not yet", "quiet short"), (one.id, "short"), (one.task, "")]
        for one in all_exercises().values()
    ]
    count = sum(one in done for one in EXERCISES)
    return Table(f"{count} of {len(EXERCISES)} exercises done", [("", ""), ("exercise", ""), ("task", "")], rows)


def is_there(path: Path) -> Check:
    """Whether a file that is handed in by its path is there, as a check of its own."""
    there = path.is_file()
    return Check("the file is there", there, str(path) if there else f"nothing is at {path}")


def is_a(answer: object, kind: type, wants: str) -> Check:
    """Whether an answer is of the kind that is wanted, as a check of its own."""
    ok = isinstance(answer, kind)
    return Check(f"hand in {wants}", ok, f"a {type(answer).__name__}" if ok else f"found a {type(answer).__name__}")
