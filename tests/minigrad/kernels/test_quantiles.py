"""Quantiles by rank: transport on a line."""

import numpy as np
import pytest

from minigrad.kernels import quantiles


def expected(x, ordered):
    moved = np.empty_like(x)
    for row, numbers, target in zip(x, ordered, moved):
        target[np.argsort(row, kind="stable")] = numbers
    return moved


@pytest.mark.parametrize("dtype", "fd")
@pytest.mark.parametrize("rows, length", [(1, 1), (3, 7), (13, 500)])
def test_the_host_moves_each_number_to_the_quantile_of_its_rank(rng, dtype, rows, length):
    x = rng.standard_normal((rows, length)).astype(dtype)
    x[:, length // 2:] = np.round(x[:, length // 2:], 1)        # some are equal
    ordered = np.sort(rng.standard_normal((rows, length)).astype(dtype), axis=1)
    moved, spread = quantiles.at_ranks(x, quantiles.table(ordered))
    assert moved.dtype == dtype and spread == 0
    np.testing.assert_array_equal(moved, expected(x, ordered))


@pytest.mark.parametrize("dtype", "fd")
@pytest.mark.parametrize("rows, length", [(1, 1), (3, 7), (13, 300)])
def test_a_gpu_moves_numbers_that_are_apart_in_the_same_way(cuda, rng, dtype, rows, length):
    x = rng.permuted(np.tile(np.arange(length), (rows, 1)), axis=1).astype(dtype)
    ordered = np.sort(rng.standard_normal((rows, length)).astype(dtype), axis=1)
    moved, spread = quantiles.at_ranks(cuda.asarray(x), quantiles.table(cuda.asarray(ordered)))
    assert moved.dtype == dtype
    np.testing.assert_allclose(moved.get(), expected(x, ordered), atol=1e-6)
    assert abs(float(spread)) < 1e-9 * length


def test_on_a_gpu_equal_numbers_get_the_mean_of_their_quantiles(cuda, rng):
    x = np.array([[5, 1, 5, 5, 9], [2, 2, 2, 2, 2]], np.float32)
    ordered = np.array([[0, 1, 2, 6, 7], [0, 0, 1, 4, 5]], np.float32)
    moved, spread = quantiles.at_ranks(cuda.asarray(x), quantiles.table(cuda.asarray(ordered)))
    np.testing.assert_allclose(moved.get(), [[3, 0, 3, 3, 7], [2, 2, 2, 2, 2]], rtol=1e-6)
    assert float(spread) == pytest.approx((4 + 1 + 9) + (4 + 4 + 1 + 4 + 9))


def test_on_a_gpu_numbers_of_one_bin_differ_by_a_small_part_of_the_range(cuda, rng):
    x = rng.standard_normal((2, 3000)).astype(np.float32)
    ordered = np.sort(rng.standard_normal((2, 3000)).astype(np.float32), axis=1)
    moved, spread = quantiles.at_ranks(cuda.asarray(x), quantiles.table(cuda.asarray(ordered)))
    moved = moved.get()
    assert abs(moved - expected(x, ordered)).max() < 0.2         # at the ends, where few are
    assert abs(moved - expected(x, ordered)).mean() < 1e-3
    cost, exact = (((x - y.astype(np.float64)) ** 2).sum() for y in (moved, expected(x, ordered)))
    assert cost + float(spread) == pytest.approx(exact, rel=1e-4)


def test_nothing_to_move_and_numbers_that_are_not_finite(cuda):
    empty = cuda.asarray(np.zeros((3, 0), np.float32))
    assert quantiles.at_ranks(empty, quantiles.table(empty))[0].shape == (3, 0)
    x = cuda.asarray(np.array([[1, np.nan, 2], [np.inf, 0, 1]], np.float32))
    ordered = cuda.asarray(np.zeros((2, 3), np.float32))
    assert quantiles.at_ranks(x, quantiles.table(ordered))[0].shape == (2, 3)
