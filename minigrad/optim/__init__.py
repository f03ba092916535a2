"""Optimisers: they change parameters in place, from the gradients in their ``.grad``.

SGD and Adam are one formula each. L-BFGS has four rooms: :mod:`.lbfgs` is the optimiser
that users hold, :mod:`.descent` its iteration over one flat vector, :mod:`.curvature` its
memory with the two-loop recursion, :mod:`.line_search` how far to go.
"""

from .adam import Adam
from .lbfgs import LBFGS
from .optimizer import Optimizer
from .sgd import SGD

__all__ = ["LBFGS", "SGD", "Adam", "Optimizer"]
