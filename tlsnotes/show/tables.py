"""Plain tables: HTML that still makes sense with all styling removed, and the same as text for a terminal.

All that comes from a peer or a certificate is escaped here, and its control and bidi characters are made visible.
`mathjax_ignore` keeps JupyterLab from typesetting it: TeX in a name could otherwise make a link.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from tlsnotes.checks import Check
from tlsnotes.errors import printable
from tlsnotes.live.recording import Recording
from tlsnotes.wire.handshake import dissect
from tlsnotes.wire.records import Record
from tlsnotes.wire.registry import ContentType
from tlsnotes.wire.streams import Message

MAX_ROWS = 60
MAX_TEXT = 200
MARKS = {True: "✓ ok", False: "✗ to fix", None: "– missing"}  # the words of `tlsnotes check`

# The class stands twice in each rule because JupyterLab's own rules for tables would win over one.
_STYLE = """<style>
.tlsnotes-table.tlsnotes-table { border-collapse: collapse; font-size: 13px; margin: 4px 0 8px; min-width: 38em;
  color: var(--jp-ui-font-color1, #1a1a1a); table-layout: auto; }
.tlsnotes-table.tlsnotes-table caption { text-align: left; padding: 4px 8px; color: var(--jp-ui-font-color2, #555); }
.tlsnotes-table.tlsnotes-table :is(th, td) { text-align: left; padding: 4px 16px 4px 8px; vertical-align: top;
  border: 0; border-bottom: 1px solid var(--jp-border-color2, #ddd); }
.tlsnotes-table.tlsnotes-table tbody tr:nth-child(n) { background: none; }
.tlsnotes-table.tlsnotes-table th { font-weight: 600; white-space: nowrap; }
.tlsnotes-table.tlsnotes-table .number { text-align: right; font-variant-numeric: tabular-nums; }
.tlsnotes-table.tlsnotes-table .from-server { text-align: right; }
.tlsnotes-table.tlsnotes-table .quiet { color: var(--jp-ui-font-color2, #555); }
.tlsnotes-table.tlsnotes-table .short { white-space: nowrap; }
.tlsnotes-table.tlsnotes-table .holds { color: var(--tlsnotes-holds, #1a7f4b); white-space: nowrap; }
.tlsnotes-table.tlsnotes-table .fails { color: var(--tlsnotes-fails, #b3261e); white-space: nowrap; font-weight: 600; }
[data-jp-theme-light="false"] .tlsnotes-table { --tlsnotes-holds: #5fd39a; --tlsnotes-fails: #ff8a80; }
</style>"""


Cell = tuple[str, str]  # its text, and its look: a class of the style above, which never carries the meaning alone


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells below a caption and a head."""

    caption: str
    head: Sequence[Cell]
    rows: Sequence[Sequence[Cell]]

    def _repr_html_(self) -> str:
        caption = f"<caption>{_html(self.caption)}</caption>" if self.caption else ""
        head = "".join(f'<th scope="col" class="{look}">{_html(text)}</th>' for text, look in self.head)
        rows = "\n".join(
            "<tr>" + "".join(f'<td class="{look}">{_html(text)}</td>' for text, look in row) + "</tr>"
            for row in self.rows
        )
        return (
            f'{_STYLE}\n<table class="tlsnotes-table mathjax_ignore">{caption}\n'
            f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table>"
        )

    def __repr__(self) -> str:
        lines = [[visible(text) for text, _ in row] for row in (self.head, *self.rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        padded = ("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) for line in lines)
        caption = [visible(self.caption)] if self.caption else []
        return "\n".join([*caption, *(line.rstrip() for line in padded)])


def recording_table(recording: Recording) -> Table:
    """List the records of a recording in their order: direction, size, and what can be seen without any key."""
    seen = dissect(recording.segments)
    begun: dict[tuple[str, int], list[Message]] = {}
    for message in seen.messages:
        begun.setdefault((message.sender, message.records[0].index), []).append(message)
    texts = [_visible_in(record, begun.get((record.sender, record.index), [])) for record in seen.records]
    head = [("#", "number"), ("ms", "number"), ("direction", ""), ("record", ""), ("bytes", "number")]
    rows = [
        [
            (str(number), "number"),
            (_milliseconds(recording.segments[record.segment].time), "number"),
            ("client →", "short") if record.sender == "client" else ("← server", "from-server"),
            (text, "quiet" if record.encrypted else "fails" if text.startswith("alert") else "short"),
            (f"{len(record.raw):,}", "number"),
        ]
        for number, (record, text) in enumerate(zip(seen.records, texts, strict=True), 1)
    ]
    if len(rows) > MAX_ROWS:
        more = f"and {len(rows) - MAX_ROWS} more records"
        rows = [*rows[:MAX_ROWS], [("", ""), ("", ""), ("", ""), (more, "quiet"), ("", "")]]
    size = sum(len(segment.data) for segment in recording.segments)
    caption = f"{recording.outcome or 'under way'} · {len(seen.records)} records · {size:,} bytes"
    return Table(caption, head, rows)


def _visible_in(record: Record, begun: Sequence[Message]) -> str:
    """What a record shows to those without keys: the messages that begin in it, or that it is encrypted."""
    kind = str(ContentType(record.content_type))
    if record.encrypted:
        return f"{kind} (encrypted)"
    names = ", ".join(f"{kind} {m.type!s}" if kind == "alert" else f"{m.type!s}" for m in begun if m.type is not None)
    return names or ("handshake (goes on)" if kind == "handshake" else kind)


def _milliseconds(time: float | None) -> str:
    return "" if time is None else f"{time * 1000:.1f}"


def recording_html(recording: Recording) -> str:
    """The HTML of `recording_table`."""
    return recording_table(recording)._repr_html_()


def checks_table(checks: Iterable[Check], caption: str = "") -> Table:
    """List checks with their verdict, what was found, and what to do."""
    looks = {True: "holds", False: "fails", None: "quiet"}
    rows = [[(MARKS[check.ok], looks[check.ok]), (check.name, "short"), (check.detail, "")] for check in checks]
    return Table(caption, [("", ""), ("what", ""), ("found", "")], rows)


def visible(text: str) -> str:
    """Show control and bidi characters instead of obeying them, and shorten text over 200 characters."""
    shown = printable(text)
    return shown if len(shown) <= MAX_TEXT else f"{shown[:MAX_TEXT]}… ({len(text):,} characters)"


def _html(text: str) -> str:
    return escape(visible(text))
