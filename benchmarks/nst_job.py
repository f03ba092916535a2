"""A whole style transfer as a process, start-up included, compared with a plain PyTorch script.

`python -m nst.run` with 100 iterations of L-BFGS against torch_nst.py with the same pictures,
weights, losses and number of evaluations (100, plus one for the initial picture). The time is
wall time from the start of the process to its end; the processes run one after the other.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import common
import turns

FORMATS = ("contiguous", "channels_last")
TRIAL_ITERATIONS = 3    # of a trial run that warms the file cache and compares formats

COLUMNS = {
    "size": common.column("size"),
    "iterations": common.column("iterations"),
    "ours, s": common.column("ours_seconds", ".1f"),
    "PyTorch, s": common.column("torch_seconds", ".1f"),
    "ratio": common.ratio_column,
    "ours, best loss": common.column("ours_best_total", ".4g"),
    "PyTorch, best loss": common.column("torch_best_total", ".4g"),
    "PyTorch's format": common.column("torch_memory_format"),
}


class Job:
    """The two command lines, run in a folder of their own."""

    def __init__(self, folder: Path, weights: str, size: int) -> None:
        demo = common.ROOT / "nst" / "demo"
        self.folder = folder
        self.pictures = [str(demo / "scene.jpg"), str(demo / "painting.jpg")]
        self.options = ["--weights", weights, "--size", str(size)]

    def ours(self, iterations: int) -> float:
        """Return the seconds of one nst.run."""
        return self._run("ours", ["-m", "nst.run"], iterations, "--preset", "gatys", "--quiet",
                         "--overwrite", "--device", "cpu")

    def theirs(self, iterations: int, memory_format: str) -> float:
        """Return the seconds of one run of the PyTorch script."""
        script = str(Path(__file__).with_name("torch_nst.py"))
        return self._run("torch", [script], iterations, "--memory-format", memory_format,
                         "--threads", str(common.cores()))

    def _run(self, name: str, program: list[str], iterations: int, *more: str) -> float:
        command = [sys.executable, *program, *self.pictures, "-o", f"{name}.png",
                   "--iterations", str(iterations), *self.options, *more]
        paths = [str(common.ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        start = time.perf_counter()
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True,
                              env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)})
        taken = time.perf_counter() - start
        if done.returncode:
            raise turns.WorkerError(f"{' '.join(command)} failed:\n{done.stderr}")
        return taken

    def outcome(self) -> dict[str, Any]:
        """Return evaluations and best losses of the last run of each program."""
        ours = json.loads((self.folder / "ours.json").read_text())
        theirs = json.loads((self.folder / "torch.json").read_text())
        return {"ours_evaluations": len(ours["iterations"]),
                "torch_evaluations": theirs["evaluations"],
                "ours_best_total": ours["summary"]["best_total"],
                "torch_best_total": theirs["best_total"]}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = common.parser("nst_job", __doc__)
    parser.add_argument("--size", type=common.picture_size, default=320, metavar="PIXELS",
                        help="long side of both pictures (default: 320)")
    parser.add_argument("--iterations", type=common.positive, default=100, metavar="N",
                        help="evaluations after the one of the initial picture (default: 100)")
    parser.add_argument("--weights", default="random:0", metavar="FILE",
                        help="a converted VGG19, or random:SEED (default: random:0)")
    common.add_rounds(parser)
    given = parser.parse_args(arguments)
    common.require_torch()
    common.check_weights(given.weights)
    weights = given.weights
    if not weights.startswith("random:"):
        weights = str(Path(weights).resolve())
    report = common.Report("nst_job", given.output, COLUMNS, rounds=given.rounds,
                           weights=common.weights_name(weights))
    with tempfile.TemporaryDirectory() as folder:
        job = Job(Path(folder), weights, given.size)
        few = min(TRIAL_ITERATIONS, given.iterations)
        job.ours(few)                       # fill the file cache
        job.theirs(1, FORMATS[0])
        memory_format = min(FORMATS, key=lambda name: job.theirs(few, name))
        compared = turns.compare(lambda: job.ours(given.iterations),
                                 lambda: job.theirs(given.iterations, memory_format),
                                 given.rounds)
        result = {"size": given.size, "iterations": given.iterations, **compared,
                  **job.outcome(), "torch_memory_format": memory_format}
    report.add(result)
    report.finish()
    if result["ours_evaluations"] != result["torch_evaluations"]:
        print(f"nst_job: {result['ours_evaluations']} evaluations of ours are compared with "
              f"{result['torch_evaluations']} of PyTorch's, so the times do not compare",
              file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(common.run("nst_job", main))
