"""What a reader of TLS has made of a connection, in terms that two readers can be compared by.

Nobody is to look fast by leaving something out: a comparison is made only where both have read the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from benchmarks.connections import Connection
from tlsnotes.wire.handshake import Handshake, dissect
from tlsnotes.wire.registry import ContentType

OURS = {"client": "C", "server": "S"}


class NotComparableError(Exception):
    """The two have not done the same work, or one has not done it well: there is nothing to compare."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The messages of each side in order, as content type and handshake type, and the application data as plaintext."""

    messages: dict[str, list[tuple[int, int | None]]]
    data: dict[str, bytes]

    @property
    def count(self) -> int:
        """How many messages were read."""
        return sum(map(len, self.messages.values()))


class Reader(Protocol):
    """A peer that reads the same bytes in this process."""

    name: str

    def read(self, connection: Connection) -> object:
        """Do the work that is measured."""

    def reading(self, made: object) -> Reading:
        """Say what it has read, and raise `NotComparableError` where one of its own checks has failed."""


class TLSNotes:
    """This package: dissect, decrypt and check."""

    name = "tlsnotes"

    def read(self, connection: Connection) -> Handshake:
        """Do the work that is measured."""
        return dissect(connection.segments, connection.keylog)

    def reading(self, made: Handshake) -> Reading:
        """Say what it has read; every check must hold."""
        failed = [f"{check.name}: {check.detail}" for check in made.checks if check.ok is not True]
        if failed or made.notes or made.outcome != "established":
            raise NotComparableError("; ".join([f"the connection was {made.outcome}", *failed, *made.notes]))
        reading = Reading({"C": [], "S": []}, {"C": b"", "S": b""})
        for message in made.messages:
            side, content_type = OURS[message.sender], int(message.content_type)
            is_handshake = content_type == ContentType.handshake
            reading.messages[side].append((content_type, message.raw[0] if is_handshake else None))
            if content_type == ContentType.application_data:
                reading.data[side] += message.raw
        return reading


def must_be_equal(ours: Reading, theirs: Reading, peer: str) -> None:
    """Raise `NotComparableError` where the two have not read the same."""
    if ours != theirs:
        raise NotComparableError(
            f"tlsnotes has read {ours.count} messages and {peer} {theirs.count}, or others, or other data"
        )
