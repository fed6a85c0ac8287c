"""What the exercises of 03-certificates ask for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cryptography.exceptions import InvalidSignature

from tlsnotes.checks import Check
from tlsnotes.learn.exercises import is_a, task
from tlsnotes.pki.authority import Authority
from tlsnotes.pki.credential import KEY_FILE, Credential


@task("03-three-names", "make a credential for three names of your own", "a Credential")
def three_names(answer: Credential) -> Iterator[Check]:
    """Its subjectAltName."""
    yield (first := is_a(answer, Credential, "a Credential"))
    if first.ok:
        names = answer.names
        yield Check("three names, each once", len(set(names)) >= 3, ", ".join(names) or "no names")
        own = [name for name in names if name not in ("localhost", "payments.example")]
        yield Check("names of your own among them", bool(own), ", ".join(own) or "only those of the notebook")


@task("03-password", "save a credential with a password, and hand in its folder", "the folder as text or a path")
def password(answer: str | Path) -> Iterator[Check]:
    """The key file in it."""
    path = Path(answer) / KEY_FILE
    there = path.is_file()
    yield Check(f"{KEY_FILE} is in the folder", there, str(path) if there else f"nothing is at {path}")
    if there:
        locked = b"-----BEGIN ENCRYPTED PRIVATE KEY-----" in path.read_bytes()
        yield Check("the key is encrypted", locked, "it asks for the password" if locked else "anybody can read it")


@task("03-same-name", "make a second authority of the same name, and hand in both as a pair", "(first, second)")
def same_name(answer: tuple[Authority, Authority]) -> Iterator[Check]:
    """Two authorities of one name, and that the one cannot pass for the other."""
    first, second = answer
    pair = isinstance(first, Authority) and isinstance(second, Authority)
    yield Check("two authorities", pair, " and ".join(type(one).__name__ for one in (first, second)))
    if not pair:
        return
    names = [one.certificate.subject.rfc4514_string() for one in (first, second)]
    yield Check("of the same name", names[0] == names[1], " and ".join(names))
    try:
        first.issue("localhost").certificate.verify_directly_issued_by(second.certificate)
        holds = True
    except InvalidSignature:
        holds = False
    yield Check("with keys of their own", not holds, "the second cannot vouch for what the first has signed"
                if not holds else "they have one key: it is the same authority twice")  # fmt: skip
