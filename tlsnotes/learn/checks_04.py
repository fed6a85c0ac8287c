"""What the exercises of 04-https-server ask for."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

from tlsnotes.checks import Check
from tlsnotes.learn.exercises import is_a, task
from tlsnotes.live.recording import Recording

HOSTNAME_MISMATCH, HAS_EXPIRED = 62, 10  # OpenSSL's X509_V_ERR_* numbers


def verification(error: object) -> ssl.SSLCertVerificationError | None:
    """The error of Python's ssl inside of what requests raises, however deep it lies."""
    waiting, seen = [error], 0
    while waiting and seen < 50:
        one, seen = waiting.pop(), seen + 1
        if isinstance(one, ssl.SSLCertVerificationError):
            return one
        if isinstance(one, BaseException):
            waiting += [*one.args, getattr(one, "reason", None), one.__cause__, one.__context__]
    return None


def refusal(error: object, code: int, words: str) -> Iterator[Check]:
    """Whether an error is a refusal of this code."""
    found = verification(error)
    said = f"{found.verify_code} {found.verify_message}" if found else f"found a {type(error).__name__}"
    yield Check("an error of a certificate", found is not None, said)
    if found:
        yield Check(words, found.verify_code == code, said)


@task("04-wrong-name", "call a server by a name its certificate does not have; hand in the error", "the error")
def wrong_name(answer: object) -> Iterator[Check]:
    """The code of the refusal."""
    yield from refusal(answer, HOSTNAME_MISMATCH, "it is the name that does not fit, not the trust")


@task("04-expired", "call a server whose certificate is over, although you trust it; hand in the error", "the error")
def expired(answer: object) -> Iterator[Check]:
    """The code of the refusal."""
    yield from refusal(answer, HAS_EXPIRED, "it is the date, not the trust")


@task("04-plain-http", "send plain HTTP to the HTTPS port, and hand in the recording", "server.last")
def plain_http(answer: Recording) -> Iterator[Check]:
    """What the server has made of it."""
    yield (first := is_a(answer, Recording, "server.last"))
    if first.ok:
        found = answer.outcome or "still under way"
        yield Check("the server noticed", found == "not TLS: the client spoke plain HTTP", found)
