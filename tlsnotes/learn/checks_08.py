"""What the exercises of 08-when-it-fails ask for."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import requests
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tlsnotes.checks import Check
from tlsnotes.learn.exercises import is_a, task
from tlsnotes.live.mistakes import MISTAKES
from tlsnotes.live.outcome import Outcome

CASES = {"A": "missing-intermediate", "B": "ip-without-ip-san", "C": "client-certificate-missing-1-3"}
ISSUER_NOT_FOUND = 20  # X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY
NOBODY_LISTENS = "http://127.0.0.1:1"


@task("08-detective", "name the mistake of each of the three cases", "a dictionary with the keys A, B and C")
def detective(answer: Mapping[str, str]) -> Iterator[Check]:
    """Each case on its own, without giving the others away."""
    yield (first := is_a(answer, dict, "a dictionary with the keys A, B and C"))
    if not first.ok:
        return
    for case, mistake in CASES.items():
        said = answer.get(case)
        known = isinstance(said, str) and said in MISTAKES
        found = f"{str(said)[:40]}: {MISTAKES[str(said)].title}" if known else f"no id of a mistake: {str(said)[:40]}"
        yield Check(f"case {case}", said == mistake, found)


def _errors() -> Iterator[tuple[str, bool, Exception]]:
    """Errors as requests raises them: in words, whether to try again, the exception."""
    for words, name in (
        ("an expired certificate", "expired-leaf"),
        ("an unknown root", "unknown-root"),
        ("a missing client certificate, told late", "client-certificate-missing-1-3"),
    ):
        with MISTAKES[name].serve() as scene:
            yield words, False, _raised(scene.url, scene.trust)
    yield "a server that is just starting", True, _raised(NOBODY_LISTENS, ())
    yield "no answer in time", True, requests.exceptions.ReadTimeout("Read timed out. (read timeout=5)")


def _raised(url: str, trust: tuple[x509.Certificate, ...] | Path) -> Exception:
    """What requests raises for `url`; a server that answers after all is an error here too."""
    with tempfile.TemporaryDirectory() as folder, requests.Session() as session:
        session.trust_env = False
        if isinstance(trust, tuple):
            path = Path(folder, "root.pem")
            path.write_bytes(b"".join(certificate.public_bytes(Encoding.PEM) for certificate in trust))
        else:
            path = trust
        try:
            session.get(url, verify=str(path), timeout=10)
        except requests.exceptions.RequestException as error:
            return error
    return RuntimeError(f"{url} has answered")


@task("08-retry", "write a function that says whether trying again makes sense", "your function")
def retry(answer: Callable[[Exception], bool]) -> Iterator[Check]:
    """What the function says of real errors."""
    for words, wanted, error in _errors():
        said = answer(error)
        yield Check(
            f"{words}: {'try again' if wanted else 'stop'}", said is wanted, f"your function said {said!r}"[:80]
        )


@task("08-mend", "make the mistake of the missing intermediate, and mend it", "(refused, accepted)")
def mend(answer: tuple[Outcome, Outcome]) -> Iterator[Check]:
    """Both outcomes."""
    right = isinstance(answer, tuple) and len(answer) == 2 and all(isinstance(one, Outcome) for one in answer)
    yield Check("hand in two outcomes of try_client", right, f"found a {type(answer).__name__}")
    if not right:
        return
    refused, accepted = answer
    yield Check("first it is refused, with code 20", refused.code == ISSUER_NOT_FOUND, repr(refused)[:100])
    yield Check("then it is accepted", accepted.ok is True, repr(accepted)[:100])
