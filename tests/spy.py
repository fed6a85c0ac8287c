"""Inside the kernel of a notebook under test: notes every private key and traffic secret, and whom it connects to.

`watch(path)`, called before anything else is imported, adds a line to the file for each: JSON, ["key" | "secret", hex]
or ["address", text]. What a test does with them is in shown_secrets.py.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, rsa, x448, x25519

Note = Callable[[str, str], None]

MAKERS: list[tuple[Any, str]] = [
    (ec, "generate_private_key"), (ec, "derive_private_key"), (rsa, "generate_private_key"),
    (serialization, "load_pem_private_key"), (serialization, "load_der_private_key"),
    *((one, "generate") for one in (ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey)),
    *((one, "generate") for one in (x25519.X25519PrivateKey, x448.X448PrivateKey)),
    *((one, "generate") for one in (mldsa.MLDSA44PrivateKey, mldsa.MLDSA65PrivateKey, mldsa.MLDSA87PrivateKey)),
]  # fmt: skip


def watch(path: str) -> None:
    """Begin to note; what was made before is not known."""

    def note(kind: str, what: str) -> None:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps([kind, what]) + "\n")

    for owner, name in MAKERS:
        setattr(owner, name, _noting(getattr(owner, name), note))
    _note_traffic_secrets(note)
    sys.addaudithook(lambda event, arguments: _see(event, arguments, note))


def secret_numbers(key: Any) -> list[bytes]:
    """What nobody but the owner of a private key may see, as bytes: a scalar, a seed, RSA's exponent and primes."""
    if hasattr(key, "private_bytes_raw"):
        return [key.private_bytes_raw()]
    numbers = key.private_numbers()
    if hasattr(numbers, "private_value"):
        return [numbers.private_value.to_bytes((key.key_size + 7) // 8, "big")]
    return [n.to_bytes((n.bit_length() + 7) // 8, "big") for n in (numbers.d, numbers.p, numbers.q)]


def _noting(make: Callable[..., Any], note: Note) -> Callable[..., Any]:
    def made(*arguments: Any, **named: Any) -> Any:
        key = make(*arguments, **named)
        for number in secret_numbers(key):
            note("key", number.hex())
        return key

    return made


def _note_traffic_secrets(note: Note) -> None:
    from tlsnotes.live.recording import Recording  # noqa: PLC0415  # after the makers of keys have been replaced

    add = Recording.add_secrets

    def add_secrets(self: Recording, lines: str) -> None:
        for line in lines.splitlines():
            note("secret", line.split()[2])
        add(self, lines)

    Recording.add_secrets = add_secrets  # type: ignore[method-assign]


def _see(event: str, arguments: tuple[Any, ...], note: Note) -> None:
    if event in ("socket.connect", "socket.sendto", "socket.bind") and isinstance(arguments[1], tuple):
        note("address", str(arguments[1][0]))
    elif event == "socket.getaddrinfo":
        note("address", str(arguments[0]))
