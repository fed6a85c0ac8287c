"""Whole processes: a saved recording dissected and printed, against tshark; and what the imports cost.

Python reads its modules from bytecode caches, as for a user; they are written to a temporary folder by the runs that
do not count, so that nothing depends on what this environment keeps.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.connections import Connection
from benchmarks.dissecting import KINDS, made
from benchmarks.reading import NotComparableError
from benchmarks.rows import Row, faster, longer, over
from benchmarks.timing import in_turn
from tlsnotes.programs import find_program
from tlsnotes.wire.registry import ContentType

# Prints every field of every message, as `tshark -V` does.
DISSECT = """
import sys
from tlsnotes.live.recording import Recording
handshake = Recording.load(sys.argv[1]).dissect()
for message in handshake.messages:
    print(message)
    for field in message.field.walk():
        print(field)
for check in handshake.checks:
    print(check)
"""
SHOWN = re.compile(rb"^ +Handshake Protocol: ", re.MULTILINE)  # one line of `tshark -V` for each handshake message
CLOCK = "import time; began = time.perf_counter(); import {}; print(time.perf_counter() - began)"
HEAVY = ("matplotlib", "ipywidgets", "IPython")
RUNS = 15  # at most; of an import twice as many


def against_tshark(name: str, runs: int) -> Row:
    """From the start of the program to its end, reading a file with the keys inside and printing all of it."""
    title, connection = f"process/{name}", made(KINDS[name])
    tshark = find_program("tshark")
    if not tshark:
        return Row(title, "tshark is not installed")
    with tempfile.TemporaryDirectory() as folder, python(Path(folder)) as run:
        recording = connection.recording()
        saved = recording.save(Path(folder, "recording.json"))
        capture = recording.to_pcapng(Path(folder, "recording.pcapng"))
        command = [tshark, "-r", str(capture), "-V"]
        messages = _handshake_messages(connection), len(SHOWN.findall(_output(command)))
        if messages[0] != messages[1]:
            raise NotComparableError(f"of {messages[0]} handshake messages tshark shows {messages[1]}")
        ours, theirs = in_turn(
            lambda: run("-c", DISSECT, str(saved)), lambda: _output(command), min(runs, RUNS), block=1
        )
    counts = "{} / {}".format(*messages)
    return Row(title, "tshark -V", ours, theirs, faster(ours, theirs), None, connection.size, counts)


def import_against_x509(name: str, modules: str, target: float | None, runs: int) -> Row:
    """What the import statement takes in a fresh process, over that of `cryptography.x509` in another."""
    peer = "cryptography.x509"
    with tempfile.TemporaryDirectory() as folder, python(Path(folder)) as run:
        ours, theirs = in_turn(
            lambda: run("-c", CLOCK.format(modules)),
            lambda: run("-c", CLOCK.format(peer)),
            min(runs, 2 * RUNS),
            block=1,
            seconds_of=lambda job: float(job()),  # as the process says itself: starting Python is not what is compared
        )
    return Row(f"import/{name}", f"import {peer}", ours, theirs, over(ours, theirs), target)


def import_tlsnotes(runs: int) -> Row:
    """`import tlsnotes`, which loads no more than its names; it must have loaded nothing of `HEAVY`."""
    loaded = f"import sys, tlsnotes; print([name for name in {HEAVY!r} if name in sys.modules])"
    with tempfile.TemporaryDirectory() as folder, python(Path(folder)) as run:
        if (found := run("-c", loaded).decode().strip()) != "[]":
            raise NotComparableError(f"import tlsnotes has loaded {found}")
        ours, theirs = in_turn(
            lambda: run("-c", CLOCK.format("tlsnotes")),
            lambda: run("-c", CLOCK.format("cryptography.x509")),
            min(runs, 2 * RUNS),
            block=1,
            seconds_of=lambda job: float(job()),
        )
    return Row("import/tlsnotes", "import cryptography.x509", ours, theirs, longer(ours, theirs), 1.5)


@contextmanager
def python(folder: Path) -> Iterator[Callable[..., bytes]]:
    """A function that runs this Python with the arguments given and returns what it prints; its caches in `folder`."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")
    yield lambda *arguments: _output([sys.executable, *arguments], environment)


def _output(command: list[str], environment: dict[str, str] | None = None) -> bytes:
    ran = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    return ran.stdout


def _handshake_messages(connection: Connection) -> int:
    return sum(m.content_type == ContentType.handshake for m in connection.recording().dissect().messages)
