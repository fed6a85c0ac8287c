"""Files of the owner's own: whole or not there, and private where they hold a key."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from tlsnotes.errors import TLSNotesError


def write_private(path: Path, data: bytes) -> Path:
    """Write `data` so that only its owner can read it (0600), in folders made with 0700; an older file is replaced.

    The bytes go to a new file beside it first: what stood there stays until the new file is whole.
    """
    return _write(path, data, mode=0o600)


def write_public(path: Path, data: bytes) -> Path:
    """Write `data` that everyone may read (0644), whole or not at all."""
    return _write(path, data, mode=0o644)


def read_file(path: Path) -> bytes:
    """Read a whole file; raises `TLSNotesError` in plain words when that cannot be done."""
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise TLSNotesError(
            f"{path} is not there", expected="a file", fix="check the folder and the spelling"
        ) from error
    except OSError as error:
        raise TLSNotesError(f"{path} cannot be read", expected="a file you may read", found=_reason(error)) from error


def _write(path: Path, data: bytes, mode: int) -> Path:
    try:
        _make_folder(path.parent)
        # mkstemp creates with 0600 whatever the umask is, so no moment is left in which others can open a key.
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            if mode != 0o600:
                temporary.chmod(mode)
            temporary.replace(path)
        except BaseException:
            temporary.unlink()
            raise
    except OSError as error:
        raise TLSNotesError(
            f"{path} cannot be written", expected="a folder you may write to", found=_reason(error)
        ) from error
    return path


def _make_folder(folder: Path) -> None:
    # Path.mkdir(parents=True) would make the parents with everybody's rights; here all of them are private.
    for missing in reversed([f for f in (folder, *folder.parents) if not f.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
