"""matrix: mistakes times clients, as a table and as a figure with words in every cell."""

from __future__ import annotations

from pathlib import Path

import pytest

from tlsnotes import TLSNotesError
from tlsnotes.live.mistakes import MISTAKES
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
    words = [text.get_text() for text in figure.axes[0].texts]
    assert len(words) == 12
    assert all(words)
    assert words.count("accepts") == 3
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


def test_an_outcome_that_is_not_as_expected_is_marked(few: Matrix) -> None:
    odd = Matrix((MISTAKES["self-signed"],), ("ssl",), {("self-signed", "ssl"): few.outcomes["root-sent-along", "ssl"]})
    assert len(odd.unexpected) == 1
    assert odd.table.rows[0][1][0] == "accepts ≠"
    assert "1 not as expected" in repr(odd)
