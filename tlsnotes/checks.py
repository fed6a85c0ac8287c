"""One question, its answer, and who says so: what every room of the house judges with."""

from __future__ import annotations

from dataclasses import dataclass

from tlsnotes.errors import printable


@dataclass(frozen=True, slots=True)
class Check:
    """One check of something: `ok` is True, False, or None where it could not be or need not be made.

    `detail` says in words what was found, and for None why; `rfc` is who asks for it ("RFC 5280 §4.2.1.9");
    `where` is what the check concerns: a certificate by index, a message, a file. Whatever they quote is made visible.
    """

    name: str
    ok: bool | None
    detail: str = ""
    rfc: str = ""
    where: str = ""

    def __post_init__(self) -> None:
        for name in ("detail", "where"):
            if not (text := getattr(self, name)).isprintable():
                object.__setattr__(self, name, printable(text))
