"""The proof of colour order and orientation, and the verdict on each layer."""

import hashlib

import numpy as np
import pytest

from weights_converter import fingerprints, vgg
from weights_converter.fingerprints import TURNS, best_match, misfit, verdict


def test_the_architecture_has_its_published_size():
    assert len(vgg.LAYERS) == 16
    assert vgg.PARAMETERS == 20_024_384
    assert vgg.WEIGHT_SHAPES["conv5_1"] == (512, 512, 3, 3)


def test_right_kernels_fit(first_layer):
    weight, bias = first_layer()
    likeness, channel, turn = best_match(weight)
    assert likeness > 0.999999
    assert (channel, turn) == (0, "upright")
    assert misfit(weight, bias, "BGR") is None


def test_a_copy_rounded_to_eight_bits_fits(first_layer):
    weight, bias = first_layer()
    step = (weight.max() - weight.min()) / 255
    assert misfit(np.round(weight / step) * step, bias, "BGR") is None


def test_red_is_so_like_blue_that_a_loose_bound_would_let_it_pass(first_layer):
    weight, _ = first_layer()
    assert fingerprints.correlation(weight[0, 0], weight[0, 2]) > 0.999


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("channels, words", [((0, 1, 2), ""), ((2, 1, 0), "in RGB order")])
def test_each_way_to_be_wrong_is_named(first_layer, turn, channels, words):
    weight, bias = first_layer()
    turned = np.stack([[TURNS[turn](kernel) for kernel in filters] for filters in weight])
    problem = misfit(turned[:, channels], bias, "BGR")
    if turn == "upright" and not words:
        assert problem is None
    else:
        named = " and ".join(part for part in (words, turn) if part and part != "upright")
        assert f"conv1_1 are {named}, where upright kernels in BGR" in problem


def test_blue_in_the_middle_is_named(first_layer):
    weight, bias = first_layer()
    assert "blue as the middle channel" in misfit(weight[:, [1, 0, 2]], bias, "BGR")


def test_rgb_kernels_fit_where_rgb_is_claimed(first_layer):
    weight, bias = first_layer()
    assert misfit(weight[:, ::-1], bias, "RGB") is None
    assert "in BGR order, where upright kernels in RGB" in misfit(weight, bias, "RGB")


def test_kernels_of_another_network_are_not_named_as_a_turn(first_layer):
    weight, bias = first_layer()
    other = np.random.default_rng(0).standard_normal(weight.shape)
    assert "not those of Oxford's VGG19" in misfit(other, bias, "BGR")


def test_constant_kernels_do_not_divide_by_zero(first_layer):
    weight, bias = first_layer()
    assert "not those of Oxford's VGG19" in misfit(np.zeros_like(weight), bias, "BGR")


def test_biases_out_of_order_are_found(first_layer):
    weight, bias = first_layer()
    assert "biases of conv1_1" in misfit(weight, bias[::-1], "BGR")


def test_the_hash_is_that_of_the_little_endian_float32_bytes(first_layer):
    weight, _ = first_layer()
    expected = hashlib.sha256(weight.astype("<f4").tobytes()).hexdigest()[:16]
    assert fingerprints.sha256_prefix(weight) == expected
    assert fingerprints.sha256_prefix(weight.astype(">f8")) == expected


def test_verdicts(layers, monkeypatch):
    weight, bias = layers["conv2_1"]
    assert verdict("conv2_1", weight, bias) == "plausible"
    assert verdict("conv2_1", 1.2 * weight, bias) == "unlike VGG19"
    hashes = fingerprints.sha256_prefix(weight), fingerprints.sha256_prefix(bias)
    known = fingerprints.Fingerprint(fingerprints.FINGERPRINTS["conv2_1"].std, *hashes)
    monkeypatch.setitem(fingerprints.FINGERPRINTS, "conv2_1", known)
    assert verdict("conv2_1", weight, bias) == "exact"
    assert verdict("conv2_1", weight, bias + 1e-6) == "plausible"
