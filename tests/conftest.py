"""Fixtures that more than one file of tests takes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from needs import need, vectors

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright


@pytest.fixture
def path(request: pytest.FixtureRequest) -> Path:
    """The file of one recorded handshake, for tests marked `every_vector`."""
    return vectors() / "handshakes" / f"{request.param}.json"


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """What drives Chromium. One for all files: a second beside it would not start."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  # tests without a browser do without it

    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """A Chromium for pages of these tests."""
    browser = playwright.chromium.launch(executable_path=need("chromium"), args=["--no-sandbox", "--disable-gpu"])
    yield browser
    browser.close()
