"""Names without end, and numbers that are none, in files of any format."""

import json
import struct

import numpy as np
import pytest

from weights_converter import WeightsError, naming
from weights_converter.fingerprints import OXFORD_19
from weights_converter.identify import bias_fault, identify
from weights_converter.lazy_array import LazyArray
from weights_converter.naming import stem
from weights_converter.readers.npz import open_npz


def test_names_are_split_once(tmp_path, writers, first, monkeypatch):
    """Not once for each layer, and there may be ten thousand."""
    split = []
    monkeypatch.setattr(naming, "stem", lambda name: split.append(name) or stem(name))
    with open_npz(writers["npz"](tmp_path / "file.npz", first("conv2_2"))) as tensors:
        naming.select(tmp_path / "file.npz", tensors)
    assert sorted(split) == sorted(tensors)


def test_names_without_end_are_refused(tmp_path):
    array = LazyArray((3,), np.dtype("f4"), lambda: pytest.fail())
    tensors = {"x" * 1_100_000 + str(number): array for number in range(4)}
    with pytest.raises(WeightsError, match="more than 4,194,304 letters together"):
        naming.select(tmp_path / "file", tensors)


SIGNALLING = {"<f2": 0x7C01, "<f4": 0x7F800001, "<f8": 0x7FF0000000000001}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("where", ["weight", "bias"])
@pytest.mark.parametrize("dtype", SIGNALLING)
@pytest.mark.parametrize("value", ["signalling", "nan", "inf", "max", "min"])
def test_numbers_that_are_not_numbers_are_refused_without_a_warning(
        tmp_path, first_layer, refused, dtype, where, value):
    """NumPy's warnings would show a path and a line of the source before the sentence."""
    arrays = dict(zip(("weight", "bias"), (array.astype(dtype) for array in first_layer())))
    if value == "signalling":
        arrays[where].view(dtype.replace("f", "u")).flat[4:] = SIGNALLING[dtype]
    else:
        arrays[where].flat[4:] = getattr(np.finfo(dtype), value, None) or float(value)
    np.savez(tmp_path / "file.npz", **{f"conv1_1.{name}": array for name, array in arrays.items()})
    assert "of conv1_1" in refused(tmp_path / "file.npz")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("quantization", [
    {"dtype": "uint8", "scale": 1e308, "min": 1e308}, {"dtype": "uint8", "scale": 1e300, "min": 0},
    {"dtype": "uint16", "scale": float("nan"), "min": 0}, {"dtype": "float16"}], ids=str)
def test_quantised_numbers_that_overflow_do_so_without_a_warning(tmp_path, refused, quantization):
    numbers = 64 * 27 + 64
    size = 1 if quantization["dtype"] == "uint8" else 2
    (tmp_path / "shard").write_bytes(struct.pack("<H", 0x7C01)[-size:] * numbers)
    weights = [{"name": f"conv1_1/{name}", "shape": shape, "dtype": "float32",
                "quantization": quantization}
               for name, shape in (("kernel", [64, 3, 3, 3]), ("bias", [64]))]
    (tmp_path / "model.json").write_text(json.dumps(
        {"weightsManifest": [{"paths": ["shard"], "weights": weights}]}))
    assert "NaN or infinite" in refused(tmp_path / "model.json")


@pytest.mark.filterwarnings("error")
def test_the_largest_numbers_are_compared_without_a_warning(tmp_path, first_layer):
    weight, bias = first_layer()
    assert np.isfinite(identify(tmp_path / "file", weight * np.float32(1e38), bias).scale)
    known = OXFORD_19.biases["conv1_1"]
    bias[max(known.extremes, key=known.extremes.get)] = np.finfo(np.float32).max
    assert "beyond those of any published network" in bias_fault(None, bias)
    assert bias_fault(known, bias) != ""
