"""What the contents octets of the universal primitive types mean (X.690 section 8, and DER's sections 10 and 11).

Each function stands at the contents of one value and reads them to their end. Contents that mean nothing keep their
text or their bytes; what is odd about them is said. The times are those of RFC 5280, which is narrower than DER.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

from tlsnotes.wire.fields import Field, Value
from tlsnotes.wire.reader import Reader

Contents = tuple[Value, tuple[Field, ...], str]  # the value, the fields inside, and what is odd
Decode = Callable[[Reader], Contents]

# Arcs of more than 128 bits have no use (X.667), and turning one into decimal text takes the square of its length.
LONGEST_ARC = 19
ONE_OCTET = "at least one octet of contents"


def opaque(reader: Reader) -> Contents:
    """Octets whose meaning is elsewhere."""
    return reader.buffer[reader.at : reader.end], (), ""


def boolean(reader: Reader) -> Contents:
    """One octet, 00 or ff (X.690 sections 8.2 and 11.1)."""
    data = reader.buffer[reader.at : reader.end]
    problem = ""
    if data not in (b"\x00", b"\xff"):
        problem = reader.note(reader.error("00 for FALSE or ff for TRUE", shown(data)))
    return any(data), (), problem


def integer(reader: Reader) -> Contents:
    """Two's complement in as few octets as will do (X.690 section 8.3)."""
    data = reader.buffer[reader.at : reader.end]
    if not data:
        return None, (), reader.note(reader.error(ONE_OCTET, "none"))
    problem = ""
    if len(data) > 1 and ((data[0] == 0 and data[1] < 0x80) or (data[0] == 0xFF and data[1] >= 0x80)):
        problem = reader.note(reader.error("an INTEGER in its shortest form", shown(data)))
    return int.from_bytes(data, "big", signed=True), (), problem


def null(reader: Reader) -> Contents:
    """Nothing (X.690 section 8.8)."""
    data = reader.buffer[reader.at : reader.end]
    return None, (), reader.note(reader.error("no contents", shown(data))) if data else ""


def object_identifier(reader: Reader) -> Contents:
    """Arcs in base 128, the first two in one (X.690 section 8.19): dotted text."""
    dotted, expected, found = _arcs(reader.buffer[reader.at : reader.end])
    return dotted, (), reader.note(reader.error(expected, found)) if expected else ""


@lru_cache(4096)
def _arcs(data: bytes) -> tuple[Value, str, str]:
    """Decode them; what was expected and found is empty where nothing is odd."""
    if not data:
        return data, ONE_OCTET, "none"
    if data[-1] >= 0x80:
        return data, "a last arc that ends", "the end in the middle of it"
    arcs: list[int] = []
    arc = size = 0
    expected = found = ""
    for octet in data:
        if octet == 0x80 and not size:
            expected, found = "arcs in their shortest form", "one that begins with 80"
        size += 1
        if size > LONGEST_ARC:
            return data, f"arcs of at most {LONGEST_ARC} octets", "a longer one"
        arc = arc << 7 | octet & 0x7F
        if octet < 0x80:
            arcs.append(arc)
            arc = size = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:]))), expected, found


def text(name: str, codec: str, wrong: str = "") -> Decode:
    """Characters of a string type (X.680 section 41); `wrong` matches what the codec knows and the type does not."""
    other = re.compile(wrong) if wrong else None

    def decode(reader: Reader) -> Contents:
        data = reader.buffer[reader.at : reader.end]
        try:
            value = data.decode(codec)
        except UnicodeDecodeError as error:
            found = f"the byte 0x{data[error.start]:02x}"
            problem = reader.note(reader.error(f"the characters of {name}", found, reader.at + error.start))
            # What should be ASCII and is not is UTF-8, mostly; that is how others show it, too.
            return data.decode("utf-8" if codec == "ascii" else codec, "backslashreplace"), (), problem
        if other and (stranger := other.search(value)):
            return value, (), reader.note(reader.error(f"the characters of {name}", f"{stranger[0]!a}"))
        return value, (), ""

    return decode


def time(form: str) -> Decode:
    """A moment in UTC, to the second; two digits of a year are one from 1950 to 2049 (RFC 5280 section 4.1.2.5)."""

    def decode(reader: Reader) -> Contents:
        data = reader.buffer[reader.at : reader.end]
        if len(data) == len(form) and data.endswith(b"Z") and data[:-1].isdigit():
            year = int(data[:-11])
            month, day, hour, minute, second = (
                int(data[at : at + 2]) for at in range(len(form) - 11, len(form) - 1, 2)
            )
            if len(form) == len("YYMMDDHHMMSSZ"):
                year += 2000 if year < 50 else 1900
            try:
                return datetime(year, month, day, hour, minute, second, tzinfo=UTC), (), ""
            except ValueError:  # the 30th of February
                pass
        shown = data.decode("ascii", "backslashreplace")
        return shown, (), reader.note(reader.error(f"a time as {form}", f"{shown[:40]!a}"))

    return decode


utc_time = time("YYMMDDHHMMSSZ")
generalized_time = time("YYYYMMDDHHMMSSZ")

# By tag number (X.680 section 8.6): the type's name, and how its contents are read.
UNIVERSAL: dict[int, tuple[str, Decode]] = {
    1: ("BOOLEAN", boolean),
    2: ("INTEGER", integer),
    3: ("BIT STRING", opaque),  # der.Bits knows what is in it
    4: ("OCTET STRING", opaque),
    5: ("NULL", null),
    6: ("OBJECT IDENTIFIER", object_identifier),
    7: ("ObjectDescriptor", text("ObjectDescriptor", "latin-1")),
    9: ("REAL", opaque),
    10: ("ENUMERATED", integer),
    12: ("UTF8String", text("UTF8String", "utf-8")),
    13: ("RELATIVE-OID", opaque),
    18: ("NumericString", text("NumericString", "ascii", r"[^0-9 ]")),
    19: ("PrintableString", text("PrintableString", "ascii", r"[^A-Za-z0-9 '()+,\-./:=?]")),
    20: ("TeletexString", text("TeletexString", "latin-1")),  # T.61 in truth, which nobody follows
    21: ("VideotexString", opaque),
    22: ("IA5String", text("IA5String", "ascii")),
    23: ("UTCTime", utc_time),
    24: ("GeneralizedTime", generalized_time),
    25: ("GraphicString", text("GraphicString", "latin-1")),
    26: ("VisibleString", text("VisibleString", "ascii", r"[^ -~]")),
    27: ("GeneralString", text("GeneralString", "latin-1")),
    28: ("UniversalString", text("UniversalString", "utf-32-be")),
    30: ("BMPString", text("BMPString", "utf-16-be", r"[\U00010000-\U0010ffff]")),
}


def shown(data: bytes) -> str:
    """Show the first octets, in hexadecimal."""
    return data[:4].hex(" ") + (" …" if len(data) > 4 else "") or "none"
