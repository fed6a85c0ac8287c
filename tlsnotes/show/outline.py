"""A tree of fields as columns of numbers, the form in which the explorer gets it: small, flat, read in one pass.

For each field, in the order of `walk`, WIDTH numbers: its depth, name, type, first byte, number of bytes, value, words,
words for its value, flags. Names, types, values and keys of words are indexes into one list of `texts`; 0 is none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice

from tlsnotes.show.tables import visible
from tlsnotes.show.values import describe, is_plumbing
from tlsnotes.show.words import all_words, keyed, value_keys
from tlsnotes.wire.fields import Field

WIDTH = 9
PLUMBING, PROBLEM = 1, 2  # flags; PROBLEM: the value is followed by what is odd, in the same text
MAX_FIELDS = 400_000  # of one document: forty thousand names of a certificate


@dataclass(slots=True)
class Texts:
    """Every text of a payload once, by its index; and the keys of the words that are used."""

    all: list[str] = field(default_factory=lambda: [""])
    used: set[str] = field(default_factory=set)
    _index: dict[str, int] = field(default_factory=lambda: {"": 0})

    def index(self, text: str) -> int:
        """The index of a text, which is taken up if it is new."""
        found = self._index.get(text)
        if found is None:
            found = self._index[text] = len(self.all)
            self.all.append(text)
        return found

    def words(self, *keys: str | None) -> int:
        """The index of a text that names keys of words, with "|" between them; 0 for none."""
        named = [key for key in keys if key]
        self.used.update(named)
        return self.index("|".join(named))

    def said(self) -> dict[str, dict[str, str]]:
        """The words that are used, by key."""
        return {
            key: {name: text for name, text in all_words()[key]._asdict().items() if text} for key in sorted(self.used)
        }


def outline(roots: Iterable[Field], texts: Texts, *, base: int = 0) -> list[int]:
    """Lay trees out as numbers, one after the other; `base` is added to every offset."""
    columns: list[int] = []
    for root in roots:
        columns += _tree(root, texts, base=base)
    return columns


def _tree(root: Field, texts: Texts, *, base: int) -> list[int]:
    columns: list[int] = []
    for one, key, depth, parent, inside in islice(keyed(root), MAX_FIELDS):
        value = describe(one, inside) if parent else ""  # of the whole, the heading says it
        flags = PLUMBING if is_plumbing(one, parent) else 0
        if one.problem:
            flags |= PROBLEM
            value = visible(f"{value} · {one.problem}" if value else one.problem)
        columns += (
            depth,
            texts.index(visible(one.name)),
            texts.index(visible(one.type)),
            base + one.start,
            one.end - one.start,
            texts.index(value),
            texts.words(key),
            texts.words(*value_keys(one)),
            flags,
        )
    return columns
