"""The picture of a matrix: a row for each mistake, a column for each client, a mark and words in every cell.

Colour only repeats what mark and words say; blue and orange are told apart by everybody. The background is its own, so
that it is read on any page. matplotlib is loaded when a picture is asked for, and none of its global state is touched.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW, COLUMN, TITLES, HEAD = 0.34, 1.95, 3.5, 0.75  # inches
LINE, LINES = 29, 2  # characters, and how many such lines a cell has room for
BREAKS = "\u200b"  # a place where a long code may be broken: no space, so that no reader takes it for one


@dataclass(frozen=True, slots=True)
class Drawn:
    """What stands in a cell: whether it is accepted (None: not tried), its words, and whether that was expected."""

    ok: bool | None
    words: str
    expected: bool


@dataclass(frozen=True, slots=True)
class Colours:
    """What a picture is drawn in: the page, the words on it, and for each kind of cell its ground and its words."""

    page: str
    ink: str
    quiet: str
    odd: str
    ground: Mapping[bool | None, str]
    words: Mapping[bool | None, str]


LIGHT = Colours(
    page="#ffffff", ink="#1a1a1a", quiet="#5a5a5a", odd="#b3261e",
    ground={True: "#cfe6f2", False: "#fbe3c8", None: "#efefef"},
    words={True: "#0b4a68", False: "#4a2a05", None: "#5a5a5a"},
)  # fmt: skip
DARK = Colours(
    page="#111111", ink="#e8e8e8", quiet="#a8a8a8", odd="#ff8a80",
    ground={True: "#12405a", False: "#47300f", None: "#262626"},
    words={True: "#d6ecf8", False: "#fbe3c8", None: "#b4b4b4"},
)  # fmt: skip
MARKS = {True: "✓", False: "✗", None: "–"}
MEANINGS = {True: "accepts", False: "refuses, in its own code and words", None: "not tried"}


def draw(titles: Sequence[str], clients: Sequence[str], rows: Sequence[Sequence[Drawn]], *, dark: bool) -> Figure:
    """Draw `rows`: for each title its cells, one for each client."""
    from matplotlib.figure import Figure  # noqa: PLC0415  # half a second that only those pay who want a picture

    colours = DARK if dark else LIGHT
    size = (TITLES + COLUMN * len(clients), HEAD + ROW * len(titles))
    figure = Figure(figsize=size, facecolor=colours.page)
    axes = figure.add_axes((TITLES / size[0], 0, 1 - TITLES / size[0], 1 - HEAD / size[1]))
    axes.set(xlim=(0, len(clients)), ylim=(len(titles), 0))
    axes.set_axis_off()
    for number, (title, cells) in enumerate(zip(titles, rows, strict=True)):
        axes.text(-0.06, number + 0.5, title, ha="right", va="center", fontsize=8.5, color=colours.ink)
        for column, cell in enumerate(cells):
            _fill(axes, column, number, cell, colours)
    for column, client in enumerate(clients):
        axes.text(column + 0.04, -0.25, client, va="bottom", fontsize=10, weight="bold", color=colours.ink)
    _legend(figure, {cell.ok for cells in rows for cell in cells}, rows, colours)
    return figure


def _fill(axes: Axes, column: int, row: int, cell: Drawn, colours: Colours) -> None:
    from matplotlib.patches import Rectangle  # noqa: PLC0415  # as above

    ground = colours.ground[cell.ok]
    axes.add_patch(Rectangle((column, row), 1, 1, facecolor=ground, edgecolor=colours.page, linewidth=2))
    if not cell.expected:
        inside = Rectangle((column + 0.02, row + 0.09), 0.96, 0.82, fill=False, edgecolor=colours.odd, linewidth=1.6)
        axes.add_patch(inside)
    mark = MARKS[cell.ok] if cell.expected else f"{MARKS[cell.ok]} ≠"
    axes.text(column + 0.04, row + 0.5, f"{mark} {broken(cell.words)}", va="center", fontsize=7,
              linespacing=1.1, color=colours.words[cell.ok])  # fmt: skip


def _legend(figure: Figure, kinds: set[bool | None], rows: Sequence[Sequence[Drawn]], colours: Colours) -> None:
    words = [f"{MARKS[kind]} {MEANINGS[kind]}" for kind in (True, False, None) if kind in kinds]
    if any(not cell.expected for cells in rows for cell in cells):
        words.append("≠ not as expected")
    height = figure.get_figheight()
    figure.text(0.12 / figure.get_figwidth(), 1 - 0.2 / height, "     ".join(words), va="center", fontsize=8.5,
                color=colours.quiet)  # fmt: skip


def broken(words: str) -> str:
    """Words in two lines at most: broken at a space or behind an underscore, and ended by "…" where they are longer."""
    places = words.replace("_", f"_{BREAKS} ")
    lines = textwrap.wrap(places, LINE, break_long_words=True, break_on_hyphens=False)
    joined = [line.replace(f"{BREAKS} ", "").replace(BREAKS, "") for line in lines]
    if len(joined) > LINES:
        joined = [*joined[: LINES - 1], f"{joined[LINES - 1][: LINE - 1]}…"]
    return "\n".join(joined)
