"""What the exercises of 09-other-clients ask for."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import pkcs12

from tlsnotes.checks import Check
from tlsnotes.learn.checks_00 import said_by
from tlsnotes.learn.exercises import is_a, is_there, task
from tlsnotes.live.recording import Recording

ALICE = "alice@customers.example"
SCHEMA = re.compile(r"/collection/v2\.[01]\.0/")


@task("09-other-client", "call your server with anything but requests; hand in the recording", "server.last")
def other_client(answer: Recording) -> Iterator[Check]:
    """Who the client says it is, and whether it was answered."""
    yield (first := is_a(answer, Recording, "server.last"))
    if not first.ok:
        return
    request, reply = said_by(answer, "client"), said_by(answer, "server")
    agent = re.search(rb"(?i)\r\nuser-agent: *([^\r]{0,80})", request)
    named = agent[1].decode("ascii", "replace") if agent else "it names none"
    yield Check("an HTTP request, over TLS", b" HTTP/1." in request.partition(b"\r\n")[0], f"user agent: {named}")
    yield Check("not by requests", "python-requests" not in named, named)
    status = reply.partition(b"\r\n")[0][:60].decode("ascii", "replace")
    yield Check("it was answered", reply.startswith(b"HTTP/1.1 2"), status or "nothing came back")


@task("09-p12", f"make a .p12 for {ALICE}, for you alone", "(path, password)")
def p12(answer: tuple[str | Path, str]) -> Iterator[Check]:
    """The file, its mode, and what is in it."""
    pair = isinstance(answer, tuple) and len(answer) == 2 and isinstance(answer[1], str)
    yield Check("hand in path and password", pair, f"found a {type(answer).__name__}")
    if not pair:
        return
    path, password = Path(answer[0]), answer[1]
    yield (there := is_there(path))
    if not there.ok:
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    yield Check("only you can read it", not mode & 0o077, f"its mode is {mode:o}")
    try:
        key, certificate, _ = pkcs12.load_key_and_certificates(path.read_bytes(), password.encode())
    except ValueError as error:
        yield Check("the password opens it", False, str(error)[:100])
        return
    yield Check(
        "a private key and a certificate are in it", bool(key and certificate), "both are there" if key else "no"
    )
    if certificate:
        yield from _alice(certificate)


def _alice(certificate: x509.Certificate) -> Iterator[Check]:
    found = {type(extension.value): extension.value for extension in certificate.extensions}
    names = found.get(x509.SubjectAlternativeName)
    emails = names.get_values_for_type(x509.RFC822Name) if isinstance(names, x509.SubjectAlternativeName) else []
    yield Check(f"it is {ALICE}'s", ALICE in emails, ", ".join(emails) or "no e-mail address is in it")
    usage = found.get(x509.ExtendedKeyUsage)
    client = isinstance(usage, x509.ExtendedKeyUsage) and x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH in usage
    yield Check(
        "it is for a client", client, "clientAuth" if client else "its extendedKeyUsage does not say clientAuth"
    )


@task("09-collection", "write a Postman collection of two requests with tests", "the path of the collection")
def collection(answer: str | Path) -> Iterator[Check]:
    """The file, as Postman would import it."""
    path = Path(answer)
    yield (there := is_there(path))
    if not there.ok:
        return
    try:
        held = json.loads(path.read_text("utf-8"))
        schema, items = str(held["info"]["schema"]), list(held["item"])
        asked = {(item["request"]["method"], _url(item["request"])): item for item in items}
    except (ValueError, KeyError, TypeError) as error:
        yield Check("a collection of version 2", False, f"{type(error).__name__}: {error}"[:100])
        return
    yield Check("a collection of version 2", bool(SCHEMA.search(schema)), schema[:80])
    for method, path_asked in (("GET", "/balance"), ("POST", "/pay")):
        item = asked.get((method, "{{server}}" + path_asked), {})
        found = f"{len(items)} requests" if item else f"found {sorted(asked)}"[:120]
        yield Check(f"{method} {{{{server}}}}{path_asked}", bool(item), found)
        tested = any(event.get("listen") == "test" for event in item.get("event", []))
        yield Check("with a test", tested, 'an event that listens to "test"' if tested else "none is there")
    secret = "PRIVATE KEY" in path.read_text("utf-8")
    yield Check("no private key is in it", not secret, "a key is in it: take it out" if secret else "as it should be")


def _url(request: dict[str, object]) -> str:
    url = request["url"]
    return str(url["raw"]) if isinstance(url, dict) else str(url)
