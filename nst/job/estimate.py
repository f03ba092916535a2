"""What a run will take, before it begins: memory and time; and tiles that make it fit.

Memory grows with three things: what is there once (this program, the weights and their
transforms), the pictures that the optimiser keeps, and one evaluation, of the whole picture or of
the largest tile. The last is measured by `benchmarks/memory.py`; the constants here follow it.
Time is measured: by one evaluation of a small picture, on this machine, as busy as it is.
"""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np

from minigrad import Tensor
from minigrad.errors import ArgumentError
from nst.config.settings import Settings
from nst.loss import tiling
from nst.loss.objective import Objective
from nst.model import vgg
from nst.optimize.scales import Scale
from nst.system import free_memory, out_of_memory
from nst.system.signals import check_interrupt, defer_interrupts

PICTURE = 12                # bytes per pixel: three float32
SCALING = 30                # bytes per pixel that Pillow and NumPy take to scale a picture
OVERHEAD = 50_000_000        # bytes: workspaces of threads, files, pictures on their way
# Bytes per pixel of one evaluation beside the features that are kept: the features of the first
# block and their gradients, sign bits, winners of poolings.
WORKING = 620
# On a GPU nothing is done band by band. With gaps between blocks of memory an H100 held 1500 bytes
# per pixel, of them 520 for features that are kept.
WORKING_ON_GPU = 1200
CUT = 1000                  # more for tiles: cores cut out, gradients put back, gaps in between
PICTURES = 14               # that are there at once: the optimiser's, the best, temporary ones
MIN_TILE = 512            # below, halos cost more than a shorter history of L-BFGS
MIN_HISTORY = 3
RESERVE = 0.9               # of what is free is used, if nothing is said
SAMPLE = 384                # pixels: side of the picture that time is measured with


@dataclass(frozen=True)
class RunSpec:
    """What memory depends on."""

    network: vgg.Network
    settings: Settings
    scales: list[Scale]
    device: str

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the largest scale."""
        width, height = self.scales[-1].size
        return height, width

    def crop(self, size: tuple[int, int]) -> tuple[int, int]:
        """Height and width of what is evaluated at once."""
        if not self.tiled(size):
            return size
        return max((tile.size for tile in self.tiles(size)), key=_area)

    def tiled(self, size: tuple[int, int]) -> bool:
        """Whether a picture is larger than a tile."""
        return self.settings.tile is not None and self.settings.tile < max(size)

    def tiles(self, size: tuple[int, int]) -> list[tiling.Tile]:
        """Those of a picture, at the side that the settings say."""
        grid = tiling.grid(self.settings.layers, self.network.parameters)
        return grid.tiles(size, self.settings.tile)


# ---------------------------------------------------------------------------- memory


def memory_needed(case: RunSpec) -> int:
    """Bytes that all processes of the run take at its height: of the host, or of its GPU."""
    settings, size = case.settings, case.size
    crop = case.crop(size)
    tiled = case.tiled(size)
    on_cpu = case.device == "cpu"
    kept = _bytes_per_pixel(settings.layers)
    working = (WORKING if on_cpu else WORKING_ON_GPU) + (CUT if tiled else 0)
    evaluation = _area(crop) * (kept + working)
    pictures = PICTURES + _of_lbfgs(case)
    targets = _bytes_per_pixel(settings.content_layers) if settings.content_weight else 0
    targets *= 1 if settings.content_mask is None else 2
    lasting = _area(size) * (PICTURE * pictures + targets)
    if not on_cpu:
        return int(out_of_memory.BYTES_OVERHEAD + lasting + evaluation)
    once = _transformed(case.network, [case.crop(scale.size[::-1]) for scale in case.scales])
    needed = _at_first() + lasting + OVERHEAD
    if tiled and settings.processes > 1:
        own = _at_first() + once + evaluation + OVERHEAD
        return needed + settings.processes * own
    return needed + once + evaluation


@functools.cache
def _at_first() -> int:
    """Bytes of this program before its first run: what earlier runs left is used again."""
    return free_memory.used()


def _of_lbfgs(case: RunSpec) -> int:
    """Pictures' worth that L-BFGS takes beyond what every optimiser does.

    The steps and changes of its history; and a snapshot of all that it remembers, for checkpoints
    (the memory of evaluations is kept for the next one, so it cannot be used for that). Where
    another scale begins, there are the state of the one before, at half the size, and the
    enlarged one beside its own.
    """
    settings = case.settings
    if settings.optimizer != "lbfgs":
        return 0
    enlarging = 10 + 3 * settings.lbfgs_history if len(case.scales) > 1 else 0
    return 2 * settings.lbfgs_history + max(pictures_remembered(settings), enlarging)


def pictures_remembered(settings: Settings) -> int:
    """How many pictures' worth of memory an optimiser keeps from one iteration to the next."""
    if settings.optimizer == "lbfgs":       # points, gradients, a direction; the pairs
        return 5 + 2 * settings.lbfgs_history
    return 3 if settings.optimizer == "adam" else 1         # moments and the mean


def _area(size: tuple[int, int]) -> int:
    return size[0] * size[1]


def _bytes_per_pixel(layers: Collection[str]) -> float:
    """Of the features of ``layers``, per pixel of the picture."""
    total = 0.0
    for layer in layers:
        block = int(layer.removeprefix("conv").removeprefix("relu").removeprefix("pool")[0])
        channels = min(512, 32 * 2**block)
        total += 4 * channels / vgg.min_size([layer]) ** 2
    return total


def _transformed(network: vgg.Network, sizes: Collection[tuple[int, int]]) -> int:
    """Bytes of the weights as Winograd's algorithm wants them for pictures of these sizes.

    For an m×m tile of the result a kernel has (m + 2)² numbers: m is 4 forward, and up to 8
    backward, while a layer's numbers stay below 40 MB; less where a layer has few tiles. All of
    them are kept, those of coarser scales too.
    """
    total = 0
    for name, (weight, _) in network.parameters.items():
        filters, channels, *kernel = weight.shape
        if kernel != [3, 3] or min(filters, channels) < 16:
            continue
        used: set[int] = set()
        for size in sizes:
            used |= _tiles_of_result(filters * channels, _area(size) / vgg.min_size([name]) ** 2)
        total += sum(4 * (m + 2) ** 2 * filters * channels for m in used)
    return total


def _tiles_of_result(numbers: int, positions: float) -> set[int]:
    """The m of a layer with so many pairs of channels, forward and backward."""
    large = [m for m in (4, 6, 8)
             if 4 * (m + 2) ** 2 * numbers < 40 << 20 and positions > 17 * m * m]
    return {4 if positions > 17 * 16 else 2, max(large, default=2)}


# --------------------------------------------------------------------- making it fit


def fitted(case: RunSpec) -> Settings:
    """The settings with the tile, and the history of L-BFGS, that memory allows.

    Raises
    ------
    ArgumentError
        The tile is too small, or nothing fits.
    """
    settings = case.settings
    if settings.tile is not None:
        tiling.check_side(settings.tile, settings.layers)
    if settings.processes > 1 and case.device != "cpu":
        raise ArgumentError(f"processes is {settings.processes}, but on {case.device} one process "
                            f"computes all tiles; set it to 1, or choose device cpu")
    room = _room(case)
    if room is None:
        return settings
    for changes in _choices(case):
        chosen = dataclasses.replace(settings, **changes)
        if memory_needed(dataclasses.replace(case, settings=chosen)) <= room:
            return chosen
    raise ArgumentError(_too_large(case, dataclasses.replace(settings, **changes), room))


def lack_of_memory(case: RunSpec) -> str:
    """Why a run that has its tiles cannot go on, as part of a sentence; "" if it can.

    Without the reserve that `fitted` leaves: that was for whatever might change meanwhile.
    """
    room, needed = _room(case, reserve=1.0), memory_needed(case)
    if room is None or needed <= room:
        return ""
    return f"that takes about {in_bytes(needed)} of memory and {_said(case, room)}"


def _room(case: RunSpec, reserve: float = RESERVE) -> int | None:
    """Bytes that the run may take in all, with what this process has by now."""
    if case.settings.max_memory is not None:
        return case.settings.max_memory
    free = free_memory.available(case.device)
    if free is None:
        return None
    return int(reserve * free) + (free_memory.used() if case.device == "cpu" else 0)


def check_pictures(sizes: Collection[tuple[int, int]], settings: Settings) -> None:
    """Demand that there is room for the pictures themselves, before they are scaled to ``sizes``.

    Raises
    ------
    ArgumentError
        They alone, width × height, would take more memory than there is.
    """
    needed = SCALING * sum(map(_area, sizes))
    room = settings.max_memory or free_memory.available()
    if room is not None and needed > room:
        width, height = max(sizes, key=_area)
        said = "max-memory is" if settings.max_memory else "there are"
        raise ArgumentError(f"a picture of {width}×{height} pixels takes {in_bytes(needed)} of "
                            f"memory only to be there, but {said} {in_bytes(room)}; choose a "
                            f"smaller --size or --style-scale")


def share_of_memory(settings: Settings, device: str, programs: int) -> int | None:
    """Bytes for each of several programs that work on pictures of their own at the same time."""
    if settings.max_memory is not None:
        return settings.max_memory // programs
    free = free_memory.available(device)
    return None if free is None else int(RESERVE * free) // programs


def _said(case: RunSpec, room: int) -> str:
    return (f"max-memory is {in_bytes(room)}" if case.settings.max_memory is not None
            else f"{in_bytes(room)} are free")


def _choices(case: RunSpec) -> Iterator[dict[str, int | None]]:
    """From what is asked for to what needs least memory."""
    settings = case.settings
    history = settings.lbfgs_history
    shorter = [history, history // 2, MIN_HISTORY] if settings.optimizer == "lbfgs" else [history]
    shorter = [length for length in dict.fromkeys(shorter) if length >= min(history, MIN_HISTORY)]
    smallest = tiling.grid(settings.layers, case.network.parameters).smallest
    if settings.tile is not None:
        yield from ({"lbfgs_history": length} for length in shorter)
        return
    if settings.processes == 1:
        yield {}
    longest = -(-max(case.size) // (settings.processes * smallest)) * smallest
    for least, most in ((MIN_TILE, longest), (smallest, min(longest, MIN_TILE) - smallest)):
        for length in shorter:
            yield from ({"tile": side, "lbfgs_history": length}
                        for side in range(most, least - 1, -smallest))


def _too_large(case: RunSpec, least: Settings, room: int) -> str:
    height, width = case.size
    needed = memory_needed(dataclasses.replace(case, settings=least))
    tiles = "" if least.tile is None else f", even by tiles of {least.tile} pixels"
    return (f"{width}×{height} pixels need about {in_bytes(needed)} of memory{tiles}, but "
            f"{_said(case, room)}; choose a smaller --size, or a larger --max-memory")


# ------------------------------------------------------------------------------ time


def seconds_needed(case: RunSpec, done: int = 0) -> tuple[float, int]:
    """How long the run will take, and for how many iterations; the host only.

    Parameters
    ----------
    done : int
        Iterations that were done before, which cost nothing any more. The speed is that of a
        small evaluation.
    """
    height, width = case.size
    sample = min(height, SAMPLE), min(width, SAMPLE)
    speed = _seconds_per_pixel(case, sample)
    seconds, left = 0.0, 0
    for scale in case.scales:
        todo = max(0, scale.iterations - done)
        done = max(0, done - scale.iterations)
        seconds += todo * speed * _work(case, scale.size[::-1])
        left += todo
    return seconds, left


def _work(case: RunSpec, size: tuple[int, int]) -> float:
    """How many pixels' worth of an evaluation one iteration is."""
    if not case.tiled(size):
        return _area(size)
    # Forward twice and back once instead of both once, with halos.
    together = 1.5 * sum(_area(tile.size) for tile in case.tiles(size))
    return together / min(case.settings.processes, len(case.tiles(size)))


def _seconds_per_pixel(case: RunSpec, size: tuple[int, int]) -> float:
    noise = np.random.default_rng(0).uniform(-100, 100, (1, 3, *size)).astype(np.float32)
    picture = Tensor(noise, device=case.device)
    settings = dataclasses.replace(case.settings, blend=None)
    objective = Objective(case.network, settings, picture, picture)
    taken = []
    for _ in range(3):          # the first transforms the weights
        leaf = picture.detach().requires_grad_()
        start = time.perf_counter()
        with defer_interrupts():
            objective(leaf).total.backward()
        check_interrupt()
        taken.append(time.perf_counter() - start)
    return min(taken[1:]) / _area(size)


# ----------------------------------------------------------------------------- words


def in_words(case: RunSpec, done: int = 0) -> str:
    """One line about what is to come, if so many iterations were done before."""
    free = free_memory.available(case.device)
    free = "" if free is None else f" ({in_bytes(free)} more are free)"
    needs = f"needs about {in_bytes(memory_needed(case))} of memory{free}"
    if case.tiled(case.size):
        needs += (f", by {len(case.tiles(case.size))} tiles of {case.settings.tile} pixels at "
                  f"full size")
    if case.device != "cpu":
        return needs
    seconds, left = seconds_needed(case, done)
    each = seconds / max(1, left)
    return f"{needs} and {in_time(seconds)} ({each:.2g} s an iteration)"


def in_bytes(count: int) -> str:
    """As people say it: 850 MB, 3.2 GB."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{max(1, round(count / 1e6))} MB"


def in_time(seconds: float) -> str:
    """As people say it: 12 s, 3 min, 2.5 h."""
    if seconds < 100:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
