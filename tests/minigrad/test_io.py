"""State dicts in files: what goes in comes out, and what is wrong is said in one sentence."""

import os
import subprocess
import sys

import h5py
import numpy as np
import pytest

import minigrad as mg
import minigrad.functional as F
from minigrad import nn, optim
from minigrad.errors import ArgumentError, FileError
from minigrad.io import load_state, save_state, state_digest


def network():
    return nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.Tanh(), nn.Flatten(),
                         nn.Linear(4 * 25, 3))


def equal(a, b):
    """Same structure, types, element types and values."""
    if isinstance(a, dict):
        return type(a) is type(b) and list(a) == list(b) and all(equal(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(equal, a, b))
    if isinstance(a, mg.Tensor):
        return isinstance(b, mg.Tensor) and equal(a.numpy(), b.numpy())
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and np.array_equal(a, b)
    return type(a) is type(b) and a == b


def test_everything_comes_back(tmp_path, rng):
    state = {
        "tensor": mg.tensor(rng.standard_normal((2, 3))), "half": rng.random(4).astype(np.float16),
        "mask": np.array([True, False]), "complex": np.array(1 + 2j), "empty": np.zeros((0, 3)),
        "scalar": mg.tensor(2.5), "numbers": [1, -2.5, True, None, "ß", 10 ** 15, float("inf")],
        "pair": (0.9, 0.999), "by number": {3: np.arange(3), 0: {}, 11: []}, "0.weight": "dotted",
        "z": 1, "a": 2, "text": "", "fortran": np.asfortranarray(rng.random((3, 4)))}
    save_state(tmp_path / "state.h5", state)
    assert equal(load_state(tmp_path / "state.h5"), state)
    assert os.listdir(tmp_path) == ["state.h5"]


@pytest.mark.parametrize("make", [
    lambda p: optim.SGD(p, lr=0.01, momentum=0.9), lambda p: optim.Adam(p, lr=0.01),
    lambda p: optim.LBFGS(p, max_iter=3, max_eval=4, resume=True)])
def test_training_goes_on_from_a_file_bit_for_bit(make, tmp_path, rng):
    x, target = mg.tensor(rng.random((6, 2, 5, 5), np.float32)), mg.tensor(np.arange(6) % 3)

    def train(net, optimizer, steps):
        def closure():
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), target)
            loss.backward()
            return loss
        return [optimizer.step(closure).item() for _ in range(steps)]

    mg.manual_seed(3)
    net = network()
    optimizer = make(list(net.parameters()))
    train(net, optimizer, 4)
    save_state(tmp_path / "run.h5", {"net": net.state_dict(), "optimizer": optimizer.state_dict()})
    expected = train(net, optimizer, 4)
    mg.manual_seed(4)
    other = network()
    resumed = make(list(other.parameters()))
    saved = load_state(tmp_path / "run.h5")
    other.load_state_dict(saved["net"])
    resumed.load_state_dict(saved["optimizer"])
    assert train(other, resumed, 4) == expected
    assert expected[-1] < expected[0]


def test_an_older_file_survives_a_failure(tmp_path):
    path = tmp_path / "state.h5"
    save_state(path, {"a": 1})
    with pytest.raises(ArgumentError, match=r"the state dict\['b'\]\[1\] is a set"):
        save_state(path, {"a": 2, "b": [0, {1}]})
    assert load_state(path) == {"a": 1}
    assert os.listdir(tmp_path) == ["state.h5"]


@pytest.mark.parametrize("state, message", [
    ({"a/b": 1}, "'a/b', which cannot be a name"), ({"": 1}, "cannot be a name"),
    ({"a": 1, 2: 3}, "the key 2"), ({"a": np.array(["x"], object)}, "array of object"),
    ({"a": object()}, "is a object"),
    ({"a": 10 ** 30}, "too large for 64 bits"),
    ({"ä" * 1500: {"ö" * 1500: 1}}, "keys that are too long: .* 4,096 bytes"),
    ({"a": np.zeros((1,) * 9)}, r"\['a'\] cannot be saved: an array has 9 dimensions"),
    ({"a": mg.tensor(np.zeros((0,) * 9))}, "an array has 9 dimensions, but at most 8"),
    ({"a": np.zeros((0, 1 << 41), np.int8)}, r"an array has 2\.2e\+12 elements"),
    ({"a": np.ma.array([1, 2], mask=[0, 1])}, "a masked array, whose mask cannot be saved"),
    *(({"a": np.zeros(3, dtype)}, f"elements of {np.dtype(dtype)}, but .* of up to 64 bits")
      for dtype in (np.longdouble, np.clongdouble) if np.dtype(np.longdouble).itemsize > 8)])
def test_what_cannot_be_saved(state, message, tmp_path):
    with pytest.raises(ArgumentError, match=message):
        save_state(tmp_path / "state.h5", state)
    assert os.listdir(tmp_path) == []


def test_a_file_that_could_not_be_read_is_not_written(tmp_path, monkeypatch):
    """Whatever the reader refuses, such as more metadata than it reads, the writer refuses."""
    path = tmp_path / "state.h5"
    save_state(path, {"a": 1})
    monkeypatch.setattr("minigrad.io.MAX_METADATA", 50_000)
    states = [{f"{number}{'x' * length}": number for number in range(count)}
              for length, count in ((1, 20), (30, 30), (1000, 20), (3900, 9), (3900, 12))]
    written = 0
    for state in states:
        before = load_state(path)
        try:
            save_state(path, state)
        except ArgumentError as error:
            assert "load_state would refuse the file (it has more than 50,000 bytes" in str(error)
            assert load_state(path) == before
        else:
            assert load_state(path) == state
            written += 1
    assert 0 < written < len(states)
    assert os.listdir(tmp_path) == ["state.h5"]


def test_a_digest_is_the_same_before_saving_and_after_loading(tmp_path, rng):
    values = rng.integers(0, 2, (3, 4))
    state = {"arrays": [values.astype(dtype) for dtype in (">f4", ">f8", ">i2", ">c8", "<f4", "?")],
             "views": (values.T, values[::-1, ::2]), "tensor": mg.tensor(2.5), "n": [1, None, "ß"]}
    save_state(tmp_path / "state.h5", state)
    assert state_digest(load_state(tmp_path / "state.h5")) == state_digest(state)
    with pytest.raises(ArgumentError, match="a masked array"):
        state_digest({"a": np.ma.array([1, 2], mask=[0, 1])})


def test_keys_of_the_greatest_length_come_back(tmp_path):
    state = {"a" * 2000: {"ö" * 1000: [1]}}
    save_state(tmp_path / "state.h5", state)
    assert load_state(tmp_path / "state.h5") == state


def test_places_that_cannot_be_written(tmp_path):
    with pytest.raises(FileError, match="there is no folder"):
        save_state(tmp_path / "none" / "state.h5", {})
    with pytest.raises(FileError, match="it is a folder"):
        save_state(tmp_path, {})


def test_files_that_are_something_else(tmp_path):
    path = tmp_path / "state.h5"
    with pytest.raises(FileError, match="no such file"):
        load_state(path)
    path.write_text("<html>404</html>")
    with pytest.raises(FileError, match="not an HDF5 file"):
        load_state(path)
    with h5py.File(path, "w") as file:
        file["weights"] = [1.0]
    with pytest.raises(FileError, match="its format is None, but load_state reads"):
        load_state(path)
    save_state(path, {"a": 1})
    with h5py.File(path, "a") as file:
        file.attrs["version"] = 9
    with pytest.raises(FileError, match="version 9 of the format, but this program reads 1"):
        load_state(path)


def test_a_file_that_was_cut_off(tmp_path):
    path = tmp_path / "state.h5"
    save_state(path, {"w": np.arange(10000.0)})
    whole = path.read_bytes()
    for length in (0, 10, 200, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(FileError, match="cut off"):
            load_state(path)


def test_one_wrong_byte_is_noticed_or_harmless(tmp_path, rng):
    """Wherever a byte is wrong, the values come back as they were, or there is an error."""
    path = tmp_path / "state.h5"
    state = {"w": rng.standard_normal((4, 5)), "n": [1, 2], "lr": 0.5, "kind": "plain"}
    save_state(path, state)
    whole = path.read_bytes()
    at = whole.find(state["w"].tobytes()[:64])
    assert at > 0
    noticed = 0
    for position in [at + 5, *rng.choice(len(whole), 400, replace=False)]:
        damaged = bytearray(whole)
        damaged[position] ^= 0x10
        path.write_bytes(damaged)
        try:
            loaded = load_state(path)
        except FileError as error:
            assert "\n" not in str(error)
            noticed += 1
        else:
            assert equal(loaded, state)
    assert noticed > 100


def test_a_reason_is_printable_and_short(tmp_path):
    """Also one about a name or a signature of the file."""
    save_state(tmp_path / "state", {"a": np.zeros(3)})
    content = (tmp_path / "state").read_bytes()
    place = content.find(b"OHDR")
    (tmp_path / "state").write_bytes(content[: place + 4] + b"\x1b" + content[place + 5:])
    with pytest.raises(FileError) as caught:
        load_state(tmp_path / "state")
    assert str(caught.value).isprintable() and "no OHDR where" in str(caught.value)


def test_h5py_is_imported_only_here():
    code = "import sys, minigrad, minigrad.io; sys.exit('h5py' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def nested(levels):
    value = 1
    for i in range(levels):
        value = [value] if i % 2 else {"a": value}
    return value


def containing_itself():
    value = {"a": [mg.ones(2)]}
    value["a"] += [value]
    return value


def doubled(levels):
    value = []
    for _ in range(levels):
        value = [value, value]
    return value


@pytest.mark.parametrize("deep", [nested(61), nested(5000), containing_itself(), doubled(50)],
                         ids=["61", "5000", "itself", "doubled"])
@pytest.mark.parametrize("refused", [mg.save, lambda deep, path: state_digest(deep)],
                         ids=["save", "digest"])
def test_what_is_nested_too_deep_is_refused_before_anything_is_written(tmp_path, deep, refused):
    path = tmp_path / "state.h5"
    mg.save(nested(60), path)
    before = path.read_bytes()
    with pytest.raises(ArgumentError, match=r"nested deeper than 60|more than 15,000 values"):
        refused(deep, path)
    assert path.read_bytes() == before and mg.load(path) == nested(60)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("kind, name, value", [
    ("int", b"x", np.array([1e300])), ("int", b"x", np.array([1j])), ("float", b"x", np.ones(2)),
    ("float", b"x", np.arange(1)), ("bool", b"x", np.arange(1)), ("int", b"\xff\xfe", np.arange(1)),
    ("int", b"\xed\xa0\x80", np.arange(1))])
def test_values_and_names_that_no_save_writes(kind, name, value, tmp_path):
    """Neither would have a digest."""
    path = tmp_path / "state.h5"
    save_state(path, {"a": 1})
    with h5py.File(path, "a") as file:
        node = file["state"].create_dataset(name, data=value)
        node.attrs["kind"] = np.bytes_(kind)
    words = r"it is damaged .*(cannot be a|not UTF-8)|records of several fields"
    with pytest.raises(FileError, match=words):
        load_state(path)


def test_two_names_of_one_number(tmp_path):
    path = tmp_path / "state.h5"
    save_state(path, {1: 2})
    with h5py.File(path, "a") as file:
        file.copy("state/1", file["state"], "01")
    with pytest.raises(FileError, match="the name '01' is not a whole number"):
        load_state(path)


def test_only_a_dict_is_a_state_dict(tmp_path):
    path = tmp_path / "state.h5"
    mg.save([1, 2], path)
    assert mg.load(path) == [1, 2]
    with pytest.raises(FileError, match=r"it holds a list, not a state dict; read it with"):
        load_state(path)


def test_what_has_no_digest():
    for value in (10**400, np.array(["x"]), np.array([None])):
        with pytest.raises(ArgumentError, match="which cannot be saved"):
            state_digest({"x": value})
