"""How good the student is, on pictures that it has not seen: always by VGG19's own measure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from minigrad import no_grad
from nst.config.settings import Settings
from nst.job import inputs
from nst.job.transfer import prepare
from nst.loss import metrics
from nst.model.small import ADAPTED
from nst.model.vgg import Network
from nst.pictures import tensors
from nst.pictures.picture import Picture

STYLE_LAYERS = metrics.STYLE_LAYERS


@dataclass(frozen=True)
class Transfer:
    """Relative Gram errors ‖G − G*‖ / ‖G*‖ to the style, by VGG19, layer -> number.

    Of the photograph as it is, of what the student painted, and of what VGG19 itself painted
    with the same settings.
    """

    untouched: dict[str, float]
    student: dict[str, float]
    teacher: dict[str, float]


def feature_errors(student: Network, teacher: Network, pictures: list[Picture]
                   ) -> dict[str, float]:
    """Layer -> Σ (S − T)² / Σ (T − mean of T's channel)², the mean over ``pictures``.

    0 is perfect; 1 is as far off as a student that knows nothing but the mean of each channel.
    """
    errors: dict[str, list[float]] = {layer: [] for layer in ADAPTED}
    for picture in pictures:
        with no_grad():
            guess, truth = (network.features(tensors.to_tensor(picture, network, "cpu"),
                                             tuple(ADAPTED)) for network in (student, teacher))
        for layer in ADAPTED:
            wanted = truth[layer].numpy()
            spread = np.square(wanted - wanted.mean((2, 3), keepdims=True)).sum()
            errors[layer].append(float(np.square(guess[layer].numpy() - wanted).sum() / spread))
    return {layer: float(np.mean(values)) for layer, values in errors.items()}


def transfer(content: Path, style: Path, small: Path, full: Path, teacher: Network,
             settings: Settings, folder: Path) -> Transfer:
    """Paint one pair of pictures with both networks, and keep the results in ``folder``.

    What VGG19 painted there before, in this size and number of iterations, is not painted again:
    it takes minutes, and students change more often than their teacher.

    Parameters
    ----------
    small, full : Path
        Weights files of the student and of VGG19.
    teacher : Network
        VGG19, which measures.
    settings : Settings
        Of both runs; size and everything but the weights.
    """
    given = inputs.load(content, style, settings)
    stem = f"{content.stem}-{style.stem}-{settings.size}-{settings.iterations}"
    errors = {}
    for name, file in (("student", small), ("teacher", full)):
        painted = folder / f"{stem}-{name}.png"
        if name == "student" or not painted.is_file():
            job = prepare(content, style, replace(settings, weights=str(file)))
            tensors.save(job.run().picture, painted)
        errors[name] = _style(tensors.load(painted, "painted"), given, teacher)
    return Transfer(untouched=_style(given.content, given, teacher), **errors)


def _style(picture: Picture, given: inputs.Inputs, teacher: Network) -> dict[str, float]:
    return metrics.measure(picture, given.content, given.styles[0], teacher, "cpu").style


def row(name: str, values: dict[str, float], layers: tuple[str, ...]) -> str:
    """A line of a Markdown table."""
    return f"| {name} | " + " | ".join(f"{values[layer]:.3f}" for layer in layers) + " |"


def heading(first: str, layers: tuple[str, ...]) -> list[str]:
    """The first two lines of a Markdown table."""
    return [f"| {first} | " + " | ".join(layers) + " |", "| --- |" + " ---: |" * len(layers)]
