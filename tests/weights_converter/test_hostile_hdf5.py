"""HDF5 files that were made to do harm: each is refused in one sentence, at no great cost."""

import h5py
import numpy as np
import pytest

from weights_converter import WeightsError


def test_hdf5_links_lead_nowhere(writers, first, tmp_path, refused):
    inside = writers["keras"](tmp_path / "inside", first("conv1_2"))
    path = tmp_path / "file"
    with h5py.File(path, "w") as file:
        file["block1_conv1"] = h5py.ExternalLink(str(inside), "block1_conv1")
        file["soft"] = h5py.SoftLink("/block1_conv1")
        file["dangling"] = h5py.SoftLink("/nothing")
        file["array"] = np.zeros(3)
    assert "contains no 3×3 convolutions" in refused(path)


def test_hdf5_numbers_in_other_files_are_refused(tmp_path, refused):
    raw = tmp_path / "raw"
    raw.write_bytes(bytes(4 * 9 * 3 * 64))
    with h5py.File(tmp_path / "external", "w") as file:
        file.create_dataset("block1_conv1/kernel", (3, 3, 3, 64), "f4",
                            external=[(str(raw), 0, 6912)])
        file["block1_conv1/bias"] = np.zeros(64, "f4")
    assert "are in another file" in refused(tmp_path / "external")
    with h5py.File(tmp_path / "virtual", "w") as file:
        layout = h5py.VirtualLayout((3, 3, 3, 64), "f4")
        layout[:] = h5py.VirtualSource(str(raw), "x", (3, 3, 3, 64))
        file.create_virtual_dataset("block1_conv1/kernel", layout)
        file["block1_conv1/bias"] = np.zeros(64, "f4")
    assert "are in another file" in refused(tmp_path / "virtual")


def test_hdf5_chunks_that_would_fill_the_memory_are_refused(tmp_path, refused):
    with h5py.File(tmp_path / "bomb", "w") as file:
        data = file.create_dataset("block1_conv1/kernel", (3, 3, 3, 64), "f4", compression="gzip",
                                   chunks=(3, 3, 3, 10**6), maxshape=(3, 3, 3, None))
        data[...] = 0
        file["block1_conv1/bias"] = np.zeros(64, "f4")
    assert (tmp_path / "bomb").stat().st_size < 1_000_000
    assert "stored in chunks of 108,000,000 bytes" in refused(tmp_path / "bomb")


def test_hdf5_groups_that_contain_themselves(tmp_path, refused):
    with h5py.File(tmp_path / "loop", "w") as file:
        file.create_group("a")["b"] = file["/"]
    assert "nested deeper" in refused(tmp_path / "loop")
    with h5py.File(tmp_path / "many", "w") as file:
        for number in range(5001):
            file.create_group(str(number))
    assert "more than 5,000 objects" in refused(tmp_path / "many")


def test_hdf5_paths_that_every_member_repeats(writers, first, tmp_path, refused, check_conversion):
    """Long names of nested groups would be kept once for each array."""
    keras = writers["keras"](tmp_path / "keras", first("conv2_1"), root="x" * 400)
    check_conversion(keras)
    with h5py.File(tmp_path / "long", "w") as file:
        group = file.create_group("a" * 300).create_group("b" * 300)
        for number in range(10):
            group[str(number)] = np.zeros(3)
    assert "contains a path of 601 letters, 'aaa" in refused(tmp_path / "long")


def test_a_look_at_an_hdf5_file_costs_a_fraction_of_reading_it(tmp_path, refused, monkeypatch):
    """A conversion opens its source twice, and both count."""
    with h5py.File(tmp_path / "file", "w", libver="v110") as file:
        for number in range(100):
            file.attrs[str(number)] = np.zeros(900)
    monkeypatch.setattr("weights_converter.detect.METADATA_OF_ROOT", 1 << 19)
    assert "more than 524,288 bytes of metadata" in refused(tmp_path / "file")


def test_attributes_without_end_are_refused(tmp_path, make_weights, refused):
    from weights_converter import read_weights, write_weights
    write_weights(tmp_path / "w.h5", make_weights())
    with h5py.File(tmp_path / "w.h5", "a") as file:
        file.attrs["layers"] = ["conv1_1"] * 1000
    with pytest.raises(WeightsError, match="attribute layers has 1,000 values"):
        read_weights(tmp_path / "w.h5")
