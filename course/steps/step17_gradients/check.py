"""Checks of step 17."""

from functools import partial

import numpy as np

from course.grading.checks import Checks
from course.grading.gradients import check_rules
from course.grading.layers import convolved, where_it_begins
from course.grading.work import close

CHECKS = Checks()
PLACES = {"x": "conv2d_x", "w": "conv2d_w", "b": "conv2d_b"}

# Shapes of x and w, and the padding.
CASES = (((2, 3, 4, 5), (2, 3, 2, 3), 0), ((2, 2, 3, 4), (3, 2, 3, 2), 1),
         ((1, 2, 2, 3), (2, 2, 1, 1), 0), ((2, 1, 3, 2), (1, 1, 2, 2), 2),
         ((2, 2, 3, 3), (2, 2, 3, 3), 1))


def inputs_of(work, of_x, of_w):
    return {"x": work.rng.normal(size=of_x), "w": work.rng.normal(size=of_w),
            "b": work.rng.normal(size=of_w[0])}


def text_of(padding):
    return f"conv2d(x, w, b, padding={padding})" if padding else "conv2d(x, w, b)"


MEANINGS = (
    ("IndexError", "out of bounds", "of g[n, f, i, j] n counts pictures, f filters, i and j places "
                                    "down and across; the loop runs over g.shape"),
    ("ValueError", "broadcast", "the window at (i, j) of picture n has the rows i to i + high and "
                                "the columns j to j + wide of the padded picture, and all "
                                "channels, as the filter has"),
    ("TypeError", "'NoneType'", "a rule returns None: is a `return` missing?"),
    ("AttributeError", "'NoneType'", "a rule returns None: is a `return` missing?"))


def sent_to_pictures(g, w, shape, padding, *, place=lambda i, j: (i, j), once=False,
                     cut=None, spread=lambda g, w: g * w):
    """What the pictures receive, by the loop; mistakes replace one of its parts.

    place : the window of a place.  once : copies overwrite each other.  cut : the border that is
    taken off, above and to the left.  spread : what a window gets.
    """
    high, wide = w.shape[2:]
    result = np.zeros((*shape[:2], shape[2] + 2 * padding, shape[3] + 2 * padding))
    for n, f, i, j in np.ndindex(g.shape):
        i_to, j_to = place(i, j)
        window = result[n, :, i_to:i_to + high, j_to:j_to + wide]
        if window.shape == w[f].shape:
            window[...] = spread(g[n, f, i, j], w[f]) + (0 if once else window)
    first = padding if cut is None else cut
    return result[:, :, first:first + shape[2], first:first + shape[3]]


def sent_to_filters(g, x, shape, padding, *, once=False, met=lambda g, x: g * x, to=lambda f: f):
    """What the filters receive, by the loop; mistakes replace one of its parts."""
    high, wide = shape[2:]
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    result = np.zeros(shape)
    for n, f, i, j in np.ndindex(g.shape):
        window = met(g[n, f, i, j], x[n, :, i:i + high, j:j + wide])
        result[to(f)] = window + (0 if once else result[to(f)])
    return result


def first_turn(g):
    """g, of which all but the first number is 0."""
    only = np.zeros_like(g)
    only[0, 0, 0, 0] = g[0, 0, 0, 0]
    return only


RETURN = "only the first number of g has been sent; does `return` stand within the loop?"
ONCE = "a later {0} overwrites the earlier ones; they add up, by `+=`"


def wrong_for_pictures(g, w, shape, padding):
    """What the pictures receive by common mistakes."""
    def sent(g=g, w=w, **parts):
        return sent_to_pictures(g, w, shape, padding, **parts)

    right, turns = sent(), g[0].size // g.shape[1]
    likely = {
        ONCE.format("copy"): sent(once=True), RETURN: sent(first_turn(g)),
        "the filter is turned round by 180°; each weight goes back to the pixel it was laid on":
            sent(w=w[:, :, ::-1, ::-1]),
        "the filter is upside down; each weight goes back to the pixel it was laid on":
            sent(w=w[:, :, ::-1]),
        "the filter is turned from left to right; each weight goes back to the pixel it was laid "
        "on": sent(w=w[:, :, :, ::-1]),
        "down and across are exchanged: g at (i, j) goes to the window at (i, j)":
            sent(place=lambda i, j: (j, i)),
        "it went to another window; g at (i, j) goes to the window that begins at (i, j)":
            sent(place=lambda i, j: (i, j - 1) if j else (i, j)),
        "each copy of the filter has to be multiplied by its g": sent(spread=lambda g, w: w),
        "each pixel of the window gets g alone; multiply by the weight that was laid on it":
            sent(spread=lambda g, w: g + 0 * w),
        "each pixel of the window gets g times the sum of the filter; multiply by the weight that "
        "was laid on it": sent(spread=lambda g, w: g * w.sum() + 0 * w),
        "g is added to the weights; it multiplies them": sent(spread=lambda g, w: g + w),
        "the first filter is used for all; each g goes back with its own, number f":
            sent(w=np.repeat(w[:1], len(w), axis=0)),
        "only the g of the first filter are sent; all filters add up":
            sent(g * (np.arange(len(w)) == 0)[:, None, None]),
        "only the g of the last filter are sent; all filters add up":
            sent(g * (np.arange(len(w)) == len(w) - 1)[:, None, None]),
        "only the first picture receives anything":
            sent(g * (np.arange(len(g)) == 0)[:, None, None, None]),
        "every picture receives what all of them should; picture n gets its own g":
            np.repeat(right.sum(axis=0, keepdims=True), len(right), axis=0),
        "this is a mean over the places; take the sum": right / turns,
        "with a padding of 0 the slice `padding:-padding` is `0:-0`, which is empty; name the end "
        "as padding + height": np.zeros((*shape[:2], 0, 0)),
        "the sign is flipped": -right, "nothing is sent": 0 * right}
    if w.shape[2] == w.shape[3]:
        likely["rows and columns of the filter are exchanged"] = sent(w=w.transpose(0, 1, 3, 2))
    if padding:
        likely |= {
            "the border is taken off below and on the right only; it lies on all four sides":
                sent(cut=0),
            "the border is taken off above and on the left only; it lies on all four sides":
                sent(cut=2 * padding),
            "the border is still there; return the middle": whole(g, w, shape, padding)}
    return likely


def whole(g, w, shape, padding):
    """What the pictures and their border receive."""
    bordered = (*shape[:2], shape[2] + 2 * padding, shape[3] + 2 * padding)
    return sent_to_pictures(g, w, bordered, 0)


def wrong_for_filters(g, x, shape, padding):
    """What the filters receive by common mistakes."""
    def sent(g=g, x=x, **parts):
        return sent_to_filters(g, x, shape, padding, **parts)

    right, turns = sent(), g.size // g.shape[1]
    likely = {
        ONCE.format("window"): sent(once=True), RETURN: sent(first_turn(g)),
        "the window is turned round by 180°; each weight meets the pixel it was laid on":
            right[:, :, ::-1, ::-1],
        "the window is upside down": right[:, :, ::-1],
        "the window is turned from left to right": right[:, :, :, ::-1],
        "each window has to be multiplied by its g": sent(met=lambda g, x: x),
        "each weight gets g alone; multiply by the pixel that it met":
            sent(met=lambda g, x: g + 0 * x),
        "each weight gets g times the sum of the window; multiply by the pixel that it met":
            sent(met=lambda g, x: g * x.sum() + 0 * x),
        "each weight gets the same for all channels; multiply by the pixel of its own channel":
            sent(met=lambda g, x: g * x.sum(axis=0) + 0 * x),
        "g is added to the window; it multiplies it": sent(met=lambda g, x: g + x),
        "all goes to the first filter; each g goes to its own, number f": sent(to=lambda f: 0),
        "every filter receives the g of all of them; each has its own":
            np.repeat(right.sum(axis=0, keepdims=True), len(right), axis=0),
        "only the first picture is looked at; they all add up": sent(g[:1], x[:1]),
        "only the last picture is looked at; they all add up": sent(g[-1:], x[-1:]),
        "the first picture is taken for all; each g meets its own, number n":
            sent(x=np.repeat(x[:1], len(x), axis=0)),
        "this is a mean over places and pictures; take the sum": right / turns,
        "this is a mean over the pictures; take the sum": right / len(x),
        "this is a mean over the places; take the sum": right / (turns // len(x)),
        "the sign is flipped": -right, "nothing is sent": 0 * right}
    if g.shape[2] == g.shape[3]:
        likely["down and across are exchanged: g at (i, j) belongs to the window at (i, j)"] = sent(
            g.transpose(0, 1, 3, 2))
    return likely


def wrong_for_biases(g):
    """What the biases receive by common mistakes."""
    keep = "each bias receives the g of its own filter, of all pictures and all places: "
    return {
        keep + "sum over the pictures, too": g.sum(axis=(2, 3)),
        keep + "sum over the places, too": g.sum(axis=0),
        keep + "the filters are summed here, and the pictures are not": g.sum(axis=(1, 2, 3)),
        keep + "here all filters are summed, too": g.sum(),
        keep + "the places across are not summed": g.sum(axis=(0, 2)),
        keep + "the places down are not summed": g.sum(axis=(0, 3)),
        keep + "this is g as it came": g,
        keep + "the summed dimensions are still there, with length 1":
            g.sum(axis=(0, 2, 3), keepdims=True),
        keep + "this is the mean; take the sum": g.mean(axis=(0, 2, 3)),
        keep + "this is the mean over the pictures; sum over them":
            g.mean(axis=0).sum(axis=(1, 2)),
        keep + "this is the mean over the places; sum over them":
            g.mean(axis=(2, 3)).sum(axis=0),
        keep + "this is the mean over the places": g.mean(axis=(2, 3)),
        keep + "only the first picture counts here": g[0].sum(axis=(1, 2)),
        "how many numbers a bias was added to does not count, but their g": np.full(
            g.shape[1], float(g[:, 0].size)),
        "the sign is flipped": -g.sum(axis=(0, 2, 3))}


def or_where(work, which, found, mistakes, *given):
    """The common mistakes; if none of them fits, the case from which on the gradient is wrong."""
    likely = mistakes(*given)
    if any(close(found[which], value) for value in likely.values()):
        return likely

    def fits(of_x, of_w, padding):
        inputs = inputs_of(work, of_x, of_w)
        g = work.rng.normal(size=convolved(*inputs.values(), padding).shape)
        own = work.call("pulled", text_of(padding), inputs, g, doing="a backward pass")[which]
        return close(own, sent_to_filters(g, inputs["x"], of_w, padding) if which else
                     sent_to_pictures(g, inputs["w"], of_x, padding))

    return {where_it_begins(fits): found[which]}


@CHECKS("what pictures, filters and biases receive", *MEANINGS)
def received(work):
    for of_x, of_w, padding in (((3, 2, 4, 4), (4, 2, 2, 2), 0), ((2, 3, 4, 5), (2, 3, 3, 2), 1)):
        inputs = inputs_of(work, of_x, of_w)
        x, w, b = inputs.values()
        g = work.rng.normal(size=convolved(x, w, b, padding).shape)
        found = work.call("pulled", text_of(padding), inputs, g,
                          doing=f"the backward pass of {text_of(padding)}")
        what = f"what the {{}} receive from {text_of(padding)}, x of shape {of_x}, w of {of_w},"
        work.same("conv2d_x", what.format("pictures"), found[0],
                  sent_to_pictures(g, w, of_x, padding),
                  likely=partial(or_where, work, 0, found, wrong_for_pictures, g, w, of_x, padding))
        work.same("conv2d_w", what.format("filters"), found[1],
                  sent_to_filters(g, x, of_w, padding),
                  likely=partial(or_where, work, 1, found, wrong_for_filters, g, x, of_w, padding))
        work.same("conv2d_b", what.format("biases"), found[2], g.sum(axis=(0, 2, 3)),
                  likely=partial(wrong_for_biases, g))


@CHECKS("one element of g, by hand", *MEANINGS)
def by_hand(work):
    """A single pixel, a single weight, a single place: what goes where."""
    w = np.array([[[[1.0, 10.0], [100.0, 1000.0]]]])
    x = np.arange(1.0, 10).reshape(1, 1, 3, 3)
    g = np.zeros((1, 1, 2, 2))
    g[0, 0, 0, 1] = 2.0
    of_x, of_w, of_b = work.call("pulled", "conv2d(x, w, b)", {"x": x, "w": w, "b": np.zeros(1)}, g,
                                 doing="the backward pass of conv2d")
    what = "where g is 2 at the place (0, 1) and 0 elsewhere, what the {} receive{}"
    work.same("conv2d_x", what.format("nine pixels", ""), of_x,
              np.array([[[[0.0, 2, 20], [0, 200, 2000], [0, 0, 0]]]]))
    work.same("conv2d_w", what.format("four weights", ""), of_w,
              2 * np.array([[[[2.0, 3], [5, 6]]]]))
    work.same("conv2d_b", what.format("bias", "s"), of_b, np.array([2.0]))


@CHECKS("the three gradients, in all shapes")
def gradients(work):
    for of_x, of_w, padding in CASES:
        check_rules(work, text_of(padding), inputs_of(work, of_x, of_w), where=PLACES,
                    reference=lambda x, w, b, padding=padding: convolved(x, w, b, padding))


@CHECKS("two convolutions, one after the other")
def twice(work):
    given = inputs_of(work, (1, 2, 4, 4), (2, 2, 2, 2))
    check_rules(work, "conv2d(tanh(conv2d(x, w, b)), w, b, padding=1)", given, where=PLACES,
                reference=lambda x, w, b: convolved(np.tanh(convolved(x, w, b)), w, b, 1))


@CHECKS("a gradient for the filters alone")
def alone(work):
    given = inputs_of(work, (2, 2, 3, 3), (2, 2, 2, 2))
    g = work.rng.normal(size=(2, 2, 2, 2))
    found = work.call("frozen", *given.values(), g, doing="a pass for the filters alone")
    right = sum(np.einsum("f,chw->fchw", g[n, :, i, j], given["x"][n, :, i:i + 2, j:j + 2])
                for n, i, j in np.ndindex(2, 2, 2))
    work.same("conv2d_w", "the gradient of the filters alone", found[1], right)
    if found[0] is not None or found[2] is not None:
        raise work.wrong("Tensor.backward", "pictures or biases have a gradient that nobody "
                                            "asked for")
