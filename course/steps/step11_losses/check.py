"""Checks of step 11."""

import numpy as np

from course.grading.checks import Checks
from course.grading.gradients import check_rules

CHECKS = Checks()


def numbers(work, *shape):
    """Elements between 0.4 and 2 in size, of both signs."""
    return work.rng.uniform(0.4, 2, shape) * work.rng.choice([-1.0, 1.0], shape)


def exact(x):
    """ln(1 + eˣ), by NumPy."""
    return np.logaddexp(0, x)


@CHECKS("the squared error, and what it tells each output")
def squares(work):
    for shape in ((3,), (2, 3)):
        x, t = numbers(work, *shape), numbers(work, *shape)
        far = (x - t) ** 2
        found = work.call("value_of", "squared_error(x, t)", {"x": x}, {"t": t},
                          doing="squared_error")
        work.same("squared_error", f"squared_error of outputs and targets of shape {shape}", found,
                  far.mean(), likely={
                      "this is the sum; divide it by how many there are": far.sum(),
                      "this is half of it": far.mean() / 2,
                      "these are the squares; their mean is one number": far,
                      "the differences are not squared": (x - t).mean(),
                      "these are sizes; take squares": np.abs(x - t).mean()})
        check_rules(work, "squared_error(x, t)", {"x": x}, constants={"t": t},
                    where="squared_error", reference=lambda x, t=t: ((x - t) ** 2).mean())


@CHECKS("softplus, also where a power of e would be too large")
def of_softplus(work):
    x = np.array([-800.0, -40.0, -1.5, 0.0, 0.7, 40.0, 800.0])
    found = work.call("value_of", "softplus(x)", {"x": x}, doing="softplus")
    with np.errstate(over="ignore"):
        simple, other = np.log(1 + np.exp(x)), x + np.log1p(np.exp(-x))
    work.same("softplus", "softplus([-800, -40, -1.5, 0, 0.7, 40, 800])", found, exact(x),
              rtol=1e-12, atol=0, likely={
                  "e⁸⁰⁰ is too large for a float": np.log1p(np.exp(np.minimum(x, 700))) + simple,
                  "for large x the power of e is too large; take the other form there": simple,
                  "for very negative x the power of e is too large; take the other form there":
                      other,
                  "1 + e⁻⁴⁰ is 1 for a float; np.log1p(u) is ln(1 + u) for such small u, too":
                      np.maximum(x, 0) + np.log(1 + np.exp(-np.abs(x)))})


@CHECKS("the rule of softplus")
def rule_of_softplus(work):
    check_rules(work, "softplus(x)", {"x": numbers(work, 2, 3)}, where="softplus_rule",
                reference=exact)
    x = np.array([-800.0, -30.0, 0.0, 30.0, 800.0])
    g = numbers(work, 5)
    found = work.call("pulled", "softplus(x)", {"x": x}, g, doing="the backward pass of softplus")
    right = g * np.exp(x - exact(x))
    work.same("softplus_rule", "the gradient of softplus at [-800, -30, 0, 30, 800], upstream "
              f"{np.round(g, 3).tolist()},", found[0], right, likely={
                  "e⁸⁰⁰ is too large for a float; make the formula shorter, so that no power of e "
                  "grows beyond 1": np.where(x == 800, np.nan, right)})


@CHECKS("binary cross-entropy, and what it tells each score")
def cross_entropies(work):
    for shape in ((5,), (4, 1)):
        x, t = numbers(work, *shape) * 2, work.rng.permutation([0.0, 1.0, 1.0, 0.0, 1.0])
        t = t[:len(x)].reshape(shape)
        found = work.call("value_of", "binary_cross_entropy(x, t)", {"x": x}, {"t": t},
                          doing="binary_cross_entropy")
        each = exact(x) - x * t
        work.same("binary_cross_entropy", f"binary_cross_entropy for scores {x.ravel().round(3)} "
                  f"and targets {t.ravel()}", found, each.mean(), likely={
                      "this is the sum; divide it by how many there are": each.sum(),
                      "each target is taken for the other": (exact(x) - x * (1 - t)).mean(),
                      "these are the losses of all; their mean is one number": each,
                      "the sign is flipped": -each.mean(),
                      "the targets are missing": exact(x).mean()})
        check_rules(work, "binary_cross_entropy(x, t)", {"x": x}, constants={"t": t},
                    where="binary_cross_entropy",
                    reference=lambda x, t=t: (exact(x) - x * t).mean())
    found = work.call("pulled", "binary_cross_entropy(x, t)", {"x": np.array([0.0, -900, 900])},
                      1.0, {"t": np.array([1.0, 1, 1])}, doing="binary_cross_entropy backwards")
    work.same("binary_cross_entropy", "what the scores [0, -900, 900] are told where all targets "
              "are 1", found[0], np.array([-0.5, -1, 0]) / 3)
