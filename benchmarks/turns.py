"""Two warmed processes take turns, so that both libraries see the same machine.

Each library has a process of its own, started once and warmed up. The parent sends requests
over pipes, alternating between the two; the process that is waiting is *stopped* (SIGSTOP),
so that its idle threads cannot take a core from the other. So it does not matter how a library's
threads wait for work, and nothing has to be configured.

The clock runs inside the worker, around the work alone.
"""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import os
import signal
import statistics
import sys
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any

from minigrad.errors import MinigradError

TURN = 0.3              # minimum seconds of a turn; shorter calls are repeated
CAN_STOP = hasattr(signal, "SIGSTOP")


class WorkerError(MinigradError, RuntimeError):
    """A worker failed: an internal error, not a user's mistake. The message is its traceback."""


class Worker:
    """An object in a process of its own, whose methods are called one at a time.

    Parameters
    ----------
    factory : callable at the top level of a module
        Called in the new process with `arguments`; returns the object. It imports the library,
        so that each process loads only its own.
    turn : float
        Minimum duration of a turn in seconds.
    """

    def __init__(self, factory: Callable[..., Any], *arguments: Any, turn: float = TURN) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, turn, factory, arguments),
                                        daemon=True)
        self._process.start()
        theirs.close()
        self._answer()

    def call(self, method: str, *arguments: Any) -> Any:
        """Return `object.method(*arguments)`; the process runs only during the call."""
        return self._ask("call", method, arguments)

    def seconds(self, method: str, *arguments: Any) -> float:
        """Return how long one call takes, see `timed`."""
        return self._ask("seconds", method, arguments)

    def _ask(self, *request: Any) -> Any:
        if CAN_STOP:
            os.kill(self._process.pid, signal.SIGCONT)
        self._pipe.send(request)
        return self._answer()

    def _answer(self) -> Any:
        try:
            fine, value = self._pipe.recv()
        except EOFError:
            self._process.join(5)
            raise WorkerError(f"the worker ended with status {self._process.exitcode} "
                              f"(-9: probably out of memory)") from None
        if not fine:
            raise WorkerError(value)
        if CAN_STOP:
            os.kill(self._process.pid, signal.SIGSTOP)
        else:
            time.sleep(0.3)         # spinning threads stop after a while
        return value

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._process.kill()        # a stopped process does not react to any other signal
        self._process.join()


def _serve(pipe: Connection, turn: float, factory: Callable[..., Any], arguments: tuple) -> None:
    """Run in the worker: make the object, then answer requests until the parent ends."""
    global TURN
    TURN = turn
    _die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)      # the parent handles Ctrl-C
    worked = None
    try:
        worked = factory(*arguments)
        pipe.send((True, None))
        while True:
            kind, method, values = pipe.recv()
            function = getattr(worked, method)
            pipe.send((True, function(*values) if kind == "call" else timed(function, *values)))
    except EOFError:
        pass
    except BaseException:
        pipe.send((False, traceback.format_exc()))


def timed(function: Callable[..., Any], *values: Any) -> float:
    """Return the seconds of one call: the median over a turn, after one untimed call."""
    function(*values)               # the caches hold the other's data
    gc.collect()
    taken: list[float] = []
    while sum(taken) < TURN:
        start = time.perf_counter()
        function(*values)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def _die_with_parent() -> None:
    """Make a stopped worker die with a parent that is killed (Linux)."""
    if sys.platform == "linux":
        set_parent_death_signal = 1                   # prctl's PR_SET_PDEATHSIG
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)


def compare(ours: Callable[[], float], theirs: Callable[[], float], rounds: int) -> dict[str, Any]:
    """Measure both alternately, `rounds` times; the first one changes from round to round.

    Parameters
    ----------
    ours, theirs : callable
        Take one turn and return seconds, such as `lambda: worker.seconds("evaluate")`.

    Returns
    -------
    dict
        `ours_seconds` and `torch_seconds` (medians), `ratio` (median over rounds of ours ÷
        PyTorch), `ratio_min`, `ratio_max`, and every turn.
    """
    taken: dict[str, list[float]] = {"ours": [], "torch": []}
    for number in range(rounds):
        turns = [("ours", ours), ("torch", theirs)]
        for name, turn in turns if number % 2 == 0 else reversed(turns):
            taken[name].append(turn())
    return summary(taken["ours"], taken["torch"])


def summary(ours: list[float], theirs: list[float]) -> dict[str, Any]:
    """Return medians and ratios of measured rounds; see `compare`."""
    ratios = [one / other for one, other in zip(ours, theirs)]
    return {
        "ours_seconds": statistics.median(ours), "torch_seconds": statistics.median(theirs),
        "ratio": statistics.median(ratios), "ratio_min": min(ratios), "ratio_max": max(ratios),
        "ours_rounds": ours, "torch_rounds": theirs,
    }
