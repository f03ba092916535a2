"""The matrices of Winograd's convolution: evaluation of polynomials at points, and back.

Multiplying two polynomials at n points and interpolating the product is a convolution. That is the
method of Toom and Cook; transposed, it is Winograd's. See `minigrad.kernels.winograd`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

# The finite points for each m. Each set is closed under x → 1/x (0 pairs with ∞) and was chosen
# among such sets for its small error in float32, see benchmarks/winograd_points.py.
POINTS = {
    2: (0, 1, -1),
    4: (0, 2 ** 0.5, -(2 ** 0.5), 0.5 ** 0.5, -(0.5 ** 0.5)),
    6: (0, 1, -1, 2, -2, 0.5, -0.5),
    8: (0, 1.25, -1.25, 0.8, -0.8, 2.5, -2.5, 0.4, -0.4),
}


@dataclass(frozen=True)
class Matrices:
    """Aᵀ m×n, G n×3 and Bᵀ n×n of F(m, 3)."""

    AT: np.ndarray
    G: np.ndarray
    BT: np.ndarray


@lru_cache
def matrices(m: int) -> Matrices:
    """The Toom–Cook matrices for the points of `m`, the last of which is ∞ (float64).

    Row p of G evaluates the kernel at point p, divided by Π (xₚ − x_q); row p of Bᵀ holds the
    coefficients of Π (x − x_q) over the other points; column p of Aᵀ the powers of xₚ. Rows of
    Bᵀ are scaled to length one, and those of G by the inverse, which keeps float32 accurate.
    """
    points = np.array(POINTS[m], dtype=float)
    n = len(points) + 1
    AT, G, BT = np.zeros((m, n)), np.zeros((n, 3)), np.zeros((n, n))
    for p, x in enumerate(points):
        others = np.delete(points, p)
        AT[:, p] = x ** np.arange(m)
        G[p] = x ** np.arange(3) / np.prod(x - others)
        BT[p, :-1] = np.poly(others)[::-1]
    AT[-1, -1] = G[-1, -1] = 1
    BT[-1] = np.poly(points)[::-1]
    scale = np.linalg.norm(BT, axis=1, keepdims=True)
    return Matrices(AT, G * scale, BT / scale)


@lru_cache
def turned(m: int) -> Matrices:
    """The matrices for a kernel rotated by 180°, in the order of the planes of the original.

    With p' the point 1/p, (G·rotated g)[p'] = factor[p]·(G·g)[p]. So plane p of the transformed
    weights serves point p' of the rotated kernel if Aᵀ includes the factor.
    """
    plain = matrices(m)
    points = np.array([*POINTS[m], np.inf])
    with np.errstate(divide="ignore"):
        inverse = np.array([int(np.argmin(np.abs(points - 1 / x))) if x and np.isfinite(x)
                            else (len(points) - 1 if x == 0 else 0) for x in points])
    reversed_G = plain.G[inverse][:, ::-1]           # evaluates the rotated kernel at 1/p
    factor = (reversed_G * plain.G).sum(1) / (plain.G ** 2).sum(1)
    return Matrices(plain.AT[:, inverse] * factor, plain.G, plain.BT[inverse])
