"""Two handshakes side by side: their messages put beside each other, then the fields of each pair, and what differs.

What is equal byte by byte is not taken apart. What has to be another each time (a random, a key share, a signature) is
told apart from what differs in meaning.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from tlsnotes.show.outline import Texts
from tlsnotes.show.payload import MAX_ITEMS, Payload, heading_of
from tlsnotes.show.tables import visible
from tlsnotes.show.values import describe, is_plumbing
from tlsnotes.show.words import Placed, keyed
from tlsnotes.wire.code_points import Registry
from tlsnotes.wire.fields import Field
from tlsnotes.wire.handshake import Handshake
from tlsnotes.wire.registry import ContentType
from tlsnotes.wire.streams import Message

SAME, DIFFERS, FRESH, ONLY_FIRST, ONLY_SECOND = "same", "differs", "fresh", "first", "second"
MAX_ROWS = 2_000  # of one pair of messages
MAX_ALIGNED = 300  # messages, and items of a list, that are aligned; beyond, they are paired in their order
# New in every connection by design (RFC 9846 sections 4.2.2, 4.3.8, 4.5, 4.7.1), and what TLS 1.2 has in their place.
_FRESH = frozenset(
    {
        *("random", "gmt_unix_time", "random_bytes", "legacy_session_id", "legacy_session_id_echo", "key_exchange"),
        *("signature", "verify_data", "ticket", "ticket_nonce", "ticket_age_add", "obfuscated_ticket_age", "identity"),
        *("binders", "point", "dh_Ys", "dh_Yc", "encrypted_pre_master_secret", "enc", "payload"),
    }
)


class Node(NamedTuple):
    """A field that is shown, what it is called in words, and the shown fields below it."""

    placed: Placed
    below: list[Node]

    @property
    def field(self) -> Field:
        """The field itself."""
        return self.placed.field


class Row(NamedTuple):
    """One line of a comparison: both values, and how they relate; a parent's mark follows from those below."""

    level: int
    name: str
    first: str
    second: str
    mark: str
    key: str | None


def of_comparison(first: Handshake, second: Handshake) -> Payload:
    """The payload for two handshakes side by side."""
    texts = Texts()
    pairs = []
    for one, other in aligned(first.messages[:MAX_ITEMS], second.messages[:MAX_ITEMS]):
        rows = [*compared(one, other)][:MAX_ROWS]
        message = one or other
        pairs.append(
            {
                "name": _label(message) if message else "",
                "sender": message.sender if message else "",
                "sizes": [None if m is None else len(m.raw) for m in (one, other)],
                "encrypted": [m is not None and m.encrypted for m in (one, other)],
                "mark": rows[0].mark if rows else SAME,
                "rows": [
                    [r.level, *(texts.index(t) for t in (r.name, r.first, r.second)), r.mark, texts.words(r.key)]
                    for r in rows
                ],
            }
        )
    return {
        "kind": "comparison",
        "heading": [visible(", ".join(heading_of(handshake))) for handshake in (first, second)],
        "facts": [[*fact, texts.words(_FACT_WORDS.get(fact[0]))] for fact in facts(first, second)],
        "pairs": pairs,
        "texts": texts.all,
        "words": texts.said(),
    }


def facts(first: Handshake, second: Handshake) -> list[list[str]]:
    """What both agreed on and what they cost: [what, first, second, mark]."""
    rows = zip(_facts(first), _facts(second), strict=True)
    return [[name, visible(a), visible(b), SAME if a == b else DIFFERS] for (name, a), (_, b) in rows]


# What is said of what both agreed on, where a field says it.
_FACT_WORDS = {
    "version": "ExtensionType.supported_versions",
    "cipher suite": "ServerHello.cipher_suite",
    "group": "ExtensionType.key_share",
    "server name": "ExtensionType.server_name",
    "application protocol": "ExtensionType.application_layer_protocol_negotiation",
    "resumed": "NewSessionTicket",
    "HelloRetryRequest": "HelloRetryRequest",
    "client authenticated": "CertificateRequest",
}


def _facts(handshake: Handshake) -> list[tuple[str, str]]:
    sent = {side: sum(len(r.raw) for r in handshake.records if r.sender == side) for side in ("client", "server")}
    clear = sum(m.content_type == ContentType.handshake and not m.encrypted for m in handshake.messages)
    talk = sum(m.content_type == ContentType.handshake for m in handshake.messages)
    return [
        ("version", handshake.version or "none"),
        ("cipher suite", handshake.cipher_suite or "none"),
        ("group", handshake.group or "none"),
        ("server name", handshake.server_name or "not sent"),
        ("application protocol", handshake.alpn or "none"),
        ("resumed", "yes" if handshake.resumed else "no"),
        ("HelloRetryRequest", "yes" if handshake.hello_retry_request else "no"),
        ("client authenticated", "yes" if handshake.client_authenticated else "no"),
        ("outcome", handshake.outcome),
        ("handshake messages", f"{talk}, {clear} of them in the clear"),
        ("bytes from the client", f"{sent['client']:,}"),
        ("bytes from the server", f"{sent['server']:,}"),
    ]


def aligned(first: Sequence[Message], second: Sequence[Message]) -> Iterator[tuple[Message | None, Message | None]]:
    """Put the messages of two handshakes beside each other, by who sent them and what they are."""
    keys = [[(m.sender, _label(m)) for m in messages] for messages in (first, second)]
    for one, other in _aligned(keys[0], keys[1]):
        yield None if one is None else first[one], None if other is None else second[other]


def _aligned(first: Sequence[object], second: Sequence[object]) -> Iterator[tuple[int | None, int | None]]:
    """The indexes of two lists beside each other, None where one has nothing to match."""
    if max(len(first), len(second)) > MAX_ALIGNED:
        for index in range(max(len(first), len(second))):
            yield index if index < len(first) else None, index if index < len(second) else None
        return
    for kind, a, b, c, d in SequenceMatcher(None, first, second, autojunk=False).get_opcodes():
        if kind == "equal":
            yield from zip(range(a, b), range(c, d), strict=True)
        else:
            yield from ((index, None) for index in range(a, b))
            yield from ((None, index) for index in range(c, d))


def compared(first: Message | None, second: Message | None) -> list[Row]:
    """The rows of two messages, one of which may not be there."""
    return _compared(None if first is None else _node(first.field), None if second is None else _node(second.field), 0)


def _compared(first: Node | None, second: Node | None, level: int) -> list[Row]:
    if first is None or second is None:
        node, mark = (first, ONLY_FIRST) if first else (second, ONLY_SECOND)
        return _alone(node, mark, level) if node else []
    name, key = visible(first.field.name), first.placed.key or second.placed.key
    one, other = (describe(node.field, node.placed.inside) if level else "" for node in (first, second))
    if first.field.raw == second.field.raw:
        return [Row(level, name, one, other, SAME, key)]
    below: list[Row] = []
    keys = [[_key(node) for node in side.below] for side in (first, second)]
    for here, there in _aligned(*keys):
        pair = None if here is None else first.below[here], None if there is None else second.below[there]
        below += _compared(*pair, level + 1)
    # A certificate's `signature` is an AlgorithmIdentifier, and not meant here.
    fresh = first.field.name in _FRESH and first.field.type.startswith(("opaque", "uint"))
    marks = {row.mark for row in below if row.level == level + 1} - {SAME}
    mark = FRESH if fresh or marks == {FRESH} else DIFFERS
    return [Row(level, name, one, other, mark, key), *([] if fresh else below)]


def _alone(node: Node, mark: str, level: int) -> list[Row]:
    value = describe(node.field, node.placed.inside) if level else ""
    one, other = (value, "") if mark == ONLY_FIRST else ("", value)
    rows = [Row(level, visible(node.field.name), one, other, mark, node.placed.key)]
    for child in node.below:
        rows += _alone(child, mark, level + 1)
        if len(rows) > MAX_ROWS:
            break
    return rows


def _key(node: Node) -> object:
    """By what a field is matched: its name; in a list of code points, which has only numbers, its value."""
    field = node.field
    if field.name.isdigit() and isinstance(field.value, Registry):
        return int(field.value)
    return "item" if field.name.isdigit() else field.name


def _node(tree: Field) -> Node:
    """The tree of the fields that mean something."""
    stack: list[tuple[int, Node]] = []
    root: Node | None = None
    for placed in keyed(tree):
        while stack and stack[-1][0] >= placed.depth:
            stack.pop()
        parent = placed.parent
        in_code_point = parent is not None and isinstance(parent.value, Registry)  # the whole says what its octets do
        if is_plumbing(placed.field, parent) or in_code_point or _is_length(placed):
            continue
        node = Node(placed, [])
        if stack:
            stack[-1][1].below.append(node)
        root = root or node
        stack.append((placed.depth, node))
    assert root is not None  # noqa: S101  # the root of a tree is no plumbing
    return root


def _is_length(placed: Placed) -> bool:
    """A message's length differs whenever anything else does: that says nothing."""
    return placed.field.name == "length"


def _label(message: Message) -> str:
    alert = message.content_type == ContentType.alert
    return visible(f"Alert {message.type!s}" if alert else message.name)
