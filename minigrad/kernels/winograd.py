"""Convolution with 3×3 kernels by Winograd's minimal filtering, F(m×m, 3×3).

An m×m tile of the result depends on an n×n tile of the image, n = m + 2. Seen as
polynomials, the tile and the kernel can be multiplied at n points instead of term by
term: with the matrices below, in one dimension,

    y = Aᵀ [ (G·g) ⊙ (Bᵀ·d) ]        d: n pixels, g: 3 weights, y: m results

and in two dimensions Y = Aᵀ [ (G·g·Gᵀ) ⊙ (Bᵀ·d·B) ] A. That takes n² products for m²
results where the definition takes 9·m²: 4 times fewer for m = 4, 5.8 times for m = 8.
Summed over channels, the ⊙ becomes n² independent matrix products (tiles × channels)·
(channels × filters), which is where BLAS is at its best; and the transforms are matrix
products, too.

The input gradient is the convolution by the kernel turned by 180°. A polynomial with
reversed coefficients is x²·g(1/x), so a set of points that is closed under x → 1/x lets
the turned kernel use the *same* transformed weights, at the inverse points (``turned``).

Sources: Winograd, "Arithmetic Complexity of Computations" (1980); Lavin and Gray, "Fast
Algorithms for Convolutional Neural Networks" (2016), section 4. docs/convolution.md leads
here step by step.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from . import memory, parallel, signs
from .layout import channels_first, channels_last
from .parallel import scratch

# The finite points for each m. Each set is closed under x → 1/x (0 pairs with ∞), and was
# chosen among such sets for its error in float32, see benchmarks/winograd_points.py.
POINTS = {
    2: (0, 1, -1),
    4: (0, 2 ** 0.5, -(2 ** 0.5), 0.5 ** 0.5, -(0.5 ** 0.5)),
    6: (0, 1, -1, 2, -2, 0.5, -0.5),
    8: (0, 1.25, -1.25, 0.8, -0.8, 2.5, -2.5, 0.4, -0.4),
}


@dataclass(frozen=True)
class Matrices:
    """Aᵀ m×n, G n×3 and Bᵀ n×n of F(m, 3)."""

    AT: np.ndarray
    G: np.ndarray
    BT: np.ndarray


@lru_cache
def matrices(m: int) -> Matrices:
    """The Toom–Cook matrices for the points of ``m``, the last point being ∞ (float64).

    Row p of G evaluates the kernel at point p, divided by Π (xₚ − x_q); row p of Bᵀ holds the
    coefficients of Π (x − x_q) over the other points; column p of Aᵀ the powers of xₚ. Rows of
    Bᵀ are scaled to length one, and those of G by the inverse, which keeps float32 accurate.
    """
    points = np.array(POINTS[m], dtype=float)
    n = len(points) + 1
    AT, G, BT = np.zeros((m, n)), np.zeros((n, 3)), np.zeros((n, n))
    for p, x in enumerate(points):
        others = np.delete(points, p)
        AT[:, p] = x ** np.arange(m)
        G[p] = x ** np.arange(3) / np.prod(x - others)
        BT[p, :-1] = np.poly(others)[::-1]
    AT[-1, -1] = G[-1, -1] = 1
    BT[-1] = np.poly(points)[::-1]
    scale = np.linalg.norm(BT, axis=1, keepdims=True)
    return Matrices(AT, G * scale, BT / scale)


@lru_cache
def turned(m: int) -> Matrices:
    """The matrices for a kernel turned by 180°, in the order of the unturned one's planes.

    With p' the point 1/p, (G·turned g)[p'] = factor[p]·(G·g)[p]: so plane p of the transformed
    weights serves point p' of the turned kernel, if Aᵀ carries the factor.
    """
    plain = matrices(m)
    points = np.array([*POINTS[m], np.inf])
    with np.errstate(divide="ignore"):
        inverse = np.array([int(np.argmin(np.abs(points - 1 / x))) if x and np.isfinite(x)
                            else (len(points) - 1 if x == 0 else 0) for x in points])
    reversed_G = plain.G[inverse][:, ::-1]           # evaluates the turned kernel at 1/p
    factor = (reversed_G * plain.G).sum(1) / (plain.G ** 2).sum(1)
    return Matrices(plain.AT[:, inverse] * factor, plain.G, plain.BT[inverse])


def transform_weight(weight: np.ndarray, m: int) -> np.ndarray:
    """U[p,q] = (G·g·Gᵀ)[q,p]: weight O×C×3×3 to (n²)×C×O, p the column, q the row of a plane.

    Computed in float64, a few input channels at a time.
    """
    G = matrices(m).G
    n, (filters, channels) = len(G), weight.shape[:2]
    taps = np.ascontiguousarray(weight.transpose(2, 3, 1, 0))            # 3×3×C×O
    planes = np.empty((n, n, channels, filters), weight.dtype)      # these stay: not recycled

    def work(part: slice) -> None:
        g = taps[:, :, part].astype(np.float64)
        down = (G @ g.reshape(3, -1)).reshape(n, 3, -1)                  # row q, column of g
        both = (G @ down).reshape(n, n, -1, filters)                     # row q, column p
        planes[:, :, part] = both.transpose(1, 0, 2, 3)

    parallel.run(work, [slice(k, k + 16) for k in range(0, channels, 16)])
    return planes.reshape(n * n, channels, filters)


@dataclass(frozen=True)
class _Job:
    """One convolution: what every band of tile rows needs to know."""

    x: np.ndarray              # N×H×W×C
    y: np.ndarray              # N×P×Q×K, to be written
    planes: np.ndarray         # (n²)×C×K
    BT: np.ndarray
    AT: np.ndarray
    bias: np.ndarray | None
    relu: bool
    gate: np.ndarray | None    # packed bits N×H×⌈W·C/8⌉: which x count
    bits: np.ndarray | None    # packed bits of y > 0, to be written
    top: int
    left: int

    @property
    def m(self) -> int:
        return len(self.AT)

    @property
    def n(self) -> int:
        return len(self.BT)

    @property
    def tiles_across(self) -> int:
        return -(-self.y.shape[2] // self.m)


def conv2d(x: np.ndarray, planes: np.ndarray, bias: np.ndarray | None,
           padding: tuple[int, int, int, int], m: int, *, is_turned: bool = False,
           relu: bool = False, gate: np.ndarray | None = None, wants_signs: bool = False,
           ) -> tuple[np.ndarray, np.ndarray | None]:
    """Convolve N×C×H×W with transformed weights; stride 1.

    Parameters
    ----------
    planes : from :func:`transform_weight`; with ``is_turned`` the kernel is turned by 180° and
        the roles of C and O exchanged, which is the input gradient.
    padding : zeros (top, bottom, left, right).
    relu : apply max(·, 0) to the result.
    gate : packed bits; x counts as zero where its bit is 0 (the derivative of a ReLU).
    wants_signs : also return the packed bits of result > 0.

    Returns
    -------
    The result N×O×P×Q (channels innermost in memory) and its sign bits or None.
    """
    use = turned(m) if is_turned else matrices(m)
    image = channels_last(x)
    top, bottom, left, right = padding
    size = (x.shape[0], x.shape[2] + top + bottom - 2, x.shape[3] + left + right - 2)
    if is_turned:
        planes = planes.transpose(0, 2, 1)
    filters = planes.shape[2]
    y = memory.empty((*size, filters), x.dtype)
    bits = signs.empty(np, y.shape) if wants_signs else None
    AT = use.AT.astype(x.dtype)
    job = _Job(image, y, planes, use.BT.astype(x.dtype), AT, bias, relu, gate, bits, top, left)
    if 4 * planes.size > PLANES_IN_CACHE and _tiles_bytes(job) <= TILES_IN_CACHE:
        _convolve_together(job)
    else:
        parallel.run(lambda band: _convolve_band(job, *band), _bands(job))
    return channels_first(y), bits


TILES_PER_BAND = 64             # rows for the matrix products: enough for BLAS, little memory
PLANES_IN_CACHE = 8 << 20       # bytes; larger weights should be read only once
TILES_IN_CACHE = 48 << 20       # bytes of transformed tiles that threads may share


def _bands(job: _Job) -> list[tuple[int, int, int]]:
    """(image, first tile row, end tile row); an equal share for every thread."""
    tile_rows = -(-job.y.shape[1] // job.m)
    wanted = max(1, -(-tile_rows * job.tiles_across // TILES_PER_BAND))
    threads = parallel.get_num_threads()
    count = min(tile_rows, -(-wanted // threads) * threads)
    edges = [tile_rows * k // count for k in range(count + 1)]
    return [(image, start, stop) for image in range(len(job.y))
            for start, stop in itertools.pairwise(edges)]


def _convolve_band(job: _Job, image: int, start: int, stop: int) -> None:
    """One thread takes a band of tile rows all the way; the weights are read for each band."""
    n, count = job.n, (stop - start) * job.tiles_across
    _, channels, filters = job.planes.shape
    tiles = scratch("tiles", (n, n, count, channels), job.x.dtype)
    _image_transform(job, tiles, image, start, stop)
    products = scratch("products", (n * n, count, filters), tiles.dtype)
    np.matmul(tiles.reshape(n * n, count, channels), job.planes, out=products)
    _result_transform(job, products.reshape(n, n, count, filters), image, start, stop)


def _convolve_together(job: _Job) -> None:
    """All threads transform, then share the planes, so that each weight is read only once."""
    n, across = job.n, job.tiles_across
    _, channels, filters = job.planes.shape
    tile_rows = -(-job.y.shape[1] // job.m)
    count = len(job.y) * tile_rows * across
    tiles = memory.empty((n, n, count, channels), job.x.dtype)
    products = memory.empty((n, n, count, filters), job.x.dtype)

    def place(image: int, start: int, stop: int) -> slice:
        return slice((image * tile_rows + start) * across, (image * tile_rows + stop) * across)

    def multiply(part: slice) -> None:
        np.matmul(tiles.reshape(n * n, count, -1)[part], job.planes[part],
                  out=products.reshape(n * n, count, -1)[part])

    bands = _bands(job)
    parallel.run(lambda band: _image_transform(job, tiles[:, :, place(*band)], *band), bands)
    parallel.run(multiply, [slice(k, k + n) for k in range(0, n * n, n)])
    parallel.run(lambda band: _result_transform(job, products[:, :, place(*band)], *band), bands)


def _tiles_bytes(job: _Job) -> int:
    tiles = len(job.y) * -(-job.y.shape[1] // job.m) * job.tiles_across
    return 4 * tiles * job.planes.shape[0] * sum(job.planes.shape[1:])


def _image_transform(job: _Job, tiles: np.ndarray, image: int, start: int, stop: int) -> None:
    """Bᵀ·d·B for tile rows start … stop − 1 into tiles n×n×T×C, columns of a tile first."""
    m, n, rows, across = job.m, job.n, stop - start, job.tiles_across
    channels = job.x.shape[3]
    strip = _padded_strip(job, image, start * m - job.top, rows * m + 2, across * m + 2)
    # Down the columns: each tile row is n image rows, long rows of numbers to BLAS.
    step = strip.strides[0]
    windows = np.lib.stride_tricks.as_strided(
        strip, (rows, n, strip.shape[1] * channels), (m * step, step, strip.itemsize))
    down = np.matmul(job.BT, windows, out=scratch("even", windows.shape, strip.dtype))
    down = down.reshape(rows, n, -1, channels)
    # Along the rows: gather pixel j of every tile, then the same product.
    pixels = scratch("odd", (n, n, rows, across, channels), strip.dtype)
    for j in range(n):
        np.copyto(pixels[j], down[:, :, j:j + (across - 1) * m + 1:m].transpose(1, 0, 2, 3))
    rows_first = pixels.reshape(n, n, -1).transpose(1, 0, 2)
    np.matmul(job.BT, rows_first, out=tiles.reshape(n, n, -1).transpose(1, 0, 2))


def _padded_strip(job: _Job, image: int, first: int, height: int, width: int) -> np.ndarray:
    """Image rows first … first + height − 1 with zeros where the image has no pixel."""
    _, rows, columns, channels = job.x.shape
    strip = scratch("odd", (height, width, channels), job.x.dtype)
    above, below = max(0, -first), max(0, first + height - rows)
    inside = strip[above:max(above, height - below), job.left:job.left + columns]
    source = job.x[image, first + above:first + above + len(inside)]
    inside = inside[:, :width - job.left]
    source = source[:, :inside.shape[1]]
    strip[:above] = 0
    strip[height - below:] = 0
    strip[:, :job.left] = 0
    strip[:, job.left + columns:] = 0
    if job.gate is None:
        np.copyto(inside, source)
    else:
        bits = job.gate[image, first + above:first + above + len(inside)]
        opened = signs.unpack_rows(np, bits, (len(inside), columns, channels))
        np.multiply(source, opened[:, :inside.shape[1]], out=inside)
    return strip


def _result_transform(job: _Job, products: np.ndarray, image: int, start: int, stop: int) -> None:
    """Aᵀ·M·A for products n×n×T×K of a band, plus bias, through the ReLU, into the result."""
    m, n, rows, across = job.m, job.n, stop - start, job.tiles_across
    filters = products.shape[3]
    dtype = products.dtype
    per_plane = rows * across * filters
    # One more plane of ones times the bias rides along in the second product.
    with_bias = job.bias is not None
    along = scratch("even", (m, n + with_bias, per_plane), dtype)
    np.matmul(job.AT, products.reshape(n, n, per_plane).transpose(1, 0, 2),
              out=along[:, :n].transpose(1, 0, 2))
    AT = job.AT
    if with_bias:
        along.reshape(m, n + 1, rows * across, filters)[:, n] = job.bias
        AT = np.concatenate([AT, np.ones((m, 1), dtype)], axis=1)
    tiles = np.matmul(AT, along, out=scratch("odd", (m, m, per_plane), dtype))
    tiles = tiles.reshape(m, m, rows, across, filters)                  # column, row of a tile
    band = job.y[image, start * m:stop * m]
    _place(tiles, band, np.zeros(filters, dtype) if job.relu else None)
    if job.bits is not None:
        job.bits[image, start * m:start * m + len(band)] = signs.pack_rows(np, band)


def _place(tiles: np.ndarray, band: np.ndarray, zeros: np.ndarray | None) -> None:
    """Tiles m×m×rows×across×K to their pixels in a band R×Q×K, through a ReLU if ``zeros``.

    Whole tiles go row by row of a tile, so that the band is written in long runs; what hangs
    over the lower and right edges of the image is cut off.
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
        np.maximum(source, zeros, out=target)      # slower in NumPy with the one number 0
