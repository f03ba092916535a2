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
CHAINS = (["exponential", "inverse", "sine", "square", "exponential"],
          ["square", "inverse", "exponential", "halve"], ["halve", "exponential", "sine"],
          ["square", "sine"], ["sine", "square"], ["inverse"], ["square"])


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
    found = work.call("inverse_slope_of", x, doing="inverse_slope")
    work.same("inverse_slope", f"inverse_slope({x:.4g})", found, -1 / x**2, rtol=1e-5, likely={
        "the sign is flipped: x⁻¹ has the slope −1·x⁻², since it falls everywhere": 1 / x**2,
        "this is 1/x itself, not its slope": 1 / x,
        "this is −1/x; the exponent −1 goes down by one, to −2": -1 / x,
        "the exponent goes up here; it goes down by one, from −1 to −2": -1.0,
        "this is the logarithm of x: its slope is 1/x, and the slope of 1/x is asked for":
            math.log(abs(x)),
        "this is −ln x; the logarithm comes from going the other way, from a slope to its function":
            -math.log(abs(x)),
        "x² belongs below the line: −1/x²": -x * x,
        "x² belongs below the line, with a minus: −1/x²": x * x,
        "this is the slope of 1/x²": -2 / x**3,
        "this is the slope of −1/x²": 2 / x**3,
        "−1 divided by 2x is not −1/x²: the exponent is −2, so x is squared": -1 / (2 * x),
        "the exponent −2 is no factor": -2 / x**2,
        "x is cubed here; the exponent −1 goes down by one, to −2": -1 / x**3})
    judged(work, "inverse_slope", lambda x: 1 / x, lambda x: work.call(
        "inverse_slope_of", x, doing="inverse_slope"), x)


def likely_values(names, x, right):
    by_slopes = [x]
    for name in names:
        by_slopes.append(LINKS[name][1](by_slopes[-1]))
    return {
        "every link is applied to x, instead of to the value before it":
            [x, *(LINKS[name][0](x) for name in names)],
        "x itself is the first value": right[1:],
        "the value after the last link belongs to it": right[:-1],
        "nothing is added to `values`": [x],
        "the link is not applied; add what its function makes of the last value":
            [x] * len(right),
        "the last value is overwritten; append the new one to the list": right[-1:],
        "this goes on with the slope of each link; take its function, the first of the pair":
            by_slopes,
        "each value is added twice": [x, *np.repeat(right[1:], 2)],
        "the values are added up; each stands for itself": list(np.cumsum(right)),
        "only the first link is there: is `return` within the loop?": right[:2],
        "the newest value stands first here; append it at the end": right[::-1]}


@CHECKS("the values along a chain",
        ("TypeError", "object is not iterable", "`+=` of a list takes another list; `append` adds "
         "one value"),
        ("TypeError", "'list'", "the function of a link takes one number, the last of the list: "
         "`values[-1]`"),
        ("TypeError", "must be real number, not list", "the function of a link takes one number, "
         "the last of the list: `values[-1]`"),
        ("IndexError", "", "the last value of a list is `values[-1]`"))
def values(work):
    for names in (*CHAINS, []):
        x = float(work.rng.uniform(0.5, 1.5))
        right = values_along(names, x)
        found = work.call("values_of", names, x, doing="values_along")
        work.same("values_along", f"values_along([{', '.join(names)}], {x:.4g})", found, right,
                  likely=likely_values(names, x, right))


def likely_slopes(names, x, values, local):
    def product_at(points):
        return math.prod(slopes_along(names, points))

    back = 1.0
    for name in reversed(names):
        back *= LINKS[name][1](back)
    return {
        "a link's slope is taken at the value after the link; take it at the value before":
            product_at(values[1:]),
        "every slope is taken at x; take it at the value that this link took, `values[place]`":
            product_at([x] * len(names)),
        "every slope is taken at the end; take it at the value that this link took":
            product_at(values[-1:] * len(names)),
        "the slopes are taken at the values in reverse order": product_at(values[-2::-1]),
        "the slopes are taken at the values from the end": product_at(values[:0:-1]),
        "a link's slope is taken at g; take it at the value that the link took": back,
        "the slopes are added; a chain multiplies them": 1 + sum(local),
        "the slopes are added; a chain multiplies them all": sum(local),
        "the slopes are subtracted; a chain multiplies them": 1 - sum(local),
        "only one link counts; multiply g with each link's slope": local[0] if local else np.nan,
        "only the last link counts: is `return` within the loop?": local[-1] if local else np.nan,
        "the slopes divide; a chain multiplies them": 1 / math.prod(local),
        "g stays as it is; multiply it with each link's slope": 1.0,
        "g is multiplied with the values; multiply it with the slopes": math.prod(values[:-1]),
        "g is multiplied with the values that the links made; multiply it with the slopes":
            math.prod(values[1:]),
        "g is multiplied with each value as well; the slope alone is the factor":
            math.prod(local) * math.prod(values[:-1]),
        "the sign is flipped": -math.prod(local)}


@CHECKS("the slope of a chain",
        ("TypeError", "'list'", "the slope of a link takes one number, the value that this link "
         "took: `values[place]`"),
        ("TypeError", "must be real number, not list", "the slope of a link takes one number, the "
         "value that this link took: `values[place]`"))
def slope(work):
    for names in (*CHAINS, []):
        x = float(work.rng.uniform(0.5, 1.5))
        values = values_along(names, x)
        local = slopes_along(names, values)
        found = work.call("slope_of", names, x, doing="chain_slope")
        work.same("chain_slope", f"chain_slope([{', '.join(names)}], {x:.4g})", found,
                  math.prod(local), rtol=1e-8, likely=likely_slopes(names, x, values, local))
