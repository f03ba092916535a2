"""What is right for the layers of the course, in NumPy, and what explains how weights begin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

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
