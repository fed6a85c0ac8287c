"""Dissect, decrypt and check in this process: against scapy, and a long connection against a short one."""

from __future__ import annotations

from functools import cache

from benchmarks import scapy_reader
from benchmarks.connections import SMALL_RECORD, Connection, Kind, connection
from benchmarks.reading import Reader, TLSNotes, must_be_equal
from benchmarks.rows import Result, Row, faster
from benchmarks.timing import Sample, in_turn, times_as_fast

KINDS = {
    "4kB": Kind(4_000),
    "mutual": Kind(4_000, keys="ecdsa-p256", mutual=True),
    "13kB": Kind(13_000),
    "44kB": Kind(44_000),
    "44kB-tls1.2": Kind(44_000, "TLS 1.2"),
    "200kB": Kind(200_000),
    "200kB-small-records": Kind(200_000, record=SMALL_RECORD),
}
SHORT, LONG = "4kB", ("200kB", "200kB-small-records")
NOT_INSTALLED = "scapy is not installed: make bench"
TARGET = 8.0  # times as fast as scapy

made = cache(connection)


def against_scapy(name: str, runs: int) -> Row:
    """Both decrypt and verify: only where they have read the same messages and the same data is there a result."""
    title, target = f"dissect/{name}", TARGET
    if not scapy_reader.installed:
        return Row(title, NOT_INSTALLED, target=target)
    return compare(title, made(KINDS[name]), scapy_reader.Scapy(), runs, target=target)


def against_scapy_without_keys(runs: int) -> Row:
    """For information: scapy without the keys parses the hellos and leaves the rest closed; ours does everything."""
    title = f"dissect/{SHORT}-no-keys"
    if not scapy_reader.installed:
        return Row(title, NOT_INSTALLED)
    return compare(title, made(KINDS[SHORT]), scapy_reader.Scapy(keys=False), runs, same=False)


def compare(
    title: str, bytes_read: Connection, peer: Reader, runs: int, *, target: float | None = None, same: bool = True
) -> Row:
    """Time this package and a peer on the same bytes; `same`: raises `NotComparableError` unless both read the same."""
    us = TLSNotes()
    ours, theirs = us.reading(us.read(bytes_read)), peer.reading(peer.read(bytes_read))
    if same:
        must_be_equal(ours, theirs, peer.name)
    our_sample, their_sample = in_turn(lambda: us.read(bytes_read), lambda: peer.read(bytes_read), runs)
    return Row(
        title,
        peer.name,
        our_sample,
        their_sample,
        faster(our_sample, their_sample),
        target,
        bytes_read.size,
        f"{ours.count} / {theirs.count}",
    )


def long_against_short(name: str, runs: int) -> Row:
    """Per kilobyte, a long connection must not be slower than a short one."""
    us, long, short = TLSNotes(), made(KINDS[name]), made(KINDS[SHORT])
    counts = [us.reading(us.read(one)).count for one in (long, short)]
    ours, theirs = in_turn(lambda: us.read(long), lambda: us.read(short), runs)
    value = times_as_fast(_per_byte(ours, long.size), _per_byte(theirs, short.size))
    peer = f"tlsnotes on {short.size / 1000:.1f} kB, per kB"
    return Row(f"per-kB/{name}", peer, ours, theirs, Result(value, "x"), 1.0, long.size, f"{counts[0]} / {counts[1]}")


def _per_byte(sample: Sample, size: int) -> Sample:
    return Sample([seconds / size for seconds in sample.seconds])
