"""What a run tells while it works, and the OUT.json that it leaves."""

from __future__ import annotations

import dataclasses
import json
import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import PIL
from tqdm import tqdm

from minigrad import cuda
from minigrad.errors import ArgumentError
from minigrad.version import __version__
from nst.config.settings import Settings, precision_on
from nst.config.validators import AUTO
from nst.job.transfer import Job, Result
from nst.optimize.loop import Iteration, Progress
from nst.system.files import write_atomically


class ProgressBar:
    """Iteration, seconds each, the time left, size and losses, on stderr.

    On a terminal the line is rewritten; elsewhere there is a line now and then.
    """

    def __init__(self, job: Job, done: int = 0) -> None:
        terminal = sys.stderr.isatty()
        self.sizes = [in_pixels(scale.size) for scale in job.scales]
        # Time before losses: what a narrow terminal cuts off is at the end.
        self.bar = tqdm(total=job.settings.iterations, initial=done, dynamic_ncols=terminal,
                        mininterval=0.2 if terminal else 10,
                        bar_format="{n_fmt}/{total_fmt} |{bar:12}| {rate_inv_fmt}, {remaining} "
                                   "left{postfix[0]}", postfix=[""])

    def __call__(self, progress: Progress) -> None:
        last = progress.history[-1]
        self.bar.postfix[0] = f", {self.sizes[last.scale]}, {losses_in_words(last)}"
        self.bar.update(last.iteration - self.bar.n)

    def close(self) -> None:
        self.bar.close()


def beginning_in_words(job: Job) -> str:
    """One line for the start: which pictures, at which sizes, with what."""
    given = job.inputs
    content = "no content" if given.content is None else f"content {in_pixels(given.content.size)}"
    styles = ", ".join(in_pixels(style.size) for style in given.styles) or "none"
    steps = " → ".join(in_pixels(scale.size) for scale in job.scales)
    return (f"{content}, style {styles}, at {steps}, weights {job.network.source}, "
            f"device {device_in_words(job.settings, job.device)}")


def device_in_words(settings: Settings, device: str) -> str:
    """Which device, in which precision; and why auto took the CPU.

    That in full where somebody has installed CuPy, and will wonder.
    """
    if device != "cpu":
        how = " (found by auto)" if settings.device == AUTO else ""
        return f"{device}{how} with precision {precision_on(settings, device)}"
    if settings.device != AUTO:
        return device
    why = cuda.missing() if cuda.installed() else "no GPU can be used"
    return f"{device} (found by auto: {why})"


def losses_in_words(entry: Iteration) -> str:
    """The total and its terms on one short line."""
    terms = {"content": entry.content, "style": entry.style, "tv": entry.tv}
    shown = [f"{name} {value:.3g}" for name, value in terms.items() if value is not None]
    return f"total {entry.total:.4g} ({', '.join(shown)})"


def summary_in_words(result: Result, path: Path) -> str:
    """One line for the end: from which loss to which, in what time."""
    best = result.history[result.best_iteration]
    # Losses of different scales do not compare, so the first is that of the last scale.
    first = next(entry for entry in result.history if entry.scale == best.scale)
    spent = sum(entry.seconds for entry in result.history)
    return (f"{path}: total loss {first.total:.4g} → {best.total:.4g} in "
            f"{result.history[-1].iteration} iterations, {spent:.1f} s "
            f"({spent / len(result.history):.3g} s each)")


def write_json(path: Path, result: Result, settings: dict[str, Any], **more: Any) -> None:
    """Write what was done and how it went.

    Parameters
    ----------
    path : Path
        Where the result's picture was written; the JSON goes beside it.
    settings : dict
        All that was in effect, see `plain`.
    more
        What else is to be in it, by name.

    Raises
    ------
    FileError
        The file cannot be written.
    """
    report = {
        "settings": settings,
        **more,
        "versions": versions(),
        "device": result.device,
        "precision": result.precision,
        "scales": [{"size": list(scale.size), "iterations": scale.iterations}
                   for scale in result.scales],
        "iterations": [dataclasses.asdict(entry) for entry in result.history],
        "summary": _summary(result, path),
    }
    write_record(path.with_suffix(".json"), report)


def write_record(path: Path, record: Mapping[str, Any]) -> None:
    """Write plain data as JSON, all at once.

    Raises
    ------
    FileError
        The file cannot be written.
    """
    text = json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    # A file's name may have bytes that are no text.
    write_atomically(path, text.encode(errors="replace"))


def read_record(path: Path) -> dict[str, Any] | None:
    """What `write_json` wrote; None if there is no such file, or it is damaged or another's."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get("summary"), dict) else None


def check_replaceable(path: Path) -> None:
    """Demand that there is no file of this name, or one from an earlier run, or no JSON at all.

    Raises
    ------
    ArgumentError
        It is the user's own.
    """
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return
    if read_record(path) is None:
        raise ArgumentError(f"how it went would be written to {path}, but there is a file of that "
                            f"name that nst did not write; give the output another name")


def _summary(result: Result, path: Path) -> dict[str, Any]:
    history = result.history
    best = history[result.best_iteration] if history else None
    spent = sum(entry.seconds for entry in history)
    return {
        "picture": path.name,
        "size": list(result.picture.size),
        "weights": result.weights,
        "ended": result.ended,
        "cause": result.cause,
        "retreats": [dataclasses.asdict(retreat) for retreat in result.retreats],
        "iterations": history[-1].iteration if history else 0,
        "best_iteration": result.best_iteration,
        "first_total": history[0].total if history else None,
        "best_total": best and best.total,
        "last_total": history[-1].total if history else None,
        "seconds": spent,
        "seconds_per_iteration": spent / len(history) if history else None,
    }


def versions() -> dict[str, str]:
    """What computed: this project, Python, the libraries that have a say in the numbers."""
    found = {"minigrad": __version__, "python": platform.python_version(),
             "numpy": np.__version__, "pillow": PIL.__version__}
    if "cupy" in sys.modules:
        found["cupy"] = sys.modules["cupy"].__version__
    return found


def numbered(path: Path, iteration: int, iterations: int) -> Path:
    """The name of an intermediate picture: out-050.png beside out.png."""
    return path.with_name(f"{path.stem}-{iteration:0{len(str(iterations))}}{path.suffix}")


def in_pixels(size: tuple[int, int]) -> str:
    """Width and height for people."""
    return f"{size[0]}×{size[1]}"
