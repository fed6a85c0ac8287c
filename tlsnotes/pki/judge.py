"""Does this chain hold? Every question of RFC 5280 section 6 and RFC 9525, asked one by one, and each answer shown.

It goes on after a failure, so that all that is wrong is seen. Not asked here: certificate policies (section 6.1.5),
certificate transparency, and whether a name is a public suffix. Nothing is fetched: what is not given is not known.
"""

from __future__ import annotations

import ipaddress
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tlsnotes.checks import Check
from tlsnotes.errors import TLSNotesError
from tlsnotes.pki.authority import Authority
from tlsnotes.pki.budget import Budget, BudgetSpentError
from tlsnotes.pki.credential import Credential
from tlsnotes.pki.inspected import Inspected
from tlsnotes.pki.path import MAX_LENGTH, Builder, Path
from tlsnotes.pki.pem import CERTIFICATE, CRL, der_blocks, is_pem
from tlsnotes.pki.revocation import RevocationList, judge_revocation
from tlsnotes.pki.rules import RULES, Case
from tlsnotes.pki.server_names import Reference, judge_name, reference
from tlsnotes.pki.verdict import CHECKS, Question, Verdict
from tlsnotes.wire.asn1 import parse_certificate, parse_crl
from tlsnotes.wire.fields import Field

# Of a chain, which comes from a peer; those beyond are not read. A certificate takes half a millisecond to read.
MAX_CERTIFICATES = 500
MAX_BYTES = 1 << 20
MAX_TRUSTED = 2_000  # which comes from the one who asks: no store has half as many
MAX_PATHS = 12  # judged in full
MAX_COMPARISONS = 250_000  # of names with constraints
USAGES = ("server", "client", None)

Judged = x509.Certificate | bytes | Field | Credential | Authority
Trusted = Judged | Iterable[Judged]
Name = str | ipaddress.IPv4Address | ipaddress.IPv6Address


def judge(
    chain: Trusted,
    trust: Trusted = (),
    name: Name | None = None,
    at: datetime | None = None,
    usage: str | None = "server",
    crls: Iterable[x509.CertificateRevocationList | bytes] = (),
    *,
    max_depth: int | None = None,
) -> Verdict:
    """Judge a chain: the end-entity's certificate first, the others in any order, as objects, DER, PEM or trees.

    `trust`: who is believed by decision, authorities or certificates; `name`: what was asked for (None: not compared);
    `at`: a time with its zone (default now); `usage`: "server", "client" or None; `crls`: revocation lists at hand;
    `max_depth`: intermediates at most. Work is bounded: a check says where a limit was met. Raises `TLSNotesError` for
    arguments that are no such things. RFC 5280 section 6, RFC 9525.
    """
    given, dropped = _inspected(chain, "chain", MAX_CERTIFICATES, MAX_BYTES)
    if not given:
        raise TLSNotesError("there is nothing to judge", expected="a chain of one certificate or more", found="none")
    anchors, _ = _inspected(trust, "trust", MAX_TRUSTED, MAX_TRUSTED << 14)
    moment = _moment(at)
    if usage not in USAGES:
        raise TLSNotesError(
            "a certificate is for a server or for a client", expected='"server", "client" or None', found=repr(usage)
        )
    asked = None if name is None else reference(name)
    crls = tuple(crls)
    lists = [RevocationList(parse_crl(_der_of_list(one))) for one in crls]
    bench = _Bench(given, anchors, asked, moment, usage, lists, max_depth, dropped)
    presented, trusted = (tuple(one.field for one in some) for some in (given, anchors))
    question = Question(presented, trusted, name, moment, usage, crls, max_depth)
    return replace(bench.verdict(), question=question)


class _Bench:
    """One judgement: its question, its budget, and the paths that it has looked at."""

    def __init__(
        self,
        given: Sequence[Inspected],
        anchors: Sequence[Inspected],
        asked: Reference | None,
        at: datetime,
        usage: str | None,
        lists: Sequence[RevocationList],
        max_depth: int | None,
        dropped: int,
    ) -> None:
        self.leaf = given[0]
        self.given = given
        self.dropped = dropped
        self.builder = Builder(given[1:], anchors)
        self.asked, self.at, self.usage, self.lists = asked, at, usage, lists
        self.most = max_depth
        self.budget = Budget(MAX_COMPARISONS)

    def verdict(self) -> Verdict:
        """Judge the paths in turn: the first that holds is taken, else the one with the fewest failures."""
        best: tuple[tuple[bool, int, int], Path, list[Check]] | None = None
        for number, (path, complete) in enumerate(self.builder.paths(self.leaf), 1):
            checks = self.judged(path, complete)
            failures = sum(check.ok is False for check in checks)
            rank = (not complete, failures, -len(path))
            if best is None or rank < best[0]:
                best = rank, path, checks
            if complete and not failures:
                break
            if number >= MAX_PATHS:
                self.builder.limited = True
                break
        if best is None:  # the budget ended before the first path did
            best = (True, 0, 0), (self.leaf,), self.judged((self.leaf,), complete=False)
        _, path, checks = best
        failed = any(check.ok is False for check in checks)
        if failed and self.builder.limited:
            checks = [_limited(check) if check.name == "path" else check for check in checks]
        order = {name: place for place, name in enumerate(CHECKS)}
        checks.sort(key=lambda check: order[check.name])  # stable: from the end-entity up
        return Verdict(not failed, tuple(checks), tuple(_shown(one) for one in path))

    def judged(self, path: Path, complete: bool) -> list[Check]:
        """Every check of one path."""
        where = [f"certificate {index} ({one.title})" for index, one in enumerate(path)]
        checks = [self._trust(path, complete, where), self._path(path, complete, where), self._name(path, where)]
        for index, one in enumerate(path):
            case = Case(path, index, complete, self.at, self.usage, self.builder, self.budget)
            for name, rfc, rule in RULES:
                try:
                    ok, detail = rule(case)
                except BudgetSpentError:
                    ok, detail = (
                        False,
                        f"given up: more than {MAX_COMPARISONS:,} comparisons, which no honest chain needs",
                    )
                checks.append(Check(name, ok, detail, rfc, where[index]))
            if not case.anchor:
                ok, detail = judge_revocation(one, case.issuer, self.lists, self.at)
                checks.append(Check("revocation", ok, detail, "RFC 5280 §6.3", where[index]))
        return checks

    def _trust(self, path: Path, complete: bool, where: Sequence[str]) -> Check:
        last = path[-1]
        rfc = "RFC 5280 §6.1.1"
        if complete and len(path) == 1:
            return Check("trust", True, "this very certificate is trusted", rfc, where[-1])
        if complete:
            return Check("trust", True, f"the chain ends at {last.title!r}, which is trusted", rfc, where[-1])
        if last.self_issued:
            what = "is self-signed and not trusted" if len(path) == 1 else "is at its end and not trusted"
            found = f"found that {last.title!r} {what}"
        elif self.builder.same_name(last):
            found = f"found only another key under the name of the issuer of {last.title!r}"
        else:
            found = f"found none of the name of the issuer of {last.title!r}"
        return Check("trust", False, f"expected a way to a certificate that is trusted, {found}", rfc, where[-1])

    def _path(self, path: Path, complete: bool, where: Sequence[str]) -> Check:
        rfc, last = "RFC 5280 §6.1", path[-1]
        unused = len({one.der for one in self.given} - {one.der for one in path})
        beside = f"; {unused} certificate{'s' * (unused > 1)} beside it not needed" if unused else ""
        if self.dropped:
            beside += f"; {self.dropped:,} more not looked at"
        between = sum(not one.self_issued for one in path[1:-1])
        if self.most is not None and between > self.most:
            words = f"expected at most {self.most} intermediates, found {between}"
            return Check("path", False, words, rfc, where[-1])
        if complete or last.self_issued:
            way = " → ".join(str(index) for index in range(len(path)))
            return Check("path", True, f"each issuer is there: {way}{beside}", rfc, where[0])
        issuer = _issuer_name(last)
        return Check("path", False, f"expected the certificate of {issuer!r}, found it nowhere{beside}", rfc, where[-1])

    def _name(self, path: Path, where: Sequence[str]) -> Check:
        rfc = "RFC 9525 §6"
        if self.asked is None:
            return Check("name", None, "not compared: no name was given", rfc, where[0])
        ok, detail = judge_name(self.asked, path[0])
        names = path[0].extensions.get("subjectAltName")
        if ok and not path[0].subject and names and not names.critical:
            ok = False
            detail = (
                "expected a critical subjectAltName, as the subject is empty, found one that is not (RFC 5280 §4.2.1.6)"
            )
        return Check("name", ok, detail, rfc, where[0])


def _limited(check: Check) -> Check:
    words = f"given up at a limit of the search ({MAX_LENGTH} certificates, {MAX_PATHS} paths): {check.detail}"
    return Check(check.name, False, words, check.rfc, check.where)


def _issuer_name(certificate: Inspected) -> str:
    texts = [str(text) for rdn in certificate.issuer for _, text in rdn]
    field = certificate.part("issuer")
    shown = [str(part.value) for part in field.walk() if part.name == "commonName"] if field else []
    return next(iter([*shown, *texts]), "somebody without a name")


def _shown(certificate: Inspected) -> x509.Certificate | bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # cryptography warns of odd serial numbers: a check has said it
        try:
            return x509.load_der_x509_certificate(certificate.der)
        except (ValueError, x509.InvalidVersion):
            return certificate.der


def _moment(at: datetime | None) -> datetime:
    if at is None:
        return datetime.now(UTC)
    if not isinstance(at, datetime) or at.tzinfo is None:
        raise TLSNotesError(
            "a time to judge at has its zone", expected="datetime.now(UTC), for example", found=repr(at)[:80]
        )
    return at.astimezone(UTC)


def _inspected(given: Trusted, what: str, most: int, octets: int) -> tuple[list[Inspected], int]:
    """The certificates in whatever was given, in their order, each once; and how many were too many to read."""
    found: dict[bytes, Inspected] = {}
    size = dropped = 0
    for one in _certificates(given, what, nested=True):
        der = one.raw if isinstance(one, Field) else one
        if der in found:
            continue
        if found and (len(found) >= most or size + len(der) > octets):
            dropped += 1
            continue
        size += len(der)
        found[der] = Inspected(one if isinstance(one, Field) else parse_certificate(one))
    return list(found.values()), dropped


def _certificates(given: object, what: str, *, nested: bool) -> Iterable[Field | bytes]:
    """Each certificate as DER, or as the tree it comes as: nothing is read here."""
    match given:
        case Credential():
            certificates = [given.certificate, *given.chain] if what == "chain" else [given.certificate]
            yield from (c.public_bytes(Encoding.DER) for c in certificates)
        case Authority():
            yield from _certificates(given.credential, what, nested=False)
        case x509.Certificate():
            yield given.public_bytes(Encoding.DER)
        case Field():
            yield given
        case bytes():
            yield from der_blocks(given, CERTIFICATE, f"the {what}") if is_pem(given) else [given]
        case Iterable() if nested and not isinstance(given, str):
            for one in given:
                yield from _certificates(one, what, nested=False)
        case _:
            raise TLSNotesError(
                f"this is no certificate for the {what}",
                expected="x509.Certificate, Credential, Authority, DER or PEM bytes, or a list of them",
                found=type(given).__name__,
                fix="Path(...).read_bytes() reads a file",
            )


def _der_of_list(one: object) -> bytes:
    match one:
        case x509.CertificateRevocationList():
            return one.public_bytes(Encoding.DER)
        case bytes() if is_pem(one):
            return der_blocks(one, CRL, "a CRL")[0]
        case bytes():
            return one
        case _:
            raise TLSNotesError(
                "this is no CRL",
                expected="x509.CertificateRevocationList, or DER or PEM bytes",
                found=type(one).__name__,
            )
