"""Run notebooks again, in place, one fresh kernel each, and write them so that nothing changes but what really changed.

usage: make notebooks [ARGS="notebooks/NAME.ipynb ..."]

Left out of the file: times, Python's version, widget state and the views that need it (a reader sees the static
display until the cell is run). An output that differs from the old one only by what tests/nbval-sanitize.cfg names, a
port or a temporary path, is left as it was. A notebook with a cell that fails is not written.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbval.plugin import get_sanitize_patterns

ROOT = Path(__file__).resolve().parents[2]
PATTERNS = get_sanitize_patterns((ROOT / "tests" / "nbval-sanitize.cfg").read_text("utf-8"))
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
SECONDS_PER_CELL = 300


def main() -> int:
    # The kernel of this environment, not a `python3` that another one has registered for this user.
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    os.environ["TLSNOTES_PROGRESS"] = ""  # as for somebody who has just begun
    paths = [Path(name) for name in sys.argv[1:]] or sorted((ROOT / "notebooks").glob("*.ipynb"))
    failed = [path.name for path in paths if not run(path)]
    if failed:
        print(f"not written, because a cell failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def run(path: Path) -> bool:
    """Execute the notebook at `path` and write it if it changed; False where a cell fails, which is then shown."""
    before = path.read_text("utf-8")
    for number, cell in enumerate(json.loads(before)["cells"], start=1):
        if not cell.get("id"):
            sys.exit(
                f"{path}: cell {number} has no id. Give it a meaningful one: a made-up one would change every time."
            )
    notebook = nbformat.reads(before, as_version=4)
    old = {cell.id: cell.get("outputs", []) for cell in notebook.cells}
    started = time.monotonic()
    client = NotebookClient(
        notebook,
        timeout=SECONDS_PER_CELL,
        kernel_name=KERNEL["name"],
        extra_arguments=["--log-level=ERROR"],  # not that loopback is not encrypted, once for each kernel
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,
    )
    try:
        client.execute()
    except CellExecutionError as error:
        print(f"{path}\n{error}", file=sys.stderr)
        return False
    tidy(notebook, old)
    after = nbformat.writes(notebook) + "\n"
    if after != before:
        path.write_text(after, "utf-8")
    print(f"{path}: {time.monotonic() - started:.1f} s, {'written' if after != before else 'as before'}")
    return True


def tidy(notebook: nbformat.NotebookNode, old: dict[str, list[nbformat.NotebookNode]]) -> None:
    """Take out of `notebook` what changes without a reason; `old` holds each cell's outputs before, by cell id."""
    notebook.metadata.pop("widgets", None)
    notebook.metadata.kernelspec = dict(KERNEL)
    notebook.metadata.language_info = {"name": "python"}
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for cell in notebook.cells:
        for key in ("execution", "trusted"):
            cell.metadata.pop(key, None)
        for output in cell.get("outputs", []):
            if len(data := output.get("data", {})) > 1:
                data.pop(WIDGET_VIEW, None)
        if cell.cell_type == "code" and steady(cell.outputs) == steady(old[cell.id]):
            cell.outputs = old[cell.id]
            for output in cell.outputs:
                if "execution_count" in output:
                    output.execution_count = cell.execution_count
    nbformat.validate(notebook)


def steady(outputs: list[nbformat.NotebookNode]) -> str:
    """The outputs as text, without what nbval does not compare either, and without their numbers."""
    text = json.dumps([{**output, "execution_count": None} for output in outputs], sort_keys=True, ensure_ascii=False)
    for pattern, replacement in PATTERNS:
        text = re.sub(pattern, replacement, text)
    return text


if __name__ == "__main__":
    sys.exit(main())
