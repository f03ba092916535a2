"""Operations on the bits of whole numbers, and on their divisors."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from minigrad.backend import array_module
from minigrad.core.primitive import Primitive
from minigrad.errors import DTypeError
from minigrad.ops.ufunc import ufunc


def _of_whole_numbers(name: str, forward: Callable, kinds: str) -> Callable:
    """`forward`, with an error message for floats."""
    def checked(*xs: Any) -> Any:
        for x in xs:
            if getattr(x, "dtype", x).kind not in kinds if hasattr(x, "dtype") \
                    else not isinstance(x, int):
                raise DTypeError(f"{name} is an operation on integers"
                                 f"{' and bool' if 'b' in kinds else ''}, not on "
                                 f"{getattr(x, 'dtype', type(x).__name__)}")
        return forward(*xs)
    return checked


def _row(name: str, formula: str, forward: Callable, kinds: str = "biu") -> Primitive:
    checked = _of_whole_numbers(name, forward, kinds)
    return ufunc(name, formula, lambda x, y: checked(x, y), x=None, y=None)


bitwise_and = _row("bitwise_and", "x and y, bit by bit, as `x & y`.", operator.and_)
bitwise_or = _row("bitwise_or", "x or y, bit by bit, as `x | y`.", operator.or_)
bitwise_xor = _row("bitwise_xor", "Either x or y, bit by bit, as `x ^ y`.", operator.xor)
bitwise_left_shift = _row("bitwise_left_shift", "x·2ʸ, as `x << y`.", operator.lshift, "iu")
bitwise_right_shift = _row("bitwise_right_shift", "⌊x / 2ʸ⌋, as `x >> y`.", operator.rshift, "iu")
gcd = _row("gcd", "The greatest common divisor.", lambda x, y: array_module(x, y).gcd(x, y), "iu")
lcm = _row("lcm", "The least common multiple.", lambda x, y: array_module(x, y).lcm(x, y), "iu")
_not = _of_whole_numbers("bitwise_not", operator.invert, "biu")
bitwise_not = ufunc("bitwise_not", "Every bit of x reversed, as `~x`.", lambda x: _not(x), x=None)
