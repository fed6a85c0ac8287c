"""The colours of our figures, light and dark: one accent, what holds, and what fails; marks and words say the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tlsnotes.show.tables import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SMALL, NORMAL, LARGE = 8, 9, 11  # points


@dataclass(frozen=True, slots=True)
class Palette:
    """Page, words, lines; one accent and its soft ground; what holds, and what fails."""

    page: str
    ink: str
    quiet: str
    line: str
    accent: str
    ground: str
    holds: str
    fails: str


LIGHT = Palette("#ffffff", "#1a1c1f", "#595f69", "#d5d9de", "#0b6e99", "#d6ebf5", "#1a7f4b", "#b3261e")
DARK = Palette("#111315", "#e6e8eb", "#a9b0ba", "#3a4047", "#6cc3e8", "#14394a", "#5fd39a", "#ff8a80")


def palette(*, dark: bool) -> Palette:
    """The colours for a light or a dark page."""
    return DARK if dark else LIGHT


def canvas(width: float, height: float, colours: Palette) -> tuple[Figure, Axes]:
    """An empty figure of so many inches, and axes without frame that fill it, in inches from the upper left."""
    from matplotlib.figure import Figure  # noqa: PLC0415  # half a second that only those pay who want a picture

    figure = Figure(figsize=(width, height), facecolor=colours.page)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    return figure, axes


def plain(text: str, most: int = 60) -> str:
    """Text from a peer or a certificate as a figure may draw it: in one line, shortened, no formula, no odd glyphs.

    DejaVu, matplotlib's own font, has no letters of some scripts: those are written as their numbers.
    """
    shown = "".join(c if ord(c) < 0x0530 or c in "…✓✗–→←·" else f"\\u{ord(c):04x}" for c in visible(text))
    return (shown if len(shown) <= most else f"{shown[: most - 1]}…").replace("$", r"\$")


def sentence(parts: Sequence[str]) -> str:
    """Join parts to what a figure says of itself; everything from outside is made visible in it."""
    return " ".join(map(visible, parts))[:4000]
