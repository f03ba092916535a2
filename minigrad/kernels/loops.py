"""Convolution and pooling by definition, one product at a time.

They are here to be read, and to test the fast kernels. They are thousands of times slower: a 3×3
convolution of a 32×32 image with 16 channels takes seconds.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from minigrad.kernels.geometry import Convolution, Pooling


def loops_conv2d(x: Any, weight: Any, bias: Any, geometry: Convolution) -> np.ndarray:
    """y[n,o,i,j] = b[o] + Σ_{c,p,q} w[o,c,p,q] · x[n, c, i·s + p·d − pad, j·s + q·d − pad].

    x is N×C×H×W, weight O×(C/groups)×K×L; outside the image x is zero.
    """
    n_images, _, height, width = x.shape
    n_filters, n_inputs, k_rows, k_columns = weight.shape
    rows, columns = geometry.output_size((height, width), (k_rows, k_columns))
    y = np.zeros((n_images, n_filters, rows, columns), x.dtype)
    for n, o, i, j in np.ndindex(*y.shape):
        first = o // (n_filters // geometry.groups) * n_inputs      # the group's first channel
        total = 0.0 if bias is None else bias[o]
        for c, p, q in itertools.product(range(n_inputs), range(k_rows), range(k_columns)):
            r = i * geometry.stride[0] + p * geometry.dilation[0] - geometry.padding[0]
            s = j * geometry.stride[1] + q * geometry.dilation[1] - geometry.padding[2]
            if 0 <= r < height and 0 <= s < width:
                total += weight[o, c, p, q] * x[n, first + c, r, s]
        y[n, o, i, j] = total
    return y


def _window(geometry: Pooling, image: tuple[int, int], i: int, j: int) -> list[tuple[int, int]]:
    """The pixels inside the image that window (i, j) covers, row by row."""
    top = i * geometry.stride[0] - geometry.padding[0]
    left = j * geometry.stride[1] - geometry.padding[1]
    return [(r, s) for r in range(top, top + geometry.kernel[0])
            for s in range(left, left + geometry.kernel[1])
            if 0 <= r < image[0] and 0 <= s < image[1]]


def max_pool2d(x: Any, geometry: Pooling) -> np.ndarray:
    """The largest pixel in each window; padding never wins (it counts as −∞)."""
    rows, columns = geometry.output_size(x.shape[2:])
    y = np.empty((*x.shape[:2], rows, columns), x.dtype)
    for n, c, i, j in np.ndindex(*y.shape):
        y[n, c, i, j] = max(x[n, c, r, s] for r, s in _window(geometry, x.shape[2:], i, j))
    return y


def avg_pool2d(x: Any, geometry: Pooling) -> np.ndarray:
    """The mean of each window; padding counts as zeros if `count_include_pad`."""
    height, width = x.shape[2:]
    rows, columns = geometry.output_size((height, width))
    y = np.empty((*x.shape[:2], rows, columns), x.dtype)
    for n, c, i, j in np.ndindex(*y.shape):
        pixels = _window(geometry, (height, width), i, j)
        top = i * geometry.stride[0] - geometry.padding[0]
        left = j * geometry.stride[1] - geometry.padding[1]
        # In ceil_mode a window may extend past the padding; that part never counts.
        area = (min(top + geometry.kernel[0], height + geometry.padding[0]) - top) * \
            (min(left + geometry.kernel[1], width + geometry.padding[1]) - left)
        count = area if geometry.count_include_pad else len(pixels)
        y[n, c, i, j] = sum(x[n, c, r, s] for r, s in pixels) / count
    return y
