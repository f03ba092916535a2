"""Checks of step 21."""

import math

import numpy as np

from course.grading.checks import Checks

CHECKS = Checks()
NOISE = 2.0 ** -48


def bound(f, x, h):
    """The slope with half the step, its bend and its rounding."""
    wide, fine = (f(x + h) - f(x - h)) / (2 * h), (f(x + h / 2) - f(x - h / 2)) / h
    return fine, abs(wide - fine), NOISE * max(abs(f(x + h)), abs(f(x - h))) / h


@CHECKS("a slope with a bound of its error")
def with_error(work):
    for text, f in (("x**3", lambda x: x ** 3), ("exp(x)", math.exp),
                    ("1024 * x", lambda x: 1024 * x)):
        for sign in (1, -1):
            x, h = sign * float(work.rng.integers(1, 6)) / 16, float(work.rng.integers(6, 9)) / 8
            fine, bend, rounding = bound(f, x, h)
            found = work.call("with_error", text, x, h, doing=f"with_error of {text}")
            work.same("with_error", f"with f(x) = {text}, with_error(f, {x:.4g}, {h:.4g})", found,
                      [fine, bend + rounding], atol=1e-18, likely={
                          "the slope is to be that with the step h / 2": [
                              (f(x + h) - f(x - h)) / (2 * h), bend + rounding],
                          "the rounding is missing": [fine, bend],
                          "the bend is missing": [fine, rounding]})


@CHECKS("the step with the shortest error bar")
def best(work):
    for text, right in (("sin(x)", math.cos), ("exp(-x)", lambda x: -math.exp(-x)),
                        ("1000 + x**3", lambda x: 3 * x * x)):
        def measured(text=text, right=right):
            x = float(work.rng.uniform(0.5, 2))
            found, error = work.call("measured", text, x, doing=f"measured of {text}")
            return right(x), found, error

        wrong = work.disagreement(measured, 1e-6)
        if wrong:
            raise work.wrong("with_error", "with f(x) = {}, the slope is {:.12g}, but measured(f, "
                                           "x) is {:.12g} ± {:.2g}".format(text, *wrong))


@CHECKS("kinks, and what only looks like one")
def kinks(work):
    h = 2.0 ** -float(work.rng.integers(8, 12))
    a = float(work.rng.uniform(0.5, 2))
    for text, x, right in (
            ("abs(x)", 0.0, True), ("max(x, 0)", 0.0, True), ("x * x + 0.01 * abs(x)", 0.0, True),
            ("-abs(x)", 0.0, True), (f"abs(x - {a!r})", a, True), ("abs(x)", a, False),
            ("abs(x)", -0.6 * h, False), ("x * abs(x)", 0.0, False), ("exp(3 * x)", a, False),
            (f"{a!r} * x + {a!r}", 0.3, False), ("sin(x) / 3 + 1", 0.7, False),
            ("1e-7 * abs(x)", 0.0, False), ("abs(x)**1.45", 0.0, True),
            ("abs(x)**1.6", 0.0, False)):
        found = work.call("kinks", text, x, h, doing=f"has_kink of {text}")
        if found != right:
            told = "more than half of the gap is left" if right else (
                "the gap is noise, or no more than half of it is left")
            raise work.wrong("has_kink", f"with f(x) = {text}, has_kink(f, {x:.4g}, {h:.4g}) is "
                                         f"{found}, but should be {right}: with a quarter of the "
                                         f"step {told}")


@CHECKS("what the rules claim")
def claims(work):
    x, y, u, v, w = (work.rng.uniform(0.5, 2, (2, 3)) for _ in range(5))
    for names, text, f in (("x, y", "x * y + tanh(x)", lambda x, y: x * y + np.tanh(x)),
                           ("x", "x * x", lambda x: x * x),
                           ("x, y", "exp(-y) * y", lambda x, y: np.exp(-y) * y)):
        arrays, directions = ([x, y], [u, v]) if "y" in names else ([x], [u])
        moved = f(*(array + 1e-20j * direction for array, direction in zip(arrays, directions)))
        right = float((np.imag(moved) / 1e-20 * w).sum())
        found = work.call("claimed", names, text, arrays, directions, w, doing=f"claimed of {text}")
        work.same("claimed", f"with f({names}) = {text}, what the rules claim", found, right)


@CHECKS("rules and nudging side by side")
def side_by_side(work):
    def compared():
        drawn = [work.rng.normal(size=(2, 3)) for _ in range(3)]
        x, y = work.rng.uniform(0.5, 2, (2, 3)), work.rng.uniform(0.5, 2, (2, 3))
        return work.call("compared", "x, y", "tanh(x * y) / y", [x, y], drawn, doing="compared")

    wrong = work.disagreement(compared, 1e-6)
    if wrong:
        raise work.wrong("compared", "for tanh(x * y) / y, the rules claim {:.12g}, and measured "
                                     "are {:.12g} ± {:.2g}".format(*wrong))
