"""The widgets' functions of data alone, by node's own test runner (tests/js)."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from needs import ROOT, need

FILES = sorted((ROOT / "tests" / "js").glob("*.test.mjs"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_test_of_node_holds(path: Path) -> None:
    command = [need("node"), "--test", "--test-reporter=tap", str(path)]
    ran = subprocess.run(command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert re.search(r"^# pass [1-9]", ran.stdout, re.MULTILINE), "no test was run"
