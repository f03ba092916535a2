"""Checks of step 20."""

import numpy as np

from course.grading.checks import Checks
from course.grading.gradients import check_rules
from course.grading.layers import check_beginning, convolved
from course.grading.painting import slope_along

CHECKS = Checks()
INIT, CALL = "Conv2d.__init__", "Conv2d.__call__"


@CHECKS("how large the weights begin",
        ("AttributeError", "'parameters'", "a layer keeps its Tensors in the list self.parameters"),
        ("AttributeError", "'w'", "the weights of a layer are self.w"),
        ("AttributeError", "'b'", "the bias of a layer is self.b"))
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
        w_asked, b_asked = asked
        work.same(INIT, f"the shape of w of {what}", list(np.shape(w)),
                  [filters, channels, size, size], likely={
                      "the filters come first, then the channels": [channels, filters, size, size],
                      "height and width of a filter come last": [size, size, channels, filters],
                      "each filter has a window for each channel": [filters, size, size],
                      "each filter is to stay a picture, not a row":
                          [filters, channels * size * size]})
        work.same(INIT, f"b of {what}", b, np.zeros(filters), likely={
            "there is one bias for each filter, not for each channel": np.zeros(channels),
            "there is one bias for each filter": np.float64(0),
            "one number for each filter, without further dimensions": np.zeros((filters, 1, 1)),
            "the bias begins with zeros": np.ones(filters)})
        for name, require in (("w", w_asked), ("b", b_asked)):
            if not require:
                raise work.wrong(INIT, f"{name} of {what} does not require a gradient, so that it "
                                       f"would never be trained")
        if listed != ["w", "b"]:
            told = "has only " + listed[0] if listed in (["w"], ["b"]) else (
                "has b first" if listed == ["b", "w"] else "holds something else")
            raise work.wrong(INIT, f"`parameters` of {what} is to be the list [self.w, self.b], "
                                   f"but {told}; an optimizer moves what is in it")
        deviation(work, what, w, gain, channels, filters, size)


def deviation(work, what, w, gain, channels, filters, size):
    """How large the weights are."""
    window = size * size
    fan = channels * window
    check_beginning(work, INIT, what, w, gain / np.sqrt(fan), {
        "the channels and the window count, not the filters": gain / np.sqrt(filters * window),
        "the window counts as well as the channels": gain / np.sqrt(channels),
        "the channels count as well as the window": gain / size,
        "the window has size · size places": gain / np.sqrt(channels * size),
        "the filters do not count: only what goes into one result":
            gain / np.sqrt(filters * fan),
        "only what goes into one result counts, not what comes out as well":
            gain / np.sqrt(fan + filters * window),
        "only what goes into one result counts, not the mean with what comes out":
            gain / np.sqrt((fan + filters * window) / 2),
        "the root is missing": gain / fan,
        "rng.normal takes the deviation, not its square": gain ** 2 / fan,
        "the gain does not belong under the root": np.sqrt(gain / fan),
        "the gain counts twice here": gain ** 2 / np.sqrt(fan),
        "divide by the root, and multiply with the gain": 1 / (gain * np.sqrt(fan)),
        "the weights have to be divided by the root, not multiplied with it": gain * np.sqrt(fan),
        "this is the gain alone": gain,
        "numbers that are uniform between −σ and σ have a deviation of σ/√3 only":
            gain / np.sqrt(3 * fan),
        "the gain is missing": 1 / np.sqrt(fan),
        "the `gain` of the call is not used; its default is": 2 ** 0.5 / np.sqrt(fan)},
        within=0.05)


@CHECKS("the weights come from rng")
def from_rng(work):
    seed = int(work.rng.integers(2 ** 31))
    one, two, other = (work.call("beginning", 2, 3, 3, number, {}, doing="Conv2d(2, 3, 3, rng)")[0]
                       for number in (seed, seed, seed + 1))
    if not np.array_equal(one, two):
        raise work.wrong(INIT, "the weights differ for two generators that begin alike; draw them "
                               "from rng, and from nothing else")
    if np.array_equal(one, other):
        raise work.wrong(INIT, "the weights are the same for two generators that differ; draw them "
                               "from rng")


@CHECKS("a layer keeps the size of a picture")
def layer(work):
    for size, shape in ((3, (2, 2, 4, 5)), (1, (1, 3, 2, 3)), (5, (1, 2, 6, 5))):
        x, b = work.rng.normal(size=shape), work.rng.normal(size=3)
        w = work.rng.normal(size=(3, shape[1], size, size))
        g = work.rng.normal(size=(shape[0], 3, *shape[2:]))
        found, of_x, of_w, of_b = work.call("layer", x, w, b, g, doing=f"a layer of size {size}")
        right = convolved(x, w, b, size // 2)
        work.same(CALL, f"a layer of filters of {size} × {size}", found, right,
                  likely={**other_paddings(x, w, b, size),
                          "the bias is missing": convolved(x, w, 0 * b, size // 2),
                          "no ReLU belongs in the layer; it comes behind it":
                              np.maximum(right, 0)})
        lost = [name for name, gradient in (("the pictures", of_x), ("w", of_w), ("b", of_b))
                if gradient is None]
        if lost:
            raise work.wrong(CALL, f"{' and '.join(lost)} should receive a gradient, but receive "
                                   f"none: hand the Tensors themselves to conv2d, not their data")
        u = [work.rng.normal(size=array.shape) for array in (x, w, b)]

        def moved(t, x=x, w=w, b=b, u=u, g=g, padding=size // 2):
            return (convolved(x + t * u[0], w + t * u[1], b + t * u[2], padding) * g).sum()

        claimed = sum((one * two).sum() for one, two in zip((of_x, of_w, of_b), u))
        work.same(CALL, "its slope along a random direction", float(claimed),
                  slope_along(moved, np.array(0.0), np.array(1.0)), rtol=1e-6, atol=1e-6)


def other_paddings(x, w, b, size):
    """What a layer returns with a padding that does not keep the size of the picture."""
    return {f"this is a padding of {padding}; to keep the size it takes (size − 1) // 2":
            convolved(x, w, b, padding) for padding in range(size + 2)
            if padding != size // 2 and min(x.shape[2:]) + 2 * padding >= size}


@CHECKS("each picture as one row",
        ("TypeError", "'tuple' object", "`reshape` of a Tensor takes the lengths one by one"))
def rows(work):
    for shape in ((2, 3, 4, 5), (1, 2, 2, 2), (4, 1, 3, 3)):
        x = work.rng.normal(size=shape)
        n, channels, *_ = shape
        found = work.call("value_of", "flatten(x)", {"x": x}, doing="flatten(x)")
        work.same("flatten", f"flatten(x) for x of shape {shape}", found, x.reshape(n, -1), likely={
            "each channel is a row here; all channels of a picture belong in one row":
                x.reshape(n * channels, -1),
            "the channels are still apart; all of a picture belongs in one row":
                x.reshape(n, channels, -1),
            "all pictures are in one row here; the first dimension counts them, and has to stay":
                x.reshape(-1),
            "all pictures are in one row; the first dimension counts them, and has to stay":
                x.reshape(1, -1),
            "each picture is a column here": x.reshape(n, -1).T,
            "the pictures got mixed up: their rows are cut across": x.reshape(-1, n).T,
            "a picture's channels come one after the other, each row by row":
                x.transpose(0, 2, 3, 1).reshape(n, -1),
            "each column of a picture is taken first; go row by row":
                x.transpose(0, 1, 3, 2).reshape(n, -1)})
        check_rules(work, "flatten(x)", {"x": x}, where="flatten",
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
        raise work.wrong("Sequential.__init__", f"a network of a Conv2d and a Linear has {count} "
                         f"parameters, but should have 4: a Sequential takes the `parameters` of "
                         f"each layer that has some, whatever its class")
    if not losses[-1] < 0.5 * losses[0]:
        raise work.wrong(CALL, f"a small network does not learn: its loss is {losses[0]:.3g} at "
                               f"first and {losses[-1]:.3g} after 15 steps")
