"""The named normalisations, which turn the squared differences of a layer into a loss.

With N channels and M positions in a layer, ΔF the difference of features (N×M) and ΔG that of
Gram matrices without division (N×N), a norm defines the factors of ΣΔF² and ΣΔG².

========= ============ ================ =====================================================
name      content      style            origin
========= ============ ================ =====================================================
gatys     1/2          1 / (4 N² M²)    Gatys et al. (2015), eq. 1 and 4; eq. 8 and 10 here
gatys2016 1 / (N M)    1 / (N² M²)      the authors' later program: means over the elements of
                                        F and of G/M, with layer weights of 1000/N²
johnson   1 / (N M)    1 / (N⁴ M²)      J. Johnson's program neural-style: means over the
                                        elements of F and of G/(N M)
mse       1 / (N M)    1 / N²           means over the elements of F and of G
sum       1            1                no division
========= ============ ================ =====================================================
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Norm:
    """The factors of a layer's sums of squares, as functions of N and M."""

    content: Callable[[int, int], float]
    style: Callable[[int, int], float]


NORMS = {
    "gatys": Norm(content=lambda n, m: 1 / 2, style=lambda n, m: 1 / (4 * n**2 * m**2)),
    "gatys2016": Norm(content=lambda n, m: 1 / (n * m), style=lambda n, m: 1 / (n**2 * m**2)),
    "johnson": Norm(content=lambda n, m: 1 / (n * m), style=lambda n, m: 1 / (n**4 * m**2)),
    "mse": Norm(content=lambda n, m: 1 / (n * m), style=lambda n, m: 1 / n**2),
    "sum": Norm(content=lambda n, m: 1.0, style=lambda n, m: 1.0),
}
