"""Files of the owner's own: whole or not there, and private where they hold a key."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tlsnotes.errors import TLSNotesError

PRIVATE = 0o600
PUBLIC = 0o644


def write_private(path: Path, data: bytes) -> Path:
    """Write `data` so that only its owner can read it (0600), in folders made with 0700; an older file is replaced.

    The bytes go to a new file beside it first: what stood there stays until the new file is whole.
    """
    write_together({path: (data, PRIVATE)})
    return path


def read_file(path: Path) -> bytes:
    """Read a whole file; raises `TLSNotesError` in plain words when that cannot be done."""
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise TLSNotesError(
            f"{path} is not there",
            expected="a file",
            found="nothing of that name",
            fix="check the folder and the spelling",
        ) from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise TLSNotesError(f"{path} cannot be read", expected="a file you may read", found=_reason(error)) from error


def write_together(files: Mapping[Path, tuple[bytes, int]]) -> None:
    """Write files that belong together, each with its content and mode: every one or, as on a full disk, none.

    All are written beside their places first, and only when each is whole do they take them.
    """
    written: dict[Path, Path] = {}
    path = Path()
    try:
        for path, (data, mode) in files.items():
            _make_folder(path.parent)
            # mkstemp creates with 0600 whatever the umask is, so no moment is left in which others can open a key.
            descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            written[path] = Path(name)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            if mode != PRIVATE:
                written[path].chmod(mode)
        for path in files:
            written[path].replace(path)
            del written[path]
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise TLSNotesError(
            f"{path} cannot be written", expected="a folder you may write to", found=_reason(error)
        ) from error
    finally:
        for temporary in written.values():
            temporary.unlink(missing_ok=True)


def _make_folder(folder: Path) -> None:
    # Path.mkdir(parents=True) would make the parents with everybody's rights; here all of them are private.
    for missing in reversed([f for f in (folder, *folder.parents) if not f.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
