"""Which names an authority may vouch for (RFC 5280 section 4.2.1.10): permitted and excluded subtrees.

A constraint concerns names of its own form only. Each authority's constraints are applied by themselves, which makes
what several permit their intersection (section 6.1.4 (g)). Comparing is counted: `Budget` bounds what it may cost.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

from tlsnotes.pki.budget import Budget
from tlsnotes.pki.inspected import Comparable, Extension, GeneralName, Inspected, general_name, short
from tlsnotes.wire.der import inside
from tlsnotes.wire.notation import members

COMPARED = ("dNSName", "rfc822Name", "uniformResourceIdentifier", "iPAddress", "directoryName")


class Subtrees(NamedTuple):
    """The permitted and the excluded subtrees of a nameConstraints extension by form, and what is wrong with it."""

    permitted: dict[str, list[GeneralName]]
    excluded: dict[str, list[GeneralName]]
    wrong: str = ""


def subtrees(extension: Extension) -> Subtrees:
    """Read a nameConstraints extension."""
    if extension.value is None:
        return Subtrees({}, {}, "it cannot be read")
    parts = members(extension.value)
    by_form: list[dict[str, list[GeneralName]]] = []
    wrong = next((field.problem for field in extension.value.walk() if field.problem), "")
    for name in ("permittedSubtrees", "excludedSubtrees"):
        found: dict[str, list[GeneralName]] = {}
        for tree in inside(parts[name]) if name in parts else ():
            if inside(tree):
                base = general_name(inside(tree)[0])
                wrong = wrong or _malformed(base)
                found.setdefault(base.form, []).append(base)
        by_form.append(found)
    return Subtrees(by_form[0], by_form[1], wrong)


def _malformed(base: GeneralName) -> str:
    text = base.value if isinstance(base.value, str) else ""
    if base.form == "dNSName" and (text.startswith(".") or "*" in text):
        return f"expected a domain, found {short(text)!r}"
    if base.form == "rfc822Name" and ("*" in text.rpartition("@")[2] or text.startswith("@") or text.endswith("@")):
        return f"expected a mailbox, a host or a domain with a dot before it, found {short(text)!r}"
    return ""


def constrained_names(certificate: Inspected) -> Iterator[GeneralName]:
    """The names of a certificate to which constraints apply: subjectAltName, the subject, and its e-mail addresses."""
    yield from certificate.names
    if certificate.subject:
        yield GeneralName("directoryName", certificate.title, certificate.subject)
    if "subjectAltName" not in certificate.extensions:
        yield from (GeneralName("rfc822Name", email) for email in certificate.emails)


def violation(constraints: Subtrees, names: Iterable[GeneralName], budget: Budget) -> str:
    """The first name that is not permitted or is excluded, in words; nothing where all may stand."""
    for name in names:
        allowed = constraints.permitted.get(name.form, [])
        banned = constraints.excluded.get(name.form, [])
        if (allowed or banned) and (name.form not in COMPARED or name.problem):
            why = "cannot be compared here" if name.form not in COMPARED else "cannot be read"
            return f"the {name.form} {_said(name)} {why}, and is constrained"
        budget.spend(1 + len(banned) + len(allowed))
        if any(_within(name, base, whole=False) for base in banned):
            return f"the {name.form} {_said(name)} lies in what is excluded"
        if allowed and not any(_within(name, base, whole=True) for base in allowed):
            tops = ", ".join(_said(base) for base in allowed[:3]) + (", ..." if len(allowed) > 3 else "")
            return f"expected a {name.form} within {tops}, found {_said(name)}"
    return ""


def _said(name: GeneralName) -> str:
    return repr(short(str(name.value)))


def _within(name: GeneralName, base: GeneralName, *, whole: bool) -> bool:
    """Whether a name lies in a subtree; of a wildcard `whole` asks for all that it stands for, else for some of it."""
    if name.form == "directoryName":
        return _begins(name.rdns, base.rdns)
    if not isinstance(name.value, str) or not isinstance(base.value, str):
        return False
    if name.form == "dNSName":
        return _dns_within(name.value.lower(), base.value.lower(), whole=whole)
    return _WITHIN[name.form](name.value, base.value)


def _begins(name: Comparable, base: Comparable) -> bool:
    return name[: len(base)] == base


def _below(host: str, domain: str) -> bool:
    """Whether a host is a domain or below it; the empty domain is all."""
    return not domain or host == domain or host.endswith(f".{domain}")


def _dns_within(name: str, base: str, *, whole: bool) -> bool:
    if not name.startswith("*."):
        return _below(name, base)
    rest = name[2:]
    # Some name that *.example stands for lies in one.example, but not all of them do.
    return _below(rest, base) or (not whole and base.partition(".")[2] == rest)


def _email_within(name: str, base: str) -> bool:
    local, _, host = name.rpartition("@")
    host = host.lower()
    if "@" in base:
        wanted, _, at = base.rpartition("@")
        return (local, host) == (wanted, at.lower())
    return host.endswith(base.lower()) if base.startswith(".") else host == base.lower()


def _uri_within(name: str, base: str) -> bool:
    """Only the host counts; a URI without one, or with an address, is in no subtree (section 4.2.1.10)."""
    try:
        host = (urlsplit(name).hostname or "").lower()
    except ValueError:
        return False
    if not host or _is_address(host):
        return False
    return host.endswith(base.lower()) if base.startswith(".") else host == base.lower()


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _ip_within(name: str, base: str) -> bool:
    try:
        return ipaddress.ip_address(name) in ipaddress.ip_network(base, strict=False)
    except ValueError:
        return False


_WITHIN: dict[str, Callable[[str, str], bool]] = {
    "rfc822Name": _email_within,
    "uniformResourceIdentifier": _uri_within,
    "iPAddress": _ip_within,
}
