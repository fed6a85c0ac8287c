"""The ladder as a picture: who said what, in which order, as an SVG that stands alone.

For pages where no widget lives: it is shown as an image, so it brings its colours with it, and for those who do not see
it its alt text tells the same.
"""

from __future__ import annotations

import base64
from html import escape

from tlsnotes.show.payload import milliseconds
from tlsnotes.show.places import place_of
from tlsnotes.show.tables import visible
from tlsnotes.wire.handshake import Handshake
from tlsnotes.wire.registry import AlertDescription, ContentType
from tlsnotes.wire.streams import Message

MAX_RUNGS = 40
WIDTH, LEFT, RIGHT, TOP, RUNG, GAP = 560, 70, 440, 44, 30, 12
_STYLE = (
    "text{font:13px system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif;fill:#1a1c1f}"
    ".q{fill:#595f69;font-size:12px}.l{stroke:#e0e3e7}.a{stroke:#1a1c1f;fill:#1a1c1f}"
    ".f{fill:#b3261e;stroke:#b3261e;font-weight:600}.f text,text.f{stroke:none}.h{fill:#1a7f4b}"
    "@media(prefers-color-scheme:dark){rect.p{fill:#111315;stroke:#32373d}text{fill:#e6e8eb}.q{fill:#a9b0ba}"
    ".l{stroke:#32373d}.a{stroke:#e6e8eb;fill:#e6e8eb}.f,text.f{fill:#ff8a80;stroke:#ff8a80}text.f{stroke:none}.h{fill:#5fd39a}}"
)


def ladder_html(handshake: Handshake) -> str:
    """The ladder as an `<img>` whose source and words are all in it."""
    data = base64.b64encode(ladder_svg(handshake).encode()).decode("ascii")
    style = "max-width: 100%; height: auto"
    return f'<img style="{style}" alt="{escape(ladder_words(handshake))}" src="data:image/svg+xml;base64,{data}">'


def ladder_words(handshake: Handshake) -> str:
    """The ladder in words: each flight as a sentence."""
    flights: list[tuple[str, list[str]]] = []
    for message in handshake.messages[:MAX_RUNGS]:
        if not flights or flights[-1][0] != message.sender:
            flights.append((message.sender, []))
        flights[-1][1].append(_label(message) + (" (encrypted)" if message.encrypted else ""))
    said = "; ".join(f"{sender} sends {', '.join(names)}" for sender, names in flights)
    return visible(f"Ladder of the handshake, {handshake.outcome}: ") + said[:4000] + "."


def ladder_svg(handshake: Handshake) -> str:
    """The ladder as an SVG document (text); everything from the peers is escaped."""
    verified = {place[0] for check in handshake.checks if check.ok and (place := place_of(check, handshake))}
    rungs, y, before, time = [], TOP, "", ""
    for number, message in enumerate(handshake.messages[:MAX_RUNGS]):
        y += RUNG + (GAP if before and before != message.sender else 0)
        shown = milliseconds(message.time)
        rungs.append(_rung(message, y, "" if shown == time else shown, verified=number in verified))
        before, time = message.sender, shown
    if (left := len(handshake.messages) - MAX_RUNGS) > 0:
        y += RUNG
        rungs.append(f'<text class="q" x="{(LEFT + RIGHT) / 2}" y="{y}" text-anchor="middle">and {left:,} more</text>')
    height, timed = y + 22, any(message.time is not None for message in handshake.messages)
    lines = "".join(f'<line class="l" x1="{x}" y1="{TOP - 8}" x2="{x}" y2="{height - 8}"/>' for x in (LEFT, RIGHT))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}">'
        f"<style>{_STYLE}</style>"
        f'<rect class="p" x=".5" y=".5" width="{WIDTH - 1}" height="{height - 1}" rx="8" fill="#fff" stroke="#e0e3e7"/>'
        f'<text class="q" x="{LEFT - 34}" y="26" text-anchor="end">{"ms" if timed else ""}</text>'
        f'<text class="q" x="{LEFT}" y="26" text-anchor="middle">client</text>'
        f'<text class="q" x="{RIGHT}" y="26" text-anchor="middle">server</text>{lines}{"".join(rungs)}</svg>'
    )


def is_error(message: Message) -> bool:
    """Whether a message is an alert that says what is wrong: close_notify only says goodbye."""
    return message.content_type == ContentType.alert and message.type != AlertDescription.close_notify


def _label(message: Message) -> str:
    alert = message.content_type == ContentType.alert
    return visible(f"Alert {message.type!s}" if alert else message.name)


def _rung(message: Message, y: int, time: str, *, verified: bool) -> str:
    look = "f" if is_error(message) else "a"
    start, end, head = (LEFT, RIGHT, -8) if message.sender == "client" else (RIGHT, LEFT, 8)
    arrow = (
        f'<g class="{look}"><line x1="{start}" y1="{y}" x2="{end}" y2="{y}"/>'
        f'<path stroke="none" d="M{end} {y}l{head} -4v8z"/></g>'
    )
    words = f'<text class="{look if look == "f" else ""}" x="{(LEFT + RIGHT) / 2}" y="{y - 6}" text-anchor="middle">'
    marks = " ".join(["encrypted"] * message.encrypted)
    mark = f'<text class="h" x="{RIGHT + 88}" y="{y - 2}">✓</text>' if verified else ""
    return (
        f'<text class="q" x="{LEFT - 12}" y="{y}" text-anchor="end">{time}</text>'
        f"{arrow}{words}{escape(_label(message))}</text>"
        f'<text class="q" x="{RIGHT + 14}" y="{y - 2}">{marks}</text>{mark}'
    )
