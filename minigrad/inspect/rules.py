"""What the source code says about an operation: its formula, and the text of its rules."""

from __future__ import annotations

import ast
import functools
import linecache
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from minigrad.core.primitive import Primitive

_ROOT = Path(__file__).parents[2]       # the folder that holds the package


class RuleSource(NamedTuple):
    """A derivative rule as it is written."""

    text: str           # "lambda g, y: g * y"
    file: str           # relative to the folder of the package where possible
    line: int

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"

    @property
    def names(self) -> list[str]:
        """What the rule asks for by its parameter names; g is the first."""
        try:
            found = next(node for node in ast.walk(ast.parse(self.text))
                         if isinstance(node, (ast.Lambda, ast.FunctionDef)))
        except (SyntaxError, StopIteration):
            return []
        return [argument.arg for argument in found.args.args]


def formula(primitive: Primitive) -> str:
    """The first line of the operation's docstring, which states what it computes."""
    lines = (primitive.__doc__ or "").strip().splitlines()
    return lines[0].strip() if lines else ""


def rule_source(rule: Callable) -> RuleSource:
    """The text and place of a rule, as found in its file's syntax tree."""
    while isinstance(rule, functools.partial):      # rules of *xs carry their position
        rule = rule.func
    code = rule.__code__
    starts = {(start, column) for start, _, column, _ in code.co_positions()}
    for found in _functions(code.co_filename).get(code.co_firstlineno, ()):
        body = found.body if isinstance(found, ast.Lambda) else found.body[0]
        inside = {(n.lineno, n.col_offset) for n in ast.walk(body) if hasattr(n, "lineno")}
        if inside & starts:
            text = " ".join(ast.unparse(found).split()) if isinstance(found, ast.Lambda) \
                else ast.unparse(found)
            return RuleSource(text, _relative(code.co_filename), found.lineno)
    return RuleSource(rule.__name__, _relative(code.co_filename), code.co_firstlineno)


@functools.lru_cache(maxsize=256)
def _functions(file: str) -> dict[int, list]:
    """The lambdas and functions of a file by their first line."""
    found: dict[int, list] = {}
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except SyntaxError:
        return found
    for node in ast.walk(tree):
        if isinstance(node, (ast.Lambda, ast.FunctionDef)):
            found.setdefault(node.lineno, []).append(node)
    return found


def _relative(file: str) -> str:
    path = Path(file)
    return path.relative_to(_ROOT).as_posix() if path.is_relative_to(_ROOT) else path.name
