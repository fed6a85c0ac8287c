"""A local badssl that never rots: every mistake that makes a client refuse, to be made again on this machine.

`MISTAKES[id].serve()` makes one: certificates with times relative to now, a server on loopback, files for the client;
everything is gone afterwards. The words and what each client answers are in `mistakes.toml`, the recipes in
`mistakes_recipes`. What this machine's OpenSSL cannot make says so in `unavailable()`, and is never pretended.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType

from tlsnotes.errors import TLSNotesError
from tlsnotes.live.mistakes_recipes import RECIPES, Recipe
from tlsnotes.live.mistakes_scenes import Scene, rehearse, scene_of
from tlsnotes.pki.credential import Credential

__all__ = ["MISTAKES", "Code", "Mistake", "Scene"]

Code = int | str
Expected = Code | tuple[Code, ...]

# Python's default context checks more since this version: `strict` in the table of what is expected.
STRICT_SINCE = (3, 13)
PYTHON_CLIENTS = ("requests", "ssl")


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake: `id`, `title`, `story` (how it happens at work), `fix` (the right one) and `group` (badssl's word).

    `check`: the name of the check of `judge` that fails, or "" where none does. `expected`: by client, the code of its
    refusal in its own words, "ok" where it accepts, a tuple where versions of it differ.
    """

    id: str
    title: str
    group: str
    story: str
    fix: str
    check: str
    expected: Mapping[str, Expected]
    _recipe: Recipe = field(repr=False)

    def serve(self, root: Credential | None = None) -> AbstractContextManager[Scene]:
        """Make the mistake: a context manager that gives the `Scene`, and leaves nothing behind.

        `root`: an `ordinary_root` that several scenes share; the mistake has its own where its root is the mistake.
        Raises `TLSNotesError` on entry where this machine cannot make it.
        """
        return scene_of(self._recipe, root)

    def unavailable(self) -> str:
        """Say why this machine cannot make the mistake; "" where it can. Found by trying, once."""
        return _unavailable(self.id)

    def agrees(self, client: str, code: Code) -> bool:
        """Whether `client` answers as expected: with one of the codes, or 0 or "ok" where it is expected to accept.

        Raises `TLSNotesError` for a client that nothing is expected of.
        """
        if client not in self.expected:
            raise TLSNotesError(
                f"nothing is expected of {client!r} here",
                expected=f"one of {', '.join(self.expected)}",
                found=repr(client),
            )
        expected = self.expected[client]
        return ("ok" if code == 0 else code) in (expected if isinstance(expected, tuple) else (expected,))

    def __repr__(self) -> str:
        return f"<Mistake {self.id!r}: {self.title}>"


@cache
def _unavailable(mistake: str) -> str:
    try:
        rehearse(RECIPES[mistake])
    except TLSNotesError as error:
        return str(error)
    return ""


def _expected(table: Mapping[str, Code | list[Code]], strict: bool) -> Mapping[str, Expected]:
    """Write a row of the table out, by client; the rules stand at the top of `mistakes.toml`."""
    named = {client: tuple(codes) if isinstance(codes, list) else codes for client, codes in table.items()}
    python = named.pop("python", None)
    stricter = named.pop("strict", None)
    ours = {client: python for client in PYTHON_CLIENTS if python is not None}
    if strict and stricter is not None:
        ours = dict.fromkeys(PYTHON_CLIENTS, stricter)
    return MappingProxyType({**ours, "newman": named["node"], **named})


def _read(words: Mapping[str, dict[str, object]], strict: bool) -> Iterable[Mistake]:
    for identity, recipe in RECIPES.items():
        entry = dict(words[identity])
        expected = _expected(entry.pop("expected"), strict)  # type: ignore[arg-type]  # TOML knows no types; the tests look
        yield Mistake(identity, **entry, expected=expected, _recipe=recipe)  # type: ignore[arg-type]  # as above


_WORDS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))

MISTAKES: Mapping[str, Mistake] = {
    mistake.id: mistake for mistake in _read(_WORDS, strict=sys.version_info >= STRICT_SINCE)
}
