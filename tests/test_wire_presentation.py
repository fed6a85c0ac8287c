"""The presentation language: what a schema reads, what it refuses, and what a lenient reader saves."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tlsnotes import DecodeError, Field
from tlsnotes.wire import registry
from tlsnotes.wire.presentation import (
    Bounded,
    Enum,
    Fixed,
    Foreign,
    Optional,
    Select,
    Struct,
    Vector,
    opaque,
    rest,
    uint8,
    uint16,
    uint24,
    uint32,
    uint64,
)
from tlsnotes.wire.reader import Reader, Type, parse, read_whole

Group = Enum(registry.NamedGroup)
Share = Struct("Share", group=Group, key=Vector(opaque, 1, 2**16 - 1))
Shares = Struct("Shares", shares=Vector(Share, 0, 2**16 - 1))
SHARES = bytes.fromhex("000e 001d 0002 aaaa 11ec 0004 bbbbbbbb".replace(" ", ""))


def names(field: Field) -> list[str]:
    return [f.name for f in field.walk()]


def refused(wanted: Type, data: bytes, known: dict[str, object] | None = None) -> DecodeError:
    with pytest.raises(DecodeError) as error:
        parse(wanted, data, "Top", known)
    return error.value


@pytest.mark.parametrize(("number", "size"), [(uint8, 1), (uint16, 2), (uint24, 3), (uint32, 4), (uint64, 8)])
def test_a_number_is_as_many_bytes_as_its_name_says(number: Type, size: int) -> None:
    field = parse(number, bytes(range(1, size + 1)), "n")
    assert field.value == int.from_bytes(bytes(range(1, size + 1)), "big")
    assert (field.start, field.end, field.type) == (0, size, f"uint{8 * size}")
    error = refused(number, bytes(size - 1))
    assert (error.path, error.offset) == ("Top", 0)
    assert "the end" in error.found


def test_a_code_point_without_a_name_survives() -> None:
    field = parse(Shares, bytes.fromhex("0007 1a1a 0003 cccccc".replace(" ", "")))
    group = field.find("shares.0.group")
    assert group is not None
    assert str(group.value) == "0x1a1a (GREASE)"
    assert group.value == 0x1A1A


def test_a_vector_is_a_length_and_contents_and_has_their_value() -> None:
    field = parse(Vector(opaque, 0, 32), b"\3abc", "session_id")
    assert names(field) == ["session_id", "length", "contents"]
    assert field.value == b"abc"
    assert field.type == "opaque<0..32>"
    assert [leaf.raw for leaf in field.leaves()] == [b"\3", b"abc"]
    assert parse(Vector(Group, 2, 2**16 - 2), b"\0\4\0\x1d\0\x17").value == (0x1D, 0x17)
    assert Vector(Group, 2, 2**16 - 2).name == "NamedGroup<2..2^16-2>"
    assert Vector(opaque, 1, 2**24 - 1).name == "opaque<1..2^24-1>"


def test_a_struct_leads_to_each_of_its_fields() -> None:
    field = parse(Shares, SHARES)
    key = field.find("shares.1.key")
    assert key is not None
    assert key.value == b"\xbb" * 4
    assert key.raw == b"\0\4" + b"\xbb" * 4
    assert (key.start, key.end) == (10, 16)
    assert field.find("shares.2.key") is None
    assert field.find("shares.1.no") is None
    assert b"".join(leaf.raw for leaf in field.leaves()) == SHARES


@pytest.mark.parametrize(
    ("data", "path", "offset", "expected", "found"),
    [
        (b"", "Top.shares", 0, "2 bytes", "the end"),
        (b"\0", "Top.shares", 0, "2 bytes", "1, then the end"),
        (SHARES[:-1], "Top.shares", 2, "14 bytes, as the length says", "13, then the end"),
        (SHARES + b"!", "Top", 16, "the end after Shares", "1 more byte"),
        (b"\0\1\0", "Top.shares.0.group", 2, "2 bytes", "1, then the end"),
        (b"\0\4\0\x1d\0\0", "Top.shares.0.key", 4, "a length from 1 to 2^16-1", "0"),
        (b"\0\5\0\x1d\0\2x", "Top.shares.0.key", 6, "2 bytes, as the length says", "1, then the end"),
    ],
)
def test_what_does_not_fit_is_refused_with_path_offset_expected_and_found(
    data: bytes, path: str, offset: int, expected: str, found: str
) -> None:
    error = refused(Shares, data)
    assert (error.path, error.offset, error.expected, error.found) == (path, offset, expected, found)
    assert str(error).splitlines() == [
        f"{path} cannot be read at byte {offset}",
        f"  expected: {expected}",
        f"  found: {found}",
    ]


def test_an_error_reaches_no_further_than_the_innermost_vector() -> None:
    broken = Struct("Two", first=Vector(opaque, 0, 255, holding=Shares), second=uint16)
    field, problems = read_whole(broken, b"\4\0\1\0!" + b"\0\7", "Top")
    assert [problem.path for problem in problems] == ["Top.first.shares.0.group", "Top.first"]
    second = field.find("second")
    assert second is not None
    assert second.value == 7
    undecoded = [f for f in field.walk() if f.name == "undecoded"]
    assert [f.raw for f in undecoded] == [b"\0", b"!"]
    assert all(f.problem for f in undecoded)
    assert b"".join(leaf.raw for leaf in field.leaves()) == b"\4\0\1\0!\0\7"


def test_what_follows_a_piece_that_was_given_up_is_no_second_problem() -> None:
    inner = Struct("Inner", number=uint32)
    outer = Struct("Outer", inner=inner, after=uint8)
    field, problems = read_whole(outer, b"\0\0", "Top")
    assert [problem.path for problem in problems] == ["Top.inner.number"]
    assert [leaf.name for leaf in field.leaves()] == ["undecoded"]


def test_a_length_out_of_bounds_is_a_problem_and_is_read_all_the_same() -> None:
    field, problems = read_whole(Vector(opaque, 1, 4), b"\0", "Top")
    assert len(problems) == 1
    assert "a length from 1 to 4" in field.problem
    assert field.value == b""


def test_a_select_chooses_by_what_was_read_before_or_is_known() -> None:
    kinds = {1: uint8, 2: uint16}
    by_member = Struct("S", kind=uint8, choice=Select("kind", dict(kinds)))
    assert parse(by_member, b"\1\7").children[1].value == 7
    assert parse(by_member, b"\2\0\7").children[1].value == 7
    assert refused(by_member, b"\3\0").path == "Top.choice"
    by_connection = Struct("S", body=Select("version", dict(kinds), rest()))
    assert parse(by_connection, b"\7", known={"version": 1}).children[0].value == 7
    assert parse(by_connection, b"\7", known={"version": 9}).children[0].value == b"\7"


def test_a_structure_may_be_named_by_one_of_its_members() -> None:
    extension = Struct(
        "Extension",
        _named_by="extension_type",
        extension_type=Enum(registry.ExtensionType),
        extension_data=Vector(opaque, 0, 2**16 - 1, holding=Select("extension_type", {10: uint8}, rest())),
    )
    field = parse(Vector(extension, 0, 2**16 - 1), b"\0\5\0\x0a\0\1\7", "extensions")
    assert field.find("supported_groups") is not None
    error = refused(Vector(extension, 0, 2**16 - 1), b"\0\6\0\x0a\0\2\7\7")
    assert error.path == "Top.supported_groups"


def test_what_is_optional_may_be_missing_at_the_end_and_nowhere_else() -> None:
    wanted = Struct("S", first=uint8, second=Optional(uint16))
    assert len(parse(wanted, b"\1").children) == 1
    assert len(parse(wanted, b"\1\0\2").children) == 2
    assert refused(wanted, b"\1\0").path == "Top.second"


def test_a_bounded_value_fills_the_bytes_that_another_field_counts() -> None:
    wanted = Struct("S", length=uint16, body=Bounded("length", rest()), after=uint8)
    assert [f.value for f in parse(wanted, b"\0\2xy\7").children] == [2, b"xy", 7]
    assert refused(wanted, b"\0\5xy\7").expected == "5 bytes"
    assert refused(Struct("S", length=uint16, body=Bounded("length", uint8)), b"\0\2xy").offset == 3


def test_the_same_bytes_may_have_parts_by_an_older_name() -> None:
    random = opaque(4, time=uint16, more=opaque(2))
    field = parse(random, b"\0\1ab", "random")
    assert field.value == b"\0\1ab"
    assert [child.name for child in field.children] == ["time", "more"]
    scheme = Enum(registry.SignatureScheme, hash=registry.HashAlgorithm, signature=registry.SignatureAlgorithm)
    field = parse(scheme, b"\4\3")
    assert [str(f.value) for f in field.walk()] == ["ecdsa_secp256r1_sha256", "sha256", "ecdsa"]


def test_a_value_that_can_only_be_one_is_a_problem_where_it_is_another() -> None:
    field, problems = read_whole(Fixed(uint8, 1), b"\2", "Top")
    assert field.problem == "expected 1, found 2"
    assert [problem.offset for problem in problems] == [0]
    assert refused(Fixed(uint8, 1), b"\2").found == "2"
    assert parse(Fixed(uint8, 1), b"\1").problem == ""


def test_a_reader_stops_at_its_budget() -> None:
    reader = Reader(b"\0\6" + bytes(6), strict=False, budget=3)
    field = reader.whole(Vector(uint8, 0, 2**16 - 1), "many")
    assert len(reader.problems) == 1
    assert [leaf.name for leaf in field.leaves()] == ["length", "0", "1", "2", "undecoded"]


def test_a_field_prints_as_one_line_whatever_it_holds() -> None:
    for data in (b"\x1b[31m\n", bytes(500), b"\xe2\x80\xae"):
        text = repr(parse(rest(), data, "bytes"))
        assert text.isprintable()
        assert len(text) < 120
    assert repr(parse(Shares, SHARES)) == "<Field Shares: Shares, bytes 0 to 16, 1 children>"


class Number:
    """A language of one word: 7."""

    name = "Number"
    optional = False

    def read(self, reader: Reader, name: str) -> Field:
        """Read the word, and find another odd."""
        field = uint8.read(reader, name)
        return field if field.value == 7 else field._replace(problem=reader.note(reader.error("7", str(field.value))))


@pytest.mark.parametrize("strict", [True, False])
def test_what_is_odd_in_another_language_is_its_own(strict: bool) -> None:
    holding = Struct("S", data=Vector(opaque, 0, 255, holding=Foreign(Number())), after=uint8)
    field, problems = read_whole(holding, b"\1\x08\x02", "Top", strict=strict)
    assert problems == []
    odd = field.find("data.contents")
    assert odd is not None
    assert odd.problem == "expected 7, found 8"
    assert field.children[-1].value == 2


def test_what_cannot_be_read_in_another_language_is_a_problem_here_too() -> None:
    holding = Struct("S", data=Vector(opaque, 0, 255, holding=Foreign(uint32)), after=uint8)
    _, problems = read_whole(holding, b"\1\x08\x02", "Top")
    assert [problem.path for problem in problems] == ["Top.data"]
    assert refused(holding, b"\1\x08\x02").path == "Top.data"


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.binary(max_size=40))
def test_a_strict_reader_refuses_just_what_a_lenient_one_has_problems_with(data: bytes) -> None:
    field, problems = read_whole(Shares, data, "Top")
    assert b"".join(leaf.raw for leaf in field.leaves()) == data
    if problems:
        error = refused(Shares, data)
        assert (error.path, error.offset) == (problems[0].path, problems[0].offset)
    else:
        assert parse(Shares, data, "Top") == field
