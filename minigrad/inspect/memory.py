"""Measure peak memory and what held it: `with memory() as use: …; print(use)`."""

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
from minigrad.html import bar, block, paragraph, table
from minigrad.inspect.texts import arrays_in, bytes_text
from minigrad.kernels.array_cache import owner_of
from minigrad.kernels.memory import peak_bytes, release_unused, used_bytes


@dataclass
class MemoryUse:
    """The result of `memory`; bytes are counted from the start of the block.

    Attributes
    ----------
    peak : the largest amount in use at one time, in bytes.
    during : the operation in or after which that occurred, such as `"convolve, backward"`.
    saved : bytes that the graph held at that time for its rules, by operation. An array saved by
        several operations counts for the first. Weights and images from before the block are not
        counted.
    process : largest increase of the process's resident memory as the operating system reports it;
        None if it does not. It counts pages, so memory that was freed and used again within the
        process does not show.
    """

    peak: int = 0
    during: str = ""
    saved: dict[str, int] = field(default_factory=dict)
    process: int | None = None

    @property
    def other(self) -> int:
        """Bytes at the peak that the graph does not hold.

        These are results and gradients in progress, workspaces, and the program's own arrays.
        """
        return self.peak - sum(self.saved.values())

    def _rows(self) -> list[tuple[str, int]]:
        """The uses of memory at the peak, and the bytes of each."""
        rows = [(f"saved by {name}", size) for name, size in
                sorted(self.saved.items(), key=lambda item: -item[1])]
        rows.append(("results and gradients in progress, workspaces, others", self.other))
        return [(name, size) for name, size in rows if size]

    def _title(self) -> str:
        return f"peak {self.peak / 1e6:.3f} MB, during {self.during or 'no operation'}"

    def _repr_html_(self) -> str:
        rows = [(name, bar(size / max(self.peak, 1), bytes_text(size)))
                for name, size in self._rows()]
        process = [] if self.process is None else \
            [paragraph(f"the process grew by {self.process / 1e6:.3f} MB")]
        title = f"peak {bytes_text(self.peak)}, during {self.during or 'no operation'}"
        return block(table(rows, ("at the peak", "size"), title), *process)

    def __str__(self) -> str:
        lines = [self._title()]
        lines += [f"  {size / 1e6:12.3f} MB  {name}" for name, size in self._rows()]
        if self.process is not None:
            lines.append(f"the process grew by {self.process / 1e6:.3f} MB")
        return "\n".join(lines)


@contextmanager
def memory() -> Iterator[MemoryUse]:
    """Find the peak of memory and what the graph held at that moment.

    All arrays of this process are counted, by Python's tracing of allocations (`tracemalloc`, which
    slows down small operations) and the engine's recycled memory. On a GPU, the memory in use by
    CuPy's pool is read after each operation. There, `saved` includes weights and images that the
    rules name, because it is not known when they were made.
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
        self.explained = 0          # the peak at which `saved` was computed
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
        self.update(f"{call.primitive.name}, {call.phase}")

    def update(self, during: str) -> None:
        """Record the peak since the last call and, if it is a new one, what held the memory."""
        peak = tracemalloc.get_traced_memory()[1] + peak_bytes(reset=True) + _gpu_bytes() \
            - self.base
        if peak > self.use.peak:
            self.use.peak, self.use.during = peak, during
            # Walking the graph at every small increase would take quadratic time.
            if peak > 1.005 * self.explained:
                self.explained = peak
                self.use.saved = self.saved()
        tracemalloc.reset_peak()

    def saved(self) -> dict[str, int]:
        sizes: Counter = Counter()
        seen: set[int] = set()
        for node in sorted(self.nodes, key=lambda node: node.order):
            for array in [a for value in node.saved or () for a in arrays_in(value)]:
                owner = owner_of(array)
                if id(owner) not in seen and _is_new(owner):
                    seen.add(id(owner))
                    sizes[node.primitive.name] += owner.nbytes
        return dict(sizes)

    def finish(self) -> None:
        self.update(self.use.during or "no operation")
        if self.started:
            tracemalloc.stop()
        if self.resident is not None:
            self.use.process = max(_status("VmHWM") - self.resident, 0)


def _is_new(array: Any) -> bool:
    """Whether an array was made while allocations were traced."""
    return tracemalloc.get_object_traceback(array) is not None or not isinstance(array, np.ndarray)


def _gpu_bytes() -> int:
    return cuda.memory_allocated() if backend.cuda_in_use() else 0


# ------------------------------------------------- resident memory by the system (Linux)


def _start_resident() -> int | None:
    """Resident bytes now; resets the system's peak value."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
        return _status("VmRSS")
    except (OSError, TypeError):
        return None


def _status(name: str) -> int:
    match = re.search(rf"{name}:\s*(\d+) kB", Path("/proc/self/status").read_text())
    if match is None:
        raise OSError(f"/proc/self/status does not contain {name}")
    return int(match[1]) * 1024
