"""The SSLKEYLOGFILE format (RFC 9850): lines of label, client random, secret."""

from __future__ import annotations

import re
from collections.abc import Iterator

_LINE = re.compile(r"^([A-Z0-9_]+) ([0-9a-fA-F]{64}) ((?:[0-9a-fA-F]{2})+)$")


def lines_for(text: str, random: bytes) -> str:
    """Pick the lines of one connection, by its ClientHello's random (32 bytes), each ended with a newline."""
    wanted = random.hex()
    return "".join(f"{line[0]}\n" for _, line in _lines(text) if line and line[2].lower() == wanted)


def secrets_for(text: str, random: bytes) -> dict[str, bytes]:
    """Give the secrets of one connection by their labels ("SERVER_TRAFFIC_SECRET_0", RFC 9850 section 2.2)."""
    wanted = random.hex()
    return {line[1]: bytes.fromhex(line[3]) for _, line in _lines(text) if line and line[2].lower() == wanted}


def unreadable_lines(text: str) -> list[int]:
    """Give the numbers, from 1, of the lines that are neither a secret nor a comment nor empty."""
    return [number for number, line in _lines(text) if not line]


def _lines(text: str) -> Iterator[tuple[int, re.Match[str] | None]]:
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if stripped and not stripped.startswith("#"):
            yield number, _LINE.match(stripped)
