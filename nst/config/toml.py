"""Configuration files: every option of the command line, in TOML.

A file names the options without their dashes, all on one level:

    content = "photo.jpg"
    style = ["a.jpg", "b.jpg"]
    style-weight = 20
    style-layers = {relu1_1 = 2, relu3_1 = 1}

Paths are relative to the file. Every run writes OUT.toml with all options in effect, so that
`--config OUT.toml` repeats it.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from minigrad.command_line import did_you_mean
from minigrad.errors import ArgumentError, FileError
from minigrad.printable import escape_controls, printable
from nst.config.choices import INITS
from nst.config.options import FIELDS
from nst.config.quoted import quoted
from nst.config.validators import AUTO, EVERYWHERE, option_name
from nst.system.files import read_bounded, reason_of, write_atomically

# Keys besides the settings.
OTHERS = ("content", "style", "output", "report", "preset", "save_every", "checkpoint_every",
          "quiet")
KEYS = (*OTHERS, *FIELDS)

MAX_BYTES = 1_000_000
# Comments and texts, of one line or several. Each pattern also matches without the closing quotes,
# where the parser stops: to look for them again from every opening one would take quadratic time.
_TEXTS = re.compile(r"""
    \#[^\n]*
    | \"\"\" (?:\\.|[^\\])*? (?: "{3,5} | \\?\Z )  | \'\'\' .*? (?: '{3,5} | \Z )
    | " (?:\\.|[^"\\\n])* "?                   | ' [^'\n]* '?
    """, re.VERBOSE | re.DOTALL)
_LONG_KEY = re.compile(r"(?<![\w-])[\w-]+(?:[ \t]*\.[ \t]*[\w-]+){9}")      # ten parts

# Options that are paths, each with the words that are not taken as paths.
_WORDS = {"content": (), "style": (), "output": (), "report": (),
          "content_mask": (EVERYWHERE, AUTO),
          "region_masks": (EVERYWHERE, AUTO), "style_masks": (EVERYWHERE, AUTO),
          "init": (*INITS, AUTO), "weights": (AUTO, "small")}

_LISTS = ("style", "region_masks", "style_masks")


def read(path: Path) -> dict[str, Any]:
    """Read the options in a file, by field name; paths become relative to the working directory.

    Raises
    ------
    FileError
        The file cannot be read, or is not TOML.
    ArgumentError
        The file has an unknown key, and the message suggests known ones; or what should name a
        file is no text.
    """
    try:
        data = read_bounded(path, MAX_BYTES)
    except (OSError, ValueError) as error:
        raise FileError(f"cannot read the configuration {path}: {reason_of(error)}") from None
    try:
        # Editors on Windows begin a file with a mark of its encoding, which TOML does not know.
        text = data.decode("utf-8-sig")
        options = _parsed(text)
    except RecursionError:
        raise FileError(f"the configuration {path} is nested too deeply: options must "
                        f"be on one level") from None
    except tomllib.TOMLDecodeError as error:
        hint = "; in a path, write / instead of \\" if _has_backslash(text, str(error)) else ""
        raise FileError(f"the configuration {path} is not TOML: {error}{hint}") from None
    except UnicodeDecodeError as error:
        raise FileError(f"the configuration {path} is not TOML: {error}") from None
    except ValueError:                      # of `int`; TOML asks for 64 bits
        raise FileError(f"the configuration {path} has a number of thousands of digits; write "
                        f"one of at most 64 bits") from None
    named = {_field(key, path): value for key, value in options.items()}
    for name in sorted(named.keys() & _WORDS.keys()):
        _check_names(path, name, named[name])
    return {name: _relative_to(path.parent, name, value) for name, value in named.items()}


def _parsed(text: str) -> dict[str, Any]:
    """The content of a configuration.

    Raises
    ------
    ValueError, RecursionError
        It is not TOML, or nested too deeply. The memory that tomllib takes for a key grows with the
        square of its parts: gigabytes for 80 KB of "a.a.a…", so these are counted before.
    """
    if _LONG_KEY.search(_TEXTS.sub("_", text)):
        raise RecursionError
    return tomllib.loads(text)


def _has_backslash(text: str, message: str) -> bool:
    """Whether the line that an error names has a backslash."""
    line = re.search(r"at line (\d+)", message)
    lines = text.splitlines()
    number = int(line[1]) - 1 if line else 0
    return number < len(lines) and "\\" in lines[number]


def _field(key: str, path: Path) -> str:
    name = key.replace("-", "_")
    if name not in KEYS or "_" in key:
        known = [option_name(name) for name in KEYS]
        hint = did_you_mean(key, known) or f"; known are {', '.join(known)}"
        raise ArgumentError(f"the configuration {path} has an unknown key {quoted(key)}{hint}")
    return name


def _check_names(path: Path, name: str, value: Any) -> None:
    """Check that an option that is a path is text, or a list of texts where it may be one."""
    names = value if isinstance(value, list) and name in _LISTS else [value]
    for one in names:
        if not isinstance(one, str) or not one or "\0" in one:
            raise ArgumentError(f"the configuration {path}: {option_name(name)} must be the name "
                                f"of a file, not {quoted(one)}")


def _relative_to(folder: Path, name: str, value: Any) -> Any:
    """Return the value of an option; if it is a path, as a path below `folder`."""
    return _with_paths(name, value, lambda path: str(folder / path))


def _with_paths(name: str, value: Any, move: Callable[[str], str]) -> Any:
    if name not in _WORDS:
        return value
    if isinstance(value, (list, tuple)):
        return [_with_paths(name, item, move) for item in value]
    if isinstance(value, Path):
        return _as_path(name, move(str(value)))
    if not isinstance(value, str) or _is_word(name, value):
        return value
    return _as_path(name, move(value))


def _is_word(name: str, value: str) -> bool:
    return value in _WORDS[name] or (name == "weights" and value.startswith("random:"))


def _as_path(name: str, path: str) -> str:
    """A path that is not taken for a word: a file may be named like one."""
    return f"./{path}" if _is_word(name, path) else path


MARK = "# Written by nst.run"


def write(path: Path, options: Mapping[str, Any]) -> None:
    """Write a configuration file with these options, by field name.

    Raises
    ------
    FileError
        It cannot be written.
    """
    heading = f"{MARK}; to repeat it: python -m nst.run --config {printable(path.name)}\n"
    write_atomically(path, (heading + text(options, path.parent)).encode(errors="replace"))


def is_written(path: Path) -> bool:
    """Whether a file was written by `write`."""
    try:
        return read_bounded(path, MAX_BYTES).startswith(MARK.encode())
    except OSError:
        return False


def text(options: Mapping[str, Any], folder: Path) -> str:
    """Return the text of a configuration file in `folder` with these options, by field name."""
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
    """Return a string, number, boolean, list or flat table in TOML."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_toml, value)) + "]"
    # JSON notation is valid TOML, except for escapes beyond four digits.
    return escape_controls(json.dumps(value, ensure_ascii=False),
                           lambda letter: f"\\U{ord(letter):08x}")
