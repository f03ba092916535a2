"""Check primitives at all of their samples, with one line of output each."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from minigrad.check.gradcheck import gradcheck, gradgradcheck
from minigrad.check.report import Report
from minigrad.check.samples import Sample, inputs_of, registered_samples, registered_ties
from minigrad.core.primitive import Primitive

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
        start = f"{self.name:<20} {', '.join(self.inputs) or '-':<12} "
        if self.samples is None:
            return f"{start} constant: derivative zero or not declared"
        errors = "  ".join(f"{error:8.1e}" for error in self.errors.values())
        status = "ok" if not self.failures else "FAILED"
        return f"{start} {self.samples:>7}  {errors}  {self.seconds:6.2f} s  {status}"


def header(orders: Sequence[int]) -> str:
    """The header of the table."""
    errors = "  ".join(f"{f'order {order}':>8}" for order in orders)
    return f"{'operation':<20} {'inputs':<12}  samples  {errors}      time"


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
            except Exception as error:      # whatever a rule raises, check the others
                outcome.errors.setdefault(order, math.nan)
                outcome.failures.append(f"sample: {sample.note}\norder {order} raised "
                                        f"{type(error).__name__}: {error}")
                continue
            outcome.errors[order] = max(outcome.errors.get(order, 0.0), report.max_error)
            if not report:
                outcome.failures.append(f"sample: {sample.note}\n{report.message()}")
    outcome.seconds = time.perf_counter() - start
    return outcome


def check_sample(operation: Primitive, sample: Sample, order: int, seed: int = 0,
                 device: str = "cpu") -> Report:
    """Check one primitive at one sample. `order` is 1 or 2."""
    return _CHECKS[order](operation, inputs_of(operation, sample, device), eps=sample.eps,
                          seed=seed, raise_exception=False)
