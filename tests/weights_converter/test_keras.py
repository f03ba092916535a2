"""The reader of Keras's layout: every generation of names, and every way to be wrong."""

import h5py
import numpy as np
import pytest

from weights_converter import WeightsError, vgg
from weights_converter.detect import KERAS, detect
from weights_converter.keras import keras_name, read_keras


def test_names():
    assert keras_name("conv3_4") == "block3_conv4"


def test_kernels_are_turned_from_hwio_to_oihw(keras_file, layers):
    found, preprocessing = read_keras(keras_file)
    assert tuple(found) == vgg.LAYERS
    for name, (weight, bias) in layers.items():
        assert found[name][0].flags.c_contiguous
        np.testing.assert_array_equal(found[name][0], weight)
        np.testing.assert_array_equal(found[name][1], bias)
    assert preprocessing.color_order == "BGR"
    assert preprocessing.mean == (103.939, 116.779, 123.68)


@pytest.mark.parametrize(
    "options",
    [
        {"text": np.bytes_},
        {"text": str},
        {"names": "{0}/kernel:0 {0}/bias:0"},
        {"names": "{0}_1/{0}/kernel:0 {0}_1/{0}/bias:0", "text": str},
        {"root": "model_weights"},
        {"top": True},
        {"top": True, "root": "model_weights", "text": str},
    ],
    ids=str,
)
def test_all_generations_of_names(thin_keras, layers, options):
    path = thin_keras(**options)
    assert detect(path) == KERAS
    found, _ = read_keras(path)
    assert tuple(found) == vgg.LAYERS
    np.testing.assert_array_equal(found["conv1_1"][0], layers["conv1_1"][0])


def test_other_float_types_are_converted(thin_keras, keras_layers):
    kernel, bias = keras_layers["conv1_1"]
    path = thin_keras({"conv1_1": (kernel.astype(">f8"), bias.astype("f8"))})
    weight, bias = read_keras(path)[0]["conv1_1"]
    assert weight.dtype == bias.dtype == np.float32


@pytest.mark.parametrize(
    "changes, options, words",
    [
        ({"conv3_2": ((3, 3, 256, 255), (256,))}, {}, "block3_conv2 has shape (3, 3, 256, 255)"),
        ({"conv3_2": ((3, 3, 256, 256), (255,))}, {}, "bias of block3_conv2 has shape (255,)"),
        ({"conv1_2": ((64, 64, 3, 3), (64,))}, {}, "Theano's ordering"),
        ({"conv1_2": ((3, 3, 64, 64), (1, 1, 1, 64))}, {}, "one kernel with four dimensions"),
        ({"conv1_2": ((3, 3, 64, 64),)}, {"names": "{0}_W"}, "one bias with one"),
        ({}, {"leave_out": ["block4_conv2"]}, "has no layer block4_conv2, where the 16"),
        (
            {},
            {"leave_out": ["block3_conv4", "block4_conv4", "block5_conv4"]},
            "(this is VGG16)",
        ),
    ],
)
def test_wrong_layers(thin_keras, changes, options, words):
    path = thin_keras(changes, **options)
    with pytest.raises(WeightsError) as caught:
        read_keras(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)


def test_integers_are_not_weights(thin_keras):
    bias = np.zeros(64, np.int32)
    with pytest.raises(WeightsError, match="block1_conv2 is int32, not float32"):
        read_keras(thin_keras({"conv1_2": ((3, 3, 64, 64), bias)}))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("which, words", [(0, "weight of conv1_1"), (1, "bias of conv1_1")])
def test_values_that_are_not_finite(thin_keras, keras_layers, value, which, words):
    arrays = [array.copy() for array in keras_layers["conv1_1"]]
    arrays[which].flat[5] = value
    with pytest.raises(WeightsError, match=f"{words} holds 1 of .* NaN or infinite"):
        read_keras(thin_keras({"conv1_1": tuple(arrays)}))


def test_attributes_that_lead_nowhere(thin_keras):
    path = thin_keras()
    with h5py.File(path, "a") as file:
        del file["block2_conv1/block2_conv1_W_1:0"]
    with pytest.raises(WeightsError, match="block2_conv1 lists an array that the file lacks"):
        read_keras(path)
    with h5py.File(path, "a") as file:
        del file["block1_conv2"]
    with pytest.raises(WeightsError, match="no group of that name"):
        read_keras(path)
