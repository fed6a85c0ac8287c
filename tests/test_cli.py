"""The command `tlsnotes lab`: the course is opened where it is, or copied first, and a learner's file is never lost."""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from needs import ROOT

from tlsnotes import cli
from tlsnotes.errors import TLSNotesError

# JupyterLab says its version and ends: everything before it has then happened for real.
ONLY_THE_VERSION = ("--", "--version")


def tlsnotes(*arguments: str, cwd: Path, package: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, run from the package found in the folder `package`."""
    return subprocess.run(
        [sys.executable, "-m", "tlsnotes", *arguments],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(package)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built by the backend of pyproject.toml from a copy of the checkout in which a learner has worked."""
    folder = tmp_path_factory.mktemp("wheel")
    ignored = shutil.ignore_patterns(".*", "build", "dist", "__pycache__", "my-files", "shots")
    shutil.copytree(ROOT, folder / "checkout", ignore=ignored)
    for left in ("my-files/server.key", ".ipynb_checkpoints/00-start-here-checkpoint.ipynb"):
        (folder / "checkout" / "notebooks" / left).parent.mkdir(exist_ok=True)
        (folder / "checkout" / "notebooks" / left).write_text("left behind")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    built = subprocess.run(command, cwd=folder / "checkout", capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What installing the wheel lays down: a pure wheel's files as they are."""
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A small course: two notebooks, a picture in a folder, and what a run left."""
    folder = tmp_path / "source"
    for name in (
        cli.START,
        "07-mutual-tls.ipynb",
        "pictures/chain.svg",
        "my-files/client.key",
        ".ipynb_checkpoints/x.ipynb",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"the course's {name}\n" * 1000)
    return folder


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def course_files(folder: Path) -> set[str]:
    inside = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {str(path) for path in inside if not cli.NOT_THE_COURSE.intersection(path.parts)}


# From a wheel


def test_the_wheel_carries_the_course_and_nothing_that_a_learner_left(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    carried = {name.removeprefix("tlsnotes/notebooks/") for name in names if name.startswith("tlsnotes/notebooks/")}
    assert carried == course_files(ROOT / "notebooks")
    assert cli.START in carried
    assert {name.split("/")[0] for name in names} == {
        "tlsnotes",
        *(n.split("/")[0] for n in names if ".dist-info/" in n),
    }
    assert {"tlsnotes/py.typed", "tlsnotes/jupyter/labconfig/default_setting_overrides.json"} <= set(names)


def test_lab_from_a_wheel_copies_the_course_into_its_own_folder(installed: Path, tmp_path: Path) -> None:
    ran = tlsnotes("lab", *ONLY_THE_VERSION, cwd=tmp_path, package=installed)
    assert ran.returncode == 0, ran.stderr
    assert course_files(tmp_path / cli.FOLDER) == course_files(ROOT / "notebooks")
    assert f"Opening the course in {tmp_path / cli.FOLDER}." in ran.stdout


def test_lab_never_overwrites_a_learners_file(installed: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / cli.START).write_text("what I wrote")
    (mine / "notes.txt").write_text("mine alone")
    for _ in range(2):
        ran = tlsnotes("lab", "mine", *ONLY_THE_VERSION, cwd=tmp_path, package=installed)
        assert ran.returncode == 0, ran.stderr
        assert f"1 file kept as you left them: {cli.START}." in ran.stdout
    assert (mine / cli.START).read_text() == "what I wrote"
    assert (mine / "notes.txt").read_text() == "mine alone"
    assert "Nothing new to copy." in ran.stdout


def test_lab_does_not_take_a_file_for_a_folder(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file")
    for name in ("file", "file/below"):
        ran = tlsnotes("lab", name, *ONLY_THE_VERSION, cwd=tmp_path, package=installed)
        assert ran.returncode == 2
        assert ran.stderr.startswith(f"The course cannot be copied to {tmp_path / name}.")
        assert "what to do: name another folder: tlsnotes lab FOLDER" in ran.stderr
        assert "Traceback" not in ran.stderr
    assert (tmp_path / "file").read_text() == "a file"


# From a checkout


def test_lab_in_a_checkout_opens_its_notebooks_in_place(tmp_path: Path) -> None:
    ran = tlsnotes("lab", *ONLY_THE_VERSION, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert f"Opening the course in {ROOT / 'notebooks'}." in ran.stdout
    assert list(tmp_path.iterdir()) == []


def test_lab_in_a_checkout_copies_to_a_folder_that_is_named(tmp_path: Path) -> None:
    ran = tlsnotes("lab", "a class/of mine", *ONLY_THE_VERSION, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert course_files(tmp_path / "a class" / "of mine") == course_files(ROOT / "notebooks")


# The copy


def test_a_copy_is_whole_and_leaves_nothing_beside_it(course: Path, tmp_path: Path) -> None:
    copied = cli.copy_course(course, tmp_path / "copy")
    assert [str(path) for path in copied.new] == [cli.START, "07-mutual-tls.ipynb", str(Path("pictures/chain.svg"))]
    assert copied.kept == ()
    assert contents(tmp_path / "copy") == {name: contents(course)[name] for name in map(str, copied.new)}


def test_copies_made_at_once_make_each_file_once(course: Path, tmp_path: Path) -> None:
    together = threading.Barrier(8)

    def copy(_: int) -> cli.Copied:
        together.wait()
        return cli.copy_course(course, tmp_path / "copy")

    with ThreadPoolExecutor(8) as pool:
        copies = list(pool.map(copy, range(8)))
    assert sorted(path for copied in copies for path in copied.new) == sorted(
        cli.copy_course(course, tmp_path / "2").new
    )
    assert all(copied.kept == () for copied in copies)
    assert contents(tmp_path / "copy") == contents(tmp_path / "2")


def test_a_disk_that_fills_up_leaves_no_half_a_file(
    course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(reader: object, writer: object) -> None:
        writer.write(reader.read(100))  # type: ignore[attr-defined]
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", fill)
    with pytest.raises(TLSNotesError, match="No space left on device"):
        cli.copy_course(course, tmp_path / "copy")
    assert contents(tmp_path / "copy") == {}


@pytest.mark.skipif(os.name == "nt", reason="Windows has an exclusive rename and needs no hard link")
def test_a_file_system_without_hard_links_gets_the_same_copy(
    course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / cli.START).write_text("what I wrote")
    copied = cli.copy_course(course, tmp_path / "copy")
    assert [str(path) for path in copied.kept] == [cli.START]
    expected = {str(path): contents(course)[str(path)] for path in copied.new} | {cli.START: "what I wrote"}
    assert contents(tmp_path / "copy") == expected


def test_a_name_that_is_taken_by_a_folder_is_kept(course: Path, tmp_path: Path) -> None:
    (tmp_path / "copy" / cli.START).mkdir(parents=True)
    assert [str(path) for path in cli.copy_course(course, tmp_path / "copy").kept] == [cli.START]


# The command itself


def test_without_jupyterlab_lab_says_how_to_get_it(tmp_path: Path) -> None:
    """`-S`: a Python without its site-packages."""
    ran = subprocess.run(
        [sys.executable, "-S", "-m", "tlsnotes", "lab"],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 2
    assert ran.stderr.startswith("JupyterLab is not installed")
    assert "-m pip install jupyterlab" in ran.stderr


def test_a_package_that_lost_its_notebooks_says_so(installed: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(installed, broken)
    shutil.rmtree(broken / "tlsnotes" / "notebooks")
    ran = tlsnotes("lab", cwd=tmp_path, package=broken)
    assert ran.returncode == 2
    assert ran.stderr.startswith("The notebooks of the course are not there.")


def test_the_command_says_its_version(tmp_path: Path) -> None:
    ran = tlsnotes("--version", cwd=tmp_path)
    assert re.fullmatch(r"tlsnotes \d+\.\d+\S*\n", ran.stdout)


@pytest.mark.parametrize("arguments", [(), ("teach",), ("check", "--", "--port=1"), ("lab", "a", "b")])
def test_what_the_command_does_not_know_it_refuses_with_its_usage(arguments: tuple[str, ...], tmp_path: Path) -> None:
    ran = tlsnotes(*arguments, cwd=tmp_path)
    assert ran.returncode == 2
    assert ran.stderr.startswith("usage: tlsnotes")


def test_the_command_starts_without_loading_what_it_may_not_need() -> None:
    loads = "import sys, tlsnotes.cli; print({'cryptography', 'jupyterlab', 'requests', 'IPython'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", loads], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout == "set()\n"
