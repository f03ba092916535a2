"""Windows of images of any number of dimensions, and operations over them.

The fast kernels of :mod:`.conv` and :mod:`.pool` are for images N×C×H×W. Everything else gathers
its windows: one selection with an array of positions along each dimension. Images are C×… or N×C×…
with one, two or three dimensions of pixels.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.backend import array_module
from minigrad.core.tensor import Tensor, wrap
from minigrad.errors import ArgumentError, ShapeError
from minigrad.kernels.arguments import whole
from minigrad.kernels.geometry import is_omitted, several
from minigrad.ops.conv import check_bias_and_dtypes
from minigrad.ops.half import HALF, in_float32
from minigrad.ops.pad_any import constant_pad
from minigrad.ops.reduce import mean, sum
from minigrad.ops.shape import cast, gather_along, permute, reshape, select
from minigrad.ops.shape_functions import unsqueeze
from minigrad.ops.steps import trunc_divide
from minigrad.printable import shown


def batched(input: Tensor, pixels: int, name: str) -> tuple[Tensor, bool]:
    """The image with a dimension of examples in front, and whether it was missing."""
    if input.ndim not in (pixels + 1, pixels + 2):
        raise ShapeError(f"{name} needs images N×C or C and {pixels} dimension(s) of pixels, not "
                         f"shape {input.shape}")
    return (unsqueeze(input, 0), True) if input.ndim == pixels + 1 else (input, False)


def unbatched(result: Tensor, single: bool) -> Tensor:
    """The result without the dimension that :func:`batched` added."""
    return reshape(result, result.shape[1:]) if single else result


def places(starts: Any, kernel: int, dilation: int) -> np.ndarray:
    """The positions of all pixels of all windows along one dimension, windows×kernel."""
    return np.asarray(starts)[:, None] + dilation * np.arange(kernel)


def gathered(x: Tensor, along: list[np.ndarray]) -> Tensor:
    """Windows N×C×P…×K… of images, from the positions along each dimension of pixels."""
    count = len(along)
    index: list[Any] = [slice(None), slice(None)]
    for d, place in enumerate(along):
        shape = [1] * (2 * count)
        shape[d], shape[count + d] = place.shape
        index.append(place.reshape(shape))
    return select(x, tuple(index))


def output_length(n: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool,
                  name: str) -> int:
    """The number of windows along one dimension, as :class:`Pooling` counts them."""
    room = n + 2 * padding - dilation * (kernel - 1) - 1
    if room < 0:
        raise ShapeError(f"{name}: a window of {kernel} with dilation {dilation} does not fit into "
                         f"{n} pixels with padding {padding}")
    length = (-(-room // stride) if ceil_mode else room // stride) + 1
    return length - 1 if ceil_mode and (length - 1) * stride >= n + padding else length


def windows(x: Tensor, kernel: tuple, stride: tuple, padding: tuple, dilation: tuple,
            ceil_mode: bool, value: float, name: str) -> tuple[Tensor, list[np.ndarray]]:
    """All windows N×C×P…×K… of padded images, and their positions in the image along each
    dimension (negative or too large where they lie in the padding).
    """
    sizes, along = x.shape[2:], []
    for n, k, s, p, d in zip(sizes, kernel, stride, padding, dilation):
        count = output_length(n, k, s, p, d, ceil_mode, name)
        along.append(places(np.arange(count) * s - p, k, d))
    low = [max(0, -int(a.min(initial=0))) for a in along]
    high = [max(0, int(a.max(initial=0)) + 1 - n) for a, n in zip(along, sizes)]
    widths = [w for pair in zip(low[::-1], high[::-1]) for w in pair]
    padded = constant_pad(x, widths, value) if any(widths) else x
    return gathered(padded, [a + before for a, before in zip(along, low)]), along


# ------------------------------------------------------------------------------ pooling


def largest(x: Tensor, along: list[np.ndarray], view: Tensor) -> tuple[Tensor, Tensor]:
    """The first largest pixel of each window, and its position in row-major order in the image."""
    count = len(along)
    flat = reshape(view, (*view.shape[:2 + count], math.prod(view.shape[2 + count:])))
    xp = array_module(flat._array)
    missing = flat._array != flat._array
    best = xp.where(missing.any(axis=-1), missing.argmax(axis=-1), flat._array.argmax(axis=-1))
    best = best[..., None]
    values = reshape(gather_along(flat, best, flat.ndim - 1, True), flat.shape[:-1])
    position = np.zeros((1,) * (2 * count), np.int64)
    for d, place in enumerate(along):
        shape = [1] * (2 * count)
        shape[d], shape[count + d] = place.shape
        position = position * x.shape[2 + d] + place.reshape(shape)
    table = xp.asarray(position.reshape(*position.shape[:count], flat.shape[-1]))
    spread = xp.broadcast_to(table, flat.shape)
    return values, wrap(xp.take_along_axis(spread, best, -1)[..., 0])


def max_pool_nd(input: Tensor, pixels: int, kernel_size: Any, stride: Any, padding: Any,
                dilation: Any, ceil_mode: bool, return_indices: bool) -> Any:
    """The largest pixel of each window, and with `return_indices` its position in the image."""
    name = f"max_pool{pixels}d"
    kernel = several(kernel_size, pixels, "kernel_size", 1)
    steps = kernel if is_omitted(stride) else several(stride, pixels, "stride", 1)
    pads = several(padding, pixels, "padding", 0)
    gaps = several(dilation, pixels, "dilation", 1)
    if any(2 * p > k for p, k in zip(pads, kernel)):
        raise ArgumentError(f"{name}: padding {pads} must be at most half of the window {kernel}")
    x, single = batched(input, pixels, name)
    if 0 in x.shape[1:]:
        raise ShapeError(f"{name} needs channels and pixels, not shape {input.shape}")
    lowest = -math.inf if x.dtype.kind == "f" else int(np.iinfo(x.dtype).min)
    view, along = windows(x, kernel, steps, pads, gaps, ceil_mode, lowest, name)
    values, indices = largest(x, along, view)
    return (unbatched(values, single), unbatched(indices, single)) if return_indices \
        else unbatched(values, single)


def max_pool1d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0,
               dilation: Any = 1, ceil_mode: bool = False, return_indices: bool = False) -> Any:
    """The largest element of each window of N×C×L; see :func:`max_pool2d`."""
    return max_pool_nd(input, 1, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool3d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0,
               dilation: Any = 1, ceil_mode: bool = False, return_indices: bool = False) -> Any:
    """The largest voxel of each window of N×C×D×H×W; see :func:`max_pool2d`."""
    return max_pool_nd(input, 3, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def avg_pool_nd(input: Tensor, pixels: int, kernel_size: Any, stride: Any, padding: Any,
                ceil_mode: bool, count_include_pad: bool, divisor_override: int | None) -> Tensor:
    """The mean of each window, or its sum over another divisor."""
    if input.dtype == HALF:
        return in_float32(lambda x: avg_pool_nd(x, pixels, kernel_size, stride, padding, ceil_mode,
                                                count_include_pad, divisor_override), input)
    name = f"avg_pool{pixels}d"
    kernel = several(kernel_size, pixels, "kernel_size", 1)
    steps = kernel if is_omitted(stride) else several(stride, pixels, "stride", 1)
    pads = several(padding, pixels, "padding", 0)
    if any(2 * p > k for p, k in zip(pads, kernel)) or divisor_override == 0:
        raise ArgumentError(f"{name}: padding {pads} must be at most half of the window {kernel}, "
                            f"and divisor_override other than 0")
    x, single = batched(input, pixels, name)
    view, along = windows(x, kernel, steps, pads, (1,) * pixels, ceil_mode, 0.0, name)
    total = sum(view, tuple(range(-pixels, 0)))
    if x.dtype.kind != "f":
        total = cast(total, x.dtype)
    if divisor_override is not None:
        return unbatched(_divided(total, divisor_override), single)
    counts = np.ones((1,) * pixels)
    for d, (place, n, p) in enumerate(zip(along, x.shape[2:], pads)):
        low, high = (-p, n + p) if count_include_pad else (0, n)
        inside = ((place >= low) & (place < high)).sum(axis=1)
        counts = counts * inside.reshape((-1,) + (1,) * (pixels - d - 1))
    divisors = wrap(array_module(x._array).asarray(counts.astype(x.dtype)))
    return unbatched(_divided(total, divisors), single)


def _divided(total: Tensor, divisor: Any) -> Tensor:
    return total / divisor if total.dtype.kind == "f" else trunc_divide(total, divisor)


def avg_pool1d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0,
               ceil_mode: bool = False, count_include_pad: bool = True) -> Tensor:
    """The mean of each window of N×C×L; see :func:`avg_pool2d`."""
    return avg_pool_nd(input, 1, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


def avg_pool3d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0,
               ceil_mode: bool = False, count_include_pad: bool = True,
               divisor_override: int | None = None) -> Tensor:
    """The mean of each window of N×C×D×H×W; see :func:`avg_pool2d`."""
    return avg_pool_nd(input, 3, kernel_size, stride, padding, ceil_mode, count_include_pad,
                       divisor_override)


# ------------------------------------------------------------------- to a size that is given


def _bins(n: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Where each of `count` bins of n pixels begins and ends: ⌊i·n/count⌋ and ⌈(i + 1)·n/count⌉."""
    i = np.arange(count)
    return i * n // count, -(-(i + 1) * n // count)


def _sizes(output_size: Any, x: Tensor, pixels: int, name: str) -> list[int]:
    values = list(output_size) if isinstance(output_size, (tuple, list)) else [output_size] * pixels
    sizes = [n if v is None else whole(v, f"{name}: a length") for v, n in zip(values, x.shape[2:])]
    if len(values) != pixels or min(sizes, default=0) < 0 or 0 in x.shape[2:]:
        raise ShapeError(f"{name} needs {pixels} length(s) of at least 0 for an image with pixels, "
                         f"not {shown(output_size)} for shape {x.shape}")
    return sizes


def adaptive_avg_pool(input: Tensor, output_size: Any, *, pixels: int) -> Tensor:
    """Means of nearly equal parts of the image, which may overlap: one for each result pixel.

    A mean over parts of one dimension is a product with a matrix of weights.
    """
    name = f"adaptive_avg_pool{pixels}d"
    x, single = batched(input, pixels, name)
    for d, length in enumerate(_sizes(output_size, x, pixels, name), start=2):
        start, end = _bins(x.shape[d], length)
        step = np.arange(x.shape[d])[:, None]
        weights = ((step >= start) & (step < end)) / (end - start)
        x = along_dimension(x, d, weights)
    return unbatched(x, single)


def along_dimension(x: Tensor, dim: int, weights: np.ndarray) -> Tensor:
    """Each line of x along `dim` times a matrix, old length × new length."""
    matrix = wrap(array_module(x._array).asarray(weights.astype(x.dtype)))
    order = (*(d for d in range(x.ndim) if d != dim), dim)
    turned = permute(x, order) @ matrix
    return permute(turned, tuple(order.index(d) for d in range(x.ndim)))


def adaptive_max_pool(input: Tensor, output_size: Any, return_indices: bool = False, *,
                      pixels: int) -> Any:
    """The largest pixel of nearly equal parts of the image: one for each result pixel."""
    name = f"adaptive_max_pool{pixels}d"
    x, single = batched(input, pixels, name)
    along = []
    for n, length in zip(x.shape[2:], _sizes(output_size, x, pixels, name)):
        start, end = _bins(n, length)
        widest = int((end - start).max(initial=0))
        along.append(np.minimum(places(start, widest, 1), end[:, None] - 1))
    values, indices = largest(x, along, gathered(x, along))
    return (unbatched(values, single), unbatched(indices, single)) if return_indices \
        else unbatched(values, single)


# ------------------------------------------------------------------------- convolution


def conv_nd(input: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any,
            dilation: Any, groups: int, pixels: int) -> Tensor:
    """Convolution of images with one or three dimensions of pixels; see :func:`conv2d`.

    The windows are the rows of a matrix, which is multiplied by the weights of each group.
    """
    name = f"conv{pixels}d"
    x, single = batched(input, pixels, name)
    kernel = weight.shape[2:]
    if weight.ndim != pixels + 2 or groups < 1 or x.shape[1] != weight.shape[1] * groups \
            or weight.shape[0] % groups:
        raise ShapeError(f"{name}: an image of shape {input.shape} and {groups} group(s) do not "
                         f"fit weights of shape {weight.shape}")
    check_bias_and_dtypes(name, x, weight, bias, weight.shape[0])
    steps = several(stride, pixels, "stride", 1)
    gaps = several(dilation, pixels, "dilation", 1)
    x, pads = _padded(x, padding, kernel, steps, gaps, pixels, name)
    view, _ = windows(x, kernel, steps, pads, gaps, False, 0.0, name)
    spots = view.shape[2:2 + pixels]
    # N×G×(C/G)×P…×K… to N×G×P×(C/G·K)
    split = reshape(view, (x.shape[0], groups, weight.shape[1], math.prod(spots),
                           math.prod(kernel)))
    rows = reshape(permute(split, (0, 1, 3, 2, 4)),
                   (x.shape[0], groups, math.prod(spots), math.prod(weight.shape[1:])))
    filters = reshape(weight, (groups, weight.shape[0] // groups, math.prod(weight.shape[1:])))
    y = filters @ permute(rows, (0, 1, 3, 2))
    y = reshape(y, (x.shape[0], weight.shape[0], *spots))
    if bias is not None:
        y = y + reshape(bias, (-1, *(1,) * pixels))
    return unbatched(y, single)


def _padded(x: Tensor, padding: Any, kernel: tuple, steps: tuple, gaps: tuple, pixels: int,
            name: str) -> tuple[Tensor, tuple]:
    """The image, padded already if both sides differ, and the padding of both sides."""
    if not isinstance(padding, str):
        return x, several(padding, pixels, "padding", 0)
    if padding == "valid":
        return x, (0,) * pixels
    if padding != "same":
        raise ArgumentError(f"{name}: padding is 'same', 'valid' or a whole number, not "
                            f"{shown(padding)}")
    if steps != (1,) * pixels:
        raise ArgumentError(f"{name}: padding 'same' needs stride 1, not {steps}")
    total = [d * (k - 1) for d, k in zip(gaps, kernel)]
    widths = [w for t in reversed(total) for w in (t // 2, t - t // 2)]
    return constant_pad(x, widths, 0.0), (0,) * pixels


def conv1d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1,
           padding: Any = 0, dilation: Any = 1, groups: int = 1) -> Tensor:
    """Convolution of sequences N×C×L (or C×L) with weights O×(C/groups)×K; see :func:`conv2d`."""
    return conv_nd(input, weight, bias, stride, padding, dilation, groups, 1)


def conv3d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1,
           padding: Any = 0, dilation: Any = 1, groups: int = 1) -> Tensor:
    """Convolution of volumes N×C×D×H×W with weights O×(C/groups)×K×L×M; see :func:`conv2d`."""
    return conv_nd(input, weight, bias, stride, padding, dilation, groups, 3)


def unfold(input: Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
           ) -> Tensor:
    """The windows of images N×C×H×W as columns N×(C·K·L)×(number of windows)."""
    x, single = batched(input, 2, "unfold")
    view, _ = windows(x, several(kernel_size, 2, "kernel_size", 1), several(stride, 2, "stride", 1),
                      several(padding, 2, "padding", 0), several(dilation, 2, "dilation", 1),
                      False, 0.0, "unfold")
    columns = permute(view, (0, 1, 4, 5, 2, 3))
    rows = math.prod(columns.shape[1:4])
    return unbatched(reshape(columns, (x.shape[0], rows, math.prod(columns.shape[4:]))), single)


def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75,
                        k: float = 1.0) -> Tensor:
    """x / (k + α·mean of x² over `size` neighbouring channels)^β.

    Krizhevsky, Sutskever, Hinton, "ImageNet classification" (2012), section 3.3.
    """
    if input.ndim < 3:
        raise ShapeError(f"local_response_norm needs images N×C×…, not shape {input.shape}")
    if size < 1:
        raise ArgumentError(f"local_response_norm needs a size of at least 1, not {size}")
    squares = reshape(input * input, (*input.shape[:2], math.prod(input.shape[2:])))
    channels = input.shape[1]           # farther neighbours are zeros, which add nothing
    before, after = min(size // 2, channels), min((size - 1) // 2, channels)
    seen = before + after + 1
    padded = constant_pad(squares, (0, 0, before, after), 0.0)
    along = places(np.arange(channels), seen, 1)
    means = mean(select(padded, (slice(None), along)), 2)
    means = means if seen == size else means * (seen / size)
    return input / (reshape(means, input.shape) * alpha + k) ** beta
