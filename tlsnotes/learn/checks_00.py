"""What the exercises of 00-start-here ask for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tlsnotes.checks import Check
from tlsnotes.learn.exercises import is_a, is_there, task
from tlsnotes.live.recording import Recording
from tlsnotes.wire.registry import ContentType

LONG = 300
PCAPNG = b"\x0a\x0d\x0d\x0a"  # how a pcapng file begins
SECRETS = b"\x0a\x00\x00\x00"  # the type of its Decryption Secrets Block, the lowest byte first


def said_by(recording: Recording, sender: str) -> bytes:
    """The application data of one side, decrypted."""
    data = [m for m in recording.dissect().messages if m.content_type == ContentType.application_data]
    return b"".join(message.raw for message in data if message.sender == sender)


@task("00-longer-path", "send a request with a much longer path, and hand in its recording", "server.last")
def longer_path(answer: Recording) -> Iterator[Check]:
    """The request in the recording."""
    yield (first := is_a(answer, Recording, "server.last"))
    if not first.ok:
        return
    line = said_by(answer, "client").partition(b"\r\n")[0]
    path = line.split(b" ")[1] if line.count(b" ") == 2 else b""
    yield Check(f"a path of {LONG} characters or more", len(path) >= LONG, f"your path has {len(path)}")


@task("00-without-trust", "call without verify=..., and hand in the recording of the refusal", "server.last")
def without_trust(answer: Recording) -> Iterator[Check]:
    """Who refused."""
    yield (first := is_a(answer, Recording, "server.last"))
    if first.ok:
        wanted = "refused by the client: unknown_ca"
        found = answer.outcome or "still under way"
        yield Check("the client refused, as it does not know who has signed", found == wanted, found)


@task("00-for-wireshark", "save a recording for Wireshark, and hand in the file's path", "the path of a .pcapng file")
def for_wireshark(answer: str | Path) -> Iterator[Check]:
    """The file itself."""
    path = Path(answer)
    yield (there := is_there(path))
    if not there.ok:
        return
    data = path.read_bytes()
    right = data.startswith(PCAPNG)
    yield Check("it is a pcapng", right, f"{len(data):,} bytes" if right else "it begins as no pcapng does")
    yield Check("it carries the keys", SECRETS in data, "so Wireshark can decrypt it; keep it to yourself")
