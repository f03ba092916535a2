"""Natural-looking random patterns: smooth noise on the plane, and one value per grid cell.

Both read a small periodic table of random numbers, so a pattern depends only on the seed and the
position, and a million points take a handful of array operations.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

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

    def cell(self, column: ArrayLike, row: ArrayLike, channel: int = 0) -> np.ndarray:
        """A random number in [0, 1) per grid cell, for integer columns and rows."""
        columns = np.asarray(column, np.int64) + 37 * channel
        rows = np.asarray(row, np.int64) + 101 * channel
        # Shifting columns by the row hides the table's period along straight rows.
        return self.table[rows & 255, (columns + 57 * (rows >> 8)) & 255]

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

    def fractal(self, x: np.ndarray, y: np.ndarray, octaves: int = 5, gain: float = 0.5
                ) -> np.ndarray:
        """Sum of smooth noise at doubling frequencies, each `gain` times weaker; in [0, 1]."""
        x, y = np.asarray(x, np.float32), np.asarray(y, np.float32)
        total: np.ndarray = np.zeros((), np.float32)
        weight, amplitude = 0.0, 1.0
        for octave in range(octaves):
            # Rotating each octave hides the square lattice.
            total = total + amplitude * self.smooth(x + 17.3 * octave, y + 9.1 * octave)
            weight += amplitude
            amplitude *= gain
            x, y = 1.62 * x + 1.18 * y, 1.62 * y - 1.18 * x
        return total / weight


def ramp(low: float, high: float, value: np.ndarray) -> np.ndarray:
    """Smooth step: 0 below `low`, 1 above `high`, an S-curve between."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def mix(first: ArrayLike, second: ArrayLike, share: ArrayLike) -> np.ndarray:
    """Blend two colours: `share` (N,) or scalar of `second`, the rest of `first`; (N, 3)."""
    part = np.asarray(share)[..., None]
    return np.asarray(first) * (1 - part) + np.asarray(second) * part
