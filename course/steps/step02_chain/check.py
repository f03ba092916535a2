"""Checks of step 2."""

import math

import numpy as np

from course.grading.checks import Checks
from course.grading.gradients import judged

CHECKS = Checks()

# The links, with slopes of their own: the reader's are checked by themselves.
LINKS = {"square": (lambda x: x * x, lambda x: 2 * x), "halve": (lambda x: x / 2, lambda x: 0.5),
         "exponential": (math.exp, math.exp), "sine": (math.sin, math.cos),
         "inverse": (lambda x: 1 / x, lambda x: -1 / x**2)}
CHAINS = (["square"], ["inverse"], ["sine", "square"], ["square", "sine"],
          ["halve", "exponential", "sine"], ["square", "inverse", "exponential", "halve"],
          ["exponential", "inverse", "sine", "square", "exponential"])


def values_along(names, x):
    values = [x]
    for name in names:
        values.append(LINKS[name][0](values[-1]))
    return values


def slopes_along(names, points):
    return [LINKS[name][1](point) for name, point in zip(names, points)]


@CHECKS("the slope of 1 / x")
def inverse(work):
    x = float(work.rng.uniform(0.5, 2) * work.rng.choice([-1, 1]))
    judged(work, "inverse_slope", lambda x: 1 / x, lambda x: work.call(
        "inverse_slope_of", x, doing="inverse_slope"), x)


@CHECKS("the values along a chain")
def values(work):
    for names in (*CHAINS, []):
        x = float(work.rng.uniform(0.5, 1.5))
        right = values_along(names, x)
        found = work.call("values_of", names, x, doing="values_along")
        work.same("values_along", f"values_along([{', '.join(names)}], {x:.4g})", found, right,
                  likely={
                      "every link is applied to x, instead of to the value before it":
                          [x, *(LINKS[name][0](x) for name in names)],
                      "x itself is the first value": right[1:],
                      "the value after the last link belongs to it": right[:-1]})


@CHECKS("the slope of a chain")
def slope(work):
    for names in (*CHAINS, []):
        x = float(work.rng.uniform(0.5, 1.5))
        values = values_along(names, x)
        local = slopes_along(names, values)
        after = [LINKS[name][1](value) for name, value in zip(names, values[1:])]
        found = work.call("slope_of", names, x, doing="chain_slope")
        work.same("chain_slope", f"chain_slope([{', '.join(names)}], {x:.4g})", found,
                  math.prod(local), rtol=1e-8, likely={
                      "a link's slope is taken at the value after the link; take it at the value "
                      "before": math.prod(after),
                      "every slope is taken at x": math.prod(slopes_along(names, [x] * len(names))),
                      "the slopes are added; a chain multiplies them": 1 + sum(local),
                      "only one link counts; multiply g with each link's slope":
                          local[0] if local else np.nan,
                      "the slopes divide; a chain multiplies them": 1 / math.prod(local)})
