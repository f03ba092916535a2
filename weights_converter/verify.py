"""Verify a converted file layer by layer, and report how certain its identity is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minigrad.printable import printable
from weights_converter import vgg_spec
from weights_converter.converted import read_weights
from weights_converter.errors import WeightsError
from weights_converter.identify import MISMATCH, RESCALED, Identity, identify, sha256_prefix
from weights_converter.rescaling import judge
from weights_converter.weights import Weights

# Of a text that is printed: a file's attributes may have sixty thousand.
MAX_LETTERS = 2000


@dataclass(frozen=True)
class LayerReport:
    """One row of the report: statistics of a layer's kernels, their hash, and the verdict."""

    name: str
    shape: tuple[int, ...]
    mean: float
    std: float
    sha256: str
    verdict: str


@dataclass(frozen=True)
class Report:
    """Result of `verify`; `print` shows it as a table."""

    path: Path
    weights: Weights
    identity: Identity
    layers: tuple[LayerReport, ...]

    def __str__(self) -> str:
        head = f"{'layer':8} {'shape':>13} {'mean':>10} {'std':>8}  {'sha256':16}  verdict"
        return "\n".join([head, *map(_row, self.layers), "", *self._facts()])

    def _facts(self) -> list[str]:
        weights = self.weights
        verdicts = Counter(layer.verdict for layer in self.layers)
        return [
            f"file     {printable(self.path)}",
            f"network  {describe(self.identity, verdicts)}",
            f"holds    {extent(weights)}",
            f"verdict  {', '.join(f'{count} {name}' for name, count in verdicts.items())}",
            f"input    {_input(weights)}",
            *([f"changed  {printable(weights.changes, MAX_LETTERS)}"] if weights.changes else []),
            f"source   {printable(weights.source, MAX_LETTERS)}",
            f"sha256   {weights.source_sha256}",
            f"licence  {printable(weights.licence, MAX_LETTERS)}",
        ]


def describe(identity: Identity, verdicts: Collection[str]) -> str:
    """The network's name, marked if it is a rescaled copy."""
    network = identity.network
    rescaled = RESCALED in verdicts if network.layers else identity.rescaled
    return network.title + (", filters rescaled" if rescaled else "")


def extent(weights: Weights) -> str:
    """Numbers of layers and parameters, and whether the file is complete."""
    text = f"{len(weights.layers)} layers, {weights.parameters:,} parameters"
    all_layers = vgg_spec.layers_of(weights.architecture)
    if not weights.complete:
        text += f"; stops at {list(weights.layers)[-1]}, out of {len(all_layers)} layers"
    return text + ("" if weights.dtype == "float32" else f"; stored as {weights.dtype}")


def _row(layer: LayerReport) -> str:
    shape = "×".join(map(str, layer.shape))
    return (f"{layer.name:8} {shape:>13} {layer.mean:10.6f} {layer.std:8.5f}  "
            f"{layer.sha256}  {layer.verdict}")


def _input(weights: Weights) -> str:
    low, high = weights.input_range
    mean, std = (", ".join(f"{value:g}" for value in t) for t in (weights.mean, weights.std))
    return f"{weights.color_order}, {low:g}..{high:g}, mean {mean}, std {std}"


def verify(path: str | Path) -> Report:
    """Verify a converted file.

    `read_weights` checks attributes, shapes and finite values. Then colour order, orientation and
    every layer are compared with the known fingerprints.

    Raises
    ------
    WeightsError
        A check fails; the message says which.
    """
    path = Path(path)
    weights = read_weights(path)
    identity = identify(path, *weights.layers["conv1_1"])
    return Report(path, weights, identity, examine(path, weights, identity))


def examine(path: Path, weights: Weights, identity: Identity) -> tuple[LayerReport, ...]:
    """Check that `weights`, read from `path`, are what they claim to be; report on each layer."""
    _check_claims(path, weights, identity)
    reports, factors = [], None
    for name in weights.layers:
        report, factors = _report(path, weights, identity, name, factors)
        reports.append(report)
    return tuple(reports)


def _check_claims(path: Path, weights: Weights, identity: Identity) -> None:
    """Check colour order, orientation and preprocessing against the identified network."""
    known = identity.network
    differences = []
    if identity.color_order != weights.color_order:
        differences.append(f"in {identity.color_order} order")
    if identity.orientation != "upright":
        differences.append(identity.orientation)
    if differences:
        raise WeightsError(
            f"{path}: the kernels of conv1_1 are {' and '.join(differences)}, "
            f"but upright kernels in {weights.color_order} order are expected")
    expected_input, step = known.preprocessing, -1 if identity.reversed_colors else 1
    for name, expected in (("architecture", known.architecture),
                           ("input_range", expected_input.input_range),
                           ("mean", expected_input.mean[::step]),
                           ("std", expected_input.std[::step])):
        value = getattr(weights, name)
        same = value == expected if isinstance(value, str) else np.allclose(value, expected, 1e-4)
        if not same:
            raise WeightsError(
                f"{path}: the attribute {name} is {value}, but these kernels need {expected}")


def _report(path: Path, weights: Weights, identity: Identity, name: str,
            before: np.ndarray | None) -> tuple[LayerReport, np.ndarray | None]:
    """The report on a layer, and the factors of its filters; `before` are those of the last one."""
    weight, bias = weights.layers[name]
    if name == "conv1_1" and identity.reversed_colors:  # the only layer with colour channels
        weight = weight[:, ::-1]
    found = judge(identity.network, name, weight, bias, before)
    if found.verdict == MISMATCH:
        raise WeightsError(f"{path}: the {found.part} of {name} {found.fault}, unlike those of "
                           f"{identity.network.title}")
    return LayerReport(
        name=name, shape=weight.shape, mean=float(weight.mean(dtype=np.float64)),
        std=float(weight.std(dtype=np.float64)), sha256=sha256_prefix(weight),
        verdict=found.verdict), found.factors
