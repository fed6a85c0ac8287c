"""Building paths: from the end-entity up to certificates that are trusted, whatever order the others come in.

An issuer is who has the name, and signed it; or whose key identifier fits, so that a spoilt signature can be shown in
its place. No key vouches twice under one name, so that cycles end (RFC 4158 section 2.4.2). All work is counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tlsnotes.pki.budget import Budget, BudgetSpentError
from tlsnotes.pki.inspected import Extension, Inspected
from tlsnotes.pki.name_constraints import Subtrees, subtrees
from tlsnotes.pki.strength import holds, judge_key

MAX_LENGTH = 20  # certificates in a path: no honest one has half as many
MAX_SIGNATURES = 250  # verified in one judgement
MAX_STEPS = 20_000  # of the search

Path = tuple[Inspected, ...]


class Builder:
    """Finds paths among `others` and `anchors`; remembers which signatures hold. `limited`: whether a limit was met."""

    def __init__(self, others: Sequence[Inspected], anchors: Sequence[Inspected]) -> None:
        self._anchors = {anchor.der: anchor for anchor in anchors}
        self._by_subject: dict[object, list[Inspected]] = {}
        seen: set[bytes] = set()
        for one in (*anchors, *others):  # what is trusted first: then the shortest way is found first
            if one.der not in seen and one.subject:
                seen.add(one.der)
                self._by_subject.setdefault(one.subject, []).append(one)
        self._signatures: dict[tuple[bytes, bytes], bool | str] = {}
        self._constraints: dict[bytes, Subtrees] = {}
        self._strengths: dict[bytes, tuple[bool | None, str]] = {}
        self._steps = Budget(MAX_STEPS)
        self.limited = False

    def trusted(self, certificate: Inspected) -> bool:
        """Whether it is one of the trust anchors, bit for bit."""
        return certificate.der in self._anchors

    def same_name(self, certificate: Inspected) -> bool:
        """Whether there is anybody of the issuer's name, with whichever key."""
        return any(one.der != certificate.der for one in self._by_subject.get(certificate.issuer, []))

    def signed(self, certificate: Inspected, issuer: Inspected) -> bool | str:
        """Whether the issuer's key has signed the certificate; each pair is worked out once."""
        pair = certificate.der, issuer.key
        if pair not in self._signatures:
            if len(self._signatures) >= MAX_SIGNATURES:
                self.limited = True
                return f"not verified: {MAX_SIGNATURES} signatures of this chain were, and that is the limit"
            self._signatures[pair] = holds(
                issuer.key,
                certificate.part("signatureAlgorithm"),
                certificate.part("signatureValue"),
                certificate.raw("tbsCertificate"),
            )
        return self._signatures[pair]

    def constraints(self, certificate: Inspected, extension: Extension) -> Subtrees:
        """The name constraints of a certificate; read once, however many paths it is in."""
        if certificate.der not in self._constraints:
            self._constraints[certificate.der] = subtrees(extension)
        return self._constraints[certificate.der]

    def strength(self, certificate: Inspected) -> tuple[bool | None, str]:
        """Whether the key of a certificate is strong enough; looked at once."""
        if certificate.key not in self._strengths:
            self._strengths[certificate.key] = judge_key(certificate.key)
        return self._strengths[certificate.key]

    def paths(self, leaf: Inspected) -> Iterator[tuple[Path, bool]]:
        """Give paths from `leaf` on, and whether each ends at a trust anchor; those that do not end where it ends."""
        try:
            yield from self._extend((leaf,))
        except BudgetSpentError:
            self.limited = True

    def _extend(self, path: Path) -> Iterator[tuple[Path, bool]]:
        self._steps.spend()
        last = path[-1]
        if self.trusted(last):
            yield path, True
            return
        issuers = self._issuers(path) if len(path) < MAX_LENGTH else []
        if not issuers:
            self.limited = self.limited or len(path) >= MAX_LENGTH
            yield path, False
        for issuer in issuers:
            yield from self._extend((*path, issuer))

    def _issuers(self, path: Path) -> list[Inspected]:
        """Who may have issued the last one: those that did sign it first, then those that say so."""
        last = path[-1]
        used = {(one.subject, one.key) for one in path}
        named = [one for one in self._by_subject.get(last.issuer, []) if (one.subject, one.key) not in used]
        self._steps.spend(len(named))
        hint = last.authority_key_identifier
        # Those whose key identifier fits are asked first: among a thousand of one name, the right one is.
        named.sort(key=lambda one: hint is None or one.subject_key_identifier != hint)
        signers, others = [], []
        for one in named:
            if self.signed(last, one) is True:
                signers.append(one)
            elif hint is None or one.subject_key_identifier in (None, hint):
                others.append(one)
        return signers or others
