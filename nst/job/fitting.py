"""The choice of a tile and an L-BFGS history with which a run fits into memory."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from minigrad.errors import ArgumentError
from nst.config.settings import Settings
from nst.job.memory_model import MemoryPlan, RunSpec, memory_needed
from nst.loss import tiling
from nst.system import free_memory
from nst.system.units import in_bytes

MIN_TILE = 512              # below this, halos cost more than a shorter L-BFGS history
MIN_HISTORY = 3
RESERVE = 0.9               # fraction of free memory used by default


def fit_to_memory(spec: RunSpec) -> Settings:
    """The settings with the largest tile and L-BFGS history that fit into memory.

    Raises
    ------
    ArgumentError
        The requested tile is too small, or nothing fits.
    """
    settings = spec.settings
    if settings.tile is not None:
        tiling.check_side(settings.tile, settings.layers)
    if settings.processes > 1 and spec.device != "cpu":
        raise ArgumentError(f"processes is {settings.processes}, but on {spec.device} one process "
                            f"computes all tiles; set it to 1, or choose device cpu")
    available = _available(spec)
    if available is None:
        return settings
    candidate = spec
    for plan in candidates(spec):
        candidate = dataclasses.replace(spec, memory=plan)
        if memory_needed(candidate) <= available:
            return settings if plan == spec.plan else dataclasses.replace(
                settings, tile=plan.tile, lbfgs_history=plan.lbfgs_history)
    raise ArgumentError(_too_large(candidate, available))


def memory_shortage(spec: RunSpec) -> str:
    """The end of a sentence about why a run cannot continue; "" if it can.

    All free memory counts; the reserve of `fit_to_memory` is for changes during a run.
    """
    available, needed = _available(spec, reserve=1.0), memory_needed(spec)
    if available is None or needed <= available:
        return ""
    return f"which takes about {in_bytes(needed)} of memory, but {_limit(spec, available)}"


def share_of_memory(settings: Settings, device: str, programs: int) -> int | None:
    """Bytes for each of several programs that run at the same time; None if unknown."""
    if settings.max_memory is not None:
        return settings.max_memory // programs
    free = free_memory.available(device)
    return None if free is None else int(RESERVE * free) // programs


def candidates(spec: RunSpec) -> Iterator[MemoryPlan]:
    """Plans in order of preference: the requested one first, the smallest last."""
    settings, requested = spec.settings, spec.plan
    history = requested.lbfgs_history
    lengths = [history, history // 2, MIN_HISTORY] if settings.optimizer == "lbfgs" else [history]
    lengths = [length for length in dict.fromkeys(lengths) if length >= min(history, MIN_HISTORY)]
    smallest = tiling.grid(settings.layers, spec.network.parameters).smallest
    if requested.tile is not None or settings.sampled:
        yield from (MemoryPlan(requested.tile, length) for length in lengths)
        return
    if settings.processes == 1:
        yield requested
    longest = -(-max(spec.size) // (settings.processes * smallest)) * smallest
    for low, high in ((MIN_TILE, longest), (smallest, min(longest, MIN_TILE) - smallest)):
        for length in lengths:
            yield from (MemoryPlan(side, length) for side in range(high, low - 1, -smallest))


def _available(spec: RunSpec, reserve: float = RESERVE) -> int | None:
    """Total bytes that the run may use, including those that this process uses already."""
    if spec.settings.max_memory is not None:
        return spec.settings.max_memory
    free = free_memory.available(spec.device)
    if free is None:
        return None
    return int(reserve * free) + (free_memory.used() if spec.device == "cpu" else 0)


def _limit(spec: RunSpec, available: int) -> str:
    return (f"max-memory is {in_bytes(available)}" if spec.settings.max_memory is not None
            else f"{in_bytes(available)} are available")


def _too_large(smallest: RunSpec, available: int) -> str:
    width, height = smallest.scales[-1].size
    side = smallest.plan.tile
    sampled = smallest.settings.sampled
    tiles = "" if side is None else f", even in tiles of {side} pixels"
    advice = "choose a smaller --size, or a larger --max-memory"
    if sampled:
        tiles = f", because {sampled} cannot be computed by tiles"
        advice = ("choose a smaller --size, a larger --max-memory, or --style-loss w2 with "
                  "--content-loss features")
    return (f"{width}×{height} pixels need about {in_bytes(memory_needed(smallest))} of "
            f"memory{tiles}, but {_limit(smallest, available)}; {advice}")
