"""The argument parser and the folder check of both commands of this package."""

from __future__ import annotations

from pathlib import Path

from minigrad.command_line import Parser
from minigrad.errors import FileError


def command_parser(program: str, description: str, epilog: str) -> Parser:
    """Return a parser whose errors refer to the help of `program`."""
    return Parser(prog=program, hint=f"; see {program} --help", description=description,
                  epilog=epilog)


def make_folder(folder: Path) -> None:
    """Create a folder for results unless it exists.

    Raises
    ------
    FileError
        The folder cannot be created.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"cannot make the folder {folder}: {error.strerror}") from error
