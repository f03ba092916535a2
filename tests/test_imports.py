"""Imports run one way: between the packages, between the rooms of each, between files.

Every import counts, also one within a function or under TYPE_CHECKING, and one by
`import_module("…")`. What a package's `__init__.py` imports is no arrow of the files beside it.
"""

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("minigrad", "nst", "weights_converter")
CHECKOUT_ONLY = ("tools", "examples", "benchmarks", "course", "tests")        # not in the wheel

# Lower rooms first: a room may import itself and those before it. `nst/__init__.py` and the
# programs beside it (`nst.run` and so on) are above all rooms.
NST_ROOMS = ("system", "demo", "model", "pictures", "config", "measure", "loss", "optimize", "job",
             "output", "cli")
NST_FLOORS = 8

# What kernels may know of the engine: arrays, never a Tensor.
BELOW_KERNELS = ("minigrad.kernels", "minigrad.backend", "minigrad.cuda_faults", "minigrad.dtypes",
                 "minigrad.errors", "minigrad.printable")


@cache
def modules():
    """Name → path of every module that the wheel holds."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            found[name.removesuffix(".__init__")] = path
    return found


def imported(source, package, known):
    """The modules that a source imports, as (line, module); of a package's names the package."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".")
                base = ".".join([*parts[:len(parts) - node.level + 1], *filter(None, [base])])
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                yield node.lineno, inner if inner in known else base
        elif isinstance(node, ast.Call) and node.args:
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            first = node.args[0]
            if (called in ("import_module", "__import__") and isinstance(first, ast.Constant)
                    and isinstance(first.value, str)):
                yield node.lineno, first.value


@cache
def arrows():
    """(importing module, line, imported module) for every import in the packages."""
    known = modules()
    found = []
    for name, path in known.items():
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        found += [(name, line, target) for line, target
                  in imported(path.read_text(encoding="utf-8"), package, known)]
    return found


def within(module, *packages):
    return any(module == package or module.startswith(package + ".") for package in packages)


def written(importer, line, target):
    return f"{modules()[importer].relative_to(ROOT)}:{line} imports {target}"


@pytest.mark.parametrize("importers, forbidden", [
    (("minigrad",), ("nst", "weights_converter")),
    (("weights_converter",), ("nst",)),
    (PACKAGES, CHECKOUT_ONLY),
], ids=["minigrad is below all", "weights_converter is below nst", "the wheel is complete"])
def test_packages(importers, forbidden):
    assert [written(*arrow) for arrow in arrows()
            if within(arrow[0], *importers) and within(arrow[2], *forbidden)] == []


def test_kernels_know_arrays_only():
    assert [written(*arrow) for arrow in arrows()
            if within(arrow[0], "minigrad.kernels") and within(arrow[2], "minigrad")
            and not within(arrow[2], *BELOW_KERNELS)] == []


def test_array_libraries_are_below_the_kernels():
    below = (*BELOW_KERNELS[1:], "minigrad.cuda_start")
    assert [written(*arrow) for arrow in arrows()
            if within(arrow[0], *below) and within(arrow[2], "minigrad")
            and not within(arrow[2], *below)] == []


def nst_room(module):
    name = module.split(".")[1] if "." in module else ""
    return name if (ROOT / "nst" / name / "__init__.py").is_file() and name else ""


def test_the_rooms_of_nst():
    assert {path.parent.name for path in (ROOT / "nst").glob("*/__init__.py")} == set(NST_ROOMS)
    height = {room: number for number, room in enumerate([*NST_ROOMS, ""])}
    between = [arrow for arrow in arrows() if within(arrow[0], "nst") and within(arrow[2], "nst")]
    assert [written(*arrow) for arrow in between
            if height[nst_room(arrow[0])] < height[nst_room(arrow[2])]] == []
    below = {room: {nst_room(target) for importer, _, target in between
                    if nst_room(importer) == room} - {room} for room in NST_ROOMS}
    floors = {}
    for room in NST_ROOMS:
        floors[room] = 1 + max((floors[other] for other in below[room]), default=0)
    assert max(floors.values()) <= NST_FLOORS, floors


def circles(package):
    """Groups of files that import one another, directly or by others (Tarjan's algorithm)."""
    below = {name: set() for name in modules() if within(name, package)}
    for importer, _, target in arrows():
        if importer in below and target in below and target != importer:
            below[importer].add(target)
    order, lowest, stack, found = {}, {}, [], []

    def visit(name):
        order[name] = lowest[name] = len(order)
        stack.append(name)
        for target in sorted(below[name]):
            if target not in order:
                visit(target)
                lowest[name] = min(lowest[name], lowest[target])
            elif target in stack:
                lowest[name] = min(lowest[name], order[target])
        if lowest[name] == order[name]:
            group = stack[stack.index(name):]
            del stack[-len(group):]
            if len(group) > 1:
                found.append(sorted(group))

    for name in below:
        if name not in order:
            visit(name)
    return found


@pytest.mark.parametrize("package", PACKAGES)
def test_no_circle_of_files(package):
    assert circles(package) == []


def test_it_sees_imports_that_hide():
    source = ("from . import errors\nfrom .core import graph as g\nif TYPE_CHECKING:\n"
              "    import nst.run\ndef f():\n    from nst import Settings\n"
              "    import_module('tools.distill')\n")
    known = {"minigrad.errors", "minigrad.core.graph"}
    assert sorted(imported(source, "minigrad", known)) == [
        (1, "minigrad.errors"), (2, "minigrad.core.graph"), (4, "nst.run"), (6, "nst"),
        (7, "tools.distill")]
