"""What is wrong with a reader's file before any of it runs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from course.catalogue import STEPS, Step, engine, removed_names
from course.grading import rules
from course.grading.verdict import Wrong

_STEP = re.compile(r"Step (\d+):")
_IN_PLACE = {"append", "extend", "insert", "sort", "reverse", "at", "add", "update", "fill",
             "clear", "put", "itemset"}     # "add" of a set: NumPy's is called by its name


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
        other parameters, a name that the course took away.
    """
    _of_this_step(tree, step)
    _imports(tree)
    _definitions(tree, step)
    _taken_away(tree, step)


def _of_this_step(tree: ast.Module, step: Step) -> None:
    found = _STEP.match(ast.get_docstring(tree) or "")
    if found and int(found[1]) != step.number:
        other = int(found[1])
        known = f" ({STEPS[other - 1].title})" if 1 <= other <= len(STEPS) else ""
        raise Wrong(f"this is the file of step {other}{known}, not of step {step.number}; "
                    f"`check {other}` checks it", line=1)


def number_of(tree: ast.Module) -> int:
    """The step that a file names in its first line; 0 if it names none."""
    found = _STEP.match(ast.get_docstring(tree) or "")
    return int(found[1]) if found else 0


def names_in(tree: ast.Module) -> set[str]:
    """All names that the file defines or uses."""
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} | {
        node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)} | {
        name for name, _ in definitions(tree)}


def reason_of_none(tree: ast.Module, name: str) -> str:
    """Why a definition may give None, in words; empty if nothing in it explains that."""
    found = [node for key, node in definitions(tree) if key == name]
    if not found or not isinstance(found[-1], ast.FunctionDef):
        return ""
    own = found[-1]
    for node in ast.walk(own):
        if isinstance(node, (ast.Assign, ast.Return)) and isinstance(node.value, ast.Call) \
                and isinstance(node.value.func, ast.Attribute) \
                and node.value.func.attr in _IN_PLACE:
            called = node.value.func.attr
            return (f"line {node.lineno} keeps what `{called}` returns, which is None: `{called}` "
                    f"changes the list or array itself")
    inner = [node for node in ast.walk(own) if isinstance(node, ast.FunctionDef)]
    for function in inner:
        returns = [node for node in _of_its_own(function) if isinstance(node, ast.Return)]
        if not any(node.value for node in returns):
            return f"{function.name} returns nothing: is a `return` missing?"
    return ""


def _of_its_own(function: ast.AST) -> Iterator[ast.AST]:
    """What stands in a function, without the functions within it."""
    for child in ast.iter_child_nodes(function):
        if not isinstance(child, (ast.FunctionDef, ast.Lambda)):
            yield child
            yield from _of_its_own(child)


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
        if isinstance(node, ast.FunctionDef) and name not in rules_of(tree):
            _parameters(name, own[name], node)


def rules_of(tree: ast.Module) -> set[str]:
    """The functions that serve as rules, as in `softplus.derivative(x=softplus_rule)`.

    The names of a rule's parameters say what it needs, so no other file can prescribe them.
    """
    calls = (node.value for node in tree.body
             if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call))
    return {keyword.value.id for call in calls
            if isinstance(call.func, ast.Attribute) and call.func.attr == "derivative"
            for keyword in call.keywords if isinstance(keyword.value, ast.Name)}


def _taken_away(tree: ast.Module, step: Step) -> None:
    """No line uses what a step removed from the engine, and the file does not define itself."""
    bound = {node.id for node in ast.walk(tree)
             if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            bound.add(node.name)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.alias):
            bound.add((node.asname or node.name).partition(".")[0])
    gone = {name: number for number, name in removed_names(step.number) if name not in bound}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in gone:
            raise Wrong(f"this line uses {node.id}, which step {gone[node.id]} took away; write it "
                        f"with what the engine has now", line=node.lineno)


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
