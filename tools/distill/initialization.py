"""Initial values by least squares: the small network starts as a rough copy of its teacher.

With random values it takes hundreds of steps before the small network detects edges, and deeper
layers can only learn after that. But the teacher provides a target for every layer. So, layer by
layer, the small network's filters are fitted to selected filters of the teacher, as linear
functions of the small network's previous layer, and the adapters are fitted to all of them.

An earlier small network with fewer filters or layers can be continued: the initial values compute
the same features. Its filters come first, new ones are fitted as above but have weight 0 in the
next layer, and a new layer is the identity.

References
----------
A wider or deeper network that computes the same function: Chen, Goodfellow, Shlens, "Net2Net:
Accelerating Learning via Knowledge Transfer" (2016).
Channels are chosen by a QR decomposition with pivoting: Golub and Van Loan, "Matrix Computations",
section 5.5.6. Layer-wise reconstruction with the errors of earlier layers in the input: He, Zhang,
Sun, "Channel Pruning for Accelerating Very Deep Neural Networks" (2017), section 3.3.
"""

from __future__ import annotations

import numpy as np

import minigrad.functional as F
from minigrad import Tensor, no_grad
from minigrad.errors import ArgumentError
from nst.model.small import ADAPTED
from tools.distill.batches import Teacher
from tools.distill.crops import Crops
from tools.distill.plan import FILTERS, INPUT_DEVIATION, Parameters
from weights_converter.weights import Layers

BATCHES, COUNT, SIDE = 60, 6, 112
POSITIONS = 96          # sampled per crop and layer, or all if there are fewer
RIDGE = 1e-3            # relative to the mean square of the inputs

# The teacher's layer that each layer of the small network imitates at first. Where the small
# network has fewer layers in a block, its last one imitates a later one of the teacher.
MODEL = {**{name: name for name in FILTERS}, "conv3_3": "conv3_4", "conv4_3": "conv4_4"}

Pair = tuple[np.ndarray, np.ndarray]


def initial_values(teacher: Teacher, crops: Crops, deviations: dict[str, np.ndarray], seed: int,
                 earlier: Layers | None = None) -> Parameters:
    """The initial values of the small network.

    Parameters
    ----------
    teacher : Teacher
        Its convolutions' outputs before the ReLU are the targets.
    crops : Crops
    deviations : dict
        Layer -> standard deviation of each channel: the unit of the adapters' outputs.
    seed : int
    earlier : dict, optional
        The layers of an earlier small network.

    Raises
    ------
    ArgumentError
        The earlier network has a layer that is wider than here, or that does not exist here.
    """
    if earlier is not None:
        _check_narrower(earlier)
    samples = _Samples(teacher, crops, seed)
    convolutions: dict[str, Pair] = {}
    adapters: dict[str, Pair] = {}
    maps = samples.pictures                    # the input of the next layer, batch by batch
    for name, count in FILTERS.items():
        if name.endswith("_1") and name != "conv1_1":
            maps = [F.max_pool2d(batch, 2) for batch in maps]
        targets = samples.activations[MODEL[name]]
        inputs = samples.patches(maps, MODEL[name])
        old_filters = np.empty((0, inputs.shape[1])), np.empty(0)
        if earlier is not None:
            old_filters = _old_filters(earlier.get(name), inputs.shape[1] // 9)
        more = count - len(old_filters[0])
        chosen = choose(_unknown(np.maximum(targets, 0), inputs, old_filters), more)
        weight, bias = least_squares(inputs, targets[:, chosen])
        # Scale the outputs to deviation 1, so that weights have the same magnitude in all layers.
        deviation = np.maximum(targets[:, chosen].std(0), 1e-3)
        weight, bias = (np.concatenate(parts) for parts in zip(
            old_filters, (weight / deviation[:, None], bias / deviation)))
        convolutions[name] = weight.reshape(count, -1, 3, 3), bias
        with no_grad():
            filters, offsets = (Tensor(x.astype(np.float32)) for x in convolutions[name])
            maps = [F.conv2d_relu(batch, filters, offsets, padding=1) for batch in maps]
        for layer in (layer for layer, read in ADAPTED.items() if read == name):
            if earlier is not None and layer in earlier:
                weight, bias = earlier[layer]
                weight = _with_inputs(weight, count)[:, :, 0, 0] / deviations[layer][:, None]
                bias = bias / deviations[layer]
            else:
                targets = samples.activations[name] / deviations[layer]
                weight, bias = least_squares(samples.pixels(maps, name), targets)
            adapters[layer] = weight[:, :, None, None], bias
    return {name: (_trainable(weight), _trainable(bias))
            for name, (weight, bias) in {**convolutions, **adapters}.items()}


def _check_narrower(earlier: Layers) -> None:
    for name, (weight, _) in earlier.items():
        filters = FILTERS.get(ADAPTED.get(name, name), 0)
        if filters < weight.shape[1 if name in ADAPTED else 0]:
            raise ArgumentError(f"the earlier network has a layer {name} of shape "
                                f"{weight.shape}, but this one has only {filters} filters there")


def _old_filters(layer: Pair | None, inputs: int) -> Pair:
    """The filters (outputs, 9·inputs) of an earlier layer; the identity if there is none."""
    if layer is None:
        weight = np.zeros((inputs, inputs, 3, 3), np.float32)
        weight[range(inputs), range(inputs), 1, 1] = 1      # a ReLU does not change its outputs
        layer = weight, np.zeros(inputs, np.float32)
    weight, bias = layer
    return _with_inputs(weight, inputs).reshape(len(weight), -1), bias


def _with_inputs(weight: np.ndarray, inputs: int) -> np.ndarray:
    """The same filters with more inputs, whose weights are 0."""
    return np.pad(weight, ((0, 0), (0, inputs - weight.shape[1]), (0, 0), (0, 0)))


def _unknown(targets: np.ndarray, inputs: np.ndarray, old_filters: Pair) -> np.ndarray:
    """The part of (samples, channels) that the old filters do not predict."""
    if not len(old_filters[0]):
        return targets
    known = np.maximum(inputs @ old_filters[0].T + old_filters[1], 0).astype(np.float32)
    weight, bias = least_squares(known, targets)
    return targets - (known @ weight.T + bias)


def _trainable(array: np.ndarray) -> Tensor:
    return Tensor(np.ascontiguousarray(array, np.float32), requires_grad=True)


class _Samples:
    """Crops, and the teacher's convolution outputs before the ReLU at random positions.

    Attributes
    ----------
    pictures : list of Tensor
        Centred and divided by `INPUT_DEVIATION`: the small network's input.
    activations : dict
        Layer "conv1_1" … -> (samples, channels).
    """

    def __init__(self, teacher: Teacher, crops: Crops, seed: int) -> None:
        rng = np.random.default_rng([seed, 5])
        layers = tuple({*MODEL.values(), *ADAPTED.values()})
        self.pictures: list[Tensor] = []
        self.positions: dict[str, list[np.ndarray]] = {layer: [] for layer in layers}
        activations: dict[str, list[np.ndarray]] = {layer: [] for layer in layers}
        for _ in range(BATCHES):
            pictures = teacher.centred(crops.batch(COUNT, SIDE, rng))
            self.pictures.append(Tensor(pictures) / INPUT_DEVIATION)
            with no_grad():
                outputs = teacher.network.features(Tensor(pictures), layers)
            for layer, features in outputs.items():
                pixels = features.shape[2] * features.shape[3]
                where = rng.permutation(pixels)[:POSITIONS]
                self.positions[layer].append(where)
                activations[layer].append(_pixels(features.numpy(), where))
        self.activations = {layer: np.concatenate(parts) for layer, parts in activations.items()}

    def pixels(self, maps: list[Tensor], layer: str) -> np.ndarray:
        """(samples, channels) of maps N×C×H×W at the positions of `layer`."""
        return np.concatenate([_pixels(batch.numpy(), where)
                               for batch, where in zip(maps, self.positions[layer])])

    def patches(self, maps: list[Tensor], layer: str) -> np.ndarray:
        """(samples, 9·channels): the 3×3 neighbourhoods, zeros beyond the edge."""
        parts = []
        for batch, where in zip(maps, self.positions[layer]):
            array = batch.numpy()
            width = array.shape[3]
            padded = np.pad(array, ((0, 0), (0, 0), (1, 1), (1, 1)))
            row, column = np.divmod(where, width)
            nine = [padded[:, :, row + down, column + right]
                    for down in range(3) for right in range(3)]     # each N×C×positions
            parts.append(np.stack(nine, 2).transpose(0, 3, 1, 2).reshape(-1, 9 * array.shape[1]))
        return np.concatenate(parts)


def _pixels(features: np.ndarray, where: np.ndarray) -> np.ndarray:
    """N×C×H×W at flat positions, as (N·positions, C)."""
    count, channels = features.shape[:2]
    return features.reshape(count, channels, -1)[:, :, where].transpose(0, 2, 1).reshape(
        -1, channels)


def choose(activations: np.ndarray, count: int) -> np.ndarray:
    """The `count` columns of (samples, channels) that best predict the others."""
    from scipy.linalg import qr  # here: an optional dependency

    rows = activations[:: max(1, len(activations) // 6000)]
    _, order = qr(rows - rows.mean(0), mode="r", pivoting=True)
    return np.sort(order[:count])


def least_squares(inputs: np.ndarray, targets: np.ndarray) -> Pair:
    """Weights (outputs, inputs) and biases of a ridge regression.

    Parameters
    ----------
    inputs : array (samples, inputs)
    targets : array (samples, outputs)
    """
    centre, level = inputs.mean(0, dtype=np.float64), targets.mean(0, dtype=np.float64)
    x = inputs - centre.astype(np.float32)
    squares = (x.T @ x).astype(np.float64)
    squares[np.diag_indices_from(squares)] += RIDGE * max(np.trace(squares) / len(squares), 1e-12)
    products = x.T @ (targets - level.astype(np.float32))
    weight = np.linalg.solve(squares, products.astype(np.float64))
    return weight.T.astype(np.float32), (level - centre @ weight).astype(np.float32)
