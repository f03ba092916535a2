"""Existing files: which of them may be replaced.

Without `--overwrite`, none may be, except where work continues: `--resume` and a repeated batch
replace the files of an earlier run of the same job.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from minigrad.errors import ArgumentError, FileError
from nst.config import toml
from nst.config.options import FIELDS
from nst.config.plain import plain
from nst.config.request import Request
from nst.job import checkpoint
from nst.output import record, template
from nst.pictures import tensors

# Settings that change how a picture is computed, but not the picture.
COMPUTATION_SETTINGS = ("device", "precision", "max_memory", "tile", "processes")


def check_absent(paths: Iterable[Path], otherwise: str = "") -> None:
    """Check that none of these files exists.

    Parameters
    ----------
    otherwise : str
        What else to do, for the end of the message.

    Raises
    ------
    ArgumentError
        The message names the first file that exists.
    """
    for path in paths:
        if os.path.exists(path):
            raise ArgumentError(f"{path} already exists; choose another output name, or add "
                                f"--overwrite to replace it{otherwise}")


def check_replaceable(request: Request, paths: Iterable[Path]) -> None:
    """Check that a run replaces no file, except with --overwrite, or its own with --resume.

    A configuration written by hand is never replaced, because nobody asked for OUT.toml.

    Parameters
    ----------
    paths : iterable of Path
        The files that the run may write, without its checkpoint.

    Raises
    ------
    ArgumentError
        The message names a file that already exists.
    """
    paths = list(paths)
    for path in paths:
        if path.suffix == ".toml" and os.path.exists(path) and not toml.is_written(path):
            raise ArgumentError(f"all settings are written to {path}, but there is a file of that "
                                f"name that nst.run did not write; choose another output name")
    if request.overwrite:
        return
    saved = checkpoint.checkpoint_path(request.output)
    if not request.resume:
        otherwise = f", or --resume to continue from {saved}" if os.path.exists(saved) else ""
        check_absent(paths, otherwise)
        return
    # With a checkpoint, which is compared with the settings later on, the files need only be those
    # of some run: pictures may have moved, and settings may have changed after a fault.
    same = None if os.path.exists(saved) else request
    check_absent(path for path in paths if not is_left_behind(path, same))


def check_checkpoint(path: Path) -> None:
    """Check that the place of a run's checkpoint is free, or has one of an earlier run.

    Raises
    ------
    ArgumentError
        There is a file that no run wrote.
    """
    if checkpoint.is_taken(path):
        raise ArgumentError(f"a checkpoint would be written to {path}, but there is a file of that "
                            f"name that nst.run did not write; choose another output name, or add "
                            f"--overwrite to replace it")


def is_left_behind(path: Path, request: Request | None) -> bool:
    """Whether a run of nst wrote a file; if a request is given, a run with its settings."""
    kind = path.suffix.lower()
    if kind == ".toml":
        return toml.is_written(path)
    if kind in (".html", ".htm"):
        return template.is_page(path)
    if kind == ".json":
        found = (record.read_record(path) or {}).get("settings")
    else:
        found = embedded(path)
    return isinstance(found, dict) and (request is None
                                        or is_same(found, plain(request.effective())))


def embedded(path: Path) -> dict[str, Any] | None:
    """The settings in a picture that nst wrote; None for other files."""
    try:
        return tensors.read_settings(path)
    except FileError:
        return None


def is_same(previous: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether two sets of options, as plain data, give the same picture."""
    return same_pictures(previous, now) and not difference(previous, now)


def same_pictures(previous: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether content and styles have the same names; their folders may have moved."""
    return all(_names(previous.get(role)) == _names(now.get(role)) for role in ("content", "style"))


def _names(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [] if value is None else [value]
    return [os.path.basename(str(one)) for one in values]


def difference(previous: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """The name of the first setting that differs and changes the picture; "" if there is none."""
    for name in FIELDS:
        if name in previous and name not in COMPUTATION_SETTINGS and previous[name] != now[name]:
            return name
    return ""


def check_config(request: Request, paths: Iterable[Path]) -> None:
    """Check that a run that reads OLD.toml overwrites no file of the run described there.

    A run with the same output repeats it, and is treated like any other.

    Raises
    ------
    ArgumentError
        A report or JSON file is that of the other run.
    """
    if request.config is None:
        return
    old = toml.read(request.config)
    output = Path(old.get("output") or "")
    if not output.name or _is_same_file(output, request.output):
        return
    theirs = [output, output.with_suffix(".json"), *filter(None, [old.get("report")])]
    for path in paths:
        for other in theirs:
            if os.path.exists(path) and _is_same_file(path, Path(other)):
                raise ArgumentError(f"{path} belongs to {output}, which {request.config} "
                                    f"describes; choose another output name for this run")


def _is_same_file(one: Path, other: Path) -> bool:
    if os.path.exists(one) and os.path.exists(other):
        return os.path.samefile(one, other)
    return os.path.realpath(one) == os.path.realpath(other)
