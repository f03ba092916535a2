"""The parts of gpu.py, each of which runs in its own process.

A part prints a line of JSON for each result as soon as it is available, and continues after a
failure. The parent prints all other output to stderr.
"""

from __future__ import annotations

import json
import shutil
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import gpu_loops
import gpu_methods
import gpu_pieces as pieces
import gpu_runs
import gpu_switches as switches
import gpu_tasks as tasks
import style

from minigrad import cuda
from minigrad.kernels.conv import ALGORITHMS

MIN_COSINE = 0.9999     # between the pixel gradient and that of float64
MAX_ERROR = 1e-9        # of an operation in float64, to second order
PRECISIONS = {"float32": "highest", "TF32": "high"}
# Name -> our precision and PyTorch's mode. Our Gram matrices are float32 in both. PyTorch's strict
# float32 comes last, because it takes longest: it is skipped if time runs out.
COMPARISONS = {"PyTorch's default": ("high", "default"), "TF32": ("high", "TF32"),
               "float32": ("highest", "strict")}
OMITTED_ALGORITHMS = {"high": ("auto", "loops", "winograd2", "winograd8")}
OMITTED_ALGORITHMS["highest"] = (*OMITTED_ALGORITHMS["high"], "implicit")
# Above MAX_TRIAL_SIZE pixels PyTorch uses the memory format that was faster at smaller sizes, and
# SLOW_MODE is not measured, because PyTorch takes minutes to choose its kernels.
MAX_TRIAL_SIZE, SLOW_MODE = 1024, "strict"

Row = dict[str, Any]


class Part:
    """One part during its run: the options, its time limit, and whether something failed."""

    def __init__(self, name: str, given: Any) -> None:
        self.name, self.given = name, given
        self.end = time.perf_counter() + given.seconds
        self.failed = False

    def run(self) -> int:
        """Run the part; return exit status 1 if something failed."""
        self.attempt("", lambda: PARTS[self.name].work(self))
        return 1 if self.failed else 0

    def row(self, what: str, **facts: Any) -> None:
        """Print one result."""
        print(json.dumps({"what": what, **facts}, ensure_ascii=False), flush=True)

    def fail(self, why: str) -> None:
        """Report a failure."""
        self.failed = True
        self.row("failed", more=why)

    def attempt(self, what: str, work: Callable[[], Any]) -> Any:
        """Return the result of `work`; if it fails, report that and return None."""
        try:
            return work()
        except Exception as error:
            traceback.print_exc()
            self.fail(f"{what}: " * bool(what)
                      + f"{type(error).__name__}: {error}".splitlines()[0])
            return None

    @cached_property
    def has_torch(self) -> bool:
        """Whether PyTorch is available for comparison."""
        return tasks.has_torch()

    def run_torch(self, what: str, work: Callable[[], Row]) -> Row:
        """Return PyTorch's result; empty without PyTorch, without time, or after a failure."""
        if not self.has_torch or self.out_of_time:
            return {}
        return self.attempt(f"{what}, PyTorch", work) or {}

    @property
    def out_of_time(self) -> bool:
        """Whether the time of this part is over."""
        return time.perf_counter() > self.end


def ceilings(part: Part) -> None:
    """Measure the peak rates of the device."""
    rates = tasks.ceilings()
    part.row("measured", **rates, more=(
        f"copy {rates['copy_bytes_per_second'] / 1e12:.2f} TB/s, products "
        f"{rates['operations_per_second_highest'] / 1e12:.1f} (float32) and "
        f"{rates['operations_per_second_high'] / 1e12:.1f} (TF32) Tflop/s"))


def gradients(part: Part) -> None:
    """Compare loss and pixel gradient with float64: by precision, PyTorch's mode, and switch."""
    size, weights = part.given.check_size, part.given.weights
    exact = tasks.Ours(weights, size, "float64").result()
    tasks.release()

    def agree(what: str, result: Any) -> float:
        agreement = style.agreement(result, exact)
        part.row(f"{what}, {size}²", **agreement, more=(
            f"loss differs by {agreement['loss_relative_difference']:.1e}, "
            f"1 − cosine {1 - agreement['gradient_cosine']:.1e}"))
        return agreement["gradient_cosine"]

    for name, precision in PRECISIONS.items():
        with cuda.matmul_precision(precision):
            cosine = agree(name, tasks.Ours(weights, size).result())
        # The bound is for trained weights; TF32 changes the gradient of random features more.
        if cosine < MIN_COSINE and (name == "float32" or not weights.startswith("random:")):
            part.fail(f"the cosine to float64 is below {MIN_COSINE} in {name}")
    for mode in tasks.TORCH_MODES if part.has_torch else ():
        with tasks.torch_precision(mode):
            part.attempt(mode, lambda mode=mode: agree(
                f"PyTorch, {mode}", tasks.Torch(weights, size, "contiguous").result()))
    for name, precision in PRECISIONS.items():
        for word in switches.changing_numbers(precision):
            if part.out_of_time:
                return part.fail("no time for the rest")
            with switches.active([word]), cuda.matmul_precision(precision):
                part.attempt(word, lambda name=name, word=word: agree(
                    f"{name}, {word}", tasks.Ours(weights, size).result()))
    return None


def iterations(part: Part) -> None:
    """Measure loss and gradient at each size, compared with PyTorch at the same precision."""
    def theirs(weights: str, size: int, mode: str, known: str | None) -> Row:
        if size > MAX_TRIAL_SIZE and mode == SLOW_MODE:
            return {}
        return tasks.torch_iteration(weights, size, mode, known if size > MAX_TRIAL_SIZE else None)

    for what, size, precision, result, other in _compared(
            part, part.given.sizes, tasks.our_iteration, theirs):
        part.row(what, size=size, precision=precision, ours_seconds=result["seconds"],
                 torch_seconds=other.get("seconds"), more=_remark(result, other),
                 **{f"ours_{key}": value for key, value in result.items() if key != "seconds"},
                 **{f"torch_{key}": value for key, value in other.items() if key != "seconds"})


def _compared(part: Part, sizes: Sequence[int], ours: Callable[[str, int, str], Row],
              theirs: Callable[[str, int, str, str | None], Row]
              ) -> Iterator[tuple[str, int, str, Row, Row]]:
    """Yield `(label, size, precision, our result, PyTorch's)` for each size and comparison.

    Our result is measured once per size and precision. PyTorch's function also receives the
    memory format that was faster before in the same mode, or None. Combinations without a result
    of ours are skipped, and the walk ends when the part's time is over.
    """
    formats: dict[str, str | None] = {}     # PyTorch's faster memory format, by mode
    for size in sizes:
        measured: dict[str, Row | None] = {}        # by precision
        for name, (precision, mode) in COMPARISONS.items():
            if part.out_of_time:
                part.fail("no time for the rest")
                return
            what = f"{size}², {name}"
            if precision not in measured:
                measured[precision] = part.attempt(
                    what, partial(ours, part.given.weights, size, precision))
            other = part.run_torch(
                what, partial(theirs, part.given.weights, size, mode, formats.get(mode)))
            formats[mode] = other.get("fast_format")
            result = measured[precision]
            if result is not None:
                yield what, size, precision, result, other


def _remark(ours: Row, theirs: Row) -> str:
    recorded = "" if ours["recorded"] else f" (not recorded: {ours['refusal']})"
    memory = f"arrays {_megabytes(ours['peak_bytes'])} at most"
    held = f"held {_megabytes(ours['reserved_bytes'])}"
    formats = ""
    if theirs:
        memory += (f" against {_megabytes(theirs['peak_bytes'])} "
                   f"({ours['peak_bytes'] / theirs['peak_bytes']:.2f})")
        held += f" against {_megabytes(theirs['reserved_bytes'])}"
        formats = f"; PyTorch's time {theirs['fast_format']}, its memory {theirs['lean_format']}"
    return (f"plain {1e3 * ours['plain_seconds']:.2f} ms, {ours['launches']} launches{recorded}; "
            f"{memory}, {held}{formats}")


def _megabytes(count: float) -> str:
    return f"{count / 1e6:.0f} MB"


def loops(part: Part) -> None:
    """Measure whole loops of L-BFGS, evaluations included, of equal length on both sides."""
    for what, _, _, result, other in _compared(
            part, part.given.sizes[:2], gpu_loops.our_loop, gpu_loops.torch_loop):
        part.row(what, ours_seconds=result["seconds"], torch_seconds=other.get("seconds"),
                 evaluations=result["evaluations"], loss=result["loss"],
                 torch_loss=other.get("loss"), more=(
                     f"{result['evaluations']} evaluations, loss {result['loss']:.4g}"
                     + (f" against {other['loss']:.4g}" if other else "")))


def runs(part: Part) -> None:
    """Time whole nst.runs: one that compiles all kernels, one that compiles none, long ones."""
    given = part.given
    job = gpu_runs.Job(given.run_size, given.weights, given.play)
    compiled = job.path / "kernels"
    first, again = (job.seconds("few", gpu_runs.SHORT, compiled=compiled) for _ in range(2))
    size = f"{given.run_size}²"
    part.row(f"{gpu_runs.SHORT} iterations at {size}, the first run", ours_seconds=first,
             more=f"of it {first - again:.1f} s of compiling")
    part.row(f"{gpu_runs.SHORT} iterations at {size}, the second run", ours_seconds=again,
             more="start-up and saving")
    for name, options in gpu_runs.PRECISIONS.items():
        job.seconds("few", gpu_runs.SHORT, *options, compiled=compiled)     # compiles the rest
        seconds = job.seconds("long", given.iterations, *options, compiled=compiled)
        each = job.report("long")["summary"]["seconds_per_iteration"]
        part.row(f"{given.iterations} iterations at {size}, {name}", ours_seconds=seconds,
                 seconds_per_iteration=each,
                 more=f"start-up and saving included; {1e3 * each:.2f} ms per iteration")


def methods(part: Part) -> None:
    """Time an evaluation of each style loss with the defaults, and what the palette adds."""
    for size in part.given.sizes[:2]:
        for loss in gpu_methods.LOSSES:
            if part.out_of_time:
                return part.fail("no time for the rest")
            what = f"style-loss {loss}, {size}²"
            result = part.attempt(what, partial(
                gpu_methods.evaluation, part.given.weights, size, style_loss=loss))
            if result is not None:
                refusal = "" if result["recorded"] else f"; not recorded: {result['refusal']}"
                part.row(what, ours_seconds=result.pop("seconds"), **result, more=(
                    f"{1e3 * result['seconds_without_palette']:.2f} ms without the palette, "
                    f"{result['launches']} launches{refusal}"))
        for word in switches.of_defaults():
            if part.out_of_time:
                return part.fail("no time for the rest")
            with switches.active([word]):
                result = part.attempt(word, partial(
                    gpu_methods.evaluation, part.given.weights, size))
            if result is not None:
                part.row(f"{word}, {size}²", ours_seconds=result["seconds"])
    return None


def presets(part: Part) -> None:
    """Time whole jobs with the presets, and compare their memory with the estimate."""
    first = part.given.sizes[0]
    jobs = [("balanced", size) for size in part.given.sizes] + [("fast", first)]
    for name, size in jobs:
        if part.out_of_time:
            return part.fail("no time for the rest")
        what = f"preset {name}, {size}²"
        job = part.attempt(what, partial(gpu_methods.whole_job, part.given.weights, size, name))
        if job is not None:
            part.row(what, ours_seconds=job.pop("seconds"), **job, more=(
                f"{job['evaluations']} evaluations in {job['iteration_seconds']:.2f} s, medians "
                f"by scale {', '.join(f'{1e3 * s:.1f}' for s in job['scale_seconds'])} ms; "
                f"preparation {job['preparation_seconds']:.2f} s; arrays "
                f"{_megabytes(job['peak_bytes'])} at most, held "
                f"{_megabytes(job['reserved_bytes'])}, estimated "
                f"{_megabytes(job['estimated_bytes'])}"))
    return None


def picture(part: Part) -> None:
    """Compare the pictures of the same command on the GPU and on the CPU, for two methods."""
    for preset in gpu_runs.COMPARED_PRESETS:
        _picture(part, preset)


def _picture(part: Part, preset: str) -> None:
    given = part.given
    job = gpu_runs.Job(given.check_size, given.weights, given.play, preset)
    both = {device: job.start(device, device, given.picture_iterations)
            for device in ("cuda", "cpu")}
    for run in both.values():
        gpu_runs.check_run(run)
    losses = {device: job.report(device)["summary"]["best_total"] for device in both}
    paths = {device: job.path / f"{device}.png" for device in both}
    if given.output is not None and preset == gpu_runs.COMPARED_PRESETS[-1]:
        for device, path in paths.items():
            shutil.copy(path, given.output.with_name(f"{given.output.stem}_{device}.png"))
    result = gpu_runs.difference(*paths.values())
    part.row(f"{preset}, {given.picture_iterations} iterations at {given.check_size}²", **result,
             losses=losses, more=(
                 f"GPU and CPU differ by {result['mean']:.2f} grey levels in the mean, by "
                 f"{result['largest']:.0f} at most; PSNR "
                 f"{'∞' if result['psnr'] is None else format(result['psnr'], '.1f')} dB, SSIM "
                 f"{result['ssim']:.4f}; losses {losses['cuda']:.6g} and {losses['cpu']:.6g}"))


def by_name(part: Part) -> None:
    """Measure Gram matrices, pooling, accumulation and L-BFGS separately, in float32."""
    for what, measure in pieces.by_name(part.given.layer_size, part.has_torch):
        seconds = part.attempt(what, measure)
        if seconds is not None:
            part.row(f"{what}, {part.given.layer_size}²", ours_seconds=seconds[0],
                     torch_seconds=seconds[1])


def variants(part: Part) -> None:
    """Time an evaluation with each value of the undecided switches, and with the defaults."""
    for size in part.given.sizes[:2]:
        for name, precision in PRECISIONS.items():
            usual = None
            for word in ("", *switches.undecided(precision)):
                if part.out_of_time:
                    return part.fail("no time for the rest")
                with switches.active([word] if word else []), cuda.matmul_precision(precision):
                    seconds = part.attempt(word, partial(
                        tasks.recorded_seconds, part.given.weights, size))
                usual = seconds if not word else usual
                if seconds is not None:
                    part.row(f"{size}², {name}, {word or 'as it is'}", ours_seconds=seconds,
                             more=f"{seconds / usual:.3f} of the usual" if word and usual else "")
    return None


def convolutions(part: Part) -> None:
    """Measure each different convolution of VGG19 with every algorithm."""
    size = part.given.layer_size
    for precision, mode in (("high", "TF32"), ("highest", "strict")):
        names = [name for name in ALGORITHMS if name not in OMITTED_ALGORITHMS[precision]]
        for layer in tasks.LAYERS:
            if part.out_of_time:
                return part.fail("no time for the rest")
            by_algorithm = pieces.our_convolutions(layer, size, ("auto", *names), precision)
            theirs = part.run_torch(layer, partial(pieces.torch_convolution, layer, size, mode))
            for direction in ("forward", "input_gradient"):
                seconds = {name: result[direction] for name, result in by_algorithm.items()}
                part.row(f"{layer} {direction}, {size}², {precision}",
                         ours_seconds=seconds["auto"], torch_seconds=theirs.get(direction),
                         algorithm_seconds=seconds, more=", ".join(
                             f"{name} {1e3 * seconds[name]:.3f}" for name in names))
    return None


def operations(part: Part) -> None:
    """Compare every primitive and its derivatives to second order, in float64, on both devices."""
    from minigrad.check.devices import difference, to_second_order
    from minigrad.check.samples import registered_samples
    from minigrad.core.primitive import registered_primitives

    apart: dict[str, float] = {}
    left = 0
    for name, operation in registered_primitives().items():
        for number, sample in enumerate(registered_samples(name)):
            if part.out_of_time:
                left += 1
                continue
            what = f"{name} ({sample.note or number})"
            result = part.attempt(what, lambda operation=operation, sample=sample: difference(
                *[to_second_order(operation, sample, device) for device in ("cuda", "cpu")]))
            if result is not None:
                apart[what] = float("inf") if result != result else result     # NaN counts as ∞
    where = max(apart, key=apart.get)
    part.row(f"{len(apart)} samples, to second order", worst=apart[where], left=left, more=(
        f"largest difference {apart[where]:.1e}, in {where}"
        + f"; no time for {left} more" * bool(left)))
    if apart[where] > MAX_ERROR:
        part.fail(f"{where} differs by {apart[where]:.1e}")


@dataclass(frozen=True)
class Entry:
    """A part's function, and its time limit in seconds."""

    work: Callable[[Part], None]
    seconds: float


# The most important come first. For the operations CuPy compiles hundreds of its own kernels, whose
# time is unpredictable.
PARTS = {"ceilings": Entry(ceilings, 12), "gradients": Entry(gradients, 25),
         "iterations": Entry(iterations, 80), "loops": Entry(loops, 42), "runs": Entry(runs, 35),
         "methods": Entry(methods, 40), "presets": Entry(presets, 150),
         "picture": Entry(picture, 90), "by-name": Entry(by_name, 14),
         "variants": Entry(variants, 25), "convolutions": Entry(convolutions, 30),
         "operations": Entry(operations, 75)}


def run(name: str, given: Any) -> int:
    """Run a part in this process; return its exit status."""
    with switches.active(given.set):
        return Part(name, given).run()
