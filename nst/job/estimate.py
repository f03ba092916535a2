"""The duration of a run, estimated before it starts, and a line that describes it.

The estimate measures an evaluation of a small picture on this machine, under its current load.
"""

from __future__ import annotations

import time

import numpy as np

from minigrad import Tensor
from nst.job.memory_model import RunSpec, area, memory_needed
from nst.loss.objective import Objective
from nst.loss.sampled import SampledObjective
from nst.system import free_memory
from nst.system.signals import check_interrupt, defer_interrupts
from nst.system.units import in_bytes, in_time

SAMPLE = 384                # pixels: side of the picture that is timed


def seconds_needed(spec: RunSpec, done: int = 0) -> tuple[float, int]:
    """Seconds and number of the remaining iterations, on the CPU.

    Parameters
    ----------
    done : int
        Iterations that a resumed run has completed.
    """
    height, width = spec.size
    per_pixel = _seconds_per_pixel(spec, (min(height, SAMPLE), min(width, SAMPLE)))
    seconds, left = 0.0, 0
    for scale in spec.scales:
        remaining = max(0, scale.iterations - done)
        done = max(0, done - scale.iterations)
        seconds += remaining * per_pixel * _cost(spec, scale.computed_size)
        left += remaining
    return seconds, left


def in_words(spec: RunSpec, done: int = 0) -> str:
    """One line about the memory and time that a run needs; `done` as for `seconds_needed`."""
    free = free_memory.available(spec.device)
    more = "" if free is None else f" ({in_bytes(free)} available)"
    needs = f"needs about {in_bytes(memory_needed(spec))} of memory{more}"
    tiles = spec.tiles(spec.size)
    if tiles:
        needs += f", in {len(tiles)} tiles of {spec.plan.tile} pixels at full size"
    if spec.device != "cpu":
        return needs
    seconds, left = seconds_needed(spec, done)
    each = seconds / max(1, left)
    return f"{needs} and {in_time(seconds)} ({each:.2g} s per iteration)"


def _cost(spec: RunSpec, size: tuple[int, int]) -> float:
    """The cost of one iteration, in pixels of an untiled evaluation."""
    tiles = spec.tiles(size)
    if not tiles:
        return area(size)
    # Twice forward and once backward instead of once each, with halos.
    total = 1.5 * sum(area(tile.size) for tile in tiles)
    return total / min(spec.settings.processes, len(tiles))


@np.errstate(all="ignore")          # a run says itself what is not finite
def _seconds_per_pixel(spec: RunSpec, size: tuple[int, int]) -> float:
    noise = np.random.default_rng(0).uniform(-100, 100, (1, 3, *size)).astype(np.float32)
    picture = Tensor(noise, device=spec.device)
    settings = spec.settings.replace(blend=None)
    objective = (SampledObjective if settings.sampled else Objective)(
        spec.network, settings, picture, picture)
    times = []
    for _ in range(3):          # the first one transforms the weights
        leaf = picture.detach().requires_grad_()
        start = time.perf_counter()
        with defer_interrupts():
            objective(leaf).total.backward()
        check_interrupt()
        times.append(time.perf_counter() - start)
    return min(times[1:]) / area(size)
