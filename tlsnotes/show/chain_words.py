"""The words of the chain view: dates, keys, names and uses in a few characters, and what to do about each check."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from tlsnotes.errors import TLSNotesError
from tlsnotes.pki.inspected import GeneralName
from tlsnotes.pki.keys import key_kind
from tlsnotes.wire.oids import name_of

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
PURPOSES = {"serverAuth": "TLS server", "clientAuth": "TLS client", "anyExtendedKeyUsage": "anything"}
FORMS = {
    "dNSName": "",
    "uniformResourceIdentifier": "URI ",
    "iPAddress": "the address ",
    "rfc822Name": "the mailbox ",
    "directoryName": "the subject ",
}
NEVER = "Do not switch verification off."
# What to do about the check that decides. One sentence each; `explain(check)` has the long form.
FIXES = {
    "trust": "If you believe in that root, get it from its owner and trust it.",
    "path": "Add what is missing: an intermediate to the chain, a root that you believe in to what you trust.",
    "signature": "Get the certificate again from its CA, with the chain that belongs to it.",
    "validity": "Ask the CA for a new one.",
    "not yet": "Look at the clock, or wait until it begins.",
    "name": "Ask by a name that the certificate has, or get one for the name you use.",
    "basic-constraints": "Get a certificate that a CA has signed.",
    "path-length": "Get one from a CA that stands higher up.",
    "key-usage": "Get one with the key usage that is needed.",
    "extended-key-usage": "Get one that is made for this use.",
    "name-constraints": "Get one from a CA that may vouch for this name.",
    "critical-extension": "Get one without that extension, or a client that understands it.",
    "version": "Get one of version 3.",
    "serial": "Get one with a proper serial number.",
    "key-strength": "Make a stronger key, and get a certificate for it.",
    "signature-algorithm": "Get one that is signed with SHA-256 or better.",
    "identifiers": "Get one that names its issuer's key.",
    "revocation": "Make a new key and get a new certificate; of the CRL, a fresh one.",
    "encoding": "Get it again from its CA.",
}
# What a row of a card is called when it stands there only because its check fails.
LABELS = {
    "trust": "trusted",
    "path": "issuer",
    "signature": "signature",
    "basic-constraints": "may sign",
    "key-usage": "key usage",
    "extended-key-usage": "may be",
    "path-length": "path length",
    "name-constraints": "only for",
    "critical-extension": "extensions",
    "signature-algorithm": "signed with",
    "revocation": "revoked",
}


def date(when: datetime) -> str:
    """Write a date as "23 Nov 2026"."""
    return f"{when.day} {MONTHS[when.month - 1]} {when.year}"


def period(begin: datetime, end: datetime) -> str:
    """Write a period as "12 Aug – 10 Nov 2026", with the first year where it is another one."""
    first = f"{begin.day} {MONTHS[begin.month - 1]}" if begin.year == end.year else date(begin)
    return f"{first} – {date(end)}"


def key_words(key: object) -> str:
    """Name a public key as people do ("ECDSA P-256"); text, the reason why there is none, as it is."""
    if isinstance(key, str):
        return key
    try:
        kind, _, rest = key_kind(key).partition("-")
    except TLSNotesError:
        return type(key).__name__.lstrip("_").removesuffix("PublicKey")
    match kind:
        case "rsa":
            return f"RSA, {rest} bits"
        case "ecdsa":
            return f"ECDSA {rest.upper().replace('P', 'P-', 1) if rest[:1] == 'p' else rest}"
        case "ml":
            return f"ML-{rest.upper()}"
    return kind.capitalize()


def name_words(name: GeneralName) -> str:
    """Write an entry of subjectAltName or a constraint; one that could pass for several is quoted."""
    text = str(name.value)
    odd = not text or any(c in text for c in " ,;'\"")
    return f"{FORMS.get(name.form, f'{name.form} ')}{repr(text) if odd and name.form != 'directoryName' else text}"


def uses(purposes: Iterable[str] | None) -> str:
    """Write KeyPurposeIds."""
    if purposes is None:
        return "anything"
    names = sorted(str(name_of(one) or one).removeprefix("id-kp-") for one in purposes)
    return listed([PURPOSES.get(name, name) for name in names])


def listed(words: Sequence[str]) -> str:
    """Join words, or say that there are none."""
    return ", ".join(words) or "nothing"
