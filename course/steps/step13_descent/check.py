"""Checks of step 13."""

import numpy as np

from course.grading.checks import Checks
from course.grading.work import close
from course.steps.step13_descent import ways

CHECKS = Checks()
STEPS = 4
RATES = np.array([1.0, 1.0, 0.5, 2.0])      # of the steps; the rate may change on the way
IN_PLACE = ("changed in place, as `-=`, `+=` and `*=` do with an array; somebody may hold it "
            "still, so make a new one")
MEANINGS = (
    ("TypeError", "'NoneType'", "a parameter has no gradient: is it still the Tensor that "
                                "the network has? Change its `data`, and put no new Tensor in "
                                "its place"),
    ("ValueError", "broadcast", "the shapes of two parameters met: each has its own velocity, or "
                                "its own two means, at number i of the list"),
    ("TypeError", "'list'", "the list holds a value for each parameter; take number i"),
    ("IndexError", "", "a list of the optimizer was replaced by a single value; set its number i"),
    ("AttributeError", "'numpy.ndarray' object has no attribute 'grad'",
     "the list of parameters holds Tensors; change the `data` of one, do not replace it"),
    ("AttributeError", "'SGD' object has no", "see the names in its `__init__`"),
    ("AttributeError", "'Adam' object has no", "see the names in its `__init__`"))


def compared(work, name, options, reference, mistakes):
    """Compare the way of two parameters, step by step, with a reference.

    mistakes : sentence -> the parts of the reference that this mistake replaces.
    """
    starts = [work.rng.normal(size=(2, 3)), work.rng.normal(size=4)]
    gradients = [[work.rng.uniform(0.5, 2, start.shape) * work.rng.choice([-1, 1], start.shape)
                  for start in starts] for _ in range(STEPS)]
    rates = options["lr"] * RATES
    found, states, same_data, same_gradients = work.call(
        "moved", name, options, starts, gradients, rates, doing=f"{name}(…).step()")
    where = f"{name}.step"
    if not same_data:
        raise work.wrong(where, f"the data of a parameter was {IN_PLACE}")
    if not same_gradients:
        raise work.wrong(where, f"the gradient of a parameter was {IN_PLACE} (is a velocity or a "
                                f"mean the very array of the gradient?)")
    told = ", ".join(f"{key}={value}" for key, value in options.items())
    further = {key: value for key, value in options.items() if key != "lr"}
    rights = list(reference(starts, gradients, rates, **further))
    for number, (places, state) in enumerate(rights):
        what = f"after step {number + 1} of {name}({told})" + (
            f", with the rate {rates[number]:g} from here on," if number > 1 else "")
        for i in range(2):
            if not close(found[number][i], places[i]):
                fitting = ways.fitting(found, starts, gradients, rates, further, reference,
                                       mistakes)
                fitting = fitting or [ways.localised(states[number], state, i)]
                work.same(where, f"parameter {i + 1} {what}", found[number][i], places[i],
                          likely=dict.fromkeys(fitting, found[number][i]))


@CHECKS("gradient descent with momentum", *MEANINGS)
def with_momentum(work):
    compared(work, "SGD", {"lr": 0.1, "momentum": 0.8}, ways.by_sgd, ways.SGD_MISTAKES)


@CHECKS("plain gradient descent", *MEANINGS)
def plain(work):
    for lr in (0.1, 2.0):
        compared(work, "SGD", {"lr": lr}, ways.by_sgd, {
            "with momentum 0 the former gradients are to be forgotten":
                {"velocity": lambda mu, v, g, lr: v + g}})


@CHECKS("Adam", *MEANINGS)
def adam(work):
    # A large eps first: near 1e-8, several mistakes about it look the same.
    for options in ({"lr": 0.5, "betas": (0.6, 0.7), "eps": 0.3}, {"lr": 0.01}):
        compared(work, "Adam", options, ways.by_adam, ways.ADAM_MISTAKES)


@CHECKS("down a valley, by gradients of the engine", *MEANINGS)
def valley(work):
    start = work.rng.uniform(1, 2, 2)
    for name, options in (("SGD", {"lr": 0.08, "momentum": 0.5}), ("Adam", {"lr": 0.1})):
        found = work.call("descended", name, options, start, 20, doing=f"twenty steps of {name}")
        place, gradients = start, []
        for right in found:         # the gradients belong to the places where the reader was
            gradients.append([place * np.array([1.0, 20.0])])
            place = right
        lr = [options.pop("lr")] * len(gradients)
        way = (ways.by_sgd if name == "SGD" else ways.by_adam)([start], gradients, lr, **options)
        for number, ((right,), _) in enumerate(way):
            work.same(f"{name}.step", f"the place after step {number + 1} of {name} down "
                      f"x² / 2 + 10 y², begun at {start.round(3)},", found[number], right)


@CHECKS("zero_grad forgets")
def forgetting(work):
    found = work.call("forgotten", work.rng.normal(size=3), doing="zero_grad")
    if found != [None, None]:
        raise work.wrong("Optimizer.zero_grad", "a gradient is left after zero_grad; leave the "
                                                "method as it was")
