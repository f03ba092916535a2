"""Checks of step 8."""

import numpy as np

from course.grading.checks import Checks
from course.grading.gradients import check_rules

CHECKS = Checks()


def numbers(work, *shape):
    return work.rng.uniform(0.4, 2, shape) * work.rng.choice([-1.0, 1.0], shape)


def checked(work, where, shape, cases):
    """Check formulas of x, each given with the same in NumPy."""
    for text, reference in cases:
        check_rules(work, text, {"x": numbers(work, *shape)}, where=where, reference=reference)


@CHECKS("sums of everything, and along a dimension")
def sums(work):
    checked(work, "sum_over", (3, 2, 4), [
        ("x.sum()", np.sum),
        ("x.sum(0)", lambda x: x.sum(0)),
        ("x.sum(1)", lambda x: x.sum(1)),
        ("x.sum(-1)", lambda x: x.sum(-1)),
        ("x.sum(1, keepdim=True)", lambda x: x.sum(1, keepdims=True)),
        ("x.sum(keepdim=True)", lambda x: x.sum(keepdims=True)),
        ("x.sum(2, True) * x", lambda x: x.sum(2, keepdims=True) * x)])
    checked(work, "sum_over", (3, 3), [("x.sum(0) * x", lambda x: x.sum(0) * x),
                                       ("x.sum(1) * x", lambda x: x.sum(1) * x)])


@CHECKS("means")
def means(work):
    x = numbers(work, 3, 2, 4)
    for dim in (0, 2):
        found = work.call("value_of", f"x.mean({dim})", {"x": x}, doing=f"x.mean({dim})")
        likely = {"this is divided by the number of all elements; count those that were added up":
                  x.sum(dim) / x.size,
                  "this is the sum; divide it by how many were added up": x.sum(dim)}
        work.same("Tensor.mean", f"for x of shape (3, 2, 4) x.mean({dim})", found, x.mean(dim),
                  likely=likely)
    checked(work, "Tensor.mean", (3, 2, 4), [
        ("x.mean()", np.mean),
        ("x.mean(0)", lambda x: x.mean(0)),
        ("x.mean(2)", lambda x: x.mean(2)),
        ("(x - x.mean(1, keepdim=True)) ** 2", lambda x: (x - x.mean(1, keepdims=True)) ** 2)])


@CHECKS("another shape, and another order of dimensions")
def shapes(work):
    checked(work, "reshape", (2, 3, 4), [
        ("x.reshape(4, 6)", lambda x: x.reshape(4, 6)),
        ("x.reshape(24) * 2", lambda x: x.reshape(24) * 2),
        ("x.reshape(-1, 8)", lambda x: x.reshape(-1, 8))])
    checked(work, "permute", (2, 3, 4), [
        ("x.permute(1, 2, 0)", lambda x: x.transpose(1, 2, 0)),
        ("x.permute(2, 0, 1)", lambda x: x.transpose(2, 0, 1)),
        ("x.permute(0, 2, 1)", lambda x: x.transpose(0, 2, 1)),
        ("x.permute(-1, 0, 1)", lambda x: x.transpose(-1, 0, 1))])


@CHECKS("elements, rows and slices")
def slices(work):
    checked(work, "take", (4, 3), [
        ("x[1]", lambda x: x[1]),
        ("x[1, 2]", lambda x: x[1, 2]),
        ("x[:, 1:]", lambda x: x[:, 1:]),
        ("x[::2, ::-1]", lambda x: x[::2, ::-1]),
        ("x[0] * x[-1] + x[0]", lambda x: x[0] * x[-1] + x[0])])


@CHECKS("elements that are taken more than once")
def repeated(work):
    checked(work, "take", (4, 3), [
        ("x[[0, 2, 2, 0, 0]]", lambda x: x[[0, 2, 2, 0, 0]]),
        ("x[[1, 1, 3], [0, 0, 2]]", lambda x: x[[1, 1, 3], [0, 0, 2]])])
