"""Biases are proved like kernels: wrong numbers, and right ones in the wrong byte order."""

import h5py
import numpy as np
import pytest

from weights_converter import WeightsError, verify, vgg_spec
from weights_converter.converted import write_weights
from weights_converter.fingerprints import OXFORD_19
from weights_converter.identify import bias_fault

CHANGES = {
    "1000": lambda bias: np.full_like(bias, 1000),
    "zero": np.zeros_like,
    "twice as large": lambda bias: 2 * bias,
    "a fifth more": lambda bias: bias * np.float32(1.2),
    "the other sign": np.negative,
    "in another order": lambda bias: bias[::-1],
    "one outlier": lambda bias: np.where(np.arange(len(bias)) == 5, np.float32(50), bias),
    "bytes in the other order": lambda bias: bias.byteswap(),
}


def eight_bits(bias):
    """As in the copies that circulate: rounded to 256 steps."""
    step = np.ptp(bias) / 255
    return (np.round((bias - bias.min()) / step) * step + bias.min()).astype(np.float32)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("layer", vgg_spec.LAYERS)
def test_wrong_biases_of_a_known_layer(layers, layer, change):
    bias = layers[layer][1]
    known = OXFORD_19.biases[layer]
    assert bias_fault(known, bias) == bias_fault(known, eight_bits(bias)) == ""
    assert bias_fault(known, bias.astype(np.float16).astype(np.float32)) == ""
    assert bias_fault(known, change(bias)) != ""


@pytest.mark.parametrize("change", ["1000", "zero", "bytes in the other order"])
def test_wrong_biases_of_a_network_without_known_ones(layers, change):
    for _, bias in layers.values():
        assert bias_fault(None, bias) == ""
        assert bias_fault(None, CHANGES[change](bias)) != ""


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_file_with_such_biases_is_refused(make_weights, tmp_path, change):
    """By the conversion and by verify; all layers but the first, whose first biases are known."""
    weights = make_weights("conv2_1")
    for name in ("conv1_2", "conv2_1"):
        weight, bias = weights.layers[name]
        weights.layers[name] = weight, np.nan_to_num(change(bias), nan=1e38, posinf=1e38)
    write_weights(tmp_path / "changed.h5", weights)
    with pytest.raises(WeightsError, match=r"the biases of conv1_2 .*, unlike those of Oxford's"):
        verify(tmp_path / "changed.h5")


@pytest.mark.parametrize("swapped", ["kernel", "bias"])
def test_arrays_that_state_the_wrong_byte_order_are_refused(writers, first, refused, tmp_path,
                                                            swapped):
    held = {name: tuple(array.byteswap() if name == "conv1_2" and what == swapped else array
                        for what, array in zip(("kernel", "bias"), arrays))
            for name, arrays in first("conv2_1").items()}
    assert "conv1_2" in refused(writers["npz"](tmp_path / "npz.npz", held))
    path = writers["keras"](tmp_path / "keras.h5", held)
    with h5py.File(path) as file:
        assert file["block1_conv2/block1_conv2_W_1:0"].dtype == np.float32
    assert "conv1_2" in refused(path)
