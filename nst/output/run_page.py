"""The page of a run, from what `nst.run` has: pictures while it works, figures at its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nst.config.validators import option_name
from nst.job.transfer import Job, Result
from nst.loss import metrics
from nst.optimize.progress import Progress
from nst.output import record, words
from nst.output.page import Curve, RunPage
from nst.pictures.colors import luminance
from nst.pictures.frame import MAX_SIDE, Frame
from nst.pictures.picture import Picture

MAX_FRAMES = 24


class Recorder:
    """Keeps the picture at moments of a run, close together at first, when most happens.

    Parameters
    ----------
    frames : list of Frame, optional
        Where to put them, after those of a run that this one continues:
        `CheckpointManager.frames`.
    """

    def __init__(self, job: Job, frames: list[Frame] | None = None) -> None:
        self.job = job
        self.frames: list[Frame] = [] if frames is None else frames
        spread = np.geomspace(1, job.settings.iterations, MAX_FRAMES)
        self.moments = {0, *spread.round().astype(int).tolist()}

    def __call__(self, progress: Progress) -> None:
        last = progress.history[-1]
        if last.iteration in self.moments:
            size = words.in_pixels(self.job.scales[last.scale].size)
            self.frames.append(Frame.of(self.job.picture(progress.best), last.iteration,
                                        f"iteration {last.iteration}, {size}"))


def page_of(job: Job, result: Result, frames: Sequence[Frame], names: Sequence[str],
            settings: Mapping[str, Any], output: Path, command: str) -> RunPage:
    """The page of a finished run.

    Parameters
    ----------
    frames : sequence of Frame
        What a `Recorder` has kept; the result is added.
    names : sequence of str
        Of the content, if there is one, and of the styles.
    settings : mapping
        All that was in effect.
    output : Path
        Where the result was written.
    command : str
        What repeats the run.
    """
    content, styles = job.inputs.content, job.inputs.styles
    names = [Path(name).name for name in names]
    style_names = names[content is not None:]
    final = Frame.of(result.picture, result.best_iteration, "result")
    return RunPage(
        title=_title(names, content is not None), summary=_summary(result, output),
        content=None if content is None else Frame.of(content, 0, names[0]),
        styles=[Frame.of(style, 0, name) for style, name in zip(styles, style_names)],
        frames=[*frames, final], curves=_curves(result),
        scales=_scales(result), distances=_distances(job, result.picture),
        distances_to=style_names[0] if len(styles) > 1 else "",
        tables={"Settings": {option_name(name): value for name, value in settings.items()},
                "Timings": _timings(result), **_figures(job, result.picture)},
        command=command)


def _title(names: Sequence[str], has_content: bool) -> str:
    styles = " and ".join(names[has_content:])
    if not has_content:
        return f"A texture of {styles}"
    return f"{names[0]} in the style of {styles}" if styles else f"{names[0]}, brought back"


def _summary(result: Result, output: Path) -> str:
    if not result.history:
        return f"{output.name}: {result.ended} before the first iteration"
    said = words.summary_in_words(result, Path(output.name))
    return said if result.ended == "done" else f"{said}; {result.cause or result.ended}"


def _curves(result: Result) -> list[Curve]:
    """The total and its terms, then what layers add to them."""
    history = result.history
    found = [Curve(term, [(one.iteration, getattr(one, term)) for one in history])
             for term in ("total", "content", "style", "tv")
             if history and getattr(history[0], term) is not None]
    for term in ("content_layers", "style_layers"):
        layers = getattr(history[-1], term) if history else {}
        # A single layer is the term itself, but for a weight.
        found += [Curve(layer, [(one.iteration, getattr(one, term)[layer]) for one in history])
                  for layer in layers if len(layers) > 1]
    return found


def _scales(result: Result) -> list[tuple[int, str]]:
    """Where each scale began."""
    if len(result.scales) < 2:
        return []
    first: dict[int, int] = {}
    for entry in result.history:
        first.setdefault(entry.scale, entry.iteration)
    return [(iteration, words.in_pixels(result.scales[scale].size))
            for scale, iteration in first.items()]


def _timings(result: Result) -> dict[str, str]:
    """In all, and at each scale."""
    found = {"iterations": _spent([entry.seconds for entry in result.history])}
    for number, scale in enumerate(result.scales):
        seconds = [entry.seconds for entry in result.history if entry.scale == number]
        if seconds and len(result.scales) > 1:
            found[f"at {words.in_pixels(scale.size)}"] = _spent(seconds)
    return {**found, "device": result.device, "weights": result.weights, **record.versions()}


def _spent(seconds: Sequence[float]) -> str:
    if not seconds:
        return "none"
    each = sum(seconds) / len(seconds)
    return f"{sum(seconds):.1f} s for {len(seconds)}, {each:.3g} s each"


def _distances(job: Job, picture: Picture) -> dict[str, tuple[float, float]]:
    """Layer -> distance to the (first) style of the content, or else of the start, and of the
    result; measured in the size that the page shows, which bounds the memory."""
    settings = job.settings
    if not settings.style_weight:
        return {}
    factor = min(1.0, MAX_SIDE / max(picture.size))
    before = job.inputs.content or job.inputs.initial or _grey(picture)
    style, before, after = (_reduced(one, factor) for one in
                            (job.inputs.styles[0], before, picture))
    found = [metrics.style_distances(one, style, job.network, job.device,
                                     tuple(settings.style_layers)) for one in (before, after)]
    return {layer: (found[0][layer], found[1][layer]) for layer in settings.style_layers}


def _reduced(picture: Picture, factor: float) -> Picture:
    if factor == 1:
        return picture
    width, height = (max(1, round(side * factor)) for side in picture.size)
    return picture.resized((width, height))


def _grey(picture: Picture) -> Picture:
    return Picture(np.full(picture.pixels.shape, 128, np.uint8))


def _figures(job: Job, picture: Picture) -> dict[str, dict[str, str]]:
    """The figures of `nst.loss.metrics` that need no network."""
    found = {"clipped pixels": f"{metrics.clipped_share(picture.pixels):.2%}",
             "border index": f"{metrics.border_index(picture.pixels):.3f}; 1: no frame"}
    content = job.inputs.content
    if content is not None and min(picture.size) >= metrics.WINDOW:
        similarity = metrics.ssim(luminance(picture.pixels), luminance(content.pixels))
        found["SSIM of luminance"] = f"{similarity:.3f}, with the content"
    return {"Figures": found}
