"""pyproject.toml, environment.yml and constraints.txt say the same, and make keeps its promises."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from needs import ROOT, need
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))
CONSTRAINTS = (ROOT / "constraints.txt").read_text("utf-8")
LOCKS = re.compile(r"(^|/)(uv|poetry|pdm|Pipfile|pixi|yarn|package-lock|conda-lock|pnpm-lock)\.(lock|json|ya?ml)$")


def by_name(requirements: list[str]) -> dict[str, SpecifierSet]:
    """The range of each requirement, by the name as indexes compare it."""
    parsed = [Requirement(text) for text in requirements]
    return {canonicalize_name(one.name): one.specifier for one in parsed}


def constrained() -> list[Requirement]:
    lines = (line.partition("#")[0].strip() for line in CONSTRAINTS.splitlines())
    return [Requirement(line) for line in lines if line]


RUN_TIME = by_name(PROJECT["project"]["dependencies"])
EXTRAS = by_name([text for extra in PROJECT["project"]["optional-dependencies"].values() for text in extra])
BUILD = by_name(PROJECT["build-system"]["requires"])


def test_conda_installs_what_pip_installs_in_the_same_ranges() -> None:
    packages = by_name([entry for entry in CONDA["dependencies"] if isinstance(entry, str)])
    assert packages.pop("python") == SpecifierSet(PROJECT["project"]["requires-python"])
    assert packages.pop("pip") == SpecifierSet()
    assert packages == RUN_TIME


def test_conda_installs_the_checkout_itself_and_takes_nothing_else_from_pip() -> None:
    assert [entry["pip"] for entry in CONDA["dependencies"] if isinstance(entry, dict)] == [["-e ."]]
    assert CONDA["name"] == PROJECT["project"]["name"]
    assert CONDA["channels"] == ["conda-forge", "nodefaults"]


@pytest.mark.parametrize(("name", "allowed"), [*RUN_TIME.items(), *EXTRAS.items(), *BUILD.items()])
def test_each_dependency_is_constrained_to_a_version_within_its_range(name: str, allowed: SpecifierSet) -> None:
    versions = [one.specifier for one in constrained() if canonicalize_name(one.name) == name]
    assert versions, f"{name} has no line in constraints.txt: run `make constraints`"
    for specifier in versions:
        assert str(specifier).removeprefix("==") in allowed


def test_the_build_backend_of_the_tests_is_that_of_the_package() -> None:
    assert {name: EXTRAS[name] for name in BUILD} == BUILD


def test_constraints_are_exact_and_one_for_every_system() -> None:
    for one in constrained():
        assert re.fullmatch(r"==[^*,]+", str(one.specifier)), one
        assert Version(str(one.specifier).removeprefix("=="))
        assert not one.extras, f"pip takes no extras in constraints: {one}"
        assert one.url is None, one
    # What only one system needs is there with its marker, wherever the file was made.
    markers = {one.name: str(one.marker) for one in constrained()}
    assert "win32" in markers["colorama"]
    assert "darwin" in markers["appnope"]


def test_the_set_up_names_no_host_and_no_folder_of_one_machine() -> None:
    PROJECT["project"].pop("urls", None)  # the project's own home is meant to be named
    for text in (CONSTRAINTS, str(CONDA), str(PROJECT)):
        assert "://" not in text
        assert not re.search(r"(?<![\w.*])(/(home|root|Users|opt|tmp|var|mnt|work)/|[A-Z]:\\)", text)


def test_no_lock_file_that_names_an_index_is_committed() -> None:
    if not (git := shutil.which("git")) or not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout, so nothing is committed")
    listed = subprocess.run([git, "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    locks = [name for name in listed if LOCKS.search(name) and "://" in (ROOT / name).read_text("utf-8")]
    assert locks == []


# make


def make(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        [need("make"), *arguments],
        cwd=folder,
        env=inherited | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder with what `make` reads, its name with a space in it."""
    folder = tmp_path / "my course"
    folder.mkdir()
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, folder)
    return folder


def test_make_alone_explains_itself(copy: Path) -> None:
    helped = make(copy)
    assert helped.returncode == 0
    assert "make lab" in helped.stdout
    assert "make test" in helped.stdout
    assert not (copy / ".venv").exists()


def test_make_says_what_to_install_where_no_python_is_new_enough(copy: Path, tmp_path: Path) -> None:
    """Nor is one that is there but does not run, as pyenv's shims and macOS's placeholder do not."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sh", "cat", "rm", "pwd"):
        (programs / name).symlink_to(need(name))
    placeholder = programs / "python3"
    placeholder.write_text("#!/bin/sh\necho 'python3: not chosen' >&2\nexit 127\n")
    placeholder.chmod(0o755)
    refused = make(copy, "lab", PATH=str(programs))
    assert refused.returncode != 0
    assert "No Python >= 3.11" in refused.stderr
    assert "apt install python3 python3-venv" in refused.stderr
    assert "not chosen" not in refused.stderr
    assert not (copy / ".venv").exists()


def test_make_takes_no_other_python_than_the_one_it_is_given(copy: Path) -> None:
    refused = make(copy, "lab", "PYTHON=/nowhere/python3.12")
    assert refused.returncode != 0
    assert "PYTHON=/nowhere/python3.12 is no Python >= 3.11" in refused.stderr
    assert not (copy / ".venv").exists()


def test_an_install_that_fails_is_tried_again_the_next_time(copy: Path) -> None:
    """Here from a .venv whose making was interrupted before it had pip."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", copy / ".venv"], check=True)
    for _ in range(2):
        failed = make(copy, "lab", f"PYTHON={sys.executable}", PIP_NO_INDEX="1", PIP_FIND_LINKS=str(copy))
        assert failed.returncode != 0
        assert "Installing" in failed.stdout
        assert list((copy / ".venv").glob(".installed-*")) == []
        assert "No module named pip" not in failed.stderr


def installed(folder: Path, *, at: Path) -> Path:
    """Make `folder` look as after `make test` in the folder `at`."""
    (folder / ".venv" / "bin").mkdir(parents=True)
    # Not a link: a Python that is called by one looks for its packages beside the link.
    python = folder / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    (folder / ".venv" / ".place").write_text(f"{at.resolve()}\n")
    for name in (".installed-lab", ".installed-test"):
        (folder / ".venv" / name).touch()
    return folder / ".venv" / ".installed-test"


def test_a_second_run_installs_nothing(copy: Path) -> None:
    stamp = installed(copy, at=copy)
    again = make(copy, "test", "ARGS=--version")
    assert again.returncode == 0, again.stderr
    assert "Installing" not in again.stdout
    assert stamp.exists()


@pytest.mark.parametrize("changed", ["pyproject.toml", "constraints.txt"])
def test_a_change_of_the_set_up_is_installed(copy: Path, changed: str) -> None:
    stamp = installed(copy, at=copy)
    later = stamp.stat().st_mtime + 10
    os.utime(copy / changed, (later, later))
    assert "pip install" in make(copy, "--dry-run", "test").stdout


def test_a_folder_that_was_moved_is_installed_again(copy: Path, tmp_path: Path) -> None:
    """Otherwise its .venv would run the package of the folder it came from."""
    stamp = installed(copy, at=tmp_path)
    make(copy, "settled")
    assert not stamp.exists()


def test_the_list_in_security_md_is_of_the_versions_in_constraints_txt() -> None:
    page = (ROOT / "SECURITY.md").read_text("utf-8")
    listed = dict(re.findall(r"^\| ([a-z0-9-]+) \| (\S+) \| \d{4}-\d{2}-\d{2} \|$", page, re.MULTILINE))
    versions = {(canonicalize_name(one.name), str(one.specifier).removeprefix("==")) for one in constrained()}
    assert {*listed.items()} - versions == set(), "run `make audit`"
    assert {*RUN_TIME} <= {*listed}


def test_every_test_that_security_md_names_is_there() -> None:
    named = re.findall(r"`(tests/\w+\.py)`", (ROOT / "SECURITY.md").read_text("utf-8"))
    assert len(named) > 8
    assert [name for name in named if not (ROOT / name).is_file()] == []
