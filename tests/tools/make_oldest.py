"""Make .venv-oldest: the oldest version of everything that pyproject.toml asks for, in the range it allows.

usage: make oldest      makes it, and runs the tests without a browser there (.ci/run does the same)

What these bring in turn is the newest that fits, as an environment has it in which somebody keeps one thing old.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from make_constraints import ROOT, installed_uv

FOLDER = ROOT / ".venv-oldest"


def main() -> int:
    venv.create(FOLDER, with_pip=False, clear=True)
    with tempfile.TemporaryDirectory() as folder:
        uv, environment = installed_uv(Path(folder))
        command = [
            *uv,
            "pip",
            "install",
            "--quiet",
            f"--python={FOLDER}",
            "--resolution=lowest-direct",
            "-e",
            ".[test]",
        ]
        return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
