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

from minigrad.errors import FileError
from minigrad.printable import escaped_json
from minigrad.version import __version__
from nst.job.result import Result
from nst.system import strict_json
from nst.system.files import read_bounded, write_atomically


def write_json(path: Path, result: Result, settings: dict[str, Any], **extra: Any) -> None:
    """Write OUT.json: settings, versions, losses of all iterations, and a summary.

    Parameters
    ----------
    path : Path
        The result's picture; the JSON file goes beside it.
    settings : dict
        All options in effect, see `plain`.
    extra
        Additional entries.

    Raises
    ------
    FileError
        The file cannot be written.
    """
    record = {
        "settings": settings,
        **extra,
        "versions": versions(),
        "device": result.device,
        "precision": result.precision,
        "scales": [{"size": list(scale.size), "iterations": scale.iterations}
                   for scale in result.scales],
        "iterations": [dataclasses.asdict(entry) for entry in result.history],
        "summary": _summary(result, path),
    }
    write_record(path.with_suffix(".json"), record)


def write_record(path: Path, record: Mapping[str, Any]) -> None:
    """Write plain data as JSON, atomically.

    Raises
    ------
    FileError
        The file cannot be written, or JSON has no words for the data.
    """
    try:
        text = json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    except (TypeError, ValueError, RecursionError) as error:
        raise FileError(f"cannot write {path}: {error}") from None
    # The name of a file may contain bytes that are not text.
    write_atomically(path, escaped_json(text).encode(errors="replace"))


def read_record(path: Path) -> dict[str, Any] | None:
    """Read what `write_record` wrote; None if there is no such file, or it is not valid."""
    record = read_json(path)
    if not isinstance(record, dict) or not isinstance(record.get("summary"), dict):
        return None
    return record if isinstance(record.get("settings", {}), dict) else None


def is_json(path: Path) -> bool:
    """Whether a file is there and complete."""
    return read_json(path) is not None


def read_json(path: Path) -> Any:
    """The content of a JSON file; None if there is none, or it is not as `write_record` writes."""
    try:
        return strict_json.loads(read_bounded(path, strict_json.MAX_BYTES).decode())
    except (OSError, ValueError):
        return None


def _summary(result: Result, path: Path) -> dict[str, Any]:
    history = result.history
    best = history[result.best_iteration] if history else None
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
        "seconds": result.seconds,
        "seconds_per_iteration": result.seconds / len(history) if history else None,
    }


def versions() -> dict[str, str]:
    """Return the versions of this project, of Python, and of libraries that affect the result."""
    found = {"minigrad": __version__, "python": platform.python_version(),
             "numpy": np.__version__, "pillow": PIL.__version__}
    if "cupy" in sys.modules:
        found["cupy"] = sys.modules["cupy"].__version__
    return found
