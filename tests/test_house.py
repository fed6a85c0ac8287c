"""The house holds: imports only go down, every room says what it is for, and looking in costs nothing."""

from __future__ import annotations

import ast
import graphlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import tlsnotes

PACKAGE = Path(tlsnotes.__file__).resolve().parent
# What the package's own name brings in, and what starts it, stand on the roof: nobody below may look up to them.
FLOORS = {"errors": 0, "checks": 0, "programs": 0, "wire": 1, "pki": 2, "live": 3, "show": 4, "learn": 5}
ROOF = {"tlsnotes", "machine", "cli", "__main__"}
# wire turns bytes into meaning, wherever they come from: it opens, connects and shows nothing.
NOT_IN_WIRE = {
    *("IPython", "anywidget", "asyncio", "http", "io", "ipywidgets", "multiprocessing", "os", "pathlib", "requests"),
    *(
        "select",
        "selectors",
        "shutil",
        "socket",
        "socketserver",
        "ssl",
        "subprocess",
        "tempfile",
        "threading",
        "urllib",
    ),
}
HEAVY = ("matplotlib", "ipywidgets", "anywidget", "IPython", "requests", "cryptography", "ssl", "jupyterlab", "numpy")


def dotted(path: Path) -> str:
    parts = ("tlsnotes", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


# The notebooks stand inside the package in a wheel; what they hold is no module.
SOURCES = {
    dotted(path): path.read_text("utf-8")
    for path in sorted(PACKAGE.rglob("*.py"))
    if "notebooks" not in path.relative_to(PACKAGE).parts
}
TREES = {module: ast.parse(source) for module, source in SOURCES.items()}
WRITTEN = [module for module, source in SOURCES.items() if source.strip()]  # an empty __init__.py has nothing to say


def package_of(module: str) -> list[str]:
    parts = module.split(".")
    return parts if (PACKAGE.joinpath(*parts[1:]) / "__init__.py").is_file() else parts[:-1]


def imported(module: str, nodes: Iterator[ast.AST] | None = None) -> Iterator[str]:
    """Every module that a module imports, wherever in it; modules named as text, for a later import, count too."""
    for node in ast.walk(TREES[module]) if nodes is None else nodes:
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=source, names=names, level=level):
                package = package_of(module)
                prefix = package[: len(package) - level + 1] if level else []
                origin = ".".join([*prefix, *([source] if source else [])])
                yield from (f"{origin}.{n.name}" if f"{origin}.{n.name}" in SOURCES else origin for n in names)
            case ast.Constant(value=str(text)) if re.fullmatch(r"tlsnotes(\.\w+)+", text):
                yield text


def room(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else parts[0]


def ours(module: str) -> set[str]:
    return {name for name in imported(module) if room(name) and name.split(".")[0] == "tlsnotes"}


def test_the_walk_sees_every_way_to_import() -> None:
    """What the other tests stand on: a walk that saw nothing would pass them all."""
    assert "tlsnotes.errors" in set(imported("tlsnotes.cli"))
    assert "tlsnotes.machine" in set(imported("tlsnotes.cli")), "an import inside a function"
    assert "tlsnotes.pki.profile" in set(imported("tlsnotes.pki.authority")), "a module imported from its package"
    assert "tlsnotes.live.recording" in set(imported("tlsnotes.show.display")), "a module named as text"
    relative = ast.parse("from ..live import server\nfrom . import keys")
    assert set(imported("tlsnotes.pki.names", ast.walk(relative))) == {"tlsnotes.live.server", "tlsnotes.pki.keys"}


@pytest.mark.parametrize("module", [module for module in SOURCES if room(module) not in ROOF])
def test_imports_only_go_down(module: str) -> None:
    floor = FLOORS[room(module)]
    up = {name for name in ours(module) if room(name) in ROOF or FLOORS[room(name)] > floor}
    assert not up, f"{module} is on floor {floor} and reaches up to {sorted(up)}"


def test_every_room_is_on_the_plan() -> None:
    assert {room(module) for module in SOURCES} <= {*FLOORS, *ROOF}


def test_the_look_at_the_machine_needs_nothing_of_the_house_but_its_ground() -> None:
    """It must run where half of the rest cannot be imported."""
    assert ours("tlsnotes.machine") == {"tlsnotes.checks", "tlsnotes.programs"}


def test_no_module_imports_itself_round_a_corner() -> None:
    graph = {module: ours(module) - {module} for module in SOURCES if module != "tlsnotes"}
    graphlib.TopologicalSorter(graph).prepare()


@pytest.mark.parametrize("module", [module for module in SOURCES if room(module) == "wire"])
def test_wire_touches_no_socket_no_file_and_no_screen(module: str) -> None:
    roots = {name.split(".")[0] for name in imported(module)}
    assert not roots & NOT_IN_WIRE
    called = {
        node.func.id
        for node in ast.walk(TREES[module])
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not called & {"open", "print", "input", "__import__"}


@pytest.mark.parametrize("module", WRITTEN)
def test_every_module_opens_with_what_it_is_for(module: str) -> None:
    assert ast.get_docstring(TREES[module])


def public_definitions(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    for node in tree.body:
        if isinstance(node, kinds) and not node.name.startswith("_"):
            yield node.name, node
            if isinstance(node, ast.ClassDef):
                members = (member for member in node.body if isinstance(member, kinds))
                yield from ((f"{node.name}.{m.name}", m) for m in members if not m.name.startswith("_"))


@pytest.mark.parametrize("module", WRITTEN)
def test_everything_public_has_a_docstring(module: str) -> None:
    bare = [name for name, node in public_definitions(TREES[module]) if not ast.get_docstring(node)]
    assert not bare


@pytest.mark.parametrize("module", WRITTEN)
def test_a_module_can_be_read_in_one_sitting(module: str) -> None:
    assert len(SOURCES[module].splitlines()) < 400


# From the street


def in_a_new_python(code: str) -> str:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def test_importing_tlsnotes_loads_nothing_heavy() -> None:
    # A new Python may have some already, from the site's own .pth files: what counts is what the import adds.
    code = "import sys; before = set(sys.modules); import tlsnotes; print(*sorted(set(sys.modules) - before))"
    added = in_a_new_python(code).split()
    assert "tlsnotes" in added
    assert not {name for name in added if name.split(".")[0] in HEAVY}
    assert [name for name in added if name.startswith("tlsnotes.")] == []


def test_every_public_name_resolves_and_is_listed() -> None:
    assert tlsnotes.__all__
    assert set(tlsnotes.__all__) <= set(dir(tlsnotes))
    missing = [name for name in tlsnotes.__all__ if getattr(tlsnotes, name, None) is None]
    assert not missing


def test_every_public_name_comes_with_a_star_import() -> None:
    code = "from tlsnotes import *; print(*sorted(name for name in globals() if not name.startswith('__')))"
    assert set(in_a_new_python(code).split()) == set(tlsnotes.__all__)


def test_dir_lists_the_names_before_any_has_been_used() -> None:
    listed = in_a_new_python("import tlsnotes; print(*dir(tlsnotes))").split()
    assert set(tlsnotes.__all__) <= set(listed)
    assert listed == sorted(listed)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = tlsnotes.no_such_name


def test_a_public_name_is_the_one_of_its_module() -> None:
    from tlsnotes.pki.authority import Authority  # noqa: PLC0415  # after the lazy one, which must be the same

    assert tlsnotes.Authority is Authority


def test_an_error_says_what_expected_found_and_what_to_do_in_that_order() -> None:
    error = tlsnotes.TLSNotesError("it broke", expected="a whole one", found="two halves", fix="glue")
    assert str(error).splitlines() == [
        "it broke",
        "  expected: a whole one",
        "  found: two halves",
        "  what to do: glue",
    ]
    assert str(tlsnotes.TLSNotesError("it broke")) == "it broke"
