"""Honest files of Keras that hold more than weights, or were written with HDF5's rarer options."""

import h5py
import numpy as np
import pytest

from weights_converter import WeightsError
from weights_converter.readers.keras import open_keras

# Numbers of more than 64 bits, where NumPy has them.
LONG = np.dtype("g" if np.dtype("g").itemsize > 8 else "i4,f4")


def committed(file):
    file["type"] = np.dtype("f4")
    file.create_dataset("named type", data=np.zeros(3), dtype=file["type"])


def external(file):
    file.create_dataset("external", (25, 10), "f4", external=[("nowhere.raw", 0, 1000)])


def virtual(file):
    layout = h5py.VirtualLayout((10 ** 6, 10 ** 6), "f4")
    layout[:3] = h5py.VirtualSource("nowhere.h5", "x", (3, 10 ** 6))
    file.create_virtual_dataset("virtual", layout)


def chunk(file):
    file.create_dataset("chunk", (25088, 1024), "f4", chunks=(25088, 1024), compression="gzip")


def dense(file):
    """Of a type of its own, in a chunk of over 64 MB."""
    file.create_dataset("fc1/kernel", (25088, 1024), "i4,f4", chunks=(25088, 512))


def plain(name, data, dtype=None):
    return lambda file: file.create_dataset(name, data=data, dtype=dtype)


# What a file may hold beside its weights, and what a reader of it says.
EXTRAS = {
    "enum": (plain("enum", np.zeros(2, int), h5py.enum_dtype({"A": 0, "B": 1})), "an enumeration"),
    "records": (plain("records", np.zeros(3, "i4,f4")), "records of several fields"),
    "references": (plain("references", [None] * 2, h5py.ref_dtype), "references"),
    "lists": (plain("lists", np.array([np.arange(3), np.arange(2)], object),
                    h5py.vlen_dtype("i4")), "variable length"),
    "text": (plain("text", ["a", "b"]), "text of variable length"),
    "long": (plain("long", np.zeros(3, LONG)), "an array has"),
    "lzf": (lambda file: file.create_dataset("lzf", data=np.zeros(9), compression="lzf"),
            r"compressed with LZF \(HDF5's filter 32000\).*save it again"),
    "scaled": (lambda file: file.create_dataset("scaled", data=np.zeros(9), scaleoffset=2),
               "compressed with scale-offset"),
    "chunk": (chunk, "stored in chunks of 102,760,448 bytes"),
    "fc1/kernel": (dense, "records of several fields"),
    "external": (external, "in another file"),
    "virtual": (virtual, "in another file"),
}


@pytest.mark.parametrize("libver", ["earliest", "v110"])
def test_arrays_that_are_not_needed_may_be_of_any_kind(libver, writers, first, tmp_path,
                                                       check_conversion):
    path = writers["keras"](tmp_path / "file", first("conv1_2"))
    with h5py.File(path, "a", libver=libver) as file:
        committed(file)
        file["deep"] = np.zeros((1,) * 9)
        for write, _ in EXTRAS.values():
            write(file)
    check_conversion(path, "conv1_2")
    with open_keras(path) as tensors:
        assert "deep" not in tensors and tensors["named type"].read().tolist() == [0, 0, 0]
        for name, (_, words) in EXTRAS.items():
            with pytest.raises(WeightsError, match=words) as caught:
                tensors[name].read()
            assert f"{path}: " in str(caught.value) and "damaged" not in str(caught.value)


def test_a_kernel_that_cannot_be_read(first, tmp_path, refused):
    """The sentence says what is not supported, and names the array."""
    kernel, bias = first("conv1_1")["conv1_1"]
    for options, words in (({"compression": "lzf"}, "LZF"), ({"dtype": LONG}, "an array has"),
                           ({"dtype": "i4"}, "is int32, but floating-point")):
        with h5py.File(tmp_path / "file", "w") as file:
            file["block1_conv1/bias"] = bias
            file.create_dataset("block1_conv1/kernel", data=kernel, **options)
        sentence = refused(tmp_path / "file")
        assert words in sentence and "block1_conv1/kernel" in sentence
        assert "damaged" not in sentence


@pytest.mark.parametrize("how, arrays", [
    ({"libver": "latest"}, {"compression": "gzip", "shuffle": True, "fletcher32": True}),
    ({"libver": "v110"}, {"maxshape": (None, 3, 3, 99), "chunks": (2, 2, 3, 17)}),
    ({"userblock_size": 512}, {}), ({"userblock_size": 4096, "libver": "v110"}, {})], ids=str)
def test_other_ways_to_write_a_file(how, arrays, first, tmp_path, check_conversion):
    with h5py.File(tmp_path / "file", "w", **how) as file:
        for name, (kernel, bias) in first("conv1_1").items():
            group = name.replace("conv", "block").replace("_", "_conv")
            file.create_dataset(f"{group}/kernel", data=kernel, **arrays)
            file.create_dataset(f"{group}/bias", data=bias)
    with open(tmp_path / "file", "r+b") as file:
        file.write(b"notes" if "userblock_size" in how else b"")
    check_conversion(tmp_path / "file", "conv1_1")


def test_a_file_with_a_block_before_it_that_was_cut_off(first, tmp_path, refused):
    with h5py.File(tmp_path / "file", "w", userblock_size=512) as file:
        file["block1_conv1/kernel"], file["block1_conv1/bias"] = first("conv1_1")["conv1_1"]
    content = (tmp_path / "file").read_bytes()
    (tmp_path / "file").write_bytes(content[:-1])
    assert f"has {len(content) - 1:,} bytes, but its header states {len(content):,}" in refused(
        tmp_path / "file")
