"""Finds a secret in what a cell shows, in whichever form it might stand there."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterable

PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s*[A-Za-z0-9+/]")
# What stands between the lines of PEM, on a page or in JSON; and what else between the digits of a hex dump.
BREAKS = re.compile(r"<[^<>]*>|\\[nrt]|\s")
SEPARATORS = re.compile(r"[:,_-]|0x")


def found_in(shown: str, secrets: Iterable[bytes]) -> list[str]:
    """The secrets that stand in `shown`, by their first four bytes and the form: PEM, hex, base64, decimal or raw."""
    whole = BREAKS.sub("", html.unescape(shown))
    plain, standard = SEPARATORS.sub("", whole), whole.replace("-", "+").replace("_", "/")
    lower = plain.lower()
    found = ["PEM"] if PEM.search(shown) else []
    for secret in secrets:
        stripped = secret.lstrip(b"\0")
        forms = {
            "hex": stripped.hex().lstrip("0") in lower,
            "decimal": str(int.from_bytes(secret, "big")) in plain,
            "base64": any(piece in standard for piece in _base64_pieces(secret)),
            "raw": repr(secret)[2:-1] in shown or secret.decode("latin-1") in shown,
        }
        found += [f"{secret[:4].hex()}... as {form}" for form, there in forms.items() if there]
    return found


def _base64_pieces(secret: bytes) -> list[str]:
    """A secret in base64 as it stands within something longer, which may begin one or two bytes earlier."""
    encoded = (base64.b64encode(bytes(before) + secret).decode() for before in range(3))
    # Without the characters that share bits with what stands before and after.
    return [text[4 if before else 0 : len(secret) * 8 // 6 - 1] for before, text in enumerate(encoded)]
