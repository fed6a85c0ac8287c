"""Whether a certificate is for the name that was asked for (RFC 9525): subjectAltName decides, the Common Name never.

A DNS name is compared label by label without regard to case, in its A-label form; a wildcard is the whole left-most
label and stands for exactly one. An IP address is compared with iPAddress entries only, octet by octet.
"""

from __future__ import annotations

import ipaddress
import re

import idna

from tlsnotes.errors import TLSNotesError
from tlsnotes.pki.inspected import GeneralName, Inspected, short

MAX_SHOWN = 5
Reference = tuple[str, str]  # the form it is compared with ("dNSName", "iPAddress", "rfc822Name"), and the name in it
# Letters, digits, hyphens; the underscore is no letter of a host name, but of names that are asked for.
_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*")


def reference(name: object) -> Reference:
    """Take what was asked for: a DNS name, an IP address (text or object), or an e-mail address with its @.

    Raises `TLSNotesError` for what is none of these. RFC 9525 section 6.1.
    """
    if isinstance(name, ipaddress.IPv4Address | ipaddress.IPv6Address):
        return "iPAddress", str(name)
    if not isinstance(name, str):
        raise _no_name(type(name).__name__)
    try:
        return "iPAddress", str(ipaddress.ip_address(name.removeprefix("[").removesuffix("]")))
    except ValueError:
        pass
    if "@" in name:
        return "rfc822Name", name
    host = name.removesuffix(".")  # "localhost." is the same name, said to be whole
    try:
        labels = host if host.isascii() else idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise _no_name(f"{short(name)!r} ({str(error)[:80]})") from error
    if not _NAME.fullmatch(labels.lower()):
        raise _no_name(repr(short(name)))
    return "dNSName", labels.lower()


def _no_name(found: str) -> TLSNotesError:
    return TLSNotesError(
        "this is no name that a certificate could be for",
        expected='a DNS name ("localhost"), an IP address or an e-mail address: no scheme, port or path',
        found=found,
        fix="urllib.parse.urlsplit(url).hostname is the name in a URL",
    )


def matches(asked: Reference, presented: GeneralName) -> bool:
    """Whether one entry of subjectAltName is the name that was asked for (RFC 9525 section 6.3)."""
    form, name = asked
    if presented.form != form or not isinstance(presented.value, str):
        return False
    if form == "dNSName":
        return _dns_matches(name, presented.value.lower())
    if form == "rfc822Name":
        return _mailbox(name) == _mailbox(presented.value)
    return name == presented.value


def _mailbox(address: str) -> tuple[str, str]:
    local, _, domain = address.rpartition("@")
    return local, domain.lower()  # RFC 5321 section 2.4: what is before the @ has its case


def _dns_matches(name: str, presented: str) -> bool:
    if not presented.startswith("*."):
        return name == presented
    first, _, rest = name.partition(".")
    # "*.com" would be the whole of .com: no client takes a wildcard with fewer than two labels behind it.
    return bool(first) and rest == presented[2:] and "." in rest


def judge_name(asked: Reference, certificate: Inspected) -> tuple[bool, str]:
    """Whether the end-entity's certificate is for this name, with what was expected and found."""
    form, name = asked
    kind = {"dNSName": "", "iPAddress": "the address ", "rfc822Name": "the mailbox "}[form]
    match = next((entry for entry in certificate.names if matches(asked, entry)), None)
    if match is not None:
        wildcard = f", by {match.value}" if match.value != name else ""
        return True, f"{kind}{name} is one of its names{wildcard}"
    expected = f"expected a certificate for {kind}{name!r}"
    extension = certificate.extensions.get("subjectAltName")
    if extension is None:
        return False, f"{expected}, found no subjectAltName (a Common Name does not count: RFC 9525)"
    if extension.value is None or not certificate.names:
        return False, f"{expected}, found a subjectAltName that cannot be read"
    return False, f"{expected}, found {_listed(certificate.names)}{_hint(asked, certificate.names)}"


def _listed(names: tuple[GeneralName, ...]) -> str:
    words = {"dNSName": "", "iPAddress": "the address ", "rfc822Name": "the mailbox "}
    shown = [f"{words.get(n.form, n.form + ' ')}{short(str(n.value))!r}" for n in names[:MAX_SHOWN]]
    more = f" and {len(names) - MAX_SHOWN:,} more" if len(names) > MAX_SHOWN else ""
    return ", ".join(shown) + more


def _hint(asked: Reference, names: tuple[GeneralName, ...]) -> str:
    """What a reader may wonder about: why an entry that looks right does not count."""
    form, name = asked
    texts = {str(entry.value).lower() for entry in names if entry.form == "dNSName"}
    if form == "iPAddress" and name in texts:
        return ": an address in a dNSName does not count, it belongs into an iPAddress entry"
    wildcards = [text for text in texts if "*" in text]
    if form == "dNSName" and any(name.endswith(text[text.index("*") + 1 :]) or name == text[2:] for text in wildcards):
        return ": a wildcard is the whole left-most label and stands for exactly one"
    return ""
