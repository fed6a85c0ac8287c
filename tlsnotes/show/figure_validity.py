"""Validity periods on a calendar, beside what public servers' certificates may be: 200, 100 and then 47 days."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509

from tlsnotes.errors import TLSNotesError
from tlsnotes.pki.authority import Authority
from tlsnotes.pki.credential import Credential
from tlsnotes.pki.names import certificate_names, common_name
from tlsnotes.pki.verdict import Verdict
from tlsnotes.show.palette import LARGE, NORMAL, SMALL, canvas, palette, plain, sentence

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# BR 2.2.6 section 6.3.2: a public server certificate issued from this day on is valid for so many days at most.
LIMITS = (
    (datetime(2026, 3, 15, tzinfo=UTC), 200),
    (datetime(2027, 3, 15, tzinfo=UTC), 100),
    (datetime(2029, 3, 15, tzinfo=UTC), 47),
)
BEFORE = 398  # the limit until 2026-03-14
WIDTH, LEFT, RIGHT, ROW = 8.8, 2.3, 8.5, 0.52

Shown = Verdict | Credential | Authority | x509.Certificate | Iterable[x509.Certificate]


def limit_on(day: datetime) -> int:
    """How many days a public server certificate may be valid that is issued on this day (BR section 6.3.2)."""
    return next((days for begins, days in reversed(LIMITS) if day >= begins), BEFORE)


def validity_figure(chain: Shown, *, at: datetime | None = None, dark: bool = False) -> Figure:
    """Draw the validity periods of certificates on one calendar, with the time `at` (default now) as a line.

    `chain`: a Verdict, a Credential, an Authority, or certificates, the end-entity's first. Below them, to the same
    scale, what a public server certificate may last from the end-entity's first day on; a private CA is free of that.
    Raises `TLSNotesError` where there is no certificate to draw.
    """
    certificates, when = certificates_of(chain), at or datetime.now(UTC)
    periods = [(c.not_valid_before_utc, c.not_valid_after_utc) for c in certificates]
    start, end = periods[0]
    allowed = limit_on(start)
    first = min([begin for begin, _ in periods] + [when])
    last = max([finish for _, finish in periods] + [when, start + timedelta(days=allowed)])
    span = max((last - first).total_seconds(), 1.0)
    colours = palette(dark=dark)
    height = 1.0 + ROW * (len(certificates) + 1) + 0.45
    figure, axes = canvas(WIDTH, height, colours)

    def place(moment: datetime) -> float:
        return LEFT + (RIGHT - LEFT) * (moment - first).total_seconds() / span

    axes.text(0.2, 0.28, "validity periods", fontsize=LARGE, weight="bold", color=colours.ink, va="center")
    said = []
    for row, (certificate, (begin, finish)) in enumerate(zip(certificates, periods, strict=True)):
        y = 0.95 + ROW * row
        holds = begin <= when <= finish
        name = _title(certificate)
        days = (finish - begin).total_seconds() / 86_400
        state = "valid" if holds else "not valid yet" if when < begin else "no longer valid"
        axes.text(0.2, y - 0.05, plain(name, 26), fontsize=NORMAL, color=colours.ink, va="bottom")
        axes.text(0.2, y + 0.02, f"{'✓' if holds else '✗'} {state}, {days:,.0f} days", fontsize=SMALL, va="top",
                  color=colours.quiet if holds else colours.fails)  # fmt: skip
        axes.barh(y, place(finish) - place(begin), left=place(begin), height=0.2,
                  color=colours.accent if holds else colours.fails)  # fmt: skip
        _dates(axes, place(begin), place(finish), y, f"{begin:%Y-%m-%d}", f"{finish:%Y-%m-%d}", colours.quiet)
        said.append(f"{name}: {begin:%Y-%m-%d} to {finish:%Y-%m-%d}, {days:,.0f} days, {state}.")
    y = 0.95 + ROW * len(certificates)
    days = (end - start).total_seconds() / 86_400
    fits = days <= allowed
    axes.text(0.2, y - 0.05, f"public servers: {allowed} days", fontsize=NORMAL, color=colours.ink, va="bottom")
    verdict = f"issued {start:%Y-%m-%d}: " + ("within it" if fits else f"{days - allowed:,.0f} days too long")
    axes.text(0.2, y + 0.02, f"{'✓' if fits else '–'} {verdict}", fontsize=SMALL, color=colours.quiet, va="top")
    axes.barh(y, place(start + timedelta(days=allowed)) - place(start), left=place(start), height=0.2, fill=False,
              edgecolor=colours.quiet, linewidth=1, hatch="///")  # fmt: skip
    axes.plot([place(when)] * 2, [0.62, y + 0.28], color=colours.ink, linewidth=1.4)
    axes.text(place(when), 0.52, f"{when:%Y-%m-%d}", fontsize=SMALL, weight="bold", color=colours.ink, ha="center")
    rules = ", ".join(f"{days} from {begins:%Y-%m-%d}" for begins, days in LIMITS)
    rule = f"Days allowed to public CAs: {rules} (BR §6.3.2). A private CA is free of that."
    axes.text(0.2, height - 0.2, rule, fontsize=SMALL, color=colours.quiet, va="center")
    may = f"A public server certificate of {start:%Y-%m-%d} may be valid for {allowed} days."
    figure.set_label(sentence([f"Validity periods on a calendar at {when:%Y-%m-%d}.", *said, may]))
    return figure


def certificates_of(chain: Shown) -> list[x509.Certificate]:
    """The certificates in whatever was given, the end-entity's first; raises `TLSNotesError` where there is none."""
    match chain:
        case Verdict():
            found = [one for one in chain.path if isinstance(one, x509.Certificate)]
        case Credential():
            found = [chain.certificate, *chain.chain]
        case Authority() | x509.Certificate():
            found = [chain if isinstance(chain, x509.Certificate) else chain.certificate]
        case Iterable():
            found = [one for one in chain if isinstance(one, x509.Certificate)]
        case _:
            found = []
    if not found:
        raise TLSNotesError(
            "there is no certificate to draw",
            expected="a Verdict, a Credential, an Authority, or certificates that cryptography can load",
            found=type(chain).__name__,
        )
    return found


def _title(certificate: x509.Certificate) -> str:
    names = certificate_names(certificate)
    try:
        return names[0] if names else common_name(certificate.subject)
    except ValueError:  # cryptography does not read every name that others write
        return "a name that cryptography does not read"


def _dates(axes: object, begin: float, finish: float, y: float, first: str, last: str, colour: str) -> None:
    """Both dates below the bar; where it is short, in one text."""
    from matplotlib.axes import Axes  # noqa: PLC0415  # as in palette.py

    assert isinstance(axes, Axes)  # noqa: S101  # for the types alone
    if finish - begin > 1.8:
        axes.text(begin, y + 0.13, first, fontsize=SMALL, color=colour, va="top", ha="left")
        axes.text(finish, y + 0.13, last, fontsize=SMALL, color=colour, va="top", ha="right")
    else:
        middle = min(max((begin + finish) / 2, LEFT + 0.8), RIGHT - 0.8)
        axes.text(middle, y + 0.13, f"{first} – {last}", fontsize=SMALL, color=colour, va="top", ha="center")
