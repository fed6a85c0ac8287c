"""The glossary and where the notebooks use its words: what the tests of the course look for in their prose."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

PAGE = "glossary.md"
ENTRY = re.compile(r"^### (?P<term>.+)\n\n(?P<text>(?:(?!^#).*\n?)+)", re.MULTILINE)
ALSO = re.compile(r"^\*Also: (.+)\*$", re.MULTILINE)
LINK = re.compile(rf"\]\({re.escape(PAGE)}#([^)]+)\)")
# What is not prose: code, pictures, links with their words, headings, tags.
MASKED = re.compile(r"```.*?```|`[^`\n]*`|!?\[[^\]]*\]\([^)]*\)|^#[^\n]*|<[^>\n]+>", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Term:
    """A word of the glossary: its heading, other words for it, and what is said of it."""

    name: str
    also: tuple[str, ...]
    text: str

    @property
    def anchor(self) -> str:
        """What JupyterLab and nbconvert make of its heading."""
        return self.name.replace(" ", "-")

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Any of its words, in the plural too; one with capitals as it is written, others in any case."""
        words = sorted((self.name, *self.also), key=len, reverse=True)
        each = (re.escape(word) if word != word.lower() else f"(?i:{re.escape(word)})" for word in words)
        return re.compile(rf"(?<![\w-])(?:{'|'.join(each)})s?(?![\w-])")


def terms_of(text: str) -> list[Term]:
    """The entries of the glossary."""
    found = []
    for entry in ENTRY.finditer(text):
        also = ALSO.search(entry["text"])
        found.append(Term(entry["term"], tuple(also[1].split(", ")) if also else (), entry["text"]))
    return found


def prose(text: str) -> str:
    """The text with everything that is not prose blanked out, each character in its place."""
    return MASKED.sub(lambda found: re.sub(r"[^\n]", "\0", found[0]), text)


def first_uses(text: str, terms: list[Term]) -> Iterator[tuple[Term, int | None, int | None]]:
    """For each term that a text uses: where its first link to the glossary is, and its first use without one."""
    left = prose(text)
    linked: dict[str, int] = {}
    for link in LINK.finditer(text):
        linked.setdefault(link[1], link.start())
    # A longer term first, and blanked out then: "extended key usage" is no use of "key usage".
    for term in sorted(terms, key=lambda one: -len(one.name)):
        found = term.pattern.search(left)
        left = term.pattern.sub(lambda one: "\0" * len(one[0]), left)
        if found or term.anchor in linked:
            yield term, linked.get(term.anchor), found.start() if found else None
