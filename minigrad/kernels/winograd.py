"""Convolution with 3×3 kernels by Winograd's minimal filtering, F(m×m, 3×3).

An m×m tile of the result depends on an n×n tile of the image, n = m + 2. As polynomials, tile and
kernel can be multiplied at n points instead of term by term. With the matrices of
`winograd_matrices`, in one dimension:

    y = Aᵀ [ (G·g) ⊙ (Bᵀ·d) ]        d: n pixels, g: 3 weights, y: m results

In two dimensions, Y = Aᵀ [ (G·g·Gᵀ) ⊙ (Bᵀ·d·B) ] A. This takes n² products for m² results, where
the definition takes 9·m²: 4 times fewer for m = 4, 5.8 times fewer for m = 8. With the sum over
channels, ⊙ becomes n² independent matrix products (tiles × channels)·(channels × filters), which
suit BLAS. The transforms are matrix products as well.

The input gradient is the convolution with the kernel rotated by 180°. A polynomial with reversed
coefficients is x²·g(1/x). So if the set of points is closed under x → 1/x, the rotated kernel uses
the *same* transformed weights, at the inverse points (see `turned`).

Sources: Winograd, "Arithmetic Complexity of Computations" (1980); Lavin and Gray, "Fast
Algorithms for Convolutional Neural Networks" (2016), section 4. docs/convolution.md derives
it step by step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minigrad.kernels import memory, parallel, relu_mask
from minigrad.kernels.layout import channels_first, channels_last
from minigrad.kernels.parallel import scratch
from minigrad.kernels.winograd_matrices import POINTS, matrices, turned
from minigrad.kernels.winograd_tiles import Tiles

__all__ = ["POINTS", "matrices", "transform_weight", "turned", "winograd_conv2d",
           "winograd_weight_gradient"]


def transform_weight(weight: np.ndarray, m: int) -> np.ndarray:
    """Transform weights O×C×3×3 to planes (n²)×C×O: U[p,q] = (G·g·Gᵀ)[q,p], p column, q row.

    Computed in float64, a few input channels at a time.
    """
    G = matrices(m).G
    n, (filters, channels) = len(G), weight.shape[:2]
    taps = np.ascontiguousarray(weight.transpose(2, 3, 1, 0))            # 3×3×C×O
    planes = np.empty((n, n, channels, filters), weight.dtype)      # these are cached: not recycled

    def work(part: slice) -> None:
        g = taps[:, :, part].astype(np.float64)
        down = (G @ g.reshape(3, -1)).reshape(n, 3, -1)                  # row q, column of g
        both = (G @ down).reshape(n, n, -1, filters)                     # row q, column p
        planes[:, :, part] = both.transpose(1, 0, 2, 3)

    parallel.run(work, [slice(k, k + 16) for k in range(0, channels, 16)])
    return planes.reshape(n * n, channels, filters)


@dataclass(frozen=True)
class _Job:
    """One convolution: the data shared by all bands of tile rows."""

    tiles: Tiles               # of the image
    y: np.ndarray              # N×P×Q×K, to be written
    planes: np.ndarray         # (n²)×C×K
    AT: np.ndarray
    bias: np.ndarray | None
    relu: bool
    bits: np.ndarray | None    # packed bits of y > 0, to be written

    @property
    def m(self) -> int:
        return len(self.AT)

    @property
    def n(self) -> int:
        return self.AT.shape[1]

    def bands(self) -> list[tuple[int, int]]:
        return self.tiles.bands(self.n ** 2 * sum(self.planes.shape[1:]))


def winograd_conv2d(x: np.ndarray, planes: np.ndarray, bias: np.ndarray | None,
                    padding: tuple[int, int, int, int], m: int, *, is_turned: bool = False,
                    relu: bool = False, gate: np.ndarray | None = None, wants_mask: bool = False
                    ) -> tuple[np.ndarray, np.ndarray | None]:
    """Convolve N×C×H×W with transformed weights; stride 1.

    Parameters
    ----------
    planes : from `transform_weight`; with `is_turned` the kernel is rotated by 180° and
        C and O swap roles, which gives the input gradient.
    padding : zeros (top, bottom, left, right).
    relu : apply max(·, 0) to the result.
    gate : packed bits; x counts as zero where its bit is 0 (the derivative of a ReLU).
    wants_mask : also return the packed bits of result > 0.

    Returns
    -------
    (result N×O×P×Q with channels innermost in memory, its packed bits or None)
    """
    use = turned(m) if is_turned else matrices(m)
    image = channels_last(x)
    top, bottom, left, right = padding
    size = (x.shape[0], x.shape[2] + top + bottom - 2, x.shape[3] + left + right - 2)
    if is_turned:
        planes = planes.transpose(0, 2, 1)
    filters = planes.shape[2]
    y = memory.empty((*size, filters), x.dtype)
    bits = relu_mask.empty(np, y.shape) if wants_mask else None
    tiles = Tiles(image, use.BT.astype(x.dtype), m, top, left, -(-size[1] // m), -(-size[2] // m),
                  gate)
    job = _Job(tiles, y, planes, use.AT.astype(x.dtype), bias, relu, bits)
    if 4 * planes.size > PLANES_IN_CACHE and _tiles_bytes(job) <= TILES_IN_CACHE:
        _convolve_together(job)
    else:
        parallel.run(lambda band: _convolve_band(job, *band), job.bands())
    return channels_first(y), bits


PLANES_IN_CACHE = 8 << 20       # bytes; larger weights should be read only once
TILES_IN_CACHE = 48 << 20       # bytes of transformed tiles that threads may share


def _convolve_band(job: _Job, first: int, stop: int) -> None:
    """Convolve one band of tile rows in one thread; the weights are read for each band."""
    n, count = job.n, (stop - first) * job.tiles.across
    _, channels, filters = job.planes.shape
    tiles = scratch("tiles", (n, n, count, channels), job.y.dtype)
    job.tiles.transform(first, stop, tiles)
    products = scratch("products", (n * n, count, filters), tiles.dtype)
    np.matmul(tiles.reshape(n * n, count, channels), job.planes, out=products)
    _result_transform(job, products.reshape(n, n, count, filters), first, stop)


def _convolve_together(job: _Job) -> None:
    """Transform in all threads, then split the planes over them: each weight is read once."""
    n, across = job.n, job.tiles.across
    _, channels, filters = job.planes.shape
    count = len(job.y) * job.tiles.down * across
    tiles = memory.empty((n, n, count, channels), job.y.dtype)
    products = memory.empty((n, n, count, filters), job.y.dtype)

    def place(first: int, stop: int) -> slice:
        return slice(first * across, stop * across)

    def multiply(part: slice) -> None:
        np.matmul(tiles.reshape(n * n, count, -1)[part], job.planes[part],
                  out=products.reshape(n * n, count, -1)[part])

    bands = job.bands()
    parallel.run(lambda band: job.tiles.transform(
        band[0], band[1], tiles[:, :, place(*band)]), bands)
    parallel.run(multiply, [slice(k, k + n) for k in range(0, n * n, n)])
    parallel.run(lambda band: _result_transform(job, products[:, :, place(*band)], *band), bands)


def _tiles_bytes(job: _Job) -> int:
    tiles = len(job.y) * job.tiles.down * job.tiles.across
    return 4 * tiles * job.planes.shape[0] * sum(job.planes.shape[1:])


def _result_transform(job: _Job, products: np.ndarray, first: int, stop: int) -> None:
    """Write Aᵀ·M·A of a band's products n×n×T×K to the result, with bias and ReLU."""
    m, n, across = job.m, job.n, job.tiles.across
    filters = products.shape[3]
    dtype = products.dtype
    per_plane = (stop - first) * across * filters
    # The second product adds the bias as one more plane, multiplied by ones.
    with_bias = job.bias is not None
    along = scratch("even", (m, n + with_bias, per_plane), dtype)
    np.matmul(job.AT, products.reshape(n, n, per_plane).transpose(1, 0, 2),
              out=along[:, :n].transpose(1, 0, 2))
    AT = job.AT
    if with_bias:
        along.reshape(m, n + 1, -1, filters)[:, n] = job.bias
        AT = np.concatenate([AT, np.ones((m, 1), dtype)], axis=1)
    tiles = np.matmul(AT, along, out=scratch("odd", (m, m, per_plane), dtype))
    tiles = tiles.reshape(m, m, stop - first, across, filters)          # column, row of a tile
    zeros = np.zeros(filters, dtype) if job.relu else None
    for image, start, end, place in job.tiles.segments(first, stop):
        band = job.y[image, start * m:end * m]
        _place(tiles[:, :, place], band, zeros)
        if job.bits is not None:
            job.bits[image, start * m:start * m + len(band)] = relu_mask.pack_rows(np, band)


def _place(tiles: np.ndarray, band: np.ndarray, zeros: np.ndarray | None) -> None:
    """Write tiles m×m×rows×across×K to the pixels of a band R×Q×K, through a ReLU if `zeros`.

    Whole tiles are written one tile row at a time, so that writes are long runs. Pixels past the
    lower and right edges of the image are dropped.
    """
    m = len(tiles)
    rows, across = band.shape[0] // m, band.shape[1] // m
    down, right, item = band.strides
    whole = np.lib.stride_tricks.as_strided(
        band, (rows, m, across, m, band.shape[2]), (m * down, down, m * right, right, item))
    for i in range(m):
        _finish(tiles[:, i, :rows, :across].transpose(1, 2, 0, 3), zeros, whole[:, i])
    if (rows * m, across * m) == band.shape[:2]:
        return
    for j in range(m):
        for i in range(m):
            target = band[i::m, j::m]
            part = tiles[j, i, :target.shape[0], :target.shape[1]]
            _finish(part[rows:], zeros, target[rows:])
            _finish(part[:rows, across:], zeros, target[:rows, across:])


def _finish(source: np.ndarray, zeros: np.ndarray | None, target: np.ndarray) -> None:
    if zeros is None:
        np.copyto(target, source)
    else:
        np.maximum(source, zeros, out=target)      # NumPy is slower with the scalar 0


# -------------------------------------------------------------------- the weight gradient


def winograd_weight_gradient(y: np.ndarray, x: np.ndarray, padding: tuple[int, int, int, int],
                             m: int) -> np.ndarray:
    """Gradient O×C×3×3 with respect to the weights, from y = ∂L/∂(result) N×O×P×Q and the image x.

    The result is linear in G·g·Gᵀ, so the gradient applies the transposed transforms:
    ∂L/∂g = Gᵀ [ Σ over tiles (Bᵀ·d·B) ⊙ (A·∂L/∂Y·Aᵀ) ] G, where ⊙, over all pairs of channels
    and filters, is again n² matrix products.
    """
    use, dtype = matrices(m), x.dtype
    result, image = channels_last(y), channels_last(x)
    cut = (-(-y.shape[2] // m), -(-y.shape[3] // m))
    images = Tiles(image, use.BT.astype(dtype), m, padding[0], padding[2], *cut)
    results = Tiles(result, use.AT.T.astype(dtype), m, 0, 0, *cut)
    n, channels, filters = len(use.BT), image.shape[3], result.shape[3]
    shape = (n * n, channels, filters)
    bands = images.bands(n * n * (channels + filters))
    if 4 * np.prod(shape) <= SUMS_IN_CACHE:
        total = _sum_by_bands(images, results, shape, bands)
    else:
        total = _sum_by_planes(images, results, shape, bands)
    return _weight_from_planes(total.reshape(n, n, channels, filters), m)


SUMS_IN_CACHE = 1 << 20         # bytes of sums that a thread may keep over its bands


def _sum_by_bands(images: Tiles, results: Tiles, shape: tuple[int, int, int], bands: list
                    ) -> np.ndarray:
    """Σ over tiles, n²×C×K: each part of the bands is summed by itself."""
    totals: dict[int, np.ndarray] = {}

    def share(piece: tuple[int, list[tuple[int, int]]]) -> None:
        number, bands = piece
        total = totals[number] = memory.empty(shape, images.image.dtype)
        product = scratch("plane products", shape, total.dtype)
        for k, band in enumerate(bands):
            count = (band[1] - band[0]) * images.across
            seen, sent = (scratch(name, (shape[0], count, channels), total.dtype)
                          for name, channels in (("tiles", shape[1]), ("products", shape[2])))
            images.transform(*band, seen)
            results.transform(*band, sent)
            np.matmul(seen.transpose(0, 2, 1), sent, out=product if k else total)
            if k:
                total += product

    parts = min(parallel.PARTS, len(bands))
    parallel.run(share, [(k, bands[k::parts]) for k in range(parts)])
    for k in range(1, len(totals)):         # in a fixed order, so results repeat
        totals[0] += totals[k]
    return totals[0]


def _sum_by_planes(images: Tiles, results: Tiles, shape: tuple[int, int, int], bands: list
                   ) -> np.ndarray:
    """The sum of `_sum_by_bands`, where it is too large to be read for every band.

    All threads transform as many bands as TILES_IN_CACHE allows, then split the planes.
    """
    total = memory.empty(shape, images.image.dtype)
    per_row = 4 * images.across * shape[0] * (shape[1] + shape[2])
    together = max(1, TILES_IN_CACHE // (per_row * (bands[0][1] - bands[0][0])))
    for start in range(0, len(bands), together):
        chunk = bands[start:start + together]
        first, count = chunk[0][0], (chunk[-1][1] - chunk[0][0]) * images.across
        seen, sent = (memory.empty((shape[0], count, channels), total.dtype)
                      for channels in shape[1:])

        def transform(band: tuple[int, int], first: int = first, seen: np.ndarray = seen,
                      sent: np.ndarray = sent) -> None:
            place = slice(*((row - first) * images.across for row in band))
            images.transform(*band, seen[:, place])
            results.transform(*band, sent[:, place])

        def multiply(plane: int, fresh: bool = start == 0, seen: np.ndarray = seen,
                     sent: np.ndarray = sent) -> None:
            if fresh:
                np.matmul(seen[plane].T, sent[plane], out=total[plane])
            else:
                total[plane] += seen[plane].T @ sent[plane]

        parallel.run(transform, chunk)
        parallel.run(multiply, range(shape[0]))
    return total


def _weight_from_planes(planes: np.ndarray, m: int) -> np.ndarray:
    """Weights O×C×3×3 from planes P n×n×C×K, columns first: Gᵀ·P·G, in float64."""
    GT = matrices(m).G.T
    _, n, channels, filters = planes.shape
    gradient = np.empty((filters, channels, 3, 3), planes.dtype)

    def work(part: slice) -> None:
        few = planes[:, :, part].reshape(n, n, -1).astype(np.float64)   # column, row of a plane
        g = np.matmul(GT, np.matmul(GT, few).reshape(n, -1)).reshape(3, 3, -1, filters)
        gradient[:, part] = g.transpose(3, 2, 1, 0)

    parallel.run(work, [slice(k, k + 16) for k in range(0, channels, 16)])
    return gradient
