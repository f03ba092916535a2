"""The argument parser and the folder check of both commands of this package."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NoReturn

from minigrad.errors import ArgumentError, FileError


class Parser(argparse.ArgumentParser):
    """An argument parser that raises `ArgumentError`, so that all mistakes are reported alike."""

    def __init__(self, command: str, description: str, epilog: str) -> None:
        super().__init__(prog=command, description=description, epilog=epilog,
                         formatter_class=argparse.RawDescriptionHelpFormatter,
                         allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        raise ArgumentError(f"{message}; see {self.prog} --help")


def make_folder(folder: Path) -> None:
    """Make a folder for results unless it exists.

    Raises
    ------
    FileError
        It cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"cannot make the folder {folder}: {error.strerror}") from error
