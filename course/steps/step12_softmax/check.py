"""Checks of step 12."""

import numpy as np

from course.grading.checks import Checks
from course.grading.gradients import check_rules

CHECKS = Checks()


def numbers(work, *shape):
    """Elements between 0.4 and 2 in size, of both signs."""
    return work.rng.uniform(0.4, 2, shape) * work.rng.choice([-1.0, 1.0], shape)


def exact(x, axis=-1):
    """The logarithms of the softmax, one power of e after the other."""
    return x - np.logaddexp.reduce(x, axis=axis, keepdims=True)


def total(g):
    """The sum of each row."""
    return g.sum(axis=-1, keepdims=True)


MISTAKES = {
    "each row has its own sum of g; keep it apart, along the last dimension":
        lambda x, g: g - np.exp(exact(x)) * g.sum(),
    "`out` are the logarithms; the probabilities are e to the power of them":
        lambda x, g: g - exact(x) * total(g),
    "the probabilities multiply the sum of the row's g, not each g":
        lambda x, g: g - np.exp(exact(x)) * g,
    "every result of the row sends something, so the row's sum of g is missing":
        lambda x, g: g - np.exp(exact(x)),
    "the sum stands alone; it is shared out by the probabilities":
        lambda x, g: g - total(g),
    "what comes through the logarithm of the sum is subtracted":
        lambda x, g: g + np.exp(exact(x)) * total(g),
    "the score's own g is missing": lambda x, g: -np.exp(exact(x)) * total(g)}


@CHECKS("the logarithms of the softmax")
def values(work):
    for shape in ((4,), (2, 3), (3, 3), (2, 3, 4)):
        x = numbers(work, *shape)
        found = work.call("value_of", "log_softmax(x)", {"x": x},
                          doing=f"log_softmax of scores of shape {shape}")
        largest = x.max(axis=-1, keepdims=True)
        work.same("log_softmax", f"log_softmax of scores of shape {shape}", found, exact(x),
                  likely={
                      "these are the shares themselves; take their logarithms": np.exp(exact(x)),
                      "the sum runs over all rows; each row has its own": x - np.log(
                          np.exp(x).sum()),
                      "the sum runs down the columns; it has to run along the last dimension":
                          exact(x, 0),
                      "the sum is missing its logarithm": x - largest - np.exp(x - largest).sum(
                          axis=-1, keepdims=True),
                      "the largest score was subtracted from the scores, but the sum is of powers "
                      "of the former ones": x - largest - np.log(np.exp(x).sum(-1, keepdims=True)),
                      "the sign is flipped": -exact(x)})


@CHECKS("large scores, and very different ones")
def large(work):
    x = np.array([[1000.0, 1001.0, 999.0], [-1000.0, -1000.0, -1001.0], [0.0, 900.0, -900.0]])
    found = work.call("value_of", "log_softmax(x)", {"x": x}, doing="log_softmax")
    with np.errstate(all="ignore"):
        simple = x - np.log(np.exp(x).sum(axis=-1, keepdims=True))
        divided = np.log(np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True))
        late = np.log(np.exp(exact(x)))
    work.same("log_softmax", f"log_softmax({x.astype(int).tolist()})", found, exact(x), likely={
        "e¹⁰⁰⁰ is too large for a float; subtract the largest score of each row first":
            simple,
        "a power of e¹⁰⁰⁰ by a sum of such is no number; subtract the largest score of each row "
        "first, and take the difference of logarithms": divided,
        "a share of e⁻¹⁸⁰⁰ is 0 for a float, and its logarithm infinite; do not divide, subtract "
        "logarithms": late})


@CHECKS("the rule of log_softmax")
def rule(work):
    for shape in ((4,), (2, 3), (3, 3), (2, 3, 4)):
        check_rules(work, "log_softmax(x)", {"x": numbers(work, *shape)}, where="log_softmax_rule",
                    reference=exact, likely=MISTAKES)


@CHECKS("cross-entropy, and what it tells each score")
def cross_entropies(work):
    for n, classes in ((5, 3), (1, 4), (3, 3)):
        x, labels = numbers(work, n, classes), work.rng.integers(0, classes, n)
        found = work.call("value_of", "cross_entropy(x, t)", {"x": x}, {"t": labels},
                          doing="cross_entropy")
        right = -exact(x)[np.arange(n), labels]
        work.same("cross_entropy", f"cross_entropy of {n} rows of {classes} scores, labels "
                  f"{labels.tolist()},", found, right.mean(), likely={
                      "this is the sum; divide it by the number of rows": right.sum(),
                      "these are the losses of all rows; their mean is one number": right,
                      "the sign is flipped": -right.mean(),
                      "these are the scores of the right labels; take them of log_softmax":
                          -x[np.arange(n), labels].mean(),
                      "this is the mean over all scores; of each row only the right label counts":
                          -exact(x).mean(),
                      "x[:, labels] takes every label of every row; an index of two arrays takes "
                      "one": -exact(x)[:, labels].mean()})
        check_rules(work, "cross_entropy(x, t)", {"x": x}, constants={"t": labels},
                    where="cross_entropy", reference=lambda x, n=n, labels=labels:
                    -exact(x)[np.arange(n), labels].mean())
    found = work.call("pulled", "cross_entropy(x, t)", {"x": np.array([[0.0, 1000, 0], [9, 9, 9]])},
                      1.0, {"t": np.array([0, 2])}, doing="cross_entropy backwards")
    work.same("cross_entropy", "what the scores [[0, 1000, 0], [9, 9, 9]] are told where the "
              "labels are 0 and 2", found[0], np.array([[-1, 1, 0], [1 / 3, 1 / 3, -2 / 3]]) / 2)
