"""A job that takes 60 minutes on a CPU according to a course document, run by nst.

The repository of "Deep Learning Review" (lazavgeridis/Neural-Style-Transfer) gives this time for
1000 iterations of Adam at 400×300 pixels, without naming the processor. Here the job is one
`python -m nst.run`, start-up and saving included, with the document's settings: average pooling,
the loss of equations 8 to 12 with α = 5 and β = 50,000, a learning rate of 10, white noise. The
time is wall time; "share" is its share of the 60 minutes. PyTorch is not needed.
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

from minigrad.backend import canonical_device
from minigrad.errors import ArgumentError, DeviceError

SIZE, ITERATIONS = 400, 1000        # of a picture of 4 to 3, as nst's scene is
STATED_SECONDS = 3600.0             # by the document

OPTIONS = ["--preset", "gatys", "--optimizer", "adam", "--learning-rate", "10", "--pooling", "avg",
           "--content-weight", "5", "--style-weight", "50000", "--init", "random", "--clamp",
           "--quiet"]

COLUMNS = {
    "pixels": common.column("pixels"),
    "iterations": common.column("iterations"),
    "device": common.column("device"),
    "ours, s": common.column("seconds", ".1f"),
    "s for an iteration": common.column("seconds_per_iteration", ".3f"),
    "minutes": lambda result: f"**{result['seconds'] / 60:.1f}**",
    "the document's minutes": lambda result: (
        "–" if result["share"] is None else f"{STATED_SECONDS / 60:.0f}"),
    "share": common.column("share", ".3f"),
}


def job(folder: Path, weights: str, size: int, iterations: int, device: str) -> dict[str, Any]:
    """Run nst once; return the time and the figures of its report.

    Raises
    ------
    WorkerError : it failed.
    """
    demo = common.ROOT / "nst" / "demo"
    command = [sys.executable, "-m", "nst.run", str(demo / "scene.jpg"), str(demo / "painting.jpg"),
               "-o", "seeds.png", "--overwrite", "--size", str(size),
               "--iterations", str(iterations),
               "--weights", weights, "--device", device, *OPTIONS]
    paths = [str(common.ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)})
    seconds = time.perf_counter() - start
    if done.returncode:
        raise turns.WorkerError(f"{' '.join(command)} failed:\n{done.stderr}")
    report = json.loads((folder / "seeds.json").read_text(encoding="utf-8"))
    summary = report["summary"]
    the_same = (size, iterations) == (SIZE, ITERATIONS)
    return {"pixels": "×".join(map(str, summary["size"])), "iterations": summary["iterations"],
            "device": report["device"], "seconds": seconds,
            "seconds_per_iteration": summary["seconds_per_iteration"],
            "first_total": summary["first_total"], "best_total": summary["best_total"],
            "share": seconds / STATED_SECONDS if the_same else None}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = common.parser("seeds", __doc__)
    parser.add_argument("--size", type=common.picture_size, default=SIZE, metavar="PIXELS",
                        help=f"long side of both pictures (default: {SIZE}, the document's)")
    parser.add_argument("--iterations", type=common.positive, default=ITERATIONS, metavar="N",
                        help=f"iterations of Adam (default: {ITERATIONS}, the document's)")
    parser.add_argument("--weights", default="random:0", metavar="FILE",
                        help="a converted VGG19, or random:SEED (default: random:0)")
    parser.add_argument("--device", default="cpu", metavar="NAME",
                        help="cpu, cuda or cuda:N (default: cpu)")
    given = parser.parse_args(arguments)
    try:
        device = canonical_device(given.device)
    except DeviceError as error:
        raise ArgumentError(str(error)) from error
    common.check_weights(given.weights)
    weights = given.weights
    if not weights.startswith("random:"):
        weights = str(Path(weights).resolve())
    report = common.Report("seeds", given.output, COLUMNS,
                           weights=common.weights_name(given.weights))
    with tempfile.TemporaryDirectory() as folder:
        report.add(job(Path(folder), weights, given.size, given.iterations, device))
    report.finish()
    return 0


if __name__ == "__main__":
    sys.exit(common.run("seeds", main))
