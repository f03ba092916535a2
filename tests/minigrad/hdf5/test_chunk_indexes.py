"""Chunks of arrays that may grow: HDF5 has six kinds of index, and numbers chunks by the maxima."""

import itertools

import h5py
import numpy as np
import pytest

from minigrad import hdf5
from minigrad.hdf5 import layouts

FILTERS = {"deflate": lambda plan: plan.set_deflate(4), "shuffle": lambda plan: plan.set_shuffle(),
           "fletcher32": lambda plan: plan.set_fletcher32()}


def write(path, shape, chunk, most, libver, *, early=False, filters=(), extent=None):
    """Write 1, 2, 3 … to an array that may grow to `most`, and return what h5py reads."""
    with h5py.File(path, "w", libver=libver) as file:
        plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plan.set_chunk(chunk)
        if early:
            plan.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        for name in filters:
            FILTERS[name](plan)
        space = h5py.h5s.create_simple(
            shape, tuple(h5py.h5s.UNLIMITED if limit is None else limit for limit in most))
        array = h5py.h5d.create(file.id, b"x", h5py.h5t.NATIVE_INT32, space, plan)
        file["x"][...] = np.arange(1, np.prod(shape) + 1, dtype="i4").reshape(shape)
        if extent is not None:
            array.set_extent(extent)
            file["x"][...] = np.arange(1, np.prod(extent) + 1, dtype="i4").reshape(extent)
        return file["x"][()]


def check(path, expected):
    """Compare our reader; the result is the kind of the index."""
    with hdf5.open_file(path) as file:
        file["x"].check()
        assert np.array_equal(file["x"].read(), expected)
        return file["x"]._layout.index


# shape, chunk, maxima, kind of index in a file of HDF5 1.10
CASES = {
    "single": ((5, 6), (5, 6), (5, 6), layouts.SINGLE),
    "fixed": ((10, 20), (3, 7), (10, 20), layouts.FIXED_ARRAY),
    "fixed, wide": ((10, 20), (3, 7), (10, 40), layouts.FIXED_ARRAY),
    "fixed, both": ((7, 10, 20), (2, 3, 7), (9, 40, 41), layouts.FIXED_ARRAY),
    "fixed, pages": ((600, 4), (1, 2), (3000, 9), layouts.FIXED_ARRAY),
    "growing": ((300,), (2,), (None,), layouts.EXTENSIBLE_ARRAY),
    "growing first": ((10, 20), (3, 7), (None, 41), layouts.EXTENSIBLE_ARRAY),
    "growing last": ((10, 20), (3, 7), (23, None), layouts.EXTENSIBLE_ARRAY),
    "growing between": ((4, 10, 20), (2, 3, 7), (9, None, 43), layouts.EXTENSIBLE_ARRAY),
    "growing, pages": ((3, 200), (1, 1), (None, 70_000), layouts.EXTENSIBLE_ARRAY),
    "growing twice": ((4, 10, 20), (2, 3, 7), (None, 12, None), layouts.TREE),
}


@pytest.mark.parametrize("filters", [(), ("shuffle", "deflate", "fletcher32")],
                         ids=["plain", "filtered"])
@pytest.mark.parametrize("case", CASES)
def test_an_array_that_may_grow(case, filters, tmp_path):
    *form, index = CASES[case]
    for libver in ("earliest", "v110", "latest"):
        values = write(tmp_path / "x", *form, libver, filters=filters)
        found = check(tmp_path / "x", values)
        assert found == (layouts.OLD_TREE if libver == "earliest" else index)


@pytest.mark.parametrize("most", [(10, 20), (10, 40), (40, 20), (33, 55)])
def test_chunks_without_an_index(most, tmp_path):
    """They lie side by side in the order of their numbers, in the grid of the largest shape."""
    values = write(tmp_path / "x", (10, 20), (3, 7), most, "v110", early=True)
    assert check(tmp_path / "x", values) == layouts.IMPLICIT


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("extent", [(5, 9), (30, 40)])
def test_an_array_whose_shape_was_changed(extent, early, tmp_path):
    for most in ((30, 40), (30, None), (None, None)):
        values = write(tmp_path / "x", (10, 20), (3, 7), most, "v110", early=early, extent=extent)
        check(tmp_path / "x", values)


@pytest.mark.parametrize("most", [(400,), (None,), (4000,)])
def test_a_chunk_that_was_never_written(most, tmp_path):
    with h5py.File(tmp_path / "x", "w", libver="v110") as file:
        file.create_dataset("x", (300,), "f4", maxshape=most, chunks=(1,))[3:7] = 1
    with hdf5.open_file(tmp_path / "x") as file:
        for read in (file["x"].read, file["x"].check):
            with pytest.raises(ValueError, match="a chunk is missing"):
                read()


def test_chunks_at_the_edge_without_filters(tmp_path):
    """An option of HDF5 that h5py does not offer; the other chunks are shuffled."""
    values = write(tmp_path / "x", (10, 20), (3, 7), (10, 20), "v110", filters=("shuffle",))
    with h5py.File(tmp_path / "x", "a") as file:
        padded = np.zeros((12, 21), "i4")
        padded[:10, :20] = values
        for row, column in itertools.product(range(0, 10, 3), range(0, 20, 7)):
            if row == 9 or column == 14:
                piece = padded[row : row + 3, column : column + 7]
                file["x"].id.write_direct_chunk((row, column), piece.tobytes())
    with hdf5.open_file(tmp_path / "x") as file:
        array = file["x"]
        assert not np.array_equal(array.read(), values)
        object.__setattr__(array._layout, "flags", layouts.EDGES_WITHOUT_FILTERS)
        assert np.array_equal(array.read(), values)


def test_an_index_that_does_not_go_with_the_maxima(tmp_path):
    """As in a damaged file; to guess a number would give wrong values."""
    write(tmp_path / "x", (10, 20), (3, 7), (10, None), "v110")
    for index in (layouts.IMPLICIT, layouts.FIXED_ARRAY):
        with hdf5.open_file(tmp_path / "x") as file:
            array = file["x"]
            object.__setattr__(array._layout, "index", index)
            with pytest.raises(ValueError, match="another index of its chunks"):
                array.read()


@pytest.mark.parametrize("libver, most", [("earliest", (600,)), ("v110", (600,)), ("v110", (None,)),
                                          ("v110", (None, None))], ids=str)
def test_every_chunk_is_charged(libver, most, tmp_path):
    write(tmp_path / "x", (600, 1)[:len(most)], (1, 1)[:len(most)], most, libver)
    with hdf5.open_file(tmp_path / "x", 1 << 15) as file, pytest.raises(
            ValueError, match="again and again"):
        file["x"].read()


@pytest.mark.slow
@pytest.mark.parametrize("libver", ["earliest", "v110", "latest"])
def test_all_kinds_of_maxima(libver, tmp_path, rng):
    """In one to three dimensions; each axis is full, larger, much larger or without end."""
    for rank, _ in itertools.product((1, 2, 3), range(3)):
        shape = tuple(map(int, rng.integers(1, {1: 3000, 2: 60, 3: 16}[rank], rank)))
        chunk = tuple(max(1, int(length * part))
                      for length, part in zip(shape, rng.uniform(0.02, 1, rank)))
        for limits in itertools.product((lambda n: n, lambda n: n + 7, lambda n: 3 * n,
                                         lambda n: None), repeat=rank):
            most = tuple(limit(length) for limit, length in zip(limits, shape))
            for early, filters in ((False, ()), (True, ()), (False, ("shuffle", "deflate")),
                                   (False, ("shuffle",))):
                check(tmp_path / "x", write(tmp_path / "x", shape, chunk, most, libver,
                                            early=early, filters=filters))
