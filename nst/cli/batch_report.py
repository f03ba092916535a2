"""Reports on a batch: a line per picture, batch.json, and a page with all pictures."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from minigrad.errors import FileError
from nst.cli.batch_work import TERMS, BatchConfig
from nst.cli.pairs import Pair
from nst.config.plain import plain
from nst.config.validators import option_name
from nst.job.result import FINISHED
from nst.output import gallery, template
from nst.output.record import read_json, versions, write_record
from nst.pictures import tensors

SUMMARY = "batch.json"
Records = Sequence[tuple[Pair, dict[str, Any] | None]]


def line(config: BatchConfig, pair: Pair, ended: str) -> str:
    """Describe on one line how a picture ended."""
    record = config.record(pair)
    name = config.output(pair).name
    if record is None:                      # the record could not be written
        return f"{name}: {ended}"
    summary = record["summary"]
    if ended == "failed":
        return f"{name}: {summary['cause']}"
    if ended == "skipped":
        return f"{name}: already finished"
    why = f", {summary['cause']}" if summary["cause"] else ""
    return f"{name}: {_figures(summary)}{why}" + (", interrupted" if ended == "interrupted" else "")


def passed_over(paths: Sequence[Path]) -> str:
    """Describe files in a folder of pictures that are not pictures, or cannot be read."""
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return (f"skipped {paths[0]}{more}: not a picture that nst can read (export HEIC and raw "
            f"photographs as JPEG)")


def _figures(summary: dict[str, Any]) -> str:
    if summary.get("best_total") is None:
        return "no iterations"
    return (f"total loss {summary['best_total']:.4g} after {summary['iterations']} iterations, "
            f"{summary['seconds']:.1f} s")


def figures(records: Records, seconds: float) -> dict[str, Any]:
    """Count how the pictures ended, and average their losses and times.

    Parameters
    ----------
    seconds : float
        Duration of this run of the program.

    Returns
    -------
    dict
        "pictures", "finished", "failed", "unfinished": counts; "average": mean losses of the
        finished pictures; "seconds_per_picture": their mean time in iterations; "seconds".
    """
    finished = [record for _, record in records
                if record is not None and _ended(record) in FINISHED]
    failed = sum(_ended(record) in ("failed", "fault") for _, record in records)
    return {
        "pictures": len(records), "finished": len(finished), "failed": failed,
        "unfinished": len(records) - len(finished) - failed,
        "average": _averages(finished),
        "seconds_per_picture": _mean([record["summary"]["seconds"] for record in finished]),
        "seconds": seconds,
    }


def write_summary(config: BatchConfig, records: Records, counts: dict[str, Any]) -> None:
    """Write batch.json: the `figures`, and the summary of each picture.

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


def is_summary(path: Path) -> bool:
    """Whether a file is what `write_summary` wrote."""
    content = read_json(path)
    return isinstance(content, dict) and {"pictures", "results", "versions"} <= set(content)


def _ended(record: dict[str, Any] | None) -> str:
    return "" if record is None else record["summary"].get("ended", "")


def _averages(finished: Sequence[dict[str, Any]]) -> dict[str, float | None]:
    """Return the mean final losses."""
    best = [record["iterations"][record["summary"]["best_iteration"]] for record in finished]
    return {term: _mean([entry[term] for entry in best if entry.get(term) is not None])
            for term in TERMS}


def _mean(numbers: Sequence[float]) -> float | None:
    return sum(numbers) / len(numbers) if numbers else None


def in_words(counts: dict[str, Any]) -> str:
    """Return the summary as one line."""
    text = f"{counts['finished']} of {counts['pictures']} finished"
    for kind in ("failed", "unfinished"):
        if counts[kind]:
            text += f", {counts[kind]} {kind}"
    if counts["finished"]:
        losses = ", ".join(f"{term} {value:.4g}" for term, value in counts["average"].items()
                           if value is not None)
        text += f"; on average: {losses}, {counts['seconds_per_picture']:.1f} s per picture"
    return text


# ------------------------------------------------------------------------------ the page


def write_page(config: BatchConfig, records: Records, counts: dict[str, Any], path: Path,
               command: str = "") -> None:
    """Write a page with all results, failures included, and the command that repeats them.

    Raises
    ------
    FileError
        It cannot be written.
    """
    settings = {option_name(name): value
                for name, value in plain(vars(config.settings)).items()}
    content = gallery.Gallery(
        title=f"{counts['pictures']} pictures", summary=in_words(counts),
        entries=[_entry(config, pair, record, path) for pair, record in records],
        tables={"Settings": settings, "Computed with": versions()},
        command=command)
    template.write_page(path, gallery.html(content))


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
    except FileError as error:              # deleted in the meantime
        return gallery.Entry(name, None, str(error), failed=True)
    ended = _ended(record)
    note = _figures(summary) + ("" if ended in FINISHED else f"; {summary['cause'] or ended}")
    return gallery.Entry(name, frame, note, os.path.relpath(output, page.parent),
                         failed=ended == "fault")
