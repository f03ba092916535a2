"""Whole runs of `python -m nst.run` on a GPU: their time, and the difference of pictures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import common
import gpu_play
import numpy as np
import style
from PIL import Image

from minigrad.errors import ArgumentError

SHORT = 3       # iterations of a run that measures start-up and compilation
COMPARED_PRESETS = ("gatys", "balanced")     # whose pictures are painted on both devices


class Job:
    """Runs of nst.run on the demonstration's pictures, in a folder that is deleted at the end.

    Parameters
    ----------
    size : int
        Pixels of a side.
    weights : str
        A converted file, or "random:SEED".
    play : bool
        Whether the host simulates the GPU.
    preset : str
    """

    def __init__(self, size: int, weights: str, play: bool, preset: str = "gatys") -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name)
        self.options = ["--preset", preset, "--size", str(size), "--weights", weights, "--quiet",
                        "--overwrite"]
        self.program = ["-m", "nst.run"]
        if play:
            self.program = [str(common.ROOT / "benchmarks" / "gpu_play.py"), "nst.run"]
            self.options += ["--content-layers", gpu_play.LAYERS[0],
                             "--style-layers", gpu_play.LAYERS[1]]
        for name, picture in zip(("content.png", "style.png"), style.pictures(size)):
            picture.save(self.path / name)

    def start(self, name: str, device: str, iterations: int, *more: str,
              compiled: Path | None = None) -> subprocess.Popen:
        """Start a run that writes `name`.png; `compiled` is CuPy's kernel cache."""
        paths = [str(common.ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
        if compiled is not None:
            environment["CUPY_CACHE_DIR"] = str(compiled)
        return subprocess.Popen(
            [sys.executable, *self.program, "content.png", "style.png", "-o", f"{name}.png",
             "--iterations", str(iterations), "--device", device, *self.options, *more],
            cwd=self.path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True)

    def seconds(self, name: str, *args: Any, **named: Any) -> float:
        """Return the seconds of a whole run on the GPU, start-up and saving included."""
        start = time.perf_counter()
        check_run(self.start(name, "cuda", *args, **named))
        return time.perf_counter() - start

    def report(self, name: str) -> dict[str, Any]:
        """Return the record that nst.run wrote beside the picture."""
        return json.loads((self.path / f"{name}.json").read_text(encoding="utf-8"))


def check_run(run: subprocess.Popen) -> None:
    """Wait for a run to end.

    Raises
    ------
    ArgumentError : it failed.
    """
    stderr = run.communicate()[1]
    if run.returncode:
        raise ArgumentError(f"nst.run ended with {run.returncode}: {stderr.strip()[-300:]}")


PRECISIONS = {"float32": ["--precision", "highest"], "TF32": ["--precision", "high"]}


def difference(one: Path, other: Path) -> dict[str, float | None]:
    """Return the difference of two pictures of the same size.

    `mean` and `largest` are |difference| in grey levels over all pixels and colours, `psnr`
    is 10·log₁₀(255²/mean square) in dB, `ssim` that of their luminances.
    """
    from nst.measure.similarity import ssim
    from nst.pictures.colors import luminance

    a, b = (np.asarray(Image.open(path).convert("RGB"), np.float32) for path in (one, other))
    apart = np.abs(a - b)
    square = float((apart ** 2).mean())
    return {"mean": float(apart.mean()), "largest": float(apart.max()),
            "psnr": float(10 * np.log10(255 ** 2 / square)) if square else None,
            "ssim": ssim(luminance(a), luminance(b)) if min(a.shape[:2]) >= 11 else 1.0}
