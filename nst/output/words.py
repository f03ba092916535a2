"""One-line descriptions of a run for people: its start, its losses, its end."""

from __future__ import annotations

from pathlib import Path

from minigrad import cuda
from nst.config.settings import Settings, precision_on
from nst.config.validators import AUTO
from nst.job.transfer import Job, Result
from nst.optimize.progress import Iteration


def beginning_in_words(job: Job) -> str:
    """One line for the start: which pictures, at which sizes, with what."""
    given = job.inputs
    content = "no content" if given.content is None else f"content {in_pixels(given.content.size)}"
    styles = ", ".join(in_pixels(style.size) for style in given.styles) or "none"
    steps = " → ".join(in_pixels(scale.size) for scale in job.scales)
    return (f"{content}, style {styles}, at {steps}, weights {job.network.source}, "
            f"device {device_in_words(job.settings, job.device)}")


def device_in_words(settings: Settings, device: str) -> str:
    """Which device, in which precision; and why auto took the CPU.

    That in full where somebody has installed CuPy, and will wonder.
    """
    if device != "cpu":
        how = " (found by auto)" if settings.device == AUTO else ""
        return f"{device}{how} with precision {precision_on(settings, device)}"
    if settings.device != AUTO:
        return device
    why = cuda.missing() if cuda.installed() else "no GPU can be used"
    return f"{device} (found by auto: {why})"


def losses_in_words(entry: Iteration) -> str:
    """The total and its terms on one short line."""
    terms = {"content": entry.content, "style": entry.style, "tv": entry.tv}
    shown = [f"{name} {value:.3g}" for name, value in terms.items() if value is not None]
    return f"total {entry.total:.4g} ({', '.join(shown)})"


def summary_in_words(result: Result, path: Path) -> str:
    """One line for the end: from which loss to which, in what time."""
    best = result.history[result.best_iteration]
    # Losses of different scales do not compare, so the first is that of the last scale.
    first = next(entry for entry in result.history if entry.scale == best.scale)
    spent = sum(entry.seconds for entry in result.history)
    return (f"{path}: total loss {first.total:.4g} → {best.total:.4g} in "
            f"{result.history[-1].iteration} iterations, {spent:.1f} s "
            f"({spent / len(result.history):.3g} s each)")


def in_pixels(size: tuple[int, int]) -> str:
    """Width and height for people."""
    return f"{size[0]}×{size[1]}"
