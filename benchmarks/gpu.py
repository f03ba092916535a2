"""Everything about a GPU in one command, in less than four minutes: right, fast, and how near.

    python benchmarks/gpu.py --weights vgg19.h5 --output benchmarks/results/gpu.json

Each part runs in a process of its own, with a time limit, the most important first: ceilings of
the device; loss and pixel gradient against float64; evaluations beside PyTorch (strict float32,
TF32, and as it comes) with their memory; whole loops of L-BFGS; whole nst.runs; the GPU's picture
beside the CPU's; parts of an evaluation by name; the switches of gpu_switches.py that are open;
convolutions by layer and algorithm; all operations in float64, as many as there is time for.
Without PyTorch its columns stay empty. What is known is written after each row. A part that fails
is named in the result, and the others go on; the exit status is 1 then.
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

LIMIT = 230.0           # seconds for all
MIN_SECONDS = 8.0       # left; with less a part is not started
PLAYED = 4              # times as long a part may take where the host plays the GPU
PASSED_ON = ("sizes", "layer_size", "check_size", "run_size", "iterations", "picture_iterations",
             "set")
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
    """Starts the parts one after the other, and gathers their rows."""

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
        """All parts, as long as there is time; 1 if one failed."""
        self._state("before")
        for name in self.given.parts:
            limit = min(gpu_parts.PARTS[name].seconds * (PLAYED if self.given.play else 1),
                        self.given.limit - self._spent())
            if limit < MIN_SECONDS:
                self._fail(name, f"not begun: {self._spent():.0f} s had gone by")
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
        """Run a part; why it ended early, or nothing."""
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
            _kill(process)          # and what it has started itself
        if stopped.is_set():
            return "stopped"
        return "" if status in (0, 1) else f"ended with status {status}"

    def _command(self, name: str, limit: float) -> list[str]:
        command = [sys.executable, str(Path(__file__).resolve()), "--child", name, "--seconds",
                   f"{0.9 * limit:.1f}", "--weights", self.weights]
        for option in PASSED_ON:
            value = getattr(self.given, option)
            if value != []:
                words = value if isinstance(value, list) else [value]
                command += [f"--{option.replace('_', '-')}", *map(str, words)]
        if self.given.output is not None:
            command += ["--output", str(self.given.output)]
        return command + ["--play"] * self.given.play

    def _take(self, part: str, line: str) -> None:
        """A line that a part has printed."""
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
        """What an evaluation must take at the least, at the rates that were measured."""
        products = (tasks.operations_per_pixel() * row["size"] ** 2 / 4
                    / self.rates[f"operations_per_second_{row['precision']}"])
        moved = tasks.bytes_per_pixel() * row["size"] ** 2 / self.rates["copy_bytes_per_second"]
        return {"floor_products_seconds": products, "floor_bytes_seconds": moved,
                "more": f"{row['more']}; floor {1e3 * products:.2f} ms for the products of F(4), "
                        f"{1e3 * moved:.2f} ms for the bytes"}

    def _state(self, when: str) -> None:
        """Clocks, temperature and power, if the driver's tool is there to tell them."""
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
    """A weights file as nst reads it: `source` itself, or a conversion that is deleted later."""
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
                        help=f"in this order (default: {' '.join(parts)})")
    parser.add_argument("--limit", type=float, default=LIMIT, metavar="SECONDS",
                        help=f"for all parts together ({LIMIT:.0f})")
    parser.add_argument("--sizes", type=size, nargs="+", default=[512, 1024, 2048],
                        metavar="PIXELS", help="of the evaluations (512 1024 2048); loops and "
                                               "variants take the first two")
    parser.add_argument("--layer-size", type=size, default=512, metavar="PIXELS",
                        help="of the picture that convolutions and named parts belong to (512)")
    parser.add_argument("--check-size", type=size, default=256, metavar="PIXELS",
                        help="of the comparisons with float64 and with the CPU's picture (256)")
    parser.add_argument("--run-size", type=size, default=512, metavar="PIXELS",
                        help="of the whole nst.runs (512)")
    parser.add_argument("--iterations", type=number, default=500, metavar="N",
                        help="of the long nst.run (500)")
    parser.add_argument("--picture-iterations", type=number, default=60, metavar="N",
                        help="of the run that the CPU makes as well (60)")
    parser.add_argument("--weights", default="random:0", metavar="FILE",
                        help="any VGG19 that weights_converter reads, or random:SEED (random:0)")
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE",
                        help="switches of gpu_switches.py, for all parts: "
                             + ", ".join(gpu_switches.all_values()))
    parser.add_argument("--play", action="store_true",
                        help="a rehearsal: the host plays the GPU, and figures mean nothing")
    parser.add_argument("--child", choices=parts, help="run this part here, for the parent")
    parser.add_argument("--seconds", type=float, default=LIMIT, help="that the part may take")
    given = parser.parse_args(arguments)
    if not given.weights.startswith("random:"):
        given.weights = str(Path(given.weights).resolve())
    with gpu_switches.turned(given.set):        # a name that is not known is told at once
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
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))     # parts end with this process
    with converted(given.weights) as weights:
        return Program(given, weights).run()


if __name__ == "__main__":
    sys.exit(common.run("gpu", main))
