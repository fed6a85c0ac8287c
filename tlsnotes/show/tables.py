"""Plain tables: HTML that still makes sense with all styling removed, and the same as text for a terminal.

All that comes from a peer or a certificate is escaped here, and its control and bidi characters are made visible.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from tlsnotes.checks import Check
from tlsnotes.live.recording import Recording
from tlsnotes.wire.records import describe_records, split_records

MAX_ROWS = 60
MAX_TEXT = 200
MARKS = {True: "✓ ok", False: "✗ to do", None: "– not there"}

_STYLE = """<style>
.tlsnotes-table { border-collapse: collapse; font-size: 13px; margin: 4px 0 8px;
  color: var(--jp-ui-font-color1, #1a1a1a); }
.tlsnotes-table caption { text-align: left; padding: 4px 8px; color: var(--jp-ui-font-color2, #555); }
.tlsnotes-table th, .tlsnotes-table td { text-align: left; padding: 4px 12px 4px 8px; vertical-align: top;
  border: 0; border-bottom: 1px solid var(--jp-border-color2, #ddd); background: none; }
.tlsnotes-table th { font-weight: 600; }
.tlsnotes-table td.number { text-align: right; font-variant-numeric: tabular-nums; }
.tlsnotes-table td.from-server { text-align: right; }
.tlsnotes-table td.encrypted { color: var(--jp-ui-font-color2, #555); }
.tlsnotes-table td.holds { color: var(--tlsnotes-holds, #1a7f4b); white-space: nowrap; }
.tlsnotes-table td.fails { color: var(--tlsnotes-fails, #b3261e); white-space: nowrap; font-weight: 600; }
[data-jp-theme-light="false"] .tlsnotes-table { --tlsnotes-holds: #5fd39a; --tlsnotes-fails: #ff8a80; }
</style>"""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under a caption; a cell's class (see the style) says how it looks, never what it means."""

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    classes: Sequence[Sequence[str]]

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col">{_html(text)}</th>' for text in self.head)
        rows = "\n".join(
            "<tr>" + "".join(_cell(text, name) for text, name in zip(row, names, strict=True)) + "</tr>"
            for row, names in zip(self.rows, self.classes, strict=True)
        )
        return (
            f'{_STYLE}\n<table class="tlsnotes-table"><caption>{_html(self.caption)}</caption>\n'
            f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table>"
        )

    def __repr__(self) -> str:
        lines = [[visible(text) for text in row] for row in (self.head, *self.rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        padded = ("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) for line in lines)
        return "\n".join([visible(self.caption), *(line.rstrip() for line in padded)])


def recording_table(recording: Recording) -> Table:
    """List the records of a recording in their order: direction, size, and what can be seen without any key."""
    records = split_records(recording.segments)
    rows, classes = [], []
    for number, (record, seen) in enumerate(zip(records, describe_records(records), strict=True), 1):
        time = recording.segments[record.segment].time
        client = record.sender == "client"
        rows.append(
            [
                str(number),
                "" if time is None else f"{time * 1000:.1f}",
                "client →" if client else "← server",
                seen,
                f"{len(record.raw):,}",
            ]
        )
        classes.append(
            [
                "number",
                "number",
                "" if client else "from-server",
                "encrypted" if "(encrypted)" in seen else "",
                "number",
            ]
        )
    if len(rows) > MAX_ROWS:
        left = len(rows) - MAX_ROWS
        rows = [*rows[:MAX_ROWS], ["", "", "", f"and {left} more records", ""]]
        classes = [*classes[:MAX_ROWS], ["", "", "", "encrypted", ""]]
    size = sum(len(segment.data) for segment in recording.segments)
    outcome = recording.outcome or "under way"
    caption = f"{outcome}: {len(records)} records, {size:,} bytes, as anybody on the way sees them"
    return Table(caption, ["#", "ms", "direction", "record", "bytes"], rows, classes)


def recording_html(recording: Recording) -> str:
    """The HTML of `recording_table`."""
    return recording_table(recording)._repr_html_()


def checks_table(checks: Iterable[Check], caption: str = "") -> Table:
    """List checks with their verdict, what was found, and what to do."""
    rows, classes = [], []
    for check in checks:
        rows.append([MARKS[check.ok], check.name, check.detail])
        classes.append([{True: "holds", False: "fails", None: "encrypted"}[check.ok], "", ""])
    return Table(caption, ["", "what", "found"], rows, classes)


def visible(text: str) -> str:
    """Show control and bidi characters instead of obeying them, and shorten text over 200 characters."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
    return shown if len(shown) <= MAX_TEXT else f"{shown[:MAX_TEXT]}… ({len(text):,} characters)"


def _html(text: str) -> str:
    return escape(visible(text))


def _cell(text: str, name: str) -> str:
    return f'<td class="{name}">{_html(text)}</td>' if name else f"<td>{_html(text)}</td>"
