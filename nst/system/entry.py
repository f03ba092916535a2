"""How a program of this package starts and ends, so that no signal leaves a traceback.

Importing NumPy and h5py takes a good part of a second, before a program has set its own handlers,
and so do the last moments of the interpreter, after it has removed them. This module and those
that it imports are small, so that the handlers are there from the first moment on.
"""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module
from types import FrameType
from typing import NoReturn

from nst.system.signals import TERMINATING


def run_program(name: str) -> NoReturn:
    """Import a module, call its `main`, and exit with the status that it returns.

    Parameters
    ----------
    name : str
        The program, such as "run": `nst.cli.run` is the module.
    """
    def leave(number: int, frame: FrameType | None) -> None:
        kind = signal.Signals(number)
        how = "interrupted" if kind == signal.SIGINT else f"stopped by {kind.name}"
        end(f"nst.{name}: {how} before it began; nothing was written\n", 128 + number)

    for number in TERMINATING:
        # nohup ignores SIGHUP on purpose.
        if number == signal.SIGINT or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, leave)
    status = import_module(f"nst.cli.{name}").main()
    for number in TERMINATING:
        if signal.getsignal(number) == leave:
            # Not SIG_IGN: Python would complain about a signal that waits for its handler.
            signal.signal(number, lambda number, frame: None)
    sys.exit(status)


def end(sentence: str, status: int) -> NoReturn:
    """End the process at once, without running anything that a signal could interrupt again."""
    try:
        os.write(2, sentence.encode())
    finally:
        os._exit(status)
