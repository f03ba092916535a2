"""What is said about a batch: a line for each picture, batch.json, and the page of all."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from minigrad.errors import FileError
from nst.cli.batch_work import FINISHED, BatchConfig
from nst.cli.pairs import Pair
from nst.config.plain import plain
from nst.config.validators import option_name
from nst.output import gallery
from nst.output.record import versions, write_record
from nst.pictures import tensors

SUMMARY = "batch.json"
Records = Sequence[tuple[Pair, dict[str, Any] | None]]


def line(config: BatchConfig, pair: Pair, ended: str) -> str:
    """What became of one picture, on one line."""
    record = config.record(pair)
    name = config.output(pair).name
    if record is None:                      # its JSON file could not be written
        return f"{name}: {ended}"
    summary = record["summary"]
    if ended == "failed":
        return f"{name}: {summary['cause']}"
    if ended == "skipped":
        return f"{name}: finished before"
    why = f", {summary['cause']}" if summary["cause"] else ""
    return f"{name}: {_figures(summary)}{why}" + (", interrupted" if ended == "interrupted" else "")


def _figures(summary: dict[str, Any]) -> str:
    if summary.get("best_total") is None:
        return "no iteration"
    return (f"total loss {summary['best_total']:.4g} after {summary['iterations']} iterations, "
            f"{summary['seconds']:.1f} s")


def figures(records: Records, seconds: float) -> dict[str, Any]:
    """How many pictures ended how, and averages.

    Parameters
    ----------
    seconds : float
        That this call of the program took.

    Returns
    -------
    dict
        "pictures", "finished", "failed" (with a cause), "unfinished": counts; "average": mean
        losses of the finished ones; "seconds_per_picture": their mean time, in iterations.
    """
    finished = [record for _, record in records if _ended(record) in FINISHED]
    failed = sum(_ended(record) in ("failed", "fault") for _, record in records)
    return {
        "pictures": len(records), "finished": len(finished), "failed": failed,
        "unfinished": len(records) - len(finished) - failed,
        "average": _averages(finished),
        "seconds_per_picture": _mean([one["summary"]["seconds"] for one in finished]),
        "seconds": seconds,
    }


def write_summary(config: BatchConfig, records: Records, counts: dict[str, Any]) -> None:
    """Write batch.json: the `figures`, and what became of each picture.

    Raises
    ------
    FileError
        It cannot be written.
    """
    entries = [{"content": str(pair.content), "style": str(pair.style),
                **({"ended": "not begun"} if record is None else record["summary"])}
               for pair, record in records]
    write_record(config.folder / SUMMARY,
                 {**counts, "versions": versions(), "results": entries})


def _ended(record: dict[str, Any] | None) -> str:
    return "" if record is None else record["summary"].get("ended", "")


def _averages(finished: Sequence[dict[str, Any]]) -> dict[str, float | None]:
    """Means of the losses that the pictures ended with."""
    best = [one["iterations"][one["summary"]["best_iteration"]] for one in finished]
    return {term: _mean([entry[term] for entry in best if entry[term] is not None])
            for term in ("total", "content", "style", "tv")}


def _mean(numbers: Sequence[float]) -> float | None:
    return sum(numbers) / len(numbers) if numbers else None


def in_words(counts: dict[str, Any]) -> str:
    """The summary as one line."""
    said = f"{counts['finished']} of {counts['pictures']} finished"
    for kind in ("failed", "unfinished"):
        if counts[kind]:
            said += f", {counts[kind]} {kind}"
    if counts["finished"]:
        losses = ", ".join(f"{term} {value:.4g}" for term, value in counts["average"].items()
                           if value is not None)
        said += (f"; on average: {losses}, {counts['seconds_per_picture']:.1f} s per picture")
    return said


# ------------------------------------------------------------------------------ the page


def write_page(config: BatchConfig, records: Records, counts: dict[str, Any], path: Path,
               command: str = "") -> None:
    """The page of all results, those that failed too, with the command that repeats them.

    Raises
    ------
    FileError
        It cannot be written.
    """
    settings = {option_name(name): value
                for name, value in plain(vars(config.settings)).items()}
    about = gallery.Gallery(
        title=f"{counts['pictures']} pictures", summary=in_words(counts),
        entries=[_entry(config, pair, record, path) for pair, record in records],
        tables={"Settings": settings, "Computed with": versions()},
        command=command)
    gallery.write_gallery(about, path)


def _entry(config: BatchConfig, pair: Pair, record: dict[str, Any] | None, page: Path
           ) -> gallery.Entry:
    name = f"{pair.content.name}, {pair.style.name}"
    if record is None:
        return gallery.Entry(name, None, "not begun")
    summary, output = record["summary"], config.output(pair)
    if _ended(record) == "failed":
        return gallery.Entry(name, None, summary["cause"], failed=True)
    try:
        frame = gallery.thumbnail(tensors.load(output, "finished"))
    except FileError as error:              # somebody took it away meanwhile
        return gallery.Entry(name, None, str(error), failed=True)
    ended = _ended(record)
    note = _figures(summary) + ("" if ended in FINISHED else f"; {summary['cause'] or ended}")
    return gallery.Entry(name, frame, note, os.path.relpath(output, page.parent),
                         failed=ended == "fault")
