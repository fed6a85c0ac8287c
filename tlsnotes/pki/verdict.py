"""What a judge says of a chain: each check in the order a person would ask, and which failure decides."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address

from cryptography import x509

from tlsnotes.checks import Check
from tlsnotes.wire.fields import Field

# In the order a person would ask: do I trust this at all, does it hold, is it meant for this; then its form.
CHECKS = (
    "trust",
    "path",
    "signature",
    "validity",
    "name",
    "basic-constraints",
    "path-length",
    "key-usage",
    "extended-key-usage",
    "name-constraints",
    "critical-extension",
    "version",
    "serial",
    "key-strength",
    "signature-algorithm",
    "identifiers",
    "revocation",
    "encoding",
)


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked of `judge`, to be asked again: its arguments, with the certificates as trees and no key of any.

    `chain` as it was given, the end-entity first; `at` is the moment that was meant, in UTC, also where none was given.
    """

    chain: tuple[Field, ...]
    trust: tuple[Field, ...]
    name: str | IPv4Address | IPv6Address | None
    at: datetime
    usage: str | None
    crls: tuple[x509.CertificateRevocationList | bytes, ...] = ()
    max_depth: int | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Verdict:
    """Whether a chain holds: `ok` where none is False; `checks` in the order of CHECKS, each from the end-entity up.

    `path` leads from the end-entity to the trust anchor, or as far as it goes. A check's `where` names a certificate by
    its index there. Certificates that cryptography cannot load are DER bytes. `question` is what was asked.
    """

    ok: bool
    checks: tuple[Check, ...]
    path: tuple[x509.Certificate | bytes, ...]
    question: Question | None = field(default=None, compare=False)

    @property
    def decisive(self) -> Check | None:
        """The failure that decides: the first in the order of the checks. None where all holds."""
        return next((check for check in self.checks if check.ok is False), None)

    def __repr__(self) -> str:
        length = f"{len(self.path)} certificate{'s' * (len(self.path) != 1)}"
        decisive = self.decisive
        if decisive is None:
            return f"<Verdict: ok, {length}>"
        failed = sum(check.ok is False for check in self.checks)
        more = f", and {failed - 1} more" if failed > 1 else ""
        return f"<Verdict: refused, {length}: {decisive.name} of {decisive.where or 'the chain'}{more}>"
