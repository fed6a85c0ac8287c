"""The chain view: a verdict on a chain with its certificates side by side, and controls that ask again.

Name, time, use and trust are ipywidgets; what they lead to is drawn by one anywidget (assets/chain.js), in two parts:
the band above the controls, the cards and the checks below them. The output carries plain tables besides, for pages
where no widget lives.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any

import anywidget
import traitlets
from cryptography import x509
from ipywidgets import (  # type: ignore[import-untyped]
    Box,
    Button,
    Checkbox,
    DatePicker,
    Dropdown,
    IntSlider,
    Label,
    Text,
    VBox,
)

from tlsnotes.errors import TLSNotesError
from tlsnotes.pki.inspected import Inspected
from tlsnotes.pki.judge import Name, Trusted, judge
from tlsnotes.pki.verdict import Question, Verdict
from tlsnotes.show import chain_words
from tlsnotes.show.chain_cards import (
    Band,
    ask,
    band_of,
    cards_of,
    cards_table,
    checks_table,
    payload,
    sentences,
    table_payload,
)
from tlsnotes.show.lifetime import until_run_again
from tlsnotes.show.tables import visible
from tlsnotes.show.verdicts import verdict_table
from tlsnotes.wire.fields import Field

USES = (("TLS server", "server"), ("TLS client", "client"), ("any", "any"))
MAX_CHOICES = 8  # certificates with a box to tick; the others stay as they were asked
MAX_YEARS = timedelta(days=30 * 365)  # to either side of the time asked: some certificates "never" end
_ASSETS = Path(__file__).with_name("assets")
_OWN_WIDTH = {"width": "auto"}
_OWN_LABEL = {"description_width": "initial"}


class ChainPart(anywidget.AnyWidget):
    """One part of the picture: "band", "cards" (with the checks), or "all" of it; it only shows what it is given."""

    _esm = _ASSETS / "chain.js"
    _css = (_ASSETS / "palette.css").read_text("utf-8") + (_ASSETS / "chain.css").read_text("utf-8")
    part = traitlets.Unicode("all").tag(sync=True)
    shown = traitlets.Dict().tag(sync=True)


@dataclass(frozen=True, slots=True)
class Controls:
    """What can be changed; `trust` are the boxes with the certificate that each stands for."""

    name: Text
    date: DatePicker
    days: IntSlider
    trust: tuple[tuple[Checkbox, Field], ...]
    usage: Dropdown
    back: Button


class ChainView(VBox):  # type: ignore[misc]  # ipywidgets has no types
    """A chain and the verdict on it, made by `chain_view`; `verdict` is the latest, `controls` what leads to it."""

    def __init__(self, verdict: Verdict) -> None:
        """Show a verdict of `judge`. Raises `TLSNotesError` for one that does not know what was asked."""
        if verdict.question is None:
            raise TLSNotesError(
                "this verdict does not say what was asked",
                expected="a Verdict as judge(...) gives it",
                found="one without a question",
                fix="chain_view(judge(chain, trust=[root], name=...))",
            )
        self._asked: Question = verdict.question
        self._first_verdict = verdict
        self.verdict = verdict
        self._held = False
        self._first, last = _days(self._asked)
        choices, self._fixed = _choices(self._asked)
        self.controls = _controls(self._asked, (last - self._first).days, choices)
        self._band, self._cards = ChainPart(part="band"), ChainPart(part="cards")
        self._show(verdict)
        self._reset()
        super().__init__([self._band, _panel(self.controls, len(self._fixed)), self._cards])
        self.add_class("tlsnotes-widget").add_class("tlsnotes-chain")
        self.controls.days.observe(self._slid, "value")
        self.controls.date.observe(self._dated, "value")
        for control in (self.controls.name, self.controls.usage, *(box for box, _ in self.controls.trust)):
            control.observe(self._changed, "value")
        self.controls.back.on_click(self._back)
        until_run_again(self)

    def __repr__(self) -> str:
        return f"<ChainView: {visible(repr(self.verdict)).removeprefix('<Verdict: ')}"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:  # as ipywidgets has it
        bundle = super()._repr_mimebundle_(**kwargs)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        return {**(data or {}), "text/plain": _text(self.verdict), "text/html": _html(self.verdict)}, metadata

    # ---- what the controls lead to

    def question(self) -> Question:
        """Give the question that the controls stand for. Raises `TLSNotesError` where there is no date."""
        controls, asked = self.controls, self._asked
        written = controls.name.value.strip()
        unasked = asked.name is None and not written
        name = asked.name if unasked or written == str(asked.name) else written
        if not isinstance(controls.date.value, date):
            raise TLSNotesError("there is no date to judge at", expected="a day, as 2026-11-23", found="none")
        # The time of day stays the one asked: so the day asked gives the verdict that was asked for.
        at = datetime.combine(controls.date.value, asked.at.timetz())
        trust = tuple(tree for box, tree in controls.trust if box.value)
        usage = None if controls.usage.value == "any" else controls.usage.value
        return replace(asked, name=name, at=at, usage=usage, trust=(*trust, *self._fixed))

    def _changed(self, _change: object = None) -> None:
        if self._held:
            return
        self.controls.back.disabled = False
        try:
            verdict = ask(self.question())
        except TLSNotesError as error:
            self._refuse(error)
        else:
            self._show(verdict)

    def _show(self, verdict: Verdict) -> None:
        self.verdict = verdict
        self._band.shown = payload(band_of(verdict))
        self._cards.shown = {
            "cards": payload(cards_of(verdict)),
            "table": table_payload(checks_table(verdict)),
            "day": chain_words.date(self._asked.at if verdict.question is None else verdict.question.at),
            "stale": False,
        }

    def _refuse(self, error: TLSNotesError) -> None:
        """Say what is wrong with the question; below stays the last one that could be answered, and says so."""
        labelled = (("expected", error.expected), ("found", error.found))
        words = "; ".join([error.what, *(f"{label} {text}" for label, text in labelled if text)])
        self._band.shown = payload(Band(None, "Not judged", f"{words}.", todo="Below is still the last verdict."))
        self._cards.shown = {**self._cards.shown, "stale": True}

    def _slid(self, change: Any) -> None:  # traitlets' own Bunch
        if not self._held:
            with self._holding():
                self.controls.date.value = self._first + timedelta(days=change["new"])
            self._changed()

    def _dated(self, change: Any) -> None:  # traitlets' own Bunch
        if not self._held:
            with self._holding():
                self._slide(change["new"])
            self._changed()

    def _slide(self, day: date | None) -> None:
        if day is not None:
            self.controls.days.value = min(max((day - self._first).days, 0), self.controls.days.max)

    def _back(self, _button: object = None) -> None:
        self._reset()
        self._show(self._first_verdict)

    def _reset(self) -> None:
        controls, asked = self.controls, self._asked
        with self._holding():
            controls.name.value = "" if asked.name is None else visible(str(asked.name))
            controls.date.value = asked.at.date()
            self._slide(asked.at.date())
            controls.usage.value = asked.usage or "any"
            trusted = {tree.raw for tree in asked.trust}
            for box, tree in controls.trust:
                box.value = tree.raw in trusted
        controls.back.disabled = True

    @contextmanager
    def _holding(self) -> Iterator[None]:
        """Let controls be set one after the other without a verdict on each of them."""
        self._held = True
        try:
            yield
        finally:
            self._held = False


def chain_view(
    chain: Verdict | Trusted,
    trust: Trusted = (),
    name: Name | None = None,
    at: datetime | None = None,
    usage: str | None = "server",
    crls: Iterable[x509.CertificateRevocationList | bytes] = (),
) -> ChainView:
    """Look at a chain, at what holds and what fails in each certificate; change the question, and it is judged again.

    `chain`: a Verdict, or what `judge` takes with the other arguments, which are as there. Raises `TLSNotesError` where
    `judge` does. RFC 5280 section 6, RFC 9525.
    """
    return ChainView(chain if isinstance(chain, Verdict) else judge(chain, trust, name, at, usage, crls))


def _days(question: Question) -> tuple[date, date]:
    """The days that the slider spans: every period of validity and the time asked, with a margin."""
    ends = [question.at]
    for one in map(Inspected, (*question.chain, *question.trust)):
        ends += [when for when in (one.not_before, one.not_after) if when]
    early, late = _moved(question.at, -MAX_YEARS), _moved(question.at, MAX_YEARS)
    first, last = max(min(ends), early), min(max(ends), late)
    margin = max(timedelta(days=14), (last - first) / 12)
    return _moved(first, -margin).date(), _moved(last, margin).date()


def _moved(when: datetime, by: timedelta) -> datetime:
    try:
        return when + by
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC) if by > timedelta() else datetime.min.replace(tzinfo=UTC)


def _choices(question: Question) -> tuple[list[tuple[str, Field]], tuple[Field, ...]]:
    """The certificates that can be trusted or not, with what each is called; and what is trusted without a box."""
    known = {tree.raw: tree for tree in (*question.trust, *reversed(question.chain))}
    leaf = known.pop(question.chain[0].raw)
    shown = [*known.values()][: MAX_CHOICES - 1]
    trusted = {tree.raw for tree in question.trust}
    fixed = tuple(tree for tree in [*known.values()][MAX_CHOICES - 1 :] if tree.raw in trusted)
    titles = [Inspected(tree).title for tree in shown]
    numbered = [
        f"{title} ({titles[:place].count(title) + 1})" if titles.count(title) > 1 else title
        for place, title in enumerate(titles)
    ]
    return [*zip(map(_plain, numbered), shown, strict=True), ("the certificate itself", leaf)], fixed


def _plain(text: str) -> str:
    """Text of a certificate for a control: JupyterLab sets what looks like TeX there as formulas, links and all."""
    return visible(text).translate({ord("$"): "＄", ord("\\"): "＼"})


def _controls(question: Question, days: int, choices: Sequence[tuple[str, Field]]) -> Controls:
    none = "not compared" if question.name is None else "a name or an address"
    name = Text(description="name", placeholder=none, layout=_OWN_WIDTH, style=_OWN_LABEL)
    day = DatePicker(description="on", layout=_OWN_WIDTH, style=_OWN_LABEL)
    slider = IntSlider(
        min=0, max=days, readout=False, continuous_update=True, tooltip="the day", layout={"width": "210px"}
    )
    boxes = [
        (Checkbox(description=title, indent=False, tooltip=f"trust {title}", layout=_OWN_WIDTH), tree)
        for title, tree in choices
    ]
    usage = Dropdown(description="as", options=USES, value="any", layout=_OWN_WIDTH, style=_OWN_LABEL)
    back = Button(description="back to what was asked", layout=_OWN_WIDTH)
    return Controls(name, day, slider, tuple(boxes), usage, back)


def _panel(controls: Controls, fixed: int) -> Box:
    more = [Label(f"and {fixed:,} more, as asked")] if fixed else []
    groups = (
        [controls.name],
        [controls.date, controls.days],
        [Label("trust"), *(box for box, _ in controls.trust), *more],
        [controls.usage],
        [controls.back],
    )
    rows = [Box(group).add_class("tnc-group") for group in groups]
    return Box(rows).add_class("tnc-controls")


def _html(verdict: Verdict) -> str:
    """What pages show where no widget lives; MathJax is to leave it alone, as names may look like TeX."""
    band = f"<p>{escape(sentences(band_of(verdict)))}</p>"
    tables = [cards_table(verdict)._repr_html_(), verdict_table(verdict)._repr_html_()]
    return "\n".join(['<div class="mathjax_ignore">', band, *tables, "</div>"])


def _text(verdict: Verdict) -> str:
    return "\n\n".join([sentences(band_of(verdict)), repr(cards_table(verdict)), repr(verdict_table(verdict))])
