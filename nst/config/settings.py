"""Everything that can be chosen about a style transfer, its defaults, and what is allowed.

`Settings` is frozen and checks itself, so whoever holds one holds a possible one. The command
line, the configuration file and the Python interface use the same names (`--style-weight` and
`style-weight = 2` are `style_weight`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from minigrad.errors import ArgumentError
from nst.config.presets import DEFAULT, PRESETS
from nst.config.validators import (
    AUTO,
    boolean,
    image_size,
    integer,
    layer_weights,
    memory_size,
    number,
    one_of,
    option_name,
    ratios,
)
from nst.model import vgg

OPTIMIZERS = ("lbfgs", "adam", "sgd")
SCHEDULES = ("constant", "linear", "cosine", "exponential")
POOLINGS = ("max", "avg", "avg-scaled")
PADDINGS = ("zeros", "replicate", "reflect")
INITS = ("content", "style", "random")
NORMS = ("gatys", "gatys2016", "johnson", "mse", "sum")     # see `nst.loss.normalizations`
COLORS = ("style", "luminance", "affine", "histogram")
PRECISIONS = ("auto", "highest", "high")
AUTO_PRECISION = "high"         # what "auto" is on a GPU: its gradients keep the direction to 1e-4
DEFAULT_SIZE = 512


@dataclasses.dataclass(frozen=True)
class Settings:
    """What a style transfer does. Where None is allowed, so is "auto", which means the same.

    Parameters
    ----------
    size : int, optional
        Long side of all pictures after scaling, in pixels. By default 512, or the content
        picture's own long side if that is smaller.
    scales : int, optional
        How many sizes to work at, each √2 times the one before, the last being ``size``. By
        default as many as begin at about 128 pixels, with at least 10 iterations for each.
    style_scale : float
        The style pictures' long side is this times ``size``: larger strokes above 1.
    canvas : tuple of two int or str, optional
        Width and height of a texture ("640x480"), which no content picture says; only with
        ``content_weight`` 0.
    blend : sequence of float, optional
        How much of each style picture, in proportion; by default all alike.
    colors : str
        "style"; "luminance": the result's brightness with the content's colours; "affine": the
        style pictures get the content's colours before the run; "histogram": the result gets
        the content's colours after it.
    content_mask : picture, optional
        White where the content counts, black where it does not; grey in between.
    region_masks : sequence of pictures, optional
        One for each style picture: white where in the result it is painted. "all" is everywhere.
    style_masks : sequence of pictures, optional
        One for each style picture: white what of it is learned. "all" is all of it.
    optimizer : str
        "lbfgs", "adam" or "sgd".
    iterations : int
        Evaluations of loss and gradient after the one of the initial picture, over all scales;
        the trials of a line search count.
    learning_rate : float, optional
        Step size on the 0-255 scale of pixels. By default 1 for L-BFGS, whose line search
        finds the step, and 50/√iterations, at most 10, for Adam. Gradient descent has no scale
        of its own: by default no step of it moves a pixel by more than 10.
    lr_schedule : str
        How the rate of Adam and SGD falls over the run: "constant"; or to a hundredth of itself,
        "linear", "cosine" or "exponential".
    patience : int, optional
        Iterations that may pass at one scale without the total loss falling, before the run goes
        on to the next scale or ends. By default it uses all its iterations.
    min_delta : float
        The least fall of the loss that counts for ``patience``, as a share of the lowest so far.
    lbfgs_history : int
        Steps that L-BFGS learns from; each takes twice the memory of the picture.
    average : float
        β of the running mean of pictures that Adam and SGD are judged by in the end: each new
        one counts 1 − β. 0 takes the last picture.
    clamp : bool
        Keep pixels within 0-255 after each step of Adam and SGD.
    content_layers, style_layers : dict, iterable of str, or str
        Layers with their weights, as a dict or as on the command line ("relu1_1=0.5,relu2_1");
        a layer without a weight gets 1 / (number of layers named).
    content_weight, style_weight, tv_weight : float
        α and β of eq. 12, and the weight of the total variation. A term of weight 0 is not
        computed (the total variation is, being nearly free). Without content a texture is made,
        without style the content is brought back, both from noise.
    auto_weights : bool
        Measure every term relative to its target and let layer weights be proportions, so that
        another size, other layers or another norm keep the look; see `nst.loss.targets`.
    init : str, Path, picture or array, optional
        Where to start: "content", "style", "random" (noise), or a picture. By default
        the content, and noise where content or style has no weight.
    noise : float
        Standard deviation of the noise of "random", in grey levels around the mean colour.
    pooling : str
        "max", "avg", or "avg-scaled": averages times what keeps the size of the features.
    padding : str
        What the first layer sees beyond the edge: "zeros", "replicate" or "reflect".
    norm : str
        How the sums of squares are divided: see `nst.loss.normalizations`. With ``auto_weights``
        it cancels.
    weights : str or Path, optional
        A converted VGG19 file, "small" for the network that comes with nst, or "random:SEED" for
        random features. By default what
        `nst.model.weights.find` finds.
    device : str
        "cpu", "cuda", "cuda:N", or "auto": a GPU if there is one.
    precision : str
        How a GPU multiplies float32: "highest" is float32, "high" may use tensor cores with TF32
        (see `minigrad.cuda.matmul_precision`), "auto" is what `AUTO_PRECISION` says. On a CPU all
        of them are float32.
    seed : int
        Where the noise of "random" comes from.
    max_memory : int or str, optional
        Bytes that the program may use in all, or "4GB". By default what is free.
    tile : int, optional
        Side of the tiles in pixels that larger pictures are computed by, without any loss of
        exactness; see `nst.loss.tiling`. By default as large as ``max_memory`` allows: the whole
        picture at once, if that fits.
    processes : int
        How many tiles are computed at the same time, each in a process of its own.

    Raises
    ------
    ArgumentError
        A value is impossible; the message names it and says what would be right.
    """

    size: int | None = None
    scales: int | None = None
    style_scale: float = 1.0
    canvas: tuple[int, int] | str | None = None
    blend: Sequence[float] | str | None = None
    colors: str = "style"
    content_mask: Any = None
    region_masks: Sequence[Any] | None = None
    style_masks: Sequence[Any] | None = None
    optimizer: str = "adam"
    iterations: int = 300
    learning_rate: float | None = None
    lr_schedule: str = "constant"
    patience: int | None = None
    min_delta: float = 0.0
    lbfgs_history: int = 10
    average: float = 0.9
    clamp: bool = True
    content_layers: Mapping[str, float] | Iterable[str] | str = "relu4_2"
    style_layers: Mapping[str, float] | Iterable[str] | str = (
        "relu1_1=3", "relu2_1=3", "relu3_1=3", "relu4_1=5", "relu5_1=1")
    content_weight: float = 1.0
    style_weight: float = 10.0
    tv_weight: float = 0.0
    auto_weights: bool = True
    init: Any = None
    noise: float = 1.0
    pooling: str = "max"
    padding: str = "replicate"
    norm: str = "gatys"
    weights: Any = None
    device: str = "auto"
    precision: str = "auto"
    seed: int = 0
    max_memory: int | str | None = None
    tile: int | None = None
    processes: int = 1

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, str) and value == AUTO and field.default is None:
                value = None
            check = _CHECKS.get(field.name)
            if check is not None and not (value is None and field.default is None):
                value = check(option_name(field.name), value)
            object.__setattr__(self, field.name, value)     # frozen for everyone else
        self._check_together()

    def _check_together(self) -> None:
        if self.content_weight == self.style_weight == 0:
            raise ArgumentError("content-weight and style-weight are both 0, so there is nothing "
                                "to paint; make one of them positive")
        if self.canvas is not None and self.content_weight:
            raise ArgumentError(f"canvas is the size of a texture, but content-weight is "
                                f"{self.content_weight:g} and the content picture has a size of "
                                f"its own; set content-weight to 0, or leave canvas out")
        if self.lr_schedule != "constant" and self.optimizer == "lbfgs":
            raise ArgumentError(f"lr-schedule is {self.lr_schedule}, but the line search of lbfgs "
                                f"finds its own steps; choose the optimizer adam or sgd, or the "
                                f"schedule constant")

    @classmethod
    def preset(cls, name: str = DEFAULT, **explicit: Any) -> Settings:
        """The settings of a preset; whatever is given explicitly beats it.

        Raises
        ------
        ArgumentError
            There is no such preset, or a value is impossible.
        """
        one_of("preset", name, PRESETS)
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

    @property
    def start(self) -> Any:
        """Where to start: ``init``, or what it is by default."""
        if self.init is not None:
            return self.init
        return "content" if self.content_weight and self.style_weight else "random"


def precision_on(settings: Settings, device: str) -> str:
    """What ``settings.precision`` is on a device: "highest" or "high"."""
    if device == "cpu":
        return "highest"
    return AUTO_PRECISION if settings.precision == AUTO else settings.precision


def _pictures(name: str, value: Any) -> tuple[Any, ...]:
    """Several pictures, or names of them; one name alone is a list of one."""
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, (list, tuple)):
        raise ArgumentError(f"{name} is a list with one picture for each style picture, not a "
                            f"{type(value).__name__}")
    return tuple(value)


def _from(least: int) -> Any:
    return lambda name, value: integer(name, value, least)


def _among(known: Iterable[str]) -> Any:
    return lambda name, value: one_of(name, value, known)


def _layers(name: str, value: Any) -> dict[str, float]:
    return layer_weights(name, value, vgg.LAYERS)


def _not_negative(name: str, value: Any) -> float:
    return number(name, value, positive=False)


# What each field may be; fields without an entry are checked where they are used.
_CHECKS = {
    "max_memory": memory_size, "tile": _from(1), "processes": _from(1),
    "size": _from(1), "scales": _from(1), "iterations": _from(1), "seed": _from(0),
    "lbfgs_history": _from(1), "patience": _from(1), "canvas": image_size, "blend": ratios,
    "region_masks": _pictures, "style_masks": _pictures,
    "colors": _among(COLORS), "optimizer": _among(OPTIMIZERS), "lr_schedule": _among(SCHEDULES),
    "pooling": _among(POOLINGS), "padding": _among(PADDINGS), "norm": _among(NORMS),
    "precision": _among(PRECISIONS),
    "style_scale": number, "noise": number, "learning_rate": number,
    "content_layers": _layers, "style_layers": _layers,
    "content_weight": _not_negative, "style_weight": _not_negative, "tv_weight": _not_negative,
    "average": lambda name, value: number(name, value, positive=False, below=1),
    "min_delta": lambda name, value: number(name, value, positive=False, below=1),
    "clamp": boolean, "auto_weights": boolean,
}
