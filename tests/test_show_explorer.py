"""What the explorer is given, and what it shows where no widget lives."""

from __future__ import annotations

import base64
import json
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from needs import every_vector, vectors

from tlsnotes import Authority, Recording, TLSNotesError, compare, explore, generate_key
from tlsnotes.show import static
from tlsnotes.show.comparison import DIFFERS, FRESH, ONLY_FIRST, ONLY_SECOND, SAME
from tlsnotes.show.explorable import explorable
from tlsnotes.show.ladder import ladder_html, ladder_svg, ladder_words
from tlsnotes.show.outline import WIDTH, Texts, outline
from tlsnotes.show.payload import MAX_DATA, Payload
from tlsnotes.show.places import place_of
from tlsnotes.show.schedule import schedule_of
from tlsnotes.wire.keylog import secrets_for
from tlsnotes.wire.records import client_random

ROOT = Authority.root("a root of these tests")
LEAF = ROOT.intermediate("an intermediate").issue(["localhost", "payments.example"])
HOSTILE = "<script>window.__pwned=1</script>\x1b[31m\u202egnp\"' onmouseover=x"


def recording(name: str) -> Recording:
    return Recording.load(vectors() / "handshakes" / f"{name}.json")


def nodes(document: Payload) -> list[list[int]]:
    tree = document["tree"]
    return [tree[at : at + WIDTH] for at in range(0, len(tree), WIDTH)]


# ---- the payload


@every_vector
def test_the_leaves_of_every_document_tile_its_bytes(path: Path) -> None:
    payload = explore(Recording.load(path)).payload
    for document in payload["documents"]:
        size = len(base64.b64decode(document["bytes"]))
        assert document["size"] >= size
        rows = nodes(document)
        leaves = [row for row, after in pairwise([*rows, [0] * WIDTH]) if after[0] <= row[0]]
        at = 0
        for _, _, _, start, length, *_ in leaves:
            assert start == at
            at += length
        assert at == document["size"]


@every_vector
def test_a_payload_is_plain_json_and_small(path: Path) -> None:
    shown = Recording.load(path)
    payload = explore(shown).payload
    text = json.dumps(payload)
    assert json.loads(text) == json.loads(json.dumps(payload))
    assert len(text) < 300_000
    used = {payload["texts"][row[6]] for document in payload["documents"] for row in nodes(document)} - {""}
    assert used <= payload["words"].keys()


@every_vector
def test_every_message_and_record_is_there_with_its_document(path: Path) -> None:
    handshake = Recording.load(path).dissect()
    payload = explore(handshake).payload
    assert [item["name"] for item in payload["items"]] == [message.name for message in handshake.messages]
    for item, message in zip(payload["items"], handshake.messages, strict=True):
        kept = base64.b64decode(payload["documents"][item["document"]]["bytes"])
        assert message.raw.startswith(kept)
        assert len(kept) == min(len(message.raw), MAX_DATA) or kept == message.raw
        sent = [
            base64.b64decode(payload["documents"][payload["records"][n]["document"]]["bytes"]) for n in item["sent"]
        ]
        assert len(sent) == len(message.records)
        assert all(record.raw.startswith(data) for data, record in zip(sent, message.records, strict=True))


def test_much_application_data_is_cut_and_says_so() -> None:
    record = b"\x17\x03\x03" + (16_000).to_bytes(2, "big") + bytes(16_000)
    payload = explore(Recording.from_segments([("C", record * 20)])).payload
    assert len(json.dumps(payload)) < 300_000
    assert {document["size"] for document in payload["documents"]} >= {16_005}


def test_checks_have_their_place_at_the_field_that_claims_them() -> None:
    handshake = recording("tls13-mtls").dissect()
    for check in handshake.checks:
        place = place_of(check, handshake)
        if check.name.endswith(("CertificateVerify", "Finished")):
            assert place is not None
            message = handshake.messages[place[0]]
            assert check.name == f"{message.sender} {message.name}"
            field = [*message.field.walk()][place[1]]
            assert field.name == ("signature" if message.name == "CertificateVerify" else "verify_data")
    assert place_of(handshake.checks[-1], handshake) is None, "keys are of no single message"


def test_many_names_are_laid_out_in_linear_time_and_depth() -> None:
    columns = {}
    for count in (100, 200):
        tree = explorable(ROOT.issue([f"host-{n}.example" for n in range(count)]).certificate).trees[0][1]
        columns[count] = len(outline([tree], Texts()))
    assert columns[200] - columns[100] == 100 * 4 * WIDTH  # a name is four fields


# ---- what can be explored


def test_whatever_can_be_explored_is_called_by_its_name() -> None:
    der = LEAF.certificate.public_bytes(Encoding.DER)
    key = generate_key("ecdsa-p256")
    csr = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "wanted.example")]))
        .sign(key, hashes.SHA256())
    )
    crl = ROOT.crl()
    assert explore(LEAF.certificate).payload["heading"][0] == "certificate"
    assert explore(der).payload["heading"][0] == "certificate"
    assert explore(csr).payload["heading"][0] == "certification request"
    assert explore(csr.public_bytes(Encoding.DER)).payload["heading"][0] == "certification request"
    assert explore(crl).payload["heading"][0] == "revocation list"
    assert explore(crl.public_bytes(Encoding.DER)).payload["heading"][0] == "revocation list"
    assert explore(b"\x30\x03\x02\x01\x05").payload["heading"][0] == "DER"
    assert [item["name"] for item in explore(LEAF).payload["items"]] == ["certificate 0", "certificate 1"]
    hello = recording("tls13-mtls").dissect().messages[0]
    assert explore(hello).payload["items"][0]["name"] == "ClientHello"
    assert explore(hello.field).payload["items"][0]["name"] == "ClientHello"


def test_a_private_key_is_in_no_payload_no_table_and_no_repr() -> None:
    scalar = LEAF.key.private_numbers().private_value.to_bytes(32, "big")  # type: ignore[union-attr]
    der = LEAF.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    shown = explorable(LEAF)
    said = json.dumps(shown.payload) + static.html(shown) + static.text(shown) + repr(explore(LEAF))
    data = b"".join(base64.b64decode(document["bytes"]) for document in shown.payload["documents"])
    for secret in (scalar, der):
        assert secret not in data
        assert secret.hex() not in said
        assert base64.b64encode(secret).decode() not in said


@pytest.mark.parametrize("other", [None, "text", 5, object(), b"", b"-----BEGIN CERTIFICATE-----"])
def test_anything_else_is_refused_with_what_to_do(other: object) -> None:
    with pytest.raises(TLSNotesError) as refused:
        explore(other)
    assert "expected:" in str(refused.value)


@pytest.mark.parametrize("other", [None, LEAF, b"x"])
def test_only_handshakes_and_recordings_are_compared(other: object) -> None:
    with pytest.raises(TLSNotesError):
        compare(other, recording("tls13-mtls"))


# ---- the key schedule


@every_vector
def test_the_values_of_a_key_schedule_are_those_that_open_the_records(path: Path) -> None:
    """Each secret of the key log stands at its step, and what comes from it is what the checks have used."""
    shown = Recording.load(path)
    handshake = shown.dissect()
    secrets = secrets_for(shown.keylog, client_random(shown.segments) or b"")
    schedule = schedule_of(handshake, secrets, values=True)
    assert schedule is not None
    steps = {step["log"]: step for step in schedule["steps"] if step["log"]}
    for label, secret in secrets.items():
        if label in steps:
            assert steps[label]["value"] == secret.hex()
    told = [step for step in schedule["steps"] if step["value"] and not step["log"] and not step["public"]]
    assert told
    hidden = schedule_of(handshake, secrets, values=False)
    assert hidden is not None
    assert not [step for step in hidden["steps"] if step["value"] and not step["public"]]


def test_the_keys_of_the_schedule_are_those_of_rfc_8448() -> None:
    """The simple 1-RTT handshake of RFC 8448, whose keys the RFC prints."""
    shown = recording("rfc8448-simple-1rtt-handshake")
    secrets = secrets_for(shown.keylog, client_random(shown.segments) or b"")
    schedule = schedule_of(shown.dissect(), secrets, values=True)
    assert schedule is not None
    steps = schedule["steps"]
    at = next(n for n, step in enumerate(steps) if step["log"] == "SERVER_HANDSHAKE_TRAFFIC_SECRET")
    assert steps[at + 1]["value"] == "3fce516009c21727d0f2e4e86ee403bc"
    assert steps[at + 2]["value"] == "5d313eb2671276ee13000b30"
    early = steps[0]
    assert early["value"] == "33ad0a1c607ec03b09e6cd9893680ce210adf300aa1f2660e1b22e10f170f92a"
    assert early["public"], "without a PSK there is no secret in it"


# ---- side by side


def test_two_handshakes_are_aligned_and_what_differs_is_told_from_what_is_new_each_time() -> None:
    pairs = compare(recording("tls13-x25519-aes256"), recording("tls13-mtls")).payload["pairs"]
    marks = {(pair["name"], pair["sender"]): pair["mark"] for pair in pairs}
    assert marks["ClientHello", "client"] == FRESH
    assert marks["CertificateRequest", "server"] == ONLY_SECOND
    assert marks["Certificate", "client"] == ONLY_SECOND
    assert marks["EncryptedExtensions", "server"] == SAME
    assert marks["Finished", "server"] == FRESH


def test_versions_side_by_side_differ_in_what_they_say() -> None:
    widget = compare(recording("tls12-mtls"), recording("tls13-mtls"))
    facts = {name: (first, second, mark) for name, first, second, mark, _ in widget.payload["facts"]}
    assert facts["version"] == ("TLS 1.2", "TLS 1.3", DIFFERS)
    assert facts["server name"] == ("server.test", "server.test", SAME)
    texts = widget.payload["texts"]
    hello = next(pair for pair in widget.payload["pairs"] if pair["name"] == "ServerHello")
    rows = {texts[row[1]]: row for row in hello["rows"]}
    assert rows["cipher_suite"][4] == DIFFERS
    assert rows["random"][4] == FRESH
    assert rows["key_share"][4] == ONLY_SECOND
    gone = next(pair for pair in widget.payload["pairs"] if pair["name"] == "ServerKeyExchange")
    assert gone["mark"] == ONLY_FIRST


@every_vector
def test_a_handshake_beside_itself_is_the_same(path: Path) -> None:
    shown = Recording.load(path)
    payload = compare(shown, shown).payload
    assert {pair["mark"] for pair in payload["pairs"]} == {SAME}
    assert {fact[3] for fact in payload["facts"]} == {SAME}


def test_comparing_long_connections_is_bounded() -> None:
    record = b"\x17\x03\x03\x00\x02ab"
    long = Recording.from_segments([("C", record * 3000)])
    assert len(json.dumps(compare(long, long).payload)) < 2_000_000


# ---- where no widget lives


class Tags(HTMLParser):
    """The tags of a piece of HTML with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_output_of_an_explorer_carries_a_picture_with_words_and_a_table() -> None:
    data, _ = explore(recording("tls13-mtls"))._repr_mimebundle_()
    found = Tags(data["text/html"])
    image = next(attributes for tag, attributes in found.tags if tag == "img")
    assert "client sends ClientHello; server sends ServerHello" in str(image["alt"])
    assert str(image["src"]).startswith("data:image/svg+xml;base64,")
    assert "table" in {tag for tag, _ in found.tags}
    assert "✓ server CertificateVerify" in data["text/plain"]
    assert "application/vnd.jupyter.widget-view+json" in data


def test_the_ladder_is_a_picture_that_stands_alone() -> None:
    handshake = recording("alert-unknown-ca").dissect()
    tree = ET.fromstring(ladder_svg(handshake))  # noqa: S314  # ours
    said = " ".join(tree.itertext())
    assert "ClientHello" in said
    assert "Alert unknown_ca" in said
    assert "refused by the client" in ladder_words(handshake)
    assert {element.tag.rpartition("}")[2] for element in tree.iter()} <= {
        "svg",
        "style",
        "rect",
        "text",
        "line",
        "g",
        "path",
    }


def test_a_certificate_is_a_table_of_its_fields() -> None:
    shown = explorable(LEAF.certificate)
    assert "subjectAltName" in static.text(shown)
    assert "localhost, payments.example" in static.text(shown)
    assert {tag for tag, _ in Tags(static.html(shown)).tags} <= {
        "style",
        "table",
        "caption",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
    }


def test_every_repr_is_one_line() -> None:
    for widget in (
        explore(LEAF),
        explore(recording("tls13-mtls")),
        compare(recording("tls12-mtls"), recording("tls13-mtls")),
    ):
        assert repr(widget).startswith("<Explorer: ")
        assert "\n" not in repr(widget)


def test_hostile_names_are_text_in_every_static_form() -> None:
    for path in sorted((vectors() / "certificates" / "hostile").rglob("*.der")):
        shown = explorable(path.read_bytes())
        html, text = static.html(shown), static.text(shown)
        assert {tag for tag, _ in Tags(html).tags} <= {
            "style",
            "table",
            "caption",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
        }, path
        assert not [c for c in text if not c.isprintable() and c != "\n"], path
        assert not [c for c in shown.title + repr(explore(path.read_bytes())) if not c.isprintable()], path


def test_a_hostile_server_name_is_text_in_the_ladder_and_in_the_heading() -> None:
    raw = bytearray(recording("tls13-mtls").segments[0].data)
    at = raw.index(b"server.test")
    raw[at : at + 11] = b"<b>\x1b\"'&\xe2\x80\xae"[:11].ljust(11, b"!")
    handshake = Recording.from_segments([("C", bytes(raw))]).dissect()
    shown = explorable(handshake)
    assert {tag for tag, _ in Tags(static.html(shown)).tags} <= {
        "img",
        "style",
        "table",
        "caption",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
    }
    assert all(text.isprintable() for text in shown.payload["texts"])
    assert all(text.isprintable() for text in shown.payload["heading"])
    assert "<b>" not in ladder_html(handshake)
