"""Errors of the small network on held-out pictures, measured by VGG19."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from minigrad import no_grad
from nst.config.settings import Settings
from nst.job import inputs
from nst.job.transfer import prepare
from nst.measure import metrics
from nst.model.small import ADAPTED
from nst.model.vgg import Network
from nst.pictures import tensors
from nst.pictures.picture import Picture

STYLE_LAYERS = metrics.STYLE_LAYERS


@dataclass(frozen=True)
class Transfer:
    """Relative Gram errors ‖G − G*‖ / ‖G*‖ to the style, by VGG19, layer -> number.

    Attributes
    ----------
    untouched : dict
        Of the unchanged photograph.
    small, teacher : dict
        Of the results of the small network and of VGG19, with the same settings.
    """

    untouched: dict[str, float]
    small: dict[str, float]
    teacher: dict[str, float]


def feature_errors(small: Network, teacher: Network, pictures: list[Picture]
                   ) -> dict[str, float]:
    """Layer -> Σ (S − T)² / Σ (T − mean of T's channel)², averaged over `pictures`.

    0 is perfect; always predicting each channel's mean gives 1.
    """
    errors: dict[str, list[float]] = {layer: [] for layer in ADAPTED}
    for picture in pictures:
        with no_grad():
            guess, truth = (network.features(tensors.to_tensor(picture, network, "cpu"),
                                             tuple(ADAPTED)) for network in (small, teacher))
        for layer in ADAPTED:
            target = truth[layer].numpy()
            spread = np.square(target - target.mean((2, 3), keepdims=True)).sum()
            errors[layer].append(float(np.square(guess[layer].numpy() - target).sum() / spread))
    return {layer: float(np.mean(values)) for layer, values in errors.items()}


def transfer(content: Path, style: Path, small: Path, full: Path, teacher: Network,
             settings: Settings, folder: Path) -> Transfer:
    """Paint one pair of pictures with both networks, and save the results in `folder`.

    A result of VGG19 with this size and number of iterations is reused if it exists: it takes
    minutes, and the small network changes more often than its teacher.

    Parameters
    ----------
    small, full : Path
        Weights files of the small network and of VGG19.
    teacher : Network
        VGG19, which measures.
    settings : Settings
        For both runs, except for the weights.
    """
    loaded = inputs.load(content, style, settings)
    stem = f"{content.stem}-{style.stem}-{settings.size}-{settings.iterations}"
    errors = {}
    for name, file in (("small", small), ("teacher", full)):
        painted = folder / f"{stem}-{name}.png"
        if name == "small" or not painted.is_file():
            job = prepare(content, style, replace(settings, weights=str(file)))
            tensors.save(job.run().picture, painted)
        errors[name] = _style(tensors.load(painted, "painted"), loaded, teacher)
    return Transfer(untouched=_style(loaded.content, loaded, teacher), **errors)


def _style(picture: Picture | None, loaded: inputs.Inputs, teacher: Network) -> dict[str, float]:
    assert picture is not None and loaded.content is not None   # both are files here
    errors = metrics.style_distances(picture, loaded.styles[0], teacher, "cpu")
    return {layer: error for layer, error in errors.items() if error is not None}


def row(name: str, values: dict[str, float], layers: tuple[str, ...]) -> str:
    """One row of a Markdown table."""
    return f"| {name} | " + " | ".join(f"{values[layer]:.3f}" for layer in layers) + " |"


def heading(first: str, layers: tuple[str, ...]) -> list[str]:
    """The first two lines of a Markdown table."""
    return [f"| {first} | " + " | ".join(layers) + " |", "| --- |" + " ---: |" * len(layers)]
