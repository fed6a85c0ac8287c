"""Fixtures that more than one file of tests takes."""

from __future__ import annotations

from pathlib import Path

import pytest
from needs import vectors


@pytest.fixture
def path(request: pytest.FixtureRequest) -> Path:
    """The file of one recorded handshake, for tests marked `every_vector`."""
    return vectors() / "handshakes" / f"{request.param}.json"
