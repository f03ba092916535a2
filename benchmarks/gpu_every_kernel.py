"""Run every kernel once for compute-sanitizer, at odd sizes and without CuPy's memory pool.

    compute-sanitizer --tool memcheck python benchmarks/gpu_every_kernel.py

Each array is a separate allocation, so that any access outside its bounds is detected.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import common
import gpu_play
import numpy as np

import minigrad as mg
import minigrad.functional as F
from minigrad import backend, cuda, optim
from minigrad.command_line import Parser
from minigrad.errors import ArgumentError
from minigrad.kernels.conv import ALGORITHMS
from minigrad.kernels.cuda import winograd

SHAPES = ((2, 16, 24, 13, 21), (1, 17, 33, 9, 10), (1, 3, 40, 7, 5),    # N, C, filters, H, W
          (1, 64, 64, 18, 17), (2, 3, 64, 9, 34))
LENGTH = 70_001                 # of the optimisers' vectors: several blocks and a partial one
PORTION = 200_000               # bytes of Winograd planes, few enough for several portions


def images(rng: np.random.Generator, algorithm: str) -> None:
    """Run convolution, padding, pooling and Gram matrices, forward and backward."""
    for n, channels, filters, height, width in SHAPES:
        with mg.conv_algorithm(algorithm):
            x = _leaf(rng, n, channels, height, width)
            weight = _leaf(rng, filters, channels, 3, 3)
            y = F.conv2d_relu(F.pad(x, 1, "reflect"), weight, mg.zeros(filters, device="cuda"))
            z = F.gram_matrix(F.max_pool2d(y, 2)).sum() + F.avg_pool2d(y, 3, 2, 1).sum()
            z = z + F.max_pool2d(y, 3, 2, 1).sum() + F.mse_loss(y, 0.5 * y.detach())
            z = z + _statistics(y)
            z.backward()
            _require_finite(z, x.grad, weight.grad)


def _statistics(y: mg.Tensor) -> mg.Tensor:
    """Moment matrices, of everything and of regions, and the root of a covariance."""
    window = F.Window(1, y.shape[2] - 1, 1, y.shape[3] - 2)
    moments = F.moment_matrix(y, window)
    shape = window.bottom - window.top, window.right - window.left
    weights = mg.ones(2, *shape, device="cuda") / 2
    regions = F.weighted_moment_matrices(y, weights, window)
    covariance = moments[:, :-1, :-1] / moments[:, -1:, -1:].detach()
    return F.trace_sqrt(covariance).sum() + moments.sum() + regions.sum()


def optimisers(rng: np.random.Generator) -> None:
    """Run three steps of each optimiser that has its own kernels."""
    for make in (optim.Adam, lambda parameters: optim.LBFGS(parameters, max_iter=4)):
        x = _leaf(rng, LENGTH)
        optimiser = make([x])

        def closure(x: Any = x) -> Any:
            x.grad = None
            loss = F.mse_loss(x, 0.5 * x.detach(), reduction="sum")
            loss.backward()
            return loss

        for _ in range(3):
            optimiser.step(closure)
        _require_finite(x)


def _leaf(rng: np.random.Generator, *shape: int) -> Any:
    return mg.tensor(rng.standard_normal(shape).astype("f"), requires_grad=True, device="cuda")


def _require_finite(*tensors: Any) -> None:
    for tensor in tensors:
        if not np.isfinite(tensor.numpy()).all():
            raise ArgumentError(f"a result of shape {tensor.shape} is not finite")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = Parser(hint=common.HINT, prog="gpu_every_kernel",
                    description=__doc__.partition("\n")[0])
    parser.add_argument("--play", action="store_true",
                        help="rehearse: simulate the GPU on the host")
    if parser.parse_args(arguments).play:
        gpu_play.install()
    if cuda.missing():
        raise ArgumentError(cuda.missing())
    library = backend.cuda_library()
    if hasattr(library.cuda, "set_allocator"):
        library.cuda.set_allocator(None)
    winograd.MIN_PORTION = PORTION
    rng = np.random.default_rng(0)
    for algorithm in ALGORITHMS:
        if algorithm not in ("loops", "winograd8"):     # which a GPU does not have
            for precision in ("highest", "high"):
                with cuda.matmul_precision(precision):
                    images(rng, algorithm)
                print(f"{algorithm}, {precision}", flush=True)
    optimisers(rng)
    print("optimisers", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(common.run("gpu_every_kernel", main))
