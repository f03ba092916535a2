"""The proof of identity, colour order and orientation, and the verdict on each layer."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from weights_converter import WeightsError, vgg_spec
from weights_converter.fingerprints import KNOWN, OXFORD_16, OXFORD_19, TORCHVISION_19
from weights_converter.identify import (
    INVERSE,
    ORIENTATIONS,
    best_match,
    correlation,
    identify,
    sha256_prefix,
    verdict,
)

FILE = Path("file")


def test_the_architectures_have_their_published_size():
    assert len(vgg_spec.LAYERS) == 16
    assert vgg_spec.PARAMETERS == 20_024_384
    assert vgg_spec.WEIGHT_SHAPES["conv5_1"] == (512, 512, 3, 3)
    sixteen = vgg_spec.ARCHITECTURES["vgg16"]
    assert sum(np.prod(shape) + shape[0] for shape in sixteen.values()) == 14_714_688
    assert all(vgg_spec.WEIGHT_SHAPES[name] == shape for name, shape in sixteen.items())


def test_right_kernels_are_recognised(first_layer):
    found = identify(FILE, *first_layer())
    assert found.network is OXFORD_19
    assert (found.reversed_colors, found.orientation) == (False, "upright")
    assert found.color_order == "BGR"
    assert found.scale == pytest.approx(1, abs=1e-6) and not found.rescaled


def test_a_copy_rounded_to_eight_bits_is_recognised(first_layer):
    weight, bias = first_layer()
    step = (weight.max() - weight.min()) / 255
    assert identify(FILE, np.round(weight / step) * step, bias).orientation == "upright"


def test_red_is_so_like_blue_that_a_loose_bound_would_let_it_pass(first_layer):
    weight, _ = first_layer()
    assert correlation(weight[0, 0], weight[0, 2]) > 0.999


@pytest.mark.parametrize("network", KNOWN, ids=lambda network: network.title)
@pytest.mark.parametrize("turn", ORIENTATIONS)
@pytest.mark.parametrize("reverse", [False, True])
def test_each_way_to_lie_is_found_and_undone(network, turn, reverse, first_layer):
    weight, bias = first_layer()
    weight = np.random.default_rng(3).standard_normal(weight.shape).astype(np.float32)
    weight[0, 0] = network.kernel
    if network.bias is not None:
        bias[:3] = network.bias
    turned = ORIENTATIONS[turn](weight)[:, ::-1 if reverse else 1]
    found = identify(FILE, turned, bias)
    assert found.network is network
    assert (found.orientation, found.reversed_colors) == (turn, reverse)
    np.testing.assert_array_equal(INVERSE[turn](ORIENTATIONS[turn](weight)), weight)


def test_no_known_network_is_taken_for_another():
    for one in KNOWN:
        for other in KNOWN:
            likeness = max(correlation(turn(one.kernel), other.kernel)
                           for turn in ORIENTATIONS.values())
            assert (likeness > 0.9999) == (one is other)


def test_no_mark_is_like_itself_when_it_is_turned():
    for name, known in OXFORD_19.layers.items():
        likeness = [correlation(known.mark[2], turn(known.mark[2]))
                    for turn in ORIENTATIONS.values()]
        assert max(likeness[1:]) < 0.8, name


def test_blue_in_the_middle_is_named(first_layer):
    weight, bias = first_layer()
    with pytest.raises(WeightsError, match=r"file: .* have B as the middle channel, but BGR or"):
        identify(FILE, weight[:, [1, 0, 2]], bias)


@pytest.mark.parametrize("kernels", ["other", "zero"])
def test_kernels_of_another_network_are_not_named_as_a_turn(first_layer, kernels):
    weight, bias = first_layer()
    other = np.random.default_rng(0).standard_normal(weight.shape) * (kernels == "other")
    with pytest.raises(WeightsError, match=r"not those of Oxford's VGG19, .* in any orientation"):
        identify(FILE, other, bias)


def test_biases_out_of_order_are_found(first_layer):
    weight, bias = first_layer()
    with pytest.raises(WeightsError, match=r"biases of conv1_1 begin with .*, 0\.03429"):
        identify(FILE, weight, bias[::-1])


def test_rescaled_filters_are_recognised_and_said(first_layer):
    weight, bias = first_layer()
    assert identify(FILE, weight * np.float32(0.01), bias).rescaled
    assert best_match(weight * 0.01, OXFORD_19.kernel)[1:] == (0, "upright")


def test_where_layers_are_unknown_the_first_bias_is_rescaled_like_its_filter(first_layer):
    weight, bias = first_layer()
    weight[0, 0], bias[:3] = 3 * OXFORD_16.kernel, 3 * OXFORD_16.bias
    assert identify(FILE, weight, bias).network is OXFORD_16
    for wrong in (bias / 3, 20 * bias, np.where(np.arange(64) == 2, -bias, bias)):
        with pytest.raises(WeightsError, match=r"first filter of conv1_1 is 3 times .* 2\.2, not"):
            identify(FILE, weight, wrong)


def test_the_hash_is_that_of_the_little_endian_float32_bytes(first_layer):
    weight, _ = first_layer()
    expected = hashlib.sha256(weight.astype("<f4").tobytes()).hexdigest()[:16]
    assert sha256_prefix(weight) == expected
    assert sha256_prefix(weight.astype(">f8")) == expected


def test_verdicts(layers):
    weight, bias = layers["conv2_1"]
    known = OXFORD_19.layers["conv2_1"]
    assert verdict(known, weight, bias) == ("plausible", "")
    assert verdict(known, 1.2 * weight, bias)[0] == "mismatch"
    hashes = {"weight_sha256": sha256_prefix(weight), "bias_sha256": sha256_prefix(bias)}
    exact = replace(known, **hashes)
    assert verdict(exact, weight, bias) == ("exact", "")
    assert verdict(exact, weight, bias + 1e-6) == ("plausible", "")
    assert verdict(None, weight, bias) == ("shape fits", "")
    assert verdict(None, 0 * weight, bias) == ("mismatch", "are all equal")


@pytest.mark.parametrize("turn", list(ORIENTATIONS)[1:])
def test_one_layer_that_lies_differently_is_unlike(layers, turn):
    weight, bias = layers["conv3_2"]
    known = OXFORD_19.layers["conv3_2"]
    assert verdict(known, ORIENTATIONS[turn](weight), bias) == ("mismatch", f"are {turn}")
    assert "lack the known kernel" in verdict(known, weight[::-1], bias)[1]


def test_networks_without_biases_or_marks_are_told_apart():
    assert OXFORD_16.architecture == "vgg16" and not OXFORD_16.layers
    assert TORCHVISION_19.preprocessing.color_order == "RGB" and TORCHVISION_19.bias is None
