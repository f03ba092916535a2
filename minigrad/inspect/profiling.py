"""Measure the time of operations: `with profile() as costs: …; print(costs)`."""

from __future__ import annotations

import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from minigrad.backend import array_module
from minigrad.core.graph import Node
from minigrad.core.hooks import OperationCall, operation_hooks
from minigrad.html import bar, block, table
from minigrad.inspect.flops import backward_flops, bytes_moved, forward_flops
from minigrad.inspect.texts import bytes_text, short


@dataclass
class Row:
    """The sum over the calls of one operation in one phase.

    Attributes
    ----------
    seconds : time within the operation, without operations that it called.
    flops : floating-point operations of the plain algorithm (see `flops`); None if no count
        is defined for one of the calls.
    bytes : operands and results, read or written once each.
    """

    operation: str
    phase: str
    calls: int = 0
    seconds: float = 0.0
    flops: int | None = 0
    bytes: int = 0

    @property
    def gflops_per_second(self) -> float | None:
        """10⁹ operations per second; None if the count is not defined or zero."""
        return self.flops / self.seconds / 1e9 if self.flops and self.seconds else None


@dataclass
class Profile:
    """The result of `profile`; prints as a table, slowest first.

    Attributes
    ----------
    seconds : wall time of the whole block.
    """

    seconds: float = 0.0
    _rows: dict[tuple[str, str], Row] = field(default_factory=dict)

    @property
    def rows(self) -> list[Row]:
        """All rows, slowest first."""
        return sorted(self._rows.values(), key=lambda row: -row.seconds)

    def row(self, operation: str, phase: str) -> Row:
        """The row of an operation in phase `"forward"` or `"backward"`; empty without calls."""
        return self._rows.get((operation, phase), Row(operation, phase))

    def total(self, phase: str) -> Row:
        """The sum of one phase; calls without a count of FLOPs count as 0."""
        total = Row("all", phase)
        flops = 0
        for row in self._rows.values():
            if row.phase == phase:
                total.calls += row.calls
                total.seconds += row.seconds
                total.bytes += row.bytes
                flops += row.flops or 0
        total.flops = flops
        return total

    def __str__(self) -> str:
        lines = [f"{'operation':24} {'phase':9} {'calls':>6} {'ms':>10} {'%':>6} {'MFLOP':>10} "
                 f"{'MB':>9} {'GFLOP/s':>8}"]
        lines += [self._line(row) for row in self.rows]
        lines += [self._line(self.total(phase)) for phase in ("forward", "backward")]
        outside = self.seconds - sum(row.seconds for row in self._rows.values())
        lines.append(f"{'outside of operations':34}       {outside * 1e3:10.3f} "
                     f"{self._share(outside):6.1f}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        longest = max((row.seconds for row in self.rows), default=0.0) or 1.0
        outside = self.seconds - sum(row.seconds for row in self._rows.values())
        rows = [self._cells(row, longest) for row in self.rows]
        rows += [self._cells(self.total(phase), 0.0) for phase in ("forward", "backward")]
        rows.append(["outside of operations", "", "", f"{outside * 1e3:.3f}",
                     f"{self._share(outside):.1f} %", "", "", ""])
        return block(table(rows, ("operation", "phase", "calls", "ms", "share", "FLOP",
                                  "memory", "GFLOP/s"), f"{self.seconds * 1e3:.3f} ms in all"))

    def _cells(self, row: Row, longest: float) -> list[object]:
        flops = "–" if row.flops is None else f"{row.flops:,}"
        rate = "–" if row.gflops_per_second is None else short(row.gflops_per_second)
        time_text = f"{row.seconds * 1e3:.3f}"
        return [row.operation, row.phase, row.calls,
                bar(row.seconds / longest, time_text) if longest else time_text,
                f"{self._share(row.seconds):.1f} %", flops, bytes_text(row.bytes), rate]

    def _line(self, row: Row) -> str:
        flops = "–" if row.flops is None else f"{row.flops / 1e6:.5g}"
        rate = "–" if row.gflops_per_second is None else f"{row.gflops_per_second:.2f}"
        return (f"{row.operation:24} {row.phase:9} {row.calls:6} {row.seconds * 1e3:10.3f} "
                f"{self._share(row.seconds):6.1f} {flops:>10} {row.bytes / 1e6:9.4g} {rate:>8}")

    def _share(self, seconds: float) -> float:
        return 100 * seconds / self.seconds if self.seconds else 0.0


@contextmanager
def profile() -> Iterator[Profile]:
    """Measure every operation of this thread, forward and backward separately.

    A backward row covers the rules of one operation with everything that they compute. On a GPU the
    host waits after each operation, which makes the whole slower but the parts accurate.
    """
    measured = Profile()
    meter = _Meter(measured)
    start = time.perf_counter()
    try:
        with operation_hooks(meter.before, meter.after):
            yield measured
    finally:
        measured.seconds = time.perf_counter() - start


class _Meter:
    """Start times of the operations in progress, innermost last."""

    def __init__(self, measured: Profile) -> None:
        self.measured = measured
        self.stack: list[list] = []         # [call, start, seconds of operations within]
        self.flops: weakref.WeakKeyDictionary[Node, int | None] = weakref.WeakKeyDictionary()

    def before(self, call: OperationCall) -> None:
        self.stack.append([call, time.perf_counter(), 0.0])

    def after(self, call: OperationCall) -> None:
        _synchronize(call)
        now = time.perf_counter()
        while self.stack[-1][0] is not call:        # after is not called for operations that raise
            self.stack.pop()
        _, start, within = self.stack.pop()
        if self.stack:
            self.stack[-1][2] += now - start
        flops = self._flops(call)
        key = call.primitive.name, call.phase
        row = self.measured._rows.setdefault(key, Row(*key))
        row.calls += 1
        row.seconds += now - start - within
        row.bytes += bytes_moved(call)
        row.flops = None if flops is None or row.flops is None else row.flops + flops

    def _flops(self, call: OperationCall) -> int | None:
        if call.phase == "backward":
            return backward_flops(call, None if call.node is None else self.flops.get(call.node))
        flops = forward_flops(call)
        if call.node is not None:
            self.flops[call.node] = flops
        return flops


def _synchronize(call: OperationCall) -> None:
    array = call.result._array if call.result is not None else call.gradient
    xp = array_module(getattr(array, "_array", array))
    if hasattr(xp, "cuda"):
        xp.cuda.get_current_stream().synchronize()
