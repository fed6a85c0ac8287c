"""The ladder over time: who said what, and how long it took."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tlsnotes.show.ladder import is_error, ladder_words
from tlsnotes.show.palette import LARGE, NORMAL, SMALL, Palette, canvas, palette, plain
from tlsnotes.show.payload import heading_of
from tlsnotes.wire.handshake import Handshake
from tlsnotes.wire.registry import ContentType
from tlsnotes.wire.streams import Message

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, LEFT, RIGHT = 7.6, 1.5, 5.5  # inches
HEAD, RUNG, FLIGHT, LONGEST = 1.05, 0.27, 0.16, 1.6
MAX_RUNGS = 60


@dataclass(frozen=True, slots=True)
class Rung:
    """One arrow: messages that follow each other and are alike are one."""

    message: Message
    count: int
    time: float | None

    @property
    def label(self) -> str:
        """What stands on it."""
        alert = self.message.content_type == ContentType.alert
        name = f"Alert {self.message.type!s}" if alert else self.message.name
        return plain(f"{name} × {self.count}" if self.count > 1 else name)


def ladder_figure(handshake: Handshake, *, dark: bool = False) -> Figure:
    """Draw a handshake's messages from top to bottom; the distance between flights grows with the time between them.

    `dark`: on a dark page.
    """
    colours = palette(dark=dark)
    rungs = [*_rungs(handshake.messages)]
    shown = rungs[:MAX_RUNGS]
    places = [*_places(shown)]
    height = (places[-1] if places else HEAD) + 0.55
    figure, axes = canvas(WIDTH, height, colours)
    timed = any(rung.time is not None for rung in shown)
    title = plain(" · ".join([*heading_of(handshake), handshake.outcome]), 96)
    axes.text(0.2, 0.24, title, fontsize=NORMAL, color=colours.quiet, va="center")
    for x, side in ((LEFT, "client"), (RIGHT, "server")):
        axes.text(x, 0.62, side, fontsize=LARGE, weight="bold", color=colours.ink, ha="center", va="center")
        axes.plot([x, x], [0.8, height - 0.2], color=colours.line, linewidth=1, zorder=0)
    if timed:
        axes.text(LEFT - 0.32, 0.62, "ms", fontsize=SMALL, color=colours.quiet, ha="right", va="center")
    before: str = ""
    for rung, y in zip(shown, places, strict=True):
        time = "" if rung.time is None else f"{rung.time * 1000:.1f}"
        _draw(axes, rung, y, "" if time == before else time, colours)
        before = time
    left = len(rungs) - len(shown)
    note = [f"and {left:,} more"] if left else []
    note += [] if timed else ["drawn at equal distances: this recording has no times"]
    axes.text((LEFT + RIGHT) / 2, height - 0.14, "; ".join(note), fontsize=SMALL, color=colours.quiet, ha="center")
    figure.set_label(ladder_words(handshake))
    return figure


def _rungs(messages: tuple[Message, ...]) -> Iterator[Rung]:
    """The arrows: application data of one side, one after the other, is one of them."""
    group: list[Message] = []
    for message in messages:
        alike = group and message.content_type == ContentType.application_data == group[-1].content_type
        if group and not (alike and group[-1].sender == message.sender):
            yield Rung(group[0], len(group), group[0].time)
            group = []
        group.append(message)
    if group:
        yield Rung(group[0], len(group), group[0].time)


def _places(rungs: list[Rung]) -> Iterator[float]:
    """How far down each stands, in inches: never closer than a line, and farther the more time has passed."""
    times = [rung.time for rung in rungs if rung.time is not None]
    span = max(times) - min(times) if times else 0
    y, before = HEAD - RUNG, None
    for rung in rungs:
        gap = 0.0
        if before is not None:
            passed = (rung.time - before.time) if rung.time is not None and before.time is not None else 0
            gap = (FLIGHT if rung.message.sender != before.message.sender else 0) + (
                LONGEST * passed / span if span else 0
            )
        y += RUNG + gap
        yield y
        before = rung


def _draw(axes: Axes, rung: Rung, y: float, time: str, colours: Palette) -> None:
    wrong = is_error(rung.message)
    colour = colours.fails if wrong else colours.ink
    start, end = (LEFT, RIGHT) if rung.message.sender == "client" else (RIGHT, LEFT)
    arrow = {"arrowstyle": "-|>", "color": colour, "linewidth": 0.9, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 9}
    axes.annotate("", (end, y), (start, y), arrowprops=arrow)
    axes.text((LEFT + RIGHT) / 2, y - 0.045, rung.label, fontsize=NORMAL, color=colour, ha="center", va="bottom",
              weight="bold" if wrong else "normal")  # fmt: skip
    axes.text(LEFT - 0.12, y, time, fontsize=SMALL, color=colours.quiet, ha="right", va="center")
    words = "encrypted" if rung.message.encrypted else "in the clear"
    axes.text(RIGHT + 0.14, y, words, fontsize=SMALL, va="center",
              color=colours.accent if rung.message.encrypted else colours.quiet)  # fmt: skip
