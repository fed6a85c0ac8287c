"""Write constraints.txt: the exact versions a class installs, for Python 3.11 and later on Linux, macOS and Windows.

usage: make constraints [ARGS=--upgrade]

uv solves once for every system and writes environment markers where they differ. Versions that still fit are kept;
`--upgrade` takes the newest, `--upgrade-package NAME` that of one package. uv comes from the index that pip is set up
for and hears of that index through its environment only: the file names none, and is the same wherever it was made.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEADER = """\
# The exact versions that `make lab` and `make test` install, for Python 3.11 and later on Linux, macOS and Windows.
# Made by `make constraints`: do not edit. For pip: `pip install -c constraints.txt -e .`
"""
# What pip calls it -> the variable that uv reads.
SETTINGS = {"index-url": "UV_DEFAULT_INDEX", "cert": "SSL_CERT_FILE"}


def pip_setting(name: str) -> str:
    """pip's value for `name` from its environment or its files, or an empty string."""
    if value := os.environ.get("PIP_" + name.upper().replace("-", "_")):
        return value
    for section in ("install", "global"):
        command = [sys.executable, "-m", "pip", "config", "get", f"{section}.{name}"]
        found = subprocess.run(command, capture_output=True, text=True, check=False)
        if found.returncode == 0:
            return found.stdout.strip()
    return ""


def installed_uv(folder: Path) -> tuple[list[str], dict[str, str]]:
    """Install uv into `folder`; the beginning of its commands, and the environment in which it asks pip's index."""
    environment = dict(os.environ)
    for name, variable in SETTINGS.items():
        if variable not in environment and (value := pip_setting(name)):
            environment[variable] = value
    # Not in .venv: a tool of the maintainer's is no part of what a class installs.
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "uv"], check=True)
    return [str(python), "-m", "uv"], environment


def main() -> int:
    target = ROOT / "constraints.txt"
    with tempfile.TemporaryDirectory() as folder:
        uv, environment = installed_uv(Path(folder))
        # In a copy, so that a solution that fails leaves the old file as it was.
        solution = Path(folder, "constraints.txt")
        solution.write_bytes(target.read_bytes() if target.exists() else b"")
        command = [
            *[*uv, "pip", "compile", "--universal", "--python-version=3.11", "--all-extras", "--quiet"],
            *["--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"],
            *["--output-file", solution, *sys.argv[1:], "pyproject.toml"],
        ]
        failed = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
        if not failed:
            target.write_text(HEADER + solution.read_text("utf-8"), "utf-8")
            print(f"constraints.txt: {len(solution.read_text('utf-8').splitlines())} lines")
        return failed


if __name__ == "__main__":
    sys.exit(main())
