"""Run the checkers on the museum's pieces and on right functions, and keep what they say."""

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
from tools.museum.pieces import PIECES
from tools.museum.right import SOURCES

RESULTS = Path(__file__).parent / "results.json"

Results = dict[str, Any]
Note = Callable[[str], None]


def installed(checkers: Iterable[str]) -> list[str]:
    """Those of the checkers whose framework can be imported."""
    return [checker for checker in checkers if find_spec(MODULES[checker]) is not None]


def run_pieces(checkers: Sequence[str], note: Note) -> Results:
    """Report → checker → verdict."""
    found: Results = {}
    for piece in PIECES:
        found[piece.report] = {checker: verdict(piece, checker) for checker in checkers}
        note(f"{piece.report:<45} {'  '.join(f'{v:<11}' for v in found[piece.report].values())}")
    return found


def run_right(checkers: Sequence[str], note: Note, sources: Sequence[str] = tuple(SOURCES)
              ) -> Results:
    """Checker → counts by source, the functions that were not passed, and seconds.

    The sources that need a framework which is not installed are left out.
    """
    counts: dict[str, dict[str, Counter[str]]] = {c: {} for c in checkers}
    others: dict[str, dict[str, str]] = {c: {} for c in checkers}
    seconds = dict.fromkeys(checkers, 0.0)
    for source in sources:
        if source == "OpInfo" and find_spec("torch") is None:
            continue
        for function in SOURCES[source]():
            for checker in checkers:
                start = time.perf_counter()
                with np.errstate(all="ignore"):
                    said = CHECKERS[checker](function.forward, function.vjp, function.arguments)
                seconds[checker] += time.perf_counter() - start
                counts[checker].setdefault(source, Counter())[said] += 1
                if said != PASSED:
                    others[checker][str(function)] = said
        note(f"{source}: " + "; ".join(
            f"{checker} {dict(counts[checker].get(source, {}))}" for checker in checkers))
    return {checker: {"counts": {s: dict(c) for s, c in counts[checker].items()},
                      "not passed": others[checker], "seconds": round(seconds[checker], 1)}
            for checker in checkers}


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
    merged = dict(old)
    for key, value in new.items():
        merged[key] = merge(old[key], value) if key in ("pieces", "right") and key in old else value
    for report, said in new.get("pieces", {}).items():
        merged["pieces"][report] = old.get("pieces", {}).get(report, {}) | said
    return merged


def save(results: Results) -> None:
    text = json.dumps(results, indent=1, ensure_ascii=False, sort_keys=True)
    RESULTS.write_text(text + "\n", encoding="utf-8")
