"""Colour transfer between pictures: by luminance, by an affine map, or by histograms.

All functions take and return pictures as RGB arrays H×W×3 of floats, 0-255.

References
----------
Gatys, Bethge, Hertzmann, Shechtman, "Preserving Color in Neural Artistic Style Transfer" (2016).
"""

from __future__ import annotations

import numpy as np

from minigrad.errors import ArgumentError, ShapeError

# Luma of JPEG and of the YIQ space (ITU-R BT.601): the perceived brightness of red, green, blue.
LUMINANCE = (0.299, 0.587, 0.114)
# Limit of the stretch along a direction of colour. A direction with very little spread (the grain
# of a scanned drawing) is noise, which stretching would make visible.
MAX_GAIN = 10.0
ROTATIONS = 8           # sets of axes besides red, green, blue; with 5, some colours are wrong
BINS_PER_LEVEL = 8      # of a histogram
MAX_RADIUS = 450          # √3·255 rounded up: the largest distance of a colour from black


def luminance(picture: np.ndarray) -> np.ndarray:
    """The brightness of every pixel, 0.299 R + 0.587 G + 0.114 B, H×W.

    Raises
    ------
    ShapeError, ArgumentError
        The array is not a picture.
    """
    return _floats("luminance", picture) @ np.array(LUMINANCE, np.float32)


def keep_luminance(result: np.ndarray, content: np.ndarray) -> np.ndarray:
    """The brightness of `result` with the colours of `content`.

    The difference from grey is taken from the content, which is the same as exchanging the Y of YIQ
    (section 3 of the paper). If the sum is outside 0-255, the colour is made paler instead of being
    clipped, which preserves brightness and hue.

    Parameters
    ----------
    result, content : array, H×W×3, of the same size

    Raises
    ------
    ShapeError, ArgumentError
        The sizes differ, or an array is not a picture.
    """
    result, content = _floats("keep_luminance", result), _floats("keep_luminance", content)
    if result.shape != content.shape:
        raise ShapeError(f"keep_luminance: the result is {_size(result)} and the content "
                         f"{_size(content)} pixels, but they must have the same size")
    grey = luminance(result)[..., None].clip(0, 255)
    color = content - luminance(content)[..., None]
    # The available distance of each channel from grey, relative to the desired one.
    room = np.where(color > 0, 255 - grey, grey)
    share = room / np.maximum(np.abs(color), 1e-3)
    return (grey + color * share.min(axis=2, keepdims=True).clip(0, 1)).clip(0, 255)


def match_affine(picture: np.ndarray, reference: np.ndarray,
                 sample: np.ndarray | None = None) -> np.ndarray:
    """The picture with the mean and the covariance of the colours of `reference`.

    Of all maps x → A(x − mean) + mean' with that covariance, this is the symmetric one, which
    changes colours least:  A = S⁻¹ (S C' S)^½ S⁻¹  with S = C^½, C the covariance of `picture`
    and C' that of `reference`. In a grey picture or a single colour, some directions have no
    spread; they keep none, and no direction is stretched by a factor of more than 10.

    Parameters
    ----------
    picture, reference : array, H×W×3; their sizes may differ.
    sample : array H×W×3, optional
        The pixels of `picture` whose mean and covariance count. Default: all.

    Returns
    -------
    array
        As large as `picture`, clipped to 0-255.

    Raises
    ------
    ShapeError, ArgumentError
        An array is not a picture.

    References
    ----------
    Pitié and Kokaram, "The Linear Monge-Kantorovitch Linear Colour Mapping for Example-Based
    Colour Transfer" (2007), eq. 12.
    """
    picture, reference = _floats("match_affine", picture), _floats("match_affine", reference)
    sample = picture if sample is None else _floats("match_affine", sample)
    return _affine(picture, reference, sample).clip(0, 255)


def _affine(picture: np.ndarray, reference: np.ndarray, sample: np.ndarray) -> np.ndarray:
    """`match_affine` without clipping."""
    mean, covariance = _statistics(sample)
    target_mean, target_covariance = _statistics(reference)
    matrix = _transport(covariance, target_covariance)
    moved = (picture - mean.astype(picture.dtype)) @ matrix.astype(picture.dtype)
    return moved + target_mean.astype(picture.dtype)


def match_histogram(picture: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """The picture with the colour distribution of `reference`.

    Matching the histograms of red, green and blue separately is not enough: a picture of blue and
    orange, matched to one of grey and red, becomes blue and yellow. So after an affine match,
    histograms are matched along several other sets of axes in the colour cube, and finally along
    red, green and blue. Then the joint distributions agree, and the histograms of the channels
    agree exactly. Equal colours stay equal.

    Parameters
    ----------
    picture, reference : array, H×W×3; their sizes may differ.

    Raises
    ------
    ShapeError, ArgumentError
        An array is not a picture.

    References
    ----------
    Pitié, Kokaram, Dahyot, "N-Dimensional Probability Density Function Transfer and its
    Application to Colour Transfer" (2005).
    """
    picture, reference = _floats("match_histogram", picture), _floats("match_histogram", reference)
    generator = np.random.default_rng(0)            # the same axes in every call
    rotations = [np.linalg.qr(generator.standard_normal((3, 3)))[0] for _ in range(ROTATIONS)]
    colors = _affine(picture, reference, picture)
    for axes in (*rotations, np.eye(3)):
        axes = axes.astype(picture.dtype)
        rotated, target = _rotated(colors, axes), _rotated(reference, axes)
        for k in range(3):
            rotated[..., k] = _match_quantiles(rotated[..., k], target[..., k])
        colors = _rotated(rotated, axes.T)
    return colors.clip(0, 255)


def _rotated(colors: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """colors @ axes by elementwise operations, so that equal colours give equal numbers bit for
    bit, which BLAS does not guarantee."""
    return np.stack([sum(colors[..., i] * axes[i, k] for i in range(3)) for k in range(3)], axis=-1)


def _match_quantiles(values: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Replace each value by the value of `target` at the same quantile (Gonzalez and Woods,
    "Digital Image Processing", section 3.3.2)."""
    levels, share = _levels(values)
    target_levels, target_share = _levels(target)
    matched = np.interp(share, target_share, target_levels)
    # A table of equal steps is ten times as fast as a search for every pixel.
    steps = np.arange(2 * MAX_RADIUS * BINS_PER_LEVEL + 2) / BINS_PER_LEVEL - MAX_RADIUS
    table = np.interp(steps, levels, matched).astype(values.dtype)
    place = _in_bins(values)
    below = place.astype(np.int32)
    return table[below] + (place - below) * (table[below + 1] - table[below])


def _levels(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The histogram: the mean value of each bin that is not empty, and the fraction of all values
    below its middle, so that equal histograms give the identity."""
    values = values.ravel()
    bins = (_in_bins(values) + 0.5).astype(np.int32)    # integers are in the middle of a bin
    counts = np.bincount(bins)
    filled = counts > 0
    sums, counts = np.bincount(bins, weights=values)[filled], counts[filled]
    return sums / counts, (np.cumsum(counts) - counts / 2) / values.size


def _in_bins(values: np.ndarray) -> np.ndarray:
    return (values.clip(-MAX_RADIUS, MAX_RADIUS) + MAX_RADIUS) * BINS_PER_LEVEL


def _statistics(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean (3) and covariance (3×3) of the colours, in float64."""
    pixels = picture.reshape(-1, 3).astype(np.float64)
    mean = pixels.mean(axis=0)
    centred = pixels - mean
    return mean, centred.T @ centred / len(pixels)


def _transport(covariance: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The symmetric A, 3×3, with A·covariance·A = target if possible."""
    # Adding a spread of a thousandth of a grey level keeps the inverse finite and is invisible.
    root = _power(covariance + 1e-6 * np.eye(3), 0.5)
    inverse = np.linalg.inv(root)
    matrix = inverse @ _power(root @ target @ root, 0.5) @ inverse
    gains, directions = np.linalg.eigh((matrix + matrix.T) / 2)
    return (directions * gains.clip(0, MAX_GAIN)) @ directions.T


def _power(matrix: np.ndarray, exponent: float) -> np.ndarray:
    """A power of a symmetric matrix; negative eigenvalues are rounding errors of 0."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * values.clip(0, None) ** exponent) @ vectors.T


def _floats(function: str, picture: np.ndarray) -> np.ndarray:
    """Check a picture, and return it as float32, or as float64 if it has that type."""
    picture = np.asarray(picture)
    if picture.ndim != 3 or picture.shape[2] != 3 or not picture.size:
        raise ShapeError(f"{function}: the array has shape {picture.shape}, but a picture is "
                         f"height × width × 3")
    if picture.dtype != np.float64:
        picture = picture.astype(np.float32)
    if not np.isfinite(picture).all():
        raise ArgumentError(f"{function}: the picture contains NaN or infinity; its values must be "
                            f"finite, 0-255")
    return picture


def _size(picture: np.ndarray) -> str:
    return f"{picture.shape[1]}×{picture.shape[0]}"
