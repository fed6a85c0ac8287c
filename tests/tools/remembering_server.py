"""An HTTPSServer in a process of its own, which says on demand what it holds: for the tests of abuse.

usage: remembering_server.py FOLDER      prints its port; for each line it is sent it prints what it holds, as JSON
"""

from __future__ import annotations

import gc
import json
import sys
import threading
from pathlib import Path

from tlsnotes import Credential, HTTPSServer, Request

LARGE = bytes(20_000_000)


def app(request: Request) -> str | bytes:
    """Whatever is asked for: a large answer at /large, else the path."""
    return LARGE if request.path == "/large" else request.path


def held(server: HTTPSServer) -> dict[str, object]:
    """What the process holds: memory (bytes that are its own), threads, descriptors, recordings and their bytes."""
    gc.collect()
    memory = Path("/proc/self/statm").read_text().split()
    recordings = server.recordings
    return {
        "memory": (int(memory[1]) - int(memory[2])) * 4096,
        "threads": threading.active_count(),
        "descriptors": len([*Path("/proc/self/fd").iterdir()]),
        "recordings": len(recordings),
        "recorded": sum(len(segment.data) for one in recordings for segment in one.segments),
        "failures": [line for line in server.log if "the server failed" in line],
    }


def main() -> None:
    with HTTPSServer(Credential.load(sys.argv[1]), app) as server:
        print(server.port, flush=True)
        for _ in sys.stdin:
            print(json.dumps(held(server)), flush=True)


if __name__ == "__main__":
    main()
