"""Time this package and its peers in one run, print the table, and end with 1 where a target is missed.

usage: make bench [ARGS="[--runs N] [ROW ...]"]     ROW is the beginning of a row's name: dissect, import, dissect/4kB
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial

from benchmarks.course import against_empty_notebooks
from benchmarks.dissecting import KINDS, LONG, against_scapy, against_scapy_without_keys, long_against_short
from benchmarks.explorer import first_paint, payload
from benchmarks.issuing import against_openssl, against_trustme
from benchmarks.judging import against_pyca
from benchmarks.machine import described
from benchmarks.processes import against_tshark, import_against_x509, import_tlsnotes
from benchmarks.reading import NotComparableError
from benchmarks.rows import Row, summary, table
from benchmarks.serving import against_s_server, against_stdlib, against_unrecorded

# What is imported, and how many ms it may cost over cryptography.x509.
IMPORTS: dict[str, tuple[str, float | None]] = {
    "wire": ("tlsnotes.wire", 30.0),
    "handshake": ("tlsnotes.wire.handshake", 30.0),
    "handshake-and-x509": ("cryptography.x509, tlsnotes.wire.handshake", None),  # for a program that needs both
}
PROCESSES = ("4kB", "13kB", "44kB", "200kB")
BENCHMARKS: dict[str, Callable[[int], Row]] = {
    **{f"dissect/{name}": partial(against_scapy, name) for name in KINDS},
    "dissect/4kB-no-keys": against_scapy_without_keys,
    **{f"per-kB/{name}": partial(long_against_short, name) for name in LONG},
    **{f"process/{name}": partial(against_tshark, name) for name in PROCESSES},
    "issue/trustme": against_trustme,
    "issue/openssl": against_openssl,
    "judge": against_pyca,
    "request/stdlib": against_stdlib,
    "request/unrecorded": against_unrecorded,
    "handshake/s_server": against_s_server,
    "explorer/payload": payload,
    "explorer/first-paint": first_paint,
    **{f"import/{name}": partial(import_against_x509, name, *asked) for name, asked in IMPORTS.items()},
    "import/tlsnotes": import_tlsnotes,
    "course": against_empty_notebooks,
}


def main(arguments: Sequence[str]) -> int:
    """Measure the rows that were asked for, print them, and say whether every target among them is met."""
    parser = argparse.ArgumentParser(prog="make bench", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=40, help="of each job (whole processes: 15, imports: 30 at most)")
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"the beginning of {', '.join(BENCHMARKS)}")
    asked = parser.parse_args(arguments)
    chosen = {name: run for name, run in BENCHMARKS.items() if not asked.rows or name.startswith(tuple(asked.rows))}
    if unknown := [text for text in asked.rows if not any(name.startswith(text) for name in BENCHMARKS)]:
        parser.error(f"no row begins with {' or '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    if asked.runs < 1:
        parser.error("--runs is at least 1")
    rows = []
    for name, run in chosen.items():
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        try:
            rows.append(run(asked.runs))
        except NotComparableError as error:
            rows.append(Row(name, "not compared", why=str(error)))
    print(described(), table(rows), summary(rows), sep="\n\n")
    return 1 if any(row.met is False for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
