"""The memory that a run needs, computed before it starts.

Memory has three parts: what exists once (this program, the weights and their transforms), the
pictures that the optimiser keeps, and one evaluation, of the whole picture or of the largest tile.
The constants come from measurements with `benchmarks/memory.py`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Collection
from dataclasses import dataclass

from nst.config.choices import SAMPLED_LOSSES
from nst.config.settings import Settings
from nst.loss import tiling
from nst.loss.sliced import DIRECTIONS
from nst.model import vgg
from nst.optimize.scales import Scale
from nst.system import free_memory, out_of_memory

PICTURE = 12                # bytes per pixel: three float32
OVERHEAD = 50_000_000       # bytes: workspaces of threads, files, temporary pictures
# Bytes per pixel of one evaluation besides the saved features: the features of the first block and
# their gradients, sign bits, positions of pooling maxima.
WORKING = 620
# A GPU does not compute in bands. Including gaps between blocks of memory, an H100 used 1500 bytes
# per pixel, 520 of them for saved features.
WORKING_ON_GPU = 1200
TILE_OVERHEAD = 1000        # bytes per pixel: cropped cores, restored gradients, gaps in between
SORTING = 40                # bytes per projected feature: numbers, keys, order, gradients
SAMPLED_OVERHEAD = 100_000_000  # bytes: matrices of 1024 positions and of their covariances
WORKER = 70_000_000         # bytes: a worker process with its imports, before it works
PICTURES = 14               # pictures that exist at once: the optimiser's, the best, temporary ones


@dataclass(frozen=True)
class MemoryPlan:
    """The two settings that are fitted to memory.

    Attributes
    ----------
    tile : int or None
        Side of the tiles in pixels; None computes the whole picture at once.
    lbfgs_history : int
        Steps that L-BFGS keeps.
    """

    tile: int | None
    lbfgs_history: int


@dataclass(frozen=True)
class RunSpec:
    """Inputs of the memory and time model.

    Attributes
    ----------
    memory : MemoryPlan, optional
        Replaces the tile and the history of the settings.
    """

    network: vgg.Network
    settings: Settings
    scales: list[Scale]
    device: str
    memory: MemoryPlan | None = None

    @property
    def plan(self) -> MemoryPlan:
        """The tile and the history in effect."""
        return self.memory or MemoryPlan(self.settings.tile, self.settings.lbfgs_history)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the picture at the largest scale, with its margin."""
        return self.scales[-1].computed_size

    def crop(self, size: tuple[int, int]) -> tuple[int, int]:
        """Height and width of the largest area that is evaluated at once."""
        side = self.plan.tile
        if side is None or side >= max(size):
            return size
        return tiling.grid(self.settings.layers, self.network.parameters).largest(size, side)

    def tiled(self, size: tuple[int, int]) -> bool:
        """Whether a picture of this size is larger than a tile."""
        return self.plan.tile is not None and self.plan.tile < max(size)

    def tiles(self, size: tuple[int, int]) -> list[tiling.Tile]:
        """The tiles of a picture; none if it is computed at once."""
        side = self.plan.tile
        if side is None or side >= max(size):
            return []
        return tiling.grid(self.settings.layers, self.network.parameters).tiles(size, side)


def memory_needed(spec: RunSpec) -> int:
    """Peak memory of all processes of the run in bytes, on the host or on the GPU."""
    settings, size = spec.settings, spec.size
    tiled = spec.tiled(size)
    on_cpu = spec.device == "cpu"
    saved = _bytes_per_pixel(settings.layers)
    working = (WORKING if on_cpu else WORKING_ON_GPU) + (TILE_OVERHEAD if tiled else 0)
    evaluation = area(spec.crop(size)) * (saved + working)
    pictures = PICTURES + _pyramid_pictures(settings) + _lbfgs_pictures(spec)
    targets = _bytes_per_pixel(settings.content_layers) if settings.content_weight else 0.0
    targets *= 1 if settings.content_mask is None else 2
    persistent = area(size) * (PICTURE * pictures + targets + _sampled_bytes(settings))
    if settings.sampled:
        persistent += SAMPLED_OVERHEAD
    if not on_cpu:
        return int(out_of_memory.BYTES_OVERHEAD + persistent + evaluation)
    transformed = _transformed(spec.network, [spec.crop(scale.computed_size)
                                              for scale in spec.scales])
    needed = baseline() + persistent + OVERHEAD
    if tiled and settings.processes > 1:
        # Workers start afresh: they do not hold what the calling program has in memory.
        worker = min(baseline(), WORKER) + transformed + evaluation + OVERHEAD
        return int(needed + settings.processes * worker)
    return int(needed + transformed + evaluation)


@functools.cache
def baseline() -> int:
    """Resident memory in bytes before the first run; later runs reuse what earlier ones left."""
    return free_memory.used()


def _lbfgs_pictures(spec: RunSpec) -> int:
    """Memory that L-BFGS needs beyond other optimisers, in pictures.

    These are the steps and gradient changes of its history, and a snapshot of its state for
    checkpoints (the memory of an evaluation is kept for the next one, so the snapshot cannot use
    it). At the start of a new scale there are also the state of the previous scale, at half the
    size, and its enlarged copy.
    """
    settings, history = spec.settings, spec.plan.lbfgs_history
    if settings.optimizer != "lbfgs":
        return 0
    enlarging = 10 + 3 * history if len(spec.scales) > 1 else 0
    vectors = 2 * history + max(5 + 2 * history, enlarging)
    return math.ceil(vectors * _levels(settings))


def _pyramid_pictures(settings: Settings) -> int:
    """Pictures' worth of memory that a pyramid needs beyond pixels.

    These are the origin; the levels, their gradients and their moments, each a third more than a
    picture; and two sums of levels that exist for a moment.
    """
    return 0 if settings.variable == "pixels" else 6


def _sampled_bytes(settings: Settings) -> float:
    """Bytes per pixel of the features of styles that are sampled, and of sorted projections.

    Styles are taken to be as large as the result.
    """
    if not settings.style_weight or settings.style_loss not in SAMPLED_LOSSES:
        return 0.0
    blended = settings.blend or settings.region_masks or settings.style_masks or (None,)
    styles = (settings.regions or 1) if settings.guided else len(blended)
    features = styles * _bytes_per_pixel(settings.style_layers)
    if settings.style_loss == "remd":
        return features
    largest = min(vgg.min_size([layer]) for layer in settings.style_layers)
    return features + DIRECTIONS * SORTING / largest**2


def optimizer_pictures(settings: Settings, lbfgs_history: int) -> int:
    """Pictures' worth of memory that an optimiser keeps between iterations."""
    if settings.optimizer == "lbfgs":       # points, gradients, a direction; the history
        vectors = 5 + 2 * lbfgs_history
    else:
        vectors = 2 if settings.optimizer == "adam" else 0      # moments
    mean_and_origin = (settings.optimizer != "lbfgs") + (settings.variable == "pyramid")
    return math.ceil(vectors * _levels(settings)) + mean_and_origin


def _levels(settings: Settings) -> float:
    """The numbers of a variable for each number of the picture: 1 + ¼ + 1/16 + … of a pyramid."""
    return 1 if settings.variable == "pixels" else 4 / 3


def area(size: tuple[int, int]) -> int:
    """The product of both sides."""
    return size[0] * size[1]


def _bytes_per_pixel(layers: Collection[str]) -> float:
    """Bytes of the features of `layers` per pixel of the picture."""
    total = 0.0
    for name in layers:
        channels = min(512, 32 * 2**vgg.Layer.parse(name).block)
        total += 4 * channels / vgg.min_size([name]) ** 2
    return total


def _transformed(network: vgg.Network, sizes: Collection[tuple[int, int]]) -> int:
    """Bytes of the weights transformed by Winograd's algorithm for pictures of these sizes.

    For an m×m tile of the result a kernel has (m + 2)² numbers. m is 4 forward, and up to 8
    backward as long as a layer's numbers stay below 40 MB; it is smaller if a layer has few tiles.
    All transforms stay in memory, those of coarser scales too.
    """
    total = 0
    for name, (weight, _) in network.parameters.items():
        filters, channels, *kernel = weight.shape
        if kernel != [3, 3] or min(filters, channels) < 16:
            continue
        used: set[int] = set()
        for size in sizes:
            used |= _winograd_tiles(filters * channels, area(size) / vgg.min_size([name]) ** 2)
        total += sum(4 * (m + 2) ** 2 * filters * channels for m in used)
    return total


def _winograd_tiles(numbers: int, positions: float) -> set[int]:
    """The m, forward and backward, of a layer with `numbers` pairs of channels."""
    large = [m for m in (4, 6, 8)
             if 4 * (m + 2) ** 2 * numbers < 40 << 20 and positions > 17 * m * m]
    return {4 if positions > 17 * 16 else 2, max(large, default=2)}
