"""Figures: what they show is in them and in their words, nothing overlaps, and what comes from others is only text."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path

import matplotlib as mpl
import pytest
from cryptography import x509
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from needs import every_vector, vectors

from tlsnotes import (
    Authority,
    Recording,
    TLSNotesError,
    chain_figure,
    judge,
    keys_figure,
    ladder_figure,
    measure_keys,
    validity_figure,
)
from tlsnotes.show.figure_validity import limit_on
from tlsnotes.show.figures import figure_html
from tlsnotes.show.palette import DARK, LIGHT, plain

ROOT = Authority.root("Class Root CA")
ISSUING = ROOT.intermediate("Class Issuing CA")
LEAF = ISSUING.issue(["payments.example"])
QUICK = measure_keys(["ecdsa-p256", "rsa-2048", "ed25519"], seconds=0.1)


def texts(figure: Figure) -> list[Text]:
    return [one for one in figure.findobj(Text) if isinstance(one, Text) and one.get_text() and one.get_visible()]


def said(figure: Figure) -> str:
    return "\n".join(one.get_text() for one in texts(figure))


def drawn(figure: Figure) -> list[tuple[str, object]]:
    """Each text with the box that it takes, which has to lie in the picture."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    boxes = [(one.get_text(), one.get_window_extent(renderer)) for one in texts(figure)]
    width, height = figure.bbox.width, figure.bbox.height
    for text, box in boxes:
        assert box.x0 >= -1, text
        assert box.y0 >= -1, text
        assert box.x1 <= width + 1, text
        assert box.y1 <= height + 1, text
    return boxes  # type: ignore[return-value]


def overlapping(figure: Figure) -> list[tuple[str, str]]:
    boxes = drawn(figure)
    return [(a, b) for (a, one), (b, other) in combinations(boxes, 2) if one.padded(-1).overlaps(other)]  # type: ignore[attr-defined]


def figures(dark: bool) -> Iterable[Figure]:
    late = datetime.now(UTC) + timedelta(days=150)
    good = judge(LEAF, trust=[ROOT], name="payments.example")
    bad = judge(LEAF, trust=[ROOT], name="other.example", at=late)
    yield keys_figure(QUICK, dark=dark)
    for verdict in (good, bad):
        yield chain_figure(verdict, dark=dark)
        yield validity_figure(verdict, at=late, dark=dark)


@pytest.mark.parametrize("dark", [False, True])
def test_no_text_lies_on_another_or_leaves_the_picture(dark: bool) -> None:
    for figure in figures(dark):
        assert not overlapping(figure)
        assert figure.get_facecolor() == mpl.colors.to_rgba((DARK if dark else LIGHT).page)


@every_vector
def test_the_ladder_shows_every_message_and_none_lies_on_another(path: Path) -> None:
    handshake = Recording.load(path).dissect()
    figure = ladder_figure(handshake)
    names = {message.name for message in handshake.messages if message.content_type != 21}
    assert not {name for name in names if name not in said(figure)}
    assert not overlapping(figure)
    assert "no times" in said(figure)


def test_the_ladder_grows_with_time_and_groups_what_repeats() -> None:
    stored = Recording.load(vectors() / "handshakes" / "tls13-mtls.json")
    timed = [(s.sender, s.data, n * 0.01) for n, s in enumerate(stored.segments)]
    more = [("S", b"\x17\x03\x03\x00\x05abcde", 0.2)] * 30
    figure = ladder_figure(Recording.from_segments([*timed, *more], stored.keylog).dissect())
    assert "10.0" in said(figure)
    assert re.search(r"application_data × \d", said(figure)) or "application_data" in said(figure)
    assert len(texts(figure)) < 90
    assert not overlapping(figure)


def test_an_alert_is_called_by_its_name_and_drawn_apart() -> None:
    figure = ladder_figure(Recording.load(vectors() / "handshakes" / "alert-unknown-ca.json").dissect())
    alert = next(one for one in texts(figure) if one.get_text() == "Alert unknown_ca")
    assert alert.get_color() == LIGHT.fails
    assert alert.get_weight() == "bold"
    assert "Alert unknown_ca" in str(figure.get_label())


def test_keys_are_measured_and_not_made_up() -> None:
    kinds = {one.kind: one for one in QUICK}
    assert kinds.keys() == {"ecdsa-p256", "rsa-2048", "ed25519"}
    assert kinds["rsa-2048"].signature == 256
    assert kinds["ed25519"].signature == 64
    assert kinds["ed25519"].certificate < kinds["rsa-2048"].certificate
    assert kinds["rsa-2048"].generate > kinds["ecdsa-p256"].generate
    again = measure_keys(["ed25519"], seconds=0.02)[0]
    assert (again.sign, again.verify) != (kinds["ed25519"].sign, kinds["ed25519"].verify)
    with pytest.raises(TLSNotesError):
        measure_keys(["rsa-1"])
    assert "rsa-2048" in said(keys_figure(QUICK))
    assert "signature 256 bytes" in str(keys_figure(QUICK).get_label())


@pytest.mark.parametrize(
    ("day", "days"),
    [("2026-03-14", 398), ("2026-03-15", 200), ("2027-03-14", 200), ("2027-03-15", 100), ("2029-03-15", 47)],
)
def test_the_days_a_public_certificate_may_last_follow_the_calendar(day: str, days: int) -> None:
    assert limit_on(datetime.fromisoformat(f"{day}T00:00:00+00:00")) == days


def test_a_certificate_that_is_over_and_one_that_is_too_long_are_called_so() -> None:
    late = datetime.now(UTC) + timedelta(days=150)
    figure = validity_figure(LEAF, at=late)
    assert "✗ no longer valid, 90 days" in said(figure)
    assert "within it" in said(figure)
    assert "days too long" in said(validity_figure(ROOT))
    assert f"at {late:%Y-%m-%d}" in str(figure.get_label())


def test_a_chain_says_what_fails_at_its_place() -> None:
    good = chain_figure(judge(LEAF, trust=[ROOT], name="payments.example"))
    bad = chain_figure(judge(LEAF, trust=[ROOT], name="other.example"))
    assert "✓ holds" in said(good)
    assert "trust anchor · 2" in said(good)
    assert said(good).count("✓ signature holds") == 2
    assert "✗ name fails" in said(bad)
    assert "✗ refused: name" in said(bad)
    assert "not judged" in said(chain_figure(LEAF))
    assert "✓" not in said(chain_figure([LEAF.certificate, ISSUING.certificate]))


def test_a_long_chain_goes_on_in_the_next_row() -> None:
    authority = Authority.root("the root of many", path_length=6)
    for number in range(4):
        authority = authority.intermediate(f"intermediate {number}", path_length=5 - number)
    figure = chain_figure(judge(authority.issue("localhost"), trust=[], name="localhost"))
    assert "signed by the next, below: ✓ signature holds" in said(figure)
    assert not overlapping(figure)


def test_hostile_certificates_are_drawn_as_text_and_warn_of_nothing() -> None:
    """Warnings are errors in these tests: a letter that the font does not have is no reason for one."""
    for path in sorted((vectors() / "certificates" / "hostile").rglob("*.der")):
        try:
            certificate = x509.load_der_x509_certificate(path.read_bytes())
        except ValueError:
            continue
        for figure in (
            chain_figure([certificate]),
            validity_figure([certificate]),
            chain_figure(judge(path.read_bytes())),
        ):
            drawn(figure)
            assert not [c for c in said(figure) + str(figure.get_label()) if not c.isprintable() and c != "\n"], path
            html = figure_html(figure)
            assert html is not None
            assert html.count("<") == 1, path


@pytest.mark.parametrize("text", ["$x$", "a $ b", "$\\frac{", "100 % $", "\u65e5\u672c", "\u202egnp", "a" * 500])
def test_any_text_can_be_drawn(text: str) -> None:
    figure = Figure()
    figure.text(0.1, 0.1, plain(text))
    drawn(figure)


def settings() -> dict[str, object]:
    """All of matplotlib's settings but the backend: to ask for that one is to choose it, and loads pyplot."""
    return {name: mpl.rcParams[name] for name in mpl.rcParams if name != "backend"}


def test_no_setting_of_matplotlib_is_changed_and_no_window_opened() -> None:
    before = settings()
    list(figures(dark=True))
    assert settings() == before
    assert "matplotlib.pyplot" not in sys.modules


@pytest.mark.parametrize("nothing", [[], None, 5])
def test_nothing_to_draw_is_said(nothing: object) -> None:
    for draw in (chain_figure, validity_figure):
        with pytest.raises(TLSNotesError):
            draw(nothing)  # type: ignore[operator]
