"""Checks of step 13."""

import numpy as np

from course.grading.checks import Checks

CHECKS = Checks()
STEPS = 4


def by_sgd(starts, gradients, lr, momentum=0.0, fresh=1.0, sign=-1.0):
    """Where the parameters are after each step.

    fresh : the factor of the new gradient.  sign : of the movement.
    """
    places, velocities = list(starts), [np.zeros_like(start) for start in starts]
    for row in gradients:
        velocities = [momentum * v + fresh * g for v, g in zip(velocities, row)]
        places = [place + sign * lr * v for place, v in zip(places, velocities)]
        yield places


def by_adam(starts, gradients, lr, betas=(0.9, 0.999), eps=1e-8, corrected=(1, 1), count=0,
            within=False, root=True):
    """The same for Adam.

    corrected : which mean is corrected.  count : what is added to the number of the step.
    within : whether eps is under the root.  root : whether a root is taken.
    """
    places = list(starts)
    means, squares = ([np.zeros_like(start) for start in starts] for _ in range(2))
    for number, row in enumerate(gradients, start=1):
        means = [betas[0] * m + (1 - betas[0]) * g for m, g in zip(means, row)]
        squares = [betas[1] * s + (1 - betas[1]) * g * g for s, g in zip(squares, row)]
        one, two = (1 - beta ** (number + count) if asked else 1.0
                    for beta, asked in zip(betas, corrected))
        below = [s / two for s in squares]
        if root:
            below = [np.sqrt(s + eps) if within else np.sqrt(s) + eps for s in below]
        places = [place - lr * m / one / s for place, m, s in zip(places, means, below)]
        yield places


def compared(work, name, options, reference, mistakes):
    """Compare the way of two parameters, step by step, with a reference.

    mistakes : sentence -> generator of the way that the mistake leads.
    """
    starts = [work.rng.normal(size=(2, 3)), work.rng.normal(size=4)]
    gradients = [[work.rng.uniform(0.5, 2, start.shape) * work.rng.choice([-1, 1], start.shape)
                  for start in starts] for _ in range(STEPS)]
    found, untouched = work.call("moved", name, options, starts, gradients,
                                 doing=f"{name}(…).step()")
    where = f"{name}.step"
    told = ", ".join(f"{key}={value}" for key, value in options.items())
    rights = list(reference(starts, gradients, **options))
    wrongs = {sentence: list(way(starts, gradients, **options))
              for sentence, way in mistakes.items()}
    for number in range(STEPS):
        for i in range(2):
            work.same(where, f"parameter {i + 1} after step {number + 1} of {name}({told})",
                      found[number][i], rights[number][i], likely={
                          sentence: way[number][i] for sentence, way in wrongs.items()})
    if not untouched:
        raise work.wrong(where, "an array of a parameter's data or gradient was changed in place; "
                                "somebody may hold it still, so make a new one")


@CHECKS("plain gradient descent")
def plain(work):
    for lr in (0.1, 2.0):
        compared(work, "SGD", {"lr": lr}, by_sgd, {
            "it moves with the gradient, uphill": lambda s, g, lr: by_sgd(s, g, lr, sign=1.0),
            "the learning rate is missing": lambda s, g, lr: by_sgd(s, g, 1.0),
            "with momentum 0 the former gradients are to be forgotten":
                lambda s, g, lr: by_sgd(s, g, lr, momentum=1.0)})


@CHECKS("gradient descent with momentum")
def with_momentum(work):
    compared(work, "SGD", {"lr": 0.1, "momentum": 0.8}, by_sgd, {
        "there is no momentum in it": lambda s, g, lr, momentum: by_sgd(s, g, lr),
        "the new gradient counts fully here, not 1 − momentum of it":
            lambda s, g, lr, momentum: by_sgd(s, g, lr, momentum, fresh=1 - momentum),
        "it moves with the velocity, uphill":
            lambda s, g, lr, momentum: by_sgd(s, g, lr, momentum, sign=1.0),
        "the velocity never fades": lambda s, g, lr, momentum: by_sgd(s, g, lr, 1.0)})


@CHECKS("Adam")
def adam(work):
    mistakes = {
        "neither mean is corrected for its beginning at 0":
            lambda s, g, **o: by_adam(s, g, **o, corrected=(0, 0)),
        "the mean of the gradients is not corrected for its beginning at 0":
            lambda s, g, **o: by_adam(s, g, **o, corrected=(0, 1)),
        "the mean of the squares is not corrected for its beginning at 0":
            lambda s, g, **o: by_adam(s, g, **o, corrected=(1, 0)),
        "the correction counts a step too few": lambda s, g, **o: by_adam(
            s, g, **o, count=1),
        "eps belongs beside the root, not under it":
            lambda s, g, **o: by_adam(s, g, **o, within=True),
        "the root of the mean square is missing":
            lambda s, g, **o: by_adam(s, g, **o, root=False),
        "it moves with the gradient, uphill":
            lambda s, g, lr, **o: by_adam(s, g, -lr, **o)}
    compared(work, "Adam", {"lr": 0.01}, by_adam, mistakes)
    compared(work, "Adam", {"lr": 0.5, "betas": (0.6, 0.7), "eps": 0.3}, by_adam, mistakes)


@CHECKS("down a valley, by gradients of the engine")
def valley(work):
    start = work.rng.uniform(1, 2, 2)
    for name, options in (("SGD", {"lr": 0.08, "momentum": 0.5}), ("Adam", {"lr": 0.1})):
        found = work.call("descended", name, options, start, 20, doing=f"twenty steps of {name}")
        place, gradients = start, []
        for right in found:         # the gradients belong to the places where the reader was
            gradients.append([place * np.array([1.0, 20.0])])
            place = right
        way = (by_sgd if name == "SGD" else by_adam)([start], gradients, **options)
        for number, (right,) in enumerate(way):
            work.same(f"{name}.step", f"the place after {number + 1} steps of {name} down "
                      f"x² / 2 + 10 y², begun at {start.round(3)},", found[number], right)


@CHECKS("zero_grad forgets")
def forgetting(work):
    found = work.call("forgotten", work.rng.normal(size=3), doing="zero_grad")
    if found != [None, None]:
        raise work.wrong("Optimizer.zero_grad", "a gradient is left after zero_grad; leave the "
                                                "method as it was")
