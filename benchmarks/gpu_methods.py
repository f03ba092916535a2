"""Style transfers with the settings that users have, on a GPU: evaluations and whole jobs.

`gpu_tasks` measures Gatys' method, which PyTorch can be compared with. Here are the defaults, with
matrix roots, palette, regions, pyramid and margin, and the other style losses.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gpu_tasks as tasks
import style

from minigrad import cuda

LOSSES = ("w2", "gram", "swd", "remd")
WARMUP_EVALUATIONS = 6      # it is recorded in its third call
WARMUP_ITERATIONS = 4       # at each scale


def settings(preset: str = "balanced", **changes: Any) -> Any:
    """Return the settings of a preset, on the GPU, with changes."""
    from nst import Settings

    return Settings.preset(preset).replace(device="cuda", **changes)


@contextmanager
def last_scale(weights: str, size: int, **changes: Any) -> Iterator[Any]:
    """Yield the evaluation of loss and gradient at the last scale of a job, as the job calls it."""
    from nst.optimize.evaluation import LossAndGradient

    job = prepared(weights, size, **changes)
    scale = job.scales[-1]
    with job.on_device():
        reduced = job.inputs.reduced(scale.factor)
        picture = job.initial(reduced, scale).requires_grad_()
        run = LossAndGradient(job.objective(reduced, scale), picture)
        for number in range(WARMUP_EVALUATIONS):
            run(number)
        yield run


def evaluation(weights: str, size: int, **changes: Any) -> dict[str, Any]:
    """Measure loss and gradient at the last scale of a job: seconds, and those of the palette."""
    with last_scale(weights, size, **changes) as run:
        result = {"seconds": _seconds(run), **_recording(run.recording)}
        run.objective.palette_targets, run.palette = [], None
        result["seconds_without_palette"] = _seconds(run)
        result["launches"] = _launches(run.objective, run.picture.detach().requires_grad_())
    del run
    tasks.release()
    return result


def _launches(objective: Any, picture: Any) -> int:
    return tasks.count_launches(lambda: objective(picture).total.backward())


def _seconds(run: Any) -> float:
    return tasks.median_seconds(run, cuda.synchronize, 5, 0.05)


def _recording(recording: Any) -> dict[str, Any]:
    if recording is None:
        return {"recorded": False, "refusal": "every evaluation is another function"}
    return {"recorded": recording.recorded, "refusal": recording.refusal}


def prepared(weights: str, size: int, preset: str = "balanced", **changes: Any) -> Any:
    """Return a job on the demonstration's pictures, `size` pixels square."""
    from nst.job.transfer import prepare

    content, painting = style.pictures(size)
    return prepare(content, painting, settings(
        preset, size=size, weights=weights, **changes))


def compile_kernels(weights: str, size: int, preset: str = "balanced") -> None:
    """Run a job that is shorter, but has the same scales."""
    count = len(prepared(weights, size, preset).scales)
    prepared(weights, size, preset, scales=count, iterations=WARMUP_ITERATIONS * count).run()
    tasks.release()


def whole_job(weights: str, size: int, preset: str) -> dict[str, Any]:
    """Measure a whole job: seconds, of them for preparation; bytes, and what was estimated.

    A shorter job before it compiles all kernels.
    """
    from nst.job.memory_model import memory_needed

    compile_kernels(weights, size, preset)
    before = cuda.memory_reserved()
    with tasks.peak_of_arrays() as peak:
        start = time.perf_counter()
        job = prepared(weights, size, preset)
        ready = time.perf_counter()
        result = job.run()
        cuda.synchronize()
        end = time.perf_counter()
        held = cuda.memory_reserved() - before
    facts = {"seconds": end - start, "preparation_seconds": ready - start,
             "evaluations": len(result.history) - 1, "iteration_seconds": result.seconds,
             "peak_bytes": peak.bytes, "reserved_bytes": held,
             "scale_seconds": [_median_of_scale(result.history, scale.number)
                               for scale in job.scales],
             "estimated_bytes": memory_needed(job.spec), "loss": result.history[-1].total,
             "regions": job.settings.regions, "ended": result.ended}
    del result, job
    tasks.release()
    return facts


def _median_of_scale(history: Any, number: int) -> float:
    """Return the median seconds of an iteration at one scale."""
    return statistics.median([entry.seconds for entry in history if entry.scale == number])
