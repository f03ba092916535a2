"""What honest files of PyTorch hold beside plain tensors, written without PyTorch."""

import zipfile

import pytest
from torch_pickles import legacy_file, pickled, state_of, tensor, zip_file


@pytest.fixture(params=["zip", "legacy"])
def write(request, tmp_path):
    """Write a state and the contents of its storages in one of the two formats."""
    def to_file(thing, storages):
        make = zip_file if request.param == "zip" else legacy_file
        return make(tmp_path / "file.pth", pickled(thing), storages)
    return to_file


def marked(state, name, marks):
    """The state with marks on one tensor, as PyTorch keeps them."""
    arguments = state[name].arguments
    return {**state, name: tensor(*arguments[:4], marks)}


def test_a_negated_view_has_its_own_sign(layers, write, check_conversion):
    """PyTorch stores −w and a mark; without it, this layer would be negative, with status 0."""
    state, storages = state_of({"conv1_1": layers["conv1_1"],
                                "conv1_2": (-layers["conv1_2"][0], -layers["conv1_2"][1])})
    for name in ("conv1_2.weight", "conv1_2.bias"):
        state = marked(state, name, {"neg": True})
    check_conversion(write(state, storages), "conv1_2")


@pytest.mark.parametrize("marks", [None, {}, {"neg": False, "conj": False}], ids=str)
def test_marks_that_change_nothing(layers, write, check_conversion, marks):
    state, storages = state_of(layers)
    check_conversion(write(marked(state, "conv1_2.weight", marks), storages), "conv1_2")


@pytest.mark.parametrize("marks, words", [
    ({"conj": True}, "conv1_2.weight is marked 'conj', but floating-point"),
    ({"neg": True, "axis": [1]}, "conv1_2.weight is marked 'axis', but floating-point"),
    ({"neg": 1}, "conv1_2.weight is marked 'neg', but floating-point"),
    ([], "damaged PyTorch file (marks of a tensor that are not a dictionary)"),
], ids=str)
def test_marks_that_are_not_known_are_refused(layers, write, refused, marks, words):
    state, storages = state_of(layers)
    assert words in refused(write(marked(state, "conv1_2.weight", marks), storages))


# ---------------------------------------------------------------- archives


@pytest.mark.parametrize("folder", ["vgg19_2024-01-01T12:00:00", "C:", "", "a..b", "back\\slash"])
def test_any_name_of_the_folder_within(layers, tmp_path, check_conversion, folder):
    """PyTorch takes it from the name of the file."""
    state, storages = state_of(layers)
    check_conversion(zip_file(tmp_path / "file.pth", pickled(state), storages, folder), "conv1_2")


@pytest.fixture
def without_sums(tmp_path, monkeypatch):
    """Write a file as PyTorch does after `torch.serialization.set_crc32_options(False)`."""
    def to_file(state, storages):
        with monkeypatch.context() as patch:
            patch.setattr(zipfile, "crc32", lambda *_: 0)
            return zip_file(tmp_path / "file.pth", pickled(state), storages)
    return to_file


def test_an_archive_without_sums(layers, without_sums, check_conversion):
    check_conversion(without_sums(*state_of(layers)), "conv1_2")


def test_damage_in_an_archive_without_sums_is_found_by_the_numbers(layers, without_sums, refused):
    state, storages = state_of(layers)
    storages["2"] = bytes(9 * 64 * 4) + storages["2"][9 * 64 * 4:]      # a filter of zeros
    assert "the kernels of conv1_2" in refused(without_sums(state, storages))
