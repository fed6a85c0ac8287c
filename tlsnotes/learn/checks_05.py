"""What the exercises of 05-authorities-and-chains ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from cryptography import x509

from tlsnotes.checks import Check
from tlsnotes.learn.exercises import is_a, task
from tlsnotes.pki.authority import Authority, self_signed
from tlsnotes.pki.credential import Credential
from tlsnotes.pki.judge import judge

NAME = "shop.example"


def _kinds(answer: tuple[object, ...], *wanted: tuple[type, str]) -> Iterator[Check]:
    """Whether a tuple holds one of each kind, in this order."""
    words = ", ".join(words for _, words in wanted)
    found = answer if isinstance(answer, tuple) else (answer,)
    right = len(found) == len(wanted) and all(map(isinstance, found, (kind for kind, _ in wanted)))
    yield Check(f"hand in ({words})", right, ", ".join(type(one).__name__ for one in found) or "nothing")


@task("05-long-chain", "build a chain with two intermediates for shop.example", "(root, credential)")
def long_chain(answer: tuple[Authority, Credential]) -> Iterator[Check]:
    """The judgement of the chain, and its length."""
    yield (first := next(_kinds(answer, (Authority, "root"), (Credential, "credential"))))
    if not first.ok:
        return
    root, credential = answer
    yield Check("two intermediates", len(credential.chain) == 2, f"there are {len(credential.chain)}")
    verdict = judge(credential, trust=root, name=NAME)
    decisive = verdict.decisive
    yield Check("a careful client accepts it", verdict.ok, f"{decisive.name}: {decisive.detail}" if decisive else "yes")


@task("05-renew", "write a function that says when a certificate is to be renewed", "your function")
def renew(answer: Callable[[x509.Certificate], datetime]) -> Iterator[Check]:
    """What the function says of a short and of a long life."""
    for days in (47, 6):
        start = datetime.now(UTC).replace(microsecond=0)
        wanted = start + timedelta(days=days) * 2 / 3
        said = answer(self_signed(NAME, days=days, start=start).certificate)
        yield (first := is_a(said, datetime, f"a function that gives a datetime (asked for {days} days)"))
        if not first.ok:
            return
        zone = said.tzinfo is not None
        yield Check("with its time zone", zone, str(said))
        if zone:
            near = abs(said - wanted) < timedelta(minutes=1)
            passed = (said - start) / timedelta(days=1)
            yield Check(f"two thirds into {days} days", near, f"your moment is day {passed:.1f}")


@task("05-revoked", "revoke a certificate whose key was stolen, and make the list", "(authority, credential, crl)")
def revoked(answer: tuple[Authority, Credential, x509.CertificateRevocationList]) -> Iterator[Check]:
    """The list: whose it is, what is on it, and what a client that looks makes of it."""
    crl_kind = (x509.CertificateRevocationList, "crl")
    yield (first := next(_kinds(answer, (Authority, "authority"), (Credential, "credential"), crl_kind)))
    if not first.ok:
        return
    authority, credential, crl = answer
    entry = crl.get_revoked_certificate_by_serial_number(credential.certificate.serial_number)
    yield Check("the certificate is on the list", entry is not None, f"the list has {len(crl)} entries")
    if entry is None:
        return
    reasons = [e.value.reason.value for e in entry.extensions if isinstance(e.value, x509.CRLReason)]
    found = reasons[0] if reasons else "no reason is given"
    yield Check("because its key was stolen", "keyCompromise" in reasons, found)
    verdict = judge(credential, trust=authority, name=None, crls=[crl])
    said = "; ".join(check.detail for check in verdict.checks if check.ok is False) or "it accepts"
    yield Check(
        "a client that looks refuses it", any(c.name == "revocation" and c.ok is False for c in verdict.checks), said
    )
