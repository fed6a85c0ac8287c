"""Why two judges of one chain do not agree: a written reason for each known difference, in texts/disagreements.toml.

A judge that accepts what ours refuses must have passed over every check that failed here; one that refuses what ours
accepts has met one thing that ours takes. Where no reason is written, that is what is said.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

from tlsnotes.live.opinions import Opinion
from tlsnotes.pki.verdict import Verdict

NOT_WRITTEN = "No reason for this difference is written down here."
_REASONS = tomllib.loads(Path(__file__).with_name("texts").joinpath("disagreements.toml").read_text("utf-8"))
_ACCEPTS: dict[str, dict[str, str]] = _REASONS["accepts"]
_REFUSES: dict[str, dict[str, str]] = _REASONS["refuses"]


def why_they_differ(verdict: Verdict, opinion: Opinion) -> str:
    """Say why an opinion differs from a verdict: sentences for a learner, "" where it does not differ.

    `NOT_WRITTEN` where a difference is not known.
    """
    if opinion.ok is None or opinion.ok == verdict.ok:
        return ""
    if verdict.ok:
        return _REFUSES[opinion.judge].get(opinion.check, NOT_WRITTEN)
    known = _ACCEPTS[opinion.judge]
    decisive = verdict.decisive
    failed = [check.name for check in ([decisive] if decisive else []) + [c for c in verdict.checks if c.ok is False]]
    if not failed or any(name not in known for name in failed):
        return NOT_WRITTEN
    return " ".join(dict.fromkeys(known[name] for name in failed))
