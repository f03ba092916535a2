"""Contact sheets of pairs: content, style and the results of some runs, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pairs_sources import Pair, Sources
from PIL import Image

from minigrad.errors import FileError
from nst.output.contact_sheet import Cell, contact_sheet
from nst.pictures import files

WIDTH = 360             # pixels of a cell
PER_SHEET = 5           # pairs


def write(pairs: Sequence[Pair], sources: Sources, runs: Sequence[Path], out: Path,
          width: int = WIDTH) -> list[Path]:
    """Write `sheet-1.png`, … with five pairs each, a pair in a row; returns their paths.

    Pairs without a result in any of the runs are left out.

    Raises
    ------
    FileError
        No run has a result.
    """
    rows = [row for pair in pairs if (row := _row(pair, sources, runs))]
    if not rows:
        raise FileError(f"there are no results of these pairs in {', '.join(map(str, runs))}")
    written = []
    for number, first in enumerate(range(0, len(rows), PER_SHEET), 1):
        cells = [cell for row in rows[first:first + PER_SHEET] for cell in row]
        path = out / f"sheet-{number}.png"
        contact_sheet(cells, columns=2 + len(runs), width=width).save(path)
        written.append(path)
    return written


def _row(pair: Pair, sources: Sources, runs: Sequence[Path]) -> list[Cell]:
    results = [run / f"{pair.name}.png" for run in runs]
    if not any(path.is_file() for path in results):
        return []
    mark = "explore" if pair.explore else "held out"
    return [Cell(sources.picture(pair.content), f"{pair.number} {pair.content}", mark),
            Cell(sources.picture(pair.style), pair.style),
            *(Cell(files.read(path, "finished"), path.parent.name) if path.is_file()
              else Cell(files.from_pillow(Image.new("RGB", (8, 8), "white")), "–")
              for path in results)]
