"""What the two command lines of this package share."""

from __future__ import annotations

from pathlib import Path

from minigrad.command_line import Parser
from minigrad.errors import FileError


def command_parser(command: str, description: str, epilog: str) -> Parser:
    """Return a parser of one command of `python -m weights_converter`."""
    program = f"python -m weights_converter {command}"
    return Parser(prog=program, hint=f"; see {program} --help", description=description,
                  epilog=epilog)


def make_folder(folder: Path) -> None:
    """Make a folder for results if it is not there.

    Raises
    ------
    FileError
        It cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"cannot make the folder {folder}: {error.strerror}") from error
