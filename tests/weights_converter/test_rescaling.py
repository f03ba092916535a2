"""Networks with rescaled filters are proved like others, once their factors are undone."""

import numpy as np
import pytest

from weights_converter import WeightsError, convert, read_weights, verify, vgg_spec
from weights_converter.fingerprints import OXFORD_19
from weights_converter.rescaling import judge

LAST = "conv3_1"
COUNT = vgg_spec.LAYERS.index(LAST) + 1


def rescaled(layers, generator):
    """Filters multiplied by random factors, and the kernels that read their outputs divided."""
    made, before = {}, np.ones(1)
    for name, (weight, bias) in layers.items():
        factors = np.exp(generator.uniform(-5, 5, len(bias)))
        made[name] = ((weight * factors[:, None, None, None] / before[:, None, None]).astype("f4"),
                      (bias * factors).astype("f4"))
        before = factors
    return made


def copied(layers):
    return {name: (weight.copy(), bias.copy()) for name, (weight, bias) in layers.items()}


def judgements(layers):
    """The set of verdicts, or the first fault."""
    found, before = [], None
    for name, arrays in layers.items():
        found.append(judge(OXFORD_19, name, *arrays, before))
        before = found[-1].factors
        if found[-1].fault:
            return f"{name}: {found[-1].part} {found[-1].fault}"
    return {judgement.verdict for judgement in found}


@pytest.fixture(scope="module")
def plain(layers):
    """The layers up to conv3_1."""
    return {name: layers[name] for name in vgg_spec.LAYERS[:COUNT]}


@pytest.fixture(scope="module")
def scaled(plain):
    return rescaled(plain, np.random.default_rng(3))


@pytest.fixture(params=["plain", "one filter larger", "scaled"])
def changed(request, plain, scaled):
    """Layers to change: as published, with one filter 3 % larger, or rescaled."""
    layers = copied(scaled if request.param == "scaled" else plain)
    if request.param == "one filter larger":
        layers["conv1_1"][0][0] *= 1.03
    return layers


def larger_biases(layers):
    for _, bias in layers.values():
        bias *= 20


def random_sizes_of_biases(layers):
    for _, bias in layers.values():
        bias[:] = np.sign(bias) * np.random.default_rng(0).uniform(0.01, 3, len(bias))


def random_sizes_of_kernels(layers):
    for name in list(layers)[1:]:
        weight = layers[name][0]
        weight *= np.exp(3 * np.random.default_rng(0).uniform(-1, 1, (*weight.shape[:2], 1, 1)))


def larger_kernels_of_one_layer(layers):
    layers[LAST][0][:] *= 100


def filters_larger_without_their_biases(layers):
    layers["conv1_2"][0][:] *= np.random.default_rng(0).uniform(0.1, 9, (64, 1, 1, 1))


def filters_larger_than_the_next_layer_expects(layers):
    """Fits by itself: what follows does not."""
    factors = np.random.default_rng(0).uniform(0.1, 9, 64)
    layers["conv1_2"][0][:] *= factors[:, None, None, None]
    layers["conv1_2"][1][:] *= factors


def biases_in_the_other_order(layers):
    layers[LAST][1][:] = layers[LAST][1][::-1]


def one_filter_negated(layers):
    layers["conv2_2"][0][9] *= -1


CHANGES = [larger_biases, random_sizes_of_biases, random_sizes_of_kernels,
           larger_kernels_of_one_layer, filters_larger_without_their_biases,
           filters_larger_than_the_next_layer_expects, biases_in_the_other_order,
           one_filter_negated]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_what_rescaling_does_not_explain_is_found(changed, change):
    assert judgements(changed) in ({"plausible"}, {"rescaled"})
    change(changed)
    fault = judgements(changed)
    assert isinstance(fault, str) and ("kernels" in fault or "biases" in fault)


def test_one_larger_filter_makes_no_rescaled_network(plain, tmp_path):
    """It switches off nothing: a file with such a filter and wrong biases is refused."""
    layers = copied(plain)
    layers["conv1_1"][0][0] *= 1.03
    np.savez(tmp_path / "one.npz", **{f"{name}_{what}": array for name, arrays in layers.items()
                                      for what, array in zip("Wb", arrays)})
    convert(tmp_path / "one.npz", tmp_path / "one.h5")
    assert "rescaled" not in str(verify(tmp_path / "one.h5"))
    larger_biases(layers)
    np.savez(tmp_path / "wrong.npz", **{f"{name}_{what}": array for name, arrays in layers.items()
                                        for what, array in zip("Wb", arrays)})
    with pytest.raises(WeightsError, match="the biases of conv1_1 have mean"):
        convert(tmp_path / "wrong.npz", tmp_path / "wrong.h5")


@pytest.mark.parametrize("factor", [0.5, 1.5, 3])
def test_a_few_filters_of_another_norm_are_damage(plain, factor):
    """Also those with a bias so small that nothing else shows it."""
    layers = copied(plain)
    number = int(np.abs(layers["conv3_1"][1]).argmin())
    layers["conv3_1"][0][number] *= factor
    assert f"in filter {number}" in judgements(layers)


def test_a_factor_that_the_next_layer_does_not_undo_is_damage(scaled):
    """In a rescaled network a filter may have any norm; the layer that reads it tells which."""
    layers = copied(scaled)
    number = int(np.abs(layers["conv2_2"][1]).argmin())
    for array in layers["conv2_2"]:
        array[number] *= 1.5
    assert judgements(layers).startswith("conv3_1: kernels")


def test_factors_are_found(plain, scaled):
    weight, bias = scaled["conv1_1"]
    factors = judge(OXFORD_19, "conv1_1", weight, bias).factors
    assert bias / factors == pytest.approx(plain["conv1_1"][1], rel=2e-3)


def test_layers_from_the_middle_on_may_be_rescaled(plain):
    later = rescaled(dict(list(plain.items())[1:]), np.random.default_rng(4))
    first = dict(list(plain.items())[:1])
    assert judgements({**first, **later}) == {"plausible", "rescaled"}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("numbers", ["zeros", "infinite"])
def test_numbers_without_factors_are_a_mismatch(plain, numbers):
    layers = copied(plain)
    layers["conv2_1"][0][:] = 0 if numbers == "zeros" else 3e38
    assert judgements(layers).startswith("conv2_1: kernels")


def test_the_real_network_rescaled(real_file, tmp_path):
    """Accepted as such; and each change of the first layers is found."""
    convert(real_file, tmp_path / "vgg19.h5")
    layers = read_weights(tmp_path / "vgg19.h5").layers
    generator = np.random.default_rng(5)
    assert judgements(rescaled(layers, generator)) == {"rescaled"}
    first = {name: layers[name] for name in vgg_spec.LAYERS[:COUNT]}
    assert judgements(first) == {"exact"}
    for change in CHANGES:
        for filter_0 in (1, 1.03):
            wrong = copied(first)
            wrong["conv1_1"][0][0] *= filter_0
            change(wrong)
            assert isinstance(judgements(wrong), str), change.__name__
