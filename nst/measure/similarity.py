"""Structural similarity of two pictures, and the Gaussian mean that it uses."""

from __future__ import annotations

import numpy as np

from minigrad.errors import ArgumentError, ShapeError

WINDOW = 11             # pixels, the side of the window; its Gaussian has σ = 1.5
SIGMA = 1.5


def ssim(first: np.ndarray, second: np.ndarray) -> float:
    """Mean structural similarity of two grey pictures; 1 if they are equal.

    In every window of 11×11 pixels, weighted by a Gaussian with σ = 1.5,

        SSIM = (2 μ₁μ₂ + c₁)(2 σ₁₂ + c₂) / ((μ₁² + μ₂² + c₁)(σ₁² + σ₂² + c₂))

    with c₁ = (0.01·255)², c₂ = (0.03·255)²; the mean is taken over all windows inside the pictures.

    Parameters
    ----------
    first, second : array H×W
        0-255, of the same size, at least 11×11.

    Raises
    ------
    ShapeError, ArgumentError
        The sizes differ; a side is too short.

    References
    ----------
    Wang, Bovik, Sheikh, Simoncelli, "Image Quality Assessment: From Error Visibility to
    Structural Similarity" (2004), eq. 13.
    """
    if first.shape != second.shape or first.ndim != 2:
        raise ShapeError(f"ssim: the pictures have the shapes {first.shape} and {second.shape}, "
                         f"but both must be height × width, of the same size")
    height, width = first.shape
    if min(height, width) < WINDOW:
        raise ArgumentError(f"ssim: the pictures are {width}×{height} pixels, but the window needs "
                            f"{WINDOW} on each side")
    x, y = first.astype(np.float64), second.astype(np.float64)
    mean_x, mean_y = windowed_mean(x), windowed_mean(y)
    variance_x = windowed_mean(x * x) - mean_x**2
    variance_y = windowed_mean(y * y) - mean_y**2
    covariance = windowed_mean(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    similarity = ((2 * mean_x * mean_y + c1) * (2 * covariance + c2)
                  / ((mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2)))
    return float(similarity.mean())


def windowed_mean(values: np.ndarray, sigma: float = SIGMA) -> np.ndarray:
    """The Gaussian mean over every window inside a grey picture H×W: (H−10)×(W−10) for SSIM's."""
    radius = round(sigma * (WINDOW // 2) / SIGMA)
    distance = np.arange(-radius, radius + 1)
    weights = np.exp(-(distance**2) / (2 * sigma**2))
    weights /= weights.sum()
    for _ in ("rows", "columns"):
        length = len(values) - 2 * radius
        values = sum(weight * values[k:k + length] for k, weight in enumerate(weights)).T
    return values
