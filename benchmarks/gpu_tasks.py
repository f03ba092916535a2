"""What gpu.py measures: style transfer by this project and by PyTorch, on one GPU.

One evaluation of loss and gradient, and what the device can do at best. Whole loops are in
gpu_loops.py, parts of an evaluation in gpu_pieces.py.
"""

from __future__ import annotations

import copy
import functools
import importlib.util
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import style

from minigrad import Tensor, backend, cuda
from minigrad.kernels.cuda import blas, compiler

# The convolutions of VGG19 up to conv5_1 that differ: channels, filters, side as a part of the
# picture's, and how many there are of each.
LAYERS = {"conv1_1": (3, 64, 1, 1), "conv1_2": (64, 64, 1, 1), "conv2_1": (64, 128, 2, 1),
          "conv2_2": (128, 128, 2, 1), "conv3_1": (128, 256, 4, 1), "conv3_2": (256, 256, 4, 3),
          "conv4_1": (256, 512, 8, 1), "conv4_2": (512, 512, 8, 3), "conv5_1": (512, 512, 16, 1)}
DEEPEST = "relu5_1"         # layer that a style transfer looks at
COPY_NUMBERS = 1 << 28      # float32: 1 GB, far more than any cache
PRODUCT_SIDE = 8192         # of the square matrices whose product is the ceiling of products
MAX_SECONDS = 1.5           # for measuring one thing
TORCH_DEVICE = "cuda"
# How PyTorch computes: float32 throughout; as it comes (TF32 in convolutions, float32 in products
# of matrices); TF32 throughout. Convolutions and products: whether TF32 is allowed.
TORCH_MODES = {"strict": (False, False), "default": (True, False), "TF32": (True, True)}


def settings() -> Any:
    """Of all the style transfers here: those of Gatys, at one size from beginning to end."""
    from nst import Settings

    return Settings.preset("gatys")


def has_module(name: str) -> bool:
    """Whether it could be imported; it is not."""
    return importlib.util.find_spec(name) is not None


def has_torch() -> bool:
    """Whether there is a PyTorch that can use the GPU.

    CuPy must have loaded its cuBLAS before: PyTorch brings another one.
    """
    if not has_module("torch"):
        return False
    backend.cuda_library()
    import torch

    return torch.cuda.is_available()


def operations_per_pixel() -> float:
    """Multiplications and additions of an evaluation, forward and input gradient, by definition."""
    return 4 * sum(9 * c * k * count / part ** 2 for c, k, part, count in LAYERS.values())


def bytes_per_pixel() -> float:
    """What must move at the least: every float32 image read once and written once, both ways."""
    return 2 * 4 * sum((c + k) * count / part ** 2 for c, k, part, count in LAYERS.values())


def median_seconds(function: Callable[[], Any], wait: Callable[[], Any], repeats: int = 7,
                   min_seconds: float = 0.02) -> float:
    """Seconds of one call, with the device idle before and after a row of calls: the median.

    A row is as many calls as take `min_seconds`. Of long ones there are fewer rows: three, or
    as many as take `MAX_SECONDS`.
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


# --------------------------------------------------------------------------- the ceilings


def ceilings() -> dict[str, float]:
    """Bytes per second of a large copy, and operations per second of a large product."""
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
    """The network on the device, as deep as it is looked at."""
    from nst.model import weights as nst_weights

    return nst_weights.load(weights, DEEPEST, "cuda")


known_network = functools.lru_cache(network_of)     # one for all, with what was derived from it


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
        """Loss and gradient, operation by operation."""
        self.picture.grad = None
        total = self.objective(self.picture).total
        total.backward()
        return total.item()

    def passes(self) -> Any:
        """What nst.run calls: recorded after two calls."""
        from nst.optimize.evaluation import LossAndGradient

        return LossAndGradient(self.objective, self.picture)

    def result(self) -> tuple[float, np.ndarray]:
        """Loss and gradient as they come from operation by operation."""
        return self.plain(), self.picture.grad.numpy()


class Torch:
    """The same by PyTorch, eager, in one of its memory formats."""

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
        # PyTorch's L-BFGS wants it contiguous; the order of the weights decides for the rest.
        self.picture = (0.5 * (content + painting)).clone(
            memory_format=torch.contiguous_format).requires_grad_()
        self.wait = torch.cuda.synchronize

    def evaluate(self) -> float:
        """Loss and gradient."""
        self.picture.grad = None
        loss = self.loss(self.picture)
        loss.backward()
        return loss.item()

    def result(self) -> tuple[float, np.ndarray]:
        """Loss and gradient."""
        return self.evaluate(), self.picture.grad.contiguous().cpu().numpy()


def set_torch_precision(mode: str) -> None:
    """One of `TORCH_MODES`; and let cuDNN choose the fastest algorithm."""
    import torch

    convolutions, products = TORCH_MODES[mode]
    torch.backends.cuda.matmul.allow_tf32 = products
    torch.backends.cudnn.allow_tf32 = convolutions
    torch.backends.cudnn.benchmark = True


def our_iteration(weights: str, size: int, precision: str) -> dict[str, Any]:
    """Seconds of an evaluation, plain and recorded; kernels started; bytes of memory.

    `peak_bytes` is the most that arrays took at one time, weights included, above what there
    was before; `reserved_bytes` what the pools held for that. cuBLAS's workspace is in neither.
    """
    warm()
    before = cuda.memory_reserved()
    with cuda.matmul_precision(precision), _peak_of_arrays() as peak:
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
        result["launches"] = _launches(task.plain)
    del task
    release()
    return result


def recorded_seconds(weights: str, size: int) -> float:
    """Seconds of an evaluation that is recorded, and nothing else."""
    run = Ours(weights, size, load=known_network).passes()
    for _ in range(4):
        run()
    seconds = median_seconds(run, cuda.synchronize, 5, 0.05)
    del run
    release()
    return seconds


def _peak_of_arrays() -> Any:
    """The most bytes that arrays took at one time within a `with`, above the beginning.

    Counted as PyTorch's max_memory_allocated is: by what the pools hand out, in whole blocks.
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


def _launches(function: Callable[[], Any]) -> int:
    """How many of our own kernels and products one call starts (not counting CuPy's)."""
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
    """As it is read: on the host, in PyTorch's usual memory format."""
    import torch_nst

    return torch_nst.Network(weights)


def torch_iteration(weights: str, size: int, mode: str, only: str | None = None
                    ) -> dict[str, Any]:
    """Seconds of an evaluation in the faster memory format, and the peaks of the leaner one.

    `only` is the one to take if which is faster is known.
    """
    import torch
    import torch_nst

    set_torch_precision(mode)
    warm = torch.ones(8, 8, device=TORCH_DEVICE)
    warm.mm(warm)                               # so that cuBLAS has its workspace
    result = {}
    for name in [only] if only else torch_nst.FORMATS:
        release()
        torch.cuda.empty_cache()
        before = torch.cuda.memory_allocated(), torch.cuda.memory_reserved()
        task = Torch(weights, size, name)
        for _ in range(2):
            task.evaluate()
        torch.cuda.empty_cache()                # cuDNN's trials need more than the one it chose
        torch.cuda.reset_peak_memory_stats()
        result[name] = {"seconds": median_seconds(task.evaluate, task.wait, min_seconds=0.06),
                       "peak_bytes": torch.cuda.max_memory_allocated() - before[0],
                       "reserved_bytes": torch.cuda.max_memory_reserved() - before[1]}
        del task
    fast = min(result, key=lambda name: result[name]["seconds"])
    lean = min(result, key=lambda name: result[name]["peak_bytes"])
    return {**result[lean], "seconds": result[fast]["seconds"], "fast_format": fast,
            "lean_format": lean}


def release() -> None:
    """Let go of what recordings and pools keep."""
    cuda.empty_cache()


def warm() -> None:
    """Have cuBLAS and its workspace there, and nothing else."""
    xp = backend.cuda_library()
    blas.multiply(xp, *[xp.zeros((1, 8, 8), dtype=np.float32) for _ in range(3)])
    release()
