"""Normalization layers; for formulas and sources see `minigrad.functional`."""

from __future__ import annotations

from typing import Any

from minigrad import creation
from minigrad import functional as F
from minigrad.core.mode import no_grad
from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError, ShapeError
from minigrad.kernels.arguments import one_or_more
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.printable import shown


class _ChannelNorm(Module):
    """Base class of batch and instance normalization: parameters and statistics per channel."""

    num_batches_tracked: Tensor
    _ranks: tuple[int, ...] = (4,)
    _wanted = "images N×{}×H×W"

    def __init__(self, num_features: int, eps: float, momentum: float | None, affine: bool,
                 track_running_stats: bool, bias: bool, device: str | None, dtype: Any) -> None:
        if num_features < 1:
            raise ArgumentError(f"{type(self).__name__} needs at least one channel, not "
                                f"{num_features}")
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        options = {"dtype": dtype, "device": device}
        self.weight = Parameter(creation.ones(num_features, **options)) if affine else None
        self.bias = Parameter(creation.zeros(num_features, **options)) if affine and bias else None
        self.running_mean = self.running_var = None
        if track_running_stats:
            self.register_buffer("running_mean", creation.zeros(num_features, **options))
            self.register_buffer("running_var", creation.ones(num_features, **options))
            self.register_buffer("num_batches_tracked", creation.tensor(0, device=device))

    def _check(self, input: Tensor) -> None:
        if input.ndim not in self._ranks or input.shape[1] != self.num_features:
            raise ShapeError(f"{type(self).__name__} for {self.num_features} channels needs "
                             f"{self._wanted.format(self.num_features)}, not shape {input.shape}")

    @property
    def _uses_input(self) -> bool:
        return self.training or not self.track_running_stats

    def extra_repr(self) -> str:
        return (f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, "
                f"affine={self.affine}, track_running_stats={self.track_running_stats}")


class BatchNorm2d(_ChannelNorm):
    """Normalize each channel of images N×C×H×W over the batch to mean 0 and variance 1, then scale.

    Training uses the batch's statistics and updates the running ones; evaluation (`Module.eval`)
    uses the running ones. See `minigrad.functional.batch_norm`.

    Parameters
    ----------
    num_features : C.
    eps : added to the variance.
    momentum : weight of each batch in the running statistics; None for a plain average.
    affine : whether a scale and, if `bias`, a shift are learned for each channel.
    track_running_stats : if false, evaluation too uses the batch's statistics.
    device, dtype : of parameters and statistics.

    Attributes
    ----------
    weight, bias : Parameter, C, initially 1 and 0; or None
    running_mean, running_var : Tensor, C, initially 0 and 1; or None
    num_batches_tracked : Tensor without dimensions, integer

    Raises
    ------
    ArgumentError : there are no channels.
    ShapeError : an input is not a batch of C channels.
    """

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1,
                 affine: bool = True, track_running_stats: bool = True,
                 device: str | None = None, dtype: Any = None, *, bias: bool = True) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, bias, device,
                         dtype)

    def forward(self, input: Tensor) -> Tensor:
        self._check(input)
        return F.batch_norm(input, self.running_mean, self.running_var, self.weight, self.bias,
                            self._uses_input, self._count_batch(), self.eps)

    def _count_batch(self) -> float:
        """Weight of this batch in the running statistics: `momentum`, or 1/n for an average."""
        if self.training and self.track_running_stats:
            with no_grad():
                self.num_batches_tracked.add_(1)
            if self.momentum is None:
                return 1 / self.num_batches_tracked.item()
        return self.momentum or 0.0


class BatchNorm1d(BatchNorm2d):
    """Normalize each feature of N×C, or each channel of sequences N×C×L, over the batch.

    Parameters and attributes are those of `BatchNorm2d`.
    """

    _ranks, _wanted = (2, 3), "features N×{0} or sequences N×{0}×L"


class InstanceNorm2d(_ChannelNorm):
    """Normalize each channel of each image over its pixels to mean 0 and variance 1.

    Images are N×C×H×W, or one C×H×W. Parameters and attributes are those of `BatchNorm2d`; by
    default nothing is learned and nothing tracked, so that training and evaluation are the same.
    See `minigrad.functional.instance_norm`.
    """

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float = 0.1,
                 affine: bool = False, track_running_stats: bool = False,
                 device: str | None = None, dtype: Any = None, *, bias: bool = True) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, bias, device,
                         dtype)
        self.momentum: float = momentum

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim == 3:
            return self(input.unsqueeze(0)).squeeze(0)
        self._check(input)
        return F.instance_norm(input, self.running_mean, self.running_var, self.weight, self.bias,
                               self._uses_input, self.momentum, self.eps)


class LayerNorm(Module):
    """Normalize the last dimensions of each example to mean 0 and variance 1, then scale.

    See `minigrad.functional.layer_norm`.

    Parameters
    ----------
    normalized_shape : lengths of the dimensions to normalize over, or one number for the last.
    eps : added to the variance.
    elementwise_affine : whether a scale and, if `bias`, a shift are learned for each element.
    device, dtype : of the parameters.

    Attributes
    ----------
    weight, bias : Parameter of shape normalized_shape, initially 1 and 0; or None
    """

    def __init__(self, normalized_shape: int | tuple[int, ...], eps: float = 1e-5,
                 elementwise_affine: bool = True, bias: bool = True,
                 device: str | None = None, dtype: Any = None) -> None:
        shape = one_or_more(normalized_shape, "LayerNorm: a length")
        if not shape or min(shape) < 1:
            raise ArgumentError(f"LayerNorm needs lengths of at least 1, not "
                                f"{shown(normalized_shape)}")
        self.normalized_shape, self.eps = shape, eps
        self.weight = self.bias = None
        if elementwise_affine:
            self.weight = Parameter(creation.ones(shape, dtype=dtype, device=device))
            if bias:
                self.bias = Parameter(creation.zeros(shape, dtype=dtype, device=device))

    def forward(self, input: Tensor) -> Tensor:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (f"{self.normalized_shape}, eps={self.eps}, "
                f"elementwise_affine={self.weight is not None}")


class GroupNorm(Module):
    """Normalize groups of channels of each example to mean 0 and variance 1, then scale channels.

    See `minigrad.functional.group_norm`.

    Parameters
    ----------
    num_groups : how many groups the channels are split into.
    num_channels : C, a multiple of `num_groups`.
    eps : added to the variance.
    affine : whether a scale and, if `bias`, a shift are learned for each channel.
    device, dtype : of the parameters.

    Attributes
    ----------
    weight, bias : Parameter, C, initially 1 and 0; or None
    """

    def __init__(self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True,
                 device: str | None = None, dtype: Any = None, *, bias: bool = True) -> None:
        if num_groups < 1 or num_channels < 1 or num_channels % num_groups:
            raise ArgumentError(f"GroupNorm needs a number of channels that is a multiple of "
                                f"{num_groups} groups, not {num_channels}")
        self.num_groups, self.num_channels, self.eps = num_groups, num_channels, eps
        options = {"dtype": dtype, "device": device}
        self.weight = Parameter(creation.ones(num_channels, **options)) if affine else None
        self.bias = Parameter(creation.zeros(num_channels, **options)) if affine and bias else None

    def forward(self, input: Tensor) -> Tensor:
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (f"{self.num_groups}, {self.num_channels}, eps={self.eps}, "
                f"affine={self.weight is not None}")


class RMSNorm(Module):
    """Divide the last dimensions of each example by their root mean square, then scale.

    See `minigrad.functional.rms_norm`; the parameters are those of `LayerNorm`.
    """

    def __init__(self, normalized_shape: int | tuple[int, ...], eps: float | None = None,
                 elementwise_affine: bool = True, device: str | None = None,
                 dtype: Any = None) -> None:
        shape = one_or_more(normalized_shape, "RMSNorm: a length")
        self.normalized_shape, self.eps = shape, eps
        self.weight = None
        if elementwise_affine:
            self.weight = Parameter(creation.ones(shape, dtype=dtype, device=device))

    def forward(self, input: Tensor) -> Tensor:
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return (f"{self.normalized_shape}, eps={self.eps}, "
                f"elementwise_affine={self.weight is not None}")
