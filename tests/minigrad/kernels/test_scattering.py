"""Elements added at positions, beside `numpy.add.at`."""

import numpy as np
import pytest

from minigrad.kernels.scattering import scattered, scattered_along


def random_index(rng, shape):
    """An index with arrays, masks, integers, slices, None and ..., in any order."""
    common = tuple(rng.integers(1, 4, rng.integers(1, 3)))
    parts, dim = [], 0
    while dim < len(shape):
        kind = rng.choice(["None", "...", "integer", "slice", "mask", "array", "array", "end"])
        if kind == "None":
            parts.append(None)
            continue
        if kind == "...":
            if Ellipsis not in [part for part in parts if not isinstance(part, np.ndarray)]:
                parts.append(Ellipsis)
                dim += rng.integers(0, len(shape) - dim + 1)
            continue
        if kind == "end":
            break
        length = shape[dim]
        if kind == "integer":
            parts.append(int(rng.integers(-length, length)))
        elif kind == "slice":
            parts.append(slice(None, None, int(rng.choice([-1, 1, 2]))))
        elif kind == "mask":
            mask = np.zeros(length, bool)
            mask[:common[-1]] = True
            parts.append(rng.permutation(mask))
        else:
            stretched = [1 if rng.random() < 0.3 else n for n in common]
            parts.append(rng.integers(-length, length, stretched[rng.integers(len(common)):]))
        dim += 1
    return tuple(parts) if len(parts) != 1 or rng.random() < 0.5 else parts[0]


def test_any_index(rng):
    done = 0
    for _ in range(1200):
        shape = tuple(rng.integers(1, 5, rng.integers(1, 5)))
        index = random_index(rng, shape)
        try:
            selected = np.zeros(shape)[index]
        except IndexError:                  # the length of a mask does not fit
            continue
        x = rng.integers(-9, 9, selected.shape).astype(float)
        expected = np.zeros(shape)
        np.add.at(expected, index, x)
        result = scattered(x, index, shape)
        np.testing.assert_array_equal(result, expected, str((shape, index)), strict=True)
        done += 1
    assert done > 400


def test_a_single_truth_value_among_arrays():
    index = np.array([1, 1]), True
    assert scattered(np.array([2.0, 3.0]), index, (3,)).tolist() == [0, 5, 0]


@pytest.mark.parametrize("distinct", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128, np.int64])
def test_along_a_dimension(rng, distinct, dtype):
    for _ in range(100):
        shape = tuple(rng.integers(1, 5, rng.integers(1, 5)))
        dim, length = int(rng.integers(len(shape))), 6
        x = rng.integers(-9, 9, shape).astype(dtype)
        whole = *shape[:dim], length, *shape[dim + 1:]
        indices = rng.random(whole).argsort(dim).take(np.arange(shape[dim]), dim) - length // 2
        if not distinct:
            indices = rng.integers(-length, length, shape)
        expected = np.zeros(whole, dtype)
        places = list(np.ogrid[tuple(map(slice, shape))])
        places[dim] = indices
        np.add.at(expected, tuple(places), x)
        result = scattered_along(x, indices, dim, length, distinct)
        np.testing.assert_array_equal(result, expected, strict=True)


def test_pixels_of_an_image_leave_its_channels_innermost(rng):
    g = rng.standard_normal((1, 8, 5))
    for ys in ([0, 1, 2, 3, 0], [0, 1, 2, 3, 3]):
        index = slice(None), slice(None), np.array(ys), np.array([0, 0, 1, 1, 1])
        assert scattered(g, index, (1, 8, 4, 4)).transpose(0, 2, 3, 1).flags.c_contiguous


def test_nothing_at_all():
    none = np.zeros(0, np.int64)
    assert scattered(np.zeros((0, 3)), none, (4, 3)).tolist() == np.zeros((4, 3)).tolist()
    assert scattered_along(np.zeros((2, 0)), none.reshape(1, 0).repeat(2, 0), 1, 3, False
                           ).tolist() == np.zeros((2, 3)).tolist()
