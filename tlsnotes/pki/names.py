"""Names in certificates: DNS names, IP addresses and, for clients, e-mail addresses, each told from the other.

A name goes into subjectAltName as what it is (RFC 5280 section 4.2.1.6); text that only looks like a name is refused,
because a certificate with it would be refused later by somebody who explains less.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

from cryptography import x509

from tlsnotes.errors import TLSNotesError

# What cryptography raises for extensions that it cannot read.
UNREADABLE = (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)
IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Name = str | IPAddress

# RFC 1034 section 3.5 as widened by RFC 1123 section 2.1: letters, digits and inner hyphens, 63 at most.
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)
# The plain form of RFC 5321 section 4.1.2: a dot-atom before the @. Quoted local parts are not taken here.
_LOCAL_PART = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*", re.IGNORECASE)


def general_names(names: Name | Iterable[Name], usage: str) -> list[x509.GeneralName]:
    """Turn names into subjectAltName entries, in order: text is a DNS name (or, for usage "client", an e-mail address
    when it has an @), an `ipaddress` object is an IP address.

    Raises `TLSNotesError` for no name at all and for what is no name. RFC 5280 section 4.2.1.6.
    """
    # Not every iterable is a list of names: a network would give each of its addresses, one by one.
    single = isinstance(names, Name | bytes | ipaddress.IPv4Network | ipaddress.IPv6Network)
    several = [names] if single or not isinstance(names, Iterable) else list(names)
    if not several:
        raise TLSNotesError(
            "a certificate needs a name", expected='at least one name, such as "localhost"', found="none"
        )
    return [_general_name(name, usage) for name in several]


def certificate_names(certificate: x509.Certificate) -> tuple[str, ...]:
    """List the names of a certificate's subjectAltName as text: DNS names, IP addresses, e-mail addresses, URIs.

    Empty where there are none, or where the extensions cannot be read.
    """
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, *UNREADABLE):
        return ()
    shown = (x509.DNSName, x509.IPAddress, x509.RFC822Name, x509.UniformResourceIdentifier)
    return tuple(str(name.value) for name in extension.value if isinstance(name, shown))


def common_name(name: x509.Name) -> str:
    """Give the commonName of a subject or issuer, or the whole name as RFC 4514 text where it has none."""
    values = name.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(values[0].value) if values else name.rfc4514_string()


def _general_name(name: object, usage: str) -> x509.GeneralName:
    if isinstance(name, IPAddress) and not isinstance(name, ipaddress.IPv4Interface | ipaddress.IPv6Interface):
        if isinstance(name, ipaddress.IPv6Address) and name.scope_id:
            raise TLSNotesError(
                f"{str(name)!r} is an address with a zone, which means something on one machine only",
                expected="the address without % and what follows",
                found=f"the zone {name.scope_id!r}",
            )
        return x509.IPAddress(name)
    if not isinstance(name, str):
        raise TLSNotesError(
            "this is no name", expected="text, or an address of the ipaddress module", found=type(name).__name__
        )
    if _is_ip_text(name):
        raise TLSNotesError(
            f"{name!r} is an IP address given as text",
            expected=f'ipaddress.ip_address("{name.strip("[]")}")',
            found="text, which would become a DNS name: no client matches an address against a DNS name",
            fix="import ipaddress, and pass the address as an object",
        )
    if "@" in name:
        return _email(name, usage)
    return x509.DNSName(_dns_name(name))


def _is_ip_text(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def _dns_name(name: str) -> str:
    if not name.isascii():
        raise TLSNotesError(
            f"{_short(name)} has letters outside ASCII", expected="the A-label form, with xn--", found=_a_label(name)
        )
    labels = name.split(".")
    if labels[0] == "*" and len(labels) > 2:  # a wildcard stands alone in the left-most label: RFC 9525 section 6.3
        labels = labels[1:]
    wrong = next((label for label in labels if not _LABEL.fullmatch(label)), None)
    if wrong is None and len(name) <= 253 and not labels[-1].isdigit():
        return name
    found = f"{len(name)} characters in all" if len(name) > 253 else f"the part {_short(wrong or labels[-1])}"
    raise TLSNotesError(
        f"{_short(name)} is no DNS name",
        expected='labels of letters, digits and hyphens between dots, such as "api.example"; '
        "no scheme, port, path, space or final dot; * only as the whole first label",
        found=found,
    )


def _short(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:80]}...")


def _a_label(name: str) -> str:
    try:
        return f"text that would be written {_short(name.encode('idna').decode())}"
    except UnicodeError:
        return "text that has no such form"


def _email(name: str, usage: str) -> x509.RFC822Name:
    if usage != "client":
        raise TLSNotesError(
            f"{_short(name)} cannot name a server", expected="a DNS name or an IP address", found="an e-mail address"
        )
    local, _, domain = name.rpartition("@")
    # RFC 5321 section 4.5.3.1.1: 64 octets at most before the @. A mailbox is one host's, so no wildcard after it.
    if not (local.isascii() and len(local) <= 64 and _LOCAL_PART.fullmatch(local)) or domain.startswith("*"):
        raise TLSNotesError(
            f"{_short(name)} is no e-mail address",
            expected='text such as "alice@shop.example"',
            found=f"{_short(local)} before the @, {_short(domain)} after it",
        )
    return x509.RFC822Name(f"{local}@{_dns_name(domain)}")
