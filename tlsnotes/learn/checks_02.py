"""What the exercises of 02-keys-and-signatures ask for."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from tlsnotes.checks import Check
from tlsnotes.errors import TLSNotesError
from tlsnotes.learn.exercises import is_there, task
from tlsnotes.pki.keys import load_key

ENCRYPTED = b"-----BEGIN ENCRYPTED PRIVATE KEY-----"
POPULAR = ("123456", "password", "qwerty", "sunshine", "letmein")  # the list of the notebook


@task("02-who-signed", "write a function that says whose signature it is", "the function")
def who_signed(answer: Callable[[bytes, bytes, dict[str, Ed25519PublicKey]], str | None]) -> Iterator[Check]:
    """What the function says of each customer's signature, and of a stranger's."""
    keys = {name: Ed25519PrivateKey.generate() for name in ("alice", "bob", "carol")}
    customers = {name: key.public_key() for name, key in keys.items()}
    order = b"pay 10 to shop"
    said = {name: answer(order, key.sign(order), customers) for name, key in keys.items()}
    right = sum(said[name] == name for name in keys)
    yield Check("each customer's signature is found", right == len(keys), f"{right} of {len(keys)} are right")
    stranger = answer(order, Ed25519PrivateKey.generate().sign(order), customers)
    yield Check("a stranger's signature is nobody's", stranger is None, repr(stranger)[:80])
    changed = answer(b"pay 90 to shop", keys["bob"].sign(order), customers)
    yield Check("a changed order was signed by nobody", changed is None, repr(changed)[:80])


@task("02-pay-once", "write a function that lets each signed order be paid once", "the function")
def pay_once(answer: Callable[[bytes, bytes, ec.EllipticCurvePublicKey, set[int]], bool]) -> Iterator[Check]:
    """A genuine order, twice; a forged one before the genuine one of the same number."""
    key, mallory = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    first, second = b'{"order": 1, "amount": 10}', b'{"order": 2, "amount": 10}'
    seen: set[int] = set()

    def asked(order: bytes, signer: ec.EllipticCurvePrivateKey) -> object:
        return answer(order, signer.sign(order, ec.ECDSA(SHA256())), key.public_key(), seen)

    for words, wanted, said in (
        ("a signed order is paid", True, asked(first, key)),
        ("the same order is not paid again", False, asked(first, key)),
        ("a forged order is not paid", False, asked(second, mallory)),
        ("the forged one has not used its number up", True, asked(second, key)),
    ):
        yield Check(words, said is wanted, f"your function said {said!r}"[:100])
    rubbish = answer(b"no JSON at all", b"no signature", key.public_key(), seen)
    yield Check("what is no order at all is refused, without an error", rubbish is False, repr(rubbish)[:80])


@task("02-safe-file", "save a private key so that nobody else can read or use it", "the path of the file")
def safe_file(answer: str | Path) -> Iterator[Check]:
    """The file's mode and its first line."""
    path = Path(answer)
    yield (there := is_there(path))
    if not there.ok:
        return
    data, mode = path.read_bytes(), stat.S_IMODE(path.stat().st_mode)
    private = ENCRYPTED in data or b"PRIVATE KEY-----" in data
    yield Check("it holds a private key in PEM", private, f"{len(data)} bytes")
    yield Check("only you can read it", not mode & 0o077, f"its mode is {mode:o}")
    yield Check("it is encrypted with a password", ENCRYPTED in data, "yes" if ENCRYPTED in data else "it is not")
    if ENCRYPTED in data:
        opened = [word for word in POPULAR if _opens(path, word)]
        found = f"{opened[0]!r} opens it" if opened else "none of Mallory's passwords opens it"
        yield Check("a password that is not on Mallory's list", not opened, found)


def _opens(path: Path, password: str) -> bool:
    try:
        load_key(path, password)
    except TLSNotesError:
        return False
    return True
