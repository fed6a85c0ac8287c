"""The benchmarks compare like with like, and compute what they say. How fast anything is, is not judged here."""

from __future__ import annotations

import ssl
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec

import pytest
from needs import ROOT, need

from benchmarks import __main__ as command
from benchmarks import dissecting, explorer, issuing, judging, processes, scapy_reader, serving
from benchmarks.connections import SMALL_RECORD, Connection, Kind, connection
from benchmarks.reading import NotComparableError, Reading, TLSNotes, must_be_equal
from benchmarks.rows import HEAD, Result, Row, faster, longer, over, summary, table
from benchmarks.timing import Sample, in_turn
from tlsnotes.programs import find_program
from tlsnotes.wire.handshake import Handshake
from tlsnotes.wire.registry import ContentType, HandshakeType

SMALL = Kind(3_000, keys="ecdsa-p256")
FAST, SLOW = Sample([0.001, 0.002, 0.004]), Sample([0.010, 0.018, 0.042])


@pytest.fixture(scope="module")
def small() -> Connection:
    return connection(SMALL)


# What is read


def test_a_connection_has_the_size_that_was_asked_for() -> None:
    for kind in (Kind(6_000, keys="ecdsa-p256"), Kind(20_000, "TLS 1.2", "ecdsa-p256", record=SMALL_RECORD)):
        assert abs(connection(kind).size - kind.size) < 20


@pytest.mark.parametrize("version", ["TLS 1.3", "TLS 1.2"])
def test_a_connection_is_of_its_version_and_brings_a_chain_of_two(version: str) -> None:
    made = connection(replace(SMALL, version=version))
    handshake = TLSNotes().read(made)
    assert handshake.version == version
    assert handshake.outcome == "established"
    certificate = next(m for m in handshake.messages if m.type == HandshakeType.certificate)
    assert sum(field.type == "TBSCertificate" for field in certificate.field.walk()) == 2
    assert made.keylog.splitlines()


def test_in_a_mutual_one_the_client_shows_a_chain_as_well() -> None:
    handshake = TLSNotes().read(connection(replace(SMALL, mutual=True)))
    assert handshake.client_authenticated


def test_a_long_answer_comes_in_records_of_the_size_asked_for() -> None:
    handshake = TLSNotes().read(connection(Kind(20_000, keys="ecdsa-p256", record=SMALL_RECORD)))
    data = [len(m.raw) for m in handshake.messages if m.content_type == ContentType.application_data]
    assert data.count(SMALL_RECORD) > 10
    assert max(data) == SMALL_RECORD


# Like with like


class Peer(TLSNotes):
    """A reader that has read `without` some messages of the client."""

    name = "another"

    def __init__(self, without: int = 0) -> None:
        self._without = without

    def reading(self, made: Handshake) -> Reading:
        """Say what it has read."""
        reading = super().reading(made)
        return Reading({**reading.messages, "C": reading.messages["C"][self._without :]}, reading.data)


def test_a_peer_that_has_read_the_same_is_compared(small: Connection) -> None:
    row = dissecting.compare("one", small, Peer(), 3, target=0.0)
    assert row.met
    assert row.size == small.size
    ours, theirs = row.messages.split(" / ")
    assert ours == theirs == str(len(TLSNotes().read(small).messages))


def test_a_peer_that_has_read_less_is_not_compared(small: Connection) -> None:
    with pytest.raises(NotComparableError, match="another"):
        dissecting.compare("one", small, Peer(without=1), 3)
    assert dissecting.compare("one", small, Peer(without=1), 3, same=False).result


def test_other_data_is_other_work(small: Connection) -> None:
    reading = TLSNotes().reading(TLSNotes().read(small))
    must_be_equal(reading, reading, "itself")
    with pytest.raises(NotComparableError):
        must_be_equal(reading, replace(reading, data={**reading.data, "S": b""}), "another")


def test_ours_counts_only_where_every_check_holds(small: Connection) -> None:
    with pytest.raises(NotComparableError, match="the key log has no"):
        TLSNotes().reading(TLSNotes().read(replace(small, keylog="")))


# What is computed


def test_jobs_take_turns_in_blocks_after_a_warm_up() -> None:
    ran: list[str] = []

    def clock(job: Callable[[], object]) -> float:
        job()
        return float(len(ran))

    ours, theirs = in_turn(lambda: ran.append("a"), lambda: ran.append("b"), 3, block=2, seconds_of=clock)
    assert "".join(ran) == "abab" + "aabb" + "ab"
    assert (ours.seconds, theirs.seconds) == ([5, 6, 9], [7, 8, 10])


def test_the_result_is_the_median_over_the_runs() -> None:
    assert faster(FAST, SLOW).value == pytest.approx(10)
    assert over(SLOW, FAST).value == pytest.approx(16)
    assert (FAST.minimum, FAST.median) == (0.001, 0.002)


@pytest.mark.parametrize(
    ("result", "target", "met"),
    [
        (Result(8.0, "x"), 8.0, True),
        (Result(7.9, "x"), 8.0, False),
        (Result(30.0, "ms over"), 30.0, True),
        (Result(30.1, "ms over"), 30.0, False),
        (Result(1.0, "x"), None, None),
        (None, 8.0, False),
    ],
)
def test_a_target_is_met_or_missed(result: Result | None, target: float | None, met: bool | None) -> None:
    assert Row("one", "peer", result=result, target=target).met is met


def test_the_table_has_a_line_for_each_row_with_its_figures() -> None:
    row = Row("dissect/4kB", "scapy", FAST, SLOW, faster(FAST, SLOW), 8.0, 4_000, "16 / 16")
    lines = table([row, Row("process/4kB", "tshark is not installed")]).splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert cells[0] == list(HEAD)
    assert cells[2] == [
        *["dissect/4kB", "16 / 16", "4.0", "1.00, 2.00", "0.500", "scapy", "10.00, 18.00"],
        *["10.0 x", "at least 8 x", "yes"],
    ]
    assert cells[3][5] == "tshark is not installed"
    assert len({len(line) for line in lines}) == 1


def test_the_summary_names_what_is_missed_and_why() -> None:
    met = Row("a", "peer", result=Result(9, "x"), target=8)
    assert summary([met]) == "All 1 targets are met."
    said = summary([met, Row("b", "peer", result=Result(7, "x"), target=8), Row("c", "not compared", why="other data")])
    assert said.splitlines() == ["Missed:", "- b", "- c (other data)"]


# The command


def answering(row: Row) -> Callable[[int], Row]:
    return lambda _runs: row


@pytest.mark.parametrize(("value", "status"), [(9.0, 0), (7.0, 1)])
def test_the_command_ends_with_1_where_a_target_is_missed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], value: float, status: int
) -> None:
    row = Row("dissect/one", "peer", result=Result(value, "x"), target=8.0)
    monkeypatch.setattr(command, "BENCHMARKS", {"dissect/one": answering(row), "import/two": answering(Row("two", ""))})
    assert command.main(["dissect"]) == status
    printed = capsys.readouterr().out
    assert "dissect/one" in printed
    assert "two" not in printed
    assert "Python 3." in printed


def test_a_row_that_cannot_be_compared_does_not_keep_the_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(_runs: int) -> Row:
        raise NotComparableError("other data")

    monkeypatch.setattr(command, "BENCHMARKS", {"one": fails, "two": answering(Row("two", "peer"))})
    assert command.main([]) == 1
    printed = capsys.readouterr().out
    assert "- one (other data)" in printed
    assert "two" in printed


def test_a_row_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(["no-such-row"])
    assert ended.value.code == 2
    assert "dissect/4kB" in capsys.readouterr().err


def test_without_scapy_its_rows_say_so_and_their_target_is_not_met(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scapy_reader, "installed", False)
    row = dissecting.against_scapy("4kB", 1)
    assert "not installed" in row.peer
    assert row.met is False


def test_the_command_measures_real_rows() -> None:
    """In its own process: scapy, where it is there, changes the one it is in."""
    arguments = [sys.executable, "-m", "benchmarks", "--runs=1", "dissect/4kB", "process/4kB", "import/wire"]
    ran = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    rows = {line.split("|")[1].strip(): line for line in ran.stdout.splitlines() if line.startswith("| ")}
    assert set(rows) == {"row", "dissect/4kB", "dissect/4kB-no-keys", "process/4kB", "import/wire"}, ran.stderr
    assert ("16 / 16" if find_spec("scapy") else "scapy is not installed") in rows["dissect/4kB"]
    assert ("9 / 9" if find_program("tshark") else "tshark is not installed") in rows["process/4kB"]
    assert "ms" in rows["import/wire"]


def test_the_payload_of_the_explorer_is_measured_in_kilobytes_and_judged() -> None:
    row = explorer.payload(1)
    assert row.result is not None
    assert row.result.unit == "kB"
    assert 20 < row.result.value < 300
    assert row.met
    assert replace(row, target=row.result.value / 2).met is False
    assert "at most 300 kB" in row.cells()


@pytest.mark.browser
def test_the_first_paint_of_the_explorer_is_measured_in_a_real_page() -> None:
    needed = find_program("chromium")
    row = explorer.first_paint(2)
    assert (row.result is not None) == bool(needed)
    if row.ours:
        assert len(row.ours.seconds) == 2
        assert all(0.001 < seconds < 30 for seconds in row.ours.seconds)


# The other rows, for real and as briefly as it goes


def test_a_result_of_times_as_long_is_better_the_smaller_it_is() -> None:
    result = longer(FAST, SLOW)
    assert str(result) == "0.10 times"
    assert result.reaches(0.2)
    assert not longer(SLOW, FAST).reaches(1.3)
    assert "at most 1.3 times" in Row("issue", "trustme", FAST, SLOW, result, 1.3).cells()


def test_chains_are_issued_that_hold_and_ours_is_faster_than_three_processes() -> None:
    need("openssl")
    row = issuing.against_openssl(2)
    assert row.result is not None
    assert row.result.value > 1


def test_a_chain_that_does_not_hold_is_not_compared() -> None:
    stranger = issuing.ours()[0]
    with pytest.raises(NotComparableError, match="does not hold"):
        issuing._must_hold(lambda: (stranger, *issuing.ours()[1:]))


def test_the_judge_and_pyca_agree_about_the_chain_that_is_timed() -> None:
    assert judging.against_pyca(2).messages.endswith("checks")


@pytest.mark.parametrize("row", [serving.against_stdlib, serving.against_unrecorded])
def test_servers_are_timed_by_real_requests(row: Callable[[int], Row]) -> None:
    made = row(1)
    assert made.ours is not None
    assert made.theirs is not None
    assert len(made.ours.seconds) == len(made.theirs.seconds) == 5


def test_another_answer_is_other_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "ANSWER", b"something else")
    with pytest.raises(NotComparableError, match="another answer"):
        serving.against_stdlib(1)


def test_the_server_that_is_called_unrecorded_records_nothing() -> None:
    shown = serving.UNRECORDED.replace("sys.stdin.read()", "sys.stdin.readline(); print(server.last, flush=True)")
    with (
        serving._credential() as folder,
        subprocess.Popen(
            [sys.executable, "-c", shown, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        ) as process,
    ):
        assert process.stdout is not None
        port = int(process.stdout.readline())
        serving._asking(port, ssl.create_default_context(cafile=folder / "fullchain.pem"))()
        said, _ = process.communicate("\n", timeout=10)
    assert "established, 0 bytes in 0 segments" in said


def test_importing_tlsnotes_is_timed_with_nothing_heavy_loaded() -> None:
    row = processes.import_tlsnotes(2)
    assert row.target == 1.5
    assert row.result is not None
