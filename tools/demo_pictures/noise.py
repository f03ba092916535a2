"""Random patterns that look natural: smooth noise at any point of the plane, and per-cell values.

Both read one small table of random numbers that repeats, so a pattern depends on nothing but the
seed and the place, and evaluating it at a million points is a handful of array operations.
"""

from __future__ import annotations

import numpy as np

TABLE_SIDE = 256


class Noise:
    """Value noise on the plane, with fractal sums of it.

    Parameters
    ----------
    seed : int
        Chooses the table of random numbers.
    """

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.table = rng.random((TABLE_SIDE, TABLE_SIDE), dtype=np.float32)

    def cell(self, column: np.ndarray, row: np.ndarray, channel: int = 0) -> np.ndarray:
        """One random number in [0, 1) for each cell of a grid, by whole column and row."""
        column = np.asarray(column, np.int64) + 37 * channel
        row = np.asarray(row, np.int64) + 101 * channel
        # Mixing the row into the column hides the period of the table along straight rows.
        return self.table[row & 255, (column + 57 * (row >> 8)) & 255]

    def smooth(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Noise in [0, 1] with one hump per unit square, continuous with its first derivative."""
        left, low = np.floor(x), np.floor(y)
        s, t = x - left, y - low
        s, t = s * s * (3 - 2 * s), t * t * (3 - 2 * t)
        i, j = left.astype(np.int64) & 255, low.astype(np.int64) & 255
        i1, j1 = (i + 1) & 255, (j + 1) & 255
        bottom = self.table[j, i] * (1 - s) + self.table[j, i1] * s
        top = self.table[j1, i] * (1 - s) + self.table[j1, i1] * s
        return bottom * (1 - t) + top * t

    def fractal(
        self, x: np.ndarray, y: np.ndarray, octaves: int = 5, gain: float = 0.5
    ) -> np.ndarray:
        """Sum of smooth noise at doubling frequencies, each `gain` times weaker; in [0, 1]."""
        x, y = np.asarray(x, np.float32), np.asarray(y, np.float32)
        total, weight, amplitude = np.float32(0), 0.0, 1.0
        for octave in range(octaves):
            # Turning each octave keeps the square lattice from showing through.
            total = total + amplitude * self.smooth(x + 17.3 * octave, y + 9.1 * octave)
            weight += amplitude
            amplitude *= gain
            x, y = 1.62 * x + 1.18 * y, 1.62 * y - 1.18 * x
        return total / weight


def ramp(low: float, high: float, value: np.ndarray) -> np.ndarray:
    """Smooth step: 0 below `low`, 1 above `high`, an S-curve between."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def mix(first: np.ndarray, second: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Blend two colours: `share` (N,) or scalar of `second`, the rest of `first`; (N, 3)."""
    share = np.asarray(share)[..., None]
    return np.asarray(first) * (1 - share) + np.asarray(second) * share
