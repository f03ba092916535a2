"""Check the checker: break every rule on purpose and verify that each mutant is detected.

    for outcome in outcomes(multiply):
        print(outcome.mutant.text, outcome.found_by)

`python -m minigrad.check.mutation [NAME ...]` prints the survivors and the score.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from minigrad.check.mutants import Mutant, source_mutants
from minigrad.check.operators import operator_mutants
from minigrad.check.run import check_sample
from minigrad.check.samples import Sample, registered_samples, registered_ties
from minigrad.command_line import Parser, report
from minigrad.core.primitive import Primitive, registered_primitives
from minigrad.errors import ArgumentError


@dataclass
class Outcome:
    """The result for one mutant.

    Attributes
    ----------
    operation, parameter : the rule.
    found_by : "order 1" or "order 2" for the check that failed, "tie" if only a sample at a
        tie detected it, "raised" if it raised an error, "" if it survived.
    """

    operation: str
    parameter: str
    mutant: Mutant
    found_by: str

    @property
    def name(self) -> str:
        """`operation.parameter: kind: text`."""
        return f"{self.operation}.{self.parameter}: {self.mutant.kind}: {self.mutant.text}"


def mutants_of(operation: Primitive, parameter: str) -> list[Mutant]:
    """Every mutant of one rule."""
    return [*operator_mutants(operation, parameter), *source_mutants(operation, parameter)]


def outcomes(operation: Primitive, every: int = 1, samples: Sequence[Sample] | None = None
             ) -> Iterator[Outcome]:
    """Replace each rule by each of its mutants and check the primitive.

    Parameters
    ----------
    every : take only every n-th mutant, to save time.
    samples : inputs of the checks; by default the registered ones.
    """
    chosen = registered_samples(operation.name) if samples is None else list(samples)
    ties = registered_ties(operation.name) if samples is None else []
    ruled = [name for name, rule in operation.rules.items() if rule is not None]
    pairs = [(name, mutant) for name in ruled for mutant in mutants_of(operation, name)]
    for name, mutant in pairs[::every]:
        with in_place(operation, name, mutant):
            yield Outcome(operation.name, name, mutant, _found_by(operation, chosen, ties))


@contextmanager
def in_place(operation: Primitive, parameter: str, mutant: Mutant) -> Iterator[None]:
    """Replace a rule of a primitive by a mutant within a `with` block."""
    right = operation.rules[parameter]
    try:
        operation.derivative(**{parameter: mutant.rule})
        yield
    finally:
        operation.derivative(**{parameter: right})


def _found_by(operation: Primitive, samples: Sequence[Sample], ties: Sequence[Sample]) -> str:
    """Name of the first check that fails with the mutant; the right rule passes all."""
    checks = [*((f"order {order}", order, sample) for order in (1, 2) for sample in samples),
              *(("tie", 1, sample) for sample in ties)]
    with np.errstate(all="ignore"):
        for name, order, sample in checks:
            try:
                failure = check_sample(operation, sample, order).failure
            except Exception:       # for example an axis that does not exist
                return "raised"
            if failure is not None:
                return "raised" if failure.kind in ("raised", "shape") else name
    return ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the survivors and the score; return 1 if there are survivors, 2 for a usage error."""
    parser = Parser(
        prog="minigrad.check.mutation", hint=" (see --help)",
        description="Break every derivative rule on purpose, and print each mutant that the checks "
                    "do\nnot find, and the score.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="primitives (default: all)")
    known = registered_primitives()
    try:
        names = parser.parse_args(arguments).names
        for name in names:
            if name not in known:
                raise ArgumentError(f"there is no primitive {name!r}; "
                                    f"python -m minigrad.check --list names them")
    except ArgumentError as error:
        report("minigrad.check.mutation", error)
        return 2
    counts: Counter[str] = Counter()
    for name in names or known:
        for outcome in outcomes(known[name]):
            counts[outcome.found_by] += 1
            if not outcome.found_by:
                print(f"survived  {outcome.name}", flush=True)
    total, survived = sum(counts.values()), counts.pop("", 0)
    print(f"{total} mutants, {total - survived} found "
          f"({', '.join(f'{kind}: {count}' for kind, count in sorted(counts.items()))}), "
          f"{survived} survived")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
