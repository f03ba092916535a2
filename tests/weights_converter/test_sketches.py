"""Sketches find damage that leaves a layer's deviation, mark and extreme biases as they are."""

from functools import partial

import numpy as np
import pytest

from weights_converter import convert, read_weights, sketches
from weights_converter.fingerprints import OXFORD_19
from weights_converter.identify import bias_fault, verdict

LAYER = "conv4_1"           # no hash of its kernels is known
SIGNS = [1, 1, -1, -1, 1, -1, -1, -1, 1, -1, -1, 1]
MARK = OXFORD_19.layers[LAYER].mark[:2]
EXTREMES = list(OXFORD_19.biases[LAYER].extremes)


def keeping(places, change):
    """A change that keeps the known numbers at some places."""
    def changed(values):
        made = np.array(change(values))
        made[places] = values[places]
        return made
    return changed


with_mark, with_extremes = partial(keeping, MARK), partial(keeping, EXTREMES)


def zeroed(count):
    return lambda weight: np.where(np.arange(len(weight))[:, None, None, None] < count, 0, weight)


def half_turned(weight):
    half = len(weight) // 2
    return np.concatenate([weight[:half].swapaxes(2, 3), weight[half:]])


KERNELS = {"24 filters of zeros": zeroed(24),
           "turned but one kernel": with_mark(lambda weight: weight.swapaxes(2, 3)),
           "half of them turned": half_turned,
           "filters in the other order": with_mark(lambda weight: weight[::-1]),
           "channels in the other order": with_mark(lambda weight: weight[:, ::-1]),
           "all zeros but one kernel": with_mark(np.zeros_like),
           "another network's": with_mark(lambda weight: np.random.default_rng(1).permuted(
               weight.reshape(-1)).reshape(weight.shape))}
# Not found where filters may be rescaled, because there only the whole layer is compared.
FEW = {"24 filters of zeros", "half of them turned"}
BIASES = {"in the other order": with_extremes(lambda bias: bias[::-1]),
          "mirrored": with_extremes(lambda bias: 2 * bias.mean() - bias),
          "one of another network": lambda bias: np.where(np.arange(len(bias)) == 5, .15, bias)}


def eight_bits(values):
    """Rounded to 256 steps from the smallest to the largest."""
    step = np.ptp(values) / 255
    return (np.round((values - values.min()) / step) * step + values.min()).astype(np.float32)


def rescaled(weight, bias):
    generator = np.random.default_rng(3)
    out, into = (generator.uniform(0.1, 9, count) for count in weight.shape[:2])
    return (weight * out[:, None, None, None] / into[:, None, None]).astype("f4"), bias * out


def judged(weight, bias, scaled=False):
    """The verdict on a layer, and what is wrong with its kernels or biases."""
    known = OXFORD_19.layers[LAYER]
    return verdict(known, weight, bias, scaled)[1] or bias_fault(
        OXFORD_19.biases[LAYER], bias, scaled)


@pytest.mark.parametrize("change", KERNELS.values(), ids=KERNELS)
def test_changed_kernels_are_found(change, layers):
    weight, bias = layers[LAYER]
    assert judged(weight, bias) == ""
    assert judged(change(weight), bias).startswith(("differ by", "have a standard deviation"))


@pytest.mark.parametrize("change", [change for name, change in KERNELS.items() if name not in FEW],
                         ids=[name for name in KERNELS if name not in FEW])
def test_changed_kernels_of_a_rescaled_network_are_found(change, layers):
    weight, bias = rescaled(*layers[LAYER])
    assert judged(weight, bias, True) == ""
    assert "differ by" in judged(change(weight), bias, True)


@pytest.mark.parametrize("change", BIASES.values(), ids=BIASES)
def test_changed_biases_are_found(change, layers):
    weight, bias = layers[LAYER]
    assert "differ from the published ones at" in judged(weight, change(bias))


def test_biases_of_a_rescaled_network_have_the_published_signs(layers):
    weight, bias = rescaled(*layers[LAYER])
    assert "other signs" in judged(weight, with_extremes(lambda bias: bias[::-1])(bias), True)


def test_the_fault_names_the_filters(layers):
    weight, bias = layers["conv1_2"]
    changed = weight.copy()
    changed[7] = weight[8]
    assert "in filter 7 from" in verdict(OXFORD_19.layers["conv1_2"], changed, bias)[1]
    weight, bias = layers[LAYER]
    changed = weight.copy()
    changed[[9, 100]] = weight[[100, 9]]
    assert "in filters 8 to 15 from" in judged(changed, bias) or (
        "in filters 96 to 103 from" in judged(changed, bias))


def test_a_sketch_measures_how_much_two_copies_differ():
    generator = np.random.default_rng(0)
    weight = generator.standard_normal((128, 64, 3, 3)) * 0.03
    known = sketches.sketch(weight, generator.standard_normal(128))
    for share in (0.01, 0.1, 0.5):
        other = weight + share * 0.03 * generator.standard_normal(weight.shape)
        whole, groups = sketches._differences(known.kernels, other)
        assert whole == pytest.approx(share, rel=0.2) and groups.shape == (64,)


def test_signs_and_file_are_always_the_same(tmp_path):
    assert sketches._signs(12).tolist() == SIGNS
    sketches.save(sketches.published(), tmp_path / "again.npz")
    with np.load(tmp_path / "again.npz") as again, np.load(sketches.FILE) as file:
        assert set(again) == set(file) and all((again[name] == file[name]).all() for name in file)


def test_copies_of_the_real_network(real_file, tmp_path):
    """Rounded ones are accepted; each change of one layer is found."""
    convert(real_file, tmp_path / "vgg19.h5")
    layers = read_weights(tmp_path / "vgg19.h5").layers
    for name, (weight, bias) in layers.items():
        known, biases = OXFORD_19.layers[name], OXFORD_19.biases[name]
        for rounded in (eight_bits, lambda values: values.astype(np.float16).astype(np.float32)):
            assert verdict(known, rounded(weight), rounded(bias)) == ("plausible", ""), name
            assert bias_fault(biases, rounded(bias)) == ""
        scaled = rescaled(weight, bias)
        assert verdict(known, *scaled, True) == ("rescaled", "")
        assert bias_fault(biases, scaled[1], True) == ""
    weight, bias = layers[LAYER]
    for change in (*KERNELS.values(), zeroed(1)):
        assert judged(change(weight), bias)
    for change in BIASES.values():
        assert judged(weight, change(bias))
    weight, bias = rescaled(weight, bias)
    for name, change in KERNELS.items():
        assert name == "24 filters of zeros" or judged(change(weight), bias, True)
