"""The ways that gradient descent and Adam take, and those by common mistakes."""

import numpy as np

from course.grading.work import close, shown


def by_sgd(starts, gradients, lr, momentum=0.0, *, velocity=lambda mu, v, g, lr: mu * v + g,
           along=lambda mu, old, v, g: v, place=lambda w, lr, step: w - lr * step):
    """Where the parameters are after each step, and the velocities.

    lr : the rate of each step.  velocity, along, place : how the velocity, the movement and the
    new place are made; a mistake replaces one of them.
    """
    places, velocities = list(starts), [np.zeros_like(start) for start in starts]
    for rate, row in zip(lr, gradients):
        before = velocities
        velocities = [velocity(momentum, v, g, rate) for v, g in zip(velocities, row)]
        places = [place(w, rate, along(momentum, old, v, g))
                  for w, old, v, g in zip(places, before, velocities, row)]
        yield places, {"velocities": velocities}


def running(beta, mean, new):
    """The running mean, with one value more."""
    return beta * mean + (1 - beta) * new


def by_adam(starts, gradients, lr, betas=(0.9, 0.999), eps=1e-8, *, mean=running,
            square=lambda beta, s, g, m: running(beta, s, g * g),
            missing=lambda beta, t, which: 1 - beta ** t, count=lambda number, i: number,
            order=(0, 1), stored=(),
            move=lambda m, s, g, c1, c2, eps: m / c1 / (np.sqrt(s / c2) + eps),
            place=lambda w, lr, step: w - lr * step):
    """The same for Adam, with its means.

    mean, square, missing, move, place : how the means, what they are divided by, the movement and
    the new place are made.  count : the number of the step, for parameter i.  order : which beta
    belongs to which mean.  stored : the means that are kept as they are after the correction.
    """
    betas = [betas[which] for which in order]
    places = list(starts)
    means, squares = ([np.zeros_like(start) for start in starts] for _ in range(2))
    for number, (rate, row) in enumerate(zip(lr, gradients), start=1):
        places = list(places)
        for i, g in enumerate(row):
            m = means[i] = mean(betas[0], means[i], g)
            s = squares[i] = square(betas[1], squares[i], g, m)
            one, two = (missing(beta, count(number, i), which) for which, beta in enumerate(betas))
            places[i] = place(places[i], rate, move(m, s, g, one, two, eps))
            if "mean" in stored:
                means[i] = m / one
            if "square" in stored:
                squares[i] = s / two
        yield places, {"means": list(means), "squares": list(squares)}


def fitting(found, starts, gradients, rates, options, reference, mistakes):
    """The sentences of the mistakes that lead the whole way that was found."""
    right = [places for places, _ in reference(starts, gradients, rates, **options)]
    likely = {
        "it never moves: what is subtracted is always 0, or it is not the parameter's `data` that "
        "becomes another array (a new Tensor in a variable or a list is not the parameter)":
            [starts] * len(right),
        "the other one does move; does the loop end after the first?":
            [[place[0], starts[1]] for place in right],
        "only the last parameter moves; does a line stand behind the loop that belongs into it?":
            [[starts[0], place[1]] for place in right]}
    with np.errstate(all="ignore"):
        for sentence, parts in {**PLACES, **mistakes}.items():
            likely[sentence] = [places for places, _ in reference(
                starts, gradients, rates, **options, **parts)]
    return [sentence for sentence, way in likely.items() if all(
        close(one, two, equal_nan=True) for row, other in zip(found, way)
        for one, two in zip(row, other))]


PLACES = {
    "it moves with the gradient, uphill": {"place": lambda w, lr, step: w + lr * step},
    "the learning rate is missing": {"place": lambda w, lr, step: w - step},
    "this divides by the learning rate; it multiplies": {
        "place": lambda w, lr, step: w - step / lr},
    "the learning rate is in it twice": {"place": lambda w, lr, step: w - lr * lr * step},
    "the learning rate alone is subtracted; it multiplies the movement":
        {"place": lambda w, lr, step: w - lr},
    "the learning rate is divided by the movement; it multiplies it":
        {"place": lambda w, lr, step: w - lr / step},
    "the learning rate and the movement are added; they are multiplied":
        {"place": lambda w, lr, step: w - (lr + step)},
    "the new place is the old one minus the movement; the old one is missing":
        {"place": lambda w, lr, step: -lr * step},
    "this is the movement alone, uphill; it is subtracted from the old place":
        {"place": lambda w, lr, step: lr * step},
    "the movement multiplies the place; it is subtracted": {
        "place": lambda w, lr, step: w * (1 - lr * step)}}

SGD_MISTAKES = {
    "momentum is added to the gradient; it multiplies the old velocity":
        {"velocity": lambda mu, v, g, lr: mu + g},
    "there is no momentum in it: the velocity is not used, or not kept in `self.velocities[i]` for "
    "the next step": {"velocity": lambda mu, v, g, lr: g},
    "the new gradient counts fully here, not 1 − momentum of it":
        {"velocity": lambda mu, v, g, lr: mu * v + (1 - mu) * g},
    "the velocity is not kept in `self.velocities[i]`, and the gradient counts with 1 − momentum":
        {"velocity": lambda mu, v, g, lr: (1 - mu) * g},
    "momentum multiplies the old velocity only, not the new gradient":
        {"velocity": lambda mu, v, g, lr: mu * (v + g)},
    "momentum multiplies the new gradient here; it multiplies the old velocity":
        {"velocity": lambda mu, v, g, lr: v + mu * g},
    "the velocity never fades; momentum multiplies the old one":
        {"velocity": lambda mu, v, g, lr: v + g},
    "the old velocity is multiplied by 1 − momentum; by momentum, it should be":
        {"velocity": lambda mu, v, g, lr: (1 - mu) * v + g},
    "momentum and 1 − momentum are exchanged, and the new gradient counts fully":
        {"velocity": lambda mu, v, g, lr: (1 - mu) * v + mu * g},
    "the new gradient is subtracted from the velocity; it is added":
        {"velocity": lambda mu, v, g, lr: mu * v - g},
    "the old velocity is subtracted from the gradient; it is added":
        {"velocity": lambda mu, v, g, lr: g - mu * v},
    "the velocity moves on with the rate in it; multiply by the rate at the end, so that a new "
    "rate counts at once": {"velocity": lambda mu, v, g, lr: mu * v + lr * g,
                            "place": lambda w, lr, step: w - step},
    "the rate is in it twice, in the velocity and in the movement":
        {"velocity": lambda mu, v, g, lr: mu * v + lr * g},
    "it moves along the old velocity; renew it first": {"along": lambda mu, old, v, g: old},
    "momentum and the gradient are added once more to the new velocity (that is Nesterov's way)":
        {"along": lambda mu, old, v, g: g + mu * v},
    "the gradient is added once more to the velocity": {"along": lambda mu, old, v, g: g + v},
    "momentum multiplies the velocity once more": {"along": lambda mu, old, v, g: mu * v},
    "the velocity keeps v + g, unfaded, and fades in the movement only":
        {"velocity": lambda mu, v, g, lr: v + g,
         "along": lambda mu, old, v, g: mu * old + g},
    "the velocity moves on with the rate and the sign in it; it is a sum of gradients":
        {"velocity": lambda mu, v, g, lr: mu * v - lr * g, "place": lambda w, lr, step: w + step}}


def ratio(above, below):
    """A movement: what stands above the line, by the root of what stands below it and eps."""
    return {"move": lambda m, s, g, c1, c2, eps: above(m, g, c1, c2) / (
        np.sqrt(below(s, c1, c2)) + eps)}


def mean_of(m, g, c1, c2):
    """The corrected mean, as it stands above the line."""
    return m / c1


def size_of(s, c1, c2):
    """The corrected mean square, as it stands under the root."""
    return s / c2


def turned(beta, mean, new):
    """A running mean with both weights exchanged."""
    return running(1 - beta, mean, new)


def alone(beta, new):
    """A mean that was not kept from the step before."""
    return (1 - beta) * new


_KEPT = "is not kept from step to step, in `self.{}[i]`"
ADAM_MISTAKES = {
    "neither mean is corrected for its beginning at 0":
        ratio(lambda m, g, c1, c2: m, lambda s, c1, c2: s),
    "the mean of the gradients is not corrected for its beginning at 0":
        ratio(lambda m, g, c1, c2: m, size_of),
    "the mean of the squares is not corrected for its beginning at 0":
        ratio(mean_of, lambda s, c1, c2: s),
    "both means are multiplied by 1 − βᵗ; they are too small, so divide":
        ratio(lambda m, g, c1, c2: m * c1, lambda s, c1, c2: s * c2),
    "the mean of the gradients is multiplied by 1 − β₁ᵗ; it is too small, so divide":
        ratio(lambda m, g, c1, c2: m * c1, size_of),
    "the mean of the squares is multiplied by 1 − β₂ᵗ; it is too small, so divide":
        ratio(mean_of, lambda s, c1, c2: s * c2),
    "both means are corrected with β₁; that of the squares has β₂":
        ratio(mean_of, lambda s, c1, c2: s / c1),
    "both means are corrected with β₂; that of the gradients has β₁":
        ratio(lambda m, g, c1, c2: m / c2, size_of),
    "the two corrections are exchanged; β₁ belongs to g, β₂ to g²":
        ratio(lambda m, g, c1, c2: m / c2, lambda s, c1, c2: s / c1),
    "the gradient itself stands above the line; its running mean belongs there":
        ratio(lambda m, g, c1, c2: g, size_of),
    "the gradient itself stands above the line, corrected; its running mean belongs there":
        ratio(lambda m, g, c1, c2: g / c1, size_of),
    "eps belongs beside the root, not under it":
        {"move": lambda m, s, g, c1, c2, eps: m / c1 / np.sqrt(s / c2 + eps)},
    "eps is missing beside the root": {
        "move": lambda m, s, g, c1, c2, eps: m / c1 / np.sqrt(s / c2)},
    "eps is added to the whole fraction; it belongs below the line": {
        "move": lambda m, s, g, c1, c2, eps: m / c1 / np.sqrt(s / c2) + eps},
    "eps is subtracted; it is added": {
        "move": lambda m, s, g, c1, c2, eps: m / c1 / (np.sqrt(s / c2) - eps)},
    "the root of the mean square is missing": {
        "move": lambda m, s, g, c1, c2, eps: m / c1 / (s / c2 + eps)},
    "the root is taken before the correction; correct first": {
        "move": lambda m, s, g, c1, c2, eps: m / c1 / (np.sqrt(s) / c2 + eps)},
    "this multiplies by the root; divide by it": {
        "move": lambda m, s, g, c1, c2, eps: m / c1 * (np.sqrt(s / c2) + eps)},
    "the mean of the squares is not used: divide by its root": {
        "move": lambda m, s, g, c1, c2, eps: m / c1},
    "β₁ and β₂ are exchanged: the first is for the mean of g, the second for that of g²":
        {"order": (1, 0)},
    "β₁ is taken for both means; that of g² has β₂": {"order": (0, 0)},
    "β₂ is taken for both means; that of g has β₁": {"order": (1, 1)},
    "in both means β and 1 − β are exchanged: the old mean has the weight β":
        {"mean": turned, "square": lambda beta, s, g, m: turned(beta, s, g * g)},
    "in the mean of the gradients β₁ and 1 − β₁ are exchanged: the old mean has the weight β₁":
        {"mean": turned},
    "in the mean of the squares β₂ and 1 − β₂ are exchanged: the old mean has the weight β₂":
        {"square": lambda beta, s, g, m: turned(beta, s, g * g)},
    "in both means the new value counts fully; its weight is 1 − β":
        {"mean": lambda beta, m, g: beta * m + g, "square": lambda beta, s, g, m: beta * s + g * g},
    "in the mean of the gradients the new value counts fully; its weight is 1 − β₁":
        {"mean": lambda beta, m, g: beta * m + g},
    "in the mean of the squares the new value counts fully; its weight is 1 − β₂":
        {"square": lambda beta, s, g, m: beta * s + g * g},
    "in both means the old one does not fade; its weight is β":
        {"mean": lambda beta, m, g: m + alone(beta, g),
         "square": lambda beta, s, g, m: s + alone(beta, g * g)},
    "in the mean of the gradients the old one does not fade; its weight is β₁":
        {"mean": lambda beta, m, g: m + alone(beta, g)},
    "in the mean of the squares the old one does not fade; its weight is β₂":
        {"square": lambda beta, s, g, m: s + alone(beta, g * g)},
    "neither mean is kept from step to step, in `self.means[i]` and `self.squares[i]`":
        {"mean": lambda beta, m, g: alone(beta, g),
         "square": lambda beta, s, g, m: alone(beta, g * g)},
    f"the mean of the gradients {_KEPT.format('means')}":
        {"mean": lambda beta, m, g: alone(beta, g)},
    f"the mean of the squares {_KEPT.format('squares')}":
        {"square": lambda beta, s, g, m: alone(beta, g * g)},
    "the mean of the squares takes m²; it takes g²":
        {"square": lambda beta, s, g, m: running(beta, s, m * m)},
    "the mean of the squares takes |g|; it takes g²":
        {"square": lambda beta, s, g, m: running(beta, s, np.abs(g))},
    "the mean of the squares takes g; it takes g²":
        {"square": lambda beta, s, g, m: running(beta, s, g)},
    "1 − β₂ is squared with the gradient; it multiplies g²":
        {"square": lambda beta, s, g, m: beta * s + alone(beta, g) ** 2},
    "the mean of the squares is that of all elements; each has its own":
        {"square": lambda beta, s, g, m: running(beta, s, (g * g).mean())},
    "the corrected means are stored, so the correction is made again and again; put them into new "
    "variables": {"stored": ("mean", "square")},
    "the corrected mean of the gradients is stored, so the correction is made again and again; put "
    "it into a new variable": {"stored": ("mean",)},
    "the corrected mean of the squares is stored, so the correction is made again and again; put "
    "it into a new variable": {"stored": ("square",)},
    "the power in the correction is one too high; it is the number of the step, `self.steps`":
        {"count": lambda number, i: number + 1},
    "the power in the correction is one too low; it is the number of the step, `self.steps`":
        {"count": lambda number, i: number - 1},
    "the power in the correction counts steps and parameters; `self.steps` is counted on already, "
    "once in each step": {"count": lambda number, i: 3 * number - 1 + i},
    "the power in the correction grows with each parameter; `self.steps` is counted on already, "
    "once in each step": {"count": lambda number, i: 3 * number - 2 + i},
    "the power in the correction is the number of the parameter; it is that of the step, "
    "`self.steps`": {"count": lambda number, i: i + 1}}

for _which, _name in enumerate(("of the gradients", "of the squares")):
    for _sentence, _wrong in {
            "has no power; β is to the power of the number of the step": lambda beta, t: 1 - beta,
            "multiplies β by the number of the step; β is to the power of it":
                lambda beta, t: 1 - beta * t,
            "divides by βᵗ; divide by 1 − βᵗ": lambda beta, t: beta ** t,
            "divides by (1 − β)ᵗ; divide by 1 − βᵗ": lambda beta, t: (1 - beta) ** t,
            "divides by 1 + βᵗ; divide by 1 − βᵗ": lambda beta, t: 1 + beta ** t,
            "divides by βᵗ − 1; divide by 1 − βᵗ": lambda beta, t: beta ** t - 1}.items():
        ADAM_MISTAKES[f"the correction of both means {_sentence}"] = {
            "missing": lambda beta, t, which, wrong=_wrong: wrong(beta, t)}
        ADAM_MISTAKES[f"the correction of the mean {_name} {_sentence}"] = {
            "missing": lambda beta, t, which, wrong=_wrong, at=_which:
                wrong(beta, t) if which == at else 1 - beta ** t}

FORMULAS = {"velocities": "μ v + g", "means": "β₁ m + (1 − β₁) g",
            "squares": "β₂ s + (1 − β₂) g²"}


def localised(found, right, i):
    """Which part of the state of parameter i is wrong after a step, as a sentence.

    found, right : by the name of a list, its values after the step; found may be incomplete.
    """
    for name, values in right.items():
        if name not in found:
            return ""
        if not close(found[name][i], values[i]):
            return (f"`self.{name}[{i}]` is {shown(found[name][i])} then, but should be "
                    f"{shown(values[i])}, which is {FORMULAS[name]}")
    return (f"{' and '.join(f'`self.{name}[{i}]`' for name in right)} "
            f"{'are' if len(right) > 1 else 'is'} right then, so what is wrong comes after")
