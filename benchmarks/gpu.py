"""All GPU measurements in one command, in less than four minutes: correctness, speed, peak rates.

    python benchmarks/gpu.py --weights vgg19.h5 --output benchmarks/results/gpu.json

Each part runs in its own process with a time limit, the most important first: peak rates of the
device; loss and pixel gradient against float64; evaluations compared with PyTorch (strict float32,
TF32, and its default) with their memory; whole loops of L-BFGS; whole nst.runs; the GPU's picture
compared with the CPU's; named parts of an evaluation; the undecided switches of gpu_switches.py;
convolutions by layer and algorithm; all operations in float64, as many as time allows. Without
PyTorch its columns stay empty. The results so far are written after each row. A part that fails
is named in the result, and the others continue; the exit status is then 1.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import common
import gpu_parts
import gpu_play
import gpu_switches
import gpu_tasks as tasks

from minigrad import backend, cuda
from minigrad.errors import ArgumentError, MinigradError

LIMIT = 230.0           # seconds for all parts
MIN_SECONDS = 8.0       # no part is started with less time left
PLAY_TIME_FACTOR = 4    # by which time limits grow if the host simulates the GPU
FORWARDED_OPTIONS = ("sizes", "layer_size", "check_size", "run_size", "iterations",
                     "picture_iterations", "set")
QUERY = "clocks.sm,clocks.mem,temperature.gpu,power.draw,power.limit,clocks_event_reasons.active"

Row = dict[str, Any]
COLUMNS = {
    "part": common.column("part"),
    "what": common.column("what"),
    "ours": common.column("ours"),
    "PyTorch": common.column("torch"),
    "ratio": common.column("ratio", ".2f"),
    "more": common.column("more"),
    "card": common.column("card"),
}


class Program:
    """Runs the parts one after the other, and collects their rows."""

    def __init__(self, given: Any, weights: str) -> None:
        self.given, self.weights = given, weights
        self.started = time.perf_counter()
        self.failed: list[str] = []
        self.rates: Row = {}
        self.card = cuda.device_name().removeprefix("NVIDIA ")
        self.report = common.Report(
            "gpu", given.output, COLUMNS, weights=common.weights_name(given.weights),
            gpu=cuda.device_name(), switches=given.set, **_versions())

    def run(self) -> int:
        """Run all parts, as long as time allows; return 1 if one failed."""
        self._state("before")
        for name in self.given.parts:
            factor = PLAY_TIME_FACTOR if self.given.play else 1
            limit = min(gpu_parts.PARTS[name].seconds * factor, self.given.limit - self._spent())
            if limit < MIN_SECONDS:
                self._fail(name, f"not started: {self._spent():.0f} s had passed")
                continue
            start = self._spent()
            why = self._part(name, limit)
            if why:
                self._fail(name, f"{why} after {self._spent() - start:.0f} s")
            self._save("Not finished.")
        self._state("after")
        self.report.finish(*self._remarks())
        return 1 if self.failed else 0

    def _part(self, name: str, limit: float) -> str:
        """Run a part; return why it ended early, or an empty text."""
        process = subprocess.Popen(self._command(name, limit), stdout=subprocess.PIPE, text=True,
                                   encoding="utf-8", start_new_session=True)
        stopped = threading.Event()

        def stop() -> None:
            stopped.set()
            _kill(process)

        clock = threading.Timer(limit, stop)
        clock.start()
        try:
            for line in process.stdout:
                self._take(name, line)
            status = process.wait()
        finally:
            clock.cancel()
            _kill(process)          # with its own child processes
        if stopped.is_set():
            return "stopped"
        return "" if status in (0, 1) else f"ended with status {status}"

    def _command(self, name: str, limit: float) -> list[str]:
        command = [sys.executable, str(Path(__file__).resolve()), "--child", name, "--seconds",
                   f"{0.9 * limit:.1f}", "--weights", self.weights]
        for option in FORWARDED_OPTIONS:
            value = getattr(self.given, option)
            if value != []:
                words = value if isinstance(value, list) else [value]
                command += [f"--{option.replace('_', '-')}", *map(str, words)]
        if self.given.output is not None:
            command += ["--output", str(self.given.output)]
        return command + ["--play"] * self.given.play

    def _take(self, part: str, line: str) -> None:
        """Process a line that a part printed."""
        if not line.startswith("{"):
            print(line, end="", file=sys.stderr)
            return
        row = json.loads(line)
        if row["what"] == "failed":
            self._fail(part, row["more"])
            return
        if part == "ceilings":
            self.rates = row
        self._add(part, row)

    def _add(self, part: str, result: Row) -> None:
        row: Row = {"part": part, "card": self.card, **result}
        ours, theirs = row.get("ours_seconds"), row.get("torch_seconds")
        for side, seconds in (("ours", ours), ("torch", theirs)):
            if seconds is not None:
                row[side] = f"{1e3 * seconds:.3f} ms" if seconds < 1 else f"{seconds:.2f} s"
        if ours is not None and theirs:
            row["ratio"] = ours / theirs
        if "precision" in row and self.rates:
            row |= self._floor(row)
        self.report.add(row)
        self._save("Not finished.")

    def _floor(self, row: Row) -> Row:
        """Return the minimum time of an evaluation at the measured rates."""
        products = (tasks.operations_per_pixel() * row["size"] ** 2 / 4
                    / self.rates[f"operations_per_second_{row['precision']}"])
        moved = tasks.bytes_per_pixel() * row["size"] ** 2 / self.rates["copy_bytes_per_second"]
        return {"floor_products_seconds": products, "floor_bytes_seconds": moved,
                "more": f"{row['more']}; floor {1e3 * products:.2f} ms for the products of F(4), "
                        f"{1e3 * moved:.2f} ms for the bytes"}

    def _state(self, when: str) -> None:
        """Report clocks, temperature and power, if nvidia-smi is available."""
        tool = shutil.which("nvidia-smi")
        if tool is None:
            return
        done = subprocess.run([tool, f"--query-gpu={QUERY}", "--format=csv,noheader"],
                              capture_output=True, text=True, timeout=20)
        if done.returncode == 0:
            values = [value.strip() for value in done.stdout.splitlines()[0].split(",")]
            self._add("card", {"what": when, "more": ", ".join(
                f"{name} {value}" for name, value in zip(QUERY.split(","), values))})

    def _fail(self, part: str, why: str) -> None:
        self.failed.append(f"{part}: {why}")
        self._add(part, {"what": "failed", "more": why})

    def _save(self, *first: str) -> None:
        self.report.save(*first, *self._remarks())

    def _remarks(self) -> list[str]:
        return [f"{self._spent():.0f} s in all.",
                "Memory: ours is what the pools hand out and hold, PyTorch's what its allocator "
                "hands out and holds (max_memory_allocated, max_memory_reserved), both above what "
                "there was before, weights included.",
                *[f"Failed: {line}" for line in self.failed]]

    def _spent(self) -> float:
        return time.perf_counter() - self.started


def _kill(process: subprocess.Popen) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _versions() -> Row:
    xp = backend.cuda_library()
    return {"cupy": xp.__version__, "cuda_runtime": xp.cuda.runtime.runtimeGetVersion(),
            "cuda_driver": xp.cuda.runtime.driverGetVersion()}


@contextmanager
def converted(source: str) -> Iterator[str]:
    """Yield a weights file that nst reads: `source`, or a temporary conversion of it."""
    try:
        common.check_weights(source)
        yield source
        return
    except MinigradError as error:
        if not Path(source).is_file():
            raise ArgumentError(str(error)) from error
    from weights_converter import convert

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vgg19.h5"
        convert(source, path)
        yield str(path)


def _arguments(arguments: Sequence[str] | None) -> Any:
    parser = common.parser("gpu", __doc__)
    size, number, parts = common.picture_size, common.positive, list(gpu_parts.PARTS)
    parser.add_argument("--parts", nargs="+", choices=parts, default=parts, metavar="NAME",
                        help=f"parts to run, in this order (default: {' '.join(parts)})")
    parser.add_argument("--limit", type=float, default=LIMIT, metavar="SECONDS",
                        help=f"time for all parts together (default: {LIMIT:.0f})")
    parser.add_argument("--sizes", type=size, nargs="+", default=[512, 1024, 2048],
                        metavar="PIXELS", help="sizes of the evaluations; loops and variants use "
                                               "the first two (default: 512 1024 2048)")
    parser.add_argument("--layer-size", type=size, default=512, metavar="PIXELS",
                        help="size of the picture for convolutions and named parts (default: 512)")
    parser.add_argument("--check-size", type=size, default=256, metavar="PIXELS",
                        help="size for comparisons with float64 and with the CPU's picture "
                             "(default: 256)")
    parser.add_argument("--run-size", type=size, default=512, metavar="PIXELS",
                        help="size of the whole nst.runs (default: 512)")
    parser.add_argument("--iterations", type=number, default=500, metavar="N",
                        help="iterations of the long nst.run (default: 500)")
    parser.add_argument("--picture-iterations", type=number, default=60, metavar="N",
                        help="iterations of the run on both GPU and CPU (default: 60)")
    parser.add_argument("--weights", default="random:0", metavar="FILE",
                        help="any VGG19 that weights_converter reads, or random:SEED "
                             "(default: random:0)")
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE",
                        help="switches of gpu_switches.py to apply to all parts: "
                             + ", ".join(gpu_switches.all_values()))
    parser.add_argument("--play", action="store_true",
                        help="rehearse: simulate the GPU on the host; the figures are meaningless")
    parser.add_argument("--child", choices=parts,
                        help="run this part in this process, for the parent")
    parser.add_argument("--seconds", type=float, default=LIMIT, help="time limit of that part")
    given = parser.parse_args(arguments)
    if not given.weights.startswith("random:"):
        given.weights = str(Path(given.weights).resolve())
    with gpu_switches.active(given.set):        # reports an unknown name at once
        return given


def main(arguments: Sequence[str] | None = None) -> int:
    given = _arguments(arguments)
    if given.play:
        gpu_play.install()
        gpu_play.shrink()
    if cuda.missing():
        raise ArgumentError(cuda.missing())
    if given.child:
        return gpu_parts.run(given.child, given)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))     # so that parts end too
    with converted(given.weights) as weights:
        return Program(given, weights).run()


if __name__ == "__main__":
    sys.exit(common.run("gpu", main))
