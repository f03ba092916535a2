"""Our reader of HDF5 against h5py: every layout, filter, type and kind of group that it reads."""

import itertools

import h5py
import numpy as np
import pytest

from minigrad import hdf5

FILTERS = [{}, {"fletcher32": True}, {"compression": "gzip"}, {"shuffle": True},
           {"shuffle": True, "compression": "gzip", "fletcher32": True}]
# shape and chunk: many, one, of one element, with remainders, more than a page of a fixed array
CHUNKS = [((50, 60), (7, 9)), ((50, 60), (50, 60)), ((4,), (4,)), ((11, 13, 5), True),
          ((2600,), (2,))]


@pytest.fixture(params=itertools.product(("earliest", "v108", "v110"), (False, True)),
                ids=lambda p: f"{p[0]}-{'ordered' if p[1] else 'by name'}")
def pair(request, tmp_path):
    """A file made by h5py, open in h5py and in our reader."""
    libver, ordered = request.param
    rng = np.random.default_rng(0)
    path = tmp_path / "all.h5"
    with h5py.File(path, "w", libver=libver, track_order=ordered) as file:
        for count in range(20):
            file.attrs[f"attribute{count}"] = np.arange(count + 1.0)
        file.attrs["text"] = np.bytes_(b"hello")
        file.attrs["long"] = np.bytes_(b"x" * 9000)
        for number in range(40):
            group = file.create_group(f"group{number * 7 % 40}", track_order=ordered)
            group["array"] = np.arange(number + 1)
            group.attrs["number"] = number
        for dtype in ("f2", "<f4", ">f8", "u1", "i2", ">i8", "?"):
            file[f"type {dtype.strip('<>')}{dtype[0] == '>'}"] = rng.integers(0, 2, 7).astype(dtype)
        if libver == "v110":
            file["complex"] = np.array([1 + 2j, 3])
        file["scalar"], file["empty"] = 3.5, np.zeros((0, 3))
        file.create_dataset("unwritten", (3, 2))
        for (shape, chunks), filters in itertools.product(CHUNKS, FILTERS):
            file.create_dataset(f"{shape}{chunks}{sorted(filters)}", chunks=chunks, **filters,
                                data=rng.normal(size=shape).astype("f4"))
    with h5py.File(path) as theirs, hdf5.open_file(path) as ours:
        yield theirs, ours


def same(a, b):
    a, b = np.asarray(a), np.asarray(b)
    return a.shape == b.shape and a.dtype == b.dtype and np.array_equal(a, b)


def test_the_same_as_h5py(pair):
    def compare(theirs, ours):
        assert sorted(theirs) == sorted(ours)
        if h5py.version.version_tuple[:2] > (3, 11):    # older ones forget the order of a file
            assert list(theirs) == list(ours)
        assert set(theirs.attrs) == set(ours.attrs)
        assert all(same(theirs.attrs[name], ours.attrs[name]) for name in theirs.attrs)
        for name in theirs:
            if isinstance(theirs[name], h5py.Group):
                compare(theirs[name], ours[name])
            else:
                assert theirs[name].dtype == ours[name].dtype
                assert same(theirs[name][()], ours[name].read()), name
    compare(*pair)


def test_text_of_variable_length(tmp_path):
    with h5py.File(tmp_path / "t.h5", "w") as file:
        file.attrs["one"], file.attrs["two"] = "grün", ["a", "bcd"]
    with hdf5.open_file(tmp_path / "t.h5") as file:
        assert file.attrs["one"] == "grün".encode()
        assert list(file.attrs["two"]) == [b"a", b"bcd"]


def test_links_are_not_members(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["secret"] = [1]
    for libver in ("earliest", "v110"):
        with h5py.File(tmp_path / "t.h5", "w", libver=libver) as file:
            file["real"] = [1]
            file["hard"] = file["real"]
            file["soft"] = h5py.SoftLink("/real")
            file["far"] = h5py.ExternalLink("other.h5", "/secret")
        with hdf5.open_file(tmp_path / "t.h5") as file:
            assert list(file) == ["hard", "real"] and file.get("far") is None


def test_data_in_other_files_are_never_read(tmp_path):
    (tmp_path / "secret").write_bytes(bytes(range(64)))
    with h5py.File(tmp_path / "t.h5", "w", libver="v110") as file:
        file.create_dataset("raw", (8,), "f8", external=[(tmp_path / "secret", 0, 64)])
        layout = h5py.VirtualLayout((8,), "f8")
        layout[:] = h5py.VirtualSource(tmp_path / "t.h5", "raw", (8,))
        file.create_virtual_dataset("virtual", layout)
    with hdf5.open_file(tmp_path / "t.h5") as file:
        for name in ("raw", "virtual"):
            assert file[name].external
            with pytest.raises(ValueError, match="another file"):
                file[name].read()


@pytest.mark.parametrize("filters", FILTERS[1:2] + FILTERS[4:])
def test_a_changed_chunk_is_found(tmp_path, filters):
    values = np.linspace(0, 1, 1000)
    with h5py.File(tmp_path / "t.h5", "w", libver="v110") as file:
        at = file.create_dataset("x", data=values, chunks=(1000,), **filters).id.get_chunk_info(0)
    data = bytearray((tmp_path / "t.h5").read_bytes())
    data[at.byte_offset + at.size // 2] ^= 1
    (tmp_path / "t.h5").write_bytes(data)
    with hdf5.open_file(tmp_path / "t.h5") as file, pytest.raises(Exception, match=r".") as caught:
        file["x"].read()
    assert type(caught.value).__name__ in ("ValueError", "error")       # zlib.error


def test_every_changed_bit_of_metadata_is_found(tmp_path):
    """In the format of HDF5 1.10, which our own files have."""
    with h5py.File(tmp_path / "t.h5", "w", libver="v110", track_order=True) as file:
        file.attrs["format"] = np.bytes_(b"minigrad")
        file.create_dataset("group/x", data=np.arange(6), chunks=(6,), fletcher32=True)
    whole = (tmp_path / "t.h5").read_bytes()

    def content():
        with hdf5.open_file(tmp_path / "t.h5") as file:
            return (file.attrs["format"], file["group/x"].read().tolist())

    expected = content()
    for at in range(0, len(whole), 5):
        (tmp_path / "t.h5").write_bytes(
            whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :])
        try:
            found = content()
        except (ValueError, KeyError):
            continue
        assert found == expected, at
