"""The table: one row for each comparison, with its target where it has one, and whether that is met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.timing import Sample, seconds_over, times_as_fast

HEAD = ("row", "messages", "kB", "ours: min, median ms", "ms/kB", "peer", "min, median ms", "result", "target", "met")


@dataclass(frozen=True, slots=True)
class Result:
    """What a row comes to: so many times as fast as the peer ("x"), so many times as long as it ("times"), so many ms
    over it, so many ms or kB by itself.

    Targets are of its kind. Of "x" more is better, of all others less.
    """

    value: float
    unit: str

    def reaches(self, target: float) -> bool:
        """Whether it is at least as good as `target`."""
        return self.value >= target if self.unit == "x" else self.value <= target

    def __str__(self) -> str:
        if self.unit == "ms over":
            return f"{self.value:+.1f} ms"
        return f"{self.value:.2f} times" if self.unit == "times" else f"{self.value:.1f} {self.unit}"


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison. Without `result` it was not made, and `peer` says why: a target is then not met.

    `messages` and `size` (bytes) are what was read or made. `target`: times as fast at least, or all
    else at most.
    """

    name: str
    peer: str
    ours: Sample | None = None
    theirs: Sample | None = None
    result: Result | None = None
    target: float | None = None
    size: int | None = None
    messages: str = ""
    why: str = ""  # it was tried, and why there was nothing to compare

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where there is none."""
        if self.target is None:
            return False if self.why else None
        return self.result is not None and self.result.reaches(self.target)

    def cells(self) -> tuple[str, ...]:
        """What the table shows, in the order of its head."""
        per_kb = f"{self.ours.median * 1e6 / self.size:.3f}" if self.ours and self.size else ""
        return (
            self.name,
            self.messages,
            f"{self.size / 1000:.1f}" if self.size else "",
            _milliseconds(self.ours),
            per_kb,
            self.peer,
            _milliseconds(self.theirs),
            str(self.result or ""),
            _target(self.target, self.result),
            {True: "yes", False: "NO", None: ""}[self.met],
        )


def faster(ours: Sample, theirs: Sample) -> Result:
    """How many times as fast as the peer."""
    return Result(times_as_fast(ours, theirs), "x")


def longer(ours: Sample, theirs: Sample) -> Result:
    """How many times as long as the peer takes."""
    return Result(1 / times_as_fast(ours, theirs), "times")


def over(ours: Sample, theirs: Sample) -> Result:
    """How many milliseconds over the peer."""
    return Result(seconds_over(ours, theirs) * 1000, "ms over")


def table(rows: Sequence[Row]) -> str:
    """Lay the rows out as a Markdown table."""
    cells = [HEAD, *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in cells]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def summary(rows: Sequence[Row]) -> str:
    """Say which rows miss their target, or could not be compared and why."""
    judged = [row for row in rows if row.met is not None]
    missed = [f"{row.name}{f' ({row.why})' if row.why else ''}" for row in judged if not row.met]
    if missed:
        return "\n".join(["Missed:", *(f"- {text}" for text in missed)])
    return f"All {len(judged)} targets are met." if judged else "No row here has a target."


def _milliseconds(sample: Sample | None) -> str:
    return f"{sample.minimum * 1000:.2f}, {sample.median * 1000:.2f}" if sample else ""


def _target(target: float | None, result: Result | None) -> str:
    if target is None:
        return ""
    if result is None or result.unit == "x":
        return f"at least {target:g} x"
    return f"at most {target:+g} ms" if result.unit == "ms over" else f"at most {target:g} {result.unit}"
