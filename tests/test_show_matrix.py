"""matrix: mistakes times clients, as a table and as a figure with words in every cell."""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb

from tlsnotes import TLSNotesError
from tlsnotes.live.mistakes import MISTAKES
from tlsnotes.live.outcome import Outcome
from tlsnotes.live.trials import CANNOT_BE_MADE
from tlsnotes.show import matrix_figure
from tlsnotes.show.figures import figure_html
from tlsnotes.show.matrix import Matrix, matrix

FEW = ["self-signed", "expired-leaf", "root-sent-along", "client-certificate-missing-1-3"]


@pytest.fixture(scope="module")
def few() -> Matrix:
    return matrix(FEW, ["requests", "ssl", "curl"])


def test_every_mistake_is_tried_by_every_client_and_all_is_as_expected(few: Matrix) -> None:
    assert set(few.outcomes) == {(mistake, client) for mistake in FEW for client in ("requests", "ssl", "curl")}
    assert few.unexpected == []
    assert repr(few) == "<Matrix: 4 mistakes, 12 tries, 9 refusals; all as expected>"


def test_the_table_has_words_in_every_cell(few: Matrix) -> None:
    rows = {row[0][0]: [text for text, _ in row[1:]] for row in few.table.rows}
    assert rows["Self-signed"][1].startswith("18 ")
    assert rows["The root is sent along"] == ["accepts"] * 3
    assert "<table" in few._repr_html_()


def test_the_figure_has_the_same_words_and_a_sentence_for_those_who_do_not_see_it(few: Matrix, tmp_path: Path) -> None:
    figure = few.figure()
    words = [text.get_text() for text in figure.axes[0].texts if text.get_text()[0] in "✓✗–"]
    assert len(words) == 12
    assert words.count("✓ accepts") == 3
    assert words.count("✗ 18 self-signed certificate") == 2
    html = figure_html(figure)
    assert html is not None
    assert f'alt="{few.alt}"' in html
    figure.savefig(tmp_path / "matrix.png")
    assert (tmp_path / "matrix.png").stat().st_size > 10_000
    assert few.alt.startswith("A grid of 4 mistakes and 3 clients.")


def test_a_client_that_is_not_installed_is_a_column_that_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = matrix(["self-signed"], ["ssl", "curl"])
    assert found.outcomes["self-signed", "curl"].ok is None
    assert [text for text, _ in found.table.rows[0]][2] == "not installed"


def test_what_is_not_there_is_an_error_in_words() -> None:
    for mistakes, clients in ((["no-such"], ["ssl"]), (["self-signed"], ["netscape"]), ([7], ["ssl"])):
        with pytest.raises(TLSNotesError):
            matrix(mistakes, clients)  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize("dark", [False, True])
def test_every_word_of_the_figure_can_be_read_on_its_ground(few: Matrix, dark: bool) -> None:
    """WCAG's contrast of 4.5 for small text, on the page and in every kind of cell."""
    colours = matrix_figure.DARK if dark else matrix_figure.LIGHT
    pairs = [(colours.words[ok], colours.ground[ok]) for ok in (True, False, None)]
    for ink, ground in [*pairs, (colours.ink, colours.page), (colours.quiet, colours.page)]:
        assert contrast(ink, ground) >= 4.5, (ink, ground)
    assert to_hex(few.figure(dark=dark).get_facecolor()) == colours.page


def contrast(one: str, other: str) -> float:
    light, dark = sorted(
        (
            sum(
                share * (value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4)
                for share, value in zip((0.2126, 0.7152, 0.0722), to_rgb(colour), strict=True)
            )
            for colour in (one, other)
        ),
        reverse=True,
    )
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(
    "code",
    ["ERR_SSL_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE", "LEGACY_SIGALG_DISALLOWED_OR_UNSUPPORTED", "a word or two " * 20],
)
def test_no_words_of_the_figure_leave_their_cell(code: str) -> None:
    outcomes = {("self-signed", "ssl"): Outcome("ssl", False, "handshake", code, "")}
    figure = Matrix((MISTAKES["self-signed"],), ("ssl",), outcomes).figure()
    FigureCanvasAgg(figure).print_png(BytesIO())  # only what has been drawn has a size
    (text,) = [text for text in figure.axes[0].texts if text.get_text().startswith("✗")]
    words, cell = text.get_window_extent(), figure.axes[0].get_window_extent()
    assert words.x1 <= cell.x1
    assert words.y1 <= cell.y1
    assert words.y0 >= cell.y0


def test_a_mistake_that_cannot_be_made_here_is_a_row_that_says_why() -> None:
    missing = Outcome("ssl", None, "prepare", CANNOT_BE_MADE, "this OpenSSL has no TLS 1.0")
    found = Matrix((MISTAKES["tls-1-0-only"],), ("ssl",), {("tls-1-0-only", "ssl"): missing})
    assert [text for text, _ in found.table.rows[0]] == [
        "TLS 1.0 only (cannot be made here: this OpenSSL has no TLS 1.0)",
        "cannot be made here",
    ]


def test_the_figure_touches_nothing_that_others_of_matplotlib_share(few: Matrix) -> None:
    few.figure()
    assert "matplotlib.pyplot" not in sys.modules


def test_an_outcome_that_is_not_as_expected_is_marked(few: Matrix) -> None:
    odd = Matrix((MISTAKES["self-signed"],), ("ssl",), {("self-signed", "ssl"): few.outcomes["root-sent-along", "ssl"]})
    assert len(odd.unexpected) == 1
    assert odd.table.rows[0][1][0] == "accepts ≠"
    assert "1 not as expected" in repr(odd)
