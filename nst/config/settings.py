"""The settings of a style transfer, their defaults, and their valid values.

`Settings` is frozen and checked when it is created, so every instance is valid. The command line,
the configuration file and the Python interface use the same names (`--style-weight` and
`style-weight = 2` are `style_weight`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from minigrad.errors import ArgumentError
from nst.config.choices import CHECKS, SAMPLED_LOSSES
from nst.config.fields import Converted, checked
from nst.config.presets import DEFAULT, PRESETS
from nst.config.shown import settings_html
from nst.config.validators import (
    AUTO,
    image_size,
    layer_weights,
    memory_size,
    one_of,
    option_name,
    ratios,
)
from nst.model import vgg

AUTO_PRECISION = "high"         # "auto" on a GPU; gradients keep their direction to 1e-4
DEFAULT_SIZE = 512

def _pictures(name: str, value: Any) -> tuple[Any, ...]:
    """Return a tuple of pictures or their names; a single name becomes a tuple of one."""
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, (list, tuple)):
        raise ArgumentError(f"{name} must be a list with one mask for each style picture, not a "
                            f"{type(value).__name__}")
    return tuple(value)


def _layers(name: str, value: Any) -> dict[str, float]:
    return layer_weights(name, value, vgg.LAYERS)


LayerWeights = Mapping[str, float] | Iterable[str] | str


@dataclasses.dataclass(frozen=True)
class Settings:
    """The settings of a style transfer. Where None is valid, "auto" means the same.

    Parameters
    ----------
    size : int, optional
        Long side of all pictures after scaling, in pixels. Default: 512, or the content picture's
        own long side if that is smaller.
    scales : int, optional
        How many sizes to paint at. Each is √2 times the previous one, and the last is `size`.
        Default: start at about 128 pixels, with at least 10 iterations per scale.
    style_scale : float
        Long side of the style pictures, as a multiple of `size`. Above 1: larger strokes.
    canvas : tuple of two int or str, optional
        Width and height of a texture ("640x480"). Only valid with `content_weight` 0.
    blend : sequence of float or str, optional
        Proportions of the style pictures. Default: equal.
    colors : str
        "style": colours come from the style. "luminance": brightness of the result, colours of
        the content. "affine": the style pictures are given the content's colours before the run.
        "histogram": the result is given the content's colours after the run.
    content_mask : picture, optional
        White where the content counts, black where it does not, grey in between.
    region_masks : sequence of pictures, optional
        One per style picture: white where it is applied in the result. "all": everywhere.
    regions : int, optional
        Number of regions to find in both pictures; each is painted like its counterpart in the
        style, see `nst.job.regions`. 1: the picture as a whole. Default: 3 if the pictures have
        them in common and they are distinct enough; 1 otherwise, and for textures, pictures below
        64 pixels, several styles, masks, and losses at random positions.
    style_masks : sequence of pictures, optional
        One per style picture: white where the style is taken from. "all": everywhere.
    optimizer : str
        "lbfgs", "adam" or "sgd".
    variable : str
        What the optimizer moves: the levels of a Laplacian "pyramid", each half as large as the
        one before, or the "pixels".
    iterations : int
        Number of loss evaluations after that of the initial picture, over all scales. Trial steps
        of a line search count.
    learning_rate : float, optional
        Step size on the 0-255 scale of pixels. Default: 1 for L-BFGS, whose line search finds
        the step; for Adam 75/√iterations with a pyramid and 50/√iterations with pixels, at most
        10. Gradient descent has no natural scale, so its steps are limited: none moves a pixel
        by more than 10.
    lr_schedule : str
        How the learning rate of Adam and SGD falls over the run: "constant", or to 1 % of its
        initial value by "linear", "cosine" or "exponential" decay.
    patience : int, optional
        Maximum number of iterations at one scale without a lower loss. Then the run continues at
        the next scale, or ends. Default: unlimited.
    min_delta : float
        Smallest decrease of the loss that counts for `patience`, relative to the lowest loss.
    lbfgs_history : int
        Number of past steps that L-BFGS keeps. Each takes twice the memory of the picture.
    average : float
        Decay β of the running mean of pictures that Adam and SGD return: each new picture counts
        1 − β. 0 returns the last picture.
    result : str
        "mean": the running mean of the last pictures of Adam and SGD, at each scale. "best": the
        picture with the lowest loss. L-BFGS always returns that.
    clamp : bool
        Keep pixels within 0-255 after each step of Adam and SGD.
    content_layers, style_layers : dict, iterable of str, or str
        Layers with their weights, as a dict or as on the command line ("relu1_1=0.5,relu2_1"). A
        layer without a weight gets 1 / (number of layers). The attributes are dicts.
    content_weight, style_weight, tv_weight, palette_weight : float
        α and β of eq. 12, and the weights of the total variation and of the palette, see
        `nst.loss.palette`. A term of weight 0 is not computed, except for the total variation,
        which is cheap. Without content the result is a texture; without style the content is
        reconstructed from noise.
    tv_exponent : int
        2: the total variation is the mean square of differences between neighbouring pixels. 1:
        it is the mean length of the gradient, which smooths ripples rather than edges.
    style_loss : str
        Distance to the style: "w2" or "gram" of statistics, see `nst.loss.style`; "swd", the
        sliced Wasserstein distance of features, see `nst.loss.sliced`; or "remd", the relaxed
        earth mover's distance of hypercolumns, see `nst.loss.transport`.
    content_loss : str
        "features": the difference of features; "selfsim": the difference of the similarities of
        positions with each other, see `nst.loss.transport`.
    auto_weights : bool
        Measure every term relative to its target and treat layer weights as proportions, so that
        the look does not depend on size, layers or norm; see `nst.loss.targets`.
    init : str, Path, picture or array, optional
        Initial picture: "content", "recolored" (the content with mean and covariance of the
        style's colours), "style", "random" (noise), or a picture. Default: "content"; "random" if
        content or style has weight 0.
    noise : float
        Standard deviation of the noise of "random", in grey levels around the mean colour.
    pooling : str
        "max", "avg", or "avg-scaled": averages, rescaled to keep the magnitude of the features.
    margin : int
        Pixels on each side that are painted in addition, over the content's mirror image, and cut
        off in the end. The style does not count in the outer half of it. Without a margin a
        picture has a rim.
    padding : str
        Padding of the first layer: "zeros", "replicate" or "reflect".
    norm : str
        Normalisation of the sums of squares, see `nst.loss.normalizations`. It has no effect with
        `auto_weights`.
    weights : str or Path, optional
        A converted VGG19 file, "small" for the network that comes with nst, or "random:SEED" for
        random features. Default: see `nst.model.weights.find`.
    device : str
        "cpu", "cuda", "cuda:N", or "auto": a GPU if there is one.
    precision : str
        Precision of float32 products on a GPU: "highest" is float32, "high" may use tensor cores
        with TF32 (see `minigrad.cuda.matmul_precision`), "auto" is `AUTO_PRECISION`. On a CPU all
        of them are float32.
    seed : int
        Seed of the noise of "random", and of the random positions and directions of the losses
        "swd", "remd" and "selfsim".
    max_memory : int or str, optional
        Maximum memory of the program, in bytes or as in "4GB". Default: the available memory.
    tile : int, optional
        Side of the tiles in pixels, for pictures that are computed tile by tile. Tiles do not
        change the result, see `nst.loss.tiling`. Default: as large as `max_memory` allows, and no
        tiles if the whole picture fits.
    processes : int
        Number of tiles that are computed at the same time, each in its own process.

    Raises
    ------
    ArgumentError
        A value is invalid. The message names the setting and says what would be right.
    """

    size: int | None = None
    scales: int | None = None
    style_scale: float = 1.0
    canvas: Converted[Sequence[int] | str | None, tuple[int, int] | None] = Converted(
        image_size, None)
    blend: Converted[Sequence[float] | str | None, tuple[float, ...] | None] = Converted(
        ratios, None)
    colors: str = "style"
    content_mask: Any = None
    region_masks: Converted[Sequence[Any] | None, tuple[Any, ...] | None] = Converted(
        _pictures, None)
    style_masks: Converted[Sequence[Any] | None, tuple[Any, ...] | None] = Converted(
        _pictures, None)
    regions: int | None = None
    optimizer: str = "adam"
    iterations: int = 145
    variable: str = "pyramid"
    learning_rate: float | None = None
    lr_schedule: str = "constant"
    patience: int | None = None
    min_delta: float = 0.0
    lbfgs_history: int = 10
    average: float = 0.9
    result: str = "mean"
    clamp: bool = True
    content_layers: Converted[LayerWeights, dict[str, float]] = Converted(_layers, "relu4_2")
    style_layers: Converted[LayerWeights, dict[str, float]] = Converted(
        _layers, ("relu1_1=8", "relu2_1=8", "relu3_1=8", "relu4_1=2", "relu5_1=0.5"))
    content_weight: float = 1.0
    style_weight: float = 14.0
    tv_weight: float = 5.0
    tv_exponent: int = 1
    palette_weight: float = 3.0
    style_loss: str = "w2"
    content_loss: str = "features"
    auto_weights: bool = True
    init: Any = None
    noise: float = 1.0
    margin: int = 8
    pooling: str = "max"
    padding: str = "replicate"
    norm: str = "gatys"
    weights: Any = None
    device: str = "auto"
    precision: str = "auto"
    seed: int = 0
    max_memory: Converted[int | str | None, int | None] = Converted(memory_size, None)
    tile: int | None = None
    processes: int = 1

    def __post_init__(self) -> None:
        for name, default in _DEFAULTS.items():
            value = checked(name, getattr(self, name), default, CHECKS.get(name))
            object.__setattr__(self, name, value)       # frozen for everyone else
        self._check_combinations()

    def _repr_html_(self) -> str:
        return settings_html(self.__dict__, Settings().__dict__)

    def replace(self, **changes: Any) -> Settings:
        """Return a copy with other values; only these are checked.

        Raises
        ------
        ArgumentError
            A value is invalid, or does not fit the others.
        """
        copy = object.__new__(Settings)
        copy.__dict__.update(self.__dict__)
        for name, value in changes.items():
            if name in _DEFAULTS:
                value = checked(name, value, _DEFAULTS[name], CHECKS.get(name))
            object.__setattr__(copy, name, value)       # a `Converted` field checks its own value
        copy._check_combinations()
        return copy

    def _check_combinations(self) -> None:
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
        if self.sampled and (self.tile is not None or self.processes > 1):
            name, value = (("processes", self.processes) if self.tile is None
                           else ("tile", self.tile))
            raise ArgumentError(f"{self.sampled} cannot be computed by tiles, but {name} is "
                                f"{value}; leave {name} out, or choose style-loss w2 and "
                                f"content-loss features")

        if self.guided:
            self._check_regions()

    def _check_regions(self) -> None:
        for name in ("region_masks", "style_masks", "blend"):
            if getattr(self, name) is not None:
                raise ArgumentError(f"regions is {self.regions}, so nst finds the regions, but "
                                    f"{option_name(name)} is given as well; leave one of them out")
        if not (self.content_weight and self.style_weight):
            raise ArgumentError(f"regions is {self.regions}, which needs a content and a style "
                                f"picture, but one of them has weight 0; leave regions out")

    @classmethod
    def preset(cls, name: str = DEFAULT, **explicit: Any) -> Settings:
        """Return the settings of a preset; explicit values override it.

        Raises
        ------
        ArgumentError
            There is no such preset, or a value is invalid.
        """
        one_of("preset", name, PRESETS)
        return cls(**{**PRESETS[name], **explicit})

    @property
    def layers(self) -> set[str]:
        """Layers whose features are needed: those of the terms with a weight above 0."""
        needed: set[str] = set()
        if self.content_weight:
            needed.update(self.content_layers)
        if self.style_weight:
            needed.update(self.style_layers)
        return needed

    def shares(self, count: int) -> list[float]:
        """The share of each of `count` style pictures; their sum is 1.

        With found regions it is ½ in layers that compare them, because every pixel is in a region
        and in the whole.
        """
        if self.guided and count > 1:
            return [0.5 / count] * count
        amounts = self.blend or (1.0,) * count
        return [amount / sum(amounts) for amount in amounts]

    @property
    def guided(self) -> bool:
        """Whether several regions are found in the pictures; known once the inputs are read."""
        return self.regions is not None and self.regions > 1

    @property
    def sampled(self) -> str:
        """The loss at random positions or in random directions, as option and value, or ""."""
        if self.style_weight and self.style_loss in SAMPLED_LOSSES:
            return f"style-loss {self.style_loss}"
        if self.content_weight and self.content_loss == "selfsim":
            return f"content-loss {self.content_loss}"
        return ""

    @property
    def start(self) -> Any:
        """The initial picture: `init`, or its default."""
        if self.init is not None:
            return self.init
        return "content" if self.content_weight and self.style_weight else "random"


def precision_on(settings: Settings, device: str) -> str:
    """Return the precision on a device: "highest" or "high"."""
    if device == "cpu":
        return "highest"
    return AUTO_PRECISION if settings.precision == AUTO else settings.precision


_DEFAULTS = {field.name: field.default for field in dataclasses.fields(Settings)
             if not isinstance(vars(Settings).get(field.name), Converted)}
