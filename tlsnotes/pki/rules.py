"""What RFC 5280 asks of each certificate in a path, one rule after the other (sections 4 and 6.1).

A rule gives (ok, words): True, False, or None where it has nothing to ask. The trust anchor is asked too, as clients
do; only its own signature is not, for it is trusted by decision.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from tlsnotes.pki.budget import Budget
from tlsnotes.pki.inspected import Inspected
from tlsnotes.pki.name_constraints import constrained_names, violation
from tlsnotes.pki.path import Builder, Path
from tlsnotes.pki.strength import algorithm_of, weak_hash
from tlsnotes.wire.oids import DOTTED

Finding = tuple[bool | None, str]
# What is acted on here. The rest, where it is critical, must be refused: it may say "not for you".
UNDERSTOOD = {
    "basicConstraints", "keyUsage", "extKeyUsage", "nameConstraints", "subjectAltName", "authorityKeyIdentifier",
    "subjectKeyIdentifier", "certificatePolicies", "policyMappings", "inhibitAnyPolicy", "cRLDistributionPoints",
}  # fmt: skip
PURPOSES = {"server": DOTTED["serverAuth"], "client": DOTTED["clientAuth"]}
# Section 4.2.1.12: the key usages that go with each.
HANDSHAKE_USAGES = {
    "server": {"digitalSignature", "keyEncipherment", "keyAgreement"},
    "client": {"digitalSignature", "keyAgreement"},
}


@dataclass(frozen=True, slots=True)
class Case:
    """One certificate of a path with all that its rules ask: its index, the others, the time, the use."""

    path: Path
    index: int
    complete: bool
    at: datetime
    usage: str | None
    builder: Builder
    budget: Budget

    @property
    def certificate(self) -> Inspected:
        """The one in question."""
        return self.path[self.index]

    @property
    def issuer(self) -> Inspected | None:
        """The next one up."""
        return self.path[self.index + 1] if self.index + 1 < len(self.path) else None

    @property
    def anchor(self) -> bool:
        """Whether it is the one that is trusted by decision."""
        return self.complete and self.index == len(self.path) - 1

    @property
    def issuing(self) -> bool:
        """Whether it vouches for another one of this path."""
        return self.index > 0


def signature(case: Case) -> Finding:
    """Section 6.1.3 (a)(1)."""
    if case.anchor:
        return None, "not asked of a trust anchor: it is trusted by decision, not for its own signature"
    signer = case.issuer or (case.certificate if case.certificate.self_issued else None)
    if signer is None:
        return None, "not checked: the issuer's certificate, which has the key to check it with, is not here"
    found = case.builder.signed(case.certificate, signer)
    by = "its own key" if signer is case.certificate else f"the key of {signer.title!r}"
    if isinstance(found, str):
        return False, f"expected a signature by {by}; it cannot be verified: {found}"
    if found:
        return True, f"signed by {by}"
    return False, f"expected a signature by {by}, found one that does not fit: other bytes, or another key"


def validity(case: Case) -> Finding:
    """Section 4.1.2.5: both ends belong to the period, which counts in whole seconds."""
    begin, end = case.certificate.not_before, case.certificate.not_after
    at = case.at.replace(microsecond=0)
    if begin is None or end is None:
        return False, "expected a period of validity, found none that can be read"
    if at < begin:
        return False, f"not valid yet: it begins at {begin:%Y-%m-%d %H:%M:%S} UTC, {apart(begin, at)} after {_now(at)}"
    if at > end:
        return False, f"no longer valid: it ended at {end:%Y-%m-%d %H:%M:%S} UTC, {apart(at, end)} before {_now(at)}"
    return True, f"valid from {begin:%Y-%m-%d} to {end:%Y-%m-%d}"


def _now(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def apart(later: datetime, earlier: datetime) -> str:
    """How long it is between two times, in the largest unit that fits."""
    seconds = int((later - earlier).total_seconds())
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = seconds // size
            return f"{count:,} {unit}{'s' * (count > 1)}"
    return f"{seconds} second{'s' * (seconds != 1)}"


def basic_constraints(case: Case) -> Finding:
    """Sections 4.2.1.9 and 6.1.4 (k)."""
    found = case.certificate.basic_constraints
    if not case.issuing:
        return (
            True,
            "an end-entity's certificate" if not case.certificate.is_ca else "a CA's certificate, used as one's own",
        )
    if found is None:
        return False, "expected a CA's certificate (basicConstraints with cA TRUE), found none of that"
    if not found.ca:
        return False, "expected a CA's certificate (cA TRUE), found an end-entity's: it may not vouch for others"
    if not case.certificate.extensions["basicConstraints"].critical:
        return False, "expected critical basicConstraints, as of every CA, found them not critical"
    return True, "a CA's certificate"


def path_length(case: Case) -> Finding:
    """Sections 4.2.1.9 and 6.1.4 (l), (m): self-issued certificates are not counted."""
    constraints = case.certificate.basic_constraints
    if not case.issuing or constraints is None or constraints.path_length is None:
        return None, "it sets no limit"
    below = sum(not one.self_issued for one in case.path[1 : case.index])
    words = f"{below} intermediate{'s' * (below != 1)} below it, {constraints.path_length} allowed"
    if below > constraints.path_length:
        return False, f"expected at most {constraints.path_length} intermediates below it, found {below}"
    return True, words


def key_usage(case: Case) -> Finding:  # noqa: PLR0911  # one for each thing found
    """Sections 4.2.1.3 and 6.1.4 (n)."""
    found = case.certificate.key_usage
    if case.issuing:
        if found is None:
            return True, "without keyUsage, so every use is allowed (strict clients insist on keyCertSign)"
        if "keyCertSign" not in found:
            return False, f"expected keyCertSign, as it signs certificates, found {_listed(found)}"
        return True, "it may sign certificates"
    if found is None:
        return True, "without keyUsage, so every use is allowed"
    if "keyCertSign" in found and not case.certificate.is_ca:
        return False, "expected no keyCertSign in a certificate that is no CA's, found it (§4.2.1.9)"
    wanted = HANDSHAKE_USAGES.get(case.usage or "")
    if wanted and not wanted & found:
        return False, f"expected digitalSignature, with which a handshake is signed, found {_listed(found)}"
    return True, f"{_listed(found)}"


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"


def extended_key_usage(case: Case) -> Finding:
    """Section 4.2.1.12; of a CA, the uses that it may vouch for, as browsers and OpenSSL take it."""
    found = case.certificate.extended_key_usage
    if case.usage is None:
        return None, "not asked: no use was named"
    if found is None:
        return True, "without extendedKeyUsage, so every use is allowed"
    wanted = PURPOSES[case.usage]
    words = _listed(frozenset(_PURPOSE_NAMES.get(one, one) for one in found))
    if wanted in found or DOTTED["anyExtendedKeyUsage"] in found:
        return True, words
    whose = "its holder may only be" if not case.issuing else "it may vouch only for"
    return False, f"expected {_PURPOSE_NAMES[wanted]}, found {words}: {whose} that"


_PURPOSE_NAMES = {dotted: f"TLS {usage}" for usage, dotted in PURPOSES.items()}


def name_constraints(case: Case) -> Finding:
    """Sections 4.2.1.10 and 6.1.3 (b), (c): for every certificate below but self-issued ones that are not the last."""
    extension = case.certificate.extensions.get("nameConstraints")
    if extension is None:
        return None, "it constrains no names"
    if not case.certificate.is_ca:
        return False, "expected name constraints in a CA's certificate only, found them in an end-entity's"
    constraints = case.builder.constraints(case.certificate, extension)
    if constraints.wrong:
        return False, f"its name constraints cannot be followed: {constraints.wrong}"
    if not extension.critical:
        return False, "expected critical nameConstraints, as of every CA, found them not critical"
    for index, one in enumerate(case.path[: case.index]):
        if index and one.self_issued:
            continue
        if found := violation(constraints, constrained_names(one), case.budget):
            return False, f"of certificate {index}: {found}"
    return True, "the names below it are such as it may vouch for"


def critical_extension(case: Case) -> Finding:
    """Section 4.2: what is critical and not understood must be refused."""
    unknown = [e.name for e in case.certificate.extensions.values() if e.critical and e.name not in UNDERSTOOD]
    if unknown:
        return False, f"expected critical extensions that are understood here, found {', '.join(unknown[:3])}"
    return True, "every critical extension is understood"


def version(case: Case) -> Finding:
    """Section 4.1.2.1."""
    field = case.certificate.part("version")
    number = int(field.value) + 1 if field and isinstance(field.value, int) else 1
    if number != 3:
        return False, f"expected version 3, which has extensions, found version {number}"
    return True, "version 3"


def serial(case: Case) -> Finding:
    """Section 4.1.2.2."""
    field = case.certificate.part("serialNumber")
    if field is None or not isinstance(field.value, int):
        return False, "expected a serial number, found none that can be read"
    octets = len(field.children[2].raw) if len(field.children) > 2 else 0
    if case.anchor and (field.value == 0 or octets > 20):
        return None, "an odd one, as some old roots have: nobody tells a trust anchor by it"
    if field.value <= 0:
        return False, f"expected a positive serial number, found {'zero' if field.value == 0 else 'a negative one'}"
    if octets > 20:
        return False, f"expected a serial number of at most 20 octets, found {octets}"
    return True, f"{octets} octet{'s' * (octets != 1)}"


def key_strength(case: Case) -> Finding:
    """The Baseline Requirements, section 6.1.5."""
    return case.builder.strength(case.certificate)


def signature_algorithm(case: Case) -> Finding:
    """Section 4.1.1.2; and no hash with which somebody can make two things of one signature."""
    inner, outer = case.certificate.part("signature"), case.certificate.part("signatureAlgorithm")
    if inner is None or outer is None or inner.raw != outer.raw:
        return False, "expected one algorithm, inside and outside of what is signed, found two"
    algorithm = algorithm_of(outer)
    if case.anchor:
        return None, f"{algorithm.name}; not asked of a trust anchor, whose own signature nobody relies on"
    if weak_hash(algorithm):
        return False, f"expected a hash from SHA-224 on, found {algorithm.name}: such signatures can be forged"
    return True, algorithm.name


def identifiers(case: Case) -> Finding:  # noqa: PLR0911  # one for each thing found
    """Sections 4.2.1.1 and 4.2.1.2: who signed it, and what its own key is called."""
    one = case.certificate
    authority, subject = one.extensions.get("authorityKeyIdentifier"), one.extensions.get("subjectKeyIdentifier")
    if any(extension and extension.critical for extension in (authority, subject)):
        return False, "expected key identifiers that are not critical, found a critical one"
    if subject is None and one.is_ca:
        return False, "expected a subjectKeyIdentifier, by which those below it find it, found none"
    self_signed = one.self_issued and case.issuer is None
    if authority is None:
        if self_signed:
            return True, "self-signed, so it need not name its issuer's key"
        return False, "expected an authorityKeyIdentifier, which names the issuer's key, found none"
    if one.authority_key_identifier is None:
        return False, "expected an authorityKeyIdentifier with a keyIdentifier, found one without"
    issuer = case.issuer or (one if self_signed else None)
    wanted = issuer.subject_key_identifier if issuer else None
    if wanted is not None and one.authority_key_identifier != wanted:
        said = one.authority_key_identifier.hex()[:16]
        return False, f"expected its issuer's key, {wanted.hex()[:16]}…, found {said}… in authorityKeyIdentifier"
    return True, "its authorityKeyIdentifier is its issuer's subjectKeyIdentifier" if wanted else "present"


def encoding(case: Case) -> Finding:
    """X.690, and what RFC 5280's profile asks of each field."""
    problems = list(case.certificate.problems)
    if case.issuing and not case.certificate.subject:
        problems.append(("tbsCertificate.subject", "expected a CA's name, found an empty one (§4.1.2.6)"))
    # What has a check of its own has been said there.
    problems = [(path, words) for path, words in problems if path.rpartition(".")[2] not in _SAID_ELSEWHERE]
    if not problems:
        return True, "as X.690 and RFC 5280 want it"
    path, words = problems[0]
    more = f"; and {len(problems) - 1} more" if len(problems) > 1 else ""
    return False, f"{path.removeprefix('Certificate.')}: {words}{more}"


_SAID_ELSEWHERE = {"serialNumber", "nameConstraints", "authorityKeyIdentifier", "subjectKeyIdentifier"}

Rule = Callable[[Case], Finding]
# The checks that look at one certificate each, with where the RFC asks for them.
RULES: Sequence[tuple[str, str, Rule]] = (
    ("signature", "RFC 5280 §6.1.3", signature),
    ("validity", "RFC 5280 §4.1.2.5", validity),
    ("basic-constraints", "RFC 5280 §4.2.1.9", basic_constraints),
    ("path-length", "RFC 5280 §4.2.1.9", path_length),
    ("key-usage", "RFC 5280 §4.2.1.3", key_usage),
    ("extended-key-usage", "RFC 5280 §4.2.1.12", extended_key_usage),
    ("name-constraints", "RFC 5280 §4.2.1.10", name_constraints),
    ("critical-extension", "RFC 5280 §4.2", critical_extension),
    ("version", "RFC 5280 §4.1.2.1", version),
    ("serial", "RFC 5280 §4.1.2.2", serial),
    ("key-strength", "BR §6.1.5", key_strength),
    ("signature-algorithm", "RFC 5280 §4.1.1.2", signature_algorithm),
    ("identifiers", "RFC 5280 §4.2.1.1", identifiers),
    ("encoding", "RFC 5280 §4.1", encoding),
)
