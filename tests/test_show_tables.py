"""Tables: useful without styling, plain in a terminal, and harmless whatever a peer has sent."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest
import requests
from needs import vectors

from tlsnotes import Check, HTTPSServer, Recording, checks_table, recording_table, self_signed
from tlsnotes.show.tables import MAX_ROWS, Table, visible

RECORD = b"\x17\x03\x03\x00\x01x"
HOSTILE = "<script>window.__pwned=1</script>\x1b[31m\u202egnp\" onmouseover='x' &amp; " + "long " * 100


class Tags(HTMLParser):
    """The tags of a piece of HTML, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert {name for name, _ in attrs} <= {"class", "scope"}

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_recording_is_shown_record_by_record() -> None:
    credential = self_signed("localhost")
    with HTTPSServer(credential) as server:
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(server.url, timeout=5)
        recording = server.last
    assert recording is not None
    table = recording_table(recording)
    assert [row[3][0] for row in table.rows][:2] == ["client_hello", "server_hello"]
    assert table.rows[-1][2][0] == "client →"
    assert table.rows[-1][3][0] == "alert unknown_ca"
    sizes = sum(int(row[4][0].replace(",", "")) for row in table.rows)
    assert sizes == sum(len(segment.data) for segment in recording.segments), "every byte is in some row"
    assert table.caption.startswith("refused by the client: unknown_ca")


def test_a_long_recording_is_cut_and_says_so() -> None:
    table = recording_table(Recording.from_segments([("C", RECORD * (MAX_ROWS + 5))]))
    assert len(table.rows) == MAX_ROWS + 1
    assert table.rows[-1][3][0] == "and 5 more records"


def test_hostile_text_stays_text() -> None:
    table = checks_table([Check(HOSTILE, False, HOSTILE)], HOSTILE)
    shown = Tags(table._repr_html_())
    assert set(shown.tags) == {"style", "table", "caption", "thead", "tbody", "tr", "th", "td"}
    assert '<script>window.__pwned=1</script>\\x1b[31m\\u202egnp"' in shown.text
    assert "\u202e" not in repr(table)
    assert "\x1b" not in repr(table)


def test_long_text_is_shortened_with_its_length() -> None:
    assert visible("x" * 200) == "x" * 200
    assert visible("x" * 1234) == "x" * 200 + "… (1,234 characters)"


def test_a_verdict_is_a_mark_and_a_word_not_only_a_colour() -> None:
    table = checks_table([Check("a", True), Check("b", False), Check("c", None)])
    assert [row[0][0] for row in table.rows] == ["✓ ok", "✗ to fix", "– missing"]


def test_a_table_is_plain_columns_in_a_terminal() -> None:
    table = Table("sizes", [("what", ""), ("bytes", "number")], [[("hello", ""), ("517", "number")]])
    assert repr(table) == "sizes\nwhat   bytes\nhello  517"


# ---- what is seen of a record without keys


def record(content_type: int, fragment: bytes) -> bytes:
    return bytes([content_type, 3, 3]) + len(fragment).to_bytes(2, "big") + fragment


def message(handshake_type: int, body: bytes = b"") -> bytes:
    return bytes([handshake_type]) + len(body).to_bytes(3, "big") + body


def described(*sent: tuple[str, bytes]) -> list[str]:
    return [row[3][0] for row in recording_table(Recording.from_segments(sent)).rows]


def seen_without_keys(path: Path) -> list[tuple[str, str]]:
    rows = recording_table(Recording.load(path)).rows
    return [("client" if "client" in row[2][0] else "server", row[3][0]) for row in rows]


def test_a_tls_1_3_handshake_is_in_the_clear_up_to_the_server_hello() -> None:
    seen = seen_without_keys(vectors() / "handshakes" / "tls13-x25519-aes256.json")
    assert seen[:3] == [("client", "client_hello"), ("server", "server_hello"), ("server", "change_cipher_spec")]
    assert {text for _, text in seen[3:]} == {"change_cipher_spec", "application_data (encrypted)"}


def test_a_tls_1_2_handshake_is_in_the_clear_up_to_change_cipher_spec() -> None:
    seen = seen_without_keys(vectors() / "handshakes" / "tls12-mtls.json")
    in_the_clear = [
        ("client", "client_hello"), ("server", "server_hello"), ("server", "certificate"),
        ("server", "server_key_exchange"), ("server", "certificate_request"), ("server", "server_hello_done"),
        ("client", "certificate"), ("client", "client_key_exchange"), ("client", "certificate_verify"),
        ("client", "change_cipher_spec"),
    ]  # fmt: skip
    flat = [(sender, part) for sender, text in seen for part in text.split(", ")]
    assert flat[: len(in_the_clear)] == in_the_clear
    assert ("client", "handshake (encrypted)") in seen
    assert ("server", "handshake (encrypted)") in seen
    assert ("client", "alert (encrypted)") in seen


@pytest.mark.parametrize("name", ["tls13-hrr", "rfc8448-helloretryrequest-handshake"])
def test_after_a_hello_retry_request_the_second_hellos_are_in_the_clear_too(name: str) -> None:
    seen = seen_without_keys(vectors() / "handshakes" / f"{name}.json")
    assert [text for sender, text in seen if sender == "client"].count("client_hello") == 2
    assert [text for sender, text in seen if sender == "server"].count("server_hello") == 2
    assert "handshake (encrypted)" not in [text for _, text in seen]


def test_a_message_spread_over_records_is_named_once() -> None:
    whole = message(11, bytes(1000))
    pieces = [whole[:2], whole[2:4], whole[4:500], whole[500:] + message(14)]
    assert described(*(("S", record(22, piece)) for piece in pieces)) == [
        "certificate", "handshake (goes on)", "handshake (goes on)", "server_hello_done",
    ]  # fmt: skip


def test_messages_that_share_a_record_are_all_named() -> None:
    together = message(2, bytes(70)) + message(11, bytes(9)) + message(14)
    assert described(("S", record(22, together))) == ["server_hello, certificate, server_hello_done"]


def test_messages_in_small_records_are_named_once_each() -> None:
    together = message(2, bytes(70)) + message(11, bytes(300)) + message(14) + message(0)
    texts = described(*(("S", record(22, together[at : at + 8])) for at in range(0, len(together), 8)))
    assert [text for text in texts if text != "handshake (goes on)"] == [
        "server_hello", "certificate", "server_hello_done, hello_request",
    ]  # fmt: skip


def test_the_two_sides_are_read_apart() -> None:
    hello = message(1, bytes(50))
    texts = described(
        ("C", record(22, hello[:20])), ("S", record(22, message(2, bytes(5)))), ("C", record(22, hello[20:]))
    )
    assert texts == ["client_hello", "server_hello", "handshake (goes on)"]


def test_alerts_are_named_while_they_are_in_the_clear() -> None:
    assert described(("C", record(21, b"\x02\x30"))) == ["alert unknown_ca"]
    assert described(("S", record(21, b"\x02\xee"))) == ["alert 0xee (unknown)"]
    assert described(("C", record(20, b"\x01")), ("C", record(21, bytes(24)))) == [
        "change_cipher_spec",
        "alert (encrypted)",
    ]


def test_numbers_without_a_name_keep_their_number() -> None:
    assert described(("C", record(22, message(200)))) == ["0xc8 (unknown)"]
