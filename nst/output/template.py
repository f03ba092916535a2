"""Building blocks of the HTML pages: tables, JSON for scripts, templates; and writing a page."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from minigrad.errors import ArgumentError
from minigrad.html import escaped
from minigrad.printable import escaped_json
from nst.system.files import write_atomically

COMMAND = '<pre id="command">python -m nst.'        # in every page
_PIECE = 1 << 20            # bytes of a page that are looked through at a time


def check_page(path: Path) -> None:
    """Check that browsers recognise the name of a page.

    Raises
    ------
    ArgumentError
        The name does not end in .html.
    """
    if path.suffix.lower() not in (".html", ".htm"):
        raise ArgumentError(f"the report {path} is a web page, so its name must end in .html")


def write_page(path: Path, html: str) -> None:
    """Write a page, atomically.

    Raises
    ------
    ArgumentError, FileError
        The name does not end in .html, or the file cannot be written.
    """
    check_page(path)
    # The name of a file may contain bytes that are not text.
    write_atomically(path, html.encode(errors="replace"))


def is_page(path: Path) -> bool:
    """Whether a file is a page that one of our programs wrote."""
    if not os.path.isfile(path):                # reading a pipe or a device might have no end
        return False
    sought, before = COMMAND.encode(), b""
    try:
        with open(path, "rb") as file:
            while piece := file.read(_PIECE):
                if sought in before + piece:
                    return True
                before = piece[-len(sought) :]
    except OSError:
        pass
    return False


def tables(groups: Mapping[str, Mapping[str, Any]]) -> str:
    """Return tables, given as heading -> {name: value}, as HTML."""
    parts = []
    for heading, rows in groups.items():
        cells = "".join(f"<tr><th>{escaped(name)}</th><td>{escaped(_shown(value))}</td></tr>"
                        for name, value in rows.items())
        parts.append(f"<div><h2>{escaped(heading)}</h2><table>{cells}</table></div>")
    return "".join(parts)


def _shown(value: Any) -> str:
    """Return the value of a setting as text."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_shown(item)}" for name, item in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_shown, value))
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "—" if value is None else str(value)


def as_json(data: Any) -> str:
    """Return JSON for a script element: "<" is escaped, because of "</" and "<!--"."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
    return escaped_json(text)


def resource(name: str) -> str:
    """Read a file of this package."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
