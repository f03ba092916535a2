"""Read an operation's formula and the text of its rules from the source code."""

from __future__ import annotations

import ast
import functools
import linecache
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from minigrad.core.primitive import Primitive

_ROOT = Path(__file__).parents[2]       # the folder that holds the package


class RuleSource(NamedTuple):
    """The source of a derivative rule."""

    text: str           # "lambda g, y: g * y"
    file: str           # relative to the folder of the package where possible
    line: int

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"

    @property
    def names(self) -> list[str]:
        """The rule's parameter names; the first is g."""
        try:
            function = next(node for node in ast.walk(ast.parse(self.text))
                         if isinstance(node, (ast.Lambda, ast.FunctionDef)))
        except (SyntaxError, StopIteration):
            return []
        return [argument.arg for argument in function.args.args]


def formula(primitive: Primitive) -> str:
    """The first line of the operation's docstring."""
    lines = (primitive.__doc__ or "").strip().splitlines()
    return lines[0].strip() if lines else ""


def rule_source(rule: Callable) -> RuleSource:
    """The text and place of a rule, from the syntax tree of its file."""
    while isinstance(rule, functools.partial):      # rules of *xs carry their position
        rule = rule.func
    return _source_of(rule)


@functools.lru_cache(maxsize=1024)
def _source_of(rule: Any) -> RuleSource:
    code = rule.__code__
    starts = {(start, column) for start, _, column, _ in code.co_positions()}
    for node in _functions(code.co_filename).get(code.co_firstlineno, ()):
        # All statements of a function: the first may be its docstring, which has no code.
        body = [node.body] if isinstance(node, ast.Lambda) else node.body
        inside = {(n.lineno, n.col_offset) for part in body for n in ast.walk(part)
                  if isinstance(n, (ast.expr, ast.stmt))}
        if inside & starts:
            text = " ".join(ast.unparse(node).split()) if isinstance(node, ast.Lambda) \
                else ast.unparse(node)
            return RuleSource(text, _relative(code.co_filename), node.lineno)
    return RuleSource(rule.__name__, _relative(code.co_filename), code.co_firstlineno)


@functools.lru_cache(maxsize=256)
def _functions(file: str) -> dict[int, list]:
    """The lambdas and functions of a file by their first line."""
    functions: dict[int, list] = {}
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except SyntaxError:
        return functions
    for node in ast.walk(tree):
        if isinstance(node, (ast.Lambda, ast.FunctionDef)):
            functions.setdefault(node.lineno, []).append(node)
    return functions


def _relative(file: str) -> str:
    path = Path(file)
    return path.relative_to(_ROOT).as_posix() if path.is_relative_to(_ROOT) else path.name
