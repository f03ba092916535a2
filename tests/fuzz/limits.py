"""What one execution may take: seconds of the processor, bytes of memory, kinds of exceptions."""

from __future__ import annotations

import faulthandler
import resource
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from minigrad.errors import MinigradError

MAX_SECONDS = 10            # of the processor
MAX_MEMORY = 1 << 30        # bytes of addresses, beyond what the process has before
# Messages about a user's own configuration quote values whole, whatever their length.
MIN_LETTERS, MAX_LETTERS = 15, 20_000
# Warnings that Python itself does not show to users.
HIDDEN = (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning)


class BadEndError(BaseException):
    """Not an Exception, so that no reader takes it for damage of its file."""


def install() -> None:
    """Turn the end of the processor time into an error; a second later, into the process's end.

    Python's own handler runs between instructions of Python only, so a loop in C needs the second.
    """
    def too_slow(number: int, frame: FrameType | None) -> None:
        raise BadEndError(f"more than {MAX_SECONDS} seconds of the processor")

    faulthandler.enable()
    signal.signal(signal.SIGPROF, too_slow)
    faulthandler.register(signal.SIGVTALRM, chain=True)


@contextmanager
def limited() -> Iterator[None]:
    """Limits for one execution.

    Raises
    ------
    BadEndError
        It took too long or too much memory, warned, or raised an error that is not one readable
        sentence. Exceptions of other classes come through.
    """
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (_addresses() + MAX_MEMORY, limits[1]))
    signal.setitimer(signal.ITIMER_PROF, MAX_SECONDS)
    signal.setitimer(signal.ITIMER_VIRTUAL, MAX_SECONDS + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            for category in HIDDEN:
                warnings.simplefilter("ignore", category)
            warnings.showwarning = _warned
            yield
    except MinigradError as error:
        _check_sentence(error)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        resource.setrlimit(resource.RLIMIT_AS, limits)


def _addresses() -> int:
    """Bytes of addresses of this process."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def _warned(message: Warning | str, category: type[Warning], filename: str, line: int,
            *rest: Any) -> None:
    raise BadEndError(f"a warning in {filename}:{line}: {message}")


def _check_sentence(error: MinigradError) -> None:
    sentence = str(error)
    if not MIN_LETTERS < len(sentence) < MAX_LETTERS or not sentence.isprintable():
        raise BadEndError(f"not one printable sentence: {sentence[:MAX_LETTERS]!r}") from error
    cause: Any = error
    while cause is not None:
        if isinstance(cause, MemoryError):
            raise BadEndError(f"more than {MAX_MEMORY:,} bytes of memory") from error
        cause = cause.__cause__ or cause.__context__
