"""One-line descriptions of a run for users: its start, its losses, its end."""

from __future__ import annotations

from pathlib import Path

from minigrad import cuda
from nst.config.settings import Settings, precision_on
from nst.config.validators import AUTO
from nst.job.result import Result
from nst.job.transfer import Job
from nst.optimize.progress import Iteration


def beginning_in_words(job: Job) -> str:
    """Describe a run before it starts: pictures, sizes, weights, device."""
    inputs = job.inputs
    content = ("no content" if inputs.content is None
               else f"content {in_pixels(inputs.content.size)}")
    guided = job.settings.guided            # its styles are one picture, once for each region
    styles = ", ".join(in_pixels(style.size)
                       for style in (inputs.styles[:1] if guided else inputs.styles)) or "none"
    if guided:
        styles += f" in {job.settings.regions} regions"
    sizes = " → ".join(in_pixels(scale.size) for scale in job.scales)
    return (f"{content}, style {styles}, at {sizes}, weights {job.network.source}, "
            f"device {device_in_words(job.settings, job.device)}")


def device_in_words(settings: Settings, device: str) -> str:
    """Describe the device and its precision, and why "auto" chose the CPU.

    The full reason is given only where CuPy is installed, because a GPU is expected there.
    """
    if device != "cpu":
        how = " (chosen by auto)" if settings.device == AUTO else ""
        return f"{device}{how} with precision {precision_on(settings, device)}"
    if settings.device != AUTO:
        return device
    why = cuda.missing() if cuda.installed() else "no usable GPU"
    return f"{device} (chosen by auto: {why})"


def losses_in_words(entry: Iteration) -> str:
    """Return the total and its terms on one short line."""
    terms = {"content": entry.content, "style": entry.style, "palette": entry.palette,
             "tv": entry.tv}
    shown = [f"{name} {value:.3g}" for name, value in terms.items() if value is not None]
    return f"total {entry.total:.4g} ({', '.join(shown)})"


def summary_in_words(result: Result, path: Path) -> str:
    """Describe a finished run: first and best loss, iterations, time."""
    best = result.history[result.best_iteration]
    # Losses of different scales cannot be compared, so the first is that of the last scale.
    first = next(entry for entry in result.history if entry.scale == best.scale)
    return (f"{path}: total loss {first.total:.4g} → {best.total:.4g} in "
            f"{result.history[-1].iteration} iterations, {result.seconds:.1f} s "
            f"({result.seconds / len(result.history):.3g} s each)")


def in_pixels(size: tuple[int, int]) -> str:
    """Return a size as text, for example 640×480."""
    return f"{size[0]}×{size[1]}"
