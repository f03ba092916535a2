"""Sums of products in Einstein's notation.

The primitive :func:`contract` computes the plain case only: every letter occurs once in an
operand, and in the result or another operand as well. Its derivative with respect to one operand
is again such a contraction, of the gradient with all other operands. :func:`einsum` reduces the
other cases to it (diagonals, letters of a single operand, lengths of 1, "...").
"""

from __future__ import annotations

import string
from typing import Any

from minigrad.backend import array_module
from minigrad.core.primitive import primitive
from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError, DTypeError, ShapeError
from minigrad.ops.reduce import sum
from minigrad.ops.shape import permute, reshape, select
from minigrad.printable import shown


@primitive
def contract(equation, *xs):
    """z = Σ Π xs over the letters that the result lacks: "ij,jk->ik" is the matrix product."""
    return array_module(*xs).einsum(equation, *xs, optimize=True)


# ∂L/∂xₖ: the gradient takes the place of xₖ, and the letters of xₖ those of the result.
contract.derivative(xs=lambda g, equation, xs, position: contract(
    exchanged(equation, position), *xs[:position], g, *xs[position + 1:]))


def exchanged(equation: str, position: int) -> str:
    """`"ij,jk->ik"` with operand 1 and the result exchanged: `"ij,ik->jk"`."""
    inputs, output = equation.split("->")
    letters = inputs.split(",")
    letters[position], output = output, letters[position]
    return f"{','.join(letters)}->{output}"


def einsum(equation: str, *operands: Any) -> Tensor:
    """Sum of products in Einstein's notation: `einsum("nchw,ndhw->ncd", f, f)`.

    Parameters
    ----------
    equation : str
        A letter for each dimension of each operand, separated by commas, then optionally `->` and
        the letters of the result. Letters that the result lacks are summed over. A letter twice
        in one operand takes its diagonal, `...` stands for any further dimensions, which
        broadcast. Without `->` the result has the letters that occur once, in alphabetical
        order, after those of `...`.
    operands : Tensor
        All of one element type; or one list of them.

    Raises
    ------
    ArgumentError
        An equation that cannot be parsed.
    ShapeError
        Letters that do not fit the dimensions, or one letter with two lengths.
    DTypeError
        Operands of different types.

    Notes
    -----
    A. Einstein, "Die Grundlage der allgemeinen Relativitätstheorie" (1916), section 5.
    """
    xs = list(operands[0]) if len(operands) == 1 and isinstance(operands[0], (list, tuple)) \
        else list(operands)
    if len({x.dtype for x in xs}) > 1:
        raise DTypeError(f"einsum needs operands of one element type, not "
                         f"{', '.join(str(x.dtype) for x in xs)}")
    terms, output = _parsed(equation, xs)
    lengths = _lengths(equation, terms, xs)
    pairs = [_distinct(term, x, lengths) for term, x in zip(terms, xs)]
    for i, (term, x) in enumerate(pairs):
        elsewhere = output + "".join(other for j, (other, _) in enumerate(pairs) if j != i)
        alone = tuple(d for d, letter in enumerate(term) if letter not in elsewhere)
        if alone:
            pairs[i] = "".join(c for c in term if c in elsewhere), sum(x, alone)
    if len(pairs) == 1:
        term, x = pairs[0]
        return permute(x, tuple(term.index(letter) for letter in output))
    return contract(f"{','.join(term for term, _ in pairs)}->{output}", *[x for _, x in pairs])


def _parsed(equation: str, xs: list) -> tuple[list[str], str]:
    """The letters of each operand and of the result, with `...` replaced by letters."""
    inputs, arrow, output = equation.replace(" ", "").partition("->")
    terms = inputs.split(",")
    letters = "".join(terms + [output]).replace("...", "")
    if not all(c in string.ascii_letters for c in letters):
        raise ArgumentError(f"einsum reads letters, commas, '...' and '->', not {shown(equation)}")
    if len(terms) != len(xs):
        raise ArgumentError(f"einsum: {shown(equation)} is for {len(terms)} operand(s), but there "
                            f"are {len(xs)}")
    free = [c for c in string.ascii_letters if c not in letters]
    widths = [x.ndim - len(term.replace("...", "")) for term, x in zip(terms, xs)]
    for term, x, width in zip(terms, xs, widths):
        if width < 0 or (width and "..." not in term):
            raise ShapeError(f"einsum: {shown(term)} in {shown(equation)} does not fit an operand "
                             f"of shape {tuple(x.shape)}; it needs a letter for each dimension")
    wide = max((w for w, term in zip(widths, terms) if "..." in term), default=0)
    dots = "".join(free[:wide])
    terms = [term.replace("...", dots[wide - width:]) for term, width in zip(terms, widths)]
    if not arrow:
        joined = "".join(terms)
        output = dots + "".join(sorted(c for c in set(joined) - set(dots) if joined.count(c) == 1))
    output = output.replace("...", dots)
    if len(set(output)) != len(output) or not set(output) <= set("".join(terms)):
        raise ArgumentError(f"einsum: the result of {shown(equation)} may name each letter of the "
                            f"operands once, and no other")
    return terms, output


def _lengths(equation: str, terms: list[str], xs: list) -> dict[str, int]:
    """The length of each letter's dimension; 1 broadcasts to any other length."""
    lengths: dict[str, int] = {}
    for term, x in zip(terms, xs):
        for letter, length in zip(term, x.shape):
            known = lengths.get(letter, 1)
            if 1 not in (known, length) and known != length:
                raise ShapeError(f"einsum: in {shown(equation)} the letter {shown(letter)} stands "
                                 f"for lengths {known} and {length}")
            lengths[letter] = length if known == 1 else known
    return lengths


def _distinct(term: str, x: Any, lengths: dict[str, int]) -> tuple[str, Any]:
    """An operand with each letter once: diagonals taken, repeated lengths of 1 dropped."""
    keep = [d for d, letter in enumerate(term) if x.shape[d] == lengths[letter]]
    if len(keep) < len(term):
        x, term = reshape(x, tuple(x.shape[d] for d in keep)), "".join(term[d] for d in keep)
    while len(set(term)) < len(term):
        letter = next(c for c in term if term.count(c) > 1)
        first, second = term.index(letter), term.rindex(letter)
        others = [d for d in range(len(term)) if d not in (first, second)]
        steps = array_module(getattr(x, "_array", x)).arange(lengths[letter])
        x = select(permute(x, (first, second, *others)), (steps, steps))
        term = letter + "".join(term[d] for d in others)
    return term, x
