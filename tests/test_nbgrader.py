"""nbgrader makes an assignment of the course as it is, and grades what comes back."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from needs import ROOT

from tlsnotes.learn.exercises import all_exercises

NAME = "tls"
NOTEBOOK = "03-certificates.ipynb"  # the quickest that has every kind of cell


def nbgrader(course: Path, *command: str) -> None:
    """Run a command of nbgrader for the course in this folder."""
    programs = str(Path(sys.executable).parent)  # nbgrader calls alembic by its name
    environment = {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(course),
        "JUPYTER_PREFER_ENV_PATH": "1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *command, f"--course-dir={course}"],
        cwd=course,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]


def cells(path: Path) -> list[Any]:
    """The cells of a notebook."""
    found: list[Any] = nbformat.read(path, as_version=4).cells
    return found


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A teacher's course: the folder of the notebooks as the source, and the assignment that nbgrader makes of it."""
    folder = tmp_path_factory.mktemp("course")
    shutil.copytree(
        ROOT / "notebooks",
        folder / "source" / NAME,
        ignore=shutil.ignore_patterns("my-files", "my-progress.json", ".ipynb_checkpoints"),
    )
    nbgrader(folder, "generate_assignment", NAME)
    return folder


def test_every_notebook_becomes_part_of_the_assignment(course: Path) -> None:
    made = sorted(path.name for path in (course / "release" / NAME).glob("*.ipynb"))
    assert made == sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
    assert (course / "release" / NAME / "images" / "chain.svg").is_file()


def test_every_exercise_is_graded_and_no_solution_is_in_the_assignment(course: Path) -> None:
    graded = []
    for path in sorted((course / "release" / NAME).glob("0*.ipynb")):
        for cell in cells(path):
            assert "<summary>Solution</summary>" not in cell.source
            found = cell.metadata.get("nbgrader", {})
            if not found:
                continue
            assert found["schema_version"] == 3
            if cell.cell_type == "markdown":
                assert cell.source == "YOUR ANSWER HERE"
            elif found["solution"]:
                assert "raise NotImplementedError" in cell.source
            else:
                graded.append(found["grade_id"])
                assert cell.source == f'tlsnotes.exercise("{found["grade_id"]}").check(answer)'
                assert found["locked"]
                assert found["checksum"]
    assert graded == list(all_exercises())


def test_an_answer_gets_its_point_and_an_empty_one_none(course: Path) -> None:
    """A learner hands in one right answer, one wrong answer, and one cell as it was."""
    handed_in = course / "submitted" / "alice" / NAME
    handed_in.mkdir(parents=True)
    notebook = nbformat.read(course / "release" / NAME / NOTEBOOK, as_version=4)
    answers = {
        "exercise-1-answer": 'answer = tlsnotes.self_signed(["shop.example", "*.api.example", "localhost"])',
        "exercise-2-answer": 'answer = credential.save("my-files/open")',  # without a password
    }
    for cell in notebook.cells:
        cell.source = answers.get(cell.id, cell.source)
    nbformat.write(notebook, handed_in / NOTEBOOK)
    for path in (course / "source" / NAME).glob("*.ipynb"):
        if path.name != NOTEBOOK:
            path.unlink()  # an assignment of this one notebook is quicker to grade
    nbgrader(course, "generate_assignment", NAME, "--force")
    nbgrader(course, "autograde", NAME, "--student=alice", "--create")

    outputs = {
        cell.id: json.dumps(cell.outputs)
        for cell in cells(course / "autograded" / "alice" / NAME / NOTEBOOK)
        if cell.cell_type == "code"
    }
    assert "03-password is not done yet" in outputs["exercise-2-check"]
    with contextlib.closing(sqlite3.connect(course / "gradebook.db")) as database:
        rows = database.execute(
            "select base_cell.name, grade.auto_score from grade join base_cell on grade.cell_id = base_cell.id"
        ).fetchall()
    scores = {name: score for name, score in rows if not re.search(r"-words$", name)}
    assert scores == {"03-three-names": 1.0, "03-password": 0.0, "03-same-name": 0.0}
