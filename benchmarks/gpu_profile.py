"""Profile of an evaluation on a GPU: launches, recordings, products, kernels by name.

    python benchmarks/gpu_profile.py --weights vgg19.h5

The profiler is PyTorch's. It also records the kernels that CuPy and cuBLAS start in its process,
one by one even in a CUDA graph. Each section prints its results as soon as they are available. A
section that fails is named, and the others continue; the exit status is then 1.
"""

from __future__ import annotations

import collections
import cProfile
import io
import pstats
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import common
import gpu_methods
import gpu_play
import gpu_tasks as tasks
import numpy as np

import minigrad as mg
from minigrad import backend, cuda
from minigrad.command_line import Parser
from minigrad.errors import ArgumentError
from minigrad.kernels.cuda import blas, vectors

CALLS = 3000        # of a small kernel
RUNS = 5            # evaluations that are profiled together
ROWS = 24           # kernels that are named
FUNCTIONS = 50      # of the host, in each order
# Winograd's products at 512²: channels, filters, tiles in a portion.
PRODUCTS = ((64, 64, 2341), (64, 64, 16384), (128, 128, 1024), (256, 256, 512), (512, 512, 256),
            (512, 512, 1024))


def launches(given: Any) -> None:
    """Microseconds to start something: on the host alone, and with the device."""
    xp = backend.cuda_library()
    x, a = xp.zeros(256, np.float32), xp.zeros((1, 16, 16), np.float32)
    out = xp.zeros((1, 16, 16), np.float32)
    for what, call in {"own kernel": lambda: vectors.step_along(x, 0.0, x, x),
                       "product": lambda: blas.multiply(xp, a, a, out),
                       "CuPy's x + x": lambda: x + x}.items():
        call()
        cuda.synchronize()
        start = time.perf_counter()
        for _ in range(CALLS):
            call()
        host = time.perf_counter() - start
        cuda.synchronize()
        both = time.perf_counter() - start
        print(f"   {what}: {1e6 * host / CALLS:.1f}, with the device {1e6 * both / CALLS:.1f}")


def recordings(given: Any) -> None:
    """A recorded evaluation equals the function bit for bit, also for another picture."""
    for size in given.sizes:
        task = tasks.Ours(given.weights, size)
        plain, gradient = task.result()
        run, times = task.passes(), []
        for _ in range(5):
            start = time.perf_counter()
            total, _ = run()
            cuda.synchronize()
            times.append(time.perf_counter() - start)
        again = run.picture.grad.numpy()
        print(f"   {size}²: recorded {run.recording.recorded} {run.recording.refusal}; totals "
              f"equal {plain == total.item()}, gradients {np.array_equal(gradient, again)}; calls "
              f"took {', '.join(f'{1e3 * seconds:.1f}' for seconds in times)} ms")
        with mg.no_grad():
            run.picture.add_(run.picture.grad, alpha=-1e-3 * 255 / np.abs(gradient).max())
        moved = run()[0].item(), run.picture.grad.numpy()
        direct = task.result()
        print(f"   at another picture: totals {moved[0]:.9g} and {direct[0]:.9g}, gradients equal "
              f"{np.array_equal(moved[1], direct[1])}", flush=True)
        if not (plain == total.item() and np.array_equal(gradient, again)
                and np.array_equal(moved[1], direct[1])):
            raise ArgumentError(f"at {size}² a recorded evaluation differs from the function's")
        del task, run
        tasks.release()


def products(given: Any) -> None:
    """The matrix products of Winograd's F(4×4): 36 of tiles×C by C×K."""
    for c, k, tiles in PRODUCTS:
        row = []
        for precision in blas.PRECISIONS:
            for turned in (False, True):
                with cuda.matmul_precision(precision):
                    seconds = _product(c, k, tiles, turned)
                row.append(f"{precision}{' turned' * turned} {1e6 * seconds:.0f} us, "
                           f"{72 * tiles * c * k / seconds / 1e12:.1f} Tflop/s")
        print(f"   {c} to {k}, {tiles} tiles: {'; '.join(row)}", flush=True)


def _product(c: int, k: int, tiles: int, turned: bool) -> float:
    """Return seconds; with `turned`, the weights are K×C, as for the input gradient."""
    xp = backend.cuda_library()
    rng = np.random.default_rng(0)
    a = xp.asarray(rng.standard_normal((36, tiles, c), np.float32))
    b = xp.asarray(rng.standard_normal((36, k, c) if turned else (36, c, k), np.float32))
    out = xp.empty((36, tiles, k), np.float32)
    return tasks.median_seconds(lambda: blas.multiply(xp, a, b, out, transpose_b=turned),
                                cuda.synchronize, 5, 0.01)


def kernels(given: Any) -> None:
    """Kernels on the device in one evaluation, ours and PyTorch's, longest first."""
    if not tasks.has_torch():
        print("   skipped: the profiler needs PyTorch with CUDA")
        return
    import torch_nst

    for size in given.sizes[:2]:
        for precision in blas.PRECISIONS:
            with cuda.matmul_precision(precision):
                run = tasks.Ours(given.weights, size).passes()
                _profile(f"ours, {size}², {precision}", run, cuda.synchronize, given.play)
            del run
            tasks.release()
    for mode in tasks.TORCH_MODES:
        for name in torch_nst.FORMATS:
            with tasks.torch_precision(mode):
                task = tasks.Torch(given.weights, given.sizes[0], name)
                _profile(f"PyTorch, {given.sizes[0]}², {mode}, {name}", task.evaluate, task.wait,
                         given.play)


def defaults(given: Any) -> None:
    """Kernels on the device in one evaluation with the default settings, longest first."""
    if not tasks.has_torch():
        print("   skipped: the profiler needs PyTorch with CUDA")
        return
    for size in given.sizes[:2]:
        with gpu_methods.last_scale(given.weights, size) as run:
            _profile(f"defaults, {size}²", run, cuda.synchronize, given.play)
        tasks.release()


def jobs(given: Any) -> None:
    """The host's functions in a whole job with the default settings: own time, and with calls."""
    size = given.sizes[0]
    gpu_methods.compile_kernels(given.weights, size)
    profiler = cProfile.Profile()
    start = time.perf_counter()
    with profiler:
        gpu_methods.prepared(given.weights, size).run()
        cuda.synchronize()
    seconds = time.perf_counter() - start
    print(f"-- defaults, {size}², a whole job: {seconds:.2f} s under a profiler")
    for order in ("tottime", "cumulative"):
        stream = io.StringIO()
        pstats.Stats(profiler, stream=stream).sort_stats(order).print_stats(FUNCTIONS)
        for line in stream.getvalue().replace(f"{common.ROOT}/", "").split("\n"):
            if line.strip()[:1].isdigit():
                print(f"   {order}: {line.strip()[:120]}")
    sys.stdout.flush()
    tasks.release()


def _profile(title: str, run: Callable[[], Any], wait: Callable[[], Any], played: bool) -> None:
    from torch.profiler import ProfilerActivity, profile

    for _ in range(4):
        run()
    wait()
    activity = ProfilerActivity.CPU if played else ProfilerActivity.CUDA
    with profile(activities=[activity]) as profiler:
        for _ in range(RUNS):
            run()
        wait()
    times: dict[str, list[float]] = collections.defaultdict(list)
    spans = []
    for event in profiler.events():
        if played or "CUDA" in str(event.device_type):
            times[event.name[:90]].append(event.time_range.elapsed_us())
            spans.append((event.time_range.start, event.time_range.end))
    busy, whole = _covered(spans), _extent(spans)
    print(f"-- {title}: {len(spans) / RUNS:.0f} kernels, device busy {busy / RUNS / 1e3:.3f} ms of "
          f"{whole / RUNS / 1e3:.3f} per evaluation")
    for name, taken in sorted(times.items(), key=lambda item: -sum(item[1]))[:ROWS]:
        print(f"   {sum(taken) / RUNS:9.1f} us {len(taken) / RUNS:6.1f} x  {name}")
    sys.stdout.flush()


def _covered(spans: Sequence[tuple[float, float]]) -> float:
    """Return the length of the union of the spans."""
    busy, last = 0.0, float("-inf")
    for start, end in sorted(spans):
        busy += max(0.0, end - max(start, last))
        last = max(last, end)
    return busy


def _extent(spans: Sequence[tuple[float, float]]) -> float:
    if not spans:
        return 0.0
    return max(end for _, end in spans) - min(start for start, _ in spans)


SECTIONS = {"launches": launches, "recordings": recordings, "defaults": defaults,
            "jobs": jobs, "kernels": kernels, "products": products}


def _arguments(arguments: Sequence[str] | None) -> Any:
    made = Parser(hint=common.HINT, prog="gpu_profile",
                  description=__doc__.partition("\n")[0])
    made.add_argument("--sections", nargs="+", choices=list(SECTIONS), default=list(SECTIONS))
    made.add_argument("--sizes", type=common.picture_size, nargs="+", default=[512, 1024],
                      metavar="PIXELS")
    made.add_argument("--weights", default="random:0", metavar="FILE",
                      help="a converted VGG19, or random:SEED (default: random:0)")
    made.add_argument("--play", action="store_true", help="rehearse: simulate the GPU on the host")
    return made.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    global CALLS, PRODUCTS
    given = _arguments(arguments)
    if given.play:
        gpu_play.install()
        gpu_play.shrink()
        given.sizes, CALLS, PRODUCTS = [gpu_play.SIZE], 3, ((64, 64, 8),)
    if cuda.missing():
        raise ArgumentError(cuda.missing())
    failed = False
    for name in given.sections:
        print(f"== {name}: {SECTIONS[name].__doc__}", flush=True)
        try:
            SECTIONS[name](given)
        except Exception as error:
            traceback.print_exc()
            print(f"{name} failed: {type(error).__name__}: {error}", flush=True)
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(common.run("gpu_profile", main))
