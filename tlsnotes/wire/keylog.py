"""The SSLKEYLOGFILE format (RFC 9850): lines of label, client random, secret."""

from __future__ import annotations

import re

_LINE = re.compile(r"^[A-Z0-9_]+ ([0-9a-fA-F]{64}) (?:[0-9a-fA-F]{2})+$")


def lines_for(text: str, random: bytes) -> str:
    """Pick the lines of one connection, by its ClientHello's random (32 bytes), each ended with a newline."""
    wanted = random.hex()
    lines = (line.strip() for line in text.splitlines())
    return "".join(f"{line}\n" for line in lines if (found := _LINE.match(line)) and found[1].lower() == wanted)
