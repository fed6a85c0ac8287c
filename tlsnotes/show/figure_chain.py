"""A chain as a graph: who is signed by whom, up to who is trusted, with what fails at its place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cryptography import x509

from tlsnotes.checks import Check
from tlsnotes.pki.keys import key_kind
from tlsnotes.pki.names import certificate_names, common_name
from tlsnotes.pki.verdict import Verdict
from tlsnotes.show.figure_validity import Shown, certificates_of
from tlsnotes.show.palette import LARGE, NORMAL, SMALL, Palette, canvas, palette, plain, sentence

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BOX, TALL, BETWEEN, MARGIN = 2.45, 1.1, 1.35, 0.25  # inches
IN_ROW = 3
_INDEX = re.compile(r"certificate (\d+)")


def chain_figure(chain: Shown, *, dark: bool = False) -> Figure:
    """Draw a chain from the end-entity to its last certificate; of a Verdict also what holds and what fails.

    `chain`: a Verdict, a Credential, an Authority, or certificates, the end-entity's first. Raises `TLSNotesError`
    where there is no certificate to draw.
    """
    verdict = chain if isinstance(chain, Verdict) else None
    path: list[x509.Certificate | bytes] = [*verdict.path] if verdict and verdict.path else [*certificates_of(chain)]
    failed: dict[int, list[Check]] = {}
    signed: dict[int, bool | None] = {}
    for check in verdict.checks if verdict else ():
        index = int(found[1]) if (found := _INDEX.match(check.where)) else 0
        if check.ok is False:
            failed.setdefault(index, []).append(check)
        if check.name == "signature":
            signed[index] = check.ok
    trusted = verdict is not None and any(check.name == "trust" and check.ok for check in verdict.checks)
    colours = palette(dark=dark)
    columns = min(len(path), IN_ROW)
    lines = -(-len(path) // IN_ROW)
    width = 2 * MARGIN + columns * BOX + (columns - 1) * BETWEEN
    tall = TALL + 0.2 * max([0, *(min(len(one), 3) for one in failed.values())])
    figure, axes = canvas(max(width, 4.6), 0.75 + lines * (tall + 0.45), colours)
    axes.text(MARGIN, 0.3, _heading(verdict), fontsize=LARGE, weight="bold", va="center",
              color=colours.ink if verdict is None else colours.holds if verdict.ok else colours.fails)  # fmt: skip
    said = []
    for index, one in enumerate(path):
        row, column = divmod(index, IN_ROW)
        x, y = MARGIN + column * (BOX + BETWEEN), 0.65 + row * (tall + 0.45)
        role = (
            "end-entity"
            if index == 0
            else "intermediate"
            if index < len(path) - 1
            else "trust anchor"
            if trusted
            else "last"
        )
        said.append(_box(axes, (x, y, tall), one, f"{role} · {index}", failed.get(index, []), colours))
        if index + 1 < len(path):
            said.append(
                _link(axes, (x + BOX, y + 0.5, y + tall + 0.14), column + 1 < IN_ROW, signed.get(index), colours)
            )
    figure.set_label(sentence([f"A chain as a graph, {_heading(verdict)}.", *said]))
    return figure


def _heading(verdict: Verdict | None) -> str:
    if verdict is None:
        return "a chain, not judged"
    decisive = verdict.decisive
    return "✓ holds" if decisive is None else f"✗ refused: {decisive.name}"


def _box(
    axes: Axes, place: tuple[float, float, float], one: x509.Certificate | bytes, role: str, failed: list[Check],
    colours: Palette,
) -> str:  # fmt: skip
    from matplotlib.patches import FancyBboxPatch  # noqa: PLC0415  # as in palette.py

    x, y, tall = place
    name, key = _names(one)
    edge = colours.fails if failed else colours.line
    axes.add_patch(FancyBboxPatch((x + 0.08, y + 0.08), BOX - 0.16, tall - 0.16, boxstyle="round,pad=0.08",
                                  facecolor=colours.page, edgecolor=edge, linewidth=1.4 if failed else 1))  # fmt: skip
    texts = [
        (role, SMALL, colours.quiet, "normal"),
        (name, NORMAL + 1, colours.ink, "bold"),
        (key, SMALL, colours.quiet, "normal"),
    ]
    texts += [(f"✗ {check.name} fails", SMALL, colours.fails, "bold") for check in failed[:3]]
    if len(failed) > 3:
        texts[-1] = (f"✗ and {len(failed) - 2} more fail", SMALL, colours.fails, "bold")
    at = y + 0.26
    for text, size, colour, weight in texts:
        axes.text(x + 0.18, at, plain(text, 30 if size == SMALL else 24), fontsize=size, color=colour, weight=weight,
                  va="center")  # fmt: skip
        at += 0.27 if weight == "bold" and size != SMALL else 0.24
    problems = f", {', '.join(check.name for check in failed)} fails" if failed else ""
    return f"{role}: {name}, {key}{problems}."


def _link(axes: Axes, place: tuple[float, float, float], beside: bool, holds: bool | None, colours: Palette) -> str:
    """The arrow to the certificate that has signed this one; at the end of a row words stand for it."""
    x, y, below = place
    mark, words = {True: ("✓", "signature holds"), False: ("✗", "signature fails"), None: ("–", "not checked")}[holds]
    colour = {True: colours.holds, False: colours.fails, None: colours.quiet}[holds]
    arrow = {"arrowstyle": "-|>", "color": colour, "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 10}
    if beside:
        axes.annotate("", (x + BETWEEN - 0.12, y), (x + 0.12, y), arrowprops=arrow)
        for number, (text, ink) in enumerate((("signed by", colours.quiet), (f"{mark} {words}", colour))):
            axes.text(
                x + BETWEEN / 2, y + 0.17 + 0.2 * number, text, fontsize=SMALL, color=ink, ha="center", va="center"
            )
    else:
        said = f"signed by the next, below: {mark} {words}"
        axes.text(x, below, said, fontsize=SMALL, color=colour, va="center", ha="right")
    return f"It is signed by the next: {words}."


def _names(one: x509.Certificate | bytes) -> tuple[str, str]:
    if isinstance(one, bytes):
        return "cannot be read", f"{len(one):,} bytes"
    names = certificate_names(one)
    try:
        name = names[0] if names else common_name(one.subject)
        kind = key_kind(one.public_key())
    except Exception:  # noqa: BLE001  # cryptography raises many things for odd certificates of others
        return (names[0] if names else "an odd certificate"), "a key that cannot be named"
    return name, kind
