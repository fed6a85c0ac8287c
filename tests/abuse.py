"""What reads bytes of others, as one function each: for the seeded mutations of `make test` and for `make fuzz`.

A target is given any bytes at all, and may do one of two things: read them, or raise one of the documented errors.
As a program (`abuse.py INPUTS SEED`) it mutates the seeds of every target in turn, and prints what it found.
"""

from __future__ import annotations

import gc
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from random import Random
from typing import TypeVar

from corpus import corpus, tiles
from cryptography.hazmat.primitives.serialization import Encoding
from needs import ROOT

from tlsnotes.errors import TLSNotesError
from tlsnotes.live.recording import Recording
from tlsnotes.pki.authority import Authority
from tlsnotes.pki.judge import judge
from tlsnotes.wire.asn1 import parse_certificate, parse_crl, parse_csr, parse_der
from tlsnotes.wire.handshake import Handshake, dissect
from tlsnotes.wire.keylog import lines_for, secrets_for, unreadable_lines
from tlsnotes.wire.messages import Handshake as HandshakeMessage
from tlsnotes.wire.reader import read_whole

T = TypeVar("T")

MARK = b"\xf0\x9f\x94\x91"  # four bytes that begin a piece of a connection, and hardly come up by themselves
HANDSHAKES = ROOT.parent / "shared" / "vectors" / "handshakes"


@dataclass(frozen=True, slots=True)
class Target:
    """Something that reads bytes: `seeds` are well-formed; `read` raises `TLSNotesError` or nothing."""

    seeds: Callable[[], list[bytes]]
    read: Callable[[bytes], object]

    def survives(self, data: bytes) -> None:
        """Read, and let pass what is documented; everything else that is raised is a finding."""
        words = ""
        try:
            self.read(data)
        except TLSNotesError as error:
            words = str(error).replace("\n", "")
        assert words.isprintable()


def packed(recording: Recording) -> bytes:
    """A connection as bytes that a mutation changes anywhere: the key log, then each segment with its sender."""
    return recording.keylog.encode() + b"".join(MARK + s.sender.encode() + s.data for s in recording.segments)


def unpacked(data: bytes) -> tuple[list[tuple[str, bytes]], str]:
    """The inverse, which takes any bytes: a sender that is none is the server."""
    keylog, *segments = data.split(MARK)
    return [("C" if s[:1] == b"C" else "S", s[1:]) for s in segments], keylog.decode("utf-8", "replace")


def _dissect(data: bytes) -> None:
    read = dissect(*unpacked(data))
    assert all(tiles(message.field, message.raw) for message in read.messages)
    assert all(tiles(record.field, record.raw) for record in read.records)
    said = [repr(read), read.outcome, *read.notes, *(check.detail for check in read.checks), *map(repr, read.messages)]
    assert all(text and text.isprintable() for text in said)


def _message(data: bytes) -> None:
    """A message in the clear, as a peer with the keys can send it: the first bytes say what is known of the rest."""
    known = {"negotiated_version": 0x0303 + (data[:1] < b"\x80"), "chosen_version": 0x0304}
    tree, _ = read_whole(HandshakeMessage, data[1:], "Message", known)
    assert tiles(tree, data[1:])


def _certificate(data: bytes) -> None:
    for parse in (parse_certificate, parse_csr, parse_crl, parse_der):
        try:
            assert tiles(parse(data), data)
        except TLSNotesError:
            continue


def _judge(data: bytes) -> None:
    chain = data.split(MARK)
    verdict = judge(chain, trust=trusted(), name="localhost")
    assert not verdict.ok or chain[0] == _judged_seeds()[1]  # whatever else lies beside it
    assert all(check.detail.isprintable() for check in verdict.checks)


def _load(data: bytes) -> None:
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        Path(file.name).write_bytes(data)
        Recording.load(file.name)


def _keylog(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    random = data[:32].ljust(32, b"\0")
    lines, secrets = lines_for(text, random), secrets_for(text, random)
    assert len(secrets) <= lines.count("\n")
    assert all(1 <= number <= len(text.splitlines()) for number in unreadable_lines(text))


@cache
def trusted() -> Authority:
    """Whom the judge believes in all of this."""
    return Authority.root("Fuzzed")


@cache
def _judged_seeds() -> list[bytes]:
    leaf = trusted().intermediate("Between").issue(["localhost", "*.example.com", ip_address("127.0.0.1")])
    whole = [certificate.public_bytes(Encoding.DER) for certificate in (leaf.certificate, *leaf.chain)]
    return [MARK.join(whole), whole[0]]


@cache
def recordings() -> list[Recording]:
    """The handshakes made by others; none where the vectors are not beside the checkout."""
    return [Recording.load(path) for path in sorted(HANDSHAKES.glob("*.json"))]


def _messages() -> list[bytes]:
    read: list[Handshake] = [recording.dissect() for recording in recordings()]
    versions = {"TLS 1.3": b"\0"}
    return [
        versions.get(one.version or "", b"\xff") + message.raw
        for one in read
        for message in one.messages
        if message.content_type == 22
    ]


def _saved() -> list[bytes]:
    made = []
    for recording in recordings():
        with tempfile.TemporaryDirectory() as folder:
            made.append(recording.save(Path(folder, "one.json")).read_bytes())
        made.append(json.dumps({"segments": [[s.sender, s.data.hex()] for s in recording.segments[:2]]}).encode())
    return made


TARGETS = {
    "dissect": Target(lambda: [packed(recording) for recording in recordings()], _dissect),
    "message": Target(_messages, _message),
    "certificate": Target(lambda: [vector.der for vector in corpus() if len(vector.der) < 20_000], _certificate),
    "judge": Target(
        lambda: [*_judged_seeds(), *(vector.der for vector in corpus() if vector.kind == "certificate")], _judge
    ),
    "load": Target(_saved, _load),
    "keylog": Target(lambda: [recording.keylog.encode() for recording in recordings()], _keylog),
}


class Mutator:
    """Changes bytes as accidents and attackers do: flips, cuts, doubles, lies about lengths."""

    def __init__(self, seed: int) -> None:
        self.dice = Random(seed)  # noqa: S311  # the same changes in every run

    def __call__(self, data: bytes) -> bytes:
        changed = bytearray(data)
        for _ in range(self.dice.choice((1, 1, 2, 5, 20))):
            at = self.dice.randrange(len(changed) + 1)
            match self.dice.randrange(6):
                case 0 if at < len(changed):
                    changed[at] ^= 1 << self.dice.randrange(8)
                case 1 if at < len(changed):
                    changed[at] = self.dice.choice((0, 1, 0x7F, 0x80, 0xFF, 0x30, 0x16, 0x17))
                case 2:
                    del changed[at : at + self.dice.choice((1, 2, 5, 50))]
                case 3:
                    changed[at:at] = self.dice.randbytes(self.dice.choice((1, 2, 5, 50)))
                case 4:
                    changed[at:at] = changed[at // 2 : at // 2 + 100]
                case _:
                    changed[at : at + 3] = self.dice.choice((b"\xff\xff\xff", b"\0\0\0", b"\x30\x80"))
        return bytes(changed)


def mutated(inputs: int, seed: int) -> dict[str, object]:
    """Give every target its share of so many changed inputs; what was found, the slowest in seconds, MB at most."""
    import resource  # noqa: PLC0415  # Windows has none

    mutate, findings, slowest = Mutator(seed), [], (0.0, "", b"")
    for position in range(inputs):
        name = [*TARGETS][position % len(TARGETS)]
        data = mutate(mutate.dice.choice(_seeds(name)))
        started = time.process_time()
        try:
            TARGETS[name].survives(data)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is a finding
            findings.append([name, f"{type(error).__name__}: {error}"[:500], data.hex()])
        slowest = max(slowest, (time.process_time() - started, name, data))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    megabytes = peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)
    return {"findings": findings, "seconds": slowest[0], "of": slowest[1], "megabytes": megabytes}


@cache
def _seeds(name: str) -> list[bytes]:
    return TARGETS[name].seeds()


def within(seconds: float, job: Callable[[], T]) -> T:
    """What a job gives that takes at most these seconds of the processor: at its best of up to three runs, so that no
    other process and no collector of garbage has a part in it."""
    took = []
    gc.disable()
    try:
        for _ in range(3):
            started = time.process_time()
            given = job()
            took.append(time.process_time() - started)
            if took[-1] < seconds:
                return given
    finally:
        gc.enable()
    raise AssertionError(f"{min(took):.2f} s, and at most {seconds:g} s were to pass")


def assert_linear(once: Callable[[], object], twice: Callable[[], object]) -> None:
    """Of two jobs, the second with double the input: at most 2.3 times the time, each at its best of up to 30 runs."""
    best = [float("inf"), float("inf")]
    gc.disable()  # which comes in steps
    try:
        for _ in range(30):
            for position, job in enumerate((once, twice)):
                started = time.process_time()
                job()
                best[position] = min(best[position], time.process_time() - started)
            if best[1] < 2.3 * best[0]:
                return
    finally:
        gc.enable()
    raise AssertionError(f"{best[1] / best[0]:.2f} times the time: {best[0]:.4f} s and {best[1]:.4f} s")


if __name__ == "__main__":
    print(json.dumps(mutated(int(sys.argv[1]), int(sys.argv[2]))))  # noqa: T201  # a command prints
