"""Layers that own their parameters, and ways to fill those with first values.

A layer is a :class:`Module`: its ``forward`` calls :mod:`minigrad.functional`, its
attributes are the parameters. ``init`` holds the initialisers.
"""

from . import init
from .activation import LeakyReLU, ReLU, Sigmoid, Softmax, Tanh
from .container import Flatten, Sequential
from .conv import AvgPool2d, Conv2d, MaxPool2d
from .linear import Linear
from .loss import BCELoss, CrossEntropyLoss, MSELoss
from .module import Module
from .parameter import Parameter

__all__ = ["AvgPool2d", "BCELoss", "Conv2d", "CrossEntropyLoss", "Flatten", "LeakyReLU", "Linear",
           "MSELoss", "MaxPool2d", "Module", "Parameter", "ReLU", "Sequential", "Sigmoid",
           "Softmax", "Tanh", "init"]
