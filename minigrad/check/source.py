"""Find the syntax tree of a function, and compile a changed one in its place."""

from __future__ import annotations

import ast
import functools
import inspect
import os
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

    Several lambdas with equal parameters may start on one line. Of these, the one that compiles to
    the same instructions is taken.
    """
    code = getattr(function, "__code__", None)
    if code is None or not os.path.isfile(Path(code.co_filename)):
        return None
    names = code.co_varnames[:code.co_argcount + code.co_kwonlyargcount]
    matches = [node for node in ast.walk(_parsed(code.co_filename))
             if isinstance(node, (ast.Lambda, ast.FunctionDef))
             and node.lineno == code.co_firstlineno
             and tuple(a.arg for a in node.args.args + node.args.kwonlyargs) == names]
    if len(matches) > 1:
        matches = [node for node in matches
                   if _same_code(compiled(node, function).__code__, code)]
    return matches[0] if matches else None


def _same_code(one: types.CodeType, two: types.CodeType) -> bool:
    return (one.co_code, one.co_names, one.co_consts) == (two.co_code, two.co_names, two.co_consts)


def compiled(tree: Tree, original: Callable, replaced: Mapping[str, Any] | None = None
             ) -> Callable:
    """Compile a function from a syntax tree, with the globals and closure of `original`.

    Parameters
    ----------
    replaced : names with other values.
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
    """Functions of the same module that a rule calls, as part of its formula."""
    tree = tree_of(function)
    helpers: dict[str, Callable] = {}
    for node in ast.walk(tree) if tree is not None else ():
        if not isinstance(node, ast.Name):
            continue
        value = function.__globals__.get(node.id)
        if isinstance(value, types.FunctionType) and value.__module__ == function.__module__:
            helpers[node.id] = value
    return helpers
