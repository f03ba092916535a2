"""Checks of step 29."""

import numpy as np

from course.grading.checks import Checks
from course.grading.work import close

CHECKS = Checks()


def inverse(pairs, size):
    """The estimate of H⁻¹ as a matrix, by the BFGS formula, pair by pair."""
    if not pairs:
        return np.eye(size)
    s, y = pairs[-1]
    matrix = np.eye(size) * (s @ y) / (y @ y)
    for s, y in pairs:
        turn = np.eye(size) - np.outer(s, y) / (s @ y)
        matrix = turn @ matrix @ turn.T + np.outer(s, s) / (s @ y)
    return matrix


@CHECKS("the direction, compared with the matrix written out")
def two_loops(work):
    asked = [steps_before(work, count) for count in (0, 1, 2, 4)]
    answers = [work.call("direction", g, pairs, doing="direction") for g, pairs in asked]
    told = [sentence for sentence, mistake in DIRECTIONS.items()
            if all(close(found, loops(g, pairs, **mistake), 1e-7)
                   for (found, _), (g, pairs) in zip(answers, asked))]
    for (found, same), (g, pairs) in zip(answers, asked):
        count = len(pairs)
        right = -inverse(pairs, 5) @ g
        work.same("direction", f"the direction with {count} pair{'s' * (count != 1)}", found, right,
                  rtol=1e-7, likely={
                      **dict.fromkeys(told, found),
                      "this points uphill": -right, "this is only the gradient, turned": -g})
        if not same:
            raise work.wrong("direction", "direction changed g or the pairs in place; make new "
                                          "arrays instead")


def steps_before(work, count):
    """A gradient, and so many pairs (s, y) of steps before it."""
    g, curvature = work.rng.normal(size=5), work.rng.normal(size=(5, 5))
    curvature = curvature @ curvature.T + np.eye(5)
    moves = [work.rng.normal(size=5) for _ in range(count)]
    pairs = [(s, curvature @ s + 0.05 * work.rng.normal(size=5)) for s in moves]
    return g, [(s, y) if s @ y > 0 else (s, -y) for s, y in pairs]


def loops(g, pairs, *, part=lambda g, s, y: (s @ g) / (s @ y), taken=lambda s, y: y, own=False,
          minus=1, correction=lambda g, s, y: (y @ g) / (s @ y), plus=-1, put=lambda s, y: s,
          sign=1, swapped=False):
    """The two loops, or with one mistake."""
    first, parts = g, []
    for s, y in pairs[::-1]:
        parts.append(part(first if own else g, s, y))
        g = g - minus * parts[-1] * taken(s, y)
    if pairs:
        s, y = pairs[-1]
        g = g * (s @ y) / (y @ y)
    for (s, y), one in zip(pairs, parts if swapped else parts[::-1]):
        g = g + sign * put(s, y) * (one + plus * correction(g, s, y))
    return -g


# The mistakes in the two loops, by the sentence that says what is wrong.
DIRECTIONS = {
    "first loop: the part is (s · g) / (s · y), measured with s, not with y":
        {"part": lambda g, s, y: (y @ g) / (s @ y)},
    "first loop: the part is (s · g) / (s · y), not (y · g) / (y · y)":
        {"part": lambda g, s, y: (y @ g) / (y @ y)},
    "first loop: divide by s · y, not by y · y": {"part": lambda g, s, y: (s @ g) / (y @ y)},
    "first loop: divide by s · y, not by s · s": {"part": lambda g, s, y: (s @ g) / (s @ s)},
    "first loop: divide by s · y": {"part": lambda g, s, y: s @ g},
    "first loop: g loses so many y, not so many s": {"taken": lambda s, y: s},
    "first loop: g is not changed, but has to lose part · y before the next pair": {"minus": 0},
    "first loop: each part is to be that of the g of which the parts before are taken":
        {"own": True},
    "first loop: part · y is to be taken from g, not added": {"minus": -1},
    "second loop: g gets so many s as `part` is larger than (y · g) / (s · y); that is not yet "
    "subtracted": {"plus": 0},
    "second loop: (y · g) / (s · y) is to be subtracted from `part`, not added": {"plus": 1},
    "second loop: (y · g) / (s · y) is measured with y, not with s":
        {"correction": lambda g, s, y: (s @ g) / (s @ y)},
    "second loop: (y · g) is to be divided by s · y, not by y · y":
        {"correction": lambda g, s, y: (y @ g) / (y @ y)},
    "second loop: (y · g) is to be divided by s · y": {"correction": lambda g, s, y: y @ g},
    "second loop: g gets so many s, not so many y": {"put": lambda s, y: y},
    "second loop: nothing is added to g; are the parts kept in `parts`?": {"sign": 0},
    "second loop: the sign is flipped; add to g": {"sign": -1},
    "`parts` has them in the wrong order: append each part, as they are reversed later":
        {"swapped": True},
}


def reference(f, x, steps, memory, direction, *, enough=lambda value, fall: value + 1e-4 * fall,
              shorter=0.5, halvings=np.inf, accepted=lambda s, y: s @ y > 0, once=False,
              moved=lambda d, length, x: length * d, changed=lambda new, old: new - old,
              join=None, floor=lambda new, length: length):
    """The points at which f is asked, the pairs before each direction, and the end."""
    asked, given = [x], []
    (value, g), pairs = f(x), []
    for _ in range(steps):
        given.append(list(pairs))
        d = direction(g, pairs)
        length, tries = 1.0 if pairs else 0.1 / np.abs(g).max(), 0
        while True:
            if not once or not tries:
                asked.append(x + length * d)
                new, new_g = f(asked[-1])
            if (new <= enough(value, length * (g @ d)) or not floor(new, length) > 1e-10
                    or tries >= halvings or len(asked) > 1000):
                break
            length, tries = length * shorter, tries + 1
        if not new < value:
            break
        s, y = moved(d, length, x), changed(new_g, g)
        if accepted(s, y):
            pairs = join(pairs, (s, y)) if join else [*pairs, (s, y)][-memory:]
        elif join is cleared:
            pairs = []
        x, value, g = x + length * d, new, new_g
    return asked, given, x


def cleared(pairs, pair):
    return [*pairs, pair][-3:]


SEARCHES = {
    "the value has to have fallen enough; here the first length is taken as it is": {
        "halvings": 0},
    "halve again and again (`while`), not once": {"halvings": 1},
    "value + 10⁻⁴ · length · (g · d) is below value, as g · d is negative; here it is above": {
        "enough": lambda value, fall: value - 1e-4 * fall},
    "that the value falls is not enough; it has to fall by 10⁻⁴ · length · (g · d)": {
        "enough": lambda value, fall: value},
    "a ten-thousandth of the promised fall is enough, 10⁻⁴ · length · (g · d)": {
        "enough": lambda value, fall: value + fall},
    "the length is to be above 10⁻¹⁰ for another halving, not the value": {
        "floor": lambda new, length: new},
    "the length is to be halved": {"shorter": 0.1},
    "the length is to be halved, not doubled": {"shorter": 2.0},
    "y is the new gradient minus the old one": {"changed": lambda new, old: old - new},
    "y is how the gradient changed, not the new gradient": {"changed": lambda new, old: new},
    "y is how the gradient changed, not the old gradient": {"changed": lambda new, old: old},
    "s is how x moved: length · d, not d": {"moved": lambda d, length, x: d},
    "s is how x moved: length · d, not the other way": {
        "moved": lambda d, length, x: -length * d},
    "s is how x moved, not where it went": {"moved": lambda d, length, x: x + length * d},
    "s is how x moved, not where it was": {"moved": lambda d, length, x: x},
    "f has to be asked again for each new length": {"once": True},
    "pairs with s · y ≤ 0 are not to be kept": {"accepted": lambda s, y: True},
    "a pair with s · y = 0 is not to be kept: `direction` divides by it": {
        "accepted": lambda s, y: s @ y >= 0},
    "pairs with a positive s · y are to be kept, not those with a negative one": {
        "accepted": lambda s, y: s @ y < 0},
    "no pair is kept here": {"accepted": lambda s, y: False},
    "all pairs are kept here, not the last `memory` ones": {
        "join": lambda pairs, pair: [*pairs, pair]},
    "the last `memory` pairs are to be kept, not the first": {
        "join": lambda pairs, pair: [*pairs, pair][:3]},
    "one pair fewer than `memory` is kept": {"join": lambda pairs, pair: [*pairs, pair][-2:]},
    "one pair more than `memory` is kept": {"join": lambda pairs, pair: [*pairs, pair][-4:]},
    "only the newest pair is kept, not the last `memory` ones": {
        "join": lambda pairs, pair: [pair]},
    "the oldest pair comes first: append the new one": {
        "join": lambda pairs, pair: [pair, *pairs][:3]},
    "the oldest pair comes first: append the new one, and keep the last ones": {
        "join": lambda pairs, pair: [pair, *pairs][-3:]},
    "a pair is (s, y), in this order": {
        "join": lambda pairs, pair: [*pairs, pair[::-1]][-3:]},
    "a pair that is not kept is no reason to forget the others": {"join": cleared},
}


FUNCTIONS = {
    "bowl": lambda x, k: (0.5 * (k * x * x).sum(), k * x),
    "valley": lambda x, k: ((k * np.log(np.cosh(x))).sum(), k * np.tanh(x)),
    "waves": lambda x, k: ((0.02 * x * x + np.cos(k * x)).sum(), 0.04 * x - k * np.sin(k * x)),
    "wall": lambda x, k: ((np.exp(k * x) - x).sum(), k * np.exp(k * x) - 1),
    "liar": lambda x, k: (1.0, k),              # its value never falls, whatever its gradient says
    # Its value falls by a ten-thousandth of what its gradient says, and a little more or less.
    "slow": lambda x, k: (1 + 1e-4 * (k @ x), k * (1 - np.tanh(k @ x) / 2)),
    "plane": lambda x, k: (k @ x, k),           # its gradient never changes: y = 0
    # It always falls, and curves upwards and downwards in turn.
    "stairs": lambda x, k: ((0.9 * np.sin(x) - k * x).sum(), 0.9 * np.cos(x) - k),
}


@CHECKS("how far: the length is halved until the value has fallen enough",
        ("UnboundLocalError", "'new", "hole 3 gives `new` and `new_g`"),
        ("NameError", "'new", "hole 3 gives `new` and `new_g`"))
def lengths(work):
    tried = [(lambda x, name=name, k=k: FUNCTIONS[name](x, k), x, steps,
              work.call("kept", name, k, x, steps, 3, doing="lbfgs"))
             for name, k, x, steps in cases(work)]
    for number, (f, x, steps, (given, end, asked)) in enumerate(tried):
        # Asking twice does no harm.
        asked = [point for number, point in enumerate(asked)
                 if not number or not np.array_equal(point, asked[number - 1])]
        tried[number] = f, x, steps, (given, end, asked)
    for f, x, steps, (given, end, asked) in tried:
        points, pairs, right = reference(f, x, steps, 3, downhill)
        if all_alike(asked, points) and all_alike(given, pairs):
            work.same("lbfgs", "the end", end, right, rtol=1e-6, atol=1e-9)
            continue
        told = explained(tried)
        for number, (one, two) in enumerate(zip(asked, points)):
            if not alike(one, two):
                raise work.wrong("lbfgs", f"with −g as the direction, f is asked at "
                                          f"{np.round(one, 4)} as point number {number + 1}, but "
                                          f"should be asked at {np.round(two, 4)}{told}")
        if len(asked) != len(points):
            raise work.wrong("lbfgs", f"with −g as the direction, f is asked at {len(asked)} "
                                      f"points, but should be asked at {len(points)}{told}")
        for number, (one, two) in enumerate(zip(given, pairs)):
            if len(one) != len(two):
                raise work.wrong("lbfgs", f"with memory=3, step {number + 1} is given {len(one)} "
                                          f"pairs (s, y), but should be given {len(two)}, the last "
                                          f"ones with a positive s · y{told}")
            if not all_alike(one, two):
                raise work.wrong("lbfgs", f"step {number + 1} is given other pairs (s, y) than it "
                                          f"should: s is how x moved, y how the gradient changed"
                                          f"{told}")


def downhill(g, pairs):
    return -g


def explained(tried):
    """The end of a sentence: the mistake that asks at all these points, with all these pairs."""
    with np.errstate(all="ignore"):
        for sentence, mistake in SEARCHES.items():
            for f, x, steps, (given, _, asked) in tried:
                points, pairs, _ = reference(f, x, steps, 3, downhill, **mistake)
                if not (all_alike(asked, points) and all_alike(given, pairs)):
                    break
            else:
                return f": {sentence}"
    return ""


def all_alike(ones, twos):
    """Whether points, or pairs, or lists of pairs for each step, are the same."""
    if isinstance(ones, np.ndarray):
        return alike(ones, twos)
    return len(ones) == len(twos) and all(all_alike(one, two) for one, two in zip(ones, twos))


def alike(one, two):
    return np.shape(one) == np.shape(two) and np.allclose(one, two, rtol=1e-6, atol=1e-9)


def cases(work):
    """Functions on which a plain descent has to halve, and meets places that curve downwards."""
    a = work.rng.uniform(0.5, 1.5, 3)
    yield "bowl", np.array([0.5, 1.0, 7.0]) * work.rng.uniform(0.9, 1.1), a, 6
    yield "waves", np.array([2.0, 3.0]) * work.rng.uniform(0.95, 1.05), a[:2] / 2, 6
    yield "waves", np.array([1.0, 1.5]), a[:2] * 0.2, 6
    yield "wall", np.array([2.0, 4.0]), a[:2], 6
    yield "valley", np.array([1.0, 6.0]), 3 * a[:2], 6
    yield "liar", a, a, 3
    yield "slow", a, 0.05 * a / (a @ a), 3
    yield "plane", a, a, 3
    yield "stairs", np.array([1.0]), np.array([5.9]), 6


@CHECKS("a narrow valley")
def narrow(work):
    k = np.logspace(0, 3, 8) * work.rng.uniform(0.9, 1.1)
    end, _ = work.call("descent", "bowl", k, np.ones(8), 80, 10, doing="lbfgs")
    if end is None:
        raise work.wrong("lbfgs", "lbfgs returns None; its last line is to be `return x`")
    height = float(0.5 * (k * end * end).sum())
    if height > 1e-6:
        raise work.wrong("lbfgs", f"after 80 steps on a bowl that is a thousand times steeper in "
                                  f"one direction, the value is still {height:.2g}")
