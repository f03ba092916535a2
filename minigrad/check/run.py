"""Check primitives at all of their samples, with one line of output each."""

from __future__ import annotations

import importlib
import math
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import repeat

from minigrad.check.gradcheck import gradcheck, gradgradcheck
from minigrad.check.public_names import public_names
from minigrad.check.report import Report
from minigrad.check.samples import Sample, inputs_of, registered_samples, registered_ties
from minigrad.core.primitive import Primitive, registered_primitives

_CHECKS = {1: gradcheck, 2: gradgradcheck}


@dataclass
class Outcome:
    """The result for one primitive.

    Attributes
    ----------
    inputs : names of the parameters that have a derivative rule.
    samples : number of checked samples; None for a constant primitive.
    errors : the largest error by order.
    failures : explanations, one per failed check.
    """

    name: str
    inputs: list[str]
    samples: int | None
    errors: dict[int, float] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def line(self) -> str:
        """One row of the table."""
        name = ", ".join([self.name, *public_names(self.name)[:1]])
        start = f"{name:<30} {', '.join(self.inputs) or '-':<12} "
        if self.samples is None:
            return f"{start} constant: derivative zero or not declared"
        errors = "  ".join(f"{error:8.1e}" for error in self.errors.values())
        status = "ok" if not self.failures else "FAILED"
        return f"{start} {self.samples:>7}  {errors}  {self.seconds:6.2f} s  {status}"


def header(orders: Sequence[int]) -> str:
    """The header of the table."""
    errors = "  ".join(f"{f'order {order}':>8}" for order in orders)
    return f"{'operation':<30} {'inputs':<12}  samples  {errors}      time"


def check_primitive(operation: Primitive, orders: Sequence[int] = (1, 2), seed: int = 0,
                    device: str = "cpu") -> Outcome:
    """Check one primitive at all of its samples; never raises for a wrong rule."""
    inputs = [name for name, rule in operation.rules.items() if rule is not None]
    if not inputs:
        return Outcome(operation.name, inputs, None)
    samples = registered_samples(operation.name, seed)
    outcome = Outcome(operation.name, inputs, len(samples))
    if not samples:
        outcome.failures.append(f"{operation.name} has no samples; register some with "
                                f"@samples_of({operation.name!r}) in minigrad/check/samples")
    start = time.perf_counter()
    for order in orders:
        for sample in samples + (registered_ties(operation.name, seed) if order == 1 else []):
            try:
                report = check_sample(operation, sample, order, seed, device)
            except Exception as fault:      # whatever a rule raises, check the others
                outcome.errors.setdefault(order, math.nan)
                outcome.failures.append(f"sample: {sample.note}\norder {order} raised "
                                        f"{type(fault).__name__}: {fault}")
                continue
            error = report.max_error
            outcome.errors[order] = error if math.isnan(error) \
                else max(outcome.errors.get(order, 0.0), error)
            if not report:
                outcome.failures.append(f"sample: {sample.note}\n{report.message()}")
    outcome.seconds = time.perf_counter() - start
    return outcome


def check_primitives(operations: Sequence[Primitive], orders: Sequence[int] = (1, 2), seed: int = 0,
                     device: str = "cpu", jobs: int = 1, modules: Sequence[str] = ()
                     ) -> Iterator[Outcome]:
    """Check several primitives, in their order, in `jobs` processes on a CPU.

    Parameters
    ----------
    modules : modules that declare primitives, which the other processes import first.
    """
    if jobs <= 1:
        yield from (check_primitive(operation, orders, seed, device) for operation in operations)
        return
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _import,
                             (tuple(modules),)) as pool:
        yield from pool.map(_check_named, [operation.name for operation in operations],
                            repeat(tuple(orders)), repeat(seed))


def _import(modules: Sequence[str]) -> None:
    for module in modules:
        importlib.import_module(module)


def _check_named(name: str, orders: tuple[int, ...], seed: int) -> Outcome:
    return check_primitive(registered_primitives()[name], orders, seed)


def check_sample(operation: Primitive, sample: Sample, order: int, seed: int = 0,
                 device: str = "cpu") -> Report:
    """Check one primitive at one sample. `order` is 1 or 2."""
    return _CHECKS[order](operation, inputs_of(operation, sample, device), eps=sample.eps,
                          seed=seed, raise_exception=False)
