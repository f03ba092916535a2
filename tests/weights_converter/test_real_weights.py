"""The real network, where somebody has put it."""

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
