"""What every notebook of the course keeps to. (That its outputs are true is for nbval, which runs all of them.)"""

from __future__ import annotations

import json
import math
import re
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple

import glossary
import nbformat
import pytest
from nbclient import NotebookClient
from needs import ROOT
from shown_secrets import found_in

from tlsnotes.learn.exercises import all_exercises

PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
NOTEBOOKS = {path.stem: nbformat.read(path, as_version=4) for path in PATHS}
CODE = [(name, cell) for name, notebook in NOTEBOOKS.items() for cell in notebook.cells if cell.cell_type == "code"]
IGNORED = "nbval-ignore-output"
PRACTICE = "## Try it yourself"
each = pytest.mark.parametrize("name", NOTEBOOKS)


def text(name: str, kind: str = "markdown") -> str:
    return "\n\n".join(cell.source for cell in NOTEBOOKS[name].cells if cell.cell_type == kind)


def words(source: str) -> int:
    return len(re.findall(r"\w[\w'.-]*", source))


def exercise_cells(name: str) -> list[list[Any]]:
    """The four cells of each exercise: what is asked, the answer, its check, the solution."""
    numbered = [cell for cell in NOTEBOOKS[name].cells if re.match(r"exercise-\d", cell.id)]
    return [numbered[at : at + 4] for at in range(0, len(numbered), 4)]


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


def test_the_course_is_the_ten_notebooks() -> None:
    assert [name[:2] for name in NOTEBOOKS] == [f"{number:02}" for number in range(10)]


@each
def test_a_notebook_takes_the_minutes_it_says(name: str) -> None:
    """200 words a minute and half a minute for each code cell, rounded up to five; README and TEACHING say the same.

    With its exercises it is to fit into one lesson.
    """
    code = [cell for cell in NOTEBOOKS[name].cells if cell.cell_type == "code"]
    before = sum(not cell.id.startswith("exercise-") for cell in code)
    minutes = 5 * math.ceil((words(text(name).partition(PRACTICE)[0]) / 200 + before / 2) / 5)
    assert f"About {minutes} minutes, and the exercises." in NOTEBOOKS[name].cells[0].source
    assert re.search(rf"\[{name}\].* {minutes} \|$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    assert re.search(rf"^\| `{name}` \| {minutes} \|", PAGES["TEACHING.md"], re.MULTILINE)
    assert 20 <= words(text(name)) / 200 + len(code) / 2 <= 40


@each
def test_a_notebook_lets_the_learner_predict_and_practise(name: str) -> None:
    assert "**Predict:**" in text(name) or "**Predict**" in text(name)
    assert len(exercise_cells(name)) >= 3


@each
def test_an_exercise_has_a_task_an_answer_a_check_and_a_solution(name: str) -> None:
    """Four cells; the answer is empty, the check is the package's, and the solution is folded away."""
    for number, (task, answer, check, solution) in enumerate(exercise_cells(name), start=1):
        assert task.source.startswith(f"### Exercise {number}\n")
        assert re.fullmatch(r"answer = \.\.\.  # .+", answer.source)
        assert (found := re.fullmatch(r'tlsnotes\.exercise\("([\w-]+)"\)\.check\(answer\)', check.source))
        assert found[1] in all_exercises()
        assert found[1].startswith(name[:2])
        assert solution.source.startswith("<details><summary>Solution</summary>\n\n```python\n")
        assert solution.source.endswith("\n\n</details>")


def test_every_exercise_of_the_package_is_in_a_notebook() -> None:
    asked = re.findall(r'tlsnotes\.exercise\("([\w-]+)"\)', "\n".join(text(name, "code") for name in NOTEBOOKS))
    assert asked == list(all_exercises())


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


PAGES = {path.name: path.read_text("utf-8") for path in sorted((ROOT / "notebooks").glob("*.md"))}
TEXTS = {f"{name}.ipynb": text(name) for name in NOTEBOOKS} | PAGES
TERMS = glossary.terms_of(PAGES[glossary.PAGE])


def anchors(file: str) -> set[str]:
    """What the headings of a notebook or a page can be reached by."""
    return {heading.replace(" ", "-") for heading in re.findall(r"^#+ (.+)$", TEXTS[file], re.MULTILINE)}


@pytest.mark.parametrize("file", TEXTS)
def test_links_and_pictures_lead_somewhere_and_pictures_have_words(file: str) -> None:
    for exclamation, label, target in re.findall(r"(!?)\[([^\]]*)\]\(([^)]+)\)", TEXTS[file]):
        assert label, target
        if not target.startswith("https://"):
            to, _, anchor = target.partition("#")
            assert not to or (ROOT / "notebooks" / to).is_file(), target
            assert not anchor or anchor in anchors(to or file), target
        if exclamation:
            assert len(label) > 40, f"{target} needs words for those who cannot see it"


def test_the_glossary_has_every_word_once_and_says_where_it_comes_first() -> None:
    names = [word for term in TERMS for word in (term.name, *term.also)]
    assert len(TERMS) > 70
    assert len(set(names)) == len(names)
    first: dict[str, str] = {}
    for name in NOTEBOOKS:
        for term, _, _ in glossary.first_uses(text(name), TERMS):
            first.setdefault(term.name, name)
    said = {term.name: re.findall(r"\(\[(\d[\w-]+)\]\(\1\.ipynb\)\)", term.text) for term in TERMS}
    assert said == {term.name: [first[term.name]] for term in TERMS}


@each
def test_no_word_of_the_glossary_is_used_before_it_is_explained(name: str) -> None:
    """The first use of each in a notebook's prose is a link to its entry: whoever begins in the middle finds it too."""
    unexplained = [
        term.name
        for term, linked, used in glossary.first_uses(text(name), TERMS)
        if linked is None or (used is not None and used < linked)
    ]
    assert unexplained == []


@each
def test_verification_is_never_switched_off_but_for_the_one_experiment(name: str) -> None:
    """What it costs is shown once, in 04, with somebody in the middle who reads and changes the payment."""
    off = re.findall(
        r"verify\s*=\s*False|check_hostname\s*=\s*False|CERT_NONE|--insecure|\bcurl -k\b", text(name, "code")
    )
    assert off == (["verify=False"] if name == "04-https-server" else [])


RESTARTS = re.compile(r"\.start\(\)|\.stop\(\)|\bwith tlsnotes\.\w+\(|\.server_close\(\)|ThreadingHTTPServer\(")


class Run(NamedTuple):
    """A notebook that was run in one kernel, in four parts, and what was noted of keys and addresses on the way."""

    name: str
    code: list[Any]
    again: list[Any]
    backwards: list[Any]
    shown: dict[str, str]  # what each cell shows, by its id; and the widgets' state
    noted: dict[str, set[str]]


@pytest.fixture(scope="module", params=NOTEBOOKS)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """In one kernel: all of it, all again, each solution as printed, then what starts and stops, from last to first.

    That last run may fail where a cell needs what comes before it, but never because a port is still in use.
    """
    name, folder = request.param, tmp_path_factory.mktemp("run")
    notebook = nbformat.from_dict(NOTEBOOKS[name])
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    again = [nbformat.v4.new_code_cell(cell.source) for cell in code]
    solved = []
    for _, _, check, solution in exercise_cells(name):
        blocks = "\n".join(re.findall(r"```python\n(.*?)```", solution.source, re.DOTALL))
        solved.append(nbformat.v4.new_code_cell(f"{blocks}\nfeedback = {check.source}\nassert feedback.ok, feedback"))
    backwards = [
        nbformat.v4.new_code_cell(cell.source, metadata={"tags": ["raises-exception"]})
        for cell in code[::-1]
        if RESTARTS.search(cell.source)
    ]
    tests, notes = str(ROOT / "tests"), str(folder / "notes.jsonl")
    spying = f"import sys; sys.path.append({tests!r}); import spy; spy.watch({notes!r})"
    notebook.cells = [nbformat.v4.new_code_cell(spying), *code, *again, *solved, *backwards]
    work = folder / "work"
    work.mkdir()
    client = NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(work)}})
    client.execute()
    shown = {f"{at}: {cell.id}": json.dumps(cell.outputs) for at, cell in enumerate(notebook.cells)}
    shown["widgets"] = json.dumps(client.widget_state) + str(client.widget_buffers)
    noted: dict[str, set[str]] = {"key": set(), "secret": set(), "address": set()}
    for line in (folder / "notes.jsonl").read_text("utf-8").splitlines():
        kind, what = json.loads(line)
        noted[kind].add(what)
    return Run(name, code, again, backwards, shown, noted)


def test_a_notebook_runs_twice_its_solutions_hold_and_its_servers_restart_in_any_order(run: Run) -> None:
    first, cells = 2, len(run.code)  # the spy was 1
    assert [cell.execution_count for cell in run.again] == list(range(first + cells, first + 2 * cells))
    assert all(cell.execution_count for cell in run.backwards)
    said = str([cell.outputs for cell in run.backwards])
    assert not re.search(r"(?i)address already in use|is in use by another", said)


def test_nothing_that_a_notebook_shows_holds_a_key_or_a_secret_that_was_made_in_the_run(run: Run) -> None:
    """In no form: PEM, hex, base64, decimal, raw; in texts, pages, SVG, errors and what widgets are sent."""
    for kind in ("key", "secret"):
        secrets = [bytes.fromhex(text) for text in run.noted[kind]]
        found = {where: found_in(what, secrets) for where, what in run.shown.items()}
        assert {where: what for where, what in found.items() if what} == {}
    assert run.noted["key"]


def test_a_notebook_connects_to_nobody_but_this_machine(run: Run) -> None:
    assert run.noted["address"]
    assert [address for address in run.noted["address"] if not is_here(address)] == []


def is_here(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"
