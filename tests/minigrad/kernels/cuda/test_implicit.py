"""Convolution on tensor cores against im2col in float64: every thread of the real text.

Where there is no GPU its tensor cores are played by cuda_on_host.h, which cuts operands to TF32 and
cuts sums, as a GPU may.
"""

import numpy as np
import pytest
import stand_in_cuda

import minigrad as mg
from minigrad.kernels import conv, relu_mask
from minigrad.kernels.cuda import compiler, implicit
from minigrad.kernels.cuda import conv as cuda_conv
from minigrad.kernels.geometry import Convolution
from minigrad.kernels.im2col import im2col_conv2d, im2col_input_gradient

LIMITS = 5e-5, 4e-4     # of the relative error. Cut instead of rounded, operands would give more.
SHAPES = [   # images, channels, filters, height, width, padding
    (1, 32, 128, 17, 17, 1),                # a pixel past a block both ways, two blocks of filters
    (2, 64, 64, 5, 3, 2),                   # two images, padding of the whole kernel
    (1, 96, 64, 3, 20, (0, 2, 1, 0)),       # three pieces of 32 channels
]
MORE = [(1, 64, 256, 17, 33, 1), (3, 128, 64, 17, 15, 0), (1, 32, 192, 3, 3, 0),
        (2, 64, 128, 8, 16, 1), (1, 512, 64, 4, 5, 1), (1, 64, 64, 1, 1, 1),
        (1, 64, 64, 20, 1, (2, 0, 2, 1))]


def relative(result, expected):
    return np.linalg.norm(result - expected) / np.linalg.norm(expected)


def is_within(result, expected):
    return LIMITS[0] <= relative(result.get(), expected) <= LIMITS[1]


def as_numbers(bits, shape):
    return relu_mask.apply(np.ones(shape), bits)


def sample(rng, n, channels, filters, height, width, padding):
    """x, weight, bias, geometry."""
    sides = padding if isinstance(padding, tuple) else (padding,) * 4
    x = rng.standard_normal((n, height, width, channels)).astype("f").transpose(0, 3, 1, 2)
    weight = rng.standard_normal((filters, channels, 3, 3)) / np.sqrt(9 * channels)
    return (x, weight.astype("f"), rng.standard_normal(filters).astype("f"),
            Convolution(padding=sides))


@pytest.fixture
def wanted():
    """The implicit product where it can be had."""
    with mg.conv_algorithm("implicit"), mg.cuda.matmul_precision("high"):
        yield


@pytest.fixture
def launched(monkeypatch):
    """The kernels that implicit.py starts."""
    names = []

    def launch(xp, program, kernel, *args, **named):
        names.append(kernel)
        return compiler.launch(xp, program, kernel, *args, **named)

    monkeypatch.setattr(implicit, "launch", launch)
    return names


@pytest.mark.parametrize("shape", [*SHAPES, *[pytest.param(shape, marks=pytest.mark.slow)
                                              for shape in MORE]])
def test_forward_and_input_gradient(cuda, rng, launched, wanted, shape):
    x, weight, bias, geometry = sample(rng, *shape)
    exact, bits = im2col_conv2d(*(a.astype("d") for a in (x, weight, bias)), geometry, True, True)
    there, there_weight, there_bias = map(cuda.asarray, (x, weight, bias))
    y, near_bits = conv.fastest(there, there_weight, there_bias, geometry, True, True)
    assert is_within(y, exact) and float(y.min()) == 0
    # A bit may differ only where the result is all but zero.
    assert near_bits.shape == bits.shape
    agree = as_numbers(bits, exact.shape) == as_numbers(near_bits.get(), exact.shape)
    assert (agree | (exact < 5e-3)).all() and agree.mean() > 0.99
    plain, none = conv.fastest(there, there_weight, None, geometry)
    assert none is None
    assert is_within(plain, im2col_conv2d(x.astype("d"), weight.astype("d"), None, geometry)[0])
    assert launched == ["arrange_weight", "convolve", "convolve"]
    if shape[1] % implicit.FILTERS:
        return
    g = rng.standard_normal(exact.shape).astype("f")
    for gate in (bits, None):
        back = conv.fastest_input(cuda.asarray(g), there_weight, x.shape, geometry,
                                 None if gate is None else cuda.asarray(gate))
        assert is_within(back, im2col_input_gradient(
            g.astype("d"), weight.astype("d"), x.shape, geometry, gate))
    assert launched[3:] == ["arrange_weight", "convolve", "convolve"]


def test_large_arrays_are_counted_with_long_integers(cuda, rng, wanted, monkeypatch):
    monkeypatch.setattr(compiler, "LARGE", 50)
    x, weight, bias, geometry = sample(rng, 2, 64, 64, 3, 4, 1)
    exact, bits = im2col_conv2d(*(a.astype("d") for a in (x, weight, bias)), geometry, True, True)
    y, near_bits = conv.fastest(*map(cuda.asarray, (x, weight, bias)), geometry, True, True)
    assert is_within(y, exact)
    back = conv.fastest_input(y, cuda.asarray(weight), x.shape, geometry, near_bits)
    assert is_within(back, im2col_input_gradient(exact, weight.astype("d"), x.shape, geometry,
                                                 bits))


def test_arrays_that_begin_anywhere(cuda, rng, launched, wanted):
    """Copies of 16 bytes want aligned addresses; a view of a longer array may have others."""
    x, weight, bias, geometry = sample(rng, 1, 32, 64, 3, 3, 1)
    length = x.size
    flat = np.zeros(length + 1, "f")
    flat[1:] = x.transpose(0, 2, 3, 1).ravel()
    moved = cuda.asarray(flat)[1:].reshape(1, 3, 3, 32).transpose(0, 3, 1, 2)
    result = conv.fastest(moved, *map(cuda.asarray, (weight, bias)), geometry)[0]
    assert is_within(result, im2col_conv2d(x, weight, bias, geometry)[0])
    assert "convolve" in launched


def test_nan_reaches_the_result(cuda, rng, wanted):
    x, weight, bias, geometry = sample(rng, 1, 32, 64, 3, 5, 1)
    x[0, 5, 1, 1] = np.uint32(0x7fffffff).view("f")      # what a GPU makes of 0/0
    y = conv.fastest(*map(cuda.asarray, (x, weight, bias)), geometry, True)[0].get()
    assert np.isnan(y[0, :, :, :3]).all() and not np.isnan(y[0, :, :, 3:]).any()


def test_which_layers(cuda, rng, monkeypatch):
    used = []

    def play(name):
        return lambda *a, **k: used.append(name) or (None, None)

    monkeypatch.setattr(cuda_conv, "implicit_conv2d", play("implicit"))
    monkeypatch.setattr(cuda_conv, "winograd_conv2d", play("winograd"))
    for function in ("im2col_conv2d", "im2col_input_gradient"):
        monkeypatch.setattr(cuda_conv, function, play("im2col"))

    def choose(channels, filters, dtype="f", **options):
        x = cuda.asarray(np.zeros((1, channels, 4, 4), dtype))
        y = cuda.asarray(np.zeros((1, filters, 4, 4), dtype))
        weight = cuda.asarray(np.zeros((filters, channels, 3, 3), dtype))
        used.clear()
        conv.fastest(x, weight, None, Convolution(**options))
        conv.fastest_input(y, weight, x.shape, Convolution(**options))
        return list(used)

    def exists():
        """Whether it is taken where it is asked for, and few channels would not take it."""
        with mg.conv_algorithm("implicit"):
            return choose(64, 512) == ["implicit"] * 2

    assert choose(64, 64) == ["winograd"] * 2 and not exists()
    with mg.conv_algorithm("implicit"):         # in "highest" that is "auto"
        assert choose(64, 64) == ["winograd"] * 2 and choose(8, 8) == ["im2col"] * 2
    with mg.cuda.matmul_precision("high"):
        assert choose(64, 64) == choose(64, 128) == choose(256, 256) == ["implicit"] * 2
        assert exists() and choose(256, 512) == choose(48, 96) == ["winograd"] * 2
        assert choose(32, 64) == ["implicit", "winograd"]       # 32 filters backward
        assert choose(64, 64, "d") == choose(64, 64, stride=(2, 2)) == ["im2col"] * 2
        assert choose(64, 64, padding=(3, 3, 3, 3)) == ["implicit", "im2col"]
        monkeypatch.setattr(cuda_conv, "MAX_IMPLICIT", 64)
        assert choose(64, 64) == ["implicit"] * 2 and choose(64, 128) == ["winograd"] * 2
        monkeypatch.setattr(implicit, "_has_tf32", lambda xp, device: False)
        assert choose(64, 64) == ["winograd"] * 2
        with mg.conv_algorithm("implicit"):
            assert choose(64, 64) == ["im2col"] * 2


def test_older_gpus_have_no_tf32(played, monkeypatch):
    shape = (64, 64, 3, 3)
    assert implicit.is_possible(played, shape, False)
    implicit._has_tf32.cache_clear()
    monkeypatch.setattr(stand_in_cuda.Device, "compute_capability", "75")
    assert not implicit.is_possible(played, shape, False)
    implicit._has_tf32.cache_clear()


def test_on_the_host_it_is_im2col(rng):
    x, weight, bias, geometry = sample(rng, 1, 32, 64, 4, 4, 1)
    with mg.conv_algorithm("implicit"):
        np.testing.assert_array_equal(conv.fastest(x, weight, bias, geometry)[0],
                                      im2col_conv2d(x, weight, bias, geometry)[0])
