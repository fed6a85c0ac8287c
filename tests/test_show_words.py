"""What is said of messages, extensions and code points: complete both ways, short, true as far as a test can tell.

The schemas of wire are walked for what needs words; every message of others is walked for what has none.
"""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files

import pytest
from needs import vectors

from tlsnotes import Recording
from tlsnotes.show.schedule import schedule_of
from tlsnotes.show.words import FILES, Words, all_words, keyed, suite_keys, value_keys, words_of_check
from tlsnotes.wire import extensions, messages, registry, sct
from tlsnotes.wire.presentation import Bounded, Distinct, Optional, Select, Struct, Vector
from tlsnotes.wire.records import Layout, Record
from tlsnotes.wire.registry import CipherSuite, ContentType

FOLDER = files("tlsnotes.show") / "texts"
OF: dict[str, dict[str, dict[str, str]]] = {
    name: tomllib.loads((FOLDER / f"{name}.toml").read_text("utf-8")) for name in FILES
}
REGISTRIES = [getattr(registry, name) for name in registry.__all__ if name != "Registry"]
ALGORITHMS = {
    *("NamedGroup", "SignatureScheme", "SignatureAlgorithm", "HashAlgorithm", "ECCurveType", "ECPointFormat"),
    *("HpkeAead", "HpkeKdf", "HpkeKem", "CipherSuite"),
}
# Parts that no schema names: of vectors, of records, of what an older version reads in the same bytes.
VECTORS = {"Vector.length", "Vector.contents", "Vector.item", "undecoded"}
OLDER = {"Random.gmt_unix_time", "Random.random_bytes", "SignatureScheme.hash", "SignatureScheme.signature"}


# ---- what the schemas ask for


def inside(schema: object) -> list[object]:
    match schema:
        case Struct():
            return [member for _, member in schema.members]
        case Vector():
            return [schema.holding, schema.item]
        case Select():
            return [*schema.cases.values(), schema.otherwise]
        case Optional() | Bounded() | Distinct():
            return [schema.wanted]
    return []


def walk(*roots: object) -> dict[int, object]:
    seen: dict[int, object] = {}
    waiting = [*roots]
    while waiting:
        schema = waiting.pop()
        if schema is not None and id(schema) not in seen:
            seen[id(schema)] = schema
            waiting.extend(inside(schema))
    return seen


def members(schemas: dict[int, object]) -> set[str]:
    return {f"{s.name}.{name}" for s in schemas.values() if isinstance(s, Struct) for name, _ in s.members}


OF_EXTENSIONS = walk(*(form for forms in extensions.CONTENTS.values() for form in forms.values()))
OF_CERTIFICATES = walk(sct.SignedCertificateTimestampList)
OF_MESSAGES = walk(messages.Handshake, messages.Alert, messages.ChangeCipherSpec)


def in_records() -> set[str]:
    """The names of a record's parts, as records of each kind have them."""
    layouts = (
        None,
        Layout("AEADEncrypted", after="tag", after_size=1),
        Layout("GenericAEADCipher", "nonce_explicit", 1, "tag", 1),
        Layout("GenericBlockCipher", "IV", 1, "MAC", 1),
        Layout("GenericStreamCipher", after="MAC", after_size=1),
    )
    keys: set[str] = set()
    for layout in layouts:
        raw = b"\x17\x03\x03\x00\x03abc"
        root = Record("client", 0, ContentType.application_data, 0, len(raw), raw, 0, layout).field
        keys |= {key for _, key, *_ in keyed(root) if key}
        assert all(one.key for one in keyed(root)), layout
    return keys


def test_the_walk_sees_the_schemas() -> None:
    """What the others stand on: a walk that saw nothing would pass them all."""
    assert {"ClientHello.random", "NewSessionTicket.ticket_nonce", "ServerDHParams.dh_p"} <= members(OF_MESSAGES)
    assert {"KeyShareEntry.group", "ECHConfig.contents", "PskIdentity.identity"} <= members(OF_EXTENSIONS)
    assert {"TLSPlaintext.length", "AEADEncrypted.tag"} <= in_records()


def test_every_member_of_every_structure_has_words() -> None:
    asked = members(OF_MESSAGES | OF_EXTENSIONS)
    assert len(asked) > 140
    assert not asked - all_words().keys()


def test_every_message_has_words() -> None:
    names, waiting = set(), [*messages.BODIES.values()]
    while waiting:  # a Select has a form for each version, or key exchange
        match waiting.pop():
            case Struct() as schema:
                names.add(schema.name)
            case Select() as schema:
                waiting.extend(schema.cases.values())
    assert len(names) > 12
    assert not names - OF["messages"].keys()


def test_every_extension_and_every_value_of_a_registry_has_words() -> None:
    for one in REGISTRIES:
        assert one.__name__ in all_words(), one
        values = {f"{one.__name__}.{member.name}" for member in one} if one is not CipherSuite else set()
        assert not values - all_words().keys()


@pytest.mark.parametrize("suite", CipherSuite)
def test_every_cipher_suite_has_words_by_its_whole_name_or_by_its_parts(suite: CipherSuite) -> None:
    whole = f"CipherSuite.{suite.name}"
    keys = (whole,) if whole in all_words() else suite_keys(suite.name)
    assert keys
    assert not set(keys) - all_words().keys()


def test_no_words_are_about_what_is_not_there() -> None:
    of_values = {f"{one.__name__}.{m.name}" for one in REGISTRIES for m in one} | {one.__name__ for one in REGISTRIES}
    parts = {key for suite in CipherSuite for key in suite_keys(suite.name)}
    types = {s.name for s in (OF_MESSAGES | OF_EXTENSIONS).values() if isinstance(s, Struct)}
    there = {
        "messages": members(OF_MESSAGES) | types | in_records() | VECTORS | OLDER | {"application_data", "heartbeat"},
        "extensions": members(OF_EXTENSIONS | OF_MESSAGES) | types | of_values | {"GREASE"},
        "registries": {key for key in of_values if key.partition(".")[0] not in ALGORITHMS},
        "algorithms": {key for key in of_values if key.partition(".")[0] in ALGORITHMS} | parts,
    }
    for name, keys in there.items():
        assert not OF[name].keys() - keys, name


def test_every_step_of_a_key_schedule_has_words_and_no_words_are_about_another() -> None:
    said, wanted = set(), set(OF["schedule"])
    for path in sorted((vectors() / "handshakes").glob("*.json")):
        handshake = Recording.load(path).dissect()
        schedule = schedule_of(
            handshake, {"CLIENT_EARLY_TRAFFIC_SECRET": b"", "EARLY_EXPORTER_SECRET": b""}, values=False
        )
        assert schedule is not None
        assert all(step["what"] and step["why"] and step["rfc"] for step in schedule["steps"])
        said |= {step["what"] for step in schedule["steps"]}
    unused = {key for key in wanted if OF["schedule"][key]["what"] not in said}
    assert unused <= {"KeySchedule.write MAC_key"}  # no vector has a suite with CBC: see test_show_schedule


# ---- what others send


def test_every_field_of_every_message_and_record_of_others_has_words() -> None:
    bare = set()
    for path in sorted((vectors() / "handshakes").glob("*.json")):
        handshake = Recording.load(path).dissect()
        for tree in (*(m.field for m in handshake.messages), *(r.field for r in handshake.records)):
            bare |= {(one.inside, one.field.name, one.field.type) for one in keyed(tree) if not one.key}
    assert not bare


def test_a_field_gets_its_own_words() -> None:
    handshake = Recording.load(vectors() / "handshakes" / "tls13-mtls.json").dissect()
    keys = {(one.inside, one.field.name): one.key for one in keyed(handshake.messages[0].field)}
    assert keys["", "ClientHello"] == "ClientHello"
    assert keys["body", "random"] == "ClientHello.random"
    assert keys["extensions", "key_share"] == "ExtensionType.key_share"
    assert keys["0", "group"] == "KeyShareEntry.group"
    assert keys["client_shares", "0"] == "KeyShareEntry"
    assert keys["cipher_suites", "0"] == "CipherSuite"
    assert keys["cipher_suites", "length"] == "Vector.length"
    certificate = next(m for m in handshake.messages if m.name == "Certificate")
    keys = {(one.inside, one.field.name): one.key for one in keyed(certificate.field)}
    assert keys["", "Certificate"] == "Certificate"
    assert keys["tbsCertificate", "validity"] == "TBSCertificate.validity"
    assert keys["validity", "length"] == "DER.length"


def test_a_value_gets_its_own_words() -> None:
    handshake = Recording.load(vectors() / "handshakes" / "tls12-mtls.json").dissect()
    suite = handshake.messages[1].field.find("cipher_suite")
    assert suite is not None
    assert value_keys(suite) == ("KeyExchange.ECDHE_ECDSA", "Cipher.AES_256_GCM", "Mac.SHA384")
    kind = handshake.messages[0].field.find("msg_type")
    assert kind is not None
    assert value_keys(kind) == ("HandshakeType.client_hello",)
    assert words_of_check("handshake", "client traffic keys from CLIENT_TRAFFIC_SECRET_0") is not None


# ---- how it is said


def test_a_key_stands_in_one_file() -> None:
    assert sum(len(one) for one in OF.values()) == len(all_words())


@pytest.mark.parametrize("name", FILES)
def test_words_are_complete_and_short(name: str) -> None:
    for key, entry in OF[name].items():
        assert {"what", "why", "rfc"} <= entry.keys() <= {*Words._fields}, key
        assert entry["what"] != entry["why"], key
        for text in (entry[part] for part in entry.keys() - {"rfc"}):
            assert text == text.strip(), key
            assert text.endswith("."), key
            assert 5 < len(text) < 320, f"{key}: two or three short sentences"
            assert "—" not in text, key


@pytest.mark.parametrize("name", FILES)
def test_words_name_their_source(name: str) -> None:
    one = r"(RFC \d{4}|X\.690|BR|EV Guidelines|FIPS \d{3}(-\d)?|IANA|draft-[a-z-]+)( §\d+(\.\d+)*)?"
    for key, entry in OF[name].items():
        assert re.fullmatch(rf"{one}(; {one})*", entry["rfc"]), key
        assert not re.search(r"RFC (8446|6125|2818|8398)\b", entry["rfc"]), f"{key}: another RFC has its place"


@pytest.mark.parametrize("name", FILES)
def test_no_words_say_what_is_often_said_and_wrong(name: str) -> None:
    text = " ".join(text for entry in OF[name].values() for text in entry.values())
    assert not re.search(
        r"(?i)encrypt\w*\s+(it\s+)?with\s+(the|its|his|a|their)\s+private|SSL certificate|verify=False", text
    )
    assert "8446" not in text
