"""The tables of docs/museum.md, from the results.

The page is written by hand; only the text between `<!-- name -->` and `<!-- end of name -->` is
replaced.
"""

import re
from collections import Counter
from pathlib import Path

from tools.museum.checkers import CAUGHT, CHECKERS, PASSED, UNDECIDED
from tools.museum.piece import KINDS, Piece
from tools.museum.pieces import LATER, PIECES, ROOMS
from tools.museum.run import Results

PAGE = Path(__file__).parents[2] / "docs" / "museum.md"
MARKS = {CAUGHT: "caught", PASSED: "**missed**", UNDECIDED: "*cannot tell*", "–": "–"}
HEADINGS = {"torch slow": "torch", "torch fast": "torch, fast", "jax": "JAX", "minigrad": "ours"}


def tables(results: Results) -> dict[str, str]:
    """Name → table, for every place of the page."""
    results = {"pieces": {}, "right": {}} | results
    return {"verdicts": _verdicts(results), "alarms": _alarms(results),
            "later": _rows(LATER, results), "collection": _collection(results)}


def filled(page: str, results: Results) -> str:
    """The page with its tables replaced."""
    for name, table in tables(results).items():
        place = re.search(rf"<!-- {name} -->\n(.*?)<!-- end of {name} -->", page, re.DOTALL)
        if place is None:
            raise ValueError(f"docs/museum.md has no place for the table {name!r}")
        page = page[:place.start(1)] + table + page[place.end(1):]
    return page


def _verdicts(results: Results) -> str:
    """How often each checker gave each verdict on the collection as it was chosen."""
    rows, chosen = [], [results["pieces"].get(piece.report, {}) for piece in PIECES]
    for said in (CAUGHT, PASSED, UNDECIDED):
        counts = [sum(by.get(checker) == said for by in chosen) for checker in CHECKERS]
        rows.append([MARKS[said].strip("*"), *map(str, counts)])
    return _table(["", *HEADINGS.values()], rows)


def _alarms(results: Results) -> str:
    rows, sums = [], {checker: Counter[str]() for checker in CHECKERS}
    for source, by in results["right"].items():
        counts = {checker: by.get(checker, {}).get("counts", {}) for checker in CHECKERS}
        number = max(sum(c.values()) for c in counts.values())
        rows.append([source, str(number), *(_said(c) for c in counts.values())])
        for checker, found in counts.items():
            sums[checker].update(found)
    rows.append(["together", str(sum(int(row[1]) for row in rows)), *map(_said, sums.values())])
    return _table(["source", "functions", *HEADINGS.values()], rows)


def _said(counts: dict[str, int]) -> str:
    """False alarms, and how often a checker could not tell."""
    if not counts:
        return "not run"
    undecided = counts.get(UNDECIDED, 0)
    return str(counts.get(CAUGHT, 0)) + (f" (+{undecided} cannot tell)" if undecided else "")


def _collection(results: Results) -> str:
    return "\n".join(f"### {room}\n\n{_rows(pieces, results)}" for room, pieces in ROOMS.items())


def _rows(pieces: list[Piece], results: Results) -> str:
    rows = [_row(piece, results["pieces"].get(piece.report, {})) for piece in pieces]
    return _table(["report", "what is wrong, and why tests missed it", *HEADINGS.values()], rows)


def _row(piece: Piece, said: dict[str, str]) -> list[str]:
    title = piece.title.replace("|", "\\|")
    missed = piece.missed[0].upper() + piece.missed[1:]
    return [f"[{piece.report}]({piece.link}) {title}",
            f"{KINDS[piece.kind]} {missed}{'' if missed[-1] in '.”!?' else '.'}",
            *(MARKS.get(said.get(checker, ""), "not run") for checker in CHECKERS)]


def _table(headings: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(headings) + " |", "| " + " | ".join(["---"] * len(headings)) + " |"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"
