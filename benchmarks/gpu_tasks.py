"""Evaluations of a style transfer by this project and by PyTorch, on one GPU.

An evaluation is loss and gradient. The peak rates of the device are measured here as well. Whole
loops are in gpu_loops.py, parts of an evaluation in gpu_pieces.py.
"""

from __future__ import annotations

import copy
import functools
import importlib.util
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import style

from minigrad import Tensor, backend, cuda
from minigrad.kernels.cuda import blas, compiler

# The different convolutions of VGG19 up to conv5_1: channels, filters, the picture's side divided
# by the layer's, and how many layers are alike.
LAYERS = {"conv1_1": (3, 64, 1, 1), "conv1_2": (64, 64, 1, 1), "conv2_1": (64, 128, 2, 1),
          "conv2_2": (128, 128, 2, 1), "conv3_1": (128, 256, 4, 1), "conv3_2": (256, 256, 4, 3),
          "conv4_1": (256, 512, 8, 1), "conv4_2": (512, 512, 8, 3), "conv5_1": (512, 512, 16, 1)}
DEEPEST_LAYER = "relu5_1"       # that a style transfer uses
COPY_NUMBERS = 1 << 28      # float32: 1 GB, far more than any cache
PRODUCT_SIDE = 8192         # of the square matrices whose product measures the peak rate
MAX_SECONDS = 1.5           # for measuring one thing
TORCH_DEVICE = "cuda"
# PyTorch's modes: float32 throughout; its default (TF32 in convolutions, float32 in matrix
# products); TF32 throughout. The values: whether convolutions and products may use TF32.
TORCH_MODES = {"strict": (False, False), "default": (True, False), "TF32": (True, True)}


def settings() -> Any:
    """Return the settings of all style transfers here: Gatys' method, at one size throughout."""
    from nst import Settings

    return Settings.preset("gatys")


def has_module(name: str) -> bool:
    """Return whether a module could be imported, without importing it."""
    return importlib.util.find_spec(name) is not None


def has_torch() -> bool:
    """Return whether PyTorch is installed and can use the GPU.

    CuPy must load its cuBLAS first, because PyTorch brings another one.
    """
    if not has_module("torch"):
        return False
    backend.cuda_library()
    import torch

    return torch.cuda.is_available()


def operations_per_pixel() -> float:
    """Return the operations of the definition per pixel, forward and input gradient."""
    return 4 * sum(9 * c * k * count / part ** 2 for c, k, part, count in LAYERS.values())


def bytes_per_pixel() -> float:
    """Return the minimum traffic: each float32 image read and written once, in both directions."""
    return 2 * 4 * sum((c + k) * count / part ** 2 for c, k, part, count in LAYERS.values())


def median_seconds(function: Callable[[], Any], wait: Callable[[], Any], repeats: int = 7,
                   min_seconds: float = 0.02) -> float:
    """Return the median seconds per call over rows of calls.

    The device is idle before and after each row. A row has as many calls as take `min_seconds`.
    Long calls have fewer rows: three, or as many as take `MAX_SECONDS`.
    """
    function()
    wait()
    start = time.perf_counter()
    function()
    wait()
    once = max(time.perf_counter() - start, 1e-6)
    calls = max(1, min(100, int(min_seconds / once)))
    rows = []
    for _ in range(min(repeats, max(3, int(MAX_SECONDS / (calls * once))))):
        start = time.perf_counter()
        for _ in range(calls):
            function()
        wait()
        rows.append((time.perf_counter() - start) / calls)
    return statistics.median(rows)


# ------------------------------------------------------------------------- the peak rates


def ceilings() -> dict[str, float]:
    """Return bytes per second of a large copy, and operations per second of a large product."""
    xp = backend.cuda_library()
    result = {"copy_bytes_per_second": _copy_rate(xp)}
    n = PRODUCT_SIDE
    rng = np.random.default_rng(0)
    a = xp.asarray(rng.standard_normal((1, n, n), np.float32))
    out = xp.empty((1, n, n), dtype=np.float32)
    for name in blas.PRECISIONS:
        with cuda.matmul_precision(name):
            result[f"operations_per_second_{name}"] = 2 * n ** 3 / median_seconds(
                lambda: blas.multiply(xp, a, a, out), cuda.synchronize, repeats=5)
    return result


def _copy_rate(xp: Any) -> float:
    source = xp.zeros(COPY_NUMBERS, dtype=np.float32)
    target = xp.empty(COPY_NUMBERS, dtype=np.float32)
    return 2 * source.nbytes / median_seconds(lambda: xp.copyto(target, source), cuda.synchronize)


# -------------------------------------------------------------------------- evaluations


def network_of(weights: str) -> Any:
    """Return the network on the device, up to the deepest layer that is used."""
    from nst.model import weights as nst_weights

    return nst_weights.load(weights, DEEPEST_LAYER, "cuda")


known_network = functools.lru_cache(network_of)     # shared by all, with its transformed weights


class Ours:
    """One evaluation of a style transfer, as nst.run does it."""

    def __init__(self, weights: str, size: int, dtype: str = "float32", *,
                 load: Callable[[str], Any] | None = None) -> None:
        import dataclasses

        from nst.loss.objective import Objective
        from nst.pictures import tensors

        network = (load or network_of)(weights)
        if dtype != "float32":
            network = dataclasses.replace(network, parameters={
                name: tuple(part.to(dtype) for part in parts)
                for name, parts in network.parameters.items()})
        content, painting = (tensors.to_tensor(picture, network, "cuda").to(dtype)
                             for picture in style.pictures(size))
        self.objective = Objective(network, settings(), content, painting)
        self.picture: Tensor = (0.5 * (content + painting)).detach().requires_grad_()

    def plain(self) -> float:
        """Compute loss and gradient operation by operation, without a recording."""
        self.picture.grad = None
        total = self.objective(self.picture).total
        total.backward()
        return total.item()

    def passes(self) -> Any:
        """Call the evaluation as nst.run does: recorded after two calls."""
        from nst.optimize.evaluation import LossAndGradient

        return LossAndGradient(self.objective, self.picture)

    def result(self) -> tuple[float, np.ndarray]:
        """Return loss and gradient, computed operation by operation."""
        return self.plain(), self.picture.grad.numpy()


class Torch:
    """One evaluation by PyTorch, eager, in one of its memory formats."""

    def __init__(self, weights: str, size: int, memory_format: str) -> None:
        import torch
        import torch_nst

        network = copy.copy(_torch_network(weights))
        layout = torch_nst.FORMATS[memory_format]
        network.to(layout)
        network.parameters = {name: (weight.to(TORCH_DEVICE), bias.to(TORCH_DEVICE))
                              for name, (weight, bias) in network.parameters.items()}
        content, painting = (network.to_tensor(picture).to(TORCH_DEVICE).contiguous(
            memory_format=layout) for picture in style.pictures(size))
        self.loss = torch_nst.Loss(network, content, painting)
        # PyTorch's L-BFGS needs it contiguous; the format of the weights determines the rest.
        self.picture = (0.5 * (content + painting)).clone(
            memory_format=torch.contiguous_format).requires_grad_()
        self.wait = torch.cuda.synchronize

    def evaluate(self) -> float:
        """Compute loss and gradient."""
        self.picture.grad = None
        loss = self.loss(self.picture)
        loss.backward()
        return loss.item()

    def result(self) -> tuple[float, np.ndarray]:
        """Return loss and gradient."""
        return self.evaluate(), self.picture.grad.contiguous().cpu().numpy()


@contextmanager
def torch_precision(mode: str) -> Iterator[None]:
    """Use one of `TORCH_MODES` within a `with` statement; cuDNN chooses the fastest algorithm."""
    import torch

    convolutions, products = TORCH_MODES[mode]
    matmul = torch.backends.cuda.matmul
    before = matmul.allow_tf32
    # Plain assignments to cuDNN's flags raise an error once torch.testing has been imported.
    with torch.backends.cudnn.flags(enabled=True, benchmark=True, allow_tf32=convolutions):
        matmul.allow_tf32 = products
        try:
            yield
        finally:
            matmul.allow_tf32 = before


def our_iteration(weights: str, size: int, precision: str) -> dict[str, Any]:
    """Measure an evaluation: seconds, plain and recorded; kernels started; bytes of memory.

    `peak_bytes` is the peak of all arrays, weights included, above the level before;
    `reserved_bytes` is the memory held by the pools. Neither includes cuBLAS's workspace.
    """
    warm()
    before = cuda.memory_reserved()
    with cuda.matmul_precision(precision), peak_of_arrays() as peak:
        task = Ours(weights, size)
        run = task.passes()
        for _ in range(4):
            run()
        result = {"peak_bytes": peak.bytes, "reserved_bytes": cuda.memory_reserved() - before,
                 "recorded": run.recording.recorded, "refusal": run.recording.refusal}
        result["seconds"] = median_seconds(run, cuda.synchronize, min_seconds=0.06)
        del run
        release()
        result["plain_seconds"] = median_seconds(task.plain, cuda.synchronize, 3, min_seconds=0.06)
        result["launches"] = count_launches(task.plain)
    del task
    release()
    return result


def recorded_seconds(weights: str, size: int) -> float:
    """Return the seconds of a recorded evaluation."""
    run = Ours(weights, size, load=known_network).passes()
    for _ in range(4):
        run()
    seconds = median_seconds(run, cuda.synchronize, 5, 0.05)
    del run
    release()
    return seconds


def peak_of_arrays() -> Any:
    """Measure the peak of all arrays' bytes within a `with` statement, above the level before.

    It counts the blocks that the pools hand out, like PyTorch's max_memory_allocated.
    """
    class Peak(backend.cuda_library().cuda.MemoryHook):
        name = "peak of arrays"
        bytes = now = 0

        def malloc_postprocess(self, **facts: int) -> None:
            if facts["mem_ptr"]:
                self.now += facts["mem_size"]
                self.bytes = max(self.bytes, self.now)

        def free_postprocess(self, **facts: int) -> None:
            self.now -= facts["mem_size"]

    return Peak()


def count_launches(function: Callable[[], Any]) -> int:
    """Return how many of our own kernels and products one call starts (not CuPy's)."""
    count = [0]

    def counting(original: Callable) -> Callable:
        def call(*args: Any, **named: Any) -> Any:
            count[0] += 1
            return original(*args, **named)
        return call

    holders = [module for name, module in list(sys.modules.items())
               if name.startswith("minigrad.kernels.cuda.") and hasattr(module, "launch")]
    original, multiply = compiler.launch, blas.multiply
    try:
        for module in holders:
            module.launch = counting(original)
        blas.multiply = counting(multiply)
        function()
    finally:
        for module in holders:
            module.launch = original
        blas.multiply = multiply
    return count[0]


@functools.lru_cache
def _torch_network(weights: str) -> Any:
    """Read the network on the host, in PyTorch's default memory format."""
    import torch_nst

    return torch_nst.Network(weights)


def torch_iteration(weights: str, size: int, mode: str, only: str | None = None
                    ) -> dict[str, Any]:
    """Return seconds in the faster memory format, and peaks in the one that needs less memory.

    `only` names the format to use if the faster one is already known.
    """
    import torch
    import torch_nst

    result = {}
    with torch_precision(mode):
        warm = torch.ones(8, 8, device=TORCH_DEVICE)
        warm.mm(warm)                               # allocates cuBLAS's workspace
        for name in [only] if only else torch_nst.FORMATS:
            release()
            torch.cuda.empty_cache()
            before = torch.cuda.memory_allocated(), torch.cuda.memory_reserved()
            task = Torch(weights, size, name)
            for _ in range(2):
                task.evaluate()
            torch.cuda.empty_cache()                # cuDNN's trials need extra memory
            torch.cuda.reset_peak_memory_stats()
            seconds = median_seconds(task.evaluate, task.wait, min_seconds=0.06)
            result[name] = {"seconds": seconds,
                            "peak_bytes": torch.cuda.max_memory_allocated() - before[0],
                            "reserved_bytes": torch.cuda.max_memory_reserved() - before[1]}
            del task
    fast = min(result, key=lambda name: result[name]["seconds"])
    lean = min(result, key=lambda name: result[name]["peak_bytes"])
    return {**result[lean], "seconds": result[fast]["seconds"], "fast_format": fast,
            "lean_format": lean}


def release() -> None:
    """Release the memory that recordings and pools keep."""
    cuda.empty_cache()


def warm() -> None:
    """Allocate cuBLAS's workspace, and nothing else."""
    xp = backend.cuda_library()
    blas.multiply(xp, *[xp.zeros((1, 8, 8), dtype=np.float32) for _ in range(3)])
    release()
