"""An `Explanation`: plain words for a terminal, and HTML that still makes sense with all styling removed.

What comes from a peer or a program is escaped, and its control and bidi characters are made visible.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from html import escape

from tlsnotes.show.causes import Likely
from tlsnotes.show.tables import visible

WIDTH = 100  # columns of a terminal
MAX_TEXT = 3000
WHO = {
    "client": "The client refused,",
    "server": "The server refused,",
    "proxy": "The proxy refused,",
    "sender": "The sender of the alert refused,",
    "nobody": "Nobody refused; it ended",
    "": "Which side refused is not said; it ended",
}
STEPS = {
    "prepare": "before any connection",
    "connect": "on the way to the server, before TLS",
    "handshake": "in the TLS handshake",
    "certificate": "when the other side's certificate was checked",
    "answer": "after the handshake, at the answer",
    "done": "after all of TLS",
}
_STYLE = """<style>
.tlsnotes-explanation { font-size: 13px; line-height: 1.5; max-width: 60em; margin: 4px 0 8px;
  border: 1px solid var(--jp-border-color2, #ddd); border-radius: 8px; overflow: hidden;
  color: var(--jp-ui-font-color1, #1a1a1a); background: var(--jp-layout-color1, #fff);
  --tlsnotes-accent: #0b6e99; --tlsnotes-fails: #b3261e; --tlsnotes-tint: #fbe9e7; }
[data-jp-theme-light="false"] .tlsnotes-explanation { --tlsnotes-accent: #6cc3e8; --tlsnotes-fails: #ff8a80;
  --tlsnotes-tint: #3a2422; }
.tlsnotes-explanation .tlsnotes-title { margin: 0; padding: 10px 16px; font-weight: 600; font-size: 14px;
  border-bottom: 1px solid var(--jp-border-color2, #ddd); }
.tlsnotes-explanation.tlsnotes-refusal .tlsnotes-title { background: var(--tlsnotes-tint); }
.tlsnotes-explanation.tlsnotes-refusal .tlsnotes-mark { color: var(--tlsnotes-fails); }
.tlsnotes-explanation dl { display: grid; grid-template-columns: 9em 1fr; gap: 8px 16px; margin: 0;
  padding: 12px 16px; }
.tlsnotes-explanation dt { color: var(--jp-ui-font-color2, #555); font-weight: 400; margin: 0;
  float: none; width: auto; }
.tlsnotes-explanation dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
.tlsnotes-explanation ol { margin: 0; padding-left: 1.3em; }
.tlsnotes-explanation li { margin: 0 0 6px; }
.tlsnotes-explanation .tlsnotes-quiet { color: var(--jp-ui-font-color2, #555); }
.tlsnotes-explanation .tlsnotes-fix { font-weight: 600; }
.tlsnotes-explanation code { display: inline-block; font-size: 12px; padding: 1px 6px; border-radius: 4px;
  color: inherit; background: var(--jp-layout-color2, #f3f3f3); border-left: 2px solid var(--tlsnotes-accent);
  white-space: pre-wrap; }
@media (max-width: 800px) { .tlsnotes-explanation dl { grid-template-columns: 1fr; gap: 2px; }
  .tlsnotes-explanation dd { margin-bottom: 8px; } }
</style>"""


@dataclass(frozen=True, slots=True, repr=False)
class Explanation:
    """What happened, in words. Printing it shows all; a notebook shows it as HTML.

    `cause` is a stable id ("expired", "unknown"); `refused` "client", "server", "proxy", "nobody", "sender" (of an
    alert that came from a side unknown) or ""; `step` as `Outcome.stage`, or "" where nothing went wrong.
    `known` is what it was recognised by: (what it is, the code, number or words).
    """

    cause: str
    title: str
    refused: str
    step: str
    happened: str
    likely: tuple[Likely, ...] = ()
    fix: str = ""
    avoid: str = ""
    rfc: str = ""
    known: tuple[tuple[str, str], ...] = ()
    heading: str = "likely causes"

    @property
    def who(self) -> str:
        """Which side refused and at which step, in one sentence; "" where nothing was refused."""
        if not self.step:
            return ""
        return f"{WHO.get(self.refused, self.refused)} {STEPS.get(self.step, self.step)}."

    def __repr__(self) -> str:
        parts = [visible(self.title), *_entry("what happened", self.happened), *_entry("who, and when", self.who)]
        if self.likely:
            parts += ["", f"  {self.heading}:"]
        for number, likely in enumerate(self.likely, 1):
            parts += _wrapped(likely.why, f"  {number}. ")
            parts += _wrapped(likely.tell, "     -> ") if likely.tell else []
            parts += [f"        {visible(likely.run)}"] if likely.run else []
        parts += _entry("the fix", self.fix) + _entry("not this", self.avoid) + _entry("read on", self.rfc)
        if self.known:
            parts += ["", "  known by:", *(f"     {visible(what)}: {visible(value)}" for what, value in self.known)]
        return "\n".join(parts)

    def _repr_html_(self) -> str:
        refusal = self.refused != "nobody" and bool(self.step)
        mark = '<span class="tlsnotes-mark">✗</span> ' if refusal else ""
        known = "<br>".join(f'<span class="tlsnotes-quiet">{_html(w)}:</span> {_html(v)}' for w, v in self.known)
        entries = [
            ("what happened", _html(self.happened)),
            ("who, and when", _html(self.who)),
            (self.heading, f"<ol>{''.join(map(_likely_html, self.likely))}</ol>" if self.likely else ""),
            ("the fix", f'<span class="tlsnotes-fix">{_html(self.fix)}</span>' if self.fix else ""),
            ("not this", _html(self.avoid)),
            ("read on", _html(self.rfc)),
            ("known by", known),
        ]
        items = "\n".join(f"<dt>{_html(label)}</dt><dd>{html}</dd>" for label, html in entries if html)
        return (
            f'{_STYLE}\n<section class="tlsnotes-explanation mathjax_ignore{" tlsnotes-refusal" if refusal else ""}">\n'
            f'<p class="tlsnotes-title">{mark}{_html(self.title)}</p>\n<dl>\n{items}\n</dl>\n</section>'
        )


def _likely_html(likely: Likely) -> str:
    tell = f'<br><span class="tlsnotes-quiet">{_html(likely.tell)}</span>' if likely.tell else ""
    run = f"<br><code>{_html(likely.run)}</code>" if likely.run else ""
    return f"<li>{_html(likely.why)}{tell}{run}</li>"


def _entry(label: str, text: str) -> list[str]:
    return ["", *_wrapped(text, f"  {label}: ")] if text else []


def _wrapped(text: str, first: str) -> list[str]:
    return textwrap.wrap(_safe(text), WIDTH, initial_indent=first, subsequent_indent="     ")


def _html(text: str) -> str:
    return escape(_safe(text))


def _safe(text: str) -> str:
    """Make visible what should be; a sentence of ours may be longer than what `visible` leaves whole."""
    return "".join(visible(text[at : at + 150]) for at in range(0, min(len(text), MAX_TEXT), 150))
