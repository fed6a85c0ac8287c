"""The command `tlsnotes`: `lab` opens the course in JupyterLab, `check` looks at the machine.

Rules: a learner's file is never written over. The learner's own Jupyter settings are not touched: what the course wants
of JupyterLab goes along on its command line and in its environment, and an option after `--` takes the place of ours.
"""

from __future__ import annotations

import argparse
import filecmp
import importlib.util
import os
import shutil
import subprocess
import sys
import textwrap
import uuid
import webbrowser
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from tlsnotes.errors import TLSNotesError

START = "00-start-here.ipynb"
FOLDER = "tlsnotes-course"
NO_SCREEN = """\
There is no screen here, so no browser opens: the address to open in one comes below. If yours is on another machine,
bring the address there first (PORT is the number in it):  ssh -L PORT:127.0.0.1:PORT THIS-MACHINE"""
# What a run leaves beside the notebooks is the learner's, not the course's.
NOT_THE_COURSE = {"my-files", ".ipynb_checkpoints", "__pycache__"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command. Returns its exit status: 0; 1 where `check` found something to fix; 2 for what cannot be."""
    options, jupyter = _parse(list(sys.argv[1:] if arguments is None else arguments))
    try:
        if options.command == "check":
            return check()
        return lab(options.folder, jupyter)
    except TLSNotesError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _parse(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    # Cut here and not by argparse, whose way with `--` changed between Python versions.
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    parser = argparse.ArgumentParser(
        prog="tlsnotes",
        description="Make the keys, run the server, read your own TLS handshake: a course in notebooks.",
    )
    parser.add_argument("--version", action="version", version=f"tlsnotes {_version()}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="lab | check")
    opens = commands.add_parser(
        "lab",
        help="open the course in JupyterLab",
        usage="tlsnotes lab [FOLDER] [-- OPTION ...]",
        description="Open the course in JupyterLab. With FOLDER, or where tlsnotes was installed from a wheel, the "
        "notebooks are first copied; a file that is already there is kept as it is.",
        epilog="What stands after -- goes on to JupyterLab: tlsnotes lab -- --port 9000",
    )
    opens.add_argument(
        "folder", nargs="?", type=Path, metavar="FOLDER", help=f"where your copy is, or goes (from a wheel: {FOLDER})"
    )
    commands.add_parser("check", help="is this machine ready for the course?")
    options = parser.parse_args(arguments[:cut])
    if options.command != "lab" and arguments[cut + 1 :]:
        parser.error("only lab takes options after --")
    return options, arguments[cut + 1 :]


def _version() -> str:
    try:
        return metadata.version("tlsnotes")
    except metadata.PackageNotFoundError:
        return "(not installed)"


# tlsnotes check


def check() -> int:
    """Print a line for each thing the course needs or can use; 1 where something needed is missing."""
    from tlsnotes.machine import check_machine

    words = {True: "ok", False: "to fix", None: "missing"}
    checks = check_machine()
    width = max(len(found.name) for found in checks)
    for found in checks:
        head = f"{words[found.ok]:8} {found.name:{width}}  "
        # Commands in a line must come through a copy whole, so nothing is broken at a hyphen.
        detail = f"{found.detail} ({found.where})" if found.where else found.detail
        print(textwrap.fill(detail, 118, initial_indent=head, subsequent_indent=" " * len(head),
                            break_long_words=False, break_on_hyphens=False))  # fmt: skip
    failed = [found.name for found in checks if found.ok is False]
    if failed:
        print(f"\nBefore the course can run here, put right: {', '.join(failed)}.")
        return 1
    print("\nThis machine is ready for the course: tlsnotes lab")
    return 0


# tlsnotes lab


def lab(folder: Path | None, jupyter: Sequence[str] = ()) -> int:
    """Open the course in `folder`, copied there first where it must be; `jupyter` goes on to JupyterLab.

    On POSIX this does not return: the process goes on as JupyterLab.
    """
    if importlib.util.find_spec("jupyterlab") is None:
        raise TLSNotesError(
            "JupyterLab is not installed, and the course is read in it.",
            found=f"no module `jupyterlab` for {sys.executable}",
            fix=f"{sys.executable} -m pip install jupyterlab",
        )
    source, in_checkout = course()
    if folder is None:
        folder = source if in_checkout else Path(FOLDER)
    folder = folder.expanduser().absolute()
    if folder.resolve() != source.resolve():
        print(_told(copy_course(source, folder), folder))
    root = getattr(os, "geteuid", lambda: -1)() == 0
    if root:
        print("You are root: JupyterLab is told that this is meant (--allow-root).")
    screen = has_screen()
    print(f"Opening the course in {folder}. Ctrl-C here stops it.")
    if not screen:
        print(NO_SCREEN)
    command = [sys.executable, "-m", "jupyterlab", *settings(folder, jupyter, root=root, screen=screen), *jupyter]
    # A `python3` kernel that some other environment has registered for this user would not know tlsnotes.
    os.environ.setdefault("JUPYTER_PREFER_ENV_PATH", "1")
    # Our defaults for what no option can say: above all that the first start does not ask whether to fetch news.
    paths = [str(Path(__file__).resolve().parent / "jupyter"), os.environ.get("JUPYTER_CONFIG_PATH", "")]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, paths))
    sys.stdout.flush()
    if os.name == "posix":
        # The same process goes on as JupyterLab, so that signals and the terminal are its own.
        os.execv(sys.executable, command)  # noqa: S606  no shell is wanted
    return subprocess.call(command)


def course() -> tuple[Path, bool]:
    """The folder of the course's own notebooks, and whether it is a checkout's, where they are opened in place."""
    package = Path(__file__).resolve().parent
    for folder, in_checkout in ((package / "notebooks", False), (package.parent / "notebooks", True)):
        if (folder / START).is_file() and (not in_checkout or (package.parent / "pyproject.toml").is_file()):
            return folder, in_checkout
    raise TLSNotesError(
        "The notebooks of the course are not there.",
        expected=f"{START} in {package / 'notebooks'} (from a wheel) or in {package.parent / 'notebooks'} (a checkout)",
        found="neither",
        fix="install tlsnotes again, or get the checkout whole",
    )


@dataclass(frozen=True, slots=True)
class Copied:
    """What `copy_course` did, as paths inside the folder: files new there, and files kept because they differ."""

    new: tuple[Path, ...]
    kept: tuple[Path, ...]


def copy_course(source: Path, folder: Path) -> Copied:
    """Copy each file of the course that is not in `folder` yet; what is there stays as it is, whatever it is.

    Raises TLSNotesError where `folder` cannot be made or written.
    """
    new, kept = [], []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(source.rglob("*")):
            inside = path.relative_to(source)
            if NOT_THE_COURSE.intersection(inside.parts) or not path.is_file():
                continue
            target = folder / inside
            target.parent.mkdir(parents=True, exist_ok=True)
            if _create(path, target):
                new.append(inside)
            elif not (target.is_file() and filecmp.cmp(path, target, shallow=False)):
                kept.append(inside)
    except OSError as error:
        raise TLSNotesError(
            f"The course cannot be copied to {folder}.",
            expected="a folder that can be made and written",
            found=f"{error.strerror or error}: {error.filename2 or error.filename or folder}",
            fix="name another folder: tlsnotes lab FOLDER",
        ) from error
    return Copied(tuple(new), tuple(kept))


def _create(source: Path, target: Path) -> bool:
    """Make `target` a whole copy of `source`; False, and nothing done, where something has that name already.

    The copy is made beside the target and then given its name in one step that fails where the name is taken: neither a
    second `tlsnotes lab` nor a full disk can lose or halve a file.
    """
    if os.path.lexists(target):
        return False
    part = target.with_name(f".{target.name}.{uuid.uuid4().hex}.part")
    try:
        with source.open("rb") as reader, part.open("xb") as writer:
            shutil.copyfileobj(reader, writer)
        if os.name == "nt":
            part.rename(target)  # refuses to replace, there
        else:
            os.link(part, target)
    except FileExistsError:
        return False
    except OSError:
        if not part.exists() or part.stat().st_size != source.stat().st_size:
            raise
        return _create_without_links(part, target)
    finally:
        part.unlink(missing_ok=True)
    return True


def _create_without_links(part: Path, target: Path) -> bool:
    """The same for a file system without hard links (a USB stick): exclusive all the same, and undone if it fails."""
    try:
        writer = target.open("xb")
    except FileExistsError:
        return False
    try:
        with writer:
            writer.write(part.read_bytes())
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return True


def _told(copied: Copied, folder: Path) -> str:
    new = f"{_files(len(copied.new))} of the course copied to {folder}." if copied.new else "Nothing new to copy."
    if not copied.kept:
        return new
    return f"{new} {_files(len(copied.kept))} kept as you left them: {', '.join(map(str, copied.kept))}."


def _files(number: int) -> str:
    return f"{number} file{'' if number == 1 else 's'}"


def settings(folder: Path, jupyter: Sequence[str] = (), *, root: bool = False, screen: bool = True) -> list[str]:
    """What JupyterLab is told, but for what the learner tells it: given twice, an option is an error there."""
    ours = {
        "root_dir": f"--ServerApp.root_dir={folder}",
        "ip": "--ServerApp.ip=127.0.0.1",
        "default_url": f"--LabApp.default_url=/lab/tree/{START}",
        # Errors and the address, without forty lines of what was loaded (`-- --debug` has them).
        "log_level": "--Application.log_level=ERROR",
        # The wire between JupyterLab and a notebook's kernel is encrypted where both can; else each kernel warns of it.
        "transport_encryption": "--KernelManager.transport_encryption=auto",
        # Nothing of the course leaves the machine: no news, no look for updates, no list of extensions from an index.
        "news_url": "--LabApp.news_url=None",
        "check_for_updates_class": "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "extension_manager": "--LabApp.extension_manager=readonly",
    }
    if root:
        ours["allow_root"] = "--allow-root"
    if not screen:
        ours["no_browser"] = "--no-browser"
    given = {option.lstrip("-").split("=")[0].rpartition(".")[2].replace("-", "_") for option in jupyter}
    aliases = {"debug": "log_level", "notebook_dir": "root_dir", "preferred_dir": "root_dir"}
    given |= {aliases[name] for name in given & aliases.keys()}
    return [option for name, option in ours.items() if name not in given]


def has_screen() -> bool:
    """Whether a browser that this process starts has somewhere to appear."""
    if os.environ.get("BROWSER"):
        return True  # named by the learner, or by an editor that shows it elsewhere
    if sys.platform.startswith("linux"):
        # A Linux inside Windows opens Windows's browser.
        display = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"))
    else:
        display = not os.environ.get("SSH_CONNECTION")
    if not display:
        return False
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return False
    # The class of lynx, w3m and links, which would take over this terminal and cannot show JupyterLab.
    return type(browser) is not webbrowser.GenericBrowser
