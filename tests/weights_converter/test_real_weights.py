"""The real network, where somebody has put it."""

import pytest

from weights_converter import convert, read_weights, verify


def test_the_real_weights_are_known(real_file, tmp_path):
    destination = tmp_path / "vgg19.h5"
    weights = convert(real_file, destination)
    assert weights.parameters == 20_024_384
    report = verify(destination)
    verdicts = {layer.name: layer.verdict for layer in report.layers}
    # No hash is known for the kernels from conv4_1 on.
    for name, verdict in verdicts.items():
        assert verdict == ("exact" if name < "conv4" else "plausible")
    weight, bias = read_weights(destination, until="conv1_1").layers["conv1_1"]
    assert round(float(weight[0, 0, 0, 0]), 5) == 0.34120
    assert round(float(bias[0]), 5) == 0.73018


@pytest.fixture(scope="module")
def real_layers(real_file, tmp_path_factory):
    """The first four, of which the hashes are known."""
    path = tmp_path_factory.mktemp("real") / "vgg19.h5"
    convert(real_file, path, layers="conv1_1..conv2_2")
    return read_weights(path).layers


@pytest.mark.parametrize("name", ["keras", "keras 3", "mat", "tfjs", "npz"])
def test_through_every_format_they_stay_exact(real_layers, tmp_path, writers, name):
    """In the layouts of others, flipped or in other colours, they are recognised bit for bit."""
    theano = name == "keras"
    held = {layer: (weight[..., ::-1, ::-1] if theano else weight.transpose(2, 3, 1, 0), bias)
            for layer, (weight, bias) in real_layers.items()}
    path = writers[name](tmp_path / "other.npz", held)
    changes = convert(path, tmp_path / "again.h5").changes
    assert bool(changes) == (name in ("keras", "mat"))
    assert {layer.verdict for layer in verify(tmp_path / "again.h5").layers} == {"exact"}
