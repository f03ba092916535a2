"""Layers that own their parameters, and functions that initialize them.

A layer is a `Module`: its `forward` calls `minigrad.functional`, its attributes are the
parameters. `init` holds the initializers.
"""

from minigrad.nn import init
from minigrad.nn.activation import ELU, LeakyReLU, ReLU, Sigmoid, Softmax, Softplus, Tanh
from minigrad.nn.container import Flatten, Sequential
from minigrad.nn.conv import AvgPool2d, Conv2d, MaxPool2d
from minigrad.nn.conv_transpose import ConvTranspose2d
from minigrad.nn.embedding import Embedding
from minigrad.nn.linear import Linear
from minigrad.nn.loss import (
    BCELoss,
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    HuberLoss,
    L1Loss,
    MSELoss,
    NLLLoss,
)
from minigrad.nn.module import Module
from minigrad.nn.normalization import BatchNorm2d, InstanceNorm2d, LayerNorm
from minigrad.nn.parameter import Parameter
from minigrad.nn.resampling import Dropout, Upsample

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
