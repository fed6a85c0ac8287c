"""The key schedule of one connection as steps: what is made of what, by which formula, who has it, and from when on.

TLS 1.3 (RFC 9846 section 7.1) goes from secret to secret; each gives traffic secrets, and each of those keys and IVs.
TLS 1.2 (RFC 5246 sections 6.3, 8.1) makes one secret, and cuts one block of keys. A key log holds the traffic secrets,
or TLS 1.2's one secret: what is below them is computed here, what is above cannot be, for the hashes lead one way.
Values are only there where the learner asked for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tlsnotes.show.words import all_words
from tlsnotes.wire.handshake import Handshake
from tlsnotes.wire.key_schedule import hkdf_expand_label, hmac, key_block
from tlsnotes.wire.protection import Suite, suite_of
from tlsnotes.wire.registry import CipherSuite, ContentType, HandshakeType
from tlsnotes.wire.streams import Message

HIDDEN, ABSENT, UNLOGGED, SHOWN = "hidden", "absent", "unlogged", "shown"
CH_SH, CH_SF, CH_CF = (
    "ClientHello … ServerHello",
    "ClientHello … server Finished",
    "ClientHello … client Finished",
)

# HKDF label, RFC 9846's name, transcript, the key log's label (RFC 9850), the secret it comes from
_TRAFFIC = (
    ("c e traffic", "client_early_traffic_secret", "ClientHello", "CLIENT_EARLY_TRAFFIC_SECRET", "early"),
    ("e exp master", "early_exporter_secret", "ClientHello", "EARLY_EXPORTER_SECRET", "early"),
    ("c hs traffic", "client_handshake_traffic_secret", CH_SH, "CLIENT_HANDSHAKE_TRAFFIC_SECRET", "handshake"),
    ("s hs traffic", "server_handshake_traffic_secret", CH_SH, "SERVER_HANDSHAKE_TRAFFIC_SECRET", "handshake"),
    ("c ap traffic", "client_application_traffic_secret_0", CH_SF, "CLIENT_TRAFFIC_SECRET_0", "main"),
    ("s ap traffic", "server_application_traffic_secret_0", CH_SF, "SERVER_TRAFFIC_SECRET_0", "main"),
    ("exp master", "exporter_secret", CH_SF, "EXPORTER_SECRET", "main"),
    ("res master", "resumption_secret", CH_CF, "", "main"),
)
_CHAIN = (
    ("early", "Early Secret", "HKDF-Extract(0, {psk})"),
    ("handshake", "Handshake Secret", 'HKDF-Extract(Derive-Secret(Early Secret, "derived", ""), {shared})'),
    ("main", "Main Secret", 'HKDF-Extract(Derive-Secret(Handshake Secret, "derived", ""), 0)'),
)

Step = dict[str, Any]


def schedule_of(handshake: Handshake, secrets: Mapping[str, bytes], *, values: bool) -> dict[str, Any] | None:
    """Lay out the key schedule, or None where nothing was agreed.

    `secrets`: those of the key log, by label; `values`: whether they, and what comes from them, are put in.
    """
    suite = _suite(handshake)
    if suite is None or handshake.version not in ("TLS 1.2", "TLS 1.3"):
        return None
    moments = _Moments(handshake)
    steps = [*(_steps_13 if suite.tls13 else _steps_12)(handshake, suite, secrets, moments)]
    for step in steps:
        if not values and step["state"] == SHOWN and not step["public"]:
            step |= {"state": HIDDEN, "value": ""}
        words = all_words().get(f"KeySchedule.{step.pop('words')}")
        step |= {
            "what": words.what if words else "",
            "why": words.why if words else "",
            "rfc": words.rfc if words else "",
        }
    return {"version": handshake.version, "hash": suite.hash.name.upper(), "values": values, "steps": steps}


class _Moments:
    """At which message, by its index, each side can compute a secret; None where that message never came."""

    def __init__(self, handshake: Handshake) -> None:
        messages = handshake.messages
        hellos = [n for n, m in enumerate(messages) if m.type == HandshakeType.server_hello]
        self.server_hello = hellos[-1] if hellos else None
        self.client_hello = next((n for n, m in enumerate(messages) if m.type == HandshakeType.client_hello), None)
        self.server_finished = self._of(messages, "server", HandshakeType.finished)
        self.client_finished = self._of(messages, "client", HandshakeType.finished)
        self.client_key_exchange = self._of(messages, "client", HandshakeType.client_key_exchange)

    @staticmethod
    def _of(messages: tuple[Message, ...], sender: str, kind: HandshakeType) -> int | None:
        of_sender = (
            n for n, m in enumerate(messages) if m.sender == sender and m.content_type == ContentType.handshake
        )
        return next((n for n in of_sender if messages[n].type == kind), None)

    def after(self, transcript: str) -> int | None:
        """The message that completes a transcript."""
        return {
            "ClientHello": self.client_hello,
            CH_SH: self.server_hello,
            CH_SF: self.server_finished,
            CH_CF: self.client_finished,
        }[transcript]


def _suite(handshake: Handshake) -> Suite | None:
    number = next((suite for suite in CipherSuite if suite.name == handshake.cipher_suite), None)
    return suite_of(number) if number is not None else None


def _step(  # one for each thing that is shown
    words: str, name: str, above: str, formula: str, *, log: str = "", value: bytes | None = None, since: int | None,
    protects: str = "",
) -> Step:  # fmt: skip
    state = SHOWN if value is not None else ABSENT if log else UNLOGGED
    return {
        "words": words,
        "name": name,
        "above": above,
        "formula": formula,
        "log": log,
        "state": state,
        "value": value.hex() if value is not None else "",
        "stage": False,
        "public": False,
        "since": since,
        "protects": protects,
    }


def _steps_13(handshake: Handshake, suite: Suite, secrets: Mapping[str, bytes], moments: _Moments) -> Iterator[Step]:
    shared = f"the shared secret of {handshake.group}" if handshake.group else "zeros: no key share, only the PSK"
    psk = "PSK" if handshake.resumed else "0"
    since = {"early": moments.client_hello, "handshake": moments.server_hello, "main": moments.server_hello}
    above = ""
    for key, name, formula in _CHAIN:
        said = formula.format(psk=psk, shared=shared)
        step = _step(key, name, above, said, since=since[key])
        if key == "early" and not handshake.resumed:  # made of zeros alone: everybody can compute it
            zeros = bytes(suite.hash.digest_size)
            step |= {"state": SHOWN, "value": hmac(suite.hash, zeros, zeros).hex(), "public": True}
        yield step | {"stage": True}
        above = name
        for label, traffic, transcript, log, parent in _TRAFFIC:
            if parent == key and (log in secrets or not log.startswith(("CLIENT_EARLY", "EARLY"))):
                yield from _traffic(handshake, suite, secrets, moments, (label, traffic, transcript, log, name))


def _traffic(
    handshake: Handshake,
    suite: Suite,
    secrets: Mapping[str, bytes],
    moments: _Moments,
    row: tuple[str, str, str, str, str],
) -> Iterator[Step]:
    label, name, transcript, log, parent = row
    value, since = secrets.get(log), moments.after(transcript)
    formula = f'Derive-Secret({parent}, "{label}", {transcript})'
    yield _step(label, name, parent, formula, log=log, value=value, since=since, protects=_protects(handshake, log))
    if "traffic" not in label:
        return
    length = suite.hash.digest_size
    _, key, iv = suite.key_block_lengths
    parts = [("key", key), ("iv", iv)]
    if "hs" in label:
        parts.append(("finished", length))
    for part, size in parts:
        derived = (
            None if value is None or len(value) != length else hkdf_expand_label(suite.hash, value, part, b"", size)
        )
        said = f'HKDF-Expand-Label({name}, "{part}", "", {size})'
        yield _step(f"write {part}", "finished_key" if part == "finished" else f"write {part}", name, said,
                    value=derived, since=since)  # fmt: skip


def _protects(handshake: Handshake, log: str) -> str:
    check = next((c for c in handshake.checks if log and c.name.endswith(f" from {log}")), None)
    return check.detail if check else ""


def _steps_12(handshake: Handshake, suite: Suite, secrets: Mapping[str, bytes], moments: _Moments) -> Iterator[Step]:
    """The one secret of TLS 1.2, and the block of keys that is cut from it."""
    since = moments.server_hello if handshake.resumed else moments.client_key_exchange
    how = "of the session that is resumed" if handshake.resumed else f"of {suite.key_exchange}"
    yield _step("pre_master", "pre_master_secret", "", f"the shared secret {how}", since=since) | {"stage": True}
    secret = secrets.get("CLIENT_RANDOM")
    extended = any(
        m.type == HandshakeType.server_hello and m.field.find("extensions.extended_master_secret")
        for m in handshake.messages
    )
    seed = '"extended master secret", session_hash' if extended else '"master secret", both randoms'
    said = f"PRF(pre_master_secret, {seed})[0..47]"
    protects = _protects(handshake, "CLIENT_RANDOM")
    yield _step(
        "master", "master_secret", "pre_master_secret", said,
        log="CLIENT_RANDOM", value=secret, since=since, protects=protects,
    ) | {"stage": True}  # fmt: skip
    mac, key, iv = suite.key_block_lengths
    block = None
    randoms = [m.field.find("random") for m in handshake.messages if m.name in ("ClientHello", "ServerHello")]
    if secret is not None and len(secret) == 48 and len(randoms) >= 2 and randoms[0] and randoms[1]:
        block = key_block(suite.hash, secret, randoms[0].raw, randoms[1].raw, 2 * (mac + key + iv))
    at = 0
    for part, size in (("MAC_key", mac), ("key", key), ("IV", iv)):
        for side in ("client", "server"):
            if size:
                value = None if block is None else block[at : at + size]
                at += size
                said = f'{size} bytes of key_block = PRF(master_secret, "key expansion", server and client random)'
                yield _step(f"write {part}", f"{side}_write_{part}", "master_secret", said, value=value, since=since)
