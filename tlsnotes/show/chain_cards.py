"""What the chain view says: a verdict in one sentence, a card for each certificate, the signatures between them.

- Each check of a verdict has its place: a row of a card, the link to the next one, or a row of its own where it fails.
- The texts here are as the certificates have them; `payload` and `Table` make them harmless, once, where they go out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tlsnotes.checks import Check
from tlsnotes.pki.inspected import GeneralName, Inspected
from tlsnotes.pki.judge import judge
from tlsnotes.pki.name_constraints import Subtrees, subtrees
from tlsnotes.pki.rules import apart
from tlsnotes.pki.strength import load_key
from tlsnotes.pki.verdict import CHECKS, Question, Verdict
from tlsnotes.show.chain_words import FIXES, LABELS, NEVER, date, key_words, listed, name_words, period, uses
from tlsnotes.show.tables import Cell, Table, visible
from tlsnotes.show.verdicts import verdict_table
from tlsnotes.show.words import words_of_check
from tlsnotes.wire.fields import Field

MARKS = {True: "✓", False: "✗", None: "–"}
MARGIN = 0.3  # of a period, shown before and behind it
MAX_SHOWN = 5  # names in a row of a card


@dataclass(frozen=True, slots=True)
class Row:
    """A field of a card: its values, what its checks say together, and the words of those that fail."""

    label: str
    values: Sequence[str]
    ok: bool | None = None
    wrong: Sequence[str] = ()
    checks: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Bar:
    """A period of validity and the time asked, as fractions of a line."""

    start: float
    end: float
    at: float
    ok: bool
    words: str


@dataclass(frozen=True, slots=True)
class Card:
    """A certificate of the path, or one that is missing; `link`: whether the next one's signature on it holds."""

    role: str
    index: str
    title: str
    ok: bool
    rows: Sequence[Row]
    bar: Bar | None = None
    link: bool | None = None
    missing: bool = False


@dataclass(frozen=True, slots=True)
class Band:
    """The verdict in one sentence; `ok` None: there is none, for the question cannot be asked."""

    ok: bool | None
    word: str
    text: str
    more: str = ""
    todo: str = ""


def band_of(verdict: Verdict) -> Band:
    """Say the verdict, what decides, and what to do."""
    decisive = verdict.decisive
    if decisive is None:
        anchor = verdict.checks[0].detail
        return Band(True, "Accepted", f"{anchor}.", "Every check that was made holds.", _not_made(verdict))
    failed = sum(check.ok is False for check in verdict.checks)
    more = (
        "Everything else holds."
        if failed == 1
        else f"{failed - 1} more {'check fails' if failed == 2 else 'checks fail'}."
    )
    where = f"{decisive.where}: " if decisive.where else ""
    lost = decisive.name == "trust" and any(check.name == "path" and check.ok is False for check in verdict.checks)
    early = decisive.name == "validity" and "yet" in decisive.detail
    fix = FIXES.get("path" if lost else "not yet" if early else decisive.name, "")
    return Band(False, "Refused", f"{where}{decisive.detail}.", more, " ".join(filter(None, (fix, NEVER))))


def _not_made(verdict: Verdict) -> str:
    """What the verdict does not stand for: questions that a relying party should ask, and that have no answer."""
    said: dict[str, list[bool | None]] = {name: [] for name in ("name", "extended-key-usage", "revocation")}
    for check in verdict.checks:
        if check.name in said:
            said[check.name].append(check.ok)
    names = [name for name, oks in said.items() if oks and not any(ok is not None for ok in oks)]
    return f"Not asked: {', '.join(names)}." if names else ""


def cards_of(verdict: Verdict) -> list[Card]:
    """Make the cards of a verdict that knows its question, from the end-entity on."""
    question = verdict.question
    if question is None:
        return []
    trees = {tree.raw: tree for tree in (*question.chain, *question.trust)}
    path = [Inspected(trees[_der(one)]) for one in verdict.path]
    complete = any(check.name == "trust" and check.ok for check in verdict.checks)
    found: dict[int, list[Check]] = {index: [] for index in range(len(path))}
    for check in verdict.checks:
        found[index_of(check)].append(check)
    last = len(path) - 1
    absent = None if complete or path[last].self_issued else _missing(path[last], found[last], trees.values())
    if absent:
        found[last] = [check for check in found[last] if check.name not in ("trust", "path")]
    cards = [
        _Writer(path, index, found[index], question, complete).card(linked=index < last or absent is not None)
        for index in range(len(path))
    ]
    return [*cards, absent] if absent else cards


def index_of(check: Check) -> int:
    """Give the number of the certificate that a check of `judge` concerns."""
    number = check.where.removeprefix("certificate ").partition(" ")[0]
    return int(number) if number.isdecimal() else 0


def _der(certificate: x509.Certificate | bytes) -> bytes:
    return certificate if isinstance(certificate, bytes) else certificate.public_bytes(Encoding.DER)


def _missing(last: Inspected, checks: Iterable[Check], trees: Iterable[Field]) -> Card:
    wrong = [check.name for check in checks if check.ok is False and check.name in ("trust", "path")]
    namesake = any(one.subject == last.issuer for one in map(Inspected, trees))
    words = "only another key of this name is here" if namesake else "not in the chain, and not among what you trust"
    return Card(
        "issuer", "not here", issuer_title(last), False, [Row("missing", (), False, (words,), wrong)], missing=True
    )


def issuer_title(certificate: Inspected) -> str:
    """Give what a certificate calls its issuer: the commonName, else whatever there is."""
    field = certificate.part("issuer")
    texts = [(part.name, part.value) for part in field.walk() if isinstance(part.value, str)] if field else []
    common = [text for name, text in texts if name == "commonName"]
    rest = [text for name, text in texts if name not in ("type", "identifier")]
    return next(iter([*common, *rest]), "somebody without a name")


class _Writer:
    """Writes one card: its rows, and at each the checks that are about it."""

    def __init__(
        self, path: Sequence[Inspected], index: int, checks: Sequence[Check], question: Question, complete: bool
    ) -> None:
        self.one, self.index, self.question = path[index], index, question
        self.last = index == len(path) - 1
        self.anchor = complete and self.last
        self.checks: dict[str, Check] = {check.name: check for check in checks}
        self.placed: set[str] = set()

    def card(self, *, linked: bool) -> Card:
        rows = list(self._rows())
        # What has no row because it holds mostly gets one, above the last: the bar belongs below the dates.
        wrong = [name for name, check in self.checks.items() if check.ok is False and name not in self.placed]
        rows[-1:-1] = [self._row(name, (), name) for name in wrong]
        signature = self.checks.get("signature")
        ok = not any(check.ok is False for check in self.checks.values())
        link = signature.ok if signature and linked else None
        return Card(self._role(), f"certificate {self.index}", self.one.title, ok, rows, self._bar(), link)

    def _role(self) -> str:
        if self.anchor:
            return "trust anchor" if self.index else "end-entity and trust anchor"
        if self.index == 0:
            return "end-entity"
        return "root, not trusted" if self.last and self.one.self_issued else "intermediate"

    def _rows(self) -> Iterable[Row]:
        one, issuing = self.one, self.index > 0
        if not issuing:
            yield self._row("names", _some(one.names) or ["none"], "name")
        yield self._row("key", [key_words(load_key(one.key))], "key-strength")
        if issuing or one.is_ca:
            yield self._row("may sign", [self._may_sign()], "basic-constraints", "key-usage")
        if one.extended_key_usage is not None or not issuing:
            label = "may vouch for" if issuing else "may be"
            yield self._row(
                label, [uses(one.extended_key_usage)], "extended-key-usage", "key-usage", "basic-constraints"
            )
        length = one.basic_constraints.path_length if one.basic_constraints else None
        if length is not None:
            yield self._row("path length", [f"{length:,}"], "path-length")
        yield from self._constraints()
        if "trust" in self.checks:
            yield self._row("trusted", ["because you said so"] if self.anchor else [], "trust")
        revocation = self.checks.get("revocation")
        if revocation and revocation.ok is not None:
            yield self._row("revoked", ["no"] if revocation.ok else [], "revocation")
        begin, end = one.not_before, one.not_after
        yield self._row("valid", [period(begin, end) if begin and end else "cannot be read"], "validity")

    def _may_sign(self) -> str:
        if not self.one.is_ca:
            return "handshakes, no certificates"
        kinds = (("keyCertSign", "certificates"), ("cRLSign", "CRLs"))
        usage = self.one.key_usage
        return "anything" if usage is None else listed([words for name, words in kinds if name in usage])

    def _constraints(self) -> Iterable[Row]:
        extension = self.one.extensions.get("nameConstraints")
        found = subtrees(extension) if extension else Subtrees({}, {})
        for label, by_form in (("only for", found.permitted), ("not for", found.excluded)):
            if bases := [base for bases in by_form.values() for base in bases]:
                yield self._row(label, _some(bases), "name-constraints")

    def _row(self, label: str, values: Sequence[str], *names: str) -> Row:
        checks = [self.checks[name] for name in names if name in self.checks and name not in self.placed]
        self.placed.update(check.name for check in checks)
        wrong = [self._words(check) for check in checks if check.ok is False]
        made = [check.ok for check in checks if check.ok is not None]
        return Row(LABELS.get(label, label), values, all(made) if made else None, wrong, [c.name for c in checks])

    def _words(self, check: Check) -> str:  # noqa: PLR0911  # one for each check that has shorter words
        """What fails, in fewer words than the table has for it, where what stands beside it says the rest."""
        begin, end, at = self.one.not_before, self.one.not_after, self.question.at
        match check.name:
            case "name" if self.one.names:
                return f"not for {self.question.name}"
            case "name-constraints" if check.detail.startswith("of certificate "):
                return f"may not vouch for a name {check.detail.partition(':')[0]}"
            case "encoding":
                path, _, words = check.detail.partition(": ")
                named = [part for part in path.split(".") if not part.isdecimal() and part != "value"]
                return f"{named[-1]}: {words}" if words and named else check.detail
            case "trust":
                return "nobody here trusts it"
            case "validity" if begin and at < begin:
                return f"begins in {apart(begin, at)}"
            case "validity" if end and at > end:
                return f"ended {apart(at, end)} ago"
        return check.detail

    def _bar(self) -> Bar | None:
        begin, end = self.one.not_before, self.one.not_after
        if begin is None or end is None or end <= begin:
            return None
        whole, at = (end - begin) / timedelta(seconds=1), self.question.at
        place = ((at - begin) / timedelta(seconds=1) / whole + MARGIN) / (1 + 2 * MARGIN)
        ok = begin <= at.replace(microsecond=0) <= end
        words = f"valid {period(begin, end)}; the time asked, {date(at)}, is {_side(at, begin, end)}"
        first = MARGIN / (1 + 2 * MARGIN)
        return Bar(round(first, 4), round(1 - first, 4), round(min(max(place, 0.0), 1.0), 4), ok, words)


def _some(names: Sequence[GeneralName]) -> list[str]:
    more = [f"and {len(names) - MAX_SHOWN:,} more"] if len(names) > MAX_SHOWN else []
    return [*map(name_words, names[:MAX_SHOWN]), *more]


def _side(at: datetime, begin: datetime, end: datetime) -> str:
    return "before it" if at < begin else "in it" if at.replace(microsecond=0) <= end else "after it"


def checks_table(verdict: Verdict) -> Table:
    """List every check of CHECKS in its order, also those without an answer: failures one by one, what holds in one."""
    table = verdict_table(verdict)
    rows: dict[str, list[Sequence[Cell]]] = {name: [] for name in CHECKS}
    for mark, called, where, found, rule in table.rows:
        rows[called[0]].append([mark, called, found, (where[0].partition(" (")[0], where[1]), rule])
    for name, some in rows.items():
        # That one certificate of several was not asked would be a second row, and no news.
        rows[name] = [row for row in some if not row[0][0].startswith("–")] or some[:1]
        if not some:
            words = "nothing in this path to ask it of"
            rows[name] = [[("– not checked", "quiet short"), (name, "short"), (words, ""), ("", ""), ("", "quiet")]]
    head = [("verdict", ""), ("check", ""), ("found", ""), ("certificate", ""), ("rule", "")]
    return Table(table.caption, head, [row for some in rows.values() for row in some])


def cards_table(verdict: Verdict) -> Table:
    """List the cards: a row for each certificate, with what is wrong with it."""
    rows: list[Sequence[Cell]] = []
    for card in cards_of(verdict):
        fields = "; ".join(
            f"{row.label}: {listed(row.values)}" for row in card.rows if row.values and row.label != "valid"
        )
        valid = next((listed(row.values) for row in card.rows if row.label == "valid"), "")
        wrong = "; ".join(words for row in card.rows for words in row.wrong)
        by = "" if card.missing or "anchor" in card.role else f"{MARKS[card.link]} {_SIGNED[card.link]}"
        rows.append(
            [
                (f"{card.index.removeprefix('certificate ')}: {card.role}", "short"),
                (card.title, ""),
                (fields, ""),
                (valid, "short"),
                (f"✗ {wrong}" if wrong else "", "fails wide" if wrong else ""),
                (by, "fails" if card.link is False else "holds" if card.link else "quiet short"),
            ]
        )
    head = [("certificate", ""), ("subject", ""), ("says", ""), ("valid", ""), ("wrong", ""), ("its signature", "")]
    return Table("the chain, from the end-entity up", head, rows)


_SIGNED = {True: "holds", False: "fails", None: "not checked"}


def sentences(band: Band) -> str:
    """Say a band as text: every part harmless by itself, so that a long one leaves the others whole."""
    return " ".join(
        visible(part) for part in (f"{MARKS[band.ok]} {band.word}:", band.text, band.more, band.todo) if part
    )


def payload(shown: Any) -> Any:  # JSON's own values
    """Make what the widget gets of a dataclass or a list of them: every text harmless, and no longer than a line."""
    return [_harmless(asdict(one)) for one in shown] if isinstance(shown, Sequence) else _harmless(asdict(shown))


def table_payload(table: Table) -> dict[str, Any]:
    """Make what the widget gets of a table."""
    cells = [[visible(text) for text, _ in row] for row in table.rows]
    marks = [{"✓": True, "✗": False}.get(row[0][0][:1]) for row in table.rows]
    said = {row[1][0]: words_of_check("judge", row[1][0]) for row in table.rows}
    words = {name: [one.what, one.why] for name, one in said.items() if one}
    return {"head": [text for text, _ in table.head], "rows": cells, "oks": marks, "words": words}


def _harmless(value: Any) -> Any:  # JSON's own values
    match value:
        case str():
            return visible(value)
        case Mapping():
            return {key: _harmless(one) for key, one in value.items()}
        case Sequence():
            return [_harmless(one) for one in value]
    return value


def ask(question: Question) -> Verdict:
    """Judge a question again. Raises `TLSNotesError` as `judge` does."""
    q = question
    return judge(q.chain, q.trust, q.name, q.at, q.usage, q.crls, max_depth=q.max_depth)
