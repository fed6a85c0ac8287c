"""How far a learner is: one small JSON file beside the notebooks, readable, and free to be deleted.

It holds which exercises are done and what was predicted, nothing else. A file that cannot be read is left alone and
said; it is never overwritten.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from tlsnotes.errors import TLSNotesError

FILE = "my-progress.json"
VARIABLE = "TLSNOTES_PROGRESS"  # another place for the file; empty: nothing is kept
NOTE = "What you have done in the course. Delete this file to begin anew."
MAX_FILE = 1 << 20


@dataclass(slots=True)
class Progress:
    """The exercises that are done, by id, and what was predicted, by the question."""

    done: list[str] = field(default_factory=list)
    predicted: dict[str, str] = field(default_factory=dict)


def place() -> Path | None:
    """Where the file is: in the folder of the notebooks, or where TLSNOTES_PROGRESS says; None for nowhere."""
    named = os.environ.get(VARIABLE)
    if named == "":
        return None
    return Path(named) if named else Path(FILE)


def load() -> Progress:
    """Read the file; without one nothing is done yet. Raises `TLSNotesError` for a file of another form."""
    path = place()
    if path is None or not path.exists():
        return Progress()
    try:
        if path.stat().st_size > MAX_FILE:
            raise ValueError("it is far too large")
        held = json.loads(path.read_text("utf-8"))
        done, predicted = held["done"], held["predicted"]
        if not (isinstance(done, list) and all(isinstance(one, str) for one in done)):
            raise ValueError("`done` is no list of names")
        if not (isinstance(predicted, dict) and all(isinstance(one, str) for one in predicted.values())):
            raise ValueError("`predicted` is no table of answers")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise TLSNotesError(
            f"{path} is no progress of this course",
            expected="what exercise(...).check(...) has written",
            found=str(error)[:120] or type(error).__name__,
            fix=f"move {path} away; the course then begins anew",
        ) from error
    return Progress(list(dict.fromkeys(done)), predicted)


def save(progress: Progress) -> None:
    """Write the file as a whole or not at all. Raises `TLSNotesError` where it cannot be written."""
    path = place()
    if path is None:
        return
    text = json.dumps({"note": NOTE, "done": progress.done, "predicted": progress.predicted}, indent=1) + "\n"
    temporary = None
    try:
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as written:
            temporary = Path(written.name)
            written.write(text)
        temporary.replace(path)
    except OSError as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink()
        raise TLSNotesError(
            f"{path} cannot be written",
            expected="a folder in which you may write",
            found=error.strerror or str(error),
            fix=f"set {VARIABLE} to another file, or to nothing: then no progress is kept",
        ) from error
