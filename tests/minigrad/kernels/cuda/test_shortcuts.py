"""CUDA kernels for the cases that style transfer meets most, against their plain twins.

Whatever a kernel here cannot take goes to the general one of test_cuda_kernels.py.
"""

import numpy as np
import pytest
from kernel_checks import compare, images, relative

import minigrad as mg
from minigrad.kernels import conv, pool, relu_mask
from minigrad.kernels.cuda import compiler, pool2
from minigrad.kernels.geometry import Convolution, Pooling


@pytest.fixture
def programs(monkeypatch):
    """The (program, kernel) of every launch, in order."""
    started = []
    load = compiler._load
    monkeypatch.setattr(compiler, "_functions", {})

    def watched(xp, kernel, shared, program, *definitions):
        function = load(xp, kernel, shared, program, *definitions)

        def start(*args, **named):
            started.append((program, kernel))
            function(*args, **named)

        return start

    monkeypatch.setattr(compiler, "_load", watched)
    return started


# ----------------------------------------------------------- pooling of 2×2 side by side

HALVED = Pooling((2, 2), (2, 2))


def pool_everything(cuda, x, rng, geometry=HALVED):
    """All four directions of pooling of x on both sides."""
    y, winner = pool.max_pool2d(x, geometry)
    g = images(rng, *y.shape)
    compare(cuda, lambda x: pool.max_pool2d(x, geometry), x)
    compare(cuda, lambda x: pool.max_pool2d(x, geometry, False), x)
    compare(cuda, lambda g, winner: pool.max_unpool2d(g, winner, x.shape, geometry), g, winner)
    compare(cuda, lambda x: pool.avg_pool2d(x, geometry), x)
    compare(cuda, lambda g: pool.avg_unpool2d(g, x.shape, geometry), g)


@pytest.mark.parametrize("large", [1 << 30, 50])         # counted with int, and with long long
@pytest.mark.parametrize("shape", [(1, 4, 2, 2), (2, 8, 6, 4), (2, 12, 7, 8), (1, 4, 6, 9),
                                   (2, 64, 5, 3)])
def test_pooling_by_halves(cuda, rng, shape, large, programs, monkeypatch):
    monkeypatch.setattr(compiler, "LARGE", large)
    x = np.round(images(rng, *shape))                    # many ties: the first pixel wins
    pool_everything(cuda, x, rng)
    assert {program for program, _ in programs} == {"pool2"}


def test_pooling_by_halves_keeps_nan_and_infinity(cuda):
    values = np.array([np.nan, -np.inf, np.inf, 0.0, -0.0, 1.0], "f")
    every = np.stack(np.meshgrid(*[values] * 4, indexing="ij")).reshape(4, -1)      # all windows
    x = np.ascontiguousarray(every.reshape(2, 2, 18, 18, 4).transpose(2, 0, 3, 1, 4))
    x = x.reshape(1, 36, 36, 4).transpose(0, 3, 1, 2)
    here = pool.max_pool2d(x, HALVED)
    there = pool.max_pool2d(cuda.asarray(x), HALVED)
    for near, far in zip(here, there):
        np.testing.assert_array_equal(far.get(), near)
    g = np.where(np.isnan(here[0]), np.float32(np.nan), np.float32(3))
    back = pool.max_unpool2d(cuda.asarray(g), there[1], x.shape, HALVED).get()
    winning = np.isfinite(back) & (back != 0)
    assert winning.sum() == np.isfinite(g).sum() and np.isnan(back).sum() == np.isnan(g).sum()


def shifted(cuda, x, numbers):
    """x on the device, so many numbers after the beginning of its memory; channels innermost."""
    n, c, h, w = x.shape
    room = cuda.empty(x.size + numbers, x.dtype)
    view = room[numbers:].reshape(n, h, w, c).transpose(0, 3, 1, 2)
    view[...] = cuda.asarray(x)
    return view


def test_pooling_of_what_lies_anywhere(cuda, rng, programs):
    """Fours of numbers must begin at multiples of 16 bytes, winners at multiples of 4."""
    x = images(rng, 2, 8, 6, 7)
    y, winner = pool.max_pool2d(x, HALVED)
    g = images(rng, *y.shape)
    for numbers, program in ((1, "pool"), (2, "pool"), (4, "pool2")):
        result, places = pool.max_pool2d(shifted(cuda, x, numbers), HALVED)
        np.testing.assert_array_equal(result.get(), y)
        np.testing.assert_array_equal(places.get(), winner)
        for far_g, far_winner in ((shifted(cuda, g, numbers), cuda.asarray(winner)),
                                  (cuda.asarray(g), shifted(cuda, winner, numbers))):
            back = pool.max_unpool2d(far_g, far_winner, x.shape, HALVED)
            np.testing.assert_array_equal(back.get(), pool.max_unpool2d(g, winner, x.shape, HALVED))
        assert {program for program, _ in programs} == {program}
        programs.clear()


@pytest.mark.parametrize("shape, geometry", [
    ((1, 6, 4, 4), HALVED), ((1, 4, 5, 4), Pooling((2, 2), (2, 2), ceil_mode=True)),
    ((1, 4, 4, 4), Pooling((2, 2), (2, 2), (1, 1))), ((1, 4, 5, 5), Pooling((2, 2), (1, 1))),
    ((1, 4, 6, 6), Pooling((3, 2), (2, 2)))])
def test_other_poolings_take_the_general_kernel(cuda, rng, shape, geometry, programs):
    pool_everything(cuda, images(rng, *shape), rng, geometry)
    assert {program for program, _ in programs} == {"pool"}


def test_whole_windows_count_as_such_even_if_others_would_be_allowed(cuda, rng):
    assert pool2.fits((1, 4, 6, 4), (1, 2, 3, 4), Pooling((2, 2), (2, 2), ceil_mode=True))
    pool_everything(cuda, images(rng, 1, 4, 4, 6), rng, Pooling((2, 2), (2, 2), ceil_mode=True))


# ------------------------------------------------------ convolution of few channels

# images, channels, filters, height, width, padding
DIRECT = [(1, 3, 64, 7, 35, 1), (2, 3, 32, 5, 70, 1), (1, 1, 32, 3, 3, 0), (2, 4, 64, 9, 16, 2),
          (1, 2, 96, 4, 18, (0, 2, 1, 3)), (1, 3, 64, 1, 1, 1), (1, 3, 64, 4, 129, (5, 0, 4, 1))]


def convolve(x, weight, bias, geometry, rng, place=lambda array: array):
    """Forward with everything, and without; backward with a gate, and without."""
    y, bits = conv.fastest(*map(place, (x, weight, bias)), geometry, True, True)
    plain, none = conv.fastest(*map(place, (x, weight)), None, geometry)
    assert none is None
    g = images(rng, *y.shape, dtype=x.dtype)
    gate = relu_mask.pack(images(np.random.default_rng(1), *y.shape))
    gated = conv.fastest_input(*map(place, (g, weight)), x.shape, geometry, place(gate))
    return y, plain, gated, conv.fastest_input(*map(place, (g, weight)), x.shape, geometry), bits


@pytest.mark.parametrize("shape, large", [
    *((shape, 1 << 30) for shape in DIRECT),
    *((shape, 50) for shape in DIRECT if shape[0] > 1 or shape[2] > 64)])
def test_convolution_of_few_channels(cuda, shape, large, programs, monkeypatch):
    monkeypatch.setattr(compiler, "LARGE", large)
    n, c, o, h, w, padding = shape
    geometry = Convolution(padding=padding if isinstance(padding, tuple) else (padding,) * 4)
    rng = np.random.default_rng(5)
    x = images(rng, n, c, h, w, last=n > 1)
    weight = (rng.standard_normal((o, c, 3, 3)) / np.sqrt(9 * c)).astype("f")
    bias = rng.standard_normal(o).astype("f")
    with mg.cuda.matmul_precision("high"):                  # which it does not heed
        *there, bits = convolve(x, weight, bias, geometry, np.random.default_rng(2), cuda.asarray)
    assert {program for program, _ in programs} - {"direct"} == (
        {"im2col", "relu_mask"} if o > 64 else set())
    with mg.conv_algorithm("im2col"):
        *here, exact = convolve(*(array.astype("d") for array in (x, weight, bias)), geometry,
                                np.random.default_rng(2))
    for near, far in zip(here, there):
        assert relative(far.get(), near) < (1e-6 if o <= 64 else 1e-3)
    ones = np.ones(here[0].shape, "f")
    agree = relu_mask.apply(ones, exact) == relu_mask.apply(ones, bits.get())
    assert (agree | (here[0] < 1e-5)).all() and bits.shape == exact.shape
    np.testing.assert_array_equal(relu_mask.apply(there[0].get(), bits.get()), there[0].get())


def test_convolution_keeps_nan(cuda, rng):
    x = images(rng, 1, 3, 6, 20)
    x[0, 1, 2, 5] = np.nan
    weight = cuda.asarray(rng.standard_normal((32, 3, 3, 3)).astype("f"))
    y = conv.fastest(cuda.asarray(x), weight, None, Convolution(padding=(1,) * 4), True, True)[0]
    assert np.isnan(y.get()).any(axis=(0, 1)).sum() == 9


def test_where_few_channels_are_convolved_directly(cuda, rng, programs):
    def used(channels=3, filters=32, dtype="f", algorithm="auto", **options):
        programs.clear()
        x = cuda.asarray(images(rng, 1, channels, 6, 6, dtype=dtype))
        weight = cuda.asarray(rng.standard_normal((filters, channels, 3, 3)).astype(dtype))
        with mg.conv_algorithm(algorithm):
            y, _ = conv.fastest(x, weight, None, Convolution(**options))
            conv.fastest_input(y, weight, x.shape, Convolution(**options))
        return [program for program, _ in programs]

    assert used() == ["direct"] * 2
    assert used(filters=96) == ["direct", "im2col"]
    for other in ({"channels": 5}, {"filters": 48}, {"dtype": "d"}, {"stride": (2, 2)},
                  {"dilation": (2, 2)}, {"algorithm": "im2col"}):
        assert set(used(**other)) == {"im2col"}
    assert used(algorithm="implicit") == ["direct"] * 2      # which there is not in "highest"


def test_changed_weights_are_read_again(cuda, rng):
    weight = mg.tensor(rng.standard_normal((32, 3, 3, 3)), dtype="float32", device="cuda")
    x = mg.tensor(rng.standard_normal((1, 3, 5, 5)), dtype="float32", device="cuda")
    first = mg.functional.conv2d(x, weight, padding=1).numpy()
    with mg.no_grad():
        weight.mul_(2)
    second = mg.functional.conv2d(x, weight, padding=1).numpy()
    assert relative(second, 2 * first) < 1e-6
