"""Mutants of a rule's source: small changes of its syntax tree, one at a time.

    an operand dropped          a + b → a, → b        (and of −, ·, /, **, @)
    an operator exchanged       + ↔ −,  · ↔ /,  == ↔ !=, < ↔ ≥ …
    a sign dropped              −a → a
    a number changed            n → n + 1, n − 1      (an axis, an exponent, a factor)
    a name exchanged            x → y, x → out, x_shape → y_shape, low → high
    a function exchanged        sin ↔ cos, greater ↔ less …
    two arguments exchanged     f(a, b) → f(b, a)

DeMillo, Lipton, Sayward, "Hints on test data selection" (1978): a test that detects every such
small mistake also detects most other mistakes.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from minigrad.check.source import Tree, compiled, helpers_of, tree_of
from minigrad.core.primitive import Primitive

TreeType = TypeVar("TreeType", bound=ast.AST)
_OPERATORS: dict[type, type] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE,
    ast.LtE: ast.Gt, ast.In: ast.NotIn, ast.NotIn: ast.In}
_FUNCTIONS = {"greater": "less", "less": "greater", "greater_equal": "less_equal",
              "less_equal": "greater_equal", "sin": "cos", "cos": "sin", "maximum": "minimum",
              "minimum": "maximum", "sign": "absolute", "absolute": "sign", "exp": "sigmoid",
              "sigmoid": "exp"}
_SYMMETRIC = ("equal",)         # exchanging their arguments changes nothing


@dataclass
class Mutant:
    """A broken rule.

    Attributes
    ----------
    kind : the change: "zero", "operand dropped" …
    text : the changed line or expression.
    rule : the broken rule.
    """

    kind: str
    text: str
    rule: Callable


def source_mutants(operation: Primitive, parameter: str) -> Iterator[Mutant]:
    """All mutants of the source of one rule, and of the helpers in its module that it calls.

    A rule without a source file (typed into a console) has none.
    """
    rule = operation.rules[parameter]
    tree = tree_of(rule) if rule is not None else None
    if rule is None or tree is None:
        return
    for kind, changed in _changed(tree, _exchangeable(operation, tree)):
        yield Mutant(kind, ast.unparse(changed), compiled(changed, rule))
    for name, helper in helpers_of(rule).items():
        body = tree_of(helper)
        if body is None:
            continue
        own = [{a.arg for a in body.args.args}]
        for kind, changed in _changed(body, own):
            mutant = compiled(changed, helper)
            yield Mutant(f"{kind} in {name}", _changed_line(body, changed),
                         compiled(tree, rule, {name: mutant}))


def _changed_line(old: Tree, new: Tree) -> str:
    """The changed line of a helper."""
    before = ast.unparse(old).splitlines()
    return next(line.strip() for line in ast.unparse(new).splitlines() if line not in before)


def _exchangeable(operation: Primitive, tree: Tree) -> list[set[str]]:
    """Groups of names that can be confused with one another: arrays, shapes, others."""
    used = {argument.arg for argument in tree.args.args}
    shapes = {f"{name}_shape" for name in operation.parameters if operation.rules.get(name)}
    arrays = {"g", "out"} | {name for name in operation.parameters if operation.rules.get(name)}
    others = (used | set(operation.parameters) | set(operation.saves)) - shapes - arrays
    return [arrays - {operation.variadic}, shapes, others]


def _changed(tree: Tree, groups: list[set[str]]) -> Iterator[tuple[str, Tree]]:
    """Distinct copies of `tree`, each with one change."""
    seen = {ast.unparse(tree)}
    zeros = {id(part) for node in ast.walk(tree) if _is_zeros(node) for part in ast.walk(node)}
    for position, node in enumerate(ast.walk(tree)):
        if not isinstance(node, ast.expr) or node is tree or id(node) in zeros:
            continue
        for kind, new in replacements(node, groups):
            changed = with_replaced(tree, position, new)
            if ast.unparse(changed) not in seen:
                seen.add(ast.unparse(changed))
                yield kind, changed


def _is_zeros(node: ast.AST) -> bool:
    """Whether a node is `0 * x`, which rules use for zeros: another operand changes nothing."""
    return (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult)
            and isinstance(node.left, ast.Constant) and node.left.value == 0)


def with_replaced(tree: TreeType, position: int, new: ast.expr) -> TreeType:
    """A copy with node number `position` (in the order of `ast.walk`) replaced by `new`."""
    result = copy.deepcopy(tree)
    old = list(ast.walk(result))[position]
    for parent in ast.walk(result):
        for field, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, field, new)
            elif isinstance(value, list):
                value[:] = [new if item is old else item for item in value]
    if isinstance(result, ast.Lambda):
        _name_parameters(result)
    return result


def _name_parameters(rule: ast.Lambda) -> None:
    """Add parameters for names that a rule did not use before the change."""
    known = {argument.arg for argument in rule.args.args}
    bound = {node.id for node in ast.walk(rule.body) if isinstance(node, ast.Name)
             and getattr(node, "exchanged", False)}
    extra = [ast.arg(name) for name in sorted(bound - known)]
    last = rule.args.args[-1].arg == "position"
    rule.args.args[len(rule.args.args) - last:len(rule.args.args) - last] = extra


def replacements(node: ast.expr, groups: list[set[str]]) -> Iterator[tuple[str, ast.expr]]:
    """Possible replacements of one expression, each with the kind of the change.

    Parameters
    ----------
    groups : names that can be confused with one another.
    """
    if isinstance(node, ast.BinOp):
        yield "operand dropped", node.left
        yield "operand dropped", node.right
        if type(node.op) in _OPERATORS:
            yield "operator exchanged", ast.BinOp(node.left, _OPERATORS[type(node.op)](),
                                                  node.right)
    elif isinstance(node, ast.Compare) and type(node.ops[0]) in _OPERATORS:
        yield "operator exchanged", ast.Compare(
            node.left, [_OPERATORS[type(node.ops[0])](), *node.ops[1:]], node.comparators)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "sign dropped", node.operand
    elif isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) and not isinstance(
            node.value, bool):
        yield "number + 1", ast.Constant(node.value + 1)
        yield "number − 1", _number(node.value - 1)
    elif isinstance(node, ast.Name):
        for group in groups:
            for name in sorted(group - {node.id}) if node.id in group else ():
                new = ast.Name(name, ast.Load())
                new.exchanged = True        # type: ignore[attr-defined]  # for _name_parameters
                yield "name exchanged", new
        if node.id in _FUNCTIONS:
            yield "function exchanged", ast.Name(_FUNCTIONS[node.id], ast.Load())
    elif isinstance(node, ast.Call) and ast.unparse(node.func) not in _SYMMETRIC:
        for i in range(len(node.args) - 1):
            args = list(node.args)
            args[i], args[i + 1] = args[i + 1], args[i]
            yield "arguments exchanged", ast.Call(node.func, args, node.keywords)


def _number(value: float) -> ast.expr:
    return ast.Constant(value) if value >= 0 else ast.UnaryOp(ast.USub(), ast.Constant(-value))
