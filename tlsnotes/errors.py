"""The few errors that tlsnotes raises on purpose.

Each says, in words for a learner: what went wrong and where, what was expected, what was found, and what to do.
"""

from __future__ import annotations


def printable(text: str) -> str:
    """Text that a peer had a hand in, with its control and bidi characters made visible in place of being obeyed."""
    return text if text.isprintable() else "".join(map(_shown, text))


def _shown(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")


class TLSNotesError(Exception):
    """Something that a learner gave, or a peer sent, cannot be used.

    `what` names the problem and the place; `expected`, `found` and `fix` are one plain phrase each, or empty. Whatever
    bytes they quote, they obey none.
    """

    def __init__(self, what: str, *, expected: str = "", found: str = "", fix: str = "") -> None:
        self.what = _lines(what)
        self.expected = _lines(expected)
        self.found = _lines(found)
        self.fix = _lines(fix)
        super().__init__(self.what)

    def __str__(self) -> str:
        labelled = (("expected", self.expected), ("found", self.found), ("what to do", self.fix))
        return "\n".join([self.what, *(f"  {label}: {text}" for label, text in labelled if text)])


class DecodeError(TLSNotesError):
    """Bytes that are not what they should be: the field (`path`, dotted names) and its byte (`offset`)."""

    def __init__(self, path: str, offset: int, *, expected: str, found: str, fix: str = "") -> None:
        self.path = path
        self.offset = offset
        super().__init__(f"{path} cannot be read at byte {offset}", expected=expected, found=found, fix=fix)


def _lines(text: str) -> str:
    return text if text.isprintable() else "\n".join(map(printable, text.split("\n")))
