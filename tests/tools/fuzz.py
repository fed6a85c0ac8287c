"""Coverage-guided fuzzing of everything that reads bytes of others (tests/abuse.py), with atheris and its libFuzzer.

usage: make fuzz [ARGS="[--seconds N] [TARGET ...]"]      without: every target, ten minutes each, two at a time

It begins with well-formed inputs (the vectors beside the checkout, cryptography's own) and keeps what reaches new code
in a folder, so that the next run goes on from there. A finding is an error that is not documented, an input that takes
more than a second, or more than 500 MB: it is written to that folder, and the command ends with 1.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".fuzz"
TARGETS = ("dissect", "message", "certificate", "judge", "load", "keylog")
SECONDS_OF_AN_INPUT = 1.0
MEGABYTES = 500
LONGEST = 1 << 15  # bytes of an input


def fuzz(target: str, seconds: int) -> None:
    """Run libFuzzer on one target in this process; it ends the process itself."""
    import atheris  # noqa: PLC0415  # only this command has it

    sys.path.insert(0, str(ROOT / "tests"))
    with atheris.instrument_imports(include=["tlsnotes", "json"]):
        from abuse import TARGETS as FOUND  # noqa: PLC0415  # what is imported here is what is watched

    one = FOUND[target]

    def read(data: bytes) -> None:
        started = time.process_time()
        one.survives(data)
        took = time.process_time() - started
        assert took < SECONDS_OF_AN_INPUT, f"{len(data)} bytes took {took:.1f} s"

    folder = FOLDER / target
    (folder / "corpus").mkdir(parents=True, exist_ok=True)
    for seed in one.seeds():
        (folder / "corpus" / hashlib.sha1(seed, usedforsecurity=False).hexdigest()).write_bytes(seed)
    options = [f"-max_total_time={seconds}", f"-rss_limit_mb={MEGABYTES}", f"-max_len={LONGEST}", "-timeout=10"]
    atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={folder}/", str(folder / "corpus")], read)
    atheris.Fuzz()


def run(target: str, seconds: int) -> bool:
    """Fuzz one target in a process of its own, and say how it went; returns whether nothing was found."""
    log = FOLDER / f"{target}.log"
    with log.open("wb") as file:
        command = [sys.executable, __file__, "--one", target, "--seconds", str(seconds)]
        clean = subprocess.run(command, stdout=file, stderr=file, check=False).returncode == 0
    lines = log.read_text("utf-8", "replace").splitlines()
    done = next((line for line in reversed(lines) if line.startswith("Done ")), lines[-1] if lines else "")
    cover = next((line.split("cov: ")[1].split()[0] for line in reversed(lines) if "cov: " in line), "?")
    print(f"{target}: {'clean' if clean else f'A FINDING, see {log}'}; {done}; {cover} edges", flush=True)
    return clean


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="make fuzz", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=600, help="for each target")
    parser.add_argument("--one", choices=TARGETS, help=argparse.SUPPRESS)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    asked = parser.parse_args(arguments)
    if unknown := set(asked.targets) - set(TARGETS):
        parser.error(f"there is no target {', '.join(sorted(unknown))}; there are {', '.join(TARGETS)}")
    if asked.one:
        fuzz(asked.one, asked.seconds)
    FOLDER.mkdir(exist_ok=True)
    with ThreadPoolExecutor(2) as pool:
        return 0 if all([*pool.map(lambda target: run(target, asked.seconds), asked.targets or TARGETS)]) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
