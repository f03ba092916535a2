"""Whose colours a picture has: luminance kept apart, colours fitted by a map or by histograms.

All functions take and return pictures as H×W×3 arrays of floats, RGB, 0-255.

References
----------
Gatys, Bethge, Hertzmann, Shechtman, "Preserving Color in Neural Artistic Style Transfer" (2016).
"""

from __future__ import annotations

import numpy as np

from minigrad.errors import ArgumentError, ShapeError

# Luma of JPEG and of the YIQ space (ITU-R BT.601): how bright red, green and blue look.
LUMINANCE = (0.299, 0.587, 0.114)
# A direction of colour is stretched no further: what has so little spread of its own (the grain
# of a scanned drawing) is noise, and would come out as confetti.
MAX_GAIN = 10.0
ROTATIONS = 8           # sets of axes beside red, green, blue; with 5, wrong colours are left over
BINS_PER_LEVEL = 8      # of a histogram
MAX_RADIUS = 450          # √3·255 and a little: no colour is further from black, whatever the axes


def luminance(picture: np.ndarray) -> np.ndarray:
    """Brightness of every pixel, 0.299 R + 0.587 G + 0.114 B; H×W×3 to H×W.

    Raises
    ------
    ShapeError, ArgumentError
        The array is no picture.
    """
    return _floats("luminance", picture) @ np.array(LUMINANCE, np.float32)


def keep_luminance(result: np.ndarray, content: np.ndarray) -> np.ndarray:
    """The brightness of ``result`` with the colours of ``content``.

    The difference to grey is taken from the content, as exchanging the Y of YIQ does (section 3
    of the paper). Where that would leave 0-255, the colour is made paler instead of being
    clipped, so brightness and hue stay as they are.

    Parameters
    ----------
    result, content : array, H×W×3, of one size

    Raises
    ------
    ShapeError, ArgumentError
        The sizes differ, or an array is no picture.
    """
    result, content = _floats("keep_luminance", result), _floats("keep_luminance", content)
    if result.shape != content.shape:
        raise ShapeError(f"keep_luminance: the result is {_size(result)} and the content "
                         f"{_size(content)} pixels, but they must have one size")
    grey = luminance(result)[..., None].clip(0, 255)
    color = content - luminance(content)[..., None]
    # How far each channel may go from grey, relative to how far it wants to.
    room = np.where(color > 0, 255 - grey, grey)
    share = room / np.maximum(np.abs(color), 1e-3)
    return (grey + color * share.min(axis=2, keepdims=True).clip(0, 1)).clip(0, 255)


def match_affine(picture: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """The picture with the mean and the covariance of the colours of ``reference``.

    Of all maps x → A(x − mean) + mean' with that covariance this is the symmetric one, which
    moves colours least:  A = S⁻¹ (S C' S)^½ S⁻¹  with S = C^½, C the covariance of ``picture``
    and C' that of ``reference``. A grey picture or a single colour has directions without any
    spread; they stay so, and no direction is stretched by more than 10.

    Parameters
    ----------
    picture, reference : array, H×W×3; their sizes may differ.

    Returns
    -------
    array
        Of the size of ``picture``; what leaves 0-255 is clipped.

    Raises
    ------
    ShapeError, ArgumentError
        An array is no picture.

    References
    ----------
    Pitié and Kokaram, "The Linear Monge-Kantorovitch Linear Colour Mapping for Example-Based
    Colour Transfer" (2007), eq. 12.
    """
    picture, reference = _floats("match_affine", picture), _floats("match_affine", reference)
    return _affine(picture, reference).clip(0, 255)


def _affine(picture: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """`match_affine` before anything is clipped."""
    mean, covariance = _statistics(picture)
    wanted_mean, wanted_covariance = _statistics(reference)
    matrix = _transport(covariance, wanted_covariance)
    moved = (picture - mean.astype(picture.dtype)) @ matrix.astype(picture.dtype)
    return moved + wanted_mean.astype(picture.dtype)


def match_histogram(picture: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """The picture with the colours of ``reference``, as often as they are there.

    It is not enough that red, green and blue have the histograms of the reference each: a picture
    of blue and orange that is matched so to one of grey and red comes out blue and yellow. So
    the histograms are matched along other axes through the cube of colours as well, one set after
    the other, after an affine match, and along red, green and blue last; then the colours agree
    as triples, and each channel's histogram exactly. Equal colours stay equal.

    Parameters
    ----------
    picture, reference : array, H×W×3; their sizes may differ.

    Raises
    ------
    ShapeError, ArgumentError
        An array is no picture.

    References
    ----------
    Pitié, Kokaram, Dahyot, "N-Dimensional Probability Density Function Transfer and its
    Application to Colour Transfer" (2005).
    """
    picture, reference = _floats("match_histogram", picture), _floats("match_histogram", reference)
    generator = np.random.default_rng(0)            # the same axes at all times
    rotations = [np.linalg.qr(generator.standard_normal((3, 3)))[0] for _ in range(ROTATIONS)]
    colors = _affine(picture, reference)
    for axes in (*rotations, np.eye(3)):
        axes = axes.astype(picture.dtype)
        turned, wanted = _turned(colors, axes), _turned(reference, axes)
        for k in range(3):
            turned[..., k] = _quantiles_matched(turned[..., k], wanted[..., k])
        colors = _turned(turned, axes.T)
    return colors.clip(0, 255)


def _turned(colors: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """colors @ axes, by elementwise operations: equal colours get equal numbers, to the last bit,
    which BLAS does not promise."""
    return np.stack([sum(colors[..., i] * axes[i, k] for i in range(3)) for k in range(3)], axis=-1)


def _quantiles_matched(values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Each value goes to that value of ``wanted`` below which the same share lies (Gonzalez and
    Woods, "Digital Image Processing", section 3.3.2)."""
    levels, share = _levels(values)
    wanted_levels, wanted_share = _levels(wanted)
    goes_to = np.interp(share, wanted_share, wanted_levels)
    # Looked up in a table of equal steps: a search for every pixel would take ten times as long.
    steps = np.arange(2 * MAX_RADIUS * BINS_PER_LEVEL + 2) / BINS_PER_LEVEL - MAX_RADIUS
    table = np.interp(steps, levels, goes_to).astype(values.dtype)
    place = _in_bins(values)
    below = place.astype(np.int32)
    return table[below] + (place - below) * (table[below + 1] - table[below])


def _levels(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The histogram: the mean value of each bin that is not empty, and the share of all values
    below the middle of those in it, so that the identity stays one."""
    values = values.ravel()
    bins = (_in_bins(values) + 0.5).astype(np.int32)    # whole levels are in the middle of a bin
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


def _transport(covariance: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The symmetric A, 3×3, with A·covariance·A = wanted where that is possible."""
    # A thousandth of a grey level of spread keeps the inverse finite and is not seen.
    root = _power(covariance + 1e-6 * np.eye(3), 0.5)
    inverse = np.linalg.inv(root)
    matrix = inverse @ _power(root @ wanted @ root, 0.5) @ inverse
    gains, directions = np.linalg.eigh((matrix + matrix.T) / 2)
    return (directions * gains.clip(0, MAX_GAIN)) @ directions.T


def _power(matrix: np.ndarray, exponent: float) -> np.ndarray:
    """A power of a symmetric matrix; rounding may have made eigenvalues of 0 negative."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * values.clip(0, None) ** exponent) @ vectors.T


def _floats(function: str, picture: np.ndarray) -> np.ndarray:
    """The picture as floats, float64 if it is that already; refuses what is no picture."""
    picture = np.asarray(picture)
    if picture.ndim != 3 or picture.shape[2] != 3 or not picture.size:
        raise ShapeError(f"{function}: the array has shape {picture.shape}, but a picture is "
                         f"height × width × 3")
    if picture.dtype != np.float64:
        picture = picture.astype(np.float32)
    if not np.isfinite(picture).all():
        raise ArgumentError(f"{function}: the picture holds NaN or infinity; its values must be "
                            f"finite, 0-255")
    return picture


def _size(picture: np.ndarray) -> str:
    return f"{picture.shape[1]}×{picture.shape[0]}"
