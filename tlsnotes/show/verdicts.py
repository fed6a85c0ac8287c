"""Tables of verdicts on a chain: the checks of `judge`, and beside its verdict those of pyca and of OpenSSL."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address

from cryptography import x509

from tlsnotes.checks import Check
from tlsnotes.live.opinions import Opinion, opinions
from tlsnotes.pki.judge import Trusted, judge
from tlsnotes.pki.verdict import Verdict
from tlsnotes.show.disagreements import why_they_differ
from tlsnotes.show.tables import Cell, Table

_CHECKED = {True: ("✓ holds", "holds"), False: ("✗ fails", "fails"), None: ("– not checked", "quiet short")}
_DECIDES = ("✗ decides", "fails")
_SAID = {True: ("✓ accepts", "holds"), False: ("✗ refuses", "fails"), None: ("– no opinion", "quiet short")}
_INDEX = re.compile(r"certificate (\d+)")
MAX_DETAILS = 3  # of checks in one row


def verdict_table(verdict: Verdict) -> Table:
    """List the checks of a verdict: a row for each failure, one for all certificates where a check holds.

    The failure that decides is marked so.
    """
    rows = [_check_row(group, verdict) for group in _groups(verdict.checks)]
    head = [("", ""), ("check", ""), ("certificate", ""), ("found", ""), ("rule", "")]
    return Table(_caption(verdict), head, rows)


def verdict_html(verdict: Verdict) -> str:
    """The HTML of `verdict_table`."""
    return verdict_table(verdict)._repr_html_()


def opinions_table(
    chain: Trusted,
    trust: Trusted,
    name: str | IPv4Address | IPv6Address | None = None,
    at: datetime | None = None,
    usage: str | None = "server",
    crls: Sequence[x509.CertificateRevocationList | bytes] = (),
) -> Table:
    """Judge a chain here, by pyca and by OpenSSL, and list the verdicts beside each other; arguments as for `judge`."""
    return compare_verdicts(
        judge(chain, trust, name, at, usage, crls), opinions(chain, trust, name, at, usage, list(crls))
    )


def compare_verdicts(verdict: Verdict, others: Iterable[Opinion]) -> Table:
    """List a verdict and other judges' opinions on the same question; where they differ, why."""
    others = list(others)
    differing = [opinion.judge for opinion in others if opinion.ok is not None and opinion.ok != verdict.ok]
    caption = f"not all agree: {', '.join(differing)} beside judge" if differing else "no two disagree"
    ours = f"{verdict.decisive.name}: {verdict.decisive.detail}" if verdict.decisive else "every check holds"
    rows = [
        [_SAID[verdict.ok], ("judge", "short"), (ours, ""), ("", ""), ("", "")],
        *(
            [_SAID[o.ok], (o.judge, "short"), (o.words, ""), (o.translated, ""), (_beside(verdict, o), "")]
            for o in others
        ),
    ]
    head = [("", ""), ("who", ""), ("in its own words", ""), ("which means", ""), ("beside judge", "")]
    return Table(caption, head, rows)


def _beside(verdict: Verdict, opinion: Opinion) -> str:
    if opinion.ok is None:
        return ""
    if opinion.ok != verdict.ok:
        return f"differs: {why_they_differ(verdict, opinion)}"
    if verdict.ok or not opinion.check or (verdict.decisive and verdict.decisive.name == opinion.check):
        return "agrees"
    also = any(check.ok is False and check.name == opinion.check for check in verdict.checks)
    return f"agrees: {opinion.check} fails for judge too" if also else f"agrees, but names {opinion.check}"


def _caption(verdict: Verdict) -> str:
    if verdict.decisive:
        return f"refused: {verdict.decisive.name}"
    count = len(verdict.path)
    return f"accepted: a path of {count} certificate{'s' * (count != 1)}"


def _groups(checks: Iterable[Check]) -> list[list[Check]]:
    """What goes into one row, in the order of the checks: a failure is alone, others of one name are together."""
    groups: dict[object, list[Check]] = {}
    for number, check in enumerate(checks):
        groups.setdefault(number if check.ok is False else (check.name, check.ok), []).append(check)
    return list(groups.values())


def _check_row(group: Sequence[Check], verdict: Verdict) -> list[Cell]:
    first = group[0]
    mark = _DECIDES if first is verdict.decisive else _CHECKED[first.ok]
    return [mark, (first.name, "short"), (_where(group), ""), (_details(group), ""), (_rules(group), "quiet")]


def _where(group: Sequence[Check]) -> str:
    if len(group) == 1:
        return group[0].where.removeprefix("certificate ")
    indices = sorted({int(found[1]) for check in group if (found := _INDEX.match(check.where))})
    if indices and indices == list(range(indices[0], indices[-1] + 1)) and len(indices) > 1:
        return f"{indices[0]} to {indices[-1]}"
    return ", ".join(map(str, indices))


def _details(group: Sequence[Check]) -> str:
    details = list(dict.fromkeys(check.detail for check in group if check.detail))
    more = f"; and {len(details) - MAX_DETAILS} more" if len(details) > MAX_DETAILS else ""
    return "; ".join(details[:MAX_DETAILS]) + more


def _rules(group: Sequence[Check]) -> str:
    return ", ".join(dict.fromkeys(check.rfc for check in group if check.rfc))
