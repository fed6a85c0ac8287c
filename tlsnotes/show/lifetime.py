"""How long a widget lives: until the cell that made it runs again or is deleted.

ipywidgets keeps every widget until it is closed. A learner who runs a cell fifty times would have fifty handshakes in
the kernel and in the page, of which one is in sight.
"""

from __future__ import annotations

import sys
from typing import Any

# The cell's id -> the run of it that made widgets, and these.
_made: dict[str, tuple[str, list[Any]]] = {}


def until_run_again(widget: Any) -> None:  # ipywidgets has no types
    """Close a widget, with all that is in it, when its cell runs again or is deleted.

    Does nothing outside a notebook whose page tells the kernel which cell runs, as JupyterLab does.
    """
    metadata, run = _request()
    for gone in metadata.get("deletedCells") or ():
        _close_all(gone)
    cell = metadata.get("cellId")
    if not isinstance(cell, str):
        return
    if cell in _made and _made[cell][0] != run:
        _close_all(cell)
    _made.setdefault(cell, (run, []))[1].append(widget)


def _request() -> tuple[dict[str, Any], str]:
    """What the page has said of the code that runs, and the id of this run."""
    ipython = sys.modules.get("IPython")
    shell: Any = ipython.get_ipython() if ipython else None
    parent = shell.get_parent() if hasattr(shell, "get_parent") else {}
    return parent.get("metadata") or {}, str((parent.get("header") or {}).get("msg_id", ""))


def _close_all(cell: str) -> None:
    for widget in _made.pop(cell, ("", []))[1]:
        _close(widget)


def _close(widget: Any) -> None:
    for child in getattr(widget, "children", ()):
        _close(child)
    for part in (getattr(widget, "layout", None), getattr(widget, "style", None), widget):
        if part is not None and part.comm is not None:
            part.close()
