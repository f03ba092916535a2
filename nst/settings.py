"""Everything that can be chosen about a style transfer, its defaults, and what is allowed.

`Settings` is frozen and checks itself, so whoever holds one holds a possible one. The command
line and the Python interface use the same names (`--style-weight` is `style_weight`).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from typing import Any

from minigrad.errors import ArgumentError
from nst import vgg

OPTIMIZERS = ("lbfgs", "adam", "sgd")
POOLINGS = ("max", "avg")
NORMS = ("gatys", "mse", "sum")
INITS = ("content", "style", "random")
DEFAULT_SIZE = 512

# What each preset fixes. `gatys` is the method as published: one scale, zero padding, and the
# loss of eq. 8-12; it stays as it is when the defaults of the program move on.
PRESETS: dict[str, dict[str, Any]] = {
    "gatys": {
        "size": None,
        "optimizer": "lbfgs",
        "iterations": 300,
        "learning_rate": None,
        "content_layers": "relu4_2",
        "style_layers": "relu1_1,relu2_1,relu3_1,relu4_1,relu5_1",
        "content_weight": 1.0,
        "style_weight": 1000.0,
        "tv_weight": 0.0,
        "init": "content",
        "pooling": "max",
        "norm": "gatys",
    },
}


@dataclasses.dataclass(frozen=True)
class Settings:
    """What a style transfer does.

    Parameters
    ----------
    size : int, optional
        Long side of both pictures after scaling, in pixels. By default 512, or the content
        picture's own long side if that is smaller.
    optimizer : str
        "lbfgs", "adam" or "sgd".
    iterations : int
        Evaluations of loss and gradient after the one of the initial picture; the trials of a
        line search count.
    learning_rate : float, optional
        Step size on the 0-255 scale of pixels. By default 1 for L-BFGS, whose line search
        finds the step, and 10 for Adam. Gradient descent has no scale of its own: by default
        no step of it moves a pixel by more than 10.
    content_layers, style_layers : dict, iterable of str, or str
        Layers with their weights, as a dict or as on the command line ("relu1_1=0.5,relu2_1");
        a layer without a weight gets 1 / (number of layers named).
    content_weight, style_weight, tv_weight : float
        α and β of eq. 12, and the weight of the total variation. A term of weight 0 is not
        computed (the total variation is, being nearly free).
    init : str, Path, picture or array
        Where to start: "content", "style", "random" (noise), or a picture.
    pooling : str
        "max" or "avg".
    norm : str
        How the sums of squares are divided: see `nst.losses.NORMS`.
    weights : str or Path, optional
        A converted VGG19 file, or "random:SEED" for random features. By default what
        `nst.weights.find` finds.
    device : str
        "cpu", "cuda", "cuda:N", or "auto": a GPU if there is one.
    seed : int
        Where the noise of "random" comes from.

    Raises
    ------
    ArgumentError
        A value is impossible; the message names it and says what would be right.
    """

    size: int | None = None
    optimizer: str = "lbfgs"
    iterations: int = 300
    learning_rate: float | None = None
    content_layers: Mapping[str, float] | Iterable[str] | str = "relu4_2"
    style_layers: Mapping[str, float] | Iterable[str] | str = (
        "relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
    content_weight: float = 1.0
    style_weight: float = 1000.0
    tv_weight: float = 0.0
    init: Any = "content"
    pooling: str = "max"
    norm: str = "gatys"
    weights: Any = None
    device: str = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        set_field = object.__setattr__          # the class is frozen for everyone else
        for name in ("content_layers", "style_layers"):
            set_field(self, name, _layer_weights(name, getattr(self, name)))
        for name in ("content_weight", "style_weight", "tv_weight"):
            set_field(self, name, _number(option(name), getattr(self, name), positive=False))
        if self.learning_rate is not None:
            set_field(self, "learning_rate", _number("learning-rate", self.learning_rate))
        if self.size is not None:
            set_field(self, "size", _whole("size", self.size, 1))
        set_field(self, "iterations", _whole("iterations", self.iterations, 1))
        set_field(self, "seed", _whole("seed", self.seed, 0))
        _one_of("optimizer", self.optimizer, OPTIMIZERS)
        _one_of("pooling", self.pooling, POOLINGS)
        _one_of("norm", self.norm, NORMS)
        if self.content_weight == self.style_weight == 0:
            raise ArgumentError("content-weight and style-weight are both 0, so there is nothing "
                                "to paint; make one of them positive")

    @classmethod
    def preset(cls, name: str, **explicit: Any) -> Settings:
        """The settings of a preset; whatever is given explicitly beats it.

        Raises
        ------
        ArgumentError
            There is no such preset, or a value is impossible.
        """
        _one_of("preset", name, PRESETS)
        return cls(**{**PRESETS[name], **explicit})

    @property
    def layers(self) -> set[str]:
        """The layers whose features are needed: those of terms with a weight above 0."""
        needed: set[str] = set()
        if self.content_weight:
            needed.update(self.content_layers)
        if self.style_weight:
            needed.update(self.style_layers)
        return needed


def option(name: str) -> str:
    """A field's name as the command line and the messages spell it."""
    return name.replace("_", "-")


def _one_of(name: str, value: Any, known: Iterable[str]) -> None:
    if not isinstance(value, str) or value not in known:
        raise ArgumentError(f"{option(name)} is one of {', '.join(known)}, not {value!r}")


def _number(name: str, value: Any, positive: bool = True) -> float:
    """A finite float above 0 (or at least 0)."""
    least = "above 0" if positive else "0 or more"
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ArgumentError(f"{name} is a number, {least}, not {value!r}") from None
    if not math.isfinite(number) or number < 0 or (positive and number == 0):
        raise ArgumentError(f"{name} is {number:g}, but must be finite and {least}")
    return number


def _whole(name: str, value: Any, least: int) -> int:
    try:
        whole = int(value)
    except (TypeError, ValueError, OverflowError):
        whole = None
    if whole is None or whole != value or isinstance(value, bool):
        raise ArgumentError(f"{option(name)} is a whole number, {least} or more, not {value!r}")
    if whole < least:
        raise ArgumentError(f"{option(name)} is {whole}, but must be {least} or more")
    return whole


def _layer_weights(name: str, value: Any) -> dict[str, float]:
    """The layers as {name: weight}; see the class for the forms that are taken."""
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",")]
    if isinstance(value, Mapping):
        pairs = [(str(layer), weight) for layer, weight in value.items()]
    else:
        pairs = [(layer, weight if sign else None)
                 for layer, sign, weight in (str(part).partition("=") for part in value)]
    if not pairs:
        raise ArgumentError(f"{option(name)} names no layer; known are {', '.join(vgg.LAYERS)}")
    weights: dict[str, float] = {}
    for layer, weight in pairs:
        if layer not in vgg.LAYERS:
            raise ArgumentError(f"{option(name)} names the layer {layer!r}, which VGG19 does not "
                                f"have; known are {', '.join(vgg.LAYERS)}")
        if layer in weights:
            raise ArgumentError(f"{option(name)} names the layer {layer} twice; name it once")
        weights[layer] = (1 / len(pairs) if weight is None
                          else _number(f"{option(name)}: the weight of {layer}", weight))
    return weights
