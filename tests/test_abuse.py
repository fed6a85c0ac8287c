"""Whatever reads bytes of others: 20,000 changed inputs, what fuzzing has found, and time that grows with the bytes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from abuse import MARK, TARGETS, assert_linear
from corpus import corpus
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from needs import ROOT, vectors

from tlsnotes import Authority, Recording, judge, parse_certificate, parse_der
from tlsnotes.wire.keylog import lines_for, secrets_for, unreadable_lines

INPUTS = 20_000
pytestmark = pytest.mark.alone
posix = pytest.mark.skipif(sys.platform == "win32", reason="how much memory a process took is asked as POSIX does")


@posix
def test_twenty_thousand_changed_inputs_raise_only_documented_errors_in_a_second_and_500_megabytes(
    measured: Callable[[str], None],
) -> None:
    vectors()
    command = [sys.executable, ROOT / "tests" / "abuse.py", str(INPUTS), "7"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert ran.returncode == 0, ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout)
    assert found["findings"] == []
    assert found["seconds"] < 1, found["of"]
    assert found["megabytes"] < 500
    slowest = f"the slowest took {found['seconds'] * 1000:.0f} ms ({found['of']})"
    measured(f"{INPUTS:,} changed inputs: {slowest}, the process {found['megabytes']:.0f} MB at most, findings 0")


# ---- what was found by fuzzing, as small as it goes

HELLO = "16030300310200002d0303" + "00" * 32 + "00c02c0000050017000000"  # TLS 1.2, ECDHE-ECDSA


def test_a_curve_without_a_number_is_no_group() -> None:
    """Found in `dissect`: a ServerKeyExchange with a curve of an unknown type had raw bytes for the group's name."""
    recording = Recording.from_segments([("S", bytes.fromhex(HELLO + "16030300090c0000056f6f6f031b"))])
    assert recording.dissect().group is None
    assert repr(recording.dissect()).isprintable()


def test_hostile_words_in_a_check_are_made_visible() -> None:
    """Found in `judge`: a purpose of extendedKeyUsage that is no OID was quoted as it came."""
    root = Authority.root("Root")
    leaf = root.issue("localhost").certificate.public_bytes(Encoding.DER)
    purpose = bytes.fromhex("06082b06010505070301")  # serverAuth
    verdict = judge(leaf.replace(purpose, b"\x16\x08\x1b[31m\x04\x06\x08\x00"), trust=root, name="localhost")
    assert all(check.detail.isprintable() and check.where.isprintable() for check in verdict.checks)
    assert any("\\x1b[31m" in check.detail for check in verdict.checks)


def test_every_seed_is_read() -> None:
    for target in TARGETS.values():
        for seed in target.seeds():
            target.survives(seed)


# ---- twice the input, twice the time


@cache
def _leaf(names: int) -> bytes:
    authority = Authority.root("Root")
    return authority.issue([f"n{number}.example" for number in range(names)]).certificate.public_bytes(Encoding.DER)


def _leaves(certificates: int) -> list[bytes]:
    authority = Authority.root("Root")
    return [authority.issue("localhost").certificate.public_bytes(Encoding.DER) for _ in range(certificates)]


@cache
def _extended(extensions: int) -> bytes:
    """A certificate with so many extensions that nobody knows."""
    leaf = Authority.root("Root").issue("localhost").certificate
    unknown = [
        x509.UnrecognizedExtension(x509.ObjectIdentifier(f"1.2.3.{number}"), b"x") for number in range(extensions)
    ]
    return _with(leaf, unknown)


def _with(leaf: x509.Certificate, extensions: list[x509.UnrecognizedExtension]) -> bytes:
    authority = Authority.root("Root")
    builder = x509.CertificateBuilder(
        authority.certificate.subject, leaf.subject, leaf.public_key(), 1, leaf.not_valid_before_utc,
        leaf.not_valid_after_utc,
    )  # fmt: skip
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(authority.credential.key, leaf.signature_hash_algorithm).public_bytes(Encoding.DER)  # type: ignore[arg-type]


def _nested(depth: int) -> bytes:
    der = b""
    for _ in range(depth):
        size = len(der)
        der = b"\x30" + (bytes([size]) if size < 128 else b"\x83" + size.to_bytes(3, "big")) + der
    return der


def _lines(count: int) -> str:
    return "".join(f"CLIENT_RANDOM {number:064x} {'ab' * 48}\n" for number in range(count))


def _judged(chain: list[bytes]) -> object:
    return judge(chain, trust=(), name="localhost")


def _read_keylog(text: str) -> object:
    return lines_for(text, bytes(32)), secrets_for(text, bytes(32)), unreadable_lines(text)


JOBS: dict[str, tuple[Callable[[int], Any], Callable[[Any], object], int]] = {
    "a certificate of many names": (_leaf, parse_certificate, 1_500),
    "a certificate of many extensions": (_extended, parse_certificate, 500),
    "DER in DER": (_nested, parse_der, 1_000),
    "a judged certificate of many names": (lambda n: [_leaf(n)], _judged, 1_500),
    "a judged certificate of many extensions": (lambda n: [_extended(n)], _judged, 500),
    "a judged chain of many certificates": (_leaves, _judged, 60),
    "a key log of many lines": (_lines, _read_keylog, 2_000),
}


@pytest.mark.parametrize("job", JOBS)
def test_twice_as_much_takes_about_twice_the_time(job: str) -> None:
    make, read, size = JOBS[job]
    once, twice = make(size), make(2 * size)
    assert_linear(lambda: read(once), lambda: read(twice))


def test_a_saved_recording_of_twice_as_many_segments_loads_in_twice_the_time(tmp_path: Path) -> None:
    paths = []
    for count in (5_000, 10_000):
        recording = Recording.from_segments([("C", b"x" * 50)] * count)
        paths.append(recording.save(tmp_path / f"{count}.json"))
    assert_linear(lambda: Recording.load(paths[0]), lambda: Recording.load(paths[1]))


def test_a_chain_in_one_input_of_the_fuzzer_is_the_chain() -> None:
    (whole, *_) = TARGETS["judge"].seeds()
    assert len(whole.split(MARK)) == 2
    assert len(corpus()) > 100
