"""Whether a certificate was revoked, by the CRLs at hand (RFC 5280 sections 5 and 6.3); none is fetched from anywhere.

A CRL counts where it is its issuer's, signed by that issuer's key, fresh and about such certificates. One that should
count and cannot be relied on is a failure: else an old list, or a broken one, would be as good as none revoked.
Not worked out here, and said so: indirect CRLs, delta CRLs, CRLs signed by another key than the certificate's.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property

from tlsnotes.pki.inspected import Comparable, Extension, Inspected, comparable, extensions_of, general_names
from tlsnotes.pki.strength import holds
from tlsnotes.wire.der import inside
from tlsnotes.wire.fields import Field
from tlsnotes.wire.notation import members

UNDERSTOOD = {"issuingDistributionPoint", "authorityKeyIdentifier", "cRLNumber", "deltaCRLIndicator", "freshestCRL"}
Status = tuple[bool | None, str]


class RevocationList:
    """The parts of a CRL that a judge asks for, by the tree of its DER."""

    def __init__(self, field: Field) -> None:
        self._parts = members(field)
        self._tbs = members(self._parts["tbsCertList"]) if "tbsCertList" in self._parts else {}
        self._signers: dict[bytes, bool | str] = {}
        self.problem = next((f.problem for f in field.walk() if f.problem), "")

    @cached_property
    def issuer(self) -> Comparable:
        """Whose list it is."""
        return comparable(self._tbs.get("issuer"))

    @cached_property
    def extensions(self) -> dict[str, Extension]:
        """Its extensions by their names."""
        return {extension.name: extension for extension in extensions_of(self._tbs.get("crlExtensions"))}

    def time(self, name: str) -> datetime | None:
        """thisUpdate or nextUpdate."""
        field = self._tbs.get(name)
        return field.value if field and isinstance(field.value, datetime) else None

    def signed_by(self, key: bytes) -> bool | str:
        """Whether the key in a SubjectPublicKeyInfo has signed it; worked out once for each key."""
        if key not in self._signers:
            signed = self._parts["tbsCertList"].raw if "tbsCertList" in self._parts else b""
            algorithm, value = self._parts.get("signatureAlgorithm"), self._parts.get("signatureValue")
            self._signers[key] = holds(key, algorithm, value, signed)
        return self._signers[key]

    @cached_property
    def entries(self) -> dict[object, Field]:
        """What it revokes, by serial number."""
        listed = self._tbs.get("revokedCertificates")
        found = (members(entry) for entry in (inside(listed) if listed else ()))
        return {
            entry["userCertificate"].value: entry["userCertificate"] for entry in found if "userCertificate" in entry
        }

    def date_of(self, serial: object) -> str:
        """When a certificate was revoked, and why, in words."""
        listed = self._tbs.get("revokedCertificates")
        for item in inside(listed) if listed else ():
            entry = members(item)
            if entry.get("userCertificate") is not self.entries.get(serial):
                continue
            date = entry["revocationDate"].value if "revocationDate" in entry else None
            when = f" on {date:%Y-%m-%d}" if isinstance(date, datetime) else ""
            reasons = [e.value.value for e in extensions_of(entry.get("crlEntryExtensions"))
                       if e.name == "reasonCode" and e.value]  # fmt: skip
            return when + (f" ({reasons[0]!s})" if reasons else "")
        return ""


def judge_revocation(
    certificate: Inspected, issuer: Inspected | None, lists: Sequence[RevocationList], at: datetime
) -> Status:
    """Whether a certificate may still be relied on: True, False, or None where no list says so; and why."""
    if issuer is None:
        return None, "not checked: its issuer is not here, and only the issuer's list would count"
    mine = [one for one in lists if one.issuer == certificate.issuer]
    if not mine:
        return None, "not checked: no CRL of its issuer was given" if lists else "not checked: no CRL was given"
    statuses = [_by(one, certificate, issuer, at) for one in mine]
    # A list that revokes it is believed before one that does not; one that says nothing comes last.
    return next((s for ok in (False, True, None) for s in statuses if s[0] is ok), statuses[0])


def _by(one: RevocationList, certificate: Inspected, issuer: Inspected, at: datetime) -> Status:
    if why := _unreliable(one, issuer, at):
        return False, f"expected a CRL to rely on, found one that {why}"
    partly, why = _scope(one, certificate)
    if why:
        return None, f"not checked: the CRL {why}"
    serial = certificate.part("serialNumber")
    if serial is None or serial.value not in one.entries:
        if partly:
            return None, "not checked: the CRL lists revocations for some reasons only, and not this one"
        update = one.time("nextUpdate")
        return True, f"its serial number is not on its issuer's CRL, which holds until {update:%Y-%m-%d %H:%M} UTC"
    return False, f"revoked{one.date_of(serial.value)}: its serial number is on its issuer's CRL"


def _unreliable(one: RevocationList, issuer: Inspected, at: datetime) -> str:  # noqa: PLR0911  # a list of reasons
    """Why a list of the right issuer cannot be relied on, or nothing."""
    this_update, next_update = one.time("thisUpdate"), one.time("nextUpdate")
    signed = one.signed_by(issuer.key)
    unknown = [e.name for e in one.extensions.values() if e.critical and e.name not in UNDERSTOOD]
    number = one.extensions.get("cRLNumber")
    if signed is not True:
        return f"is not signed with the issuer's key{'' if signed is False else f' as far as can be said: {signed}'}"
    if issuer.key_usage is not None and "cRLSign" not in issuer.key_usage:
        return "is signed by an issuer that may not sign CRLs (its keyUsage lacks cRLSign)"
    if this_update is None or next_update is None:
        return "does not say from when to when it holds"
    if at < this_update:
        return f"begins only at {this_update:%Y-%m-%d %H:%M} UTC"
    if at > next_update:
        return f"ended at {next_update:%Y-%m-%d %H:%M} UTC: it is stale"
    if unknown:
        return f"has a critical extension that is not understood here: {unknown[0]}"
    if number is None or number.critical:
        return "has no number" if number is None else "has a critical cRLNumber, which must not be"
    return f"cannot be read as it should be: {one.problem}" if one.problem else ""


def _scope(one: RevocationList, certificate: Inspected) -> tuple[bool, str]:  # noqa: PLR0911  # a list of reasons
    """Whether the list has some reasons only, and why it is not about this certificate, if it is not."""
    if "deltaCRLIndicator" in one.extensions:
        return False, "has changes only (a delta CRL), and these are not put together here"
    point = one.extensions.get("issuingDistributionPoint")
    if point is None:
        return False, ""
    said = {m.name: m for m in inside(point.value)} if point.value else {}
    on = {name for name, field in said.items() if field.value is True}
    if "indirectCRL" in on:
        return False, "is an indirect one, which lists certificates of several issuers: not worked out here"
    if "onlyContainsAttributeCerts" in on:
        return False, "is about attribute certificates only"
    if "onlyContainsUserCerts" in on and certificate.is_ca:
        return False, "is about end-entity certificates only"
    if "onlyContainsCACerts" in on and not certificate.is_ca:
        return False, "is about CA certificates only"
    if "distributionPoint" in said and not _at_point(said["distributionPoint"], certificate):
        return False, "is for another distribution point than the certificate names"
    return "onlySomeReasons" in said, ""


def _at_point(point: Field, certificate: Inspected) -> bool:
    """Whether the certificate's cRLDistributionPoints has a name of the list's own point (section 6.3.3 (b))."""
    extension = certificate.extensions.get("cRLDistributionPoints")
    if extension is None or extension.value is None:
        return False
    return bool(_full_names(point) & _full_names(extension.value))


def _full_names(field: Field) -> set[object]:
    return {
        name.value for found in field.walk() if found.name.startswith("fullName") or found.type.startswith("fullName")
        for name in general_names(found) if name.value is not None
    }  # fmt: skip
