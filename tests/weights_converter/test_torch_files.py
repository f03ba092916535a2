"""What honest files of PyTorch hold beside plain tensors, written without PyTorch."""

import argparse
import collections
import datetime
import zipfile

import numpy as np
import pytest
from torch_pickles import Call, Name, floats, legacy_file, pickled, state_of, tensor, zip_file

from weights_converter import detect
from weights_converter.detect import detect as kind_of
from weights_converter.torch_records import Storage


@pytest.fixture(params=["zip", "legacy"])
def write(request, tmp_path):
    """Write a state and the contents of its storages in one of the two formats."""
    def to_file(thing, storages, protocol=2):
        make = zip_file if request.param == "zip" else legacy_file
        options = {} if request.param == "zip" else {"protocol": protocol}
        return make(tmp_path / "file.pth", pickled(thing, protocol), storages, **options)
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


# ---------------------------------------------------------------- checkpoints around the weights


PRESENT = {
    "size": Call(Name("torch.Size"), (1, 2)), "device": Call(Name("torch.device"), "cpu"),
    "type": Name("torch.float32"), "set": {"x", 2}, "frozen": frozenset([1]), "bytes": b"abc" * 100,
    "no bytes": b"", "long": 2 ** 100, "complex": 1j, "double": np.float64(3), "mean": np.zeros(3),
    "options": argparse.Namespace(lr=0.1, layers=[1]), "none": None, "tuple": (),
    "folder": Call(Name("pathlib.PosixPath"), "data"), "best": [1, (2, 3)],
    "of Python 3.13": Call(Name("pathlib._local.PosixPath"), "data"),
    "milestones": collections.Counter([3, 6]), "history": collections.defaultdict(list, loss=[1.0]),
    "last": collections.deque([1, 2], maxlen=3), "began": datetime.datetime(2024, 5, 6, 7),
    "took": datetime.timedelta(3), "steps": range(3), "part": slice(1, 2), "a type": int,
    "seed": 2 ** 2100, "written by": Call(Name("torch.torch_version.TorchVersion"), "2.4"),
}


@pytest.mark.parametrize("protocol", [1, 2, 3, 4, 5])
def test_what_checkpoints_hold_beside_the_weights(layers, write, check_conversion, protocol):
    state, storages = state_of(layers)
    around = {**PRESENT, "state_dict": state, (1, 2): 3, None: 4, 1.5: 2, True: 1, b"x": 1,
              np.int64(3): 1, frozenset(): 1, "x" * 5000: 1, 2 ** 70: 1}
    check_conversion(write(around, storages, protocol), "conv1_2")


def test_settings_that_are_nested_deep(layers, write, check_conversion):
    state, storages = state_of(layers)
    settings = {"std": 0.1}
    for level in range(30):
        settings = {f"level{level}": settings}
    check_conversion(write({"state_dict": state, "hyper_parameters": settings}, storages),
                     "conv1_2")


def with_attributes(built):
    """What PyTorch writes for a tensor, or a parameter, that has attributes of its own."""
    return Call(Name("torch._tensor._rebuild_from_type_v2"), built.function,
                Name("torch.Tensor"), built.arguments, {"tag": "x"})


def parameter_with_attributes(built):
    return Call(Name("torch._utils._rebuild_parameter_with_state"), built, True,
                Call(Name("collections.OrderedDict")), {"weight_decay": 0})


@pytest.mark.parametrize("wrap", [with_attributes, parameter_with_attributes])
def test_tensors_with_attributes(layers, write, check_conversion, wrap):
    state, storages = state_of(layers)
    check_conversion(write({name: wrap(built) for name, built in state.items()}, storages),
                     "conv1_2")


@pytest.mark.parametrize("function", ["torch._tensor._rebuild_from_type_v2", "torch.FloatStorage",
                                      "builtins.eval"])
def test_attributes_call_nothing_but_builders(write, refused, function):
    refused(write({"x": with_attributes(Call(Name(function), "1"))}, {}))


@pytest.mark.parametrize("protocol", [1, 3, 4, 5])
def test_old_files_of_any_protocol(layers, tmp_path, protocol):
    state, storages = state_of(layers)
    path = legacy_file(tmp_path / "file", pickled(state, protocol), storages, protocol)
    assert kind_of(path) == detect.TORCH_LEGACY


@pytest.mark.parametrize("name", ["optimizer", "optim", "opt_G"])
def test_the_state_of_an_optimiser_is_left_out(layers, write, check_conversion, name):
    """It has a tensor for each parameter, in its shape, whatever the checkpoint calls it."""
    state, storages = state_of(layers, prefix="features.")
    moments = {number: {"step": 3, "momentum_buffer": moment}
               for number, moment in enumerate(state.values())}
    groups = [{"lr": 0.1, "params": [0, 1, 2, 3]}]
    check_conversion(write({"epoch": 3, name: {"state": moments, "param_groups": groups},
                            "state_dict": state, "scheduler": {"last_epoch": 3}}, storages),
                     "conv1_2")


def test_a_storage_to_which_only_other_things_refer(layers, write, check_conversion):
    """In the old format every storage is passed over by its size, which the pickle states."""
    state, storages = state_of(layers)
    lost = tensor(floats(2, "lost"), 0, (2,), (1,))
    check_conversion(write({(1, 2): lost, "set": Call(Name("builtins.set"), [lost]), **state},
                           {"lost": bytes(8), **storages}), "conv1_2")


def test_a_list_is_no_damage(write, refused):
    message = refused(write([("conv1_1.weight", 1)], {}))
    assert "contains a list, but a state_dict is expected" in message and "damaged" not in message


# ---------------------------------------------------------------- types and strides


def newer(name, storage, shape):
    """A tensor of a type that has no storage class."""
    return Call(Name("torch._utils._rebuild_tensor_v3"), storage, 0, shape, (1,) * len(shape),
                False, Call(Name("collections.OrderedDict")), Name(f"torch.{name}"))


OTHERS = {
    "float8_e4m3fn": newer("float8_e4m3fn", Storage("storage.UntypedStorage", "x", 8), (8,)),
    "uint16": newer("uint16", Storage("storage.UntypedStorage", "x", 8), (4,)),
    "complex64": tensor(Storage("ComplexFloatStorage", "x", 1), 0, (1,), (1,)),
}


@pytest.mark.parametrize("extra", OTHERS.values(), ids=OTHERS)
def test_types_that_are_not_needed_do_no_harm(layers, write, check_conversion, extra):
    state, storages = state_of(layers)
    kept = {"first": extra, **state}
    path = write(kept, {"x": bytes(8), **storages})
    if path.read_bytes()[:2] != b"PK":       # the helper counts elements of four bytes
        count = extra.arguments[0].count
        path.write_bytes(path.read_bytes().replace((2).to_bytes(8, "little") + bytes(8),
                                                   count.to_bytes(8, "little") + bytes(8), 1))
    check_conversion(path, "conv1_2")


@pytest.mark.parametrize("name", ["conv1_1.weight", "conv1_2.bias"])
def test_types_that_are_not_read_are_named(layers, write, refused, name):
    state, storages = state_of(layers)
    shape = state[name].arguments[2]
    state[name] = newer("float8_e5m2", state[name].arguments[0], shape)
    assert f"{name} is torch.float8_e5m2, but floating-point numbers of" in refused(
        write(state, storages))


@pytest.mark.parametrize("spread", [2, 16])
def test_a_part_of_a_larger_tensor(layers, write, check_conversion, spread):
    """As `torch.stack(…)[..., 0]` or `w[:, :3]`: its elements are not neighbours."""
    state, storages = state_of(layers)
    for key, name in enumerate(state):
        storage, offset, shape, strides, *_ = state[name].arguments
        wide = np.zeros((storage.count, spread), np.float32)
        wide[:, 0] = np.frombuffer(storages[str(key)], np.float32)
        state[name] = tensor(floats(wide.size, str(key)), offset, shape,
                             tuple(stride * spread for stride in strides))
        storages[str(key)] = wide.tobytes()
    check_conversion(write(state, storages), "conv1_2")
