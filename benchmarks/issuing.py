"""A root, an intermediate and an end-entity, with new keys each time: against trustme and the openssl command.

All keys ECDSA P-256, all ends PEM in memory (openssl: files): the chain and the key as a server is given them.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from cryptography import x509

from benchmarks.reading import NotComparableError
from benchmarks.rows import Row, faster, longer
from benchmarks.timing import in_turn
from tlsnotes.pki.authority import Authority
from tlsnotes.pki.judge import judge
from tlsnotes.pki.keys import key_pem
from tlsnotes.programs import find_program

NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
CA = ["-addext", "keyUsage=critical,keyCertSign,cRLSign"]
LEAF = [
    *["-addext", "basicConstraints=critical,CA:FALSE", "-addext", "subjectAltName=DNS:localhost"],
    *["-addext", "extendedKeyUsage=serverAuth", "-addext", "keyUsage=critical,digitalSignature"],
]
RUNS = 15  # at most, of the command


def ours() -> tuple[bytes, bytes, bytes]:
    """The root, the chain and the key as PEM."""
    root = Authority.root("Root")
    leaf = root.intermediate("Intermediate").issue("localhost")
    return root.certificate_pem, leaf.fullchain_pem, key_pem(leaf.key)


def trustmes() -> tuple[bytes, bytes, bytes]:
    """The same by trustme."""
    import trustme

    root = trustme.CA(organization_name="Root")
    leaf = root.create_child_ca().issue_cert("localhost")
    chain = b"".join(blob.bytes() for blob in leaf.cert_chain_pems)
    return root.cert_pem.bytes(), chain, leaf.private_key_pem.bytes()


def against_trustme(runs: int) -> Row:
    """In one process."""
    title, target = "issue/trustme", 1.3
    if find_spec("trustme") is None:
        return Row(title, "trustme is not installed: make bench", target=target)
    for made in (ours, trustmes):
        _must_hold(made)
    mine, theirs = in_turn(ours, trustmes, runs)
    return Row(title, "trustme", mine, theirs, longer(mine, theirs), target)


def against_openssl(runs: int) -> Row:
    """In one process, against three calls of the command: a key and a certificate each."""
    title = "issue/openssl"
    openssl = find_program("openssl")
    if not openssl:
        return Row(title, "openssl is not installed")
    with tempfile.TemporaryDirectory() as folder:

        def theirs() -> tuple[bytes, bytes, bytes]:
            for name, issuer, extensions in (("root", "", CA), ("middle", "root", CA), ("leaf", "middle", LEAF)):
                issued = ["-CA", f"{issuer}.pem", "-CAkey", f"{issuer}.key"] if issuer else []
                out = ["-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name}", "-days", "30"]
                command = [openssl, "req", "-x509", *NEW_KEY, *issued, *out, *extensions]
                subprocess.run(command, cwd=folder, check=True, capture_output=True, stdin=subprocess.DEVNULL)
            root, middle, leaf = (Path(folder, f"{name}.pem").read_bytes() for name in ("root", "middle", "leaf"))
            return root, leaf + middle, Path(folder, "leaf.key").read_bytes()

        _must_hold(theirs)
        mine, others = in_turn(ours, theirs, min(runs, RUNS))
    return Row(title, "openssl req, three times", mine, others, faster(mine, others))


def _must_hold(make: Callable[[], tuple[bytes, bytes, bytes]]) -> None:
    root, chain, _ = make()
    certificates = x509.load_pem_x509_certificates(chain)
    verdict = judge(certificates, trust=x509.load_pem_x509_certificate(root))
    failed = {check.name for check in verdict.checks if check.ok is False}
    if len(certificates) != 2 or failed & {"path", "signature"}:
        raise NotComparableError("a chain does not hold")
