"""Check a converted file, layer by layer, and say how sure it is that this is VGG19."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from weights_converter import fingerprints, vgg
from weights_converter.errors import WeightsError
from weights_converter.hdf5 import read_weights
from weights_converter.weights import Preprocessing, Weights


@dataclass(frozen=True)
class LayerReport:
    """One row of the table: statistics of a layer's kernels, their hash, and the verdict."""

    name: str
    shape: tuple[int, ...]
    mean: float
    std: float
    sha256: str
    verdict: str


@dataclass(frozen=True)
class Report:
    """What `verify` found; ``print`` shows it as a table."""

    path: Path
    weights: Weights
    layers: tuple[LayerReport, ...]

    def __str__(self) -> str:
        head = f"{'layer':8} {'shape':>13} {'mean':>10} {'std':>8}  {'sha256':16}  verdict"
        return "\n".join([head, *map(_row, self.layers), "", *self._facts()])

    def _facts(self) -> list[str]:
        weights = self.weights
        verdicts = Counter(layer.verdict for layer in self.layers)
        extent = f"{len(self.layers)} layers, {weights.parameters:,} parameters"
        if not weights.complete:
            extent += f"; stops at {self.layers[-1].name}, {len(vgg.LAYERS)} layers are all"
        return [
            f"file     {self.path}",
            f"holds    {extent}",
            f"verdict  {', '.join(f'{count} {name}' for name, count in verdicts.items())}",
            f"input    {_input(weights)}",
            f"source   {weights.source}",
            f"sha256   {weights.source_sha256}",
            f"licence  {weights.licence}",
        ]


def _row(layer: LayerReport) -> str:
    shape = "×".join(map(str, layer.shape))
    return (
        f"{layer.name:8} {shape:>13} {layer.mean:10.6f} {layer.std:8.5f}  "
        f"{layer.sha256}  {layer.verdict}"
    )


def _input(weights: Weights) -> str:
    low, high = weights.input_range
    mean, std = (", ".join(f"{value:g}" for value in t) for t in (weights.mean, weights.std))
    return f"{weights.color_order}, {low:g}..{high:g}, mean {mean}, std {std}"


def verify(path: str | Path) -> Report:
    """Check everything that can be checked in a converted file.

    Attributes, shapes and finite values as `read_weights` does, then colour order,
    orientation and every layer against the published fingerprints.

    Raises
    ------
    WeightsError
        With one sentence that says what is wrong.
    """
    path = Path(path)
    weights = read_weights(path)
    return Report(path, weights, examine(path, weights))


def examine(path: Path, weights: Weights) -> tuple[LayerReport, ...]:
    """Demand that `weights`, read from `path`, are Oxford's VGG19; report on each layer."""
    wrong = fingerprints.misfit(*weights.layers["conv1_1"], weights.color_order)
    if wrong:
        raise WeightsError(f"{path}: {wrong}")
    _check_preprocessing(path, weights)
    reports = tuple(_report(weights, name) for name in weights.layers)
    for report in reports:
        if report.verdict == fingerprints.UNLIKE:
            raise WeightsError(
                f"{path}: the kernels of {report.name} have a standard deviation of "
                f"{report.std:.5f}, where VGG19's have {fingerprints.FINGERPRINTS[report.name].std}"
            )
    return reports


def _check_preprocessing(path: Path, weights: Weights) -> None:
    """The kernels are known by now, and they expect one preparation of a picture only."""
    right = Preprocessing()
    # Both triples follow the colour order.
    step = 1 if weights.color_order == right.color_order else -1
    for name, expected in (
        ("input_range", right.input_range),
        ("mean", right.mean[::step]),
        ("std", right.std[::step]),
    ):
        value = getattr(weights, name)
        if not np.allclose(value, expected, rtol=1e-4, atol=0):
            raise WeightsError(
                f"{path}: the attribute {name} is {value}, where these kernels expect {expected}"
            )


def _report(weights: Weights, name: str) -> LayerReport:
    weight, bias = weights.layers[name]
    if name == "conv1_1":  # the only layer that sees colours
        weight = fingerprints.canonical(weight, weights.color_order)
    return LayerReport(
        name=name,
        shape=weight.shape,
        mean=float(weight.mean(dtype=np.float64)),
        std=float(weight.std(dtype=np.float64)),
        sha256=fingerprints.sha256_prefix(weight),
        verdict=fingerprints.verdict(name, weight, bias),
    )
