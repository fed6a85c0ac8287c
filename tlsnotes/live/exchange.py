"""What passes through an interceptor: requests and answers, as they came and as they were passed on.

A learner's function that fails changes nothing: a message goes on as it was, and the log says why.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode
from wsgiref.headers import Headers

from tlsnotes.errors import TLSNotesError
from tlsnotes.live.http import Body, Request
from tlsnotes.live.server import visible


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered: `status`, `headers` (any case), `body` in bytes."""

    status: int
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""

    @property
    def json(self) -> object:
        """The body read as JSON; raises `TLSNotesError` when it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise TLSNotesError("the answer's body is no JSON", found=str(error)[:200]) from error


ChangeRequest = Callable[[Request], Request | Body | None]
ChangeAnswer = Callable[[Request, Reply], Reply | Body | None]
Log = Callable[[str], None]


@dataclass(frozen=True, slots=True, repr=False)
class Exchange:
    """A request and its answer, read in the middle: as they came (`request`, `answer`), and as they were passed on
    (`forwarded`, `returned`). `answer` is None where the server gave none."""

    request: Request
    forwarded: Request
    answer: Reply | None
    returned: Reply

    @property
    def size(self) -> int:
        """How many bytes its bodies hold."""
        messages = (self.request, self.forwarded, self.answer, self.returned)
        return sum(len(message.body) for message in messages if message is not None)

    def __repr__(self) -> str:
        asked = [f"{self.request.method} {self.request.path}", _shown(self.request.body)]
        if (self.forwarded.path, self.forwarded.query, self.forwarded.body) != (
            self.request.path, self.request.query, self.request.body,
        ):  # fmt: skip
            asked.append(f"passed on as {target_of(self.forwarded)} {_shown(self.forwarded.body)}".rstrip())
        answered = [str(self.returned.status), _shown((self.answer or self.returned).body)]
        if self.answer and self.answer.body != self.returned.body:
            answered.append(f"passed on as {_shown(self.returned.body)}")
        return f"<Exchange: {' '.join(filter(None, asked))} -> {' '.join(filter(None, answered))}>"


def changed_request(change: ChangeRequest | None, request: Request, log: Log) -> Request:
    """Give what `change` makes of a request; the request itself where it makes nothing of it, or fails."""
    if change is None:
        return request
    # A copy, so that what was seen stays what it was whatever is done to it.
    given = replace(request, query=dict(request.query), headers=Headers(request.headers.items()))
    try:
        result = change(given)
        changed = result if isinstance(result, Request) else replace(given, body=_body(result, given.body))
    # Whatever a learner's function raises, sys.exit() too: the request goes on, the log has the reason.
    except BaseException as error:  # noqa: BLE001
        log(f"change_request failed, so the request went on as it was: {_why(error)}")
        return request
    if (changed.path, changed.query) != (request.path, request.query):
        changed = replace(changed, target="")
    if (target_of(changed), changed.body) != (target_of(request), request.body):
        log("the request was changed on its way to the server")
    return changed


def changed_answer(change: ChangeAnswer | None, request: Request, answer: Reply, log: Log) -> Reply:
    """Give what `change` makes of an answer; the answer itself where it makes nothing of it, or fails."""
    if change is None:
        return answer
    given = replace(answer, headers=Headers(answer.headers.items()))
    try:
        result = change(request, given)
        changed = result if isinstance(result, Reply) else replace(given, body=_body(result, given.body))
    except BaseException as error:  # noqa: BLE001  # as above
        log(f"change_answer failed, so the answer went back as it was: {_why(error)}")
        return answer
    if (changed.status, changed.body) != (answer.status, answer.body):
        log("the answer was changed on its way to the client")
    return changed


def target_of(request: Request) -> str:
    """Path and query as they go into a request line: percent-encoding is the sender's own."""
    return request.target or request.path + (f"?{urlencode(request.query)}" if request.query else "")


def _body(result: object, unchanged: bytes) -> bytes:
    match result:
        case None:
            return unchanged
        case str():
            return result.encode()
        case bytes():
            return result
        case dict() | list():
            return json.dumps(result).encode()
        case _:
            raise TypeError(f"it returned {type(result).__name__}, which is neither a message nor a body")


def _shown(body: bytes) -> str:
    text = visible(body[:200].decode("utf-8", "backslashreplace"))
    return text if len(body) <= 200 else f"{text}... ({len(body)} bytes)"


def _why(error: BaseException) -> str:
    return error.what if isinstance(error, TLSNotesError) else f"{type(error).__name__}: {error}"
