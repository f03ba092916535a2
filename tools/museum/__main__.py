"""python -m tools.museum: run every piece through four gradient checkers, and print the table."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from minigrad.stdio import robust_stdio
from tools.museum.checkers import CHECKERS
from tools.museum.journal import Journal
from tools.museum.page import PAGE, filled, tables
from tools.museum.right import SOURCES
from tools.museum.run import (
    Results,
    load,
    merge,
    missing,
    run_pieces,
    run_right,
    save,
    versions,
)

_EXTRAS = {module: f"pip install -e '.[{extra}]'" for module, extra in {
    "torch": "oracle", "expecttest": "oracle", "jax": "jax", "scipy": "test"}.items()}


@robust_stdio()
def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.museum", description=(
        "Run wrong gradients, re-created from public issue trackers, and right ones through "
        "torch.autograd.gradcheck (slow and fast mode), jax.test_util.check_grads and "
        "minigrad.check. Packages that are not installed are named and skipped."))
    parser.add_argument("--checkers", nargs="+", choices=CHECKERS, default=list(CHECKERS))
    parser.add_argument("--only", choices=["pieces", "right"],
                        help="only the wrong gradients or only the right ones (default: both)")
    parser.add_argument("--sources", nargs="+", choices=SOURCES, default=list(SOURCES),
                        help="where to take right functions from (default: all)")
    parser.add_argument("--journal", type=Path, metavar="FILE",
                        help="record verdicts on right functions in FILE at once, and skip "
                             "functions that are in it already: a stopped run can be resumed")
    parser.add_argument("--write", action="store_true",
                        help="write the results to results.json and the tables to docs/museum.md")
    options = parser.parse_args(arguments)
    sources = options.sources if options.only != "pieces" else []
    absent = missing(options.checkers, sources)
    for name, modules in absent.items():
        _note(f"not run: {name}, because {' and '.join(modules)} is not installed "
              f"({_EXTRAS[modules[0]]})")
    checkers = [checker for checker in options.checkers if checker not in absent]
    results: Results = {"versions": versions()}
    if options.only != "right":
        results = merge(results, {"pieces": run_pieces(checkers, _note)})
        _write(results, options.write)
    journal = Journal(options.journal)
    for source in sources:
        if source in absent:
            continue
        results = merge(results, {"right": {source: run_right(source, checkers, _note, journal)}})
        _write(results, options.write)
    found = tables(results)
    print(found["verdicts"], found["alarms"], sep="\n")
    return 0


def _write(results: Results, wanted: bool) -> None:
    """Write after each part, so that a stopped run keeps its results."""
    if wanted:
        everything = merge(load(), results)
        save(everything)
        PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), everything), encoding="utf-8")


def _note(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
