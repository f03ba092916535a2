"""A whole loop of L-BFGS, evaluations included: nst.run's, and PyTorch's of the same length."""

from __future__ import annotations

import time
from typing import Any

import gpu_tasks as tasks

from minigrad import cuda

EVALUATIONS, FEWEST = 200, 60       # at 512², and where they take longer
AT_FIRST = 20                       # evaluations of a loop that is taken off: start-up, recording


def our_loop(weights: str, size: int, precision: str) -> dict[str, Any]:
    """Seconds per evaluation of nst.run's loop, L-BFGS and all that is noted included.

    The difference of two loops, after one that compiles: without what a loop begins with.
    """
    from nst.optimize.loop import optimize

    tasks.release()
    count = loop_length(size)
    with cuda.matmul_precision(precision):
        task = tasks.Ours(weights, size)
        begin = task.picture.detach().clone()
        taken, made = [], []
        for iterations in (5, AT_FIRST, count):
            picture = begin.clone().requires_grad_()
            cuda.synchronize()
            start = time.perf_counter()
            progress = optimize(task.objective, picture, tasks.settings(),
                                iterations=iterations - 1)      # and the first picture
            cuda.synchronize()
            taken.append(time.perf_counter() - start)
            made.append(len(progress.history))
    return {"seconds": per_evaluation(taken, made), "evaluations": made[-1],
            "loss": min(entry.total for entry in progress.history)}


def per_evaluation(taken: list[float], made: list[int]) -> float:
    """Seconds for each of the evaluations by which the last loop is longer than the one before."""
    return (taken[-1] - taken[-2]) / (made[-1] - made[-2])


def torch_loop(weights: str, size: int, mode: str, only: str | None = None) -> dict[str, Any]:
    """The same by torch.optim.LBFGS, in the memory format whose evaluations are faster.

    `only` is that one if it is known.
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
    taken, evaluated = [], []
    for evaluations in (5, AT_FIRST, count):
        picture = begin.clone().requires_grad_()
        task.wait()
        start = time.perf_counter()
        losses = torch_nst.minimise(task.loss, picture, evaluations)
        task.wait()
        taken.append(time.perf_counter() - start)
        evaluated.append(len(losses))
    return {"seconds": per_evaluation(taken, evaluated), "evaluations": len(losses),
            "loss": min(losses), "fast_format": name}


def loop_length(size: int) -> int:
    """Evaluations: as many as take about the time of `EVALUATIONS` at 512²."""
    return max(min(EVALUATIONS, FEWEST), round(EVALUATIONS * min(1.0, (512 / size) ** 2)))
