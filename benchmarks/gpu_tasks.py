"""What gpu.py measures: the same work by this project and by PyTorch, on one GPU."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import style

import minigrad
from minigrad import Tensor, backend, cuda
from minigrad.kernels import conv
from minigrad.kernels.cuda import blas, compiler
from minigrad.kernels.geometry import Convolution

# The convolutions of VGG19 up to conv5_1 that differ: channels, filters, side as a part of the
# picture's, and how many there are of each.
LAYERS = {"conv1_1": (3, 64, 1, 1), "conv1_2": (64, 64, 1, 1), "conv2_1": (64, 128, 2, 1),
          "conv2_2": (128, 128, 2, 1), "conv3_1": (128, 256, 4, 1), "conv3_2": (256, 256, 4, 3),
          "conv4_1": (256, 512, 8, 1), "conv4_2": (512, 512, 8, 3), "conv5_1": (512, 512, 16, 1)}


DEEPEST = "relu5_1"         # layer that a style transfer looks at
COPY_NUMBERS = 1 << 28      # float32: 1 GB, far more than any cache
PRODUCT_SIDE = 8192         # of the square matrices whose product is the ceiling of products


def operations_per_pixel() -> float:
    """Multiplications and additions of an evaluation, forward and input gradient, by definition."""
    return 4 * sum(9 * c * k * count / part ** 2 for c, k, part, count in LAYERS.values())


def bytes_per_pixel() -> float:
    """What must move at the least: every float32 image read once and written once, both ways."""
    return 2 * 4 * sum((c + k) * count / part ** 2 for c, k, part, count in LAYERS.values())


def median_seconds(function: Callable[[], Any], wait: Callable[[], Any], repeats: int = 9,
                   least: float = 0.02) -> float:
    """Seconds of one call, with the device idle before and after a row of calls: the median.

    A row is as many calls as take ``least`` seconds.
    """
    function()
    wait()
    start = time.perf_counter()
    function()
    wait()
    calls = max(1, min(100, int(least / max(time.perf_counter() - start, 1e-6))))
    rows = []
    for _ in range(repeats):
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
    found = {"copy_bytes_per_second": _copy_rate(xp)}
    n = PRODUCT_SIDE
    rng = np.random.default_rng(0)
    a = xp.asarray(rng.standard_normal((1, n, n), np.float32))
    b = xp.asarray(rng.standard_normal((1, n, n), np.float32))
    out = xp.empty((1, n, n), dtype=np.float32)
    for name in blas.PRECISIONS:
        with cuda.matmul_precision(name):
            found[f"operations_per_second_{name}"] = 2 * n ** 3 / median_seconds(
                lambda: blas.multiply(xp, a, b, out), cuda.synchronize, repeats=5)
    return found


def _copy_rate(xp: Any) -> float:
    source = xp.zeros(COPY_NUMBERS, dtype=np.float32)
    target = xp.empty(COPY_NUMBERS, dtype=np.float32)
    return 2 * source.nbytes / median_seconds(lambda: xp.copyto(target, source), cuda.synchronize)


# ------------------------------------------------------------------------ convolutions


def our_convolution(layer: str, size: int, algorithm: str, precision: str) -> dict[str, float]:
    """Seconds of convolution with bias and ReLU, and of its input gradient."""
    channels, filters, part, _ = LAYERS[layer]
    rng = np.random.default_rng(1)
    xp = backend.cuda_library()

    def image(depth: int) -> Any:       # channels innermost in memory, as kernels make them
        side = size // part
        return xp.asarray(rng.standard_normal((1, side, side, depth), np.float32)).transpose(
            0, 3, 1, 2)

    x, y = image(channels), image(filters)
    weight = xp.asarray(rng.standard_normal((filters, channels, 3, 3), np.float32) / 50)
    bias = xp.zeros(filters, np.float32)
    geometry = Convolution(padding=(1, 1, 1, 1))
    with minigrad.conv_algorithm(algorithm), cuda.matmul_precision(precision):
        bits = conv.conv2d(x, weight, bias, geometry, True, True)[1]
        return {
            "forward": median_seconds(
                lambda: conv.conv2d(x, weight, bias, geometry, True, True), cuda.synchronize),
            "input_gradient": median_seconds(
                lambda: conv.conv2d_input(y, weight, x.shape, geometry, bits), cuda.synchronize)}


def torch_convolution(layer: str, size: int, tf32: bool) -> dict[str, float]:
    """The same by PyTorch, in the memory format that is faster."""
    import torch

    set_torch_precision(tf32)
    found = [_torch_convolution(layer, size, memory_format)
             for memory_format in (torch.contiguous_format, torch.channels_last)]
    return {name: min(seconds[name] for seconds in found) for name in found[0]}


def _torch_convolution(layer: str, size: int, memory_format: Any) -> dict[str, float]:
    import torch

    channels, filters, part, _ = LAYERS[layer]
    x = torch.randn(1, channels, size // part, size // part, device="cuda").contiguous(
        memory_format=memory_format).requires_grad_()
    weight = (torch.randn(filters, channels, 3, 3, device="cuda") / 50).contiguous(
        memory_format=memory_format)
    bias = torch.zeros(filters, device="cuda")

    def forward() -> Any:
        return torch.nn.functional.conv2d(x, weight, bias, padding=1).relu_()

    with torch.no_grad():
        seconds = median_seconds(forward, torch.cuda.synchronize)
    y = forward()
    g = torch.randn_like(y)
    return {"forward": seconds, "input_gradient": median_seconds(
        lambda: torch.autograd.grad(y, x, g, retain_graph=True), torch.cuda.synchronize)}


def set_torch_precision(tf32: bool) -> None:
    """Strict float32 everywhere, or TF32 everywhere; and let cuDNN choose the fastest."""
    import torch

    torch.backends.cuda.matmul.allow_tf32 = tf32
    torch.backends.cudnn.allow_tf32 = tf32
    torch.backends.cudnn.benchmark = True


# ------------------------------------------------------------------------ whole passes


class Ours:
    """One evaluation of a style transfer, as nst.run does it."""

    def __init__(self, weights: str, size: int, dtype: str = "float32") -> None:
        import dataclasses

        from nst import Settings, images
        from nst import weights as nst_weights
        from nst.losses import Objective

        self.settings = Settings.preset("gatys")
        network = nst_weights.load(weights, DEEPEST, "cuda")
        if dtype != "float32":
            network = dataclasses.replace(network, parameters={
                name: tuple(part.to(dtype) for part in parts)
                for name, parts in network.parameters.items()})
        content, painting = (images.to_tensor(picture, network, "cuda").to(dtype)
                             for picture in style.pictures(size))
        self.objective = Objective(network, self.settings, content, painting)
        self.picture: Tensor = (0.5 * (content + painting)).detach().requires_grad_()

    def plain(self) -> float:
        """Loss and gradient, operation by operation."""
        self.picture.grad = None
        total = self.objective(self.picture).total
        total.backward()
        return total.item()

    def passes(self) -> Any:
        """What nst.run calls: recorded after two calls."""
        from nst.passes import Pass

        return Pass(self.objective, self.picture)

    def result(self) -> tuple[float, np.ndarray]:
        """Loss and gradient as they come from operation by operation."""
        return self.plain(), self.picture.grad.numpy()


class Torch:
    """The same by PyTorch, eager, in one of its memory formats."""

    def __init__(self, weights: str, size: int, memory_format: str) -> None:
        import torch
        import torch_nst

        network = torch_nst.Network(weights)
        layout = torch_nst.FORMATS[memory_format]
        network.to(layout)
        network.parameters = {name: (weight.cuda(), bias.cuda())
                              for name, (weight, bias) in network.parameters.items()}
        content, painting = (network.to_tensor(picture).cuda().contiguous(memory_format=layout)
                             for picture in style.pictures(size))
        self.loss = torch_nst.Loss(network, content, painting)
        self.picture = (0.5 * (content + painting)).requires_grad_()
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


def our_iteration(weights: str, size: int, precision: str) -> dict[str, Any]:
    """Seconds of a pass, plain and recorded; kernels started; bytes of memory."""
    release()
    before = cuda.memory_reserved()
    with cuda.matmul_precision(precision):
        task = Ours(weights, size)
        found = {"plain_seconds": median_seconds(task.plain, cuda.synchronize, least=0.1),
                 "launches": _launches(task.plain)}
        del task
        release()
        task = Ours(weights, size)
        run = task.passes()
        for _ in range(4):
            run()
        found["seconds"] = median_seconds(run, cuda.synchronize, least=0.1)
        found["recorded"] = run.recording.recorded
        found["refusal"] = run.recording.refusal
        found["peak_bytes"] = cuda.memory_reserved() - before
    del task, run
    release()
    return found


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


def torch_iteration(weights: str, size: int, tf32: bool) -> dict[str, Any]:
    """Seconds of an evaluation in the faster memory format; the peak of the leaner one."""
    import torch
    import torch_nst

    set_torch_precision(tf32)
    seconds, peaks = {}, {}
    for name in torch_nst.FORMATS:
        torch.cuda.empty_cache()
        before = torch.cuda.memory_allocated()
        task = Torch(weights, size, name)
        for _ in range(3):
            task.evaluate()
        torch.cuda.reset_peak_memory_stats()    # cuDNN's trials need more than the one it chose
        seconds[name] = median_seconds(task.evaluate, task.wait, least=0.1)
        peaks[name] = torch.cuda.max_memory_allocated() - before
        del task
    best = min(seconds, key=seconds.get)
    return {"seconds": seconds[best], "memory_format": best, "peak_bytes": min(peaks.values())}


def release() -> None:
    """Let go of what recordings and pools keep."""
    cuda.empty_cache()


def algorithm(tiles: tuple[int, int] | None) -> AbstractContextManager[Any]:
    """Within it, convolutions have these tile sizes forward and backward (None: the defaults)."""
    if tiles is None:
        return nullcontext()
    from minigrad.kernels.cuda import conv as rule

    return _Tiles(rule, tiles)


class _Tiles:
    def __init__(self, rule: Any, tiles: tuple[int, int]) -> None:
        self.rule, self.tiles, self.before = rule, tiles, rule.TILE

    def __enter__(self) -> None:
        self.rule.TILE = dict.fromkeys(blas.PRECISIONS, self.tiles)

    def __exit__(self, *_: object) -> None:
        self.rule.TILE = self.before
