"""A style transfer from beginning to end: `stylize`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from minigrad import Tensor, backend
from nst import images, vgg, weights
from nst.losses import Objective
from nst.optimise import Iteration, Progress, optimise
from nst.settings import DEFAULT_SIZE, INITS, Settings


@dataclass(frozen=True)
class Result:
    """What `stylize` returns.

    Attributes
    ----------
    image : Pillow image
        The picture with the lowest total loss, RGB.
    history : list of Iteration
        One entry per evaluation; the first is the initial picture.
    settings : Settings
    device : str
        Where it was computed.
    weights : str
        Which file the features came from, or "random:SEED".
    best_iteration : int
        Which entry of the history the image belongs to.
    ended : str
        "done", "converged", "interrupted" or "fault".
    cause : str
        What the fault was.
    """

    image: Image.Image
    history: list[Iteration]
    settings: Settings
    device: str
    weights: str
    best_iteration: int
    ended: str
    cause: str


@dataclass(frozen=True)
class Job:
    """A style transfer whose inputs are all read and checked; only the work is left.

    Attributes
    ----------
    content, style, initial : Pillow images, RGB
        As they go into the network; ``initial`` is None for noise.
    """

    settings: Settings
    device: str
    network: vgg.Network
    content: Image.Image
    style: Image.Image
    initial: Image.Image | None

    def run(self, observe: Callable[[Progress], None] | None = None) -> Result:
        """Do the work; see :func:`stylize`."""
        content = images.to_tensor(self.content, self.network, self.device)
        style = images.to_tensor(self.style, self.network, self.device)
        objective = Objective(self.network, self.settings, content, style)
        picture = self._initial(content).requires_grad_()
        progress = optimise(objective, picture, self.settings, observe)
        return Result(image=self.image(progress.best), history=progress.history,
                      settings=self.settings, device=self.device, weights=self.network.source,
                      best_iteration=progress.best_iteration, ended=progress.ended,
                      cause=progress.cause)

    def image(self, picture: Tensor) -> Image.Image:
        """A centred picture of this job as an image."""
        return images.to_image(picture, self.network)

    def _initial(self, content: Tensor) -> Tensor:
        if self.initial is not None:
            return images.to_tensor(self.initial, self.network, self.device)
        # One grey level of noise around the mean colour, as the authors' own program has it.
        noise = np.random.default_rng(self.settings.seed).standard_normal(
            content.shape, np.float32)
        return Tensor(noise, device=self.device)


def stylize(content: Any, style: Any, settings: Settings | None = None,
            observe: Callable[[Progress], None] | None = None) -> Result:
    """Paint the content of one picture in the style of another.

    Parameters
    ----------
    content, style : str, Path, Pillow image or array
        Arrays are H×W×3: integers 0-255, or floats 0-1.
    settings : Settings, optional
        What to do; the defaults otherwise.
    observe : callable, optional
        Called with the `Progress` after every iteration.

    Returns
    -------
    Result
        Also after Ctrl-C, NaN or overflow: ``ended`` says so, ``image`` is the best until then.

    Raises
    ------
    MinigradError
        A picture, the weights or the device is missing or unfit.
    """
    return prepare(content, style, settings or Settings()).run(observe)


def prepare(content: Any, style: Any, settings: Settings) -> Job:
    """Read and check everything that a style transfer needs; parameters as for `stylize`."""
    device = choose_device(settings.device)
    source = weights.find(settings.weights)
    scaled = load_pictures(content, style, settings)
    network = weights.load(source, vgg.deepest(settings.layers), device)
    return Job(settings, device, network, *scaled)


def load_pictures(content: Any, style: Any, settings: Settings
                  ) -> tuple[Image.Image, Image.Image, Image.Image | None]:
    """The content, style and initial picture as they go into the network."""
    photo, painting = images.load(content, "content"), images.load(style, "style")
    size = settings.size or min(DEFAULT_SIZE, max(photo.size))
    photo, painting = images.scaled(photo, size), images.scaled(painting, size)
    images.check_size(photo, content, "content", settings.layers)
    if settings.style_weight:
        images.check_size(painting, style, "style", set(settings.style_layers))
    return photo, painting, _initial_picture(photo, painting, settings.init)


def _initial_picture(content: Image.Image, style: Image.Image, init: Any) -> Image.Image | None:
    if isinstance(init, str) and init in INITS:
        picture = {"content": content, "style": style, "random": None}[init]
    else:
        picture = images.load(init, "initial")
    return picture and images.resized(picture, content.size)


def choose_device(wanted: str) -> str:
    """The device in full; "auto" is the first GPU if there is one.

    Raises
    ------
    ArgumentError, DeviceError
        There is no device of this name.
    """
    if wanted == "auto":
        wanted = "cuda" if backend.cuda_is_available() else "cpu"
    return backend.canonical_device(wanted)
