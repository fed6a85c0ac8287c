"""Seconds of two jobs, taken in turn: what slows the machine for a while slows both.

In blocks, so that each runs with its own data in the processor's caches, as in a loop of its own. The first runs of
each count for nothing. The garbage collector stays on, as users have it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter

WARM_UP = 2
BLOCK = 5


@dataclass(frozen=True, slots=True)
class Sample:
    """The seconds of each run of one job, in order."""

    seconds: Sequence[float]

    @property
    def minimum(self) -> float:
        """The least disturbed run."""
        return min(self.seconds)

    @property
    def median(self) -> float:
        """The usual run."""
        return median(self.seconds)


def by_the_clock(job: Callable[[], object]) -> float:
    """How many seconds one run takes in this process."""
    started = perf_counter()
    job()
    return perf_counter() - started


def in_turn(
    ours: Callable[[], object],
    theirs: Callable[[], object],
    runs: int,
    *,
    block: int = BLOCK,
    seconds_of: Callable[[Callable[[], object]], float] = by_the_clock,
) -> tuple[Sample, Sample]:
    """Run both `runs` times, `block` of the one, `block` of the other; `seconds_of` runs a job and says how long."""
    for job in (ours, theirs) * WARM_UP:
        seconds_of(job)
    mine: list[float] = []
    others: list[float] = []
    while len(mine) < runs:
        size = min(block, runs - len(mine))
        mine += [seconds_of(ours) for _ in range(size)]
        others += [seconds_of(theirs) for _ in range(size)]
    return Sample(mine), Sample(others)


def times_as_fast(ours: Sample, theirs: Sample) -> float:
    """The median of what the other took divided by what ours took, run by run: one block beside the next."""
    return median(other / mine for mine, other in zip(ours.seconds, theirs.seconds, strict=True))


def seconds_over(ours: Sample, theirs: Sample) -> float:
    """The median of how much longer ours took, run by run."""
    return median(mine - other for mine, other in zip(ours.seconds, theirs.seconds, strict=True))
