"""Predict first, then run: who has committed to an answer learns more from the one that comes out.

The right answer is not in the cell: it is what happened, and the learner's own cell says so.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from html import escape
from typing import Any

from tlsnotes.errors import TLSNotesError
from tlsnotes.learn.progress import load, save
from tlsnotes.show.lifetime import until_run_again
from tlsnotes.show.tables import visible

MAX_OPTIONS = 8


class Prediction:
    """A question with its options; `chosen` is what the learner has said, None as long as nothing was."""

    def __init__(self, question: str, options: Sequence[str]) -> None:
        self.question = question
        self.options = tuple(options)
        self.chosen: str | None = load().predicted.get(question)
        if self.chosen not in self.options:
            self.chosen = None
        self._widget: Any = None  # made when it is shown: ipywidgets has no types

    def choose(self, option: str) -> Prediction:
        """Commit to an option, by its text. Raises `TLSNotesError` for another text."""
        if option not in self.options:
            raise TLSNotesError(
                "this is none of the options", expected=" | ".join(self.options), found=visible(str(option))
            )
        self.chosen = option
        progress = load()
        progress.predicted[self.question] = option
        save(progress)
        return self

    def happened(self, option: str) -> Outcome:
        """Say what came out, and compare. Raises `TLSNotesError` for what is none of the options."""
        if option not in self.options:
            raise TLSNotesError(
                "what happened is none of the options", expected=" | ".join(self.options), found=visible(str(option))
            )
        return Outcome(self.question, self.chosen, option)

    def __repr__(self) -> str:
        said = f"your prediction: {self.chosen}" if self.chosen else "predict before you run the next cell"
        return "\n".join([self.question, *(f"  {mark} {option}" for mark, option in self._marked()), said])

    def _marked(self) -> list[tuple[str, str]]:
        return [("●" if option == self.chosen else "○", option) for option in self.options]

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:  # as IPython has it
        lines = [f"<b>{escape(visible(self.question))}</b>"]
        lines += [f"{mark} {escape(visible(option))}" for mark, option in self._marked()]
        html = f'<p class="mathjax_ignore">{"<br>".join(lines)}</p>'
        static = {"text/plain": repr(self), "text/html": html}
        if "IPython" not in sys.modules:
            return static
        if self._widget is None:
            self._widget = self._quiz()
        bundle = self._widget._repr_mimebundle_(**kwargs)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        return {**(data or {}), **static}

    def _quiz(self) -> Any:
        # Only where there is a page to show it; and ipywidgets has no types.
        from ipywidgets import HTML, RadioButtons, VBox  # type: ignore[import-untyped]  # noqa: PLC0415

        radio = RadioButtons(options=self.options, value=self.chosen, layout={"width": "max-content"})
        words = HTML()

        def say() -> None:
            words.value = "Now run the next cell." if self.chosen else "Choose, then run the next cell."

        def chose(change: Any) -> None:  # traitlets' own Bunch
            if change["new"] in self.options:
                self.choose(change["new"])
            say()

        say()
        radio.observe(chose, "value")
        box = VBox([HTML(f"<b>{escape(visible(self.question))}</b>"), radio, words])
        until_run_again(box)
        return box


class Outcome:
    """A prediction beside what happened: neither right nor wrong is a mark, both are told."""

    def __init__(self, question: str, chosen: str | None, happened: str) -> None:
        self.question, self.chosen, self.happened = question, chosen, happened

    @property
    def as_predicted(self) -> bool | None:
        """Whether it came out as predicted; None where nothing was."""
        return None if self.chosen is None else self.chosen == self.happened

    def __repr__(self) -> str:
        match self.as_predicted:
            case True:
                return f"✓ as you predicted: {self.happened}"
            case False:
                told = f"≠ you predicted: {self.chosen}\n  what happened: {self.happened}"
                return f"{told}\n  Good: this is where you learn."
        return f"– what happened: {self.happened} (next time, predict first: it helps)"


def predict(question: str, options: Sequence[str]) -> Prediction:
    """Ask for a prediction: a quiz in a notebook, a list elsewhere. The answer is remembered; `happened` compares it.

    `options`: two to eight texts. Raises `TLSNotesError` for fewer, more, or one that stands twice.
    """
    given = [options] if isinstance(options, str) else list(options)
    if not 2 <= len(set(given)) == len(given) <= MAX_OPTIONS or not all(isinstance(one, str) for one in given):
        raise TLSNotesError(
            "a prediction needs something to choose from",
            expected=f"two to {MAX_OPTIONS} different texts",
            found=", ".join(map(repr, given[:MAX_OPTIONS])) or "none",
        )
    return Prediction(question, given)
