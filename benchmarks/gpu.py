"""Everything about a GPU in one command, in less than eight minutes: right, fast, and how near.

    python benchmarks/gpu.py --output benchmarks/results/gpu.json

Environment and ceilings; loss and pixel gradient against float64 and against PyTorch on the same
GPU; style transfer iterations beside PyTorch, strict float32 and TF32 for both, with their memory,
launch gaps and the share of the floor; a whole nst.run; convolutions by layer and algorithm; all
operations against the host in float64. Without PyTorch its columns stay empty. A part
that fails is named in the result, and the others go on; the exit status is 1 then.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import common
import gpu_tasks as tasks
import style

from minigrad import backend, cuda
from minigrad.errors import ArgumentError

LIMIT = 450.0           # seconds after which nothing further is begun
PATIENCE = 150.0        # seconds that an nst.run may take, with everything to compile
LEAST_COSINE = 0.9999   # of the pixel gradient and that of float64
LARGEST_ERROR = 1e-9    # of an operation in float64, to second order
ALGORITHMS = ("im2col", "winograd2", "winograd4", "winograd6")
TILES = (None, (0, 0), (2, 2), (4, 4), (4, 6), (6, 6))      # None: the defaults; 0: im2col
PORTIONS = (8, 16, 32, 48, 96, 1024)        # MB of Winograd planes at a time

Row = dict[str, Any]
COLUMNS = {
    "part": common.column("part"),
    "what": common.column("what"),
    "ours": common.column("ours"),
    "PyTorch": common.column("torch"),
    "ratio": common.column("ratio", ".2f"),
    "more": common.column("more"),
}


class Program:
    """The parts, their clock, and what has failed."""

    def __init__(self, given: Any) -> None:
        self.given = given
        self.started = time.perf_counter()
        self.failed: list[str] = []
        self.report = common.Report("gpu", given.output, COLUMNS, weights=common.weights_name(
            given.weights), gpu=cuda.device_name(), **_versions())
        self.rates: dict[str, float] = {}

    def run(self) -> int:
        """All parts, as long as there is time; 1 if one failed."""
        # What matters most comes first. The operations come last: for them CuPy compiles hundreds
        # of its own kernels, which takes as long as it takes.
        for part in (self.ceilings, self.gradients, self.iterations, self.whole_runs,
                     self.convolutions, self.portions, self.operations):
            if self._spent() > LIMIT:
                self._fail(part.__name__, f"not begun: {self._spent():.0f} s had gone by")
                continue
            self._try(part.__name__, part)
            self._try("release", tasks.release)
            self.report.save("Not finished.", *self._remarks_at_the_end())
        self.report.finish(*self._remarks_at_the_end())
        return 1 if self.failed else 0

    def _remarks_at_the_end(self) -> list[str]:
        return [f"{self._spent():.0f} s in all.", *[f"Failed: {line}" for line in self.failed]]

    @cached_property
    def has_torch(self) -> bool:
        """Whether PyTorch can be compared with. It is imported after CuPy has loaded cuBLAS."""
        return _has_torch()

    def _try(self, part: str, work: Callable[[], Any], who: str = "") -> Any:
        """What ``work`` gives; if it fails, None, and that is noted."""
        try:
            return work()
        except Exception as error:
            traceback.print_exc()
            self._fail(part, who + f"{type(error).__name__}: {error}".splitlines()[0])
            return None

    def _by_torch(self, part: str, work: Callable[[], Row]) -> Row:
        """The same by PyTorch; nothing where there is none, or where it fails."""
        return (self._try(part, work, "PyTorch: ") or {}) if self.has_torch else {}

    def _spent(self) -> float:
        return time.perf_counter() - self.started

    def _is_late(self, part: str) -> bool:
        """Whether there is no time for more of a part; if so, that is noted."""
        if self._spent() > LIMIT:
            self._fail(part, f"not finished: {self._spent():.0f} s had gone by")
        return self._spent() > LIMIT

    def _fail(self, part: str, why: str) -> None:
        self.failed.append(f"{part}: {why}")
        self._add(part, "failed", more=why)

    def _add(self, part: str, what: str, **facts: Any) -> None:
        row: Row = {"part": part, "what": what, **facts}
        ours, theirs = facts.get("ours_seconds"), facts.get("torch_seconds")
        if ours is not None:
            row["ours"] = f"{1e3 * ours:.2f} ms"
        if theirs is not None:
            row["torch"] = f"{1e3 * theirs:.2f} ms"
        if ours is not None and theirs:
            row["ratio"] = ours / theirs
        self.report.add(row)

    # -- the parts

    def ceilings(self) -> None:
        """What the device can do at best."""
        self.rates = tasks.ceilings()
        rates = self.rates
        self._add("ceilings", "measured", more=(
            f"copy {rates['copy_bytes_per_second'] / 1e12:.2f} TB/s, products "
            f"{rates['operations_per_second_highest'] / 1e12:.1f} (float32) and "
            f"{rates['operations_per_second_high'] / 1e12:.1f} (TF32) Tflop/s"), **rates)

    def operations(self) -> None:
        """Every primitive, its gradients and theirs, in float64 on both."""
        from minigrad.check.devices import difference, to_second_order
        from minigrad.check.samples import registered_samples
        from minigrad.primitive import registered_primitives

        worst, where, count, left, broken = 0.0, "", 0, 0, []
        for name, operation in registered_primitives().items():
            for sample in registered_samples(name):
                if self._spent() > LIMIT:
                    left += 1
                    continue
                count += 1
                try:
                    apart = difference(*[to_second_order(operation, sample, device)
                                         for device in ("cuda", "cpu")])
                except Exception as error:
                    traceback.print_exc()
                    broken.append(f"{name} ({sample.note}): {type(error).__name__}")
                    continue
                if apart >= worst:
                    worst, where = apart, f"{name} ({sample.note})"
        self._add("operations", f"{count} samples, to second order", broken=broken, worst=worst,
                  left=left, more=f"largest difference {worst:.1e}, in {where}"
                  + (f"; no time for {left} more" if left else ""))
        if broken or not worst < LARGEST_ERROR:
            raise ArgumentError(f"{len(broken)} samples broke, and the worst differs by "
                                f"{worst:.1e}: {', '.join(broken[:5])}")

    def gradients(self) -> None:
        """Loss and pixel gradient against float64, by precision and tile sizes."""
        size, weights = self.given.check_size, self.given.weights
        exact = tasks.Ours(weights, size, "float64").result()
        tasks.release()
        low = []
        for precision in ("highest", "high"):
            for tiles in TILES:
                with cuda.matmul_precision(precision), tasks.algorithm(tiles):
                    found = style.agreement(tasks.Ours(weights, size).result(), exact)
                name = "the default" if tiles is None else " and ".join(
                    f"F({m})" if m else "im2col" for m in tiles)
                self._add("gradients", f"{precision}, {name}, {size}²", **found,
                          more=_agreement(found))
                if tiles is None and found["gradient_cosine"] < LEAST_COSINE:
                    low.append(precision)
        if self.has_torch:
            self._try("gradients", lambda: self._gradients_by_torch(exact), "PyTorch: ")
        if low:
            raise ArgumentError(f"the cosine to float64 is below {LEAST_COSINE} with the default "
                                f"of {' and '.join(low)}")

    def _gradients_by_torch(self, exact: Any) -> None:
        for tf32 in (False, True):
            tasks.set_torch_precision(tf32)
            found = style.agreement(tasks.Torch(
                self.given.weights, self.given.check_size, "contiguous").result(), exact)
            self._add("gradients", f"PyTorch, {'TF32' if tf32 else 'strict'}, "
                      f"{self.given.check_size}²", **found, more=_agreement(found))

    def iterations(self) -> None:
        """The main thing: loss and gradient at each size, beside PyTorch at the same precision."""
        for size in self.given.sizes:
            for precision, tf32 in (("highest", False), ("high", True)):
                what = f"{size}², {'TF32' if tf32 else 'float32'}"
                ours = self._try("iterations", partial(
                    tasks.our_iteration, self.given.weights, size, precision), f"{what}: ")
                theirs = self._by_torch("iterations", partial(
                    tasks.torch_iteration, self.given.weights, size, tf32))
                if ours is not None:
                    self._add("iterations", what, ours_seconds=ours.pop("seconds"),
                              torch_seconds=theirs.get("seconds"),
                              **self._remarks(size, precision, ours, theirs), **ours,
                              torch_peak_bytes=theirs.get("peak_bytes"))

    def _remarks(self, size: int, precision: str, ours: Row, theirs: Row) -> Row:
        peak = f"{ours['peak_bytes'] / 1e6:.0f} MB"
        if theirs:
            peak += (f" against {theirs['peak_bytes'] / 1e6:.0f} "
                     f"({ours['peak_bytes'] / theirs['peak_bytes']:.2f})")
        recorded = "" if ours["recorded"] else f" (not recorded: {ours['refusal']})"
        remark = (f"plain {1e3 * ours['plain_seconds']:.2f} ms, {ours['launches']} launches"
                  f"{recorded}; peak {peak}")
        floor = {}
        if self.rates:
            floor = {"floor_products_seconds": tasks.operations_per_pixel() * size ** 2 / 4
                     / self.rates[f"operations_per_second_{precision}"],
                     "floor_bytes_seconds": tasks.bytes_per_pixel() * size ** 2
                     / self.rates["copy_bytes_per_second"]}
            remark += (f"; floor {1e3 * floor['floor_products_seconds']:.2f} ms for the products "
                       f"of F(4), {1e3 * floor['floor_bytes_seconds']:.2f} ms for the bytes")
        return {"more": remark, **floor}

    def convolutions(self) -> None:
        """Each different convolution of VGG19 by every algorithm."""
        size = self.given.layer_size
        for precision, tf32 in (("highest", False), ("high", True)):
            for layer in tasks.LAYERS:
                if self._is_late("convolutions"):
                    return
                by_name = {name: tasks.our_convolution(layer, size, name, precision)
                           for name in ("auto", *ALGORITHMS)}
                theirs = self._by_torch("convolutions", partial(tasks.torch_convolution, layer,
                                                                size, tf32))
                for direction in ("forward", "input_gradient"):
                    seconds = {name: found[direction] for name, found in by_name.items()}
                    self._add("convolutions", f"{layer} {direction}, {size}², {precision}",
                              ours_seconds=seconds["auto"], torch_seconds=theirs.get(direction),
                              algorithm_seconds=seconds, more=", ".join(
                                  f"{name} {1e3 * seconds[name]:.2f}" for name in ALGORITHMS))

    def portions(self) -> None:
        """How many Winograd planes at a time are best."""
        from minigrad.kernels.cuda import winograd

        before = winograd.PORTION
        try:
            for size in self.given.sizes[:2]:
                if self._is_late("portions"):
                    return
                taken = {}
                for portion in PORTIONS:
                    winograd.PORTION = portion << 20
                    taken[portion] = tasks.our_iteration(self.given.weights, size,
                                                         "highest")["seconds"]
                self._add("portions", f"{size}², float32", portion_seconds=taken, more=", ".join(
                    f"{portion} MB {1e3 * seconds:.2f} ms" for portion, seconds in taken.items()))
        finally:
            winograd.PORTION = before

    def whole_runs(self) -> None:
        """nst.run from the start of the process to its end; the second finds compiled kernels."""
        with tempfile.TemporaryDirectory() as compiled:     # not those that this process has made
            for attempt in ("first", "second"):
                seconds = _nst_run(self.given, compiled)
                self._add("nst.run", f"{self.given.iterations} iterations at "
                          f"{self.given.run_size}², {attempt} run", ours_seconds=seconds,
                          more="start-up and saving included" + (
                              ", and all compiling" if attempt == "first" else ""))


def _agreement(found: Row) -> str:
    return (f"loss differs by {found['loss_relative_difference']:.1e}, "
            f"1 − cosine {1 - found['gradient_cosine']:.1e}")


def _has_torch() -> bool:
    """Whether there is a PyTorch that can use the GPU."""
    if importlib.util.find_spec("torch") is None:
        return False
    import torch

    return torch.cuda.is_available()


def _versions() -> Row:
    xp = backend.cuda_library()
    return {"cupy": xp.__version__, "cuda_runtime": xp.cuda.runtime.runtimeGetVersion(),
            "cuda_driver": xp.cuda.runtime.driverGetVersion()}


def _nst_run(given: Any, compiled: str) -> float:
    """Seconds; ``compiled`` is the folder where CuPy looks for compiled kernels."""
    with tempfile.TemporaryDirectory() as folder:
        for name, picture in zip(("content.png", "style.png"), style.pictures(given.run_size)):
            picture.save(Path(folder) / name)
        paths = [str(common.ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "nst.run", "content.png", "style.png", "-o", "out.png",
             "--preset", "gatys", "--size", str(given.run_size), "--iterations",
             str(given.iterations), "--weights", given.weights, "--device", "cuda", "--quiet"],
            cwd=folder, env={**os.environ, "PYTHONPATH": os.pathsep.join(paths),
                             "CUPY_CACHE_DIR": compiled},
            capture_output=True, text=True, timeout=PATIENCE)
        seconds = time.perf_counter() - start
    if done.returncode:
        raise ArgumentError(f"nst.run ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    return seconds


def _arguments(arguments: Sequence[str] | None) -> Any:
    parser = common.parser("gpu", __doc__)
    size: Callable[[str], int] = common.picture_size
    parser.add_argument("--sizes", type=size, nargs="+", default=[512, 1024, 2048],
                        metavar="PIXELS", help="of the iterations (512 1024 2048)")
    parser.add_argument("--layer-size", type=size, default=512, metavar="PIXELS",
                        help="of the picture that the convolutions belong to (512)")
    parser.add_argument("--check-size", type=size, default=256, metavar="PIXELS",
                        help="of the comparison with float64 (256)")
    parser.add_argument("--run-size", type=size, default=512, metavar="PIXELS",
                        help="of the whole nst.run (512)")
    parser.add_argument("--iterations", type=common.positive, default=500, metavar="N",
                        help="of the whole nst.run (500)")
    parser.add_argument("--weights", default="random:0", metavar="FILE",
                        help="a converted VGG19, or random:SEED (default: random:0)")
    given = parser.parse_args(arguments)
    if not given.weights.startswith("random:"):
        given.weights = str(Path(given.weights).resolve())
    return given


def main(arguments: Sequence[str] | None = None) -> int:
    given = _arguments(arguments)
    if cuda.missing():
        raise ArgumentError(cuda.missing())
    common.check_weights(given.weights)
    return Program(given).run()


if __name__ == "__main__":
    sys.exit(common.run("gpu", main))
