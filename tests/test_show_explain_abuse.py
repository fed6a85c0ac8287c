"""Hostile and odd things: shown and not obeyed, explained and never raised over, in bounded time."""

from __future__ import annotations

import os
import re
import subprocess

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_show_explain import CREDENTIAL, Wrapper, verify_error

from tlsnotes import (
    Check,
    TLSNotesError,
    parse_certificate,
)
from tlsnotes.show import causes as known
from tlsnotes.show.explain import explain
from tlsnotes.show.explanation import WHO, Explanation
from tlsnotes.wire.registry import CipherSuite

CAUSES = known.causes()


# ---- how it looks


HOSTILE = "<script>alert(1)</script>\x1b[31m\u202egnp.exe \x00 {checker} \"'&"


def test_hostile_words_are_shown_and_not_obeyed() -> None:
    for said in (
        HOSTILE,
        RuntimeError(HOSTILE),
        TLSNotesError(HOSTILE, fix=HOSTILE),
        Check(HOSTILE, ok=False, detail=HOSTILE),
    ):
        explanation = explain(said)
        shown, text = explanation._repr_html_(), repr(explanation)
        assert "<script>" not in shown
        assert "&lt;script&gt;" in shown
        assert all(c.isprintable() or c == "\n" for c in shown + text)


def test_a_hostile_host_stands_in_no_command() -> None:
    class Pool:
        host, port = "x; rm -rf ~", 443

    error = verify_error(18)
    error.pool = Pool()
    assert not any("rm -rf" in each.run for each in explain(error).likely)
    hostile = 'localhost", trust=[evil]) or exit("'
    field = parse_certificate(CREDENTIAL.certificate.public_bytes(Encoding.DER))
    text = explain(_renamed(field, hostile))
    assert not any("evil" in each.run for each in text.likely)


def _renamed(field: object, name: str) -> object:
    """The same tree with another dNSName in it."""
    children = tuple(_renamed(child, name) for child in field.children)
    value = (name,) if field.name == "GeneralNames" else field.value
    return field._replace(children=children, value=value)


def test_the_html_has_its_parts_without_any_styling() -> None:
    shown = explain(verify_error(20))._repr_html_()
    plain = re.sub(r"<style>.*?</style>", "", shown, flags=re.DOTALL)
    for tag in ("section", "dl", "ol", "code"):
        assert plain.count(f"<{tag}") == plain.count(f"</{tag}>") > 0
    for label in ("what happened", "who, and when", "likely causes", "the fix", "not this", "read on", "known by"):
        assert f"<dt>{label}</dt>" in plain
    assert "style=" not in plain


def test_it_reads_as_text_in_a_terminal() -> None:
    lines = repr(explain(verify_error(20))).splitlines()
    assert lines[0] == "The client could not find who signed the server's certificate"
    assert "  who, and when: The client refused, when the other side's certificate was checked." in lines
    assert max(len(line) for line in lines if "openssl" not in line) <= 230
    assert set(WHO) >= {"client", "server", "proxy", "nobody", "sender", ""}


# ---- nothing makes it raise


class Odd:
    """An object of which every question raises."""

    def __getattr__(self, name: str) -> object:
        raise RuntimeError(name)

    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __str__


class OddError(Exception):
    @property
    def reason(self) -> object:
        raise RuntimeError("no")

    def __str__(self) -> str:
        raise RuntimeError("no")


ODD = [
    *(Odd(), OddError(), Odd, None, True, 1.5, [], {}, ..., object, CipherSuite(0x1301)),
    *(10**5000, -(10**5000), -1, "\udcff"),
    *(b"", b"0\x82", bytearray(b"\x30\x80"), b"-----BEGIN CERTIFICATE-----"),
    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
    *(
        subprocess.CompletedProcess([], 1),
        subprocess.CompletedProcess(None, 1),
    ),
    ExceptionGroup("x", [OddError()]),
]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: type(odd).__name__)
def test_odd_things_are_explained_as_unknown(odd: object) -> None:
    explanation = explain(odd)
    assert isinstance(explanation, Explanation)
    assert explanation.cause in ("unknown", "not-pem")
    assert "explain itself failed" not in repr(explanation)
    assert repr(explanation)
    assert explanation._repr_html_()


THINGS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=200) | st.binary(max_size=200),
    lambda inner: (
        st.lists(inner, max_size=3) | st.tuples(inner) | st.builds(Wrapper, inner) | st.builds(OSError, inner, inner)
    ),
    max_leaves=10,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    thing=THINGS,
    client=st.sampled_from(["", "curl", "alert", "chromium", "openssl", "x"]),
    side=st.sampled_from(["client", "server", "x"]),
)
def test_nothing_makes_it_raise(thing: object, client: str, side: str) -> None:
    explanation = explain(thing, client=client, side=side)
    assert explanation.cause in {*CAUSES, "unknown", "ambiguous", "certificate"}
    assert "explain itself failed" not in repr(explanation)
    assert explanation._repr_html_()


PIECES = [mark.partition(":")[2] for kind in ("node", "chromium", "reason") for mark in known.known_marks(kind)]
PIECES += [*known.phrases(), "curl: (60)", "error 20 at 0 depth", "[SSL: X]", "error:0A000410:a:b:c", "\n", " ", "'"]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=12))
def test_pieces_of_messages_in_any_order_are_read_without_a_fault(pieces: list[str]) -> None:
    assert "explain itself failed" not in repr(explain(" ".join(pieces)))


@pytest.mark.parametrize(
    "huge",
    ["A" * 5_000_000, "a\n" * 2_000_000, "ERR_X " * 500_000, "error:0A000410:" * 200_000, "curl: (60) " * 300_000,
     "host='" * 500_000, "certificate verify failed: " * 200_000, "tlsv1 alert " * 300_000, "'" * 3_000_000],
    ids=lambda text: text[:12],
)  # fmt: skip
def test_a_huge_text_takes_no_time(huge: str) -> None:
    with timed(2.0):
        explanation = explain(huge)
        assert len(repr(explanation)) < 20_000


class timed:  # noqa: N801  # reads as `with timed(2.0)`
    """Fails where the block takes more seconds of this thread than these."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __enter__(self) -> None:
        self.began = os.times().user

    def __exit__(self, *_: object) -> None:
        assert os.times().user - self.began < self.seconds
