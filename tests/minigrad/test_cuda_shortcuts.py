"""CUDA kernels for the cases that style transfer meets most, against their plain twins.

Whatever a kernel here cannot take goes to the general one of test_cuda_kernels.py.
"""

import numpy as np
import pytest
import stand_in_cuda
from test_cuda_kernels import compare, images

from minigrad import backend
from minigrad.kernels import pool
from minigrad.kernels.cuda import compiler, pool2
from minigrad.kernels.geometry import Pooling

pytestmark = pytest.mark.skipif(stand_in_cuda.COMPILER is None,
                                reason="no C++ compiler to run the kernels on the host with")


@pytest.fixture
def cuda(monkeypatch):
    """A GPU, played by the host."""
    return stand_in_cuda.install(backend, monkeypatch)


@pytest.fixture
def programs(monkeypatch):
    """The (program, kernel) of every launch, in order."""
    started = []
    load = compiler._load
    monkeypatch.setattr(compiler, "_functions", {})

    def watched(xp, kernel, program, *definitions):
        function = load(xp, kernel, program, *definitions)

        def start(*args):
            started.append((program, kernel))
            function(*args)

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
