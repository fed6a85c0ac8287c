"""A chain of three judged: against pyca's verifier, which stops at the first thing that is wrong."""

from __future__ import annotations

from cryptography.x509 import DNSName, verification

from benchmarks.reading import NotComparableError
from benchmarks.rows import Row, longer
from benchmarks.timing import in_turn
from tlsnotes.pki.authority import Authority
from tlsnotes.pki.judge import judge


def against_pyca(runs: int) -> Row:
    """Both from objects that are loaded already, and both with a store of one."""
    root = Authority.root("Root")
    leaf = root.intermediate("Intermediate").issue("localhost")
    chain = [leaf.certificate, *leaf.chain]

    def pyca() -> list[object]:
        store = verification.Store([root.certificate])
        verifier = verification.PolicyBuilder().store(store).build_server_verifier(DNSName("localhost"))
        return list(verifier.verify(leaf.certificate, leaf.chain))

    verdict = judge(chain, trust=root, name="localhost")
    if not verdict.ok or len(pyca()) != len(verdict.path):
        raise NotComparableError("the two do not agree about the chain")
    ours, theirs = in_turn(lambda: judge(chain, trust=root, name="localhost"), pyca, runs)
    return Row(
        "judge", "pyca's verifier", ours, theirs, longer(ours, theirs), None, None, f"{len(verdict.checks)} checks"
    )
