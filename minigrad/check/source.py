"""Rules as text: find the syntax tree of a function, and compile a changed one in its place."""

from __future__ import annotations

import ast
import functools
import inspect
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Tree = ast.Lambda | ast.FunctionDef


@functools.cache
def _parsed(path: str) -> ast.Module:
    return ast.parse(Path(path).read_text(encoding="utf-8"))


def tree_of(function: Callable) -> Tree | None:
    """The syntax tree of a lambda or a function; None if its source is not in a file.

    Several lambdas may start on one line, so line and parameters alone do not tell which it
    is: the one that compiles to the same instructions is taken.
    """
    code = getattr(function, "__code__", None)
    if code is None or not Path(code.co_filename).is_file():
        return None
    names = code.co_varnames[:code.co_argcount + code.co_kwonlyargcount]
    found = [node for node in ast.walk(_parsed(code.co_filename))
             if isinstance(node, (ast.Lambda, ast.FunctionDef))
             and node.lineno == code.co_firstlineno
             and tuple(a.arg for a in node.args.args + node.args.kwonlyargs) == names]
    if len(found) > 1:
        found = [node for node in found
                 if _same_code(compiled(node, function).__code__, code)]
    return found[0] if found else None


def _same_code(one: types.CodeType, two: types.CodeType) -> bool:
    return (one.co_code, one.co_names, one.co_consts) == (two.co_code, two.co_names, two.co_consts)


def compiled(tree: Tree, original: Callable, replaced: Mapping[str, Any] | None = None
             ) -> Callable:
    """A function with this syntax tree that sees the names which `original` sees.

    Parameters
    ----------
    replaced : names that are to mean something else.
    """
    seen = inspect.getclosurevars(original).nonlocals
    names = {**original.__globals__, **seen, **(replaced or {})}
    if isinstance(tree, ast.Lambda):
        return eval(compile(ast.fix_missing_locations(ast.Expression(tree)), "<mutant>", "eval"),
                    names)
    module = ast.Module([tree], [])
    exec(compile(ast.fix_missing_locations(module), "<mutant>", "exec"), names)
    return names[tree.name]


def helpers_of(function: Callable) -> dict[str, Callable]:
    """Plain functions of the same module that a rule calls: part of the formula, too."""
    tree = tree_of(function)
    found = {}
    for node in ast.walk(tree) if tree is not None else ():
        value = function.__globals__.get(node.id) if isinstance(node, ast.Name) else None
        if isinstance(value, types.FunctionType) and value.__module__ == function.__module__:
            found[node.id] = value
    return found
