"""Configuration files: every option of the command line, in TOML.

A file has the options under their names without the dashes, all on one level:

    content = "photo.jpg"
    style = ["a.jpg", "b.jpg"]
    style-weight = 20
    style-layers = {relu1_1 = 2, relu3_1 = 1}

Paths are relative to the file. Beside every result stands OUT.toml with all that was in effect,
so `--config OUT.toml` does the same again.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from minigrad.command_line import did_you_mean
from minigrad.errors import ArgumentError, FileError
from nst.config.options import FIELDS
from nst.config.settings import INITS
from nst.config.validators import AUTO, EVERYWHERE, option_name
from nst.system.files import write_atomically

# What a file may hold beside the settings.
OTHERS = ("content", "style", "output", "report", "preset", "save_every", "checkpoint_every",
          "quiet")
KEYS = (*OTHERS, *FIELDS)

# Where a name is a path, and the words that are none.
_WORDS = {"content": (), "style": (), "output": (), "report": (),
          "content_mask": (EVERYWHERE, AUTO),
          "region_masks": (EVERYWHERE, AUTO), "style_masks": (EVERYWHERE, AUTO),
          "init": (*INITS, AUTO), "weights": (AUTO, "small")}


def read(path: Path) -> dict[str, Any]:
    """The options in a file, by field name; paths as seen from the working directory.

    Raises
    ------
    FileError
        It cannot be read, or is not TOML.
    ArgumentError
        It has a key that no option has; the message names the nearest.
    """
    try:
        with open(path, "rb") as file:
            found = tomllib.load(file)
    except OSError as error:
        raise FileError(f"cannot read the configuration {path}: "
                        f"{error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FileError(f"the configuration {path} is not TOML: {error}") from None
    return {_field(key, path): _based(_field(key, path), value, path.parent)
            for key, value in found.items()}


def _field(key: str, path: Path) -> str:
    name = key.replace("-", "_")
    if name not in KEYS or "_" in key:
        known = [option_name(name) for name in KEYS]
        hint = did_you_mean(key, known) or f"; known are {', '.join(known)}"
        raise ArgumentError(f"the configuration {path} has an unknown key {key!r}{hint}")
    return name


def _based(name: str, value: Any, folder: Path) -> Any:
    """The value with its paths, if it has any, taken from ``folder``."""
    return _with_paths(name, value, lambda path: str(folder / path))


def _with_paths(name: str, value: Any, move: Callable[[str], str]) -> Any:
    if name not in _WORDS:
        return value
    if isinstance(value, (list, tuple)):
        return [_with_paths(name, one, move) for one in value]
    if isinstance(value, Path):
        value = str(value)
    is_path = isinstance(value, str) and value not in _WORDS[name] and not (
        name == "weights" and value.startswith("random:"))
    return move(value) if is_path else value


MARK = "# Written by nst.run"


def write(path: Path, options: Mapping[str, Any]) -> None:
    """Write a configuration file with these options, by field name.

    Raises
    ------
    FileError
        It cannot be written.
    """
    heading = f"{MARK}; the same again: python -m nst.run --config {path.name}\n"
    write_atomically(path, (heading + text(options, path.parent)).encode(errors="replace"))


def check_replaceable(path: Path) -> None:
    """Demand that there is no file of this name, or one from an earlier run.

    Raises
    ------
    ArgumentError
        It is the user's own.
    """
    if path.is_file() and not path.read_bytes().startswith(MARK.encode()):
        raise ArgumentError(f"all settings would go to {path}, but there is a file of that name "
                            f"that nst.run did not write; give the output another name")


def text(options: Mapping[str, Any], folder: Path) -> str:
    """A configuration file with these options, by field name, to stand in ``folder``."""
    lines = []
    for name, value in options.items():
        moved = _with_paths(name, value, lambda path: _relative(path, folder))
        if moved is None and name in FIELDS:
            moved = AUTO
        if moved is not None:
            lines.append(f"{option_name(name)} = {_toml(moved)}\n")
    return "".join(lines)


def _relative(path: str, folder: Path) -> str:
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:                      # another drive
        return os.path.abspath(path)


def _toml(value: Any) -> str:
    """A string, number, truth value, list or flat table in TOML."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_toml, value)) + "]"
    # JSON's notation is TOML's as well, but for one character that TOML wants escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
