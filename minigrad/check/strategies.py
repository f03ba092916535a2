"""Hypothesis strategies for checks of gradients: shapes, memory layouts, element types, arrays.

    @given(strategies.arrays())
    def test_rule(gradcheck, x): ...

This module needs Hypothesis; nothing else of minigrad does.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from minigrad.check.plain.layouts import LAYOUTS, row_major

_EIGHTHS = 8            # values are multiples of 1/8, which every element type holds exactly


def shapes(min_dims: int = 0, max_dims: int = 3, max_side: int = 4) -> st.SearchStrategy[Any]:
    """Shapes, with sides of length 1 and up."""
    return st.lists(st.integers(1, max_side), min_size=min_dims, max_size=max_dims).map(tuple)


def layouts() -> st.SearchStrategy[Any]:
    """Names of memory layouts, "row-major" first: what Hypothesis shrinks to."""
    return st.sampled_from(["row-major", *LAYOUTS])


def element_types() -> st.SearchStrategy[Any]:
    """Float types of NumPy."""
    return st.sampled_from([np.float64, np.float32])


@st.composite
def arrays(draw: Any, shape: Any = None, layout: Any = None, dtype: Any = None, limit: int = 4
           ) -> np.ndarray:
    """Arrays of floats between −limit and limit, none of them 0.

    Parameters
    ----------
    shape, layout, dtype : a value, a strategy, or None for any.
    """
    shape = _drawn(draw, shape, shapes())
    size = int(np.prod(shape))
    number = st.integers(1, limit * _EIGHTHS)
    values = draw(st.lists(st.tuples(number, st.booleans()), min_size=size, max_size=size))
    signed = [value if positive else -value for value, positive in values]
    array = np.reshape(np.array(signed, _drawn(draw, dtype, element_types())), shape) / _EIGHTHS
    name = _drawn(draw, layout, layouts())
    return LAYOUTS.get(name, row_major)(array) if array.ndim else array


def _drawn(draw: Any, given: Any, default: st.SearchStrategy[Any]) -> Any:
    if given is None:
        return draw(default)
    return draw(given) if isinstance(given, st.SearchStrategy) else given
