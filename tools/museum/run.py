"""Run the checkers on the museum's pieces and on right functions, and keep their verdicts."""

import json
import platform
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from tools.museum.checkers import CHECKERS, MODULES, PASSED, verdict
from tools.museum.journal import Journal
from tools.museum.pieces import LATER, PIECES
from tools.museum.right import NEEDS, SOURCES, RightFunction

RESULTS = Path(__file__).parent / "results.json"
_NOTED = 50             # right functions between two lines of progress

Results = dict[str, Any]
Note = Callable[[str], None]


def missing(checkers: Iterable[str], sources: Iterable[str]) -> dict[str, list[str]]:
    """Checkers and sources that cannot run here → the modules that are not installed."""
    needs = {checker: [MODULES[checker]] for checker in checkers} | {
        source: NEEDS.get(source, []) for source in sources}
    absent = {name: [module for module in modules if find_spec(module) is None]
              for name, modules in needs.items()}
    return {name: modules for name, modules in absent.items() if modules}


def run_pieces(checkers: Sequence[str], note: Note) -> Results:
    """Report → checker → verdict."""
    found: Results = {}
    for piece in [*PIECES, *LATER]:
        found[piece.report] = {checker: verdict(piece, checker) for checker in checkers}
        note(f"{piece.report:<45} {'  '.join(f'{v:<11}' for v in found[piece.report].values())}")
    return found


def run_right(source: str, checkers: Sequence[str], note: Note, journal: Journal | None = None
              ) -> Results:
    """Checker → the count of each verdict, the functions that were not passed, and seconds.

    Functions with a verdict in the journal are not run again.
    """
    journal = journal or Journal()
    found: Results = {checker: {"counts": Counter(), "not passed": {}, "seconds": 0.0}
                      for checker in checkers}
    for number, function in enumerate(SOURCES[source](), 1):
        for checker, by in found.items():
            said, seconds = journal.said(str(function), checker) or _ask(checker, function, journal)
            by["seconds"] = round(by["seconds"] + seconds, 3)
            by["counts"][said] += 1
            if said != PASSED:
                by["not passed"][str(function)] = said
        if number % _NOTED == 0:
            note(f"{source}: {number} functions")
    note(f"{source}: " + "; ".join(f"{c} {dict(by['counts'])}" for c, by in found.items()))
    return found


def _ask(checker: str, function: RightFunction, journal: Journal) -> tuple[str, float]:
    start = time.perf_counter()
    with np.errstate(all="ignore"):
        said = CHECKERS[checker](function.forward, function.vjp, function.arguments)
    seconds = time.perf_counter() - start
    journal.add(str(function), checker, said, seconds)
    return said, seconds


def versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in ("numpy", "scipy", "torch", "jax"):
        if find_spec(name) is not None:
            found[name] = version(name)
    return found


def load() -> Results:
    return json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}


def merge(old: Results, new: Results) -> Results:
    """The new results, and those of the old ones that were not run again."""
    merged = old | new
    for part in ("pieces", "right"):
        before, after = old.get(part, {}), new.get(part, {})
        merged[part] = before | {key: before.get(key, {}) | by for key, by in after.items()}
    return merged


def save(results: Results) -> None:
    text = json.dumps(results, indent=1, ensure_ascii=False, sort_keys=True)
    RESULTS.write_text(text + "\n", encoding="utf-8")
