"""Layers that own their parameters, and ways to fill those with first values.

A layer is a :class:`Module`: its ``forward`` calls :mod:`minigrad.functional`, its
attributes are the parameters. ``init`` holds the initialisers.
"""

from . import init
from .activation import ELU, LeakyReLU, ReLU, Sigmoid, Softmax, Softplus, Tanh
from .container import Flatten, Sequential
from .conv import AvgPool2d, Conv2d, MaxPool2d
from .conv_transpose import ConvTranspose2d
from .embedding import Embedding
from .linear import Linear
from .loss import (
    BCELoss,
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    HuberLoss,
    L1Loss,
    MSELoss,
    NLLLoss,
)
from .module import Module
from .normalization import BatchNorm2d, InstanceNorm2d, LayerNorm
from .parameter import Parameter
from .resampling import Dropout, Upsample

__all__ = [
    "ELU",
    "AvgPool2d",
    "BCELoss",
    "BCEWithLogitsLoss",
    "BatchNorm2d",
    "Conv2d",
    "ConvTranspose2d",
    "CrossEntropyLoss",
    "Dropout",
    "Embedding",
    "Flatten",
    "HuberLoss",
    "InstanceNorm2d",
    "L1Loss",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "MSELoss",
    "MaxPool2d",
    "Module",
    "NLLLoss",
    "Parameter",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
    "Upsample",
    "init",
]
