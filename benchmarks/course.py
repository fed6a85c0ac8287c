"""The whole course, run as a class runs it: every notebook in a fresh kernel, against as many empty ones."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from benchmarks.rows import Row, longer
from benchmarks.timing import Sample, by_the_clock

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
RUNS = 3  # at most


def against_empty_notebooks(runs: int) -> Row:
    """One after the other; an empty notebook has one cell, which holds `None`."""
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    os.environ["TLSNOTES_PROGRESS"] = ""
    course = [nbformat.read(path, as_version=4) for path in sorted(FOLDER.glob("*.ipynb"))]
    empty = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("None")])
    ours, theirs = [], []
    for _ in range(min(runs, RUNS)):
        ours.append(by_the_clock(lambda: [_run(one) for one in course]))
        theirs.append(by_the_clock(lambda: [_run(empty) for _ in course]))
    cells = sum(cell.cell_type == "code" for one in course for cell in one.cells)
    mine, others = Sample(ours), Sample(theirs)
    return Row(
        "course", f"{len(course)} empty notebooks", mine, others, longer(mine, others), 3.0, None, f"{cells} cells"
    )


def _run(notebook: nbformat.NotebookNode) -> None:
    with tempfile.TemporaryDirectory() as folder:
        resources = {"metadata": {"path": folder}}
        NotebookClient(nbformat.from_dict(notebook), kernel_name="python3", timeout=300, resources=resources).execute()
