"""What every notebook of the course keeps to. (That its outputs are true is for nbval, which runs all of them.)"""

from __future__ import annotations

import math
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from needs import ROOT

PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
NOTEBOOKS = {path.stem: nbformat.read(path, as_version=4) for path in PATHS}
CODE = [(name, cell) for name, notebook in NOTEBOOKS.items() for cell in notebook.cells if cell.cell_type == "code"]
IGNORED = "nbval-ignore-output"
each = pytest.mark.parametrize("name", NOTEBOOKS)


def text(name: str, kind: str = "markdown") -> str:
    return "\n".join(cell.source for cell in NOTEBOOKS[name].cells if cell.cell_type == kind)


def outputs(name: str) -> str:
    return "\n".join(str(cell.get("outputs", "")) for cell in NOTEBOOKS[name].cells)


@each
def test_a_notebook_opens_with_its_question_and_closes_with_what_was_seen(name: str) -> None:
    first, last = NOTEBOOKS[name].cells[0].source, NOTEBOOKS[name].cells[-1].source
    assert first.startswith("# ")
    for opening in ("**The question:**", "**You will be able to**", "**You need**"):
        assert opening in first
    assert last.startswith("## What you saw")
    assert 3 <= len(re.findall(r"^- ", last, re.MULTILINE)) <= 5


@each
def test_a_notebook_takes_the_minutes_it_says(name: str) -> None:
    """200 words a minute and half a minute for each code cell, rounded up to five; README's table says the same."""
    words = len(re.findall(r"\w[\w'.-]*", text(name).partition("## Try it yourself")[0]))
    code = sum(cell.cell_type == "code" for cell in NOTEBOOKS[name].cells)
    minutes = 5 * math.ceil((words / 200 + code / 2) / 5)
    assert f"About {minutes} minutes, and the exercises." in NOTEBOOKS[name].cells[0].source
    assert re.search(rf"\[{name}\].* {minutes} \|$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)


@each
def test_a_notebook_lets_the_learner_predict_and_practise(name: str) -> None:
    assert "**Predict:**" in text(name)
    assert len(re.findall(r"^### Exercise \d", text(name), re.MULTILINE)) >= 3
    assert text(name).count("<summary>Solution</summary>") >= 3


@each
def test_a_notebook_was_run_from_top_to_bottom_before_it_was_committed(name: str) -> None:
    code = [cell for cell in NOTEBOOKS[name].cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert any(cell.outputs for cell in code)


@each
def test_a_notebook_is_stored_as_everybody_can_read_it(name: str) -> None:
    notebook = NOTEBOOKS[name]
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert notebook.metadata.kernelspec.name == "python3"
    assert "widgets" not in notebook.metadata


@each
def test_the_ids_of_cells_are_words_and_stay(name: str) -> None:
    ids = [cell.id for cell in NOTEBOOKS[name].cells]
    assert len(set(ids)) == len(ids)
    assert [cell_id for cell_id in ids if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", cell_id)] == []


def test_a_cell_has_at_most_ten_lines_of_code() -> None:
    long = {
        (name, cell.id): lines
        for name, cell in CODE
        if (lines := len([line for line in cell.source.splitlines() if line.strip()])) > 10
    }
    assert long == {}


def test_fewer_than_a_quarter_of_the_cells_are_not_compared() -> None:
    ignored = sum(IGNORED in cell.metadata.get("tags", []) for _, cell in CODE)
    assert ignored / len(CODE) < 0.25, f"{ignored} of {len(CODE)} code cells"


def test_an_error_is_shown_only_where_it_was_announced() -> None:
    unannounced = [
        (name, cell.id)
        for name, cell in CODE
        for output in cell.outputs
        if output.output_type == "error" and "raises-exception" not in cell.metadata.get("tags", [])
    ]
    assert unannounced == []


@each
def test_no_output_holds_a_private_key_or_a_traffic_secret_or_a_path_of_the_machine(name: str) -> None:
    shown = outputs(name)
    assert "PRIVATE KEY" not in shown
    assert not re.search(r"(TRAFFIC_SECRET|CLIENT_RANDOM)\w* [0-9a-f]{64}", shown)
    assert str(ROOT) not in shown
    assert str(Path.home()) not in shown


@each
def test_links_and_pictures_lead_somewhere_and_pictures_have_words(name: str) -> None:
    for exclamation, label, target in re.findall(r"(!?)\[([^\]]*)\]\(([^)]+)\)", text(name)):
        assert label, target
        if not target.startswith("https://"):
            assert (ROOT / "notebooks" / target).is_file(), target
        if exclamation:
            assert len(label) > 40, f"{target} needs words for those who cannot see it"


@each
def test_verification_is_never_switched_off_but_for_the_one_experiment(name: str) -> None:
    """What it costs is shown once, in 04, with somebody in the middle who reads and changes the payment."""
    off = re.findall(
        r"verify\s*=\s*False|check_hostname\s*=\s*False|CERT_NONE|--insecure|\bcurl -k\b", text(name, "code")
    )
    assert off == (["verify=False"] if name == "04-https-server" else [])


@each
def test_a_notebook_runs_twice_in_one_kernel(name: str, tmp_path: Path) -> None:
    notebook = nbformat.from_dict(NOTEBOOKS[name])
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    again = [nbformat.v4.new_code_cell(cell.source, metadata=cell.metadata) for cell in code]
    notebook.cells = code + again
    client = NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    assert [cell.execution_count for cell in again] == list(range(len(code) + 1, 2 * len(code) + 1))
