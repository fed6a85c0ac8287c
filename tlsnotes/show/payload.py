"""What the explorer gets: everything it shows, as lists and dictionaries of text and numbers, made once.

documents   bytes (base64) and the tree that explains them, as `outline` lays it out
items       what is chosen on the left: messages, or certificates; each with its document
records     the same bytes as they were sent, each record with its document
checks      what was recomputed, each with its place
texts       every name and value once; words: what is said of them
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from typing import Any

from tlsnotes.checks import Check
from tlsnotes.show.outline import Texts, outline
from tlsnotes.show.places import place_of
from tlsnotes.show.tables import visible
from tlsnotes.show.words import words_of_check
from tlsnotes.wire.fields import Field
from tlsnotes.wire.handshake import Handshake
from tlsnotes.wire.records import Record
from tlsnotes.wire.registry import ContentType
from tlsnotes.wire.streams import Message

MAX_ITEMS = 2_000  # messages and records; a handshake has twenty, the rest is application data
MAX_DATA = 4_096  # bytes of one message of application data

Payload = dict[str, Any]  # what JSON can say


class Documents:
    """The documents of one payload, and the texts that they share."""

    def __init__(self) -> None:
        self.texts = Texts()
        self.all: list[Payload] = []

    def add(self, roots: Sequence[Field], *, keep: int | None = None) -> int:
        """Take up the bytes of trees that lie in one buffer, `keep` of them at most; its number among the documents."""
        start = roots[0].start
        data = roots[0].buffer[start : roots[-1].end]
        kept = data if keep is None else data[:keep]
        self.all.append(
            {
                "bytes": base64.b64encode(kept).decode("ascii"),
                "size": len(data),
                "tree": outline(roots, self.texts, base=-start),
            }
        )
        return len(self.all) - 1

    def finished(self, payload: Payload) -> Payload:
        """The payload with the documents, texts and words."""
        return {**payload, "documents": self.all, "texts": self.texts.all, "words": self.texts.said()}


def of_trees(named: Iterable[tuple[str, str, Field]], heading: Sequence[str]) -> Payload:
    """The payload for certificates and their like: for each a name, what it is about, and its tree."""
    documents = Documents()
    items = [
        {"name": name, "about": visible(about), "size": len(tree.raw), "document": documents.add([tree])}
        for name, about, tree in named
    ]
    return documents.finished(
        {
            "kind": "trees",
            "heading": [visible(text) for text in heading if text],
            "items": items,
            "records": [],
            "checks": [],
            "notes": [],
            "keys": None,
        }
    )


def of_handshake(handshake: Handshake, keys: Payload | None = None) -> Payload:
    """The payload for a handshake; `keys` is its key schedule (see schedule.py)."""
    documents = Documents()
    messages, records = handshake.messages[:MAX_ITEMS], handshake.records[:MAX_ITEMS]
    numbers = {(record.sender, record.index): number for number, record in enumerate(records)}
    checks = [_check(check, handshake) for check in handshake.checks]
    items = [_message(message, documents, numbers) for message in messages]
    inside: dict[int, list[int]] = {}
    for number, item in enumerate(items):
        for record in item["sent"]:
            inside.setdefault(record, []).append(number)
    return documents.finished(
        {
            "kind": "handshake",
            "heading": [visible(text) for text in heading_of(handshake)],
            "outcome": visible(handshake.outcome),
            "items": items,
            "records": [{**_record(record, documents), "holds": inside.get(n, [])} for n, record in enumerate(records)],
            "checks": checks,
            "notes": [visible(note) for note in (*handshake.notes, *_left_out(handshake))],
            "keys": keys,
        }
    )


def heading_of(handshake: Handshake) -> list[str]:
    """What a handshake agreed on, in a few words each."""
    agreed = (handshake.version, handshake.cipher_suite, handshake.group, handshake.server_name, handshake.alpn)
    facts = (
        "resumed" if handshake.resumed else "",
        "after a HelloRetryRequest" if handshake.hello_retry_request else "",
        "client authenticated" if handshake.client_authenticated else "",
    )
    return [text for text in (*agreed, *facts) if text]


def milliseconds(time: float | None) -> str:
    """Seconds since the start as milliseconds with one decimal, or nothing where they are unknown."""
    return "" if time is None else f"{time * 1000:.1f}"


def _left_out(handshake: Handshake) -> list[str]:
    counts = (("messages", len(handshake.messages)), ("records", len(handshake.records)))
    return [f"{count - MAX_ITEMS:,} more {what} are not shown here" for what, count in counts if count > MAX_ITEMS]


def _message(message: Message, documents: Documents, numbers: dict[tuple[str, int], int]) -> Payload:
    data = message.content_type == ContentType.application_data
    return {
        "name": visible(message.name),
        "sender": message.sender,
        "size": len(message.raw),
        "time": milliseconds(message.time),
        "encrypted": message.encrypted,
        "alert": visible(str(message.type)) if message.content_type == ContentType.alert else "",
        "gap": message.gap,
        "document": documents.add([message.field], keep=MAX_DATA if data else None),
        "sent": [n for r in message.records if (n := numbers.get((r.sender, r.index))) is not None],
    }


def _record(record: Record, documents: Documents) -> Payload:
    data = record.content_type == ContentType.application_data and (
        record.inner_type in (None, ContentType.application_data)
    )
    return {
        "name": str(ContentType(record.content_type)),
        "inner": "" if record.inner_type is None or not record.encrypted else str(ContentType(record.inner_type)),
        "sender": record.sender,
        "size": len(record.raw),
        "encrypted": record.encrypted,
        "opened": record.plaintext is not None,
        "document": documents.add([record.field], keep=MAX_DATA if data else None),
    }


def _check(check: Check, handshake: Handshake) -> Payload:
    words, place = words_of_check("handshake", check.name), place_of(check, handshake)
    return {
        "name": check.name,
        "ok": check.ok,
        "detail": visible(check.detail),
        "rfc": check.rfc,
        "what": words.what if words else "",
        "place": place if place and place[0] < MAX_ITEMS else None,
    }
