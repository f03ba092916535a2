"""The core stays small enough to read in an evening, and its imports run in one direction."""

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[3] / "minigrad"
CORE = ("core/mode.py", "core/hooks.py", "core/graph.py", "core/tensor.py", "core/plan.py",
        "core/promotion.py", "core/primitive.py")
BESIDE = ("core/operations.py", "core/methods.py", "backend.py", "random.py", "dtypes.py",
          "errors.py")
CORE_LINES, ALL_LINES = 800, 1100

# Lower modules first: each imports only modules that stand before it.
ORDER = ("operations", "mode", "hooks", "graph", "methods", "tensor", "plan", "promotion",
         "primitive")
NO_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
           tokenize.ENDMARKER}


def code_lines(source):
    """How many lines hold code: no blank ones, no comments, no docstrings."""
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in NO_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) \
                and ast.get_docstring(node) is not None:
            lines.difference_update(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    return len(lines)


def sizes(names):
    return {name: code_lines((PACKAGE / name).read_text(encoding="utf-8")) for name in names}


def test_lines_of_code_are_counted():
    assert code_lines('"""A module."""\n\n# a comment\nx = 1    # another\n') == 1
    assert code_lines('def f():\n    """A docstring\n\n    of three lines."""\n    return 1\n') == 2
    assert code_lines('x = """a string\n\nthat is no docstring"""\ny = (1,\n     2)\n') == 5


def test_the_core_is_an_evenings_reading():
    found = sizes(CORE)
    assert sum(found.values()) <= CORE_LINES, found
    found.update(sizes(BESIDE))
    assert sum(found.values()) <= ALL_LINES, found


def test_the_readme_states_the_counts():
    """Each to within ten lines, so that not every change of the code is one of the page."""
    page = (PACKAGE.parent / "README.md").read_text(encoding="utf-8")
    stated = dict(re.findall(r"\]\(minigrad/([\w/]+\.py)\) \((\d+)", page))
    assert list(stated) == ["core/primitive.py", "core/plan.py", "core/graph.py",
                            "core/tensor.py", "ops/arithmetic.py"]
    for name, count in sizes(stated).items():
        assert abs(count - int(stated[name])) <= 10, (name, count)


def test_every_module_of_the_core_is_counted():
    listed = {name.removeprefix("core/") for name in CORE + BESIDE if name.startswith("core/")}
    assert listed == {path.name for path in (PACKAGE / "core").glob("*.py")} - {"__init__.py"}
    assert {f"{name}.py" for name in ORDER} == listed


def imports(path):
    """(line, module) of every import, also within functions and under TYPE_CHECKING."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


@pytest.mark.parametrize("name", ORDER)
def test_imports_of_the_core_run_in_one_direction(name):
    above = {f"minigrad.core.{other}" for other in ORDER[ORDER.index(name):]}
    for line, module in imports(PACKAGE / "core" / f"{name}.py"):
        parts = module.split(".")
        assert ".".join(parts[:3]) not in above, f"core/{name}.py:{line} imports {module}"
        if parts[0] == "minigrad":
            # spellings: a table of names without code that computes
            assert parts[1] in ("core", "kernels", "backend", "dtypes", "errors", "spellings"), \
                f"core/{name}.py:{line} imports {module}"


def test_the_engine_does_not_import_itself_as_a_whole():
    assert [f"{path}:{line}" for path in PACKAGE.rglob("*.py") for line, module in imports(path)
            if module == "minigrad"] == []
