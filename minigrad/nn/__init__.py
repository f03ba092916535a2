"""Layers that own their parameters, and functions that initialize them.

A layer is a `Module`: its `forward` calls `minigrad.functional`, its attributes are the
parameters. `init` holds the initializers.
"""

from minigrad.kernels.boundary import guard_methods
from minigrad.nn import init
from minigrad.nn.activation import ELU, LeakyReLU, ReLU, Sigmoid, Softmax, Softplus, Tanh
from minigrad.nn.container import (
    Flatten,
    Identity,
    ModuleDict,
    ModuleList,
    Sequential,
    Unflatten,
)
from minigrad.nn.conv import AvgPool2d, Conv2d, MaxPool2d
from minigrad.nn.conv_transpose import ConvTranspose2d
from minigrad.nn.embedding import Embedding
from minigrad.nn.gates import (
    CELU,
    GELU,
    GLU,
    SELU,
    Hardshrink,
    Hardsigmoid,
    Hardswish,
    Hardtanh,
    LogSigmoid,
    LogSoftmax,
    Mish,
    PReLU,
    ReLU6,
    SiLU,
    Softmin,
    Softshrink,
    Softsign,
    Tanhshrink,
    Threshold,
)
from minigrad.nn.linear import Linear
from minigrad.nn.loss import (
    BCELoss,
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    HuberLoss,
    KLDivLoss,
    L1Loss,
    MSELoss,
    NLLLoss,
    SmoothL1Loss,
    TripletMarginLoss,
)
from minigrad.nn.module import Module
from minigrad.nn.normalization import (
    BatchNorm1d,
    BatchNorm2d,
    GroupNorm,
    InstanceNorm2d,
    LayerNorm,
    RMSNorm,
)
from minigrad.nn.parameter import Parameter
from minigrad.nn.resampling import AlphaDropout, Dropout, Dropout1d, Dropout2d, Upsample
from minigrad.nn.sequence import (
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AdaptiveMaxPool2d,
    AvgPool1d,
    Conv1d,
    MaxPool1d,
    PixelShuffle,
)

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "SELU",
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveMaxPool2d",
    "AlphaDropout",
    "AvgPool1d",
    "AvgPool2d",
    "BCELoss",
    "BCEWithLogitsLoss",
    "BatchNorm1d",
    "BatchNorm2d",
    "Conv1d",
    "Conv2d",
    "ConvTranspose2d",
    "CrossEntropyLoss",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "Embedding",
    "Flatten",
    "GroupNorm",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "HuberLoss",
    "Identity",
    "InstanceNorm2d",
    "KLDivLoss",
    "L1Loss",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LogSigmoid",
    "LogSoftmax",
    "MSELoss",
    "MaxPool1d",
    "MaxPool2d",
    "Mish",
    "Module",
    "ModuleDict",
    "ModuleList",
    "NLLLoss",
    "PReLU",
    "Parameter",
    "PixelShuffle",
    "RMSNorm",
    "ReLU",
    "ReLU6",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "SmoothL1Loss",
    "Softmax",
    "Softmin",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Tanh",
    "Tanhshrink",
    "Threshold",
    "TripletMarginLoss",
    "Unflatten",
    "Upsample",
    "init",
]

guard_methods((ModuleDict, ModuleList, Sequential), ("__init__",))
guard_methods((ModuleList, Sequential), ("__getitem__",))
for kind in vars().copy().values():
    # Containers call code that users wrote, whose errors are not ours to translate.
    if isinstance(kind, type) and issubclass(kind, Module) and kind is not Module \
            and kind.__module__ != Sequential.__module__:
        guard_methods((kind,), ("__init__",))
        kind._own_sentences = True      # type: ignore[attr-defined]  # see Module.__call__
