"""Peak memory of one style-transfer evaluation, compared with PyTorch.

Each size runs in a fresh process. The system measures memory (VmRSS and its peak, VmHWM). The
report distinguishes three quantities:

constant   memory that stays allocated after an evaluation of this size: the library, the weights
           and, for ours, their transforms for Winograd's algorithm, which are several times as
           large as the weights.
growth     the peak of one evaluation above the constant. Everything else is released before it, so
           that all it needs is counted. "Ratio" compares this.
first      the peak of the first evaluation of this size above the memory left by a tiny one: the
           growth, and those constants that did not exist yet.

Nothing else of that size is computed before: the targets of the loss are random.
"""

from __future__ import annotations

import ctypes
import gc
import re
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import common
import style
import turns

from minigrad.errors import FileError

TINY_SIZE = 64      # pixels of the evaluation that loads the libraries

COLUMNS = {
    "size": common.column("size"),
    "ours, growth MB": common.column("ours_growth", ".0f", 1e-6),
    "PyTorch, growth MB": common.column("torch_growth", ".0f", 1e-6),
    "ratio": lambda result: f"**{result['ratio']:.2f}**",
    "ours, constant MB": common.column("ours_constant", ".0f", 1e-6),
    "PyTorch, constant MB": common.column("torch_constant", ".0f", 1e-6),
    "ours, first MB": common.column("ours_first", ".0f", 1e-6),
    "PyTorch, first MB": common.column("torch_first", ".0f", 1e-6),
    "ratio of first": common.column("ratio_first", ".2f"),
    "ratio of whole processes": common.column("ratio_whole", ".2f"),
}


# ------------------------------------------------------------ memory measured by the system


def _status(key: str) -> int:
    """Return VmRSS or VmHWM of this process, in bytes."""
    match = re.search(rf"{key}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return 1024 * int(match[1])


def peak_growth(work: Callable[[], Any]) -> int:
    """Return by how many bytes the process grows, at the peak, while `work` runs."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)        # returns freed memory to the system
    Path("/proc/self/clear_refs").write_text("5")           # resets the peak
    before = _status("VmRSS")
    work()
    return _status("VmHWM") - before


def check_system() -> None:
    """Raise FileError if the system does not provide these counters."""
    for name in ("status", "clear_refs"):
        if not Path("/proc/self", name).exists():
            raise FileError(f"/proc/self/{name} is missing: memory is measured on Linux only")


# ------------------------------------------------------------------------ the worker


class Measured:
    """One library in a fresh process.

    Parameters
    ----------
    name : str
        "Ours" or "Torch" of `style`.
    """

    def __init__(self, name: str, weights: str) -> None:
        self.bare = _status("VmRSS")        # Python, NumPy and this program
        self.task = getattr(style, name)(weights)

    def growth(self, size: int, memory_format: str = "channels_last") -> dict[str, int]:
        """Return `constant`, `growth`, `first` and `whole` (the process at its peak), in bytes."""
        self.task.memory_format = memory_format
        # In threads that end, so that their workspaces are released.
        _in_thread(lambda: self._evaluated(TINY_SIZE))
        self.task.release()
        self.task.prepare(size, whole_targets=False)
        first = peak_growth(lambda: _in_thread(self.task.evaluate))
        self.task.release()
        self.task.prepare(size, whole_targets=False)
        growth = peak_growth(lambda: _in_thread(self.task.evaluate))
        whole = _status("VmHWM")
        return {"constant": whole - growth - self.bare, "growth": growth, "first": first,
                "whole": whole}

    def _evaluated(self, size: int) -> None:
        self.task.prepare(size)
        self.task.evaluate()


def _in_thread(work: Callable[[], Any]) -> None:
    errors: list[BaseException] = []

    def guarded() -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=guarded)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]


def in_fresh_process(name: str, weights: str, size: int, *memory_format: str) -> dict[str, int]:
    """Return the result of `Measured.growth` from a process that does nothing else."""
    with turns.Worker(Measured, name, weights) as worker:
        return worker.call("growth", size, *memory_format)


def measure(weights: str, size: int) -> dict[str, Any]:
    """Return one result, with PyTorch in the memory format that needs less."""
    ours = in_fresh_process("Ours", weights, size)
    formats = {name: in_fresh_process("Torch", weights, size, name)
               for name in ("contiguous", "channels_last")}
    memory_format = min(formats, key=lambda name: formats[name]["growth"])
    theirs = formats[memory_format]
    return {
        "size": size,
        **{f"ours_{key}": value for key, value in ours.items()},
        **{f"torch_{key}": value for key, value in theirs.items()},
        "ratio": ours["growth"] / theirs["growth"],
        "ratio_first": ours["first"] / theirs["first"],
        "ratio_whole": ours["whole"] / theirs["whole"],
        "torch_memory_format": memory_format,
        "torch_growth_by_format": {name: one["growth"] for name, one in formats.items()},
    }


def main(arguments: Sequence[str] | None = None) -> int:
    parser = common.parser("memory", __doc__)
    parser.add_argument("--sizes", type=common.picture_size, nargs="+", default=[512, 1024],
                        metavar="PIXELS",
                        help="sides of the square picture (default: 512 1024)")
    parser.add_argument("--weights", default="random:0", metavar="FILE",
                        help="a converted VGG19, or random:SEED (default: random:0)")
    given = parser.parse_args(arguments)
    common.require_torch()
    common.check_weights(given.weights)
    check_system()
    report = common.Report("memory", given.output, COLUMNS,
                           weights=common.weights_name(given.weights))
    for size in given.sizes:
        report.add(measure(given.weights, size))
    report.finish("Growth: one evaluation above the constants. First: the first evaluation of "
                  "its size in a fresh process. Whole processes: everything at the peak, "
                  "libraries included.")
    return 0


if __name__ == "__main__":
    sys.exit(common.run("memory", main))
