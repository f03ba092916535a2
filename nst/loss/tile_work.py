"""The work on one tile: features, shares of Gram matrices, and gradients.

Each function has the form `function(network, task)`, so that an executor can run it in this process
or in another; see `nst.system.executors`. The features of a tile's core equal those of the whole
picture (`nst.loss.tiling`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

import minigrad.functional as F
from minigrad import Tensor, enable_grad, no_grad, primitive
from minigrad.backend import array_module
from nst.config.settings import Settings
from nst.loss.objective import content_loss
from nst.loss.targets import ContentTarget, sum_terms
from nst.loss.tiling import Tile
from nst.model import vgg

SqrtMasks = dict[str, list[Tensor | None]]


@dataclass(frozen=True)
class TileTask:
    """A tile and its targets.

    Attributes
    ----------
    pixels : Tensor, 1×3×h×w
        Core and halo, centred.
    layers : frozenset of str
        Layers whose features are needed.
    sqrt_masks : dict
        Layer -> for each Gram matrix √mask of the core; None if all positions count.
    gram_gradients : dict
        Layer -> for each Gram matrix the derivative of the loss with respect to it, 1×N×N.
    content : dict
        Layer -> the content target of the core.
    """

    tile: Tile
    pixels: Tensor
    settings: Settings
    layers: frozenset[str]
    sqrt_masks: SqrtMasks = field(default_factory=dict)
    gram_gradients: dict[str, list[Tensor]] = field(default_factory=dict)
    content: dict[str, ContentTarget] = field(default_factory=dict)


def core_features(network: vgg.Network, task: TileTask) -> dict[str, Tensor]:
    """The features of the core by layer, without a graph."""
    with no_grad():
        return {layer: _core(features, task.tile, layer).clone()
                for layer, features in _walk(network, task, task.pixels)}


def gram_shares(network: vgg.Network, task: TileTask) -> dict[str, list[Tensor]]:
    """The core's share of each Gram matrix, 1×N×N of float64."""
    with no_grad():
        return {layer: [F.gram_matrix(_masked_core(features, task.tile, layer, sqrt_mask)).double()
                        for sqrt_mask in task.sqrt_masks[layer]]
                for layer, features in _walk(network, task, task.pixels)}


@enable_grad()
def backward_tile(network: vgg.Network, task: TileTask) -> tuple[dict[str, Tensor], Tensor]:
    """The core's share of the content loss by layer, and of the gradient, 1×3×h×w.

    The features of the core depend on the halo, so the gradient covers the halo too.
    """
    leaf = task.pixels.detach().clone().requires_grad_()
    content, terms = {}, []
    for layer, features in _walk(network, task, leaf):
        core = _core(features, task.tile, layer)
        if layer in task.content:
            content[layer] = content_loss(core, task.content[layer])
            terms.append(task.settings.content_weight * content[layer])
        for sqrt_mask, gram_gradient in zip(task.sqrt_masks.get(layer, ()),
                                            task.gram_gradients.get(layer, ())):
            gram = F.gram_matrix(core if sqrt_mask is None else core * sqrt_mask)
            # Created on the device, because a CUDA graph cannot contain an upload.
            zero = Tensor(array_module(gram.data).zeros((), np.float64))
            terms.append(known_loss(gram, zero, gram_gradient))
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


def _masked_core(features: Tensor, tile: Tile, layer: str, sqrt_mask: Tensor | None) -> Tensor:
    core = _core(features, tile, layer)
    return core if sqrt_mask is None else core * sqrt_mask


def _core(features: Tensor, tile: Tile, layer: str) -> Tensor:
    rows, columns = tile.within(layer)
    height, width = features.shape[2:]
    if (rows, columns) == (slice(0, height), slice(0, width)):
        return features
    return cropped(features, rows.start, rows.stop, columns.start, columns.stop)


# ------------------------------------------------------------------------ two operations


@primitive(view=True)
def cropped(x, top, bottom, left, right):
    """x[:, :, top:bottom, left:right] of images N×C×H×W.

    Like indexing, but the gradient keeps channels innermost in memory, the fastest order for the
    kernels.
    """
    return x[:, :, top:bottom, left:right]


cropped.derivative(x=lambda g, x_shape, top, bottom, left, right: F.pad(
    g, (left, x_shape[3] - right, top, x_shape[2] - bottom)))


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
