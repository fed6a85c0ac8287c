"""Tables: useful without styling, plain in a terminal, and harmless whatever a peer has sent."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
import requests

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
