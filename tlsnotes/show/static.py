"""Handshakes and trees without a widget: tables that say the same on any page and in any terminal."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from tlsnotes.show.comparison import DIFFERS, SAME, aligned, facts
from tlsnotes.show.explorable import Explorable, explorable
from tlsnotes.show.ladder import is_error, ladder_html
from tlsnotes.show.payload import heading_of, milliseconds
from tlsnotes.show.places import place_of
from tlsnotes.show.tables import Cell, Table
from tlsnotes.show.values import describe, is_plumbing
from tlsnotes.show.words import keyed
from tlsnotes.wire.fields import Field
from tlsnotes.wire.handshake import Handshake
from tlsnotes.wire.registry import ContentType

MAX_ROWS = 60
MAX_LEVEL = 5  # of fields; deeper ones are in the explorer
INDENT = "· "  # spaces alone would be lost in HTML, and shown as what they are by `visible`


def handshake_table(handshake: Handshake) -> Table:
    """List the messages of a handshake: sender, size, whether it was encrypted, and what was checked."""
    held: dict[int, list[tuple[bool | None, str]]] = {}
    for check in handshake.checks:
        if place := place_of(check, handshake):
            held.setdefault(place[0], []).append((check.ok, check.name))
    rows: list[list[Cell]] = []
    for number, message in enumerate(handshake.messages[:MAX_ROWS]):
        alert = message.content_type == ContentType.alert
        rows.append(
            [
                (str(number), "number"),
                (milliseconds(message.time), "number"),
                ("client →", "short") if message.sender == "client" else ("← server", "from-server"),
                (f"Alert {message.type!s}" if alert else message.name, "fails" if is_error(message) else "short"),
                (f"{len(message.raw):,}", "number"),
                ("encrypted" if message.encrypted else "in the clear", "quiet"),
                _checked(held.get(number, [])),
            ]
        )
    if (left := len(handshake.messages) - MAX_ROWS) > 0:
        rows.append([("", ""), ("", ""), ("", ""), (f"and {left:,} more", "quiet"), ("", ""), ("", ""), ("", "")])
    caption = " · ".join([*heading_of(handshake), handshake.outcome])
    head = [
        ("#", "number"),
        ("ms", "number"),
        ("direction", ""),
        ("message", ""),
        ("bytes", "number"),
        ("", ""),
        ("checked", ""),
    ]
    return Table(caption, head, rows)


def _checked(found: list[tuple[bool | None, str]]) -> Cell:
    marks = {True: "✓", False: "✗", None: "–"}
    look = "fails" if any(ok is False for ok, _ in found) else "holds" if any(ok for ok, _ in found) else "quiet"
    return ", ".join(f"{marks[ok]} {name}" for ok, name in found), look if found else ""


def fields_table(tree: Field, caption: str = "") -> Table:
    """List the fields of a message, a certificate or its like: name, value, and which bytes they are."""
    rows: list[list[Cell]] = []
    shown = islice(_shown(tree), MAX_ROWS + 1)
    for level, field, inside in shown:
        if len(rows) == MAX_ROWS:
            rows.append([("and more", "quiet"), ("", ""), ("", "")])
            break
        name = f"{INDENT * level}{field.name or field.type}"
        value = describe(field, inside) if level else f"{len(field.raw):,} bytes"
        problem = f" · {field.problem}" if field.problem else ""
        place = f"{field.start}" if field.end - field.start < 2 else f"{field.start}–{field.end - 1}"
        rows.append([(name, "short"), (value + problem, "fails wide" if problem else ""), (place, "number")])
    return Table(caption, [("field", ""), ("value", ""), ("bytes", "number")], rows)


def _shown(tree: Field) -> Iterator[tuple[int, Field, str]]:
    """The fields that mean something, with their level: what wraps them adds none."""
    levels: list[tuple[int, int]] = []  # (depth, level) of the fields around that are shown
    for field, _, depth, parent, inside in keyed(tree):
        while levels and levels[-1][0] >= depth:
            levels.pop()
        if is_plumbing(field, parent):
            continue
        level = levels[-1][1] + 1 if levels else 0
        levels.append((depth, level))
        if level <= MAX_LEVEL:
            yield level, field, inside


def comparison_table(first: Handshake, second: Handshake) -> Table:
    """List what two handshakes agreed on and cost, side by side, and which messages only one of them has."""
    said = {SAME: ("= same", "quiet short"), DIFFERS: ("≠ differs", "short")}
    rows: list[list[Cell]] = [
        [(name, "short"), (a, ""), (b, ""), said[mark]] for name, a, b, mark in facts(first, second)
    ]
    for one, other in aligned(first.messages[:MAX_ROWS], second.messages[:MAX_ROWS]):
        if one is None or other is None:
            names = ["" if message is None else f"{message.sender}: {message.name}" for message in (one, other)]
            which = "only in the first" if other is None else "only in the second"
            rows.append([("message", "short"), (names[0], ""), (names[1], ""), (which, "short")])
    return Table("", [("", ""), ("first", ""), ("second", ""), ("", "")], rows)


def tables(shown: Explorable) -> list[Table]:
    """The tables that say what an explorer shows."""
    if shown.pair is not None:
        return [comparison_table(*shown.pair)]
    if shown.handshake is not None:
        return [handshake_table(shown.handshake)]
    return [fields_table(tree, name if len(shown.trees) > 1 else shown.title) for name, tree in shown.trees]


def html(shown: Explorable) -> str:
    """The HTML of an explorer where no widget lives: the ladder as a picture, and its tables."""
    ladder = [ladder_html(shown.handshake)] if shown.handshake is not None else []
    return "\n".join([*ladder, *(table._repr_html_() for table in tables(shown))])


def text(shown: Explorable) -> str:
    """The same as text."""
    return "\n\n".join(repr(table) for table in tables(shown))


def object_html(shown: object) -> str:
    """The HTML of a Handshake, a Message or a Field by itself."""
    return html(explorable(shown))
