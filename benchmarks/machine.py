"""The machine and the versions that a table's figures come from: without them they say nothing."""

from __future__ import annotations

import os
import platform
import re
import ssl
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from cryptography.hazmat.backends.openssl import backend

from tlsnotes.programs import find_program


def described() -> str:
    """One line: when, on what, and which versions."""
    parts = [
        f"{datetime.now(UTC):%Y-%m-%d}",
        f"{os.cpu_count()} cores ({_processor()}), {platform.system()}",
        f"Python {platform.python_version()}",
        f"ssl of {_short(ssl.OPENSSL_VERSION)}",
        f"cryptography {_version('cryptography')} (its own {_short(backend.openssl_version_text())})",
        f"scapy {_version('scapy')}",
        f"tshark {_tshark()}",
    ]
    return ", ".join(parts)


def _short(openssl: str) -> str:
    """Name and version of an OpenSSL, without its date."""
    return " ".join(openssl.split()[:2])


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _tshark() -> str:
    if not (tshark := find_program("tshark")):
        return "not installed"
    said = subprocess.run([tshark, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"\d+(\.\d+)+", said)
    return found[0] if found else "of an unknown version"


def _processor() -> str:
    try:
        names = re.findall(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text("utf-8"), re.MULTILINE)
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()
