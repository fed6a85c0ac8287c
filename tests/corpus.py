"""Every certificate, request and CRL of others, as DER: ../shared/vectors and the package cryptography-vectors."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import cryptography_vectors
from cryptography import x509
from needs import ROOT

from tlsnotes.wire.asn1 import parse_certificate, parse_crl, parse_csr
from tlsnotes.wire.fields import Field

PACKAGE = Path(cryptography_vectors.__file__).parent
_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END ", re.DOTALL)
_LABELS = {
    "CERTIFICATE": "certificate",
    "X509 CRL": "crl",
    "CERTIFICATE REQUEST": "csr",
    "NEW CERTIFICATE REQUEST": "csr",
}
_PARSERS: dict[str, Callable[[bytes], Field]] = {
    "certificate": parse_certificate,
    "crl": parse_crl,
    "csr": parse_csr,
}
_PEERS: dict[
    str, Callable[[bytes], x509.Certificate | x509.CertificateSigningRequest | x509.CertificateRevocationList]
] = {
    "certificate": x509.load_der_x509_certificate,
    "crl": x509.load_der_x509_crl,
    "csr": x509.load_der_x509_csr,
}


class Vector(NamedTuple):
    """One of them."""

    name: str
    kind: str  # "certificate", "csr" or "crl"
    der: bytes

    def parse(self) -> Field:
        """Read it with the package under test."""
        return _PARSERS[self.kind](self.der)

    def peer(self) -> x509.Certificate | x509.CertificateSigningRequest | x509.CertificateRevocationList:
        """Read it with pyca/cryptography."""
        return _PEERS[self.kind](self.der)


@cache
def corpus() -> tuple[Vector, ...]:
    """All of them, each once; without those beside the checkout where that is alone."""
    found: dict[bytes, Vector] = {}
    for vector in (*_package(), *_shared()):
        found.setdefault(vector.der, vector)
    return tuple(found.values())


def _shared() -> Iterator[Vector]:
    for path in sorted((ROOT.parent / "shared" / "vectors" / "certificates").glob("*/*.der")):
        yield Vector(f"{path.parent.name}/{path.name}", "certificate", path.read_bytes())


def _package() -> Iterator[Vector]:
    for path in sorted((PACKAGE / "x509").rglob("*")):
        name = path.relative_to(PACKAGE).as_posix()
        if path.suffix == ".pem":
            for index, (label, text) in enumerate(_PEM.findall(path.read_bytes())):
                if kind := _LABELS.get(label.decode()):
                    lines = re.sub(rb"(?m)^.*:.*$", b"", text)
                    yield Vector(f"{name}#{index}" if index else name, kind, base64.b64decode(lines))
        elif path.suffix in (".crt", ".crl", ".der") and path.parent.name != "ocsp":
            kind = "csr" if path.parent.name == "requests" else "crl" if "crl" in path.name else "certificate"
            yield Vector(name, kind, path.read_bytes())


def at(tree: Field, path: str) -> Field:
    """The field of that name, which must be there."""
    field = tree.find(path)
    assert field is not None, path
    return field


def problems(tree: Field) -> list[tuple[str, str]]:
    """What a tree says is odd, and where: dotted names, without what only wraps."""
    found = []
    waiting: list[tuple[Field, tuple[str, ...]]] = [(tree, ())]
    while waiting:
        field, path = waiting.pop()
        path = path if field.name == "contents" else (*path, field.name)
        if field.problem:
            found.append((".".join(path), field.problem))
        waiting.extend((child, path) for child in reversed(field.children))
    return found


def tiles(tree: Field, data: bytes) -> bool:
    """Whether each byte belongs to exactly one leaf, in order, and each field has just the bytes of its children."""
    at = 0
    for leaf in tree.leaves():
        if leaf.start != at or leaf.end < at:
            return False
        at = leaf.end
    spans = (
        (field.start, field.end) == (field.children[0].start, field.children[-1].end)
        for field in tree.walk()
        if field.children
    )
    return at == len(data) and all(spans)
