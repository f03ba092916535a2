"""Distances between clouds of vectors, seen along fixed directions: features and colours.

The projections of a cloud on one direction are numbers, and the best transport between two sets of
numbers pairs them in their order. So the distance along a direction is that of the sorted
projections, and the sliced Wasserstein distance is the mean over many directions. Unlike Gram
matrices, whose norm is dominated by the mean feature, it counts contrasts and rare features fully.

References
----------
Rabin, Peyré, Delon, Bernot, "Wasserstein Barycenter and its Application to Texture Mixing" (2011).
Heitz et al., "A Sliced Wasserstein Loss for Neural Texture Synthesis" (2021).
"""

from __future__ import annotations

import functools
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from minigrad import get_num_threads

DIRECTIONS = 128
QUANTILES = 512
CHANNELS = (64, 128, 256, 512, 3)   # of the features of VGG19, then of colours
SEED = 7
MAX_POSITIONS = 2**17   # half of a 512×512 picture; of more positions, this many are drawn
ROWS = 16               # directions that are sorted at once, which limits the memory


@functools.cache
def directions(channels: int) -> np.ndarray:
    """128 random unit vectors of `channels` numbers, always the same: 128×C, float32.

    Other directions would give a distance that differs by 2 to 5 %. These are the ones that
    PyTorch draws with the seed 7 for `CHANNELS` in turn, so that figures agree with those of a
    program in PyTorch. Any other number of channels comes after them.
    """
    generator = np.random.RandomState(SEED)     # a Mersenne Twister, as PyTorch's
    for count in (*CHANNELS, channels):
        drawn = _normal(generator, DIRECTIONS * count).reshape(DIRECTIONS, count)
        if count == channels:
            break
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


def _normal(generator: np.random.RandomState, count: int) -> np.ndarray:
    """Normal numbers by Box and Muller's method, in blocks of 16: 8 radii, then 8 angles."""
    words = np.frombuffer(generator.bytes(4 * count), "<u4")
    uniform = (words & 0xFFFFFF).astype(np.float64).reshape(-1, 2, 8) / 2**24
    radius = np.sqrt(-2 * np.log(1 - uniform[:, 0]))
    angle = 2 * np.pi * uniform[:, 1]
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).ravel()


def quantiles(vectors: np.ndarray) -> np.ndarray:
    """The projections of vectors, C×positions, along each direction: 128×512 quantiles.

    The first is the smallest projection, the last the largest, and those between are interpolated
    linearly at equal distances. More than `MAX_POSITIONS` vectors are cut into that many parts of
    equal size, and one vector is drawn from each, always the same one.
    """
    if vectors.shape[1] > MAX_POSITIONS:
        vectors = vectors[:, _drawn(vectors.shape[1])]
    vectors = np.ascontiguousarray(vectors, np.float32)
    along, last = directions(len(vectors)), vectors.shape[1] - 1
    place = np.linspace(0, last, QUANTILES)
    below = place.astype(int)
    above, share = np.minimum(below + 1, last), place - below

    def found(row: int) -> np.ndarray:
        projections = along[row:row + ROWS] @ vectors
        projections.sort(axis=1)
        return projections[:, below] * (1 - share) + projections[:, above] * share

    with ThreadPoolExecutor(get_num_threads()) as pool:     # sorting lets other threads run
        return np.concatenate(list(pool.map(found, range(0, DIRECTIONS, ROWS))))


def _drawn(count: int) -> np.ndarray:
    phase = np.random.default_rng(SEED).random(MAX_POSITIONS)
    drawn = ((np.arange(MAX_POSITIONS) + phase) * (count / MAX_POSITIONS)).astype(int)
    return drawn.clip(0, count - 1)


def relative_distance(result: np.ndarray, style: np.ndarray) -> float | None:
    """The sliced Wasserstein distance W₂ of two sets of quantiles, relative to the style's spread.

    √(mean (x − y)² / mean (y − ȳ)²), where ȳ is the mean along each direction: 0 is the style
    itself, 1 about the distance of a plain picture in the style's mean colour.

    Parameters
    ----------
    result, style : array 128×512
        See `quantiles`.

    Returns
    -------
    float or None
        None if the style has no spread and the result differs, or a number is not finite.
    """
    with np.errstate(all="ignore"):
        distance = ((result - style) ** 2).mean()
        spread = ((style - style.mean(axis=1, keepdims=True)) ** 2).mean()
    if not np.isfinite(distance + spread):
        return None
    if distance == 0:
        return 0.0
    # For equal vectors, only rounding in float32 is left.
    return float(np.sqrt(distance / spread)) if spread > 1e-12 * (style**2).mean() else None


def color_distance(result: np.ndarray, style: np.ndarray) -> float:
    """The sliced Wasserstein distance W₁ of the colours of two pictures, in grey levels.

    It is the mean over the directions of red, green and blue: a shift by v is at a distance
    of about |v|/2 (these directions favour red: 10 levels of red are 5.8, of green 4.7, of blue
    4.4).

    Parameters
    ----------
    result, style : array H×W×3
        0-255; their sizes may differ.
    """
    one, other = (quantiles(pixels.reshape(-1, 3).T) for pixels in (result, style))
    return float(np.abs(one - other).mean())
