"""What a run tells while it works, and the OUT.json that it leaves."""

from __future__ import annotations

import dataclasses
import json
import platform
import sys
from pathlib import Path
from typing import Any

import numpy as np
import PIL
from PIL import Image
from tqdm import tqdm

from minigrad.version import __version__
from nst.files import write_atomically
from nst.optimise import Iteration, Progress
from nst.settings import Settings
from nst.transfer import Result


class ProgressBar:
    """Iteration, losses, seconds per iteration and the time left, on stderr.

    On a terminal the line is rewritten; elsewhere there is a line now and then.
    """

    def __init__(self, iterations: int) -> None:
        terminal = sys.stderr.isatty()
        # Time before losses: what a narrow terminal cuts off is at the end.
        self.bar = tqdm(total=iterations, dynamic_ncols=terminal,
                        mininterval=0.2 if terminal else 10,
                        bar_format="{n_fmt}/{total_fmt} |{bar:12}| {rate_inv_fmt}, {remaining} "
                                   "left{postfix[0]}", postfix=[""])

    def __call__(self, progress: Progress) -> None:
        last = progress.history[-1]
        self.bar.postfix[0] = ", " + losses_in_words(last)
        self.bar.update(last.iteration - self.bar.n)

    def close(self) -> None:
        self.bar.close()


def losses_in_words(entry: Iteration) -> str:
    """The total and its terms on one short line."""
    terms = {"content": entry.content, "style": entry.style, "tv": entry.tv}
    shown = [f"{name} {value:.3g}" for name, value in terms.items() if value is not None]
    return f"total {entry.total:.4g} ({', '.join(shown)})"


def summary_in_words(result: Result, path: Path) -> str:
    """One line for the end: from which loss to which, in what time."""
    first, best = result.history[0], result.history[result.best_iteration]
    spent = sum(entry.seconds for entry in result.history)
    return (f"{path}: total loss {first.total:.4g} → {best.total:.4g} in "
            f"{result.history[-1].iteration} iterations, {spent:.1f} s "
            f"({spent / len(result.history):.3g} s each)")


def write_json(path: Path, result: Result, inputs: dict[str, Any]) -> None:
    """Write what was done and how it went.

    Parameters
    ----------
    path : Path
        Where the result's picture was written; the JSON goes beside it.
    inputs : dict
        What is not in the settings: names of pictures and so on; joins them under "settings".

    Raises
    ------
    FileError
        The file cannot be written.
    """
    report = {
        "settings": {**inputs, **_plain(result.settings)},
        "versions": versions(),
        "device": result.device,
        "iterations": [dataclasses.asdict(entry) for entry in result.history],
        "summary": _summary(result, path),
    }
    text = json.dumps(report, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    write_atomically(path.with_suffix(".json"), text.encode())


def _plain(settings: Settings) -> dict[str, Any]:
    """The settings as JSON can hold them; a picture given as an object is only named as such."""
    fields = dataclasses.asdict(settings)
    if not isinstance(fields["init"], str):
        is_path = isinstance(fields["init"], Path)
        fields["init"] = str(fields["init"]) if is_path else type(fields["init"]).__name__
    if fields["weights"] is not None:
        fields["weights"] = str(fields["weights"])
    return fields


def _summary(result: Result, path: Path) -> dict[str, Any]:
    history = result.history
    best = history[result.best_iteration] if history else None
    spent = sum(entry.seconds for entry in history)
    return {
        "picture": path.name,
        "size": list(result.image.size),
        "weights": result.weights,
        "ended": result.ended,
        "cause": result.cause,
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


def pixels(image: Image.Image) -> str:
    """The size of a picture for people."""
    return f"{image.width}×{image.height}"
