"""The causes of errors, and the marks by which one is recognised. All their words stand in texts/causes-*.toml.

- A mark is "kind:value": "verify:18", "alert:unknown_ca", "curl:60". Codes and numbers come before prose: KINDS is the
  order of trust.
- `marks` of a cause recognise it; "a & b" asks for both and beats either. `general` are codes that stand for many
  things ("curl:35"): they count where nothing more telling is there.
- Marks of CONTEXT say who and where, and recognise nothing by themselves.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

KINDS = (
    *("verify", "opensslerror", "reason", "alert", "node", "chromium"),
    *("errno", "check", "curl", "outcome", "exception", "phrase"),
)
CONTEXT = ("from", "scheme", "target")
FILES = ("certificates", "handshake", "local", "network")


@dataclass(frozen=True, slots=True)
class Likely:
    """One likely cause: why it happened, how to tell it from the others, and the command that does (or "")."""

    why: str
    tell: str
    run: str


@dataclass(frozen=True, slots=True)
class Cause:
    """One entry of texts/causes-*.toml: its words, and the marks that recognise it.

    `refused`: "client", "server", "proxy", "nobody", "checker" (who checked the certificate, or sent the alert),
    "viewer" (who shows the error), or "" where the code does not say; `step` as `Outcome.stage`.
    """

    id: str
    title: str
    refused: str
    step: str
    happened: str
    likely: tuple[Likely, ...]
    fix: str
    avoid: str
    rfc: str
    marks: tuple[str, ...]
    general: tuple[str, ...]


@cache
def causes() -> Mapping[str, Cause]:
    """Give every cause by its id."""
    avoid = _toml("avoid.toml")
    entries = {id_: entry for part in FILES for id_, entry in _toml(f"causes-{part}.toml").items()}
    return {id_: _cause(id_, entry, avoid) for id_, entry in entries.items()}


def choose(found: Iterable[str]) -> Cause | None:
    """Choose the cause that these marks, the most telling first, speak for; None where they speak for none."""
    ordered = list(dict.fromkeys(found))
    place = {mark: -position for position, mark in enumerate(ordered)}
    best: tuple[tuple[int, bool, int, int], str] | None = None
    for mark in ordered:
        for recogniser, special, id_ in _index().get(mark, ()):
            if recogniser <= place.keys():
                rank = (len(recogniser), special, -min(map(_trust, recogniser)), place[mark])
                if best is None or rank > best[0]:
                    best = (rank, id_)
    return causes()[best[1]] if best else None


def phrases() -> tuple[str, ...]:
    """Give the pieces of prose, in lower case, that some cause is recognised by."""
    return tuple(mark.removeprefix("phrase:") for mark in known_marks("phrase"))


@cache
def known_marks(kind: str) -> frozenset[str]:
    """Give every mark of a kind that some cause is recognised by."""
    return frozenset(mark for mark in _index() if mark.startswith(f"{kind}:"))


@cache
def verify_codes() -> Mapping[int, tuple[str, str]]:
    """Give OpenSSL's verify codes: number -> its name without X509_V_ERR_, and OpenSSL 3.0's words or ""."""
    return {int(number): (name, words) for number, (name, words) in _toml("codes.toml")["verify"].items()}


@cache
def curl_codes() -> Mapping[int, str]:
    """Give curl's exit codes: number -> its name without CURLE_."""
    return {int(number): name for number, name in _toml("codes.toml")["curl"].items()}


@cache
def chromium_errors() -> Mapping[str, int]:
    """Give Chromium's network errors: name without ERR_ -> its number, 0 where that is not known."""
    return dict(_toml("codes.toml")["chromium"])


def _cause(id_: str, entry: Mapping[str, Any], avoid: Mapping[str, str]) -> Cause:  # TOML's own values
    return Cause(
        id=id_,
        title=entry["title"],
        refused=entry["refused"],
        step=entry["step"],
        happened=entry["happened"],
        likely=tuple(Likely(**each) for each in entry["likely"]),
        fix=entry["fix"],
        avoid=avoid[entry["avoid"]],
        rfc=entry["rfc"],
        marks=tuple(entry.get("marks", ())),
        general=tuple(entry.get("general", ())),
    )


@cache
def _index() -> Mapping[str, tuple[tuple[frozenset[str], bool, str], ...]]:
    """Every recogniser, under each of its marks that is no context."""
    index: dict[str, list[tuple[frozenset[str], bool, str]]] = {}
    for cause in causes().values():
        for special, written in ((True, cause.marks), (False, cause.general)):
            for text in written:
                recogniser = frozenset(text.split(" & "))
                for mark in recogniser:
                    if _kind(mark) not in CONTEXT:
                        index.setdefault(mark, []).append((recogniser, special, cause.id))
    return {mark: tuple(entries) for mark, entries in index.items()}


def _trust(mark: str) -> int:
    """How far down the order of trust a mark stands."""
    kind = _kind(mark)
    return KINDS.index(kind) if kind in KINDS else len(KINDS)


def _kind(mark: str) -> str:
    return mark.partition(":")[0]


@cache
def _toml(name: str) -> dict[str, Any]:  # TOML's own values
    return tomllib.loads(files("tlsnotes.show").joinpath("texts", name).read_text("utf-8"))
