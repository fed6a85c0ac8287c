"""The few errors that tlsnotes raises on purpose.

Each says, in words for a learner: what went wrong and where, what was expected, what was found, and what to do.
"""

from __future__ import annotations


class TLSNotesError(Exception):
    """Something that a learner gave, or a peer sent, cannot be used.

    `what` names the problem and the place; `expected`, `found` and `fix` are one plain phrase each, or empty.
    """

    def __init__(self, what: str, *, expected: str = "", found: str = "", fix: str = "") -> None:
        self.what = what
        self.expected = expected
        self.found = found
        self.fix = fix
        super().__init__(what)

    def __str__(self) -> str:
        labelled = (("expected", self.expected), ("found", self.found), ("what to do", self.fix))
        return "\n".join([self.what, *(f"  {label}: {text}" for label, text in labelled if text)])


class DecodeError(TLSNotesError):
    """Bytes that are not what they should be: the field (`path`, dotted names) and its byte (`offset`)."""

    def __init__(self, path: str, offset: int, *, expected: str, found: str, fix: str = "") -> None:
        self.path = path
        self.offset = offset
        super().__init__(f"{path} cannot be read at byte {offset}", expected=expected, found=found, fix=fix)
