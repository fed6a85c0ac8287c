"""One place that makes a scene of a recipe: certificates, the client's files, the server, and the way out again."""

from __future__ import annotations

import contextlib
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tlsnotes.live.mistakes_certificates import certify
from tlsnotes.live.mistakes_recipes import ROOT, Recipe
from tlsnotes.live.mistakes_servers import server_for
from tlsnotes.live.server import HTTPSServer
from tlsnotes.live.small_server import SmallServer
from tlsnotes.pki.authority import Authority
from tlsnotes.pki.credential import Credential
from tlsnotes.pki.files import PRIVATE, PUBLIC, write_together
from tlsnotes.pki.keys import generate_key, key_pem

ClientFiles = tuple[Path, Path]


@dataclass(frozen=True, slots=True)
class Scene:
    """A mistake that is being made: where, and what a client and `judge` are given.

    `url`; `trust`: certificates, or the path of a CA file; `credential`: the client's, or (certificate file, key file),
    or None; `environment`: variables for the client. `chain`: the certificates whose fault it is, end-entity first, as
    they are sent (empty where no chain has a part in it); `name`, `usage`, `crls`: what they are judged for and with.
    `server`: what answers, with its `log` and `recordings`.
    """

    url: str
    trust: tuple[x509.Certificate, ...] | Path
    credential: Credential | ClientFiles | None
    environment: Mapping[str, str]
    chain: tuple[x509.Certificate, ...]
    name: str | None
    usage: str
    crls: tuple[x509.CertificateRevocationList, ...]
    server: HTTPSServer | SmallServer


def ordinary_root() -> Credential:
    """A new root with nothing wrong in it, for several scenes."""
    return certify({"root": ROOT}, datetime.now(UTC))["root"]


@contextlib.contextmanager
def scene_of(recipe: Recipe, root: Credential | None = None) -> Iterator[Scene]:
    """Make the scene of a recipe; when it is left, server, threads and files are gone.

    `root`: the `ordinary_root` to use where the recipe has one, instead of a new one. Raises `TLSNotesError` where this
    machine cannot make the mistake.
    """
    given = {"root": root} if root and recipe.certificates.get("root") == ROOT else {}
    made = certify(recipe.certificates, datetime.now(UTC), given)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tlsnotes-")))
        server = server_for(recipe.speaks, _bundle(made, recipe.sends), made)
        stack.enter_context(server)
        chain = {"server": recipe.sends, "client": recipe.client, "": ()}[recipe.judged]
        yield Scene(
            url=f"{recipe.scheme}://{recipe.host}:{server.port}",
            trust=_trust(recipe, made, folder),
            credential=_credential(recipe, made, folder),
            environment={"HTTPS_PROXY": stack.enter_context(_proxy()).url} if recipe.proxy else {},
            chain=tuple(made[name].certificate for name in chain),
            name=recipe.host if recipe.judged == "server" else None,
            usage=recipe.judged or "server",
            crls=_crls(recipe, made),
            server=server,
        )


def rehearse(recipe: Recipe) -> None:
    """Make everything but the sockets; raises `TLSNotesError` where this machine cannot make the mistake."""
    made = certify(recipe.certificates, datetime.now(UTC))
    server_for(recipe.speaks, _bundle(made, recipe.sends), made)


def _bundle(made: Mapping[str, Credential], names: tuple[str, ...]) -> Credential | None:
    if not names:
        return None
    own, *others = (made[name] for name in names)
    return Credential(own.certificate, own.key, tuple(other.certificate for other in others))


def _trust(recipe: Recipe, made: Mapping[str, Credential], folder: Path) -> tuple[x509.Certificate, ...] | Path:
    certificates = tuple(made[name].certificate for name in recipe.trusts)
    if not recipe.trust_file:
        return certificates
    path = folder / "ca.pem"
    if recipe.trust_file == "DER":
        path.write_bytes(certificates[0].public_bytes(Encoding.DER))
    return path


def _credential(recipe: Recipe, made: Mapping[str, Credential], folder: Path) -> Credential | ClientFiles | None:
    bundle = _bundle(made, recipe.client)
    if bundle is None or not recipe.client_files:
        return bundle
    certificate_file, key_file = folder / "client.pem", folder / "client-key.pem"
    certificates, key = bundle.fullchain_pem, key_pem(bundle.key)
    match recipe.client_files:
        case "encrypted":
            key = key_pem(bundle.key, secrets.token_hex(16))
        case "DER":
            certificates = bundle.certificate.public_bytes(Encoding.DER)
        case "another key":
            key = key_pem(generate_key("ecdsa-p256"))
        case "wrong order":
            certificates = b"".join(c.public_bytes(Encoding.PEM) for c in (*bundle.chain, bundle.certificate))
    write_together({certificate_file: (certificates, PUBLIC), key_file: (key, PRIVATE)})
    if recipe.client_files == "swapped":
        return key_file, certificate_file
    return certificate_file, key_file


def _crls(recipe: Recipe, made: Mapping[str, Credential]) -> tuple[x509.CertificateRevocationList, ...]:
    if not recipe.revoked:
        return ()
    authority = Authority(made[recipe.certificates[recipe.revoked].issuer])
    authority.revoke(made[recipe.revoked].certificate, "key_compromise")
    return (authority.crl(),)


def _proxy() -> SmallServer:
    """Make a proxy that answers, and opens no tunnel: as a company's does for addresses of your own machine."""
    return SmallServer(None)
