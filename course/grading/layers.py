"""What is right for the layers of the course, in NumPy, and what explains how weights begin."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from course.grading.verdict import Wrong
from course.grading.work import Work


def convolved(x: np.ndarray, w: np.ndarray, b: np.ndarray, padding: int = 0) -> np.ndarray:
    """The convolution, as a sum of shifted pictures: one for each element of a filter."""
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    high, wide = w.shape[2:]
    down, across = x.shape[2] - high + 1, x.shape[3] - wide + 1
    out = np.zeros((len(x), len(w), down, across)) + b[:, None, None]
    for i, j in np.ndindex(high, wide):
        out += np.einsum("nchw,fc->nfhw", x[:, :, i:i + down, j:j + across], w[:, :, i, j])
    return out


# Shapes of pictures and filters, and the padding; one thing more than in the simplest case.
_SIMPLEST = ((1, 1, 3, 3), (1, 1, 2, 2), 0)
_HARDER = {
    "two pictures": ((2, 1, 3, 3), (1, 1, 2, 2), 0),
    "two filters": ((1, 1, 3, 3), (2, 1, 2, 2), 0),
    "two channels": ((1, 2, 3, 3), (1, 2, 2, 2), 0),
    "pictures that are not square": ((1, 1, 3, 5), (1, 1, 2, 2), 0),
    "filters that are not square": ((1, 1, 3, 3), (1, 1, 2, 1), 0),
    "a border": ((1, 1, 3, 3), (1, 1, 2, 2), 1)}


def where_it_begins(right: Callable[..., bool]) -> str:
    """Say from which case on a convolution is wrong.

    Parameters
    ----------
    right : whether it is right for such shapes of pictures and filters and such a padding; an
        error of the reader's code counts as wrong.
    """
    def fits(case: tuple) -> bool:
        try:
            return right(*case)
        except Wrong:
            return False

    if not fits(_SIMPLEST):
        return ("it is wrong already for one picture with one channel, one filter and no border; "
                "begin with that case")
    wrong = [name for name, case in _HARDER.items() if not fits(case)]
    return ("it is right for one picture with one channel, one filter and no border, but wrong "
            f"with {' and with '.join(wrong)}") if wrong else ""


def check_beginning(work: Work, where: str, what: str, w: np.ndarray, right: float,
                    guesses: Mapping[str, Any], within: float) -> None:
    """Whether weights have mean 0 and the right standard deviation, within what chance does.

    Parameters
    ----------
    guesses : deviations by common mistakes; the sentence of the nearest is told, if it fits.
    within : how far a deviation may be off, as a share of it.

    Raises
    ------
    Wrong
        They have not.
    """
    found = w.std()
    if not abs(found / right - 1) < within:
        sentence = min(guesses, key=lambda guess: abs(found - guesses[guess]))
        near = abs(found - guesses[sentence]) <= within * guesses[sentence]
        why = f": {sentence}" if near else ""
        raise work.wrong(where, f"the weights of {what} have the standard deviation {found:.4g}, "
                                f"but should have {right:.4g}{why}")
    if abs(w.mean()) > 6 * right / np.sqrt(w.size):
        raise work.wrong(where, f"the weights of {what} have the mean {w.mean():.3g}, but should "
                                f"have 0")
