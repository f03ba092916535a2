"""Rosenbrock's function, and runs of L-BFGS whose evaluations are noted."""

import numpy as np

from minigrad import optim


def rosenbrock(x):
    """Σ 100(x_{i+1} − x_i²)² + (1 − x_i)²."""
    here, there = x[:-1], x[1:]
    return (100 * (there - here * here) ** 2 + (1 - here) ** 2).sum(dtype=np.float64)


STANDARD_START = np.tile([-1.2, 1.0], 50)


def recorded(loss, x, losses, points=None):
    """A closure for an optimiser that notes every evaluation."""
    def closure():
        x.grad = None
        value = loss(x)
        value.backward()
        losses.append(value.item())
        if points is not None:
            points.append(x.numpy())
        return value
    return closure


def exhaustive(x, evaluations, **options):
    """An LBFGS that ends after so many evaluations and for no other reason."""
    return optim.LBFGS([x], max_iter=10 ** 6, max_eval=evaluations, tolerance_grad=0,
                       tolerance_change=0, **options)
