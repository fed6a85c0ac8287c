"""`with explaining():` shows an explanation where a cell would end in forty lines of traceback.

What is no matter of TLS or the network (a NameError in the cell, Ctrl-C) surfaces as it is.
"""

from __future__ import annotations

import errno
import socket
import ssl
import subprocess
import sys
from types import TracebackType
from typing import Self

from tlsnotes.errors import TLSNotesError
from tlsnotes.show.causes import known_marks, phrases
from tlsnotes.show.explain import explain
from tlsnotes.show.explain_errors import is_program
from tlsnotes.show.explanation import Explanation

# Packages whose errors are about a connection; their ValueErrors (a bad URL, no JSON) are about the cell.
CLIENTS = ("aiohttp", "http", "httpcore", "httpx", "requests", "urllib", "urllib3", "websockets")
ALWAYS = (ssl.SSLError, TLSNotesError, socket.gaierror, socket.herror, ConnectionError, TimeoutError)
MAX_DEPTH = 20


class explaining:  # noqa: N801  # a context manager is called like a function, as contextlib's own are
    """Explain the error that ends the block, in place of its traceback; `reraise=True` raises it after that.

    `side` as in `explain`. Afterwards `.error` is the exception and `.explanation` its explanation, or both None.
    """

    def __init__(self, reraise: bool = False, side: str = "client") -> None:
        self.reraise = reraise
        self.side = side
        self.error: BaseException | None = None
        self.explanation: Explanation | None = None

    def __enter__(self) -> Self:
        self.error = self.explanation = None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if error is None or not concerns_a_connection(error):
            return False
        self.error = error
        self.explanation = explain(error, side=self.side)
        _show(self.explanation)
        return not self.reraise

    def __repr__(self) -> str:
        return f"<explaining: {self.explanation.cause if self.explanation else 'nothing went wrong'}>"


def concerns_a_connection(error: BaseException, depth: int = MAX_DEPTH) -> bool:
    """Whether an error, by what it is itself, is about TLS or the network; of a group: all that are in it."""
    if isinstance(error, BaseExceptionGroup):
        return depth > 0 and all(concerns_a_connection(inner, depth - 1) for inner in error.exceptions)
    if isinstance(error, (subprocess.CalledProcessError, subprocess.TimeoutExpired)):
        return is_program(error.cmd)
    if type(error).__module__.partition(".")[0] in CLIENTS:
        return not isinstance(error, ValueError)
    return isinstance(error, ALWAYS) or (isinstance(error, OSError) and _is_about_a_file_of_tls(error))


def _is_about_a_file_of_tls(error: OSError) -> bool:
    """ssl's "no such file" names none, that of the cell's own open() does; requests gives words and no errno."""
    if error.filename is not None:
        return False
    name, text = errno.errorcode.get(error.errno or 0, ""), str(error).lower()
    return f"errno:{name}" in known_marks("errno") if name else any(phrase in text for phrase in phrases())


def _show(explanation: Explanation) -> None:
    """In a notebook as HTML, elsewhere as text."""
    ipython = sys.modules.get("IPython")
    if ipython is not None and ipython.get_ipython() is not None:
        ipython.display.display(explanation)
    else:
        print(explanation)  # noqa: T201  # what the learner asked to be shown
