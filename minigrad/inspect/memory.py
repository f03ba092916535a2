"""Where the memory goes: ``with memory() as use: …; print(use)``."""

from __future__ import annotations

import re
import tracemalloc
import weakref
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from minigrad import backend, cuda
from minigrad.core.graph import Node
from minigrad.core.hooks import OperationCall, operation_hooks
from minigrad.inspect.trace import arrays_in
from minigrad.kernels.memory import peak_bytes, release_unused, used_bytes


@dataclass
class MemoryUse:
    """What :func:`memory` saw; bytes are counted from the start of the block.

    Attributes
    ----------
    peak : the most that was in use at one time, in bytes.
    during : the operation in or after which that was, such as ``"convolve, backward"``.
    kept : bytes that the graph held at that time for its rules, by operation. An array kept by
        several operations counts for the first; weights and images that were there before the
        block count nowhere.
    process : by how much the resident memory of the process rose at most, as the operating system
        tells; None where it does not. It sees pages, so what was freed and used again within
        the process does not show.
    """

    peak: int = 0
    during: str = ""
    kept: dict[str, int] = field(default_factory=dict)
    process: int | None = None

    @property
    def other(self) -> int:
        """Bytes at the peak that the graph does not hold: results and gradients under way,
        workspaces, and whatever the program made."""
        return self.peak - sum(self.kept.values())

    def __str__(self) -> str:
        rows = [(f"kept by {name}", size) for name, size in
                sorted(self.kept.items(), key=lambda item: -item[1])]
        rows.append(("results and gradients under way, workspaces, others", self.other))
        lines = [f"peak {self.peak / 1e6:.3f} MB, during {self.during or 'no operation'}"]
        lines += [f"  {size / 1e6:12.3f} MB  {name}" for name, size in rows if size]
        if self.process is not None:
            lines.append(f"the process grew by {self.process / 1e6:.3f} MB")
        return "\n".join(lines)


@contextmanager
def memory() -> Iterator[MemoryUse]:
    """Find the peak of memory and what the graph held at that moment.

    All arrays of this process are counted, by Python's own tracing of allocations
    (:mod:`tracemalloc`, which slows small operations down) and the engine's recycled memory; on a
    GPU, what CuPy's pool gives out, looked at after each operation (there, ``kept`` includes
    weights and images that the rules name, since nothing tells how old they are).
    """
    use = MemoryUse()
    release_unused()
    watch = _Watch(use)
    try:
        with operation_hooks(after=watch.after):
            yield use
    finally:
        watch.finish()


class _Watch:
    def __init__(self, use: MemoryUse) -> None:
        self.use = use
        self.nodes: weakref.WeakSet[Node] = weakref.WeakSet()
        self.explained = 0          # the peak that `kept` was taken at
        self.started = not tracemalloc.is_tracing()
        self.resident = _start_resident()
        if self.started:
            tracemalloc.start()
        tracemalloc.reset_peak()
        peak_bytes(reset=True)
        self.base = tracemalloc.get_traced_memory()[0] + used_bytes() + _gpu_bytes()

    def after(self, call: OperationCall) -> None:
        if call.phase == "forward" and call.node is not None:
            self.nodes.add(call.node)
        self.look(f"{call.primitive.name}, {call.phase}")

    def look(self, during: str) -> None:
        """Note the peak since the last look, and who held what if it is a new one."""
        peak = tracemalloc.get_traced_memory()[1] + peak_bytes(reset=True) + _gpu_bytes() \
            - self.base
        if peak > self.use.peak:
            self.use.peak, self.use.during = peak, during
            # Going through the graph for every small step upwards would take the square of time.
            if peak > 1.005 * self.explained:
                self.explained = peak
                self.use.kept = self.kept()
        tracemalloc.reset_peak()

    def kept(self) -> dict[str, int]:
        sizes: Counter = Counter()
        seen: set[int] = set()
        for node in sorted(self.nodes, key=lambda node: node.order):
            for array in [a for value in node.saved or () for a in arrays_in(value)]:
                owner = _owner(array)
                if id(owner) not in seen and _is_new(owner):
                    seen.add(id(owner))
                    sizes[node.primitive.name] += owner.nbytes
        return dict(sizes)

    def finish(self) -> None:
        self.look(self.use.during or "no operation")
        if self.started:
            tracemalloc.stop()
        if self.resident is not None:
            self.use.process = max(_status("VmHWM") - self.resident, 0)


def _owner(array: Any) -> Any:
    """The array whose memory a view shows."""
    while isinstance(getattr(array, "base", None), type(array)):
        array = array.base
    return array


def _is_new(array: Any) -> bool:
    """Whether an array was made while allocations were traced."""
    return tracemalloc.get_object_traceback(array) is not None or not isinstance(array, np.ndarray)


def _gpu_bytes() -> int:
    return cuda.memory_allocated() if backend.cuda_in_use() else 0


# ------------------------------------------------- what the operating system says (Linux)


def _start_resident() -> int | None:
    """Resident bytes now; the system's mark of the highest value starts again from here."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
        return _status("VmRSS")
    except (OSError, TypeError):
        return None


def _status(name: str) -> int:
    found = re.search(rf"{name}:\s*(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) * 1024
