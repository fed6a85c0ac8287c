"""What pytest needs to know for the tests and for the notebooks alike, from whichever folder it is started."""

from __future__ import annotations

import json
import os
from collections.abc import Callable

import pytest

NOT_COMPARED = "nbval-ignore-output"
FIGURES = pytest.StashKey[list[str]]()


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """What a test calls with a figure that it has measured: pytest shows all of them at its end."""
    return request.config.stash.setdefault(FIGURES, []).append


def pytest_configure(config: pytest.Config) -> None:
    """nbval looks for its file of patterns in the current folder; pyproject.toml names it from the project's."""
    if patterns := config.getoption("nbval_sanitize_with", None):
        config.option.nbval_sanitize_with = str(config.rootpath / patterns)
    # What whoever works on the course has predicted and done does not change what its cells show here.
    os.environ["TLSNOTES_PROGRESS"] = ""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The quick ones first: unit tests, then the notebooks' cells, the browser last."""
    items.sort(key=lambda item: 2 if item.get_closest_marker("browser") else int(item.path.suffix == ".ipynb"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say how many cells are run without comparing what they show; a test keeps that below a quarter."""
    notebooks = [json.loads(path.read_text("utf-8")) for path in (config.rootpath / "notebooks").glob("*.ipynb")]
    code = [cell for notebook in notebooks for cell in notebook["cells"] if cell["cell_type"] == "code"]
    ignored = sum(NOT_COMPARED in cell["metadata"].get("tags", []) for cell in code)
    for line in config.stash.get(FIGURES, []):
        terminalreporter.write_line(f"measured: {line}")
    if code:
        share = f"{ignored} of {len(code)} code cells, {ignored / len(code):.0%}"
        terminalreporter.write_line(f"notebooks: {share}, are run without comparing their output")
