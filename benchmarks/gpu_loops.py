"""A whole loop of L-BFGS, evaluations included: nst.run's, and PyTorch's of the same length."""

from __future__ import annotations

import time
from typing import Any

import gpu_tasks as tasks

from minigrad import cuda

EVALUATIONS, FEWEST = 200, 60       # at 512², and where they take longer


def our_loop(weights: str, size: int, precision: str) -> dict[str, Any]:
    """Seconds per evaluation of nst.run's loop, L-BFGS and all that is noted included.

    The second of two loops: the first one compiles.
    """
    from nst.optimise import optimise

    tasks.release()
    count = loop_length(size)
    with cuda.matmul_precision(precision):
        task = tasks.Ours(weights, size)
        begin = task.picture.detach().clone()
        for iterations in (5, count):
            picture = begin.clone().requires_grad_()
            cuda.synchronize()
            start = time.perf_counter()
            progress = optimise(task.objective, picture, tasks.settings(),
                                iterations=iterations - 1)      # and the first picture
            cuda.synchronize()
            seconds = time.perf_counter() - start
    evaluations = len(progress.history)
    return {"seconds": seconds / evaluations, "evaluations": evaluations,
            "loss": min(entry.total for entry in progress.history)}


def torch_loop(weights: str, size: int, mode: str, only: str | None = None) -> dict[str, Any]:
    """The same by torch.optim.LBFGS, in the memory format whose evaluations are faster.

    ``only`` is that one if it is known.
    """
    import torch
    import torch_nst

    tasks.set_torch_precision(mode)
    tasks.release()
    torch.cuda.empty_cache()
    made = {name: tasks.Torch(weights, size, name)
            for name in ([only] if only else torch_nst.FORMATS)}
    name = only or min(made, key=lambda name: tasks.median_seconds(
        made[name].evaluate, made[name].wait, 3))
    task, count = made[name], loop_length(size)
    begin = task.picture.detach().clone()
    for evaluations in (5, count):
        picture = begin.clone().requires_grad_()
        task.wait()
        start = time.perf_counter()
        losses = torch_nst.minimise(task.loss, picture, evaluations)
        task.wait()
        seconds = time.perf_counter() - start
    return {"seconds": seconds / len(losses), "evaluations": len(losses), "loss": min(losses),
            "fast_format": name}


def loop_length(size: int) -> int:
    """Evaluations: as many as take about the time of `EVALUATIONS` at 512²."""
    return max(min(EVALUATIONS, FEWEST), round(EVALUATIONS * min(1.0, (512 / size) ** 2)))
