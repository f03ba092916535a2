"""The result of a style transfer: the picture, how the losses fell, and how the run ended."""

from __future__ import annotations

from dataclasses import dataclass, field

from PIL import Image

from nst.config.settings import Settings, precision_on
from nst.job.shown import result_html
from nst.optimize.progress import Iteration, Rollback
from nst.optimize.scales import Scale
from nst.pictures.picture import Picture

FINISHED = ("done", "converged")    # values of `Result.ended` after a complete run


@dataclass(frozen=True)
class Result:
    """The result of `stylize`.

    Attributes
    ----------
    picture : Picture
        The picture with the lowest total loss at the last scale that was reached: floats, with
        the content's transparency.
    history : list of Iteration
        One entry per evaluation; the first is the initial picture.
    settings : Settings
    scales : list of Scale
        The planned scales.
    device : str
        The device that computed the result.
    weights : str
        The weights file, "small" or "random:SEED".
    best_iteration : int
        The iteration of `picture`.
    ended : str
        "done", "converged", "interrupted" or "fault".
    cause : str
        The fault, or the reason for an early end; "" otherwise.
    rollbacks : list of Rollback
        Steps that led to NaN or overflow and were undone.
    """

    picture: Picture
    history: list[Iteration] = field(repr=False)
    settings: Settings
    scales: list[Scale]
    device: str
    weights: str
    best_iteration: int
    ended: str
    cause: str
    rollbacks: list[Rollback] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """Time spent in iterations."""
        return sum(entry.seconds for entry in self.history)

    def _repr_html_(self) -> str:
        best = self.history[self.best_iteration]
        facts = [("size", "×".join(map(str, self.picture.size))), ("ended", self.ended),
                 ("cause", self.cause), ("iterations", self.history[-1].iteration),
                 ("seconds", f"{self.seconds:.1f}"), ("loss", f"{best.total:.4g}"),
                 ("weights", self.weights), ("device", self.device)]
        return result_html(self.picture, self.history, [fact for fact in facts if fact[1] != ""])

    @property
    def precision(self) -> str:
        """The precision of matrix products: "highest" or "high"."""
        return precision_on(self.settings, self.device)

    @property
    def image(self) -> Image.Image:
        """The picture as an 8-bit Pillow image: RGB, or RGBA if the content is transparent."""
        return self.picture.image()
