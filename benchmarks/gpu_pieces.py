"""Named parts of an evaluation, each compared with PyTorch in strict float32.

Images have channels innermost in memory, as our kernels produce them. PyTorch is measured in both
memory formats, and the faster one counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import gpu_tasks as tasks
import numpy as np

import minigrad
from minigrad import backend, cuda, optim
from minigrad.kernels import channel_matmul, conv, pool
from minigrad.kernels.geometry import Convolution, Pooling

Pair = tuple[float, float | None]
REPEATS = 3                 # rows of calls, of which the median counts
HISTORY = 10                # pairs that L-BFGS keeps
BLOCKS = 5                  # of VGG19: relu1_1 … relu5_1 are the style's layers


def by_name(size: int, torch: bool) -> Iterator[tuple[str, Callable[[], Pair]]]:
    """Yield names and functions that measure the named part, for a picture of `size`²."""
    for block, (channels, side) in enumerate(_style_layers(size), start=1):
        layer = f"relu{block}_1"
        yield f"Gram matrix of {layer}", lambda c=channels, s=side: _gram(c, s, torch)
        yield f"its gradient, {layer}", lambda c=channels, s=side: _gram_gradient(c, s, torch)
        yield (f"its gradient added to {layer}'s",
               lambda c=channels, s=side: _accumulation(c, s, torch))
        if block < BLOCKS and side > 1:
            yield f"max-pool {block}", lambda c=channels, s=side: _pool(c, s, torch)
            yield f"max-unpool {block}", lambda c=channels, s=side: _unpool(c, s, torch)
    yield "L-BFGS without a pass", lambda: _lbfgs(size, torch)


def _style_layers(size: int) -> list[tuple[int, int]]:
    """Return channels and side of relu1_1 … relu5_1."""
    return [(min(64 << block, 512), size >> block) for block in range(BLOCKS) if size >> block]


def _images(channels: int, side: int, count: int = 1) -> list[Any]:
    rng = np.random.default_rng(1)
    xp = backend.cuda_library()
    return [xp.asarray(rng.random((1, side, side, channels), np.float32) - np.float32(0.5)
                       ).transpose(0, 3, 1, 2) for _ in range(count)]


def _ours(function: Callable[[], Any]) -> float:
    return tasks.median_seconds(function, cuda.synchronize, REPEATS, 0.01)


def _theirs(make: Callable[[Any, Any], Callable[[], Any]], wanted: bool) -> float | None:
    """Return the seconds of `make(torch, format)`'s result in the faster memory format."""
    if not wanted:
        return None
    import torch

    with tasks.torch_precision("strict"):
        return min(tasks.median_seconds(make(torch, layout), torch.cuda.synchronize, REPEATS, 0.01)
                   for layout in (torch.contiguous_format, torch.channels_last))


def _randn(torch: Any, layout: Any, *shape: int) -> Any:
    return torch.randn(*shape, device=tasks.TORCH_DEVICE).contiguous(memory_format=layout)


# ------------------------------------------------------------------ Gram matrices, pooling


def _gram(channels: int, side: int, torch: bool) -> Pair:
    (x,) = _images(channels, side)

    def make(torch: Any, layout: Any) -> Callable[[], Any]:
        y = _randn(torch, layout, 1, channels, side, side)

        def gram() -> Any:
            flat = y.flatten(2)[0]
            return flat @ flat.T
        return gram

    return _ours(lambda: channel_matmul.channel_products(x, x)), _theirs(make, torch)


def _gram_gradient(channels: int, side: int, torch: bool) -> Pair:
    (x,) = _images(channels, side)
    m = backend.cuda_library().ones((1, channels, channels), dtype=np.float32)

    def make(torch: Any, layout: Any) -> Callable[[], Any]:
        y = _randn(torch, layout, 1, channels, side, side)
        factor = _randn(torch, torch.contiguous_format, channels, channels)
        return lambda: factor @ y.flatten(2)[0]

    return _ours(lambda: channel_matmul.mix_channels(x, m)), _theirs(make, torch)


def _accumulation(channels: int, side: int, torch: bool) -> Pair:
    """Accumulate as in a backward pass: g, then the gradient of the style loss on top of it."""
    xp = backend.cuda_library()
    array, g = _images(channels, side, 2)
    gradient = xp.ones((1, channels, channels), dtype=np.float32)
    x = minigrad.tensor(array, requires_grad=True)
    deep, shallow = x * 1.0, minigrad.functional.gram_matrix(x)

    def ours() -> None:
        x.grad = None
        minigrad.grad([deep, shallow], x, [g, gradient], retain_graph=True)

    def make(torch: Any, layout: Any) -> Callable[[], Any]:
        y = _randn(torch, layout, 1, channels, side, side).requires_grad_()
        flat = y.flatten(2)[0]
        outputs = [y * 1.0, flat @ flat.T]
        given = [torch.ones_like(output) for output in outputs]
        return lambda: torch.autograd.grad(outputs, y, given, retain_graph=True)

    return _ours(ours), _theirs(make, torch)


def _pool(channels: int, side: int, torch: bool) -> Pair:
    (x,) = _images(channels, side)
    geometry = Pooling((2, 2), (2, 2))

    def make(torch: Any, layout: Any) -> Callable[[], Any]:
        y = _randn(torch, layout, 1, channels, side, side)
        return lambda: torch.nn.functional.max_pool2d(y, 2, return_indices=True)

    return _ours(lambda: pool.max_pool2d(x, geometry)), _theirs(make, torch)


def _unpool(channels: int, side: int, torch: bool) -> Pair:
    (x,) = _images(channels, side)
    geometry = Pooling((2, 2), (2, 2))
    largest, winner = pool.max_pool2d(x, geometry)

    def make(torch: Any, layout: Any) -> Callable[[], Any]:
        y = _randn(torch, layout, 1, channels, side, side).requires_grad_()
        z = torch.nn.functional.max_pool2d(y, 2)
        g = torch.ones_like(z)
        return lambda: torch.autograd.grad(z, y, g, retain_graph=True)

    return (_ours(lambda: pool.max_unpool2d(largest, winner, x.shape, geometry)),
            _theirs(make, torch))


# ----------------------------------------------------------------------------------- L-BFGS


def _lbfgs(size: int, torch: bool) -> Pair:
    """Return seconds per evaluation of ½Σ aᵢ·xᵢ², which itself costs almost nothing."""
    rng = np.random.default_rng(0)
    start = rng.standard_normal((1, 3, size, size), np.float32)
    steep = np.linspace(1, 50, start.size, dtype=np.float32).reshape(start.shape)
    x = minigrad.tensor(start, requires_grad=True, device="cuda")
    a = minigrad.tensor(steep, device="cuda")

    def closure() -> Any:
        x.grad = a * x.detach()
        return (0.5 * (x.grad * x.detach())).sum(dtype="float64")

    ours = _per_evaluation(optim.LBFGS, x, closure, cuda.synchronize)
    if not torch:
        return ours, None
    import torch as library

    y = library.tensor(start, requires_grad=True, device=tasks.TORCH_DEVICE)
    b = library.tensor(steep, device=tasks.TORCH_DEVICE)

    def theirs() -> Any:
        y.grad = b * y.detach()
        return (0.5 * (y.grad * y.detach())).sum(dtype=library.float64)

    return ours, _per_evaluation(library.optim.LBFGS, y, theirs, library.cuda.synchronize)


def _per_evaluation(make: Any, x: Any, closure: Callable[[], Any], wait: Callable[[], Any]
                    ) -> float:
    count = 0

    def counting() -> Any:
        nonlocal count
        count += 1
        return closure()

    optimiser = make([x], max_iter=30, max_eval=40, history_size=HISTORY, tolerance_grad=0,
                     tolerance_change=0, line_search_fn="strong_wolfe")
    optimiser.step(counting)            # compiles, and fills the history
    wait()
    count, start = 0, time.perf_counter()
    optimiser.step(counting)
    wait()
    return (time.perf_counter() - start) / max(count, 1)


# ------------------------------------------------------------------------ convolutions


def our_convolutions(layer: str, size: int, algorithms: Iterable[str], precision: str
                     ) -> dict[str, dict[str, float]]:
    """Return seconds of convolution with bias and ReLU and of its input gradient, by algorithm."""
    channels, filters, part, _ = tasks.LAYERS[layer]
    (x,), (y,) = (_images(depth, size // part) for depth in (channels, filters))
    rng = np.random.default_rng(2)
    xp = backend.cuda_library()
    weight = xp.asarray(rng.standard_normal((filters, channels, 3, 3), np.float32) / 50)
    bias = xp.zeros(filters, np.float32)
    geometry = Convolution(padding=(1, 1, 1, 1))
    result = {}
    for algorithm in algorithms:
        with minigrad.conv_algorithm(algorithm), cuda.matmul_precision(precision):
            bits = conv.fastest(x, weight, bias, geometry, True, True)[1]
            result[algorithm] = {
                "forward": _ours(lambda: conv.fastest(x, weight, bias, geometry, True, True)),
                "input_gradient": _ours(lambda bits=bits: conv.fastest_input(
                    y, weight, x.shape, geometry, bits))}
    return result


def torch_convolution(layer: str, size: int, mode: str) -> dict[str, float]:
    """Return the same for PyTorch, in the faster memory format."""
    import torch

    with tasks.torch_precision(mode):
        timings = [_torch_convolution(layer, size, memory_format)
                   for memory_format in (torch.contiguous_format, torch.channels_last)]
    return {name: min(seconds[name] for seconds in timings) for name in timings[0]}


def _torch_convolution(layer: str, size: int, layout: Any) -> dict[str, float]:
    import torch

    channels, filters, part, _ = tasks.LAYERS[layer]
    x = _randn(torch, layout, 1, channels, size // part, size // part).requires_grad_()
    weight = _randn(torch, layout, filters, channels, 3, 3) / 50
    bias = torch.zeros(filters, device=tasks.TORCH_DEVICE)

    def forward() -> Any:
        return torch.nn.functional.conv2d(x, weight, bias, padding=1).relu_()

    with torch.no_grad():
        seconds = tasks.median_seconds(forward, torch.cuda.synchronize, REPEATS, 0.01)
    y = forward()
    g = torch.randn_like(y)
    return {"forward": seconds, "input_gradient": tasks.median_seconds(
        lambda: torch.autograd.grad(y, x, g, retain_graph=True), torch.cuda.synchronize, REPEATS,
        0.01)}
