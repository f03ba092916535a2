"""Checks of step 20."""

import numpy as np

from course.grading.checks import Checks
from course.grading.gradients import check_rules
from course.grading.layers import check_beginning, convolved
from course.grading.painting import slope_along

CHECKS = Checks()
INIT, CALL = "Conv2d.__init__", "Conv2d.__call__"


@CHECKS("how large the weights begin")
def beginnings(work):
    for channels, filters, size, options in (
            (40, 60, 3, {}), (30, 20, 5, {}), (40, 60, 3, {"gain": 1.0}),
            (2, 900, 3, {"gain": 3.0})):
        gain = options.get("gain", 2 ** 0.5)
        w, b, asked, listed = work.call("beginning", channels, filters, size,
                                        int(work.rng.integers(2 ** 31)), options,
                                        doing=f"Conv2d({channels}, {filters}, {size}, rng)")
        what = f"Conv2d({channels}, {filters}, {size}, rng"
        what += f", gain={gain})" if options else ")"
        work.same(INIT, f"the shape of w of {what}", list(np.shape(w)),
                  [filters, channels, size, size])
        work.same(INIT, f"b of {what}", b, np.zeros(filters))
        if not all(asked) or not listed:
            raise work.wrong(INIT, f"w and b of {what} are to be Tensors that require a gradient, "
                                   f"and `parameters` the list of both, w first")
        deviation(work, what, w, gain, channels, filters, size)


def deviation(work, what, w, gain, channels, filters, size):
    """How large the weights are."""
    check_beginning(work, INIT, what, w, gain / np.sqrt(channels * size * size), {
        "the channels and the window count, not the filters": gain / np.sqrt(filters * size ** 2),
        "the window counts as well as the channels": gain / np.sqrt(channels),
        "the channels count as well as the window": gain / size,
        "the root is missing": gain / (channels * size * size),
        "the gain is missing": 1 / np.sqrt(channels * size * size)}, within=0.05)


@CHECKS("the weights come from rng")
def from_rng(work):
    seed = int(work.rng.integers(2 ** 31))
    one, two, other = (work.call("beginning", 2, 3, 3, number, {}, doing="Conv2d(2, 3, 3, rng)")[0]
                       for number in (seed, seed, seed + 1))
    if not np.array_equal(one, two) or np.array_equal(one, other):
        raise work.wrong(INIT, "the weights are to be drawn from rng: the same for the same rng, "
                               "and others for another one")


@CHECKS("a layer keeps the size of a picture")
def layer(work):
    for size, shape in ((3, (2, 2, 4, 5)), (1, (1, 3, 2, 3)), (5, (1, 2, 6, 5))):
        x, b = work.rng.normal(size=shape), work.rng.normal(size=3)
        w = work.rng.normal(size=(3, shape[1], size, size))
        g = work.rng.normal(size=(shape[0], 3, *shape[2:]))
        found, of_x, of_w, of_b = work.call("layer", x, w, b, g, doing=f"a layer of size {size}")
        work.same(CALL, f"a layer of filters of {size} × {size}", found,
                  convolved(x, w, b, size // 2))
        if of_x is None or of_w is None or of_b is None:
            raise work.wrong(CALL, "pictures, weights and bias are all to receive a gradient")
        u = [work.rng.normal(size=array.shape) for array in (x, w, b)]

        def moved(t, x=x, w=w, b=b, u=u, g=g, padding=size // 2):
            return (convolved(x + t * u[0], w + t * u[1], b + t * u[2], padding) * g).sum()

        claimed = sum((one * two).sum() for one, two in zip((of_x, of_w, of_b), u))
        work.same(CALL, "its slope along a random direction", float(claimed),
                  slope_along(moved, np.array(0.0), np.array(1.0)), rtol=1e-6, atol=1e-6)


@CHECKS("each picture as one row")
def rows(work):
    for shape in ((2, 3, 4, 5), (1, 2, 2, 2), (4, 1, 3, 3)):
        check_rules(work, "flatten(x)", {"x": work.rng.normal(size=shape)}, where="flatten",
                    reference=lambda x: x.reshape(len(x), -1))


@CHECKS("a network of these layers learns")
def learns(work):
    """Two sorts of pictures: a line across, or a line down, anywhere."""
    x, labels = np.zeros((16, 1, 6, 6)), np.arange(16) % 2
    for picture, label, place in zip(x, labels, work.rng.integers(0, 6, 16)):
        picture[0, place if label else slice(None), slice(None) if label else place] = 1.0
    count, losses = work.call("network", x, labels, int(work.rng.integers(2 ** 31)),
                              doing="training a network", seconds=20.0)
    if count != 4:
        raise work.wrong(INIT, f"a network of a Conv2d and a Linear has {count} parameters, but "
                               f"should have 4")
    if not losses[-1] < 0.5 * losses[0]:
        raise work.wrong(CALL, f"a small network does not learn: its loss is {losses[0]:.3g} at "
                               f"first and {losses[-1]:.3g} after 15 steps")
