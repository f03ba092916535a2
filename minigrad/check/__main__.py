"""`python -m minigrad.check`: check the derivative rules of every declared primitive."""

from __future__ import annotations

import argparse
import difflib
import importlib
import os
import sys
import time
from collections.abc import Sequence

from minigrad import backend
from minigrad.check.public_names import primitives_behind, public_functions
from minigrad.check.run import check_primitives, header
from minigrad.command_line import Parser, report, sentence_of
from minigrad.core.primitive import Primitive, registered_primitives
from minigrad.errors import ArgumentError, MinigradError
from minigrad.stdio import robust_stdio

_PER_PROCESS = 8        # operations that justify another process


@robust_stdio()
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit status.

    0: every check passed; 1: a rule is wrong or a primitive has no samples; 2: a usage error,
    explained in one sentence.
    """
    try:
        return _run(_parser().parse_args(arguments))
    except (MinigradError, MemoryError) as error:
        report("minigrad.check", sentence_of(error))
        return 2


def _parser() -> Parser:
    parser = Parser(
        prog="minigrad.check", hint=" (see --help)",
        description="Check the derivative rules of primitives against finite differences, to "
                    "first\nand second order.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="public names of "
                        "operations, or names of primitives (default: all)")
    parser.add_argument("--order", type=int, choices=(1, 2), help="only this order (default: both)")
    parser.add_argument("--seed", type=int, default=0, help="seed of samples and directions "
                        "(default: %(default)s)")
    parser.add_argument("--device", default="cpu",
                        help="device to compute on (default: %(default)s)")
    parser.add_argument("--jobs", type=int, metavar="N",
                        help="processes on a CPU (default: one per core)")
    parser.add_argument("--list", action="store_true", help="list the primitives and exit")
    parser.add_argument("--import", dest="modules", action="append", default=[], metavar="MODULE",
                        help="import MODULE first, which declares primitives and registers samples")
    return parser


def _run(options: argparse.Namespace) -> int:
    if options.seed < 0:
        raise ArgumentError(f"--seed must be at least 0, not {options.seed}")
    if options.jobs is not None and options.jobs < 1:
        raise ArgumentError(f"--jobs must be at least 1, not {options.jobs}")
    for module in options.modules:
        if not all(part.isidentifier() for part in module.split(".")):
            raise ArgumentError(f"--import {module}: this is not the name of a module")
        try:
            importlib.import_module(module)
        except ModuleNotFoundError as error:
            raise ArgumentError(f"--import {module}: {error}; give the name of a module that "
                                f"Python can find, such as my_package.my_operations") from error
    options.device = backend.canonical_device(options.device)
    operations = _chosen(options.names)
    if options.list:
        for operation in operations:
            print(f"{operation.name}({', '.join(operation.parameters)})")
        return 0
    return _check(operations, (options.order,) if options.order else (1, 2), options)


def _chosen(names: Sequence[str]) -> list[Primitive]:
    """The primitives with these names, or behind public functions of these names."""
    known = registered_primitives()
    chosen: dict[str, Primitive] = {}
    for name in names or known:
        behind = (name,) if name in known else primitives_behind(name)
        if not behind:
            near = difflib.get_close_matches(name, [*known, *public_functions()], n=1, cutoff=0.0)
            raise ArgumentError(f"there is no operation {name!r} with derivatives; the nearest "
                                f"name is {near[0]!r} (--list shows all {len(known)})")
        chosen.update({primitive: known[primitive] for primitive in behind})
    return list(chosen.values())


def _jobs(operations: list[Primitive], options: argparse.Namespace) -> int:
    """The number of processes: only as many as justify their start-up time."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    wanted = options.jobs or cores or 1
    return min(wanted, len(operations) // _PER_PROCESS) if options.device == "cpu" else 1


def _check(operations: list[Primitive], orders: Sequence[int], options: argparse.Namespace) -> int:
    start = time.perf_counter()
    failed = []
    print(header(orders))
    for outcome in check_primitives(operations, orders, options.seed, options.device,
                                    _jobs(operations, options), options.modules):
        print(outcome.line(), flush=True)
        for text in outcome.failures[:1]:
            print("    " + text.replace("\n", "\n    "))
        if len(outcome.failures) > 1:
            print(f"    and {len(outcome.failures) - 1} more failed check(s) of {outcome.name}")
        if outcome.failures:
            failed.append(outcome.name)
    print(f"{len(operations)} primitives in {time.perf_counter() - start:.1f} s: "
          + (f"{len(failed)} failed: {', '.join(failed)}" if failed else "all passed"))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
