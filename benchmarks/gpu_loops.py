"""Whole loops of L-BFGS, evaluations included: nst.run's, and PyTorch's of the same length."""

from __future__ import annotations

import time
from typing import Any

import gpu_tasks as tasks

from minigrad import cuda

EVALUATIONS, MIN_EVALUATIONS = 200, 60      # at 512², and for larger pictures
SETUP_EVALUATIONS = 20      # of the loop that is subtracted: start-up and recording


def our_loop(weights: str, size: int, precision: str) -> dict[str, Any]:
    """Return seconds per evaluation of nst.run's loop, with L-BFGS and its bookkeeping.

    The time is the difference of two loops, after one that compiles, so it excludes the start of a
    loop.
    """
    from nst.optimize.loop import optimize

    tasks.release()
    count = loop_length(size)
    with cuda.matmul_precision(precision):
        task = tasks.Ours(weights, size)
        begin = task.picture.detach().clone()
        taken, made = [], []
        for iterations in (5, SETUP_EVALUATIONS, count):
            picture = begin.clone().requires_grad_()
            cuda.synchronize()
            start = time.perf_counter()
            progress = optimize(task.objective, picture, tasks.settings(),
                                iterations=iterations - 1)      # plus the first picture's
            cuda.synchronize()
            taken.append(time.perf_counter() - start)
            made.append(len(progress.history))
    return {"seconds": per_evaluation(taken, made), "evaluations": made[-1],
            "loss": min(entry.total for entry in progress.history)}


def per_evaluation(taken: list[float], made: list[int]) -> float:
    """Return seconds per evaluation, from the difference of the last two loops."""
    return (taken[-1] - taken[-2]) / (made[-1] - made[-2])


def torch_loop(weights: str, size: int, mode: str, only: str | None = None) -> dict[str, Any]:
    """Return the same for torch.optim.LBFGS, in the faster memory format.

    `only` names that format if it is already known.
    """
    with tasks.torch_precision(mode):
        return _torch_loop(weights, size, only)


def _torch_loop(weights: str, size: int, only: str | None) -> dict[str, Any]:
    import torch
    import torch_nst

    tasks.release()
    torch.cuda.empty_cache()
    made = {name: tasks.Torch(weights, size, name)
            for name in ([only] if only else torch_nst.FORMATS)}
    name = only or min(made, key=lambda name: tasks.median_seconds(
        made[name].evaluate, made[name].wait, 3))
    task, count = made[name], loop_length(size)
    begin = task.picture.detach().clone()
    taken, evaluated = [], []
    for evaluations in (5, SETUP_EVALUATIONS, count):
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
    """Return the number of evaluations that take about as long as `EVALUATIONS` at 512²."""
    return max(min(EVALUATIONS, MIN_EVALUATIONS), round(EVALUATIONS * min(1.0, (512 / size) ** 2)))
