"""OUT.json: the settings, losses and summary of a run."""

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

from minigrad.errors import ArgumentError
from minigrad.version import __version__
from nst.job.transfer import Result
from nst.system.files import write_atomically


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
        "rollbacks": [dataclasses.asdict(rollback) for rollback in result.rollbacks],
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
