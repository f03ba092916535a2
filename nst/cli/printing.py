"""Lines of progress on stdout."""

from __future__ import annotations

from collections.abc import Callable

from minigrad.printable import printable


def printer(quiet: bool) -> Callable[[str], None]:
    """Return a function that prints a line at once, or nothing if `quiet`."""
    return _ignore if quiet else _print


def _print(line: str) -> None:
    print(printable(line), flush=True)      # it may name a file of unknown origin


def _ignore(line: str) -> None:
    """Print nothing."""
