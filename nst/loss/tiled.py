"""The exact loss of a picture that is too large for one evaluation, computed tile by tile.

Content and total variation are sums over the picture, so they are sums over tiles. A style loss is
not, but it depends on the picture through Gram matrices only, and these are sums. So an evaluation
processes the tiles twice:

    1.  G = Σ over tiles of F·Fᵀ              the features of the cores, forward only
        E(G) and ∂E/∂G                         once, of the whole picture
    2.  ∂/∂picture of ⟨∂E/∂G, F·Fᵀ⟩            forward again, and backward; summed over tiles

This is the chain rule, without approximation and without visible seams.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

import minigrad
from minigrad import Tensor, is_grad_enabled, no_grad
from minigrad.backend import array_module
from nst.config.settings import Settings
from nst.loss import tile_work, tiling
from nst.loss.objective import Losses, Objective, gram_loss, require_content
from nst.loss.targets import (
    MeanGram,
    content_targets,
    count_positions,
    style_targets_from_grams,
    sum_terms,
)
from nst.loss.tile_work import SqrtMasks, TileTask, known_loss
from nst.loss.tiling import Tile
from nst.model import vgg, weights
from nst.pictures import masks as mask_maker
from nst.pictures.masks import Masks
from nst.system.executors import Executor, Processes, Serial
from nst.system.signals import check_interrupt

Grams = dict[str, list[Tensor]]


class TiledObjective(Objective):
    """An `Objective` whose losses and targets are computed by tiles.

    Parameters
    ----------
    network, settings, content, styles, masks, size
        As for `Objective`.
    side : int
        Side of the tiles' cores in pixels, see `tiling.Grid`.
    executor : Executor, optional
        Processes the tiles; by default one after the other, in this process. Its workers must
        hold `network`.
    """

    def __init__(self, network: vgg.Network, settings: Settings, content: Tensor | None,
                 styles: Tensor | Sequence[Tensor], masks: Masks | None = None,
                 size: tuple[int, int] | None = None, *, side: int,
                 executor: Executor | None = None) -> None:
        tiling.check_side(side, settings.layers)
        self.side = side
        self.executor = executor or Serial(network)
        self.convolutions = frozenset(network.parameters)
        self.size = size or _size(require_content(content))
        super().__init__(network, settings, content, styles, masks, size)
        self.tiles = self._tiles(settings.layers, self.size)

    def _tiles(self, layers: Iterable[str], size: tuple[int, int]) -> list[Tile]:
        return tiling.grid(list(layers), self.convolutions).tiles(size, self.side)

    # ------------------------------------------------------------------- the targets

    def _content_targets(self, content: Tensor, masks: Masks) -> dict[str, Any]:
        layers = frozenset(self.settings.content_layers)
        tasks = [TileTask(tile, content[tile.pixels], self.settings, layers)
                 for tile in self._tiles(layers, _size(content))]
        features: dict[str, Tensor] = {}
        for task, cores in self._each(tile_work.core_features, tasks):
            for layer, core in cores.items():
                if layer not in features:
                    features[layer] = _allocate(core, vgg.size_at(layer, *_size(content)))
                features[layer][task.tile.of_picture(layer)] = core
        return content_targets(features, self.settings, masks)

    def _style_targets(self, styles: Sequence[Tensor], sizes: dict[str, tuple[int, int]],
                       masks: Masks) -> dict[str, Any]:
        grams: dict[str, list[MeanGram]] = {layer: [] for layer in self.settings.style_layers}
        for style, mask in zip(styles, masks.styles or [None] * len(styles)):
            size = _size(style)
            sqrt_masks = {layer: [None if mask is None else mask_maker.sqrt_mask(
                mask, *vgg.size_at(layer, *size), style.device)] for layer in grams}
            sums = self._gram_sums(style, sqrt_masks, self._tiles(grams, size))
            for layer, (gram,) in sums.items():
                sqrt_mask = sqrt_masks[layer][0]
                height, width = vgg.size_at(layer, *size)
                positions = height * width if sqrt_mask is None else count_positions(sqrt_mask)
                grams[layer].append(MeanGram(gram.to(style.dtype), positions))
        return style_targets_from_grams(grams, sizes, self.settings, masks)

    # ---------------------------------------------------------------- one evaluation

    def __call__(self, picture: Tensor) -> Losses:
        """Evaluate a centred picture 1×3×H×W; there are no second derivatives."""
        settings = self.settings
        needs_gradient = picture.requires_grad and is_grad_enabled()
        with no_grad():
            grams = self._gram_sums(picture, self._sqrt_masks(), self.tiles)
            style_layers, gram_gradients = self._style(grams, picture.dtype)
            content_layers, gradient = self._backward(picture, gram_gradients, needs_gradient)
        content, style, weighted = self._summed(content_layers, style_layers)
        total = sum_terms(weighted)
        if needs_gradient:
            total = known_loss(picture, total, gradient)
        with minigrad.set_grad_enabled(needs_gradient and bool(settings.tv_weight)):
            tv = self._variation(picture)
        if settings.tv_weight:
            total = total + settings.tv_weight * tv
        return Losses(total, content, style, tv, content_layers, style_layers)

    def _sqrt_masks(self) -> SqrtMasks:
        return {layer: [target.sqrt_mask for target in targets]
                for layer, targets in self.style_targets.items()}

    def _gram_sums(self, picture: Tensor, sqrt_masks: SqrtMasks, tiles: Sequence[Tile]) -> Grams:
        """Pass one: the Gram matrices of the whole picture, 1×N×N of float64."""
        if not sqrt_masks:
            return {}
        tasks = [TileTask(tile, picture[tile.pixels].detach(), self.settings, frozenset(sqrt_masks),
                      _crop_sqrt_masks(sqrt_masks, tile)) for tile in tiles]
        sums: Grams = {}
        for _, shares in self._each(tile_work.gram_shares, tasks):
            for layer, grams in shares.items():
                sums[layer] = ([total + share for total, share in zip(sums[layer], grams)]
                               if layer in sums else grams)
        return sums

    def _style(self, grams: Grams, dtype: np.dtype) -> tuple[dict[str, Tensor], Grams]:
        """The style loss by layer, and β times its derivative with respect to each Gram matrix."""
        losses, gram_gradients = {}, {}
        for layer, matrices in grams.items():
            leaves = [gram.detach().requires_grad_() for gram in matrices]
            with minigrad.enable_grad():
                loss = sum_terms([gram_loss(leaf, target) for leaf, target
                                  in zip(leaves, self.style_targets[layer])])
                (self.settings.style_weight * loss).backward()
            losses[layer] = loss.detach()
            gram_gradients[layer] = [leaf.grad.to(dtype) for leaf in leaves
                                     if leaf.grad is not None]
        return losses, gram_gradients

    def _backward(self, picture: Tensor, gram_gradients: Grams, needs_gradient: bool
                  ) -> tuple[dict[str, Tensor], Tensor | None]:
        """Pass two: the content loss by layer, and the gradient without the total variation's."""
        layers = self.settings.layers if needs_gradient else frozenset(self.content_targets)
        if not layers:
            return {}, None
        function = tile_work.backward_tile if needs_gradient else tile_work.content_shares
        tasks = [TileTask(tile, picture[tile.pixels].detach(), self.settings, frozenset(layers),
                          _crop_sqrt_masks(self._sqrt_masks(), tile), gram_gradients,
                          self._cut_content(tile))
                 for tile in self.tiles]
        gradient = array_module(picture.data).zeros(picture.shape, picture.dtype)
        sums: dict[str, Tensor] = {}
        for task, result in self._each(function, tasks):
            shares, share = result if needs_gradient else (result, None)
            for layer, loss in shares.items():
                sums[layer] = sums[layer] + loss if layer in sums else loss
            if share is not None:
                gradient[task.tile.pixels] += share.data
        return sums, Tensor(gradient) if needs_gradient else None

    def _cut_content(self, tile: Tile) -> dict[str, Any]:
        return {layer: dataclasses.replace(
                    target, features=target.features[tile.of_picture(layer)],
                    sqrt_mask=(None if target.sqrt_mask is None
                               else target.sqrt_mask[tile.of_picture(layer)]))
                for layer, target in self.content_targets.items()}

    def _each(self, function: Callable[[vgg.Network, TileTask], Any], tasks: list[TileTask]
              ) -> Iterator[tuple[TileTask, Any]]:
        """Yield the tasks with their results, in the order of the tasks."""
        for pair in zip(tasks, self.executor.map(function, tasks)):
            check_interrupt()        # a tile may take half a minute
            yield pair


def _crop_sqrt_masks(sqrt_masks: SqrtMasks, tile: Tile) -> SqrtMasks:
    return {layer: [None if mask is None else mask[tile.of_picture(layer)] for mask in masks]
            for layer, masks in sqrt_masks.items()}


def _allocate(features: Tensor, size: tuple[int, int]) -> Tensor:
    """Allocate the features of a whole picture, with channels innermost for the kernels."""
    zeros = minigrad.zeros(1, *size, features.shape[1], dtype=features.dtype,
                           device=features.device)
    return zeros.permute(0, 3, 1, 2)


def _size(picture: Tensor) -> tuple[int, int]:
    height, width = picture.shape[2:]
    return height, width


@lru_cache(maxsize=1)
def shared_processes(count: int, source: str, deepest: str) -> Processes:
    """Processes that hold a network, see `weights.load`; all scales and pictures share them."""
    return Processes(count, weights.load, source, deepest, "cpu")
