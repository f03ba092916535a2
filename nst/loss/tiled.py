"""The exact loss of a picture that is too large for one evaluation, computed tile by tile.

Content and total variation are sums over the picture, so they are sums over tiles. A style loss is
not, but it depends on the picture through matrices of statistics only, and these are sums (see
`nst.loss.style`). So an evaluation processes the tiles twice:

    1.  G = Σ over tiles of F·Fᵀ              the features of the cores, forward only
        E(G) and ∂E/∂G                         once, of the whole picture
    2.  ∂/∂picture of ⟨∂E/∂G, F·Fᵀ⟩            forward again, and backward; summed over tiles

This is the chain rule, without approximation and without visible seams.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

import minigrad
from minigrad import Tensor, is_grad_enabled, no_grad
from minigrad.backend import array_module
from minigrad.functional import Window
from nst.config.settings import Settings
from nst.loss import tile_work, tiling
from nst.loss.objective import Losses, Objective, require_content, style_losses
from nst.loss.targets import (
    Statistics,
    content_targets,
    count_positions,
    style_targets_of,
    sum_terms,
)
from nst.loss.tile_work import LayerMasks, TileTask, known_loss
from nst.loss.tiling import Tile
from nst.model import vgg, weights
from nst.pictures import masks as mask_maker
from nst.pictures.masks import Masks
from nst.system.executors import Executor, Serial
from nst.system.signals import check_interrupt

if TYPE_CHECKING:
    from nst.system.processes import Processes

Matrices = dict[str, list[Tensor]]


class TiledObjective(Objective):
    """An `Objective` whose losses and targets are computed by tiles.

    Parameters
    ----------
    network, settings, content, styles, masks, size, border
        As for `Objective`.
    side : int
        Side of the tiles' cores in pixels, see `tiling.Grid`.
    executor : Executor, optional
        Processes the tiles; by default one after the other, in this process. Its workers must
        hold `network`.
    """

    def __init__(self, network: vgg.Network, settings: Settings, content: Tensor | None,
                 styles: Tensor | Sequence[Tensor], masks: Masks | None = None,
                 size: tuple[int, int] | None = None, border: int = 0, *, side: int,
                 executor: Executor | None = None) -> None:
        tiling.check_side(side, settings.layers)
        self.side = side
        self.executor = executor or Serial(network)
        self.convolutions = frozenset(network.parameters)
        self.size = size or _size(require_content(content))
        super().__init__(network, settings, content, styles, masks, size, border)
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
        found: dict[str, list[Statistics]] = {layer: [] for layer in self.settings.style_layers}
        for style, mask in zip(styles, masks.styles or [None] * len(styles)):
            size = _size(style)
            of_layers = {layer: [None if mask is None else mask_maker.of_layer(
                mask, *vgg.size_at(layer, *size), style.device)] for layer in found}
            whole = {layer: _whole(layer, size) for layer in found}
            sums = self._sums(style, of_layers, whole, self._tiles(found, size))
            for layer, (matrix,) in sums.items():
                of_layer = of_layers[layer][0]
                positions = whole[layer].pixels if of_layer is None else count_positions(of_layer)
                found[layer].append(Statistics(matrix.to(style.dtype), positions))
        return style_targets_of(found, sizes, self.settings, masks)

    # ---------------------------------------------------------------- one evaluation

    def without_palette(self, picture: Tensor) -> Losses:
        """See `Objective`; there are no second derivatives."""
        needs_gradient = picture.requires_grad and is_grad_enabled()
        with no_grad():
            matrices = self._sums(picture, self._masks(), self._insides(), self.tiles)
            style_layers, gradients = self._style(matrices, picture.dtype)
            content_layers, gradient = self._backward(picture, gradients, needs_gradient)
        content, style, weighted = self._summed(content_layers, style_layers)
        total = sum_terms(weighted)
        if needs_gradient:
            total = known_loss(picture, total, gradient)
        with minigrad.set_grad_enabled(needs_gradient):
            tv, more = self._weighted_variation(picture)
        return Losses(sum_terms([total, *more]), content, style, tv,
                      content_layers=content_layers, style_layers=style_layers)

    def _masks(self) -> LayerMasks:
        return {layer: [target.mask for target in targets]
                for layer, targets in self.style_targets.items()}

    def _insides(self) -> dict[str, Window]:
        """The positions of each layer that count for the style."""
        return {layer: window or _whole(layer, self.size) for layer, window
                in self.windows.items()}

    def _sums(self, picture: Tensor, masks: LayerMasks, insides: dict[str, Window],
              tiles: Sequence[Tile]) -> Matrices:
        """Pass one: the statistics of the whole picture, 1×K×K of float64."""
        if not masks:
            return {}
        tasks = [TileTask(tile, picture[tile.pixels].detach(), self.settings, frozenset(masks),
                          *_style_parts(tile, masks, insides)) for tile in tiles]
        sums: Matrices = {}
        for _, shares in self._each(tile_work.style_shares, tasks):
            for layer, matrices in shares.items():
                sums[layer] = ([total + share for total, share in zip(sums[layer], matrices)]
                               if layer in sums else matrices)
        return sums

    def _style(self, matrices: Matrices, dtype: np.dtype) -> tuple[dict[str, Tensor], Matrices]:
        """The style loss by layer, and β times its derivative with respect to each matrix."""
        leaves = {layer: [matrix.detach().requires_grad_() for matrix in of_layer]
                  for layer, of_layer in matrices.items()}
        with minigrad.enable_grad():
            losses = style_losses(leaves, self.style_targets)
            if losses:
                (self.settings.style_weight * sum_terms(list(losses.values()))).backward()
        gradients = {layer: [leaf.grad.to(dtype) for leaf in of_layer if leaf.grad is not None]
                     for layer, of_layer in leaves.items()}
        return {layer: loss.detach() for layer, loss in losses.items()}, gradients

    def _backward(self, picture: Tensor, gradients: Matrices, needs_gradient: bool
                  ) -> tuple[dict[str, Tensor], Tensor | None]:
        """Pass two: the content loss by layer, and the gradient without the total variation's."""
        layers = self.settings.layers if needs_gradient else frozenset(self.content_targets)
        if not layers:
            return {}, None
        function = tile_work.backward_tile if needs_gradient else tile_work.content_shares
        tasks = [TileTask(tile, picture[tile.pixels].detach(), self.settings, frozenset(layers),
                          *_style_parts(tile, self._masks(), self._insides()), gradients,
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


def _style_parts(tile: Tile, all_masks: LayerMasks, insides: dict[str, Window]
                 ) -> tuple[dict[str, Window], LayerMasks]:
    """For each layer the core's window among the tile's features, and its part of the masks."""
    windows, parts = {}, {}
    for layer, masks in all_masks.items():
        inside = insides[layer]
        rows, columns = (_overlap(core, first, last) for core, first, last in zip(
            tile.of_picture(layer)[2:], (inside.top, inside.left), (inside.bottom, inside.right)))
        # Positions of the picture, of the tile and of the masks start at different corners.
        down, across = (span.of_picture(layer).start - span.within(layer).start
                        for span in (tile.rows, tile.columns))
        windows[layer] = Window(rows.start - down, rows.stop - down,
                                columns.start - across, columns.stop - across)
        parts[layer] = [None if mask is None else mask[
            :, :, _moved(rows, inside.top), _moved(columns, inside.left)] for mask in masks]
    return windows, parts


def _overlap(core: slice, first: int, last: int) -> slice:
    """The overlap of a core and the range [first, last); if there is none, empty in the core."""
    start = min(max(core.start, first), core.stop)
    return slice(start, max(start, min(core.stop, last)))


def _moved(positions: slice, origin: int) -> slice:
    """The positions counted from an origin; an empty range may lie before it."""
    return slice(max(0, positions.start - origin), max(0, positions.stop - origin))


def _whole(layer: str, size: tuple[int, int]) -> Window:
    height, width = vgg.size_at(layer, *size)
    return Window(0, height, 0, width)


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
    from nst.system.processes import Processes
    return Processes(count, weights.load, source, deepest, "cpu")
