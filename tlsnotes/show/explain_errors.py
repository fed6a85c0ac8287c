"""The marks of what programs hand over: exceptions and what is inside them, finished processes, Outcomes.

An exception is followed through `__cause__`, `reason`, `args` and the groups' `exceptions`, and only where these say
nothing through `__context__`: that one may be an older, unrelated error. Nothing is followed twice, or without end.
"""

from __future__ import annotations

import errno
import ssl
import subprocess
from collections import deque
from collections.abc import Iterator
from pathlib import PurePath
from urllib.parse import urlsplit

from tlsnotes.errors import TLSNotesError
from tlsnotes.show.causes import choose, known_marks
from tlsnotes.show.explain_marks import Found, read_name, read_text

MAX_ERRORS = 50
PROGRAMS = ("curl", "openssl", "node")
# Where wrappers keep the error they wrap: urllib and urllib3, aiohttp.
WRAPPED = ("reason", "certificate_error", "os_error")
ERR_R_PEM_LIB = 9  # OpenSSL's number for "see the library PEM", which Python gives no reason


def read_exception(error: BaseException, found: Found) -> None:
    """Note what an exception and those inside it say."""
    for with_context in (False, True):
        chain = list(follow(error, with_context))
        for inner in reversed(chain):  # the innermost knows most
            _read_one(inner, found)
        if choose(found.marks) is not None:
            break
    found.tell("exception", " > ".join(dict.fromkeys(type(inner).__name__ for inner in chain)))
    found.tell("its words", safe_text(chain[-1]))


def follow(error: BaseException, with_context: bool) -> Iterator[BaseException]:
    """Give an exception and those inside it, the outermost first, each once."""
    waiting: deque[object] = deque([error])
    seen: set[int] = set()
    while waiting and len(seen) < MAX_ERRORS:
        inner = waiting.popleft()
        if not isinstance(inner, BaseException) or id(inner) in seen:
            continue
        seen.add(id(inner))
        yield inner
        waiting.extend([inner.__cause__, *(safe_attribute(inner, name) for name in WRAPPED)])
        waiting.extend(inner.args[:MAX_ERRORS])
        if isinstance(inner, BaseExceptionGroup):
            waiting.extend(inner.exceptions[:MAX_ERRORS])
        if with_context:
            waiting.append(inner.__context__)


def _read_one(error: BaseException, found: Found) -> None:
    _read_where(error, found)
    if isinstance(error, ssl.SSLError):
        structured = _read_ssl(error, found)
    elif isinstance(error, OSError):
        structured = _read_errno(error, found)
    elif isinstance(error, subprocess.CalledProcessError):
        read_process(error, found)
        structured = True
    else:
        structured = isinstance(error, TLSNotesError)
    if not structured and len(list(follow(error, with_context=False))) == 1:  # a wrapper repeats what is in it
        read_text(safe_text(error), found)
    for kind in type(error).__mro__:
        # urllib3's HTTPError is the parent of all its errors, and says nothing of HTTP's statuses.
        parent = kind.__name__ == "HTTPError" and kind.__module__.startswith("urllib3")
        if not parent and f"exception:{kind.__name__}" in known_marks("exception"):
            found.mark(f"exception:{kind.__name__}")


def _read_ssl(error: ssl.SSLError, found: Found) -> bool:
    code = safe_attribute(error, "verify_code")
    if isinstance(code, int) and code:
        found.verify(code)
    reason = safe_attribute(error, "reason")
    if isinstance(reason, str) and reason:
        found.reason(reason)
        return True
    if isinstance(error.errno, int) and error.errno & 0xFF == ERR_R_PEM_LIB and error.errno > 0xFF:
        found.reason("PEM_LIB")
        return True
    return bool(code)


def _read_errno(error: OSError, found: Found) -> bool:
    name = errno.errorcode.get(error.errno, "") if isinstance(error.errno, int) else ""
    if not name:
        return False
    found.mark(f"errno:{name}")
    found.tell("errno", f"{error.errno} ({name})")
    return True


def _read_where(error: BaseException, found: Found) -> None:
    """Where the connection went, and whether it was plain HTTP: requests and urllib3 keep it."""
    pool = safe_attribute(error, "pool")
    found.where(safe_attribute(pool, "host"), safe_attribute(pool, "port"))
    url = safe_attribute(safe_attribute(error, "request"), "url")
    if isinstance(url, str):
        try:
            parts = urlsplit(url[:2000])
            found.where(parts.hostname, parts.port or (443 if parts.scheme == "https" else 80))
        except ValueError:
            return
        if parts.scheme in ("http", "https"):
            found.mark(f"scheme:{parts.scheme}")


def read_process(process: subprocess.CompletedProcess[object] | subprocess.CalledProcessError, found: Found) -> None:
    """Note what a finished program says: curl's exit code is telling, that of openssl and node is not."""
    words = safe_attribute(process, "args") or safe_attribute(process, "cmd")
    command = words if isinstance(words, (list, tuple)) else str(words).split()
    program = PurePath(str(command[0])).name.removesuffix(".exe") if command else ""
    for stream in (process.stderr, process.stdout):
        text = stream.decode("utf-8", "backslashreplace") if isinstance(stream, bytes) else stream
        if isinstance(text, str):
            read_text(text, found)
            found.tell("its words", next((line for line in text.splitlines() if line.strip()), ""))
    for word in command[1:MAX_ERRORS]:
        if isinstance(word, str) and word.startswith("http://"):
            found.mark("scheme:http")
    if program == "curl" and process.returncode:
        found.curl(process.returncode)
    if process.returncode == 0 and not found.marks:
        found.mark("outcome:ok")
    found.tell("program", f"{program}, which ended with {process.returncode}")


def read_outcome(outcome: object, found: Found) -> None:
    """Note what a client of `try_client` said (live/clients.py)."""
    client, code = str(safe_attribute(outcome, "client")), safe_attribute(outcome, "code")
    ok, message = safe_attribute(outcome, "ok"), str(safe_attribute(outcome, "message") or "")
    found.stage = str(safe_attribute(outcome, "stage") or "")
    if ok:
        found.mark("outcome:ok")
    elif ok is None:
        found.mark("outcome:untried")
    elif isinstance(code, int):
        read_number(code, client, found)
    else:
        _read_code(str(code), found)
    if ok is False:
        read_text(message, found)
    found.tell("client", client)
    if ok is False:
        found.tell("its code", code)
    found.tell("how far it came", found.stage)
    found.tell("its words", message)


def read_number(number: int, client: str, found: Found) -> None:
    """Note a number as the client that gave it means it."""
    if client == "curl":
        found.curl(number)
    elif client == "chromium":
        found.chromium_number(number)
    else:
        found.verify(number)


def _read_code(code: str, found: Found) -> None:
    """A code that is a word: a reason, Node's, Chromium's, or the name of an exception class."""
    if read_name(code, found):
        return
    if f"exception:{code}" in known_marks("exception"):
        found.mark(f"exception:{code}")
        found.tell("exception", code)
    elif code.isupper():
        found.reason(code.replace(" ", "_"))
    else:
        read_text(code, found)


def is_program(command: object) -> bool:
    """Whether a command line begins with one of the programs whose errors are known here."""
    words = command if isinstance(command, (list, tuple)) else str(command).split()
    return bool(words) and PurePath(str(words[0])).name.removesuffix(".exe") in PROGRAMS


def safe_attribute(thing: object, name: str) -> object:
    """Give an attribute, or None: objects of others may raise anything."""
    try:
        return getattr(thing, name, None)
    except Exception:  # noqa: BLE001  # a property of somebody's exception must not hide the error it is about
        return None


def safe_text(thing: object) -> str:
    """Give an object's words: its str, or its class where that raises."""
    try:
        return str(thing)
    except Exception:  # noqa: BLE001  # as above
        return f"<{type(thing).__name__}, which cannot say what it is>"
