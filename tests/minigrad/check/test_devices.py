"""The difference of two devices' results."""

import numpy as np
import pytest

from minigrad.check.devices import SMALLEST, difference

LARGE, ZERO = np.full(4, 10.0), np.zeros(3)


def test_each_array_counts_relative_to_its_own_size():
    assert difference([LARGE, LARGE * 1.01], [LARGE, LARGE]) == pytest.approx(0.01)
    assert difference([LARGE, 0.1 * LARGE * 1.01], [LARGE, 0.1 * LARGE]) == pytest.approx(0.01)
    assert difference([], []) == 0


def test_what_cancels_to_0_counts_relative_to_the_largest():
    rounded = ZERO + 1e-15
    assert difference([LARGE, rounded], [LARGE, ZERO]) == pytest.approx(
        1e-15 * 3 ** 0.5 / (SMALLEST * 20))
    assert difference([rounded], [ZERO]) == pytest.approx(1e-15 * 3 ** 0.5)


@pytest.mark.parametrize("wrong", [None, np.zeros(4), np.full(3, np.nan)],
                         ids=["missing", "shape", "NaN"])
def test_what_cannot_be_compared_is_infinitely_far(wrong):
    assert difference([wrong], [ZERO]) == float("inf")
