"""Checks of step 12."""

from functools import partial

import numpy as np

from course.grading.checks import Checks
from course.grading.gradients import check_rules
from course.grading.work import close

CHECKS = Checks()


def exact(x, axis=-1):
    """The logarithms of the softmax, one power of e after the other."""
    return x - np.logaddexp.reduce(x, axis=axis, keepdims=True)


def total(g):
    """The sum of each row."""
    return g.sum(axis=-1, keepdims=True)


def share(x):
    """The softmax of each row."""
    return np.exp(exact(x))


MISTAKES = {
    "each row has its own sum of g; keep it apart, along the last dimension":
        lambda x, g: g - share(x) * g.sum(),
    "the sum of g runs down the columns; it has to run along the last dimension":
        lambda x, g: g - share(x) * g.sum(axis=0),
    "`out` are the logarithms; the probabilities are e to the power of them":
        lambda x, g: g - exact(x) * total(g),
    "the probabilities multiply the sum of the row's g, not each g":
        lambda x, g: g - share(x) * g,
    "every result of the row sends something, so the row's sum of g is missing":
        lambda x, g: g - share(x),
    "the sum stands alone; it is shared out by the probabilities":
        lambda x, g: g - total(g),
    "the sum is shared out evenly, by their number; it is shared out by the probabilities":
        lambda x, g: g - g.mean(axis=-1, keepdims=True),
    "this subtracts the mean of g, shared out; the sum of g is wanted":
        lambda x, g: g - share(x) * g.mean(axis=-1, keepdims=True),
    "what comes through the logarithm of the sum is subtracted":
        lambda x, g: g + share(x) * total(g),
    "the score's own g is missing": lambda x, g: -share(x) * total(g),
    "the score's own g is missing, and the rest is subtracted": lambda x, g: share(x) * total(g),
    "the sign is flipped": lambda x, g: share(x) * total(g) - g,
    "this is the rule of softmax; with the logarithm it is shorter, g minus the probabilities "
    "times the row's sum of g": lambda x, g: share(x) * (g - total(g * share(x))),
    "the probabilities belong outside of the sum, beside each result; within it is g alone":
        lambda x, g: g - total(share(x) * g),
    "g itself goes on as it came; what comes through the logarithm of the sum is missing":
        lambda x, g: g,
    "the first term is g as it is, without the probabilities":
        lambda x, g: g * share(x) - share(x) * total(g),
    "g is missing; the probabilities alone are subtracted from 1": lambda x, g: 1 - share(x),
    "g multiplies both terms; the second one takes the row's sum of g":
        lambda x, g: g * (1 - share(x) * total(g)),
    "this divides by the probabilities, as the rule of a logarithm does; here it is simpler":
        lambda x, g: g / share(x),
    "the sum of the logarithms is taken; the sum of g is wanted":
        lambda x, g: g - share(x) * total(exact(x)),
    "the probabilities are taken of g; they are those of the scores":
        lambda x, g: g - share(g) * total(g),
    "e to the power of g is taken; the probabilities are e to the power of `out`":
        lambda x, g: g - np.exp(g) * total(exact(x))}

KEEPDIMS = ("ValueError", "broadcast", "keep the dimension of a sum or a maximum, with length 1, "
                                       "by `keepdims=True`")


def value_mistakes(x):
    """What log_softmax gives by common mistakes."""
    largest = x.max(axis=-1, keepdims=True)
    moved = x - largest
    powers = np.exp(moved)
    row, all_rows = powers.sum(axis=-1, keepdims=True), "each row has its own"
    return {
        "these are the shares themselves; take their logarithms": share(x),
        f"the sum runs over all rows; {all_rows}": moved - np.log(powers.sum()),
        f"sum and maximum run over all rows; {all_rows}": x - np.log(np.exp(x).sum()),
        "the sum runs down the columns; it has to run along the last dimension": exact(x, 0),
        "the sum runs down the columns, and the maximum along the rows; both have to run along "
        "the last dimension": moved - np.log(powers.sum(axis=0, keepdims=True)),
        "the maximum runs down the columns; it has to run along the last dimension, and the same "
        "number has to be subtracted everywhere in a row":
            exact(x - x.max(axis=0)),
        "the largest score of each column is subtracted, of the scores and in the sum; the same "
        "number has to be subtracted everywhere in a row":
            x - x.max(axis=0) - np.log(np.exp(x - x.max(axis=0)).sum(axis=0)),
        "the sum is missing its logarithm": moved - row,
        "the sum of the powers of the former scores is missing its logarithm":
            x - np.exp(x).sum(axis=-1, keepdims=True),
        "the largest score was subtracted from the scores, but the sum is of powers of the former "
        "ones": moved - np.log(np.exp(x).sum(-1, keepdims=True)),
        "the largest score was subtracted within the sum only; subtract it from the scores, too":
            x - np.log(row),
        "the largest score is subtracted twice": moved - largest - np.log(row),
        "only the largest score is subtracted; the logarithm of the sum is missing": moved,
        "only the logarithm of the sum is left": -np.log(row) + 0 * x,
        "the logarithm of the sum is added; it is subtracted": moved + np.log(row),
        "the scores are divided by the logarithm of the sum; subtract it": moved / np.log(row),
        "this is the mean of the powers; their sum is wanted":
            moved - np.log(powers.mean(axis=-1, keepdims=True)),
        "this is the logarithm of one power, not of the sum of them": moved - np.log(powers),
        "log and sum are in the wrong order: it is the logarithm of the sum":
            moved - moved.sum(axis=-1, keepdims=True),
        "log and sum are in the wrong order: it is the logarithm of the sum of powers":
            x - x.sum(axis=-1, keepdims=True),
        "1 is added to the sum; log, not log1p, is wanted": moved - np.log1p(row),
        "the logarithm is to base 2": moved - np.log2(row),
        "the powers stand where the scores should, before the logarithm of the sum":
            powers - np.log(row),
        "the sum of each row is subtracted from the wrong elements; keep its dimension, by "
        "`keepdims=True`": moved - np.log(row).reshape(row.shape[:-1]) if x.ndim > 1 and (
            x.shape[-1] == x.shape[-2]) else None,
        "the sign is flipped": -exact(x)}


@CHECKS("the logarithms of the softmax", KEEPDIMS)
def values(work):
    for shape in ((4,), (2, 3), (3, 3), (2, 3, 4)):
        x = work.random(*shape)
        found = work.call("value_of", "log_softmax(x)", {"x": x},
                          doing=f"log_softmax of scores of shape {shape}")
        work.same("log_softmax", f"log_softmax of scores of shape {shape}", found, exact(x),
                  likely=partial(value_mistakes, x))


@CHECKS("large scores, and very different ones")
def large(work):
    x = np.array([[1000.0, 1001.0, 999.0], [-1000.0, -1000.0, -1001.0], [0.0, 900.0, -900.0]])
    found = work.call("value_of", "log_softmax(x)", {"x": x}, doing="log_softmax")
    of_each = "subtract the largest score of each row first"
    with np.errstate(all="ignore"):
        wrong = {
            f"e¹⁰⁰⁰ is too large for a float; {of_each}":
                x - np.log(np.exp(x).sum(axis=-1, keepdims=True)),
            f"a power of e¹⁰⁰⁰ by a sum of such is no number; {of_each}, and take the difference "
            "of logarithms": np.log(np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)),
            "a share of e⁻¹⁸⁰⁰ is 0 for a float, and its logarithm infinite; do not divide, "
            "subtract logarithms": np.log(share(x)),
            **{f"what is subtracted first is {what}, which leaves powers of e that are too large "
               f"or all 0; {of_each}": x - first - np.log(np.exp(x - first).sum(-1, keepdims=True))
               for what, first in (
                   ("the mean", x.mean(axis=-1, keepdims=True)),
                   ("the smallest score", x.min(axis=-1, keepdims=True)),
                   ("the largest size", np.abs(x).max(axis=-1, keepdims=True)),
                   ("the sum", x.sum(axis=-1, keepdims=True)),
                   ("the largest score of all rows", x.max()),
                   ("the largest score of each column", x.max(axis=0)))}}
        try:
            if not np.isfinite(np.asarray(found, float)).all():
                wrong["a power of e was too large, or the logarithm of 0 was taken; " + of_each +
                      ", and nothing else, and do not divide"] = found
        except (TypeError, ValueError):
            pass
    work.same("log_softmax", f"log_softmax({x.astype(int).tolist()})", found, exact(x),
              likely=wrong)


@CHECKS("the rule of log_softmax", KEEPDIMS)
def rule(work):
    for shape in ((4,), (2, 3), (3, 3), (2, 3, 4)):
        check_rules(work, "log_softmax(x)", {"x": work.random(*shape)}, where="log_softmax_rule",
                    reference=exact, likely=MISTAKES)


def loss_mistakes(x, labels):
    """Values of cross-entropy by common mistakes."""
    n, classes = x.shape
    logs, rows = exact(x), np.arange(n)
    each = -logs[rows, labels]
    return {
        "this is the sum; divide it by the number of rows": each.sum(),
        "these are the losses of all rows; their mean is one number": each,
        "the sign is flipped": -each.mean(),
        "these are the scores of the right labels; take them of log_softmax":
            -x[rows, labels].mean(),
        "this is the mean over all scores; of each row only the right label counts": -logs.mean(),
        "this is the sum over all scores; of each row only the right label counts": -logs.sum(),
        "the right elements are summed, but divided by the number of all scores; divide by that "
        "of the rows": each.sum() / x.size,
        "the right elements are summed, but divided by the number of classes; divide by that of "
        "the rows": each.sum() / classes,
        "x[:, labels] takes every label of every row; an index of two arrays takes one":
            -logs[:, labels].mean(),
        "x[labels] takes whole rows, by the numbers of the labels; an index of two arrays takes "
        "one element of each row": -logs[labels % n].mean(),
        "x[0, labels] takes all elements from the first row; each row has its own label":
            -logs[0, labels].mean(),
        "the first label is taken for all rows": -logs[:, labels[0]].mean(),
        "the highest score of each row is taken; take that of its label": -logs.max(1).mean(),
        "softmax is applied twice: log_softmax takes the scores, not their shares":
            -exact(share(x))[rows, labels].mean(),
        "these are the shares themselves; take their logarithms": share(x)[rows, labels].mean(),
        "these are the shares themselves, not −ln of them": -share(x)[rows, labels].mean(),
        "the mean is taken before the logarithm; take the mean of the logarithms":
            -np.log(share(x)[rows, labels].mean()),
        "this is how far each share is from 1; take −ln of the share":
            (1 - share(x)[rows, labels]).mean(),
        "softmax runs down the columns; scores of one row belong together":
            -exact(x, 0)[rows, labels].mean(),
        "these are logarithms to base 2": each.mean() / np.log(2),
        "the labels are counted one too high": -logs[rows, labels - 1].mean(),
        "the labels are counted one too low": -logs[rows, (labels + 1) % classes].mean()}


@CHECKS("cross-entropy, and what it tells each score",
        ("IndexError", "out of bounds", "the first index says the row, `np.arange(len(labels))`, "
                                        "the second one the label"),
        ("IndexError", "shape mismatch", "an index of two arrays takes pairs, so both have one "
                                         "number for each row"),
        ("TypeError", "does not support ufuncs", "NumPy's functions take no Tensors; here the "
                                                 "engine's own operations are wanted"),
        ("AttributeError", "'numpy.ndarray' object", "it has become a plain array, so nothing "
                                                     "remembers what it was made from; do not take "
                                                     "`data`"))
def cross_entropies(work):
    for n, classes in ((5, 3), (1, 4), (3, 3)):
        x, first = work.random(n, classes), work.rng.integers(classes)
        labels = work.rng.permutation((first + np.arange(n)) % classes)
        found = work.call("value_of", "cross_entropy(x, t)", {"x": x}, {"t": labels},
                          doing="cross_entropy")
        right = -exact(x)[np.arange(n), labels].mean()
        likely = loss_mistakes(x, labels)
        if found is not None and np.size(found) == 1 and not close(found, found):
            likely["the logarithm of a negative number is none; log_softmax is a logarithm "
                   "already"] = found
        work.same("cross_entropy", f"cross_entropy of {n} rows of {classes} scores, labels "
                  f"{labels.tolist()},", found, right, likely=likely)
        check_rules(work, "cross_entropy(x, t)", {"x": x}, constants={"t": labels},
                    where="cross_entropy", reference=lambda x, n=n, labels=labels:
                    -exact(x)[np.arange(n), labels].mean())
    found = work.call("pulled", "cross_entropy(x, t)", {"x": np.array([[0.0, 1000, 0], [9, 9, 9]])},
                      1.0, {"t": np.array([0, 2])}, doing="cross_entropy backwards")
    work.same("cross_entropy", "what the scores [[0, 1000, 0], [9, 9, 9]] are told where the "
              "labels are 0 and 2", found[0], np.array([[-1, 1, 0], [1 / 3, 1 / 3, -2 / 3]]) / 2)
