"""The work on one tile: features, shares of statistics, and gradients.

Each function has the form `function(network, task)`, so that an executor can run it in this process
or in another; see `nst.system.executors`. The features of a tile's core equal those of the whole
picture (`nst.loss.tiling`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from minigrad import Tensor, enable_grad, no_grad, primitive
from minigrad.backend import array_module
from minigrad.functional import Window
from nst.config.settings import Settings
from nst.loss.cropped import cropped
from nst.loss.objective import content_loss
from nst.loss.style import statistics
from nst.loss.targets import ContentTarget, sum_terms
from nst.loss.tiling import Tile
from nst.model import vgg

LayerMasks = dict[str, list[Tensor | None]]


@dataclass(frozen=True)
class TileTask:
    """A tile and its targets.

    Attributes
    ----------
    pixels : Tensor, 1×3×h×w
        Core and halo, centred.
    layers : frozenset of str
        Layers whose features are needed.
    windows : dict
        Layer -> the positions of the core that count for the style, among the tile's features.
    masks : dict
        Layer -> for each matrix of statistics the mask of the window; None counts everywhere.
    matrix_gradients : dict
        Layer -> for each matrix the derivative of the loss with respect to it, 1×K×K.
    content : dict
        Layer -> the content target of the core.
    """

    tile: Tile
    pixels: Tensor
    settings: Settings
    layers: frozenset[str]
    windows: dict[str, Window] = field(default_factory=dict)
    masks: LayerMasks = field(default_factory=dict)
    matrix_gradients: dict[str, list[Tensor]] = field(default_factory=dict)
    content: dict[str, ContentTarget] = field(default_factory=dict)


def core_features(network: vgg.Network, task: TileTask) -> dict[str, Tensor]:
    """The features of the core by layer, without a graph."""
    with no_grad():
        return {layer: _core(features, task.tile, layer).clone()
                for layer, features in _walk(network, task, task.pixels)}


def style_shares(network: vgg.Network, task: TileTask) -> dict[str, list[Tensor]]:
    """The core's share of each matrix of statistics, 1×K×K of float64."""
    with no_grad():
        return {layer: [matrix.double() for matrix in _statistics(features, task, layer)]
                for layer, features in _walk(network, task, task.pixels)}


@enable_grad()
def backward_tile(network: vgg.Network, task: TileTask) -> tuple[dict[str, Tensor], Tensor]:
    """The core's share of the content loss by layer, and of the gradient, 1×3×h×w.

    The features of the core depend on the halo, so the gradient covers the halo too.
    """
    leaf = task.pixels.detach().clone().requires_grad_()
    content, terms = {}, []
    for layer, features in _walk(network, task, leaf):
        if layer in task.content:
            core = _core(features, task.tile, layer)
            content[layer] = content_loss(core, task.content[layer])
            terms.append(task.settings.content_weight * content[layer])
        for matrix, gradient in zip(_statistics(features, task, layer),
                                    task.matrix_gradients.get(layer, ())):
            # Created on the device, because a CUDA graph cannot contain an upload.
            zero = Tensor(array_module(matrix.data).zeros((), np.float64))
            terms.append(known_loss(matrix, zero, gradient))
    sum_terms(terms).backward()
    assert leaf.grad is not None        # the backward pass has just set it
    return {layer: loss.detach() for layer, loss in content.items()}, leaf.grad


def content_shares(network: vgg.Network, task: TileTask) -> dict[str, Tensor]:
    """The core's share of the content loss by layer, without a graph."""
    with no_grad():
        return {layer: content_loss(_core(features, task.tile, layer), task.content[layer])
                for layer, features in _walk(network, task, task.pixels)}


def _walk(network: vgg.Network, task: TileTask, pixels: Tensor
          ) -> Iterator[tuple[str, Tensor]]:
    return network.walk(pixels, task.layers, task.settings.pooling, task.settings.padding)


def _statistics(features: Tensor, task: TileTask, layer: str) -> list[Tensor]:
    """The core's share of the statistics of a layer, one matrix for each region."""
    return statistics(features, task.masks.get(layer, ()), task.windows.get(layer),
                      task.settings.style_loss, partition=task.settings.guided)


def _core(features: Tensor, tile: Tile, layer: str) -> Tensor:
    rows, columns = tile.within(layer)
    height, width = features.shape[2:]
    if (rows, columns) == (slice(0, height), slice(0, width)):
        return features
    return cropped(features, rows.start, rows.stop, columns.start, columns.stop)


# -------------------------------------------------------- the loss of the whole picture


@primitive
def known_loss(x, value, gradient):
    """`value`, a number computed elsewhere, with its derivative `gradient` with respect to x."""
    return value


@primitive
def known_product(upstream, gradient, x):
    """upstream · gradient. It has no rule, so a second derivative raises an error: it would need
    the derivative of the gradient with respect to x."""
    return (upstream * gradient).astype(gradient.dtype)


known_loss.derivative(x=lambda g, x, gradient: known_product(g, gradient, x))
