"""The CUDA kernels against the host's, their plain twins: every thread of the real text.

There need not be a GPU: stand_in_cuda.py compiles the kernels for the host, and plays CuPy and
cuBLAS around the code that launches them. Where there is one, the same tests run on it as well:
see the fixture `cuda`.
"""

import numpy as np
import pytest
from kernel_checks import TOLERANCE, compare, images, relative, upload

import minigrad as mg
import minigrad.functional as F
from minigrad.check.devices import difference, to_second_order
from minigrad.check.samples import registered_samples
from minigrad.core.primitive import registered_primitives
from minigrad.kernels import channel_matmul, conv, eigen, moments, pad, pool, relu_mask, vectors
from minigrad.kernels.cuda import conv as cuda_conv
from minigrad.kernels.cuda import im2col as cuda_im2col
from minigrad.kernels.cuda import vectors as cuda_vectors
from minigrad.kernels.cuda import winograd
from minigrad.kernels.geometry import Convolution, Pooling, Window
from minigrad.kernels.im2col import im2col_conv2d, im2col_input_gradient

WINOGRAD = {"winograd2": 5e-6, "winograd4": 2e-5, "winograd6": 1e-4}


# ----------------------------------------------------------------------- convolution

SHAPES = [   # images, channels, filters, height, width, padding
    (1, 1, 1, 3, 3, 0), (1, 3, 5, 7, 9, 1), (2, 16, 16, 8, 8, 1), (1, 17, 33, 13, 21, 1),
    (3, 8, 4, 5, 1, 1), (1, 40, 64, 9, 10, 2), (1, 32, 40, 6, 5, 0), (1, 6, 8, 9, 8, (0, 2, 1, 1))]


@pytest.mark.parametrize("algorithm", WINOGRAD)
@pytest.mark.parametrize("shape", SHAPES)
def test_winograd(cuda, rng, algorithm, shape, monkeypatch):
    n, c, o, h, w, padding = shape
    monkeypatch.setattr(winograd, "MIN_PORTION", 40_000)     # so that larger images take several
    geometry = Convolution(padding=padding if isinstance(padding, tuple) else (padding,) * 4)
    x = images(rng, n, c, h, w, last=n > 1)
    weight = (rng.standard_normal((o, c, 3, 3)) / np.sqrt(9 * c)).astype("f")
    bias = rng.standard_normal(o).astype("f")
    exact, bits = im2col_conv2d(x.astype("d"), weight.astype("d"), bias.astype("d"), geometry,
                                True, True)
    with mg.conv_algorithm(algorithm):
        near, near_bits = conv.fastest(*map(cuda.asarray, (x, weight, bias)), geometry, True, True)
        assert relative(near.get(), exact) < WINOGRAD[algorithm]
        # A bit may differ only where the result is all but zero.
        agree = relu_mask.apply(np.ones(exact.shape), bits) == relu_mask.apply(np.ones(exact.shape),
                                                                       near_bits.get())
        assert (agree | (exact < 1e-4)).all() and near_bits.shape == bits.shape
        plain, none = conv.fastest(*map(cuda.asarray, (x, weight)), None, geometry)
        assert none is None and float(plain.min()) < 0
        y = rng.standard_normal(exact.shape).astype("f")
        expected = im2col_input_gradient(y.astype("d"), weight.astype("d"), x.shape, geometry, bits)
        back = conv.fastest_input(*map(cuda.asarray, (y, weight)), x.shape, geometry,
                                 cuda.asarray(bits))
        assert relative(back.get(), expected) < WINOGRAD[algorithm]


GEOMETRIES = [    # image, weight, geometry
    ((2, 3, 7, 6), (4, 3, 3, 3), {"padding": (1, 1, 1, 1)}),
    ((1, 3, 9, 8), (5, 3, 1, 1), {}),
    ((2, 4, 9, 11), (6, 2, 3, 2), {"groups": 2, "stride": (2, 3), "padding": (1, 0, 0, 2)}),
    ((1, 2, 10, 9), (3, 2, 2, 3), {"dilation": (3, 2), "padding": (2, 2, 3, 3)}),
    ((1, 4, 6, 5), (4, 1, 3, 3), {"groups": 4, "padding": (1, 1, 1, 1), "stride": (2, 2)}),
    ((1, 2, 6, 6), (2, 2, 2, 2), {"stride": (3, 3)}),
    ((2, 1, 5, 4), (3, 1, 5, 4), {}),
]


@pytest.mark.parametrize("dtype", "fd")
@pytest.mark.parametrize("image, kernel, options", GEOMETRIES)
@pytest.mark.parametrize("columns", [1 << 26, 150])      # in one go; a few rows at a time
def test_im2col(cuda, rng, dtype, image, kernel, options, columns, monkeypatch):
    monkeypatch.setattr(cuda_im2col, "COLUMNS", columns)
    geometry = Convolution(**options)
    x = images(rng, *image, dtype=dtype)
    weight = rng.standard_normal(kernel).astype(dtype)
    bias = rng.standard_normal(kernel[0]).astype(dtype)
    with mg.conv_algorithm("im2col"):
        compare(cuda, lambda *a: conv.fastest(*a, geometry), x, weight, bias)
        y, bits = conv.fastest(x, weight, None, geometry, True, True)
        compare(cuda, lambda *a: conv.fastest(*a, None, geometry, True, True), x, weight)
        y = images(rng, *y.shape, dtype=dtype)
        compare(cuda, lambda y, w, bits: conv.fastest_input(y, w, image, geometry, bits), y, weight,
                bits)
        compare(cuda, lambda y, x: conv.fastest_weight(y, x, kernel, geometry), y, x)


def test_which_algorithm(cuda, rng, monkeypatch):
    """Winograd where it can be, with the tile sizes of the precision; im2col for all else."""
    used = []
    monkeypatch.setattr(cuda_conv, "TILE", {"highest": (4, 6), "high": (2, 0)})
    monkeypatch.setattr(cuda_conv, "winograd_conv2d",
                        lambda *a, **k: used.append(a[5]) or (None, None))
    for function in ("im2col_conv2d", "im2col_input_gradient"):
        monkeypatch.setattr(cuda_conv, function,
                            lambda *a, name=function: used.append(name) or (None, None))

    def choose(channels=16, dtype="f", **options):
        x = cuda.asarray(images(rng, 1, channels, 6, 6, dtype=dtype))
        weight = cuda.asarray(rng.standard_normal((16, channels, 3, 3)).astype(dtype))
        used.clear()
        conv.fastest(x, weight, None, Convolution(**options))
        conv.fastest_input(x, weight, x.shape, Convolution(**options))
        return list(used)

    everything_else = ["im2col_conv2d", "im2col_input_gradient"]
    assert choose() == [4, 4]                           # planes of F(6) are larger than the image
    monkeypatch.setattr(cuda_conv, "MAX_PLANES_SHARE", 20)
    assert choose() == [4, 6]
    with mg.cuda.matmul_precision("high"):
        assert choose() == [2, "im2col_input_gradient"]
    assert choose(channels=3) == choose(dtype="d") == choose(stride=(2, 2)) == everything_else
    assert choose(padding=(3, 3, 3, 3)) == [4, "im2col_input_gradient"]
    for name, expected in (("im2col", everything_else), ("winograd2", [2, 2]),
                           ("winograd8", everything_else), ("loops", everything_else)):
        with mg.conv_algorithm(name):
            assert choose() == expected


# --------------------------------------------------------------------------- pooling

POOLINGS = [((2, 2), (2, 2), (0, 0), False), ((3, 3), (2, 2), (1, 1), True),
            ((3, 2), (1, 3), (1, 0), False), ((2, 3), (3, 2), (0, 1), True),
            ((1, 1), (2, 2), (0, 0), True)]


@pytest.mark.parametrize("dtype", "fd")
@pytest.mark.parametrize("kernel, stride, padding, ceil_mode", POOLINGS)
def test_pooling(cuda, rng, dtype, kernel, stride, padding, ceil_mode):
    x = np.round(images(rng, 2, 5, 7, 9, dtype=dtype))      # many ties: the first pixel wins
    for include in (True, False):
        geometry = Pooling(kernel, stride, padding, ceil_mode, include)
        compare(cuda, lambda x: pool.avg_pool2d(x, geometry), x)
        y = images(rng, *pool.avg_pool2d(x, geometry).shape, dtype=dtype)
        compare(cuda, lambda y: pool.avg_unpool2d(y, x.shape, geometry), y)
    compare(cuda, lambda x: pool.max_pool2d(x, geometry), x)
    compare(cuda, lambda x: pool.max_pool2d(x, geometry, False), x)
    winner = pool.max_pool2d(x, geometry)[1]
    compare(cuda, lambda y, winner: pool.max_unpool2d(y, winner, x.shape, geometry), y, winner)
    compare(cuda, lambda x, winner: pool.max_pool2d_at(x, winner, geometry), x, winner)


def test_pooling_of_a_large_window_and_of_nan(cuda, rng):
    x = images(rng, 1, 2, 20, 20)
    geometry = Pooling((17, 16), (2, 2))                    # its winners need more than a byte
    compare(cuda, lambda x: pool.max_pool2d(x, geometry), x)
    winner = pool.max_pool2d(x, geometry)[1]
    assert winner.dtype == np.int32 and winner.max() > 255
    x[0, 0, 3, 3] = np.nan
    there = pool.max_pool2d(cuda.asarray(x), Pooling((2, 2), (2, 2)))[0].get()
    np.testing.assert_array_equal(there, pool.max_pool2d(x, Pooling((2, 2), (2, 2)))[0])


# ------------------------------------------------------- padding, signs, products, sums


@pytest.mark.parametrize("dtype", "fd")
@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate"])
@pytest.mark.parametrize("widths", [(1, 1, 1, 1), (4, 0, 2, 3), (0, 3, 4, 1)])
def test_padding(cuda, rng, dtype, mode, widths):
    x = images(rng, 2, 3, 5, 5, dtype=dtype, last=False)
    compare(cuda, lambda x: pad.pad2d(x, widths, mode, 1.5), x)
    y = images(rng, *pad.pad2d(x, widths, mode, 0).shape, dtype=dtype)
    compare(cuda, lambda y: pad.pad2d_adjoint(y, widths, mode), y)


@pytest.mark.parametrize("dtype", "fd")
@pytest.mark.parametrize("shape", [(1, 1, 2, 3), (2, 3, 3, 5), (1, 16, 4, 4), (1, 33, 1, 7)])
def test_sign_bits(cuda, rng, dtype, shape):
    y = images(rng, *shape, dtype=dtype)
    compare(cuda, relu_mask.pack, y)
    compare(cuda, relu_mask.apply, y, relu_mask.pack(images(rng, *shape, dtype=dtype)))


@pytest.mark.parametrize("dtype", "fd")
def test_products(cuda, rng, dtype):
    x, y = images(rng, 2, 5, 4, 3, dtype=dtype), images(rng, 2, 7, 4, 3, dtype=dtype, last=False)
    mixing = rng.standard_normal((2, 6, 5)).astype(dtype)
    for function, arrays in ((channel_matmul.channel_products, (x, y)),
                             (channel_matmul.mix_channels, (x, mixing))):
        result = function(*map(cuda.asarray, arrays))
        assert relative(result.get(), function(*arrays)) < TOLERANCE[dtype]
    gram = channel_matmul.channel_products(*[cuda.asarray(x)] * 2).get()
    assert relative(gram, channel_matmul.channel_products(x, x)) < TOLERANCE[dtype]


WINDOWS = [(0, 4, 0, 6), (1, 3, 2, 5), (1, 4, 0, 6), (0, 4, 2, 3), (2, 3, 5, 6), (2, 2, 0, 6),
           (0, 4, 3, 3)]


@pytest.mark.parametrize("dtype", "fd")
@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_moments(cuda, rng, dtype, last, window):
    window = Window(*window)
    for n, c, d in ((1, 1, 1), (2, 5, 3)):
        x, y = images(rng, n, c, 4, 6, dtype=dtype, last=last), images(rng, n, d, 4, 6, dtype=dtype)
        m = rng.standard_normal((n, d + 1, c + 1)).astype(dtype)
        there = {id(array): upload(cuda, array) for array in (x, y, m)}
        for function, arrays in ((moments.moment_products, (x, x)),
                                 (moments.moment_products, (x, y)), (moments.moment_mix, (x, m))):
            result = function(*[there[id(array)] for array in arrays], window)
            known = function(*arrays, window)
            assert type(result) is cuda.ndarray and result.dtype == known.dtype
            np.testing.assert_allclose(result.get(), known, atol=30 * TOLERANCE[dtype])


@pytest.mark.parametrize("shapes", [((3, 4), (4, 5)), ((2, 3, 4), (2, 4, 5)), ((1, 4), (4, 1)),
                                    ((2, 3, 4), (4, 5)), ((3, 0), (0, 2)), ((0, 3), (3, 2))])
def test_matmul_of_any_layout(cuda, rng, shapes):
    x, y = (rng.standard_normal(shape) for shape in shapes)
    for left in (x, np.asfortranarray(x), np.repeat(x, 2, -1)[..., ::2]):
        for right in (y, np.swapaxes(np.ascontiguousarray(np.swapaxes(y, -1, -2)), -1, -2)):
            result = channel_matmul.matmul(cuda.asarray(left), cuda.asarray(right))
            np.testing.assert_allclose(result.get(), x @ y, atol=1e-12)


@pytest.mark.parametrize("length", [0, 1, 255, 70_001])
@pytest.mark.parametrize("dtype", "fd")
def test_sums_and_steps(cuda, rng, dtype, length):
    x, y = (1e3 * rng.standard_normal(length).astype(dtype) for _ in range(2))
    far, near = cuda.asarray(x), cuda.asarray(y)
    exact = x.astype("d"), y.astype("d")
    assert float(cuda_vectors.inner(far, near)) == pytest.approx(exact[0] @ exact[1], rel=1e-12)
    assert float(vectors.squared_distance(far, near)) == pytest.approx(
        ((exact[0] - exact[1]) ** 2).sum(), rel=1e-12)
    out = cuda.empty(length, dtype)
    cuda_vectors.step_along(far, -1.5, near, out)
    np.testing.assert_allclose(out.get(), x - 1.5 * y, rtol=0,
                               atol=1e-3 if dtype == "f" else 1e-9)


def test_sums_of_arrays_in_any_order(cuda, rng):
    x, y = rng.standard_normal((2, 3, 4, 5)), rng.standard_normal((2, 3, 4, 5))
    for left in (x, np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, 3)), 3, 1)):
        result = vectors.squared_distance(cuda.asarray(left), cuda.asarray(y))
        assert float(result) == pytest.approx(((x - y) ** 2).sum(), rel=1e-12)


SPECTRA = {"apart": np.logspace(0, -4, 40), "singular": np.r_[np.logspace(0, -3, 20), np.zeros(20)],
           "negative": np.r_[np.logspace(0, -3, 20), -np.logspace(-3, -6, 20)], "equal": np.ones(5),
           "one": np.array([1e-3]), "zero": np.zeros(3)}


@pytest.mark.parametrize("dtype", "fd")
@pytest.mark.parametrize("floor", [None, 1e-10, 0.0])
@pytest.mark.parametrize("values", SPECTRA.values(), ids=SPECTRA)
def test_roots(cuda, rng, dtype, floor, values):
    """Trace of the root and inverse root, near the floor as near as its meaning goes."""
    vectors, _ = np.linalg.qr(rng.standard_normal((len(values),) * 2))
    a = (7e3 * (vectors * values) @ vectors.T).astype(dtype)[None]
    spectra = eigen.Spectrum(floor), eigen.Spectrum(floor)
    there = cuda.asarray(a)
    error = 40 * (spectra[0].floor_of(a.dtype) * 7e3) ** 0.5
    np.testing.assert_allclose(eigen.trace_of_root(there, spectra[1]).get(),
                               eigen.trace_of_root(a, spectra[0]), rtol=1e-6, atol=error)
    here, result = (eigen.inverse_root(x, spectrum) for x, spectrum in zip((a, there), spectra))
    assert result.dtype == a.dtype
    if floor == 0 and min(values) < 1e-5:       # what is 0 but for rounding has any inverse
        return
    smooth = 1e-6 if min(abs(values)) > 1e-5 and floor is not None else 0.5
    assert relative(result.get(), here) <= smooth


# ------------------------------------- whole operations, on a GPU that is played or real

OF_IMAGES = ("convolve", "convolve_input", "convolve_weight", "convolve_relu",
             "convolve_input_gated", "gate", "max_pool", "max_unpool", "max_pool_at", "avg_pool",
             "avg_unpool", "pad2d", "pad2d_adjoint", "gram_matrix", "channel_products",
             "mix_channels", "matrix_product", "squared_distance", "moments", "moment_products",
             "moment_mix", "weighted_moments", "weighted_products", "weighted_mix",
             "without_last", "trace_of_root", "inverse_root")


@pytest.mark.parametrize("name", OF_IMAGES)
def test_operations_with_kernels_to_second_order(cuda, name):
    operation = registered_primitives()[name]
    for sample in registered_samples(name):
        here, there = (to_second_order(operation, sample, device) for device in ("cpu", "cuda"))
        assert difference(there, here) < 1e-12, sample.note


@pytest.mark.gpu
@pytest.mark.parametrize("name", registered_primitives())
def test_every_operation_on_a_gpu(name):
    operation = registered_primitives()[name]
    for sample in registered_samples(name):
        here, there = (to_second_order(operation, sample, device) for device in ("cpu", "cuda"))
        assert difference(there, here) < 1e-9, sample.note


def test_a_block_of_a_network(device, rng):
    """Convolution, ReLU, pooling, Gram matrix and their gradients, float32 against float64."""
    def run(device, dtype):
        generator = np.random.default_rng(3)
        x = mg.tensor(generator.standard_normal((1, 3, 41, 38)).astype(dtype), requires_grad=True,
                      device=device)
        h = x
        for channels, filters in [(3, 32), (32, 32), (32, 64)]:
            w = generator.standard_normal((filters, channels, 3, 3)).astype(dtype)
            h = F.conv2d_relu(h, mg.tensor(w / np.sqrt(9 * channels).astype(dtype),
                                           device=device), padding=1)
        y = F.gram_matrix(F.max_pool2d(h, 2))
        (y * y).sum().backward()
        return y.numpy(), x.grad.numpy()

    for result, exact in zip(run(device, "f"), run("cpu", "d")):
        assert relative(result, exact) < 1e-4
