"""Chromium's connections, read whole: GREASE, the hybrid key share, Encrypted Client Hello; and tshark beside us."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from needs import need
from peers import ROOT, data_of, files_of, issued, names_of, node_server, read_whole
from playwright.sync_api import Page, Playwright
from test_browser import Profile
from test_wire_tshark import compared

from tlsnotes import HTTPSServer, Recording, Request, Tap
from tlsnotes.wire.fields import Field
from tlsnotes.wire.handshake import Handshake

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A page of a Chromium that trusts ROOT."""
    profile = Profile(tmp_path_factory.mktemp("browser") / "home", playwright)
    profile.trust(ROOT)
    with profile.open(need("chromium")) as browser:
        yield browser.new_page()


def once(request: Request) -> tuple[int, str, dict[str, str]]:
    """Answer, and ask for a new connection for the next question."""
    return 200, f"you asked {request.path}", {"Connection": "close"}


def of(recordings: tuple[Recording, ...], path: str) -> tuple[Recording, Handshake]:
    """The connection over which a page was asked for: Chromium opens others as it likes."""
    found = [(r, h) for r in recordings if data_of(h := r.dissect(), "client").startswith(f"GET {path} ".encode())]
    assert len(found) == 1, [r.outcome for r in recordings]
    return found[0]


def value(tree: Field, path: str) -> object:
    field = tree.find(path)
    assert field is not None, path
    return field.value


@pytest.fixture(scope="module", params=["1.3", "1.2"])
def twice(request: pytest.FixtureRequest, page: Page) -> tuple[str, Recording, Recording]:
    """Page loads, each over a connection of its own: the first, and the first that resumes its session.

    Chromium may open a second connection beside the first, before there is a session, and take that for the next page.
    """
    with HTTPSServer(issued(), once, versions=(request.param,)) as server:
        for number in range(10):
            answer = page.goto(f"{server.url}/{number}")
            assert answer is not None
            assert answer.text() == f"you asked /{number}"
            server.last  # noqa: B018  # waits until that connection has come to rest
            recording, handshake = of(server.recordings, f"/{number}")
            if number == 0:
                first = recording
            elif handshake.resumed:
                return request.param, first, recording
    pytest.fail("Chromium has resumed nothing in ten connections")


def test_chromium_resumes_its_session_and_both_connections_are_read(twice: tuple[str, Recording, Recording]) -> None:
    version, first, second = twice
    binder = ("PSK binder",) if version == "1.3" else ()
    full, short = read_whole(first), read_whole(second, unjudged=binder)
    for handshake in (full, short):
        assert (handshake.version, handshake.outcome) == (f"TLS {version}", "established")
        assert (handshake.server_name, handshake.alpn) == ("localhost", "http/1.1")
        assert b"you asked /" in data_of(handshake, "server")
    assert (full.resumed, short.resumed) == (False, True)
    assert "Certificate" in names_of(full, "server")
    assert "Certificate" not in names_of(short, "server")


def test_the_hello_of_chromium_has_grease_a_hybrid_share_and_an_outer_hello(
    twice: tuple[str, Recording, Recording],
) -> None:
    hello = twice[1].dissect().messages[0].field
    suites, groups = value(hello, "cipher_suites"), value(hello, "named_group_list")
    versions, extensions = value(hello, "supported_versions.versions"), hello.find("extensions.contents")
    assert isinstance(suites, tuple)
    assert isinstance(groups, tuple)
    assert isinstance(versions, tuple)
    assert extensions is not None
    names = [extension.name for extension in extensions.children]
    for first in (suites[0], groups[0], versions[0], names[0], names[-1]):  # where it has been since RFC 8701
        assert str(first).endswith(" (GREASE)")
    assert "X25519MLKEM768" in [str(group) for group in groups]
    shares = hello.find("key_share.client_shares.contents")
    assert shares is not None
    sizes = {str(entry.children[0].value): len(entry.children[1].raw) - 2 for entry in shares.children}
    assert sizes.pop(str(groups[0])) == 1
    assert sizes == {"X25519MLKEM768": 1216, "x25519": 32}
    outer = hello.find("encrypted_client_hello")
    assert outer is not None
    assert str(value(outer, "type")) == "outer"
    assert [str(value(outer, part)) for part in ("kdf_id", "aead_id")] == ["HKDF_SHA256", "AES_128_GCM"]
    assert len(str(value(outer, "enc"))) > 32
    assert str(value(hello, "application_settings.supported_protocols.0")) == str(b"h2")
    assert "compress_certificate" in names
    assert "signed_certificate_timestamp" in names


def test_chromium_agrees_on_the_hybrid_group_with_a_server_that_has_it(page: Page, tmp_path: Path) -> None:
    certificate, key = files_of(issued(), tmp_path / "server")
    with (
        node_server(role="https", cert=certificate, key=key, keylog=tmp_path / "keys.log") as port,
        Tap("127.0.0.1", port, tmp_path / "keys.log") as tap,
    ):
        answer = page.goto(f"{tap.url}/hybrid")
        assert answer is not None
        assert answer.text() == "you asked /hybrid"
        page.goto("about:blank")
    recording, _ = of(tap.recordings, "/hybrid")
    handshake = read_whole(recording)
    assert (handshake.version, handshake.group, handshake.alpn) == ("TLS 1.3", "X25519MLKEM768", "http/1.1")


def test_what_tshark_reads_of_chromium_we_read_in_the_same_bytes(
    twice: tuple[str, Recording, Recording], tmp_path: Path
) -> None:
    version, first, second = twice
    binder = ("PSK binder",) if version == "1.3" else ()
    seen = compared(first, tmp_path) + compared(second, tmp_path, binder)
    assert seen["tls.handshake.extension.type"] > 30
