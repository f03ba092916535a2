"""The argument parser that all programs of this project share."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from minigrad.errors import ArgumentError, MinigradError
from minigrad.printable import printable


class Parser(argparse.ArgumentParser):
    """An argument parser that raises its errors, so that a program reports all errors in one way.

    Options cannot be abbreviated: a new option would make old abbreviations ambiguous.

    Parameters
    ----------
    hint : str
        Appended to every error message, for example " (see --help)".
    instead : mapping
        Advice by option, for options that do not exist but that users may try.
    options
        See `argparse.ArgumentParser`.
    """

    def __init__(self, *, hint: str = "", instead: Mapping[str, str] | None = None,
                 **options: Any) -> None:
        super().__init__(**{"allow_abbrev": False,
                            "formatter_class": argparse.RawDescriptionHelpFormatter, **options})
        self.hint = hint
        self.instead = instead or {}

    def error(self, message: str) -> NoReturn:
        """Raise the error instead of ending the program.

        Raises
        ------
        ArgumentError
            Always. For an unknown option the message suggests a known one.
        """
        unknown = re.match(r"unrecognized arguments: (-[^\s=]+)", message)
        if unknown:
            known = [name for action in self._actions for name in action.option_strings]
            advice = (f"; {self.instead[unknown[1]]}" if unknown[1] in self.instead
                      else did_you_mean(unknown[1], known))
            message = f"there is no option {unknown[1]}{advice}"
        raise ArgumentError(message + self.hint)


def report(program: str, problem: object) -> None:
    """Print an error or a warning to stderr, in one line that cannot control the terminal.

    Parameters
    ----------
    problem : object
        A sentence or an exception; it may quote names of unknown origin.
    """
    print(printable(f"{program}: {problem}"), file=sys.stderr, flush=True)


def sentence_of(error: BaseException) -> str:
    """What to say about an error: its message, but Python and NumPy have none for users who lack
    memory."""
    if isinstance(error, MemoryError) and not isinstance(error, MinigradError):
        return "there is not enough memory; close other programs, or use a larger machine"
    return str(error)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the end of a message about an unknown name: a suggestion, or "" if none is close."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""
