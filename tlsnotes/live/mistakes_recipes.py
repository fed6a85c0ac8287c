"""Every mistake as a recipe: which certificates there are, who sends and trusts which, and how the server speaks.

Data only: a recipe names what is wrong, and what it does not name is right. Each recipe's words are in `mistakes.toml`
under the same id, and `mistakes_scenes` makes the scene of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address

from tlsnotes.live.mistakes_certificates import CA_USAGE, Certified


@dataclass(frozen=True, slots=True)
class Speaks:
    """How the server speaks: `HTTPSServer` serves what only names `versions` of "1.2" and "1.3" and whom it `asks` for
    (the certificate that a client's must lead to); anything else takes the small server.

    `ciphers` (OpenSSL's names), `group` (the only one), `small_dh` (a 1,024-bit prime), `weak` (security level 0, so
    that its OpenSSL takes weak keys and signatures), `unknown_name` (it knows no server of the name it is asked for).
    """

    versions: tuple[str, ...] = ("1.2", "1.3")
    asks: str = ""
    ciphers: str = ""
    group: str = ""
    small_dh: bool = False
    weak: bool = False
    unknown_name: bool = False
    protocol: str = "TLS"  # "HTTP" without TLS, or "nothing": it hangs up


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a scene is made of; certificates go by their names in `certificates`, issuers first.

    The server `sends` its own certificate and then others, in this order; the client `trusts` some, or is given a
    `trust_file` ("missing", or in "DER"); it presents `client` certificates, from `client_files` that may be spoilt
    ("encrypted", "DER", "another key", "wrong order", "swapped"). `host` and `scheme` are the URL's; `judged`: whose
    chain is to be judged, "server" or "client", or "" where no chain has a part in it; `revoked`: which certificate is
    on its issuer's list; `proxy`: the client is told to go through a proxy that does not let it.
    """

    certificates: Mapping[str, Certified]
    sends: tuple[str, ...] = ("server",)
    trusts: tuple[str, ...] = ("root",)
    trust_file: str = ""
    client: tuple[str, ...] = ()
    client_files: str = ""
    host: str = "localhost"
    scheme: str = "https"
    speaks: Speaks = field(default_factory=Speaks)
    judged: str = "server"
    revoked: str = ""
    proxy: bool = False


ROOT = Certified("", "the root", None, ends=365, ca=True, usage=(), key_usage=CA_USAGE)
CA = replace(ROOT, issuer="root", subject="the intermediate", path_length=0)
SERVER = Certified("root")
BELOW = Certified("intermediate")
CLIENT = Certified("root", "alice", ("alice.example",), usage=("client",))
STRANGER = replace(ROOT, subject="another root")
BY_RSA = replace(ROOT, key="rsa-2048")
ASKS = Speaks(asks="root")


def _two(server: Certified = SERVER, root: Certified = ROOT, **other: Certified) -> dict[str, Certified]:
    return {"root": root, **other, "server": server}


def _three(server: Certified = BELOW, intermediate: Certified = CA, root: Certified = ROOT) -> dict[str, Certified]:
    return {"root": root, "intermediate": intermediate, "server": server}


def _server(names: tuple[str | IPv4Address, ...] | None) -> Recipe:
    return Recipe(_two(replace(SERVER, names=names)))


def _client(client: Certified = CLIENT, *, files: str = "", sends: tuple[str, ...] = ("client",)) -> Recipe:
    certificates = {"root": ROOT, "intermediate": CA, "server": SERVER, "stranger": STRANGER, "client": client}
    return Recipe(certificates, client=sends, client_files=files, speaks=ASKS, judged="client")


CHAIN = ("server", "intermediate")
UNDER_ANOTHER = _two(stranger=STRANGER)

RECIPES: dict[str, Recipe] = {
    # ---- who vouches
    "self-signed": Recipe({"root": ROOT, "server": replace(SERVER, issuer="")}),
    "unknown-root": Recipe(UNDER_ANOTHER, trusts=("stranger",)),
    "unknown-root-sent-along": Recipe(UNDER_ANOTHER, sends=("server", "root"), trusts=("stranger",)),
    "remade-root": Recipe(_two(again=ROOT), trusts=("again",)),
    "intermediate-as-trust-anchor": Recipe(_three(), sends=CHAIN, trusts=("intermediate",)),
    "ca-file-missing": Recipe(_two(), trust_file="missing", judged=""),
    "ca-file-in-der": Recipe(_two(), trust_file="DER", judged=""),
    "root-with-a-known-key": Recipe(_two(root=replace(ROOT, key="known"))),
    # ---- the chain
    "missing-intermediate": Recipe(_three()),
    "reversed-chain": Recipe(
        {
            "root": ROOT,
            "upper": replace(CA, subject="the upper intermediate", path_length=1),
            "lower": replace(CA, issuer="upper", subject="the lower intermediate"),
            "server": replace(SERVER, issuer="lower"),
        },
        sends=("server", "upper", "lower"),
    ),
    "root-sent-along": Recipe(_three(), sends=(*CHAIN, "root")),
    "leaf-used-as-ca": Recipe(_three(intermediate=replace(SERVER, subject="shop.example", key_usage=())), sends=CHAIN),
    "ca-without-keycertsign": Recipe(
        _three(intermediate=replace(CA, key_usage=("digital_signature", "crl_sign"))), sends=CHAIN
    ),
    "ca-without-key-usage": Recipe(_two(root=replace(ROOT, key_usage=()))),
    "basic-constraints-not-critical": Recipe(_two(root=replace(ROOT, uncritical=("basic constraints",)))),
    "path-length-exceeded": Recipe(
        {
            "root": ROOT,
            "upper": replace(CA, subject="the upper intermediate"),
            "lower": replace(CA, issuer="upper", subject="the lower intermediate"),
            "server": replace(SERVER, issuer="lower"),
        },
        sends=("server", "lower", "upper"),
    ),
    "name-constraint-violated": Recipe(_three(intermediate=replace(CA, only_names=("shop.example",))), sends=CHAIN),
    "intermediate-for-clients-only": Recipe(_three(intermediate=replace(CA, usage=("client",))), sends=CHAIN),
    # ---- the name
    "wrong-host": _server(("shop.example", "www.shop.example")),
    "ip-without-ip-san": Recipe(_two(), host="127.0.0.1"),
    "ip-address-as-dns-name": Recipe(_two(replace(SERVER, names=("127.0.0.1",))), host="127.0.0.1"),
    "common-name-only": _server(None),
    "no-subject": Recipe(_two(replace(SERVER, subject="", uncritical=("subjectAltName",)))),
    "url-as-name": _server(("https://localhost",)),
    "wildcard-for-the-bare-domain": _server(("*.localhost",)),
    "wildcard-alone": _server(("*",)),
    "wildcard-in-a-label": _server(("local*",)),
    "a-thousand-names": _server((*(f"shop-{n}.example" for n in range(999)), "localhost")),
    "ten-thousand-names": _server((*(f"shop-{n}.example" for n in range(9_999)), "localhost")),
    # ---- time
    "expired-leaf": Recipe(_two(replace(SERVER, begins=-90, ends=-1))),
    "expired-intermediate": Recipe(_three(intermediate=replace(CA, begins=-365, ends=-1)), sends=CHAIN),
    "expired-root": Recipe(_two(root=replace(ROOT, begins=-365, ends=-1))),
    "not-yet-valid": Recipe(_two(replace(SERVER, begins=7))),
    "clock-an-hour-wrong": Recipe(_two(replace(SERVER, begins=1 / 24))),
    # ---- what it may be used for, how it is signed, what else is in it
    "for-clients-only": Recipe(_two(replace(SERVER, usage=("client",)))),
    "rsa-1024": Recipe(_two(replace(SERVER, key="rsa-1024")), speaks=Speaks(weak=True)),
    "unusual-curve": Recipe(
        _two(replace(SERVER, key="ecdsa-p256k1")), speaks=Speaks(("1.2",), weak=True, group="prime256v1")
    ),
    "sha-1-signature": Recipe(_two(replace(SERVER, altered="SHA-1"), BY_RSA), speaks=Speaks(weak=True)),
    "md5-signature": Recipe(_two(replace(SERVER, altered="MD5"), BY_RSA), speaks=Speaks(weak=True)),
    "tampered-signature": Recipe(_two(replace(SERVER, altered="tampered"))),
    "no-authority-key-identifier": Recipe(_two(replace(SERVER, key_identifier="none"))),
    "identifier-of-another-key": Recipe(_two(replace(SERVER, key_identifier="stranger"), stranger=STRANGER)),
    "unknown-critical-extension": Recipe(_two(replace(SERVER, unknown_critical=True))),
    "version-1": Recipe(_two(replace(SERVER, altered="version 1"))),
    "extension-twice": Recipe(_three(intermediate=replace(CA, altered="an extension twice")), sends=CHAIN),
    "serial-number-too-long": Recipe(_two(replace(SERVER, altered="a serial number of 21 octets"))),
    "revoked": Recipe(_two(), revoked="server"),
    # ---- how the server speaks
    "tls-1-0-only": Recipe(_two(), speaks=Speaks(("1.0",), weak=True)),
    "tls-1-1-only": Recipe(_two(), speaks=Speaks(("1.1",), weak=True)),
    "no-common-cipher": Recipe(_two(), speaks=Speaks(("1.2",), weak=True, ciphers="ECDHE-ECDSA-NULL-SHA")),
    "static-rsa": Recipe(
        _two(replace(SERVER, key="rsa-2048", key_usage=("digital_signature", "key_encipherment"))),
        speaks=Speaks(("1.2",), ciphers="AES128-GCM-SHA256"),
    ),
    "small-dh-group": Recipe(
        _two(replace(SERVER, key="rsa-2048")),
        speaks=Speaks(("1.2",), weak=True, ciphers="DHE-RSA-AES128-GCM-SHA256", small_dh=True),
    ),
    "hello-retry-request": Recipe(_two(), speaks=Speaks(("1.3",), group="secp384r1")),
    "no-common-group": Recipe(
        _two(replace(SERVER, key="rsa-2048")),
        speaks=Speaks(("1.2",), ciphers="ECDHE-RSA-AES128-GCM-SHA256", group="brainpoolP256r1"),
    ),
    "secp521r1-only": Recipe(_two(), speaks=Speaks(("1.3",), group="secp521r1")),
    "ed25519-for-a-browser": Recipe(_two(replace(SERVER, key="ed25519"))),
    "unrecognized-name": Recipe(_two(), speaks=Speaks(unknown_name=True)),
    "tls-to-an-http-port": Recipe(_two(), speaks=Speaks(protocol="HTTP"), judged=""),
    "http-to-a-tls-port": Recipe(_two(), scheme="http"),
    "hangs-up": Recipe(_two(), speaks=Speaks(protocol="nothing"), judged=""),
    "proxy-in-the-way": Recipe(_two(), proxy=True),
    # ---- the client's own certificate
    "client-certificate-missing-1-2": Recipe(_two(), speaks=Speaks(("1.2",), asks="root"), judged=""),
    "client-certificate-missing-1-3": Recipe(_two(), speaks=Speaks(("1.3",), asks="root"), judged=""),
    "client-certificate-of-an-unknown-ca": _client(replace(CLIENT, issuer="stranger")),
    "client-certificate-expired": _client(replace(CLIENT, begins=-90, ends=-1)),
    "client-certificate-for-servers": _client(replace(CLIENT, usage=("server",))),
    "client-certificate-without-usage": _client(replace(CLIENT, usage=())),
    "client-certificate-without-intermediate": _client(replace(CLIENT, issuer="intermediate")),
    "key-of-another-certificate": _client(files="another key"),
    "chain-file-in-the-wrong-order": _client(
        replace(CLIENT, issuer="intermediate"), files="wrong order", sends=("client", "intermediate")
    ),
    "encrypted-key-without-password": _client(files="encrypted"),
    "der-where-pem-is-wanted": _client(files="DER"),
    "key-and-certificate-swapped": _client(files="swapped"),
}
