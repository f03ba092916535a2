"""Collect the content of a run's page: pictures during the run, and figures at its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nst.config.validators import option_name
from nst.job.result import Result
from nst.job.transfer import Job
from nst.measure import metrics, table
from nst.optimize.progress import Progress
from nst.output import record, words
from nst.output.page import Curve, RunPage
from nst.pictures.frame import MAX_SIDE, Frame
from nst.pictures.picture import Picture

MAX_FRAMES = 24


class Recorder:
    """Records pictures during a run, most of them at the beginning, where they change most.

    Parameters
    ----------
    frames : list of Frame, optional
        The list to append to. In a resumed run it contains the pictures from before the
        interruption, see `CheckpointManager.frames`.
    """

    def __init__(self, job: Job, frames: list[Frame] | None = None) -> None:
        self.job = job
        self.frames: list[Frame] = [] if frames is None else frames
        spread = np.geomspace(1, job.settings.iterations, MAX_FRAMES)
        self.recorded_iterations = {0, *spread.round().astype(int).tolist()}

    def __call__(self, progress: Progress) -> None:
        last = progress.history[-1]
        if last.iteration in self.recorded_iterations:
            size = words.in_pixels(self.job.scales[last.scale].size)
            self.frames.append(Frame.of(self.job.picture(progress.best), last.iteration,
                                        f"iteration {last.iteration}, {size}"))


def page_of(job: Job, result: Result, frames: Sequence[Frame], names: Sequence[str],
            settings: Mapping[str, Any], output: Path, command: str) -> RunPage:
    """Return the page of a finished run.

    Parameters
    ----------
    frames : sequence of Frame
        The pictures of a `Recorder`; the result is appended.
    names : sequence of str
        File names of the content, if there is one, and of the styles.
    settings : mapping
        All options in effect.
    output : Path
        The result's picture.
    command : str
        The command line that repeats the run.
    """
    content, styles = job.inputs.content, job.inputs.styles
    names = [Path(name).name for name in names]
    style_names = names[content is not None:]
    final = Frame.of(result.picture, result.best_iteration, "result")
    views = _views(job, result.picture)
    distances, gram_errors = _distances(views)
    return RunPage(
        title=_title(names, content is not None), summary=_summary(result, output),
        content=None if content is None else Frame.of(content, 0, names[0]),
        styles=[Frame.of(style, 0, name) for style, name in zip(styles, style_names)],
        frames=[*frames, final], curves=_curves(result),
        scales=_scales(result), distances=distances, gram_errors=gram_errors,
        distances_to=style_names[0] if len(styles) > 1 else "",
        tables={"Figures": _figures(job, result.picture, views),
                "Settings": {option_name(name): value for name, value in settings.items()},
                "Timings": _timings(result)},
        command=command)


def _title(names: Sequence[str], has_content: bool) -> str:
    styles = " and ".join(names[has_content:])
    if not has_content:
        return f"A texture of {styles}"
    return f"{names[0]} in the style of {styles}" if styles else f"{names[0]}, reconstructed"


def _summary(result: Result, output: Path) -> str:
    if not result.history:
        return f"{output.name}: {result.ended} before the first iteration"
    summary = words.summary_in_words(result, Path(output.name))
    return summary if result.ended == "done" else f"{summary}; {result.cause or result.ended}"


def _curves(result: Result) -> list[Curve]:
    """Return the curves of the total and its terms, then those of the layers."""
    history = result.history
    curves = [Curve(term, [(entry.iteration, getattr(entry, term)) for entry in history])
              for term in ("total", "content", "style", "palette", "tv")
              if history and getattr(history[0], term) is not None]
    for term in ("content_layers", "style_layers"):
        layers = getattr(history[-1], term) if history else {}
        # A single layer is the term itself, up to a weight.
        curves += [Curve(layer, [(entry.iteration, getattr(entry, term)[layer])
                                 for entry in history])
                   for layer in layers if len(layers) > 1]
    return curves


def _scales(result: Result) -> list[tuple[int, str]]:
    """Return the first iteration of each scale."""
    if len(result.scales) < 2:
        return []
    first: dict[int, int] = {}
    for entry in result.history:
        first.setdefault(entry.scale, entry.iteration)
    return [(iteration, words.in_pixels(result.scales[scale].size))
            for scale, iteration in first.items()]


def _timings(result: Result) -> dict[str, str]:
    """Return the total time, and the time at each scale."""
    timings = {"iterations": _duration([entry.seconds for entry in result.history])}
    for number, scale in enumerate(result.scales):
        seconds = [entry.seconds for entry in result.history if entry.scale == number]
        if seconds and len(result.scales) > 1:
            timings[f"at {words.in_pixels(scale.size)}"] = _duration(seconds)
    return {**timings, "device": result.device, "weights": result.weights, **record.versions()}


def _duration(seconds: Sequence[float]) -> str:
    if not seconds:
        return "none"
    each = sum(seconds) / len(seconds)
    return f"{sum(seconds):.1f} s for {len(seconds)}, {each:.3g} s each"


def _views(job: Job, picture: Picture) -> dict[str, metrics.View]:
    """Return the views of the first style, and of the picture before and after the run.

    The picture before the run is the content, or else the initial picture. Pictures are compared at
    the size that the page shows, which limits the memory.
    """
    factor = min(1.0, MAX_SIDE / max(picture.size))
    style = job.inputs.styles[0] if job.settings.style_weight else None
    pictures = {"style": style, "after": picture,
                "before": job.inputs.content or job.inputs.initial or _grey(picture)}
    reduced = {role: _reduced(each, factor) for role, each in pictures.items() if each is not None}
    layers, content_layers = (metrics.available(each, job.network, *reduced.values()) for each in
                              ((*metrics.STYLE_LAYERS, *metrics.UNUSED_LAYERS),
                               metrics.CONTENT_LAYERS))
    grams = tuple(job.settings.style_layers) if style is not None else ()
    return {role: metrics.View.of(each, job.network, job.device, layers if grams else (), grams,
                                  content_layers if role != "style" else ())
            for role, each in reduced.items()}


Pairs = dict[str, tuple[float, float]]


def _distances(views: Mapping[str, metrics.View]) -> tuple[Pairs, Pairs]:
    """Return the distances of each layer to the style, before and after: SWD, and Gram errors."""
    if "style" not in views:
        return {}, {}
    style, before, after = views["style"], views["before"], views["after"]
    layers = list(style.quantiles)
    return (_both(before.swd(style, layers), after.swd(style, layers)),
            _both(before.gram_errors(style), after.gram_errors(style)))


def _both(before: Mapping[str, float | None], after: Mapping[str, float | None]) -> Pairs:
    """Return the pairs of figures that exist."""
    pairs = ((layer, before[layer], after[layer]) for layer in before)
    return {layer: (first, second) for layer, first, second in pairs
            if first is not None and second is not None}


def _reduced(picture: Picture, factor: float) -> Picture:
    if factor == 1:
        return picture
    width, height = (max(1, round(side * factor)) for side in picture.size)
    return picture.resized((width, height))


def _grey(picture: Picture) -> Picture:
    return Picture(np.full(picture.pixels.shape, 128, np.uint8))


def _figures(job: Job, picture: Picture, views: Mapping[str, metrics.View]) -> dict[str, str]:
    """Return the figures of `nst.measure.metrics` that this run has, with their remarks."""
    content = job.inputs.content
    quality = metrics.quality(
        picture, content, job.inputs.styles[0] if "style" in views else None, views["after"],
        None if content is None else views["before"], views.get("style"))
    return {name: f"{value}; {remark}" if remark else value
            for name, value, remark in table.rows(quality) if value != table.NONE}
