"""Mutants of a step's solution: small mistakes, each of which the step's checks have to find.

Expressions are changed by the mutation machinery of the gradient checker (an operand dropped, an
operator, a name or two arguments exchanged, a number changed …). A solution is more than formulas,
so statements are changed as well: one left out, `+=` for `=`, a truth value, an attribute.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

from course import assemble, catalogue
from course.catalogue import Step
from minigrad.check.mutants import replacements, with_replaced

ENOUGH = 40

# Attributes of the engine and of NumPy that can be confused with one another.
_ATTRIBUTES = ({"data", "grad", "number"}, {"sum", "mean"}, {"maximum", "minimum"}, {"max", "min"},
               {"zeros", "ones"}, {"argmax", "argmin"}, {"sqrt", "square"})


@dataclass(frozen=True)
class Mutant:
    """A solution with one mistake.

    Attributes
    ----------
    place : the definition, such as `multiply`.
    kind : of the change.
    text : the changed line.
    source : the whole file.
    """

    place: str
    kind: str
    text: str
    source: str

    @property
    def name(self) -> str:
        return f"{self.place}: {self.kind}: {self.text}"


def mutants_of(step: Step) -> list[Mutant]:
    """Every mutant of the lines that fill the holes, in the engine after the step.

    Where these are fewer than `ENOUGH`, those of the lines around them come along.
    """
    found = _mutants(step, within_holes=True)
    return found if len(found) >= ENOUGH else _mutants(step, within_holes=False)


def _mutants(step: Step, within_holes: bool) -> list[Mutant]:
    tree = ast.parse(catalogue.engine(step.number))
    parts = [ast.unparse(node) for node in tree.body]       # only one of them changes at a time
    found, seen = [], {"\n".join(parts)}
    for place, name, node, opened in _with_holes(step, tree):
        given = {_head(part) for part in ast.walk(opened) if isinstance(part, ast.stmt)}
        for kind, changed in _changed(tree.body[place], node, given if within_holes else set()):
            text = ast.unparse(changed)
            source = "\n".join([*parts[:place], text, *parts[place + 1:]])
            if source not in seen:
                seen.add(source)
                found.append(Mutant(name, kind, _line(parts[place], text), source))
    return found


def _with_holes(step: Step, tree: ast.Module
                ) -> Iterator[tuple[int, str, ast.FunctionDef, ast.FunctionDef]]:
    """The definitions that the exercise leaves open: place in the file, name, solved, open."""
    opened = {name: node for _, name, node in _functions(
        ast.parse(assemble.opened(step.addition())))
        if "raise NotImplementedError('hole" in ast.unparse(node)}
    yield from ((place, name, node, opened[name]) for place, name, node in _functions(tree)
                if name in opened)


def _head(statement: ast.stmt) -> str:
    """A statement without the statements within it."""
    if not isinstance(statement, (ast.For, ast.While, ast.If, ast.With, ast.FunctionDef)):
        return ast.unparse(statement)
    copied = copy.copy(statement)
    copied.body = [ast.Pass()]
    return ast.unparse(copied)


def _functions(tree: ast.Module) -> Iterator[tuple[int, str, ast.FunctionDef]]:
    """The functions and methods of a file: place of the statement that holds it, name, node."""
    for place, node in enumerate(tree.body):
        if isinstance(node, ast.FunctionDef):
            yield place, node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from ((place, f"{node.name}.{member.name}", member) for member in node.body
                        if isinstance(member, ast.FunctionDef))


def _changed(tree: ast.stmt, function: ast.FunctionDef, given: set[str]
             ) -> Iterator[tuple[str, ast.stmt]]:
    """Copies of a function, or of the class that holds it, with one change each within it.

    The given statements stay as they are.
    """
    position = {id(node): number for number, node in enumerate(ast.walk(tree))}
    groups = [_names(function)]
    skipped = {id(part) for argument in [function.args, *function.decorator_list]
               for part in ast.walk(argument)}
    for statement in ast.walk(function):
        if isinstance(statement, ast.stmt) and _head(statement) in given:
            skipped |= {id(part) for child in ast.iter_child_nodes(statement)
                        if not isinstance(child, ast.stmt) for part in ast.walk(child)}
            skipped.add(id(statement))
    for node in ast.walk(function):
        if id(node) in skipped or _is_docstring(node, function):
            continue
        if isinstance(node, ast.expr):
            if isinstance(getattr(node, "ctx", None), (ast.Store, ast.Del)):
                continue
            for kind, new in (*replacements(node, groups), *_further(node)):
                yield kind, with_replaced(tree, position[id(node)], new)
        elif isinstance(node, (ast.Assign, ast.AugAssign, ast.Expr)):
            yield "statement left out", _with_statement(tree, position[id(node)], ast.Pass())
            if isinstance(node, ast.AugAssign):
                yield "= for +=", _with_statement(tree, position[id(node)],
                                                  ast.Assign([node.target], node.value))


def _is_docstring(node: ast.AST, function: ast.FunctionDef) -> bool:
    first = function.body[0]
    return isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and (
        node is first or node is first.value) and isinstance(first.value.value, str)


def _names(function: ast.FunctionDef) -> set[str]:
    """Parameters and variables of a function; functions that it calls cannot stand for them."""
    called = {node.func.id for node in ast.walk(function)
              if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    named = {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}
    stored = {node.id for node in ast.walk(function)
              if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return (named | stored) - called - {"_"}


def _further(node: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """Changes that no formula has, but a program."""
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield "truth value exchanged", ast.Constant(not node.value)
    elif isinstance(node, ast.Attribute):
        for group in _ATTRIBUTES:
            if node.attr in group:
                for other in sorted(group - {node.attr}):
                    yield "attribute exchanged", ast.Attribute(node.value, other, ast.Load())
    elif isinstance(node, ast.IfExp):
        yield "branches exchanged", ast.IfExp(node.test, node.orelse, node.body)
        yield "branch dropped", node.body
        yield "branch dropped", node.orelse
    elif isinstance(node, (ast.List, ast.Tuple)) and len(node.elts) > 1:
        for place in range(len(node.elts)):
            if isinstance(node, ast.List):
                yield "element dropped", ast.List(node.elts[:place] + node.elts[place + 1:],
                                                  ast.Load())
    elif isinstance(node, ast.Call) and node.keywords:
        for keyword in node.keywords:
            if keyword.arg is not None:
                yield "option left out", ast.Call(
                    node.func, node.args, [kept for kept in node.keywords if kept is not keyword])
    elif isinstance(node, ast.Call) and len(node.args) == 1 and isinstance(
            node.func, ast.Name) and node.func.id in ("list", "reversed", "sorted", "float"):
        yield "call dropped", node.args[0]


def _with_statement(tree: ast.stmt, position: int, new: ast.stmt) -> ast.stmt:
    result = copy.deepcopy(tree)
    old = list(ast.walk(result))[position]
    for parent in ast.walk(result):
        for value in vars(parent).values():
            if isinstance(value, list):
                value[:] = [ast.copy_location(new, old) if item is old else item for item in value]
    return ast.fix_missing_locations(result)


def _line(before: str, after: str) -> str:
    """The line that differs."""
    return next((new.strip() for old, new in zip(before.splitlines(), after.splitlines())
                 if old != new), "")
