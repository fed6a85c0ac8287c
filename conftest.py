"""What pytest needs to know for the tests and for the notebooks alike, from whichever folder it is started."""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """nbval looks for its file of patterns in the current folder; pyproject.toml names it from the project's."""
    if patterns := config.getoption("nbval_sanitize_with", None):
        config.option.nbval_sanitize_with = str(config.rootpath / patterns)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The quick ones first: unit tests, then the notebooks' cells, the browser last."""
    items.sort(key=lambda item: 2 if item.get_closest_marker("browser") else int(item.path.suffix == ".ipynb"))
