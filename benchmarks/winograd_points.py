"""Rounding errors of Winograd's F(m×m, 3×3) in float32, for different sets of points.

Only sets that are closed under x → 1/x are considered (0 pairs with ∞), because then the input
gradient can use the same transformed weights. Each set runs through the engine's own kernel, and
its result is compared with the convolution in float64: relative Frobenius error, for data of mean
0, for data of mean 120, as in pictures, and for the input gradient. The table shows which set
minigrad/kernels/winograd_matrices.py uses, and how far it is from the best.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import common
import numpy as np

from minigrad.kernels import winograd
from minigrad.kernels.geometry import Convolution
from minigrad.kernels.im2col import im2col_conv2d, im2col_input_gradient
from minigrad.kernels.winograd import winograd_conv2d

PADDING = (1, 1, 1, 1)
MAGNITUDES = (1.25, 2 ** 0.5, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0)
MAX_ERROR = {2: 5e-6, 4: 2e-5, 6: 1e-4}        # that the engine's tests allow

COLUMNS = {
    "m": common.column("m"),
    "points besides 0 and ∞": common.column("points_in_words"),
    "error, mean 0": common.column("error_mean_0", ".1e"),
    "error, mean 120": common.column("error_mean_120", ".1e"),
    "error, input gradient": common.column("error_input_gradient", ".1e"),
    "÷ best": common.column("times_best", ".2f"),
    "in use": lambda result: "**yes**" if result["in_use"] else "",
}


def candidates(m: int) -> Iterator[tuple[float, ...]]:
    """Return sets of m + 1 finite points, closed under x → 1/x and, except for m = 2, x → −x.

    0 is always included; the others are 1 and −1, which are their own inverses, and quadruples
    a, −a, 1/a, −1/a.
    """
    quadruples, left = divmod(m, 4)
    own = (1.0, -1.0) if left else ()
    for chosen in itertools.combinations(MAGNITUDES, quadruples):
        fours = [(a, -a, 1 / a, -1 / a) for a in chosen]
        yield (0.0, *own, *itertools.chain(*fours))
    if m == 2:
        yield from ((0.0, a, 1 / a) for a in (1.5, 2.0, -2.0))
    if m == 4:
        yield from ((0.0, 1.0, -1.0, a, 1 / a) for a in (2.0, -2.0, 3.0))


@contextmanager
def points(m: int, these: tuple[float, ...]) -> Iterator[None]:
    """Use the kernel with other points within a `with` statement."""
    before = winograd.POINTS[m]
    _use(m, these)
    try:
        yield
    finally:
        _use(m, before)


def _use(m: int, these: tuple[float, ...]) -> None:
    winograd.POINTS[m] = these
    winograd.matrices.cache_clear()
    winograd.turned.cache_clear()


class Problem:
    """Random data with exact results: float64 convolutions of the float32 numbers."""

    def __init__(self, channels: int, filters: int, size: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        shape = 1, channels, size, size
        self.weight = rng.standard_normal((filters, channels, 3, 3), np.float32)
        self.weight *= np.float32((2 / (9 * channels)) ** 0.5)
        self.around_0 = rng.standard_normal(shape, np.float32)
        self.around_120 = 120 + 60 * rng.standard_normal(shape, np.float32)
        self.upstream = rng.standard_normal((1, filters, size, size), np.float32)
        geometry, weight = Convolution(padding=PADDING), self.weight.astype(np.float64)
        self.exact = {
            "error_mean_0": _first(im2col_conv2d(
                self.around_0.astype(np.float64), weight, None, geometry)),
            "error_mean_120": _first(im2col_conv2d(
                self.around_120.astype(np.float64), weight, None, geometry)),
            "error_input_gradient": im2col_input_gradient(
                self.upstream.astype(np.float64), weight, shape, geometry),
        }

    def errors(self, m: int) -> dict[str, float]:
        """Return the relative errors of the kernel with its current points."""
        planes = winograd.transform_weight(self.weight, m)
        results = {
            "error_mean_0": winograd_conv2d(self.around_0, planes, None, PADDING, m)[0],
            "error_mean_120": winograd_conv2d(self.around_120, planes, None, PADDING, m)[0],
            "error_input_gradient": winograd_conv2d(self.upstream, planes, None, PADDING, m,
                                                    is_turned=True)[0],
        }
        return {name: _distance(result, self.exact[name]) for name, result in results.items()}


def _first(result: Any) -> np.ndarray:
    """Return the result without the sign bits that may come with it."""
    return result[0] if isinstance(result, tuple) else result


def _distance(result: np.ndarray, exact: np.ndarray) -> float:
    return float(np.linalg.norm(result - exact) / np.linalg.norm(exact))


def measure(m: int, problems: Sequence[Problem]) -> list[dict[str, Any]]:
    """Return results of all candidates for F(m, 3), best first; the worst problem counts."""
    chosen = winograd.POINTS[m]
    sets = {frozenset(np.round(these, 9)): these for these in (*candidates(m), chosen)}
    results = []
    for key, these in sets.items():
        with points(m, these):
            errors = [problem.errors(m) for problem in problems]
        worst = {name: max(one[name] for one in errors) for name in errors[0]}
        results.append({"m": m, "points": list(these), "points_in_words": in_words(these), **worst,
                        "in_use": key == frozenset(np.round(chosen, 9))})
    best = min(max(_errors(result)) for result in results)
    for result in results:
        result["times_best"] = max(_errors(result)) / best
    return sorted(results, key=lambda result: result["times_best"])


def _errors(result: dict[str, Any]) -> list[float]:
    return [value for name, value in result.items() if name.startswith("error_")]


def in_words(these: Sequence[float]) -> str:
    """Format the points other than 0, pairs together: ±1, ±2, ±0.5."""
    words = []
    for x in sorted({abs(x) for x in these if x}):
        both = {sign for sign in (1, -1) if sign * x in these}
        words.append(f"{'±' if len(both) == 2 else '−' if both == {-1} else ''}{x:.4g}")
    return ", ".join(words)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = common.parser("winograd_points", __doc__)
    parser.add_argument("--tiles", type=int, nargs="+", choices=winograd.POINTS, metavar="M",
                        default=list(winograd.POINTS), help="tile sizes m (default: all)")
    parser.add_argument("--channels", type=common.positive, default=64, metavar="N",
                        help="channels and filters (default: 64)")
    parser.add_argument("--size", type=common.positive, default=48, metavar="PIXELS",
                        help="side of the image (default: 48)")
    parser.add_argument("--rounds", type=common.positive, default=5, metavar="N",
                        help="random problems, of which the worst counts (default: 5)")
    given = parser.parse_args(arguments)
    report = common.Report("winograd_points", given.output, COLUMNS, channels=given.channels,
                           size=given.size, rounds=given.rounds)
    problems = [Problem(given.channels, given.channels, given.size, seed)
                for seed in range(given.rounds)]
    for m in given.tiles:
        for result in measure(m, problems):
            report.add(result)
    promised = ", ".join(f"{error:.0e} for m = {m}" for m, error in MAX_ERROR.items())
    report.finish(f"The engine's tests allow {promised}.")
    return 0


if __name__ == "__main__":
    sys.exit(common.run("winograd_points", main))
