"""Checks of step 16."""

from functools import partial

import numpy as np

from course.grading.checks import Checks
from course.grading.layers import convolved, where_it_begins
from course.grading.work import close

CHECKS = Checks()


EMPTY = ("ValueError", "0,0)", "with a padding of 0 the slice `padding:-padding` is `0:-0`, which "
                               "is empty; name the end as padding + height")
FOR_EACH = ("ValueError", "setting an array element with a sequence",
            "a whole array stands where a single number should: sum over channels, height and "
            "width, and add the bias of this filter only")


@CHECKS("a border of zeros", EMPTY,
        ("ValueError", "setting an array element with a sequence",
         "np.pad takes a pair for each dimension: before it and behind it"),
        ("ValueError", "could not broadcast", "the place in the middle has another shape than x"))
def border(work):
    for shape, padding in (((2, 3, 4, 5), 1), ((1, 1, 2, 3), 2), ((2, 1, 3, 3), 0)):
        x = work.rng.normal(size=shape)
        found, kept = work.call("bordered", x, padding, doing=f"padded(x, {padding})")
        n, channels, height, width = shape
        right = np.zeros((n, channels, height + 2 * padding, width + 2 * padding))
        right[:, :, padding:padding + height, padding:padding + width] = x
        work.same("padded", f"padded(x, {padding}) with x of shape {shape}", found, right,
                  likely=partial(misbordered, x, padding))
        if not kept:
            raise work.wrong("padded", "padded changed x in place")


def misbordered(x, padding):
    """Pictures with a wrong border."""
    def sides(down, across, others=(0, 0), **options):
        return np.pad(x, (others, others, down, across), **options)

    none, one, both, two = (0, 0), (padding, 0), (padding, padding), (2 * padding, 2 * padding)
    corner = (0, 2 * padding)
    return {
        "pictures and channels got a border, too; only height and width are to":
            np.pad(x, padding),
        "pictures and channels got the border, height and width did not":
            sides(none, none, both),
        "the channels got a border, too": np.pad(x, (none, both, both, both)),
        "the border is on two sides only": sides(one, one),
        "the border is below and on the right only": sides(one[::-1], one[::-1]),
        "the picture lies at the top left; it belongs into the middle, with as much of the border "
        "above and to the left": sides(corner, corner),
        "the picture lies at the bottom right; it belongs into the middle":
            sides(corner[::-1], corner[::-1]),
        "only the height got a border": sides(both, none),
        "only the width got a border": sides(none, both),
        "the border is twice as wide as it should be": sides(two, two),
        "the border is one pixel wide, whatever the padding is": sides((1, 1), (1, 1)),
        "there is no border": x,
        "there is the border, but the picture was not put into the middle": 0 * sides(both, both),
        "the border is of ones; it has to be of zeros": sides(both, both, constant_values=1),
        "the border repeats the outer pixels; it has to be of zeros":
            sides(both, both, mode="edge"),
        "the border mirrors the picture; it has to be of zeros": sides(
            both, both, mode="symmetric") if padding else x,
        "the border continues the picture from the other side; it has to be of zeros":
            sides(both, both, mode="wrap") if padding else x}


# Shapes of x and w, and the padding.
CASES = (((2, 3, 5, 4), (4, 3, 3, 2), 0), ((2, 2, 3, 4), (3, 2, 3, 3), 1),
         ((1, 1, 4, 5), (1, 1, 2, 3), 0), ((1, 2, 3, 3), (2, 2, 1, 1), 0),
         ((3, 1, 2, 3), (2, 1, 2, 3), 0), ((1, 1, 2, 2), (1, 1, 3, 3), 2))


def mistakes(x, w, b, padding):
    """Results of common mistakes, by their sentences."""
    def result(x=x, w=w, b=b, padding=padding):
        return convolved(x, w, b, padding)

    right, size, zero = result(), w[0].size, np.zeros_like(b)
    first, last = np.zeros_like(right), np.zeros_like(right)
    first[0, 0, 0, 0], last[-1, -1, -1, -1] = right[0, 0, 0, 0], right[-1, -1, -1, -1]
    turned = "the filter lies on the window turned round by 180°; lay it as it is"
    likely = {
        "the bias is missing": result(b=zero),
        "the bias is subtracted; it is added": result(b=-b),
        "the bias multiplies; it is added": result(b=zero) * b[:, None, None],
        "the bias is added for each channel and pixel, within the sum": result(b=b * size),
        "the bias is added for each channel": result(b=b * w.shape[1]),
        "all biases are added to each result; each filter has its own":
            result(b=zero + b.sum()),
        "the first bias is added everywhere; each filter has its own": result(b=zero + b[0]),
        turned: result(w=w[:, :, ::-1, ::-1]),
        "the filter lies on the window upside down; lay it as it is": result(w=w[:, :, ::-1]),
        "the filter lies on the window turned from left to right; lay it as it is":
            result(w=w[:, :, :, ::-1]),
        "these are means; take sums": result(w=w / size),
        "these are means, of which the bias is a part; take sums": result(w=w / size, b=b / size),
        "this is the first channel only; sum over all": result(x[:, :1], w[:, :1]),
        "this is the last channel only; the channels add up": result(x[:, -1:], w[:, -1:]),
        "the bias alone is there; window times filter is missing": result(w=0 * w),
        "this is the sum of the window, and the filter is missing": result(w=0 * w + 1),
        "this is the sum of the filter, and the window is missing": result(x=0 * x + 1, padding=0)
        if not padding else 0,
        "the first filter is used for all; the number of the filter is f":
            result(w=np.repeat(w[:1], len(w), axis=0)),
        "the first picture is used for all; the number of the picture is n":
            result(x=np.repeat(x[:1], len(x), axis=0)),
        "only the first number is there; does `return` stand within the loop?": first,
        "only the last number is there; put each into its own place": last,
        "the array for the result stays as it was made, of zeros": 0 * right,
        "all pictures are added up; each has its own result":
            right * 0 + result(b=zero).sum(axis=0) + b[:, None, None],
        "numbers add up from place to place": np.cumsum(right.ravel()).reshape(right.shape)}
    if w.shape[2] == w.shape[3]:
        likely["the rows and columns of the filter are exchanged"] = result(
            w=w.transpose(0, 1, 3, 2))
    if right.shape[2] == right.shape[3]:
        likely["down and across are exchanged in the result"] = right.transpose(0, 1, 3, 2)
    likely["the dimensions of the result are in another order; they are picture, filter, down, "
           "across"] = right.transpose(1, 0, 2, 3)
    likely["filters come last in the result; they come second"] = right.transpose(0, 2, 3, 1)
    likely["the last place down and across is missing: h − k + 1 places fit, not h − k"] = (
        right[:, :, :-1, :-1])
    if padding:
        fits = min(np.subtract(x.shape[2:], w.shape[2:])) >= 0
        likely["the border is missing"] = result(padding=0) if fits else None
        likely["the border is there twice"] = result(padding=2 * padding)
    else:
        likely["the picture got a border of one pixel, though the padding is 0"] = result(padding=1)
    return {sentence: value for sentence, value in likely.items() if value is not None}


def likely_mistakes(work, found, *inputs):
    """The same; if none of them fits, the case from which on the result is wrong."""
    likely, right = mistakes(*inputs), convolved(*inputs)
    if any(close(found, value) for value in likely.values()):
        return likely
    if np.ndim(found) == 4 and np.shape(found) != right.shape:
        names = ("pictures", "filters", "places down (height − high + 1 of the padded picture)",
                 "places across (width − wide + 1 of the padded picture)")
        return {"; ".join(f"there are {should} {name}, not {own}" for name, own, should in zip(
            names, np.shape(found), right.shape) if own != should): found}

    def fits(of_x, of_w, padding):
        given = [work.rng.normal(size=shape) for shape in (of_x, of_w, of_w[:1])]
        own = work.call("value_of", f"conv2d(x, w, b, padding={padding})",
                        dict(zip("xwb", given)), doing="conv2d")
        return close(own, convolved(*given, padding))

    x, w, b, padding = inputs
    alone = work.call("value_of", f"conv2d(x, w, b, padding={padding})",
                      {"x": x, "w": w, "b": 0 * b}, doing="conv2d")
    if close(alone, convolved(x, w, 0 * b, padding)):
        return {"without biases it is right; each filter adds its own, b[f]": found}
    return {where_it_begins(fits): found}


@CHECKS("each filter on each place of each picture", FOR_EACH,
        ("IndexError", "out of bounds", "of out[n, f, i, j] n counts pictures, f filters, i and j "
                                        "places down and across; w and b are indexed by f"),
        ("ValueError", "mismatch in its core", "a window times a filter is element by element, "
                                               "by `*`"),
        ("ValueError", "broadcast", "window and filter differ in shape: the window at (i, j) has "
                                    "the rows i to i + high and the columns j to j + wide of the "
                                    "padded picture, and all channels; h − k + 1 places fit"))
def convolution(work):
    for of_x, of_w, padding in CASES:
        x, w = work.rng.normal(size=of_x), work.rng.normal(size=of_w)
        b = work.rng.normal(size=of_w[0])
        text = "conv2d(x, w, b)" if not padding else f"conv2d(x, w, b, padding={padding})"
        found = work.call("value_of", text, {"x": x, "w": w, "b": b}, doing=text)
        work.same("conv2d", f"{text} with x of shape {of_x} and w of shape {of_w}", found,
                  convolved(x, w, b, padding),
                  likely=partial(likely_mistakes, work, found, x, w, b, padding))


@CHECKS("whole numbers by hand")
def by_hand(work):
    x = np.arange(1.0, 10).reshape(1, 1, 3, 3)
    w = np.array([[[[1.0, 10.0], [100.0, 1000.0]]]])
    found = work.call("value_of", "conv2d(x, w, b)", {"x": x, "w": w, "b": np.array([0.5])},
                      doing="conv2d of 1 … 9 with 1, 10, 100, 1000")
    work.same("conv2d", "conv2d of the picture 1 2 3 / 4 5 6 / 7 8 9 with the filter 1 10 / "
              "100 1000 and the bias 0.5", found, np.array(
                  [[[[5421.5, 6532.5], [8754.5, 9865.5]]]]), likely={
                  "the filter lies on the window turned round by 180°; lay it as it is": np.array(
                      [[[[1245.5, 2356.5], [4578.5, 5689.5]]]])})
