"""What is wrong with a reader's file before any of it runs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from course.catalogue import STEPS, Step, engine
from course.grading import rules
from course.grading.verdict import Wrong

_STEP = re.compile(r"Step (\d+):")


def parsed(source: str, filename: str) -> ast.Module:
    """The syntax tree of the file.

    Raises
    ------
    Wrong
        It is no Python.
    """
    try:
        return ast.parse(source, filename)
    except SyntaxError as error:
        line = (error.text or "").strip()
        shown = f", at `{line}`" if line else ""
        raise Wrong(f"this is not Python yet: {error.msg}{shown}", line=error.lineno) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise Wrong(f"Python cannot read this file: {error}") from None


def examine(tree: ast.Module, step: Step) -> None:
    """Look for what no check has to run for.

    Raises
    ------
    Wrong
        A file of another step, an import that is not allowed, a definition that is missing or has
        other parameters.
    """
    _of_this_step(tree, step)
    _imports(tree)
    _definitions(tree, step)


def _of_this_step(tree: ast.Module, step: Step) -> None:
    found = _STEP.match(ast.get_docstring(tree) or "")
    if found and int(found[1]) != step.number:
        other = int(found[1])
        known = f" ({STEPS[other - 1].title})" if 1 <= other <= len(STEPS) else ""
        raise Wrong(f"this is the file of step {other}{known}, not of step {step.number}; "
                    f"`check {other}` checks it", line=1)


def _imports(tree: ast.Module) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = ["." * node.level + (node.module or "")]
        else:
            continue
        for module in modules:
            if not rules.allowed(module):
                raise Wrong(f"this line {rules.refusal(module)}", line=node.lineno)


def definitions(tree: ast.Module) -> Iterator[tuple[str, ast.stmt]]:
    """The definitions of a file by their names, `Tensor.backward` for a method.

    Of a name that is defined twice the last definition comes last, as it counts in Python.
    """
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                yield ast.unparse(target), node
        elif isinstance(node, ast.ClassDef):
            yield node.name, node
            for member in node.body:
                if isinstance(member, ast.FunctionDef):
                    yield f"{node.name}.{member.name}", member


def line_of(tree: ast.Module, name: str) -> int | None:
    """The line on which a name is defined."""
    found = [node.lineno for key, node in definitions(tree) if key == name]
    return found[-1] if found else None


def _definitions(tree: ast.Module, step: Step) -> None:
    """Everything of the step's engine is there, with its parameters."""
    own = dict(definitions(tree))
    for name, node in definitions(ast.parse(engine(step.number))):
        if name not in own:
            raise Wrong(f"{name} is missing, which the file of step {step.number} begins with; "
                        f"`start {step.number} --again` writes a fresh one beside yours")
        if isinstance(node, ast.FunctionDef):
            _parameters(name, own[name], node)


def _parameters(name: str, own: ast.stmt, right: ast.FunctionDef) -> None:
    if not isinstance(own, ast.FunctionDef):
        if isinstance(own, ast.ClassDef):
            raise Wrong(f"{name} must be a function, and is a class here", name, own.lineno)
        return                  # an assignment: a lambda or another function under this name
    if not _callable_alike(own.args, right.args):
        raise Wrong(f"{name} has the parameters ({ast.unparse(own.args)}) here, but the checks "
                    f"call it with ({ast.unparse(right.args)})", name, own.lineno)


def _callable_alike(own: ast.arguments, right: ast.arguments) -> bool:
    """Whether every call that suits `right` suits `own`; further optional parameters may follow."""
    if own.vararg is not None and own.kwarg is not None:
        return True
    wanted, found = [a.arg for a in right.args], [a.arg for a in own.args]
    if found[:len(wanted)] != wanted:
        return False
    optional = len(own.defaults) >= len(right.defaults) + len(found) - len(wanted)
    keywords = {a.arg for a in right.kwonlyargs} <= {a.arg for a in own.kwonlyargs} | set(found)
    return (optional and keywords and (right.vararg is None or own.vararg is not None)
            and (right.kwarg is None or own.kwarg is not None))
