"""A rule's source as a formula: `lambda g, y: g * (1 - y * y)` reads g · (1 − y²)."""

from __future__ import annotations

import ast
import copy
import functools
from collections.abc import Callable, Mapping

from minigrad.inspect.rules import RuleSource

_BINARY = {ast.Add: (" + ", 1), ast.Sub: (" − ", 1), ast.Mult: (" · ", 2), ast.Div: (" / ", 2),
           ast.MatMult: (" ", 2), ast.BitAnd: (" and ", 1), ast.BitOr: (" or ", 1)}
_COMPARED = {ast.Lt: "<", ast.LtE: "≤", ast.Gt: ">", ast.GtE: "≥", ast.Eq: "=", ast.NotEq: "≠"}
_SIGN, _POWER, _ATOM = 3, 4, 5      # how tightly a part binds
_RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")

# Functions that mathematics writes differently: each takes the texts of its arguments.
_WRITTEN: dict[str, Callable[[list[str]], tuple[str, int]]] = {
    "matrix_product": lambda a: (f"{a[0]} {a[1]}", 2),
    "matrix_transpose": lambda a: (f"{a[0]}ᵀ", _POWER),
    "sqrt": lambda a: (f"√{a[0]}", _POWER),
    "abs": lambda a: (f"|{_bare(a[0])}|", _ATOM),
    "square": lambda a: (f"{a[0]}²", _POWER),
    "negative": lambda a: (f"−{a[0]}", _SIGN),
    "exp": lambda a: (f"exp({_bare(a[0])})", _ATOM),
    "multiply": lambda a: (f"{a[0]} · {a[1]}", 2),
    "equal": lambda a: (f"{a[0]} = {a[1]}", 0),
    "not_equal": lambda a: (f"{a[0]} ≠ {a[1]}", 0),
    "less": lambda a: (f"{a[0]} < {a[1]}", 0),
    "less_equal": lambda a: (f"{a[0]} ≤ {a[1]}", 0),
    "greater": lambda a: (f"{a[0]} > {a[1]}", 0),
    "greater_equal": lambda a: (f"{a[0]} ≥ {a[1]}", 0),
    "logical_not": lambda a: (f"not {a[0]}", _SIGN),
    "kept": lambda a: (f"{a[0]} where {_bare(a[1])}, otherwise 0", 0),
    "where": lambda a: (f"{a[1]} where {_bare(a[0])}, otherwise {_bare(a[2])}", 0),
    "where_positive": lambda a: (f"{a[0]} where {a[1]} > 0, otherwise 0", 0),
    "halved": lambda a: (f"{a[0]}, half where {_bare(a[1])}", 0),
    # what reductions do to g before it fits their input, and the number of elements averaged
    "spread": lambda a: (a[0], _ATOM),
    "broadcast_to": lambda a: (f"{a[0]} repeated to {_shape(a[1])}", 0),
    "reshape": lambda a: (f"{a[0]} reshaped to {_shape(a[1])}", 0),
    "sum_to": lambda a: (f"{a[0]} summed to {_shape(a[1])}", 0),
    "count": lambda a: ("n", _ATOM),
    "sum": lambda a: (f"Σ {a[0]}", _SIGN),
    "rows": lambda a: (a[0], _ATOM),
}


def formula(rule: RuleSource, names: Mapping[str, str] | None = None) -> str:
    """The expression that a rule returns, as mathematics writes it.

    Parameters
    ----------
    rule : a lambda, or a function whose body is one return.
    names : what to write for the rule's parameters; by default their own names.

    Returns
    -------
    str
        Empty where the rule is not a single expression.
    """
    body = _returned(rule.text)
    return "" if body is None else _Writer(names or {}).text(body)


@functools.lru_cache(maxsize=1024)
def _returned(text: str) -> ast.expr | None:
    try:
        first = ast.parse(text).body[0]
    except SyntaxError:
        return None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Lambda):
        return first.value.body
    if isinstance(first, ast.FunctionDef):
        statements = [s for s in first.body if not (isinstance(s, ast.Expr)
                                                    and isinstance(s.value, ast.Constant))]
        if len(statements) == 1 and isinstance(statements[0], ast.Return):
            return statements[0].value
    return None


class _Writer:
    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = names

    def text(self, node: ast.expr) -> str:
        return self._written(node)[0]

    def _part(self, node: ast.expr, strength: int) -> str:
        """A part, in parentheses if it binds too loosely."""
        text, own = self._written(node)
        return text if own >= strength else f"({text})"

    def _written(self, node: ast.expr) -> tuple[str, int]:
        """The text of an expression, and how tightly it binds."""
        if isinstance(node, ast.Name):
            return self._name(node.id), _ATOM
        if isinstance(node, ast.Constant):
            return str(node.value).replace("-", "−"), _ATOM
        if isinstance(node, ast.BinOp):
            return self._binary(node)
        if isinstance(node, ast.UnaryOp):
            sign = {ast.USub: "−", ast.UAdd: "", ast.Invert: "not ", ast.Not: "not "}
            return sign[type(node.op)] + self._part(node.operand, _SIGN), _SIGN
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            sign_text = _COMPARED.get(type(node.ops[0]), "?")
            return (f"{self._part(node.left, 1)} {sign_text} "
                    f"{self._part(node.comparators[0], 1)}", 0)
        if isinstance(node, ast.IfExp):
            return (f"{self.text(node.body)} if {self.text(node.test)}, otherwise "
                    f"{self.text(node.orelse)}", 0)
        if isinstance(node, ast.Call):
            return self._call(node)
        return self._other(node), _ATOM

    def _name(self, name: str) -> str:
        if name in self.names:
            return self.names[name]
        if name.endswith("_shape"):
            base = name.removesuffix("_shape")
            name = self.names.get(base, base)
            return f"shape of {'the ' * name.endswith(' operand')}{name}"
        return name

    def _binary(self, node: ast.BinOp) -> tuple[str, int]:
        if isinstance(node.op, ast.Pow):
            base, exponent = self._part(node.left, _ATOM), self.text(node.right)
            raised = exponent.replace("−", "-")
            if raised.lstrip("-").isdigit():
                return base + raised.translate(_RAISED), _POWER
            return f"{base}^{self._part(node.right, _ATOM)}", _POWER
        if isinstance(node.op, ast.Mult) and ast.dump(node.left) == ast.dump(node.right):
            return f"{self._part(node.left, _ATOM)}²", _POWER
        sign, strength = _BINARY.get(type(node.op), (" ? ", 0))
        # The operand after a minus or a fraction bar has to bind more tightly.
        tighter = strength + isinstance(node.op, (ast.Sub, ast.Div))
        return (self._part(node.left, strength) + sign + self._part(node.right, tighter), strength)

    def _call(self, node: ast.Call) -> tuple[str, int]:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else \
            getattr(node.func, "id", "")
        written = _WRITTEN.get(name)
        if written is not None and not node.keywords:
            return written([self._part(argument, _POWER) for argument in node.args])
        arguments = [self.text(argument) for argument in node.args]
        arguments += [f"{word.arg} = {self.text(word.value)}" for word in node.keywords]
        return f"{name or self._other(node.func)}({', '.join(arguments)})", _ATOM

    def _other(self, node: ast.expr) -> str:
        """Anything else in Python's own syntax, with the names replaced."""
        return " ".join(ast.unparse(_Renamed(self._name).visit(copy.deepcopy(node))).split())


class _Renamed(ast.NodeTransformer):
    def __init__(self, name: Callable[[str], str]) -> None:
        self.name = name

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self.name(node.id), ast.Load())


def _bare(text: str) -> str:
    """The text without parentheses around the whole."""
    return text[1:-1] if text.startswith("(") and text.endswith(")") else text


def _shape(text: str) -> str:
    return f"the {text}" if text.startswith("shape of") else text
