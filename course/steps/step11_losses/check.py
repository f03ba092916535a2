"""Checks of step 11."""

import numpy as np

from course.grading.checks import Checks
from course.grading.gradients import check_rules

CHECKS = Checks()


def exact(x):
    """ln(1 + eˣ), by NumPy."""
    return np.logaddexp(0, x)


def sigmoid(x):
    """1 / (1 + e⁻ˣ)"""
    return np.exp(x - exact(x))


ON_ARRAYS = ("TypeError", "does not support ufuncs",
             "NumPy's functions take no Tensors; here the engine's own operations are wanted")
NO_ARRAY = ("AttributeError", "'numpy.ndarray' object",
            "it has become a plain array, so nothing remembers what it was made from; do not take "
            "`data`")


@CHECKS("the squared error, and what it tells each output", ON_ARRAYS, NO_ARRAY)
def squares(work):
    for shape in ((3,), (2, 3)):
        x, t = work.random(*shape), work.random(*shape)
        far = x - t
        found = work.call("value_of", "squared_error(x, t)", {"x": x}, {"t": t},
                          doing="squared_error")
        work.same("squared_error", f"squared_error of outputs and targets of shape {shape}", found,
                  (far ** 2).mean(), likely={
                      "this is the sum; divide it by how many there are": (far ** 2).sum(),
                      "this is half of it": (far ** 2).mean() / 2,
                      "this is half of the sum": (far ** 2).sum() / 2,
                      "these are the squares; their mean is one number": far ** 2,
                      "the differences are not squared": far.mean(),
                      "these are sizes; take squares": np.abs(far).mean(),
                      "this is the square of the mean; first the squares, then the mean":
                          far.mean() ** 2,
                      "this is the square of the sum; square each difference first":
                          far.sum() ** 2,
                      "this is the root of the mean; take no root": np.sqrt((far ** 2).mean()),
                      "no root is taken, and the mean is wanted": np.sqrt((far ** 2).sum()),
                      "outputs and targets are added here; take their difference":
                          ((x + t) ** 2).mean(),
                      "the squares are subtracted here; square the difference":
                          (x ** 2 - t ** 2).mean(),
                      "outputs and targets are multiplied here; take their difference":
                          (x * t).mean(),
                      "the targets are missing": (x ** 2).mean(),
                      "the sign is flipped": -(far ** 2).mean(),
                      "the sum is divided by the number of rows, not of all elements":
                          (far ** 2).sum() / len(x),
                      "the mean runs along one dimension only; the loss is one number":
                          (far ** 2).mean(axis=0)})
        check_rules(work, "squared_error(x, t)", {"x": x}, constants={"t": t},
                    where="squared_error", reference=lambda x, t=t: ((x - t) ** 2).mean())


def softplus_mistakes(x):
    """What softplus gives by common mistakes: of its two parts, one is wrong, or missing."""
    corner, tail = np.maximum(x, 0), np.log1p(np.exp(-np.abs(x)))
    small = "the exponent has to be at most 0: np.exp(-np.abs(x))"
    first = {
        "this adds the smaller of x and 0; for large x the result is nearly x": np.minimum(x, 0),
        "x is added where it is negative, too; there the result is nearly 0": x,
        "|x| is added; for a negative x nothing is": np.abs(x),
        "only the logarithm is left; for large x the result is nearly x": 0 * x,
        "the larger of −x and 0 is added: this is softplus of −x": np.maximum(-x, 0)}
    second = {
        "for large x the power of e is too large; " + small: np.log1p(np.exp(x)),
        "for very negative x the power of e is too large; " + small: np.log1p(np.exp(-x)),
        "the power of e is too large; " + small: np.log1p(np.exp(np.abs(x))),
        "1 + e⁻⁴⁰ is 1 for a float; np.log1p(u) is ln(1 + u) for such small u, too":
            np.log(1 + np.exp(-np.abs(x))),
        "log1p adds a 1 itself; here one is added twice": np.log1p(1 + np.exp(-np.abs(x))),
        "the logarithm is missing": np.exp(-np.abs(x)),
        "1 plus the power is there, its logarithm is missing": 1 + np.exp(-np.abs(x)),
        "the 1 within the logarithm is missing": -np.abs(x),
        "this is a logarithm to base 2": tail / np.log(2),
        "this rounds no corner: the logarithm is missing": 0 * x,
        "the logarithm is subtracted; it is added": -tail}
    return {**{sentence: part + tail for sentence, part in first.items()},
            **{sentence: corner + part for sentence, part in second.items()}}


@CHECKS("softplus, also where a power of e would be too large")
def of_softplus(work):
    x = np.array([-800.0, -40.0, -1.5, 0.0, 0.7, 40.0, 800.0])
    found = work.call("value_of", "softplus(x)", {"x": x}, doing="softplus")
    with np.errstate(all="ignore"):
        simple, other = np.log(1 + np.exp(x)), x + np.log1p(np.exp(-x))
        likely = {
            "for large x the power of e is too large; take the other form there": simple,
            "for large x e to the power of it is too large; take the other form there":
                np.log1p(np.exp(x)),
            "for very negative x the power of e is too large; take the other form there": other,
            "for very negative x the power of e is too large, and log1p(u) is better than "
            "log(1 + u)": x + np.log(1 + np.exp(-x)),
            "this is the sigmoid, which is the slope of softplus": np.exp(x - exact(x)),
            "the sign is flipped": -exact(x), **softplus_mistakes(x)}
    work.same("softplus", "softplus([-800, -40, -1.5, 0, 0.7, 40, 800])", found, exact(x),
              rtol=1e-12, atol=0, likely=likely)
    if work.call("overflowing", x, False, doing="softplus"):
        overflows(work, "softplus")


def overflows(work, where):
    """A power of e overflows, even if its value is thrown away afterwards."""
    raise work.wrong(where, "the results are right, but on the way a power of e overflows, and "
                            "NumPy warns (`np.where` computes both of its sides); no exponent may "
                            "be above 0")


RULE_MISTAKES = {
    "this is the slope of the sigmoid; the slope of softplus is the sigmoid itself":
        lambda x, g: g * sigmoid(x) * (1 - sigmoid(x)),
    "this is the sigmoid of −x": lambda x, g: g * sigmoid(-x),
    "the exponent is turned round; it is x minus out": lambda x, g: g / sigmoid(x),
    "this is e to the power of x alone; it has to be divided by 1 + eˣ":
        lambda x, g: g * np.exp(x),
    "this is e to the power of out alone": lambda x, g: g * np.exp(exact(x)),
    "this is 1 / eˣ": lambda x, g: g * np.exp(-x),
    "the difference of x and out is the exponent; the power of e is missing":
        lambda x, g: g * (x - exact(x)),
    "this multiplies by softplus itself; its slope is wanted": lambda x, g: g * exact(x),
    "softplus was applied to g; its slope at x is wanted, times g": lambda x, g: exact(g),
    "g is missing": lambda x, g: sigmoid(x),
    "the slope is added to g; it multiplies g": lambda x, g: g + sigmoid(x),
    "g is divided by the slope's fraction turned round": lambda x, g: g * (1 + np.exp(x)),
    "the link of eˣ is missing": lambda x, g: g / (1 + np.exp(x)),
    "the slope of softplus is the sigmoid, not its logarithm":
        lambda x, g: g * np.log(sigmoid(x)),
    "g goes on as it came; it has to be multiplied by the slope": lambda x, g: g,
    "this is the slope of max(x, 0); the corner of softplus is rounded":
        lambda x, g: g * (x > 0),
    "this is the slope of tanh": lambda x, g: g * (1 - np.tanh(x) ** 2),
    "the sign is flipped": lambda x, g: -g * sigmoid(x)}


@CHECKS("the rule of softplus")
def rule_of_softplus(work):
    check_rules(work, "softplus(x)", {"x": work.random(2, 3)}, where="softplus_rule",
                reference=exact, likely=RULE_MISTAKES)
    x = np.array([-800.0, -30.0, 0.0, 30.0, 800.0])
    g = work.random(5)
    found = work.call("pulled", "softplus(x)", {"x": x}, g, doing="the backward pass of softplus")
    right = g * np.exp(x - exact(x))
    work.same("softplus_rule", "the gradient of softplus at [-800, -30, 0, 30, 800], upstream "
              f"{np.round(g, 3).tolist()},", found[0], right, likely=unless_finite(
                  found[0], "e⁸⁰⁰ is too large for a float; make the formula shorter, so that no "
                            "power of e grows beyond 1"))
    if work.call("overflowing", x, True, doing="the backward pass of softplus"):
        overflows(work, "softplus_rule")


def unless_finite(found, sentence):
    """The sentence for a result that has infinite elements, or such that are no numbers."""
    try:
        return {} if np.isfinite(np.asarray(found, float)).all() else {sentence: found}
    except (TypeError, ValueError):
        return {}


@CHECKS("binary cross-entropy, and what it tells each score", ON_ARRAYS, NO_ARRAY)
def cross_entropies(work):
    for shape in ((5,), (4, 1)):
        x, t = work.random(*shape) * 2, work.rng.permutation([0.0, 1.0, 1.0, 0.0, 1.0])
        t = t[:len(x)].reshape(shape)
        found = work.call("value_of", "binary_cross_entropy(x, t)", {"x": x}, {"t": t},
                          doing="binary_cross_entropy")
        work.same("binary_cross_entropy", f"binary_cross_entropy for scores {x.ravel().round(3)} "
                  f"and targets {t.ravel()}", found, (exact(x) - x * t).mean(),
                  likely=loss_mistakes(x, t))
        check_rules(work, "binary_cross_entropy(x, t)", {"x": x}, constants={"t": t},
                    where="binary_cross_entropy",
                    reference=lambda x, t=t: (exact(x) - x * t).mean())
    sure = np.array([0.0, -900, 900])
    infinite = ("for a sure score the sigmoid is 0 or 1, and a logarithm of 0 infinite; use "
                "softplus of the score, and no logarithm of a sigmoid")
    text, targets = "binary_cross_entropy(x, t)", {"t": np.ones(3)}
    found = work.call("value_of", text, {"x": sure}, targets, doing="binary_cross_entropy")
    work.same("binary_cross_entropy", "binary_cross_entropy of the scores [0, -900, 900] where all "
              "targets are 1", found, (np.log(2) + 900) / 3,
              likely=unless_finite(found, infinite))
    found = work.call("pulled", text, {"x": sure}, 1.0, targets,
                      doing="binary_cross_entropy backwards")
    work.same("binary_cross_entropy", "what the scores [0, -900, 900] are told where all targets "
              "are 1", found[0], np.array([-0.5, -1, 0]) / 3,
              likely=unless_finite(found[0], infinite))


def loss_mistakes(x, t):
    """Values of binary cross-entropy by common mistakes."""
    each, yes, no, p = exact(x) - x * t, t * exact(-x), (1 - t) * exact(x), sigmoid(x)
    wrong = {
        "this is the sum; divide it by how many there are": each.sum(),
        "each target is taken for the other": exact(x) - x * (1 - t),
        "these are the losses of all; their mean is one number": each[None],
        "the sign is flipped": -each,
        "the targets are missing": exact(x),
        "only the examples whose target is 1 count here; for a 0 it is −ln(1 − p), which is "
        "softplus of the score": yes,
        "only the examples whose target is 0 count here; for a 1 it is −ln p": no,
        "this is the mean over the examples whose target is 1": yes.sum() / t.sum(),
        "target times score is added; it is subtracted, so that a high score makes the loss of a "
        "yes small": exact(x) + x * t,
        "the target alone is subtracted; it is target times score": exact(x) - t,
        "the score alone is subtracted; it is target times score": exact(x) - x,
        "softplus takes −score here; target times score belongs to softplus of the score":
            exact(-x) - x * t,
        "softplus is missing; the score itself stands there": x - x * t,
        "softplus takes the target here; it takes the score": exact(t) - x * t,
        "softplus takes target times score here; it takes the score": exact(x * t),
        "softplus takes score minus target here": exact(x - t),
        "the target multiplies the probability here; it multiplies the score":
            exact(x) - p * t,
        "softplus takes the score, not its sigmoid; here the sigmoid is taken first":
            exact(p) - p * t,
        "the target multiplies softplus; it multiplies the score": exact(x) - exact(x) * t,
        "both terms are multiplied by the target; softplus of the score counts always":
            exact(x) * t - x * t,
        "only target times score is left; softplus of the score is missing": x * t,
        "the score is multiplied by itself; it is multiplied by the target": exact(x) - x * x,
        "this is the squared error of the probabilities": (p - t) ** 2,
        "the logarithm is missing; this is how far each probability is from its target":
            np.abs(p - t),
        "this is p, not −ln p": p * t + (1 - p) * (1 - t),
        "these are logarithms to base 2": each / np.log(2),
        "this is half of it": each / 2}
    return {sentence: np.mean(value) if np.ndim(value) <= x.ndim else value[0]
            for sentence, value in wrong.items()}
