"""Checks of step 29."""

import numpy as np

from course.grading.checks import Checks

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
    for count in (0, 1, 2, 4):
        g = work.rng.normal(size=5)
        curvature = work.rng.normal(size=(5, 5))
        curvature = curvature @ curvature.T + np.eye(5)
        moves = [work.rng.normal(size=5) for _ in range(count)]
        pairs = [(s, curvature @ s + 0.05 * work.rng.normal(size=5)) for s in moves]
        pairs = [(s, y) if s @ y > 0 else (s, -y) for s, y in pairs]
        found, same = work.call("direction", g, pairs, doing="direction")
        right = -inverse(pairs, 5) @ g
        work.same("direction", f"the direction with {count} pairs", found, right, rtol=1e-7,
                  likely={"this points uphill": -right, "this is only the gradient, turned": -g})
        if not same:
            raise work.wrong("direction", "direction changed g or the pairs in place; make new "
                                          "arrays instead")


def reference(f, x, steps, memory, direction):
    """The points at which f is asked, the pairs before each direction, and the end."""
    asked, given = [x], []
    (value, g), pairs = f(x), []
    for _ in range(steps):
        given.append(list(pairs))
        d = direction(g, pairs)
        length = 1.0 if pairs else 0.1 / np.abs(g).max()
        while True:
            asked.append(x + length * d)
            new, new_g = f(asked[-1])
            if new <= value + 1e-4 * length * (g @ d) or length <= 1e-10:
                break
            length /= 2
        if not new < value:
            break
        s, y = length * d, new_g - g
        if s @ y > 0:
            pairs = [*pairs, (s, y)][-memory:]
        x, value, g = asked[-1], new, new_g
    return asked, given, x


FUNCTIONS = {
    "bowl": lambda x, k: (0.5 * (k * x * x).sum(), k * x),
    "valley": lambda x, k: ((k * np.log(np.cosh(x))).sum(), k * np.tanh(x)),
    "waves": lambda x, k: ((0.02 * x * x + np.cos(k * x)).sum(), 0.04 * x - k * np.sin(k * x)),
    "wall": lambda x, k: ((np.exp(k * x) - x).sum(), k * np.exp(k * x) - 1),
    "liar": lambda x, k: (1.0, k),              # its value never falls, whatever its gradient says
    # Its value falls by a ten-thousandth of what its gradient says, and a little more or less.
    "slow": lambda x, k: (1 + 1e-4 * (k @ x), k * (1 - np.tanh(k @ x) / 2)),
}


@CHECKS("how far: the length is halved until the value has fallen enough")
def lengths(work):
    for name, k, x, steps in cases(work):
        def f(x, name=name, k=k):
            return FUNCTIONS[name](x, k)

        given, end, asked = work.call("kept", name, k, x, steps, 3, doing="lbfgs")
        points, pairs, right = reference(f, x, steps, 3, lambda g, pairs: -g)
        asked = [point for number, point in enumerate(asked)        # asking twice does no harm
                 if not number or not np.array_equal(point, asked[number - 1])]
        for number, (one, two) in enumerate(zip(asked, points)):
            if not alike(one, two):
                raise work.wrong("lbfgs", f"with −g as the direction, f is asked at "
                                          f"{np.round(one, 4)} as point number {number + 1}, but "
                                          f"should be asked at {np.round(two, 4)}")
        if len(asked) != len(points):
            raise work.wrong("lbfgs", f"with −g as the direction, f is asked at {len(asked)} "
                                      f"points, but should be asked at {len(points)}")
        for number, (one, two) in enumerate(zip(given, pairs)):
            if len(one) != len(two):
                raise work.wrong("lbfgs", f"with memory=3, step {number + 1} is given {len(one)} "
                                          f"pairs (s, y), but should be given {len(two)}, the last "
                                          f"ones with a positive s · y")
            if not all(alike(a, b) for given_pair, pair in zip(one, two)
                       for a, b in zip(given_pair, pair)):
                raise work.wrong("lbfgs", f"step {number + 1} is given other pairs (s, y) than it "
                                          f"should: s is how x moved, y how the gradient changed")
        work.same("lbfgs", "the end", end, right, rtol=1e-6, atol=1e-9)


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


@CHECKS("a narrow valley")
def narrow(work):
    k = np.logspace(0, 3, 8) * work.rng.uniform(0.9, 1.1)
    end, _ = work.call("descent", "bowl", k, np.ones(8), 80, 10, doing="lbfgs")
    height = float(0.5 * (k * end * end).sum())
    if height > 1e-6:
        raise work.wrong("lbfgs", f"after 80 steps on a bowl that is a thousand times steeper in "
                                  f"one direction, the value is still {height:.2g}")
