"""What all registries of TLS have in common: a number has a name, or keeps its number.

A number without a name costs no memory that stays, for what a peer sends is hostile.
"""

from __future__ import annotations

from enum import IntEnum


class Registry(IntEnum):
    """Numbers with the names IANA gives them.

    A number without a name survives: it is called `0x2a (unknown)`, or `0x1a1a (GREASE)` where RFC 8701 reserves it.

    `class AlertLevel(Registry, size=1)` gives the octets on the wire; `grease=True` says that RFC 8701 reserves values.
    """

    size: int
    grease: bool

    def __init_subclass__(cls, *, size: int, grease: bool = False) -> None:
        super().__init_subclass__()
        cls.size, cls.grease = size, grease

    @classmethod
    def _missing_(cls, value: object) -> Registry | None:
        if not isinstance(value, int) or not 0 <= value < 256**cls.size:
            return None
        number = int(value)
        member = int.__new__(cls, number)
        kind = "GREASE" if cls.grease and _is_grease(number, cls.size) else "unknown"
        member._name_ = f"{number:#0{2 + 2 * cls.size}x} ({kind})"
        member._value_ = number
        return member

    def __str__(self) -> str:
        return self._name_

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)


def _is_grease(number: int, size: int) -> bool:
    """Whether RFC 8701 section 2 reserves it: 0x?A?A with equal octets, or 0x0B + n * 0x1F in one octet."""
    if size == 1:
        return number % 0x1F == 0x0B
    return number & 0x0F0F == 0x0A0A and number >> 8 == number & 0xFF
