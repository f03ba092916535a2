"""Checks of step 18."""

import itertools
from functools import partial

import numpy as np

from course.grading.checks import Checks
from course.grading.gradients import check_rules
from course.grading.layers import convolved, where_it_begins
from course.grading.verdict import Wrong
from course.grading.work import close

CHECKS = Checks()

# Shapes of x, height and width of a window, and the padding.
WINDOWS = (((2, 3, 4, 5), 2, 3, 0), ((1, 2, 3, 2), 3, 2, 1), ((2, 2, 3, 3), 1, 1, 0),
           ((3, 1, 2, 4), 2, 2, 2), ((2, 2, 3, 3), 3, 3, 1))
# Shapes of x and w, and the padding.
CASES = (((2, 3, 4, 5), (2, 3, 2, 3), 0), ((2, 2, 3, 4), (3, 2, 3, 2), 1),
         ((3, 2, 2, 3), (2, 2, 1, 1), 0), ((2, 2, 3, 3), (2, 2, 3, 3), 1))


def rows_of(x, high, wide, padding):
    """The windows, one after the other; beside each its picture and place."""
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    places = list(np.ndindex(len(x), x.shape[2] - high + 1, x.shape[3] - wide + 1))
    return np.array([x[n, :, i:i + high, j:j + wide].ravel() for n, i, j in places]), places


DIMENSIONS = ("picture", "channel", "down", "across", "row of the window", "column of the window")


def places_of(x, high, wide, padding):
    """The windows of the padded pictures, in the order of DIMENSIONS."""
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    return np.lib.stride_tricks.sliding_window_view(x, (high, wide), axis=(2, 3))


def orders(right):
    """Every other order of six dimensions, with its sentence."""
    def told(order):
        return ", ".join(DIMENSIONS[i] for i in order)

    for order in itertools.permutations(range(6)):
        if order != right:
            yield order, (f"the dimensions are in the order {told(order)}; they have to be in the "
                          f"order {told(right)}")


def wrong_rows(x, high, wide, padding):
    """The matrix of windows by common mistakes."""
    right, _ = rows_of(x, high, wide, padding)
    places = places_of(x, high, wide, padding)
    likely = {sentence: places.transpose(order).reshape(right.shape)
              for order, sentence in orders((0, 2, 3, 1, 4, 5))}
    return {
        "the dimensions are still in the order of `places`; before a matrix is made of them, the "
        "places have to stand before the channel": places.reshape(right.shape),
        "windows are the rows of the matrix, not its columns": right.T,
        "this is not a matrix yet: picture and place become one dimension, channel and window the "
        "other": places.transpose(0, 2, 3, 1, 4, 5),
        "each channel of a window has a row of its own; a row is a whole window":
            right.reshape(-1, high * wide),
        "the border is missing": rows_of(x, high, wide, 0)[0] if padding else right,
        "each picture has a row, or a matrix, of its own; put the windows of all pictures below "
        "each other": right.reshape(len(x), -1, right.shape[1]), **likely}


@CHECKS("every window as a row",
        ("ValueError", "cannot reshape", "the matrix has a row for each picture and place, and "
                                         "channels · high · wide columns"),
        ("ValueError", "axes don't match", "`places` has six dimensions; name all of them"))
def of_windows(work):
    for shape, high, wide, padding in WINDOWS:
        x = work.rng.normal(size=shape)
        text = f"windows(x, {high}, {wide}, {padding})"
        found = work.call("value_of", text, {"x": x}, doing=text)
        work.same("windows", f"{text} with x of shape {shape}", found,
                  rows_of(x, high, wide, padding)[0],
                  likely=partial(wrong_rows, x, high, wide, padding))


def scattered(places, shape, high, wide, padding, *, once=False, cut=None, back=False):
    """What the pictures receive from all windows; mistakes replace a part.

    places : in the order picture, channel, down, across, row, column.  once : pixels overwrite each
    other.  cut : the border that is taken off above and to the left.  back : the pixel's picture
    is laid down mirrored.
    """
    n, channels, height, width = shape
    result = np.zeros((n, channels, height + 2 * padding, width + 2 * padding))
    down, across = places.shape[2:4]
    for i, j in np.ndindex(high, wide):
        to = (high - 1 - i, wide - 1 - j) if back else (i, j)
        window = result[:, :, to[0]:to[0] + down, to[1]:to[1] + across]
        window[...] = places[..., i, j] + (0 if once else window)
    first = padding if cut is None else cut
    return result[:, :, first:first + height, first:first + width]


def wrong_pictures(g, shape, high, wide, padding):
    """What the pictures receive by common mistakes."""
    n, channels, height, width = shape
    down, across = height + 2 * padding - high + 1, width + 2 * padding - wide + 1
    sizes = (n, channels, down, across, high, wide)
    right = (0, 2, 3, 1, 4, 5)
    places = g.reshape([sizes[i] for i in right]).transpose(np.argsort(right))
    case = shape, high, wide, padding

    def taken_for(order):
        return scattered(g.reshape([sizes[i] for i in order]).transpose(np.argsort(order)), *case)

    only = np.zeros_like(places)
    only[..., 0, 0] = places[..., 0, 0]
    bordered = (n, channels, height + 2 * padding, width + 2 * padding)
    return {
        "what overlapping windows send is overwritten; it adds up, by `+=`":
            scattered(places, *case, once=True),
        "only the first pixel of each window has been sent; does `return` stand within the loop?":
            scattered(only, *case),
        "the window is turned round by 180°: pixel (i, j) of each window begins at (i, j)":
            scattered(places, *case, back=True),
        "the border is taken off below and on the right only; it lies on all four sides":
            scattered(places, *case, cut=0) if padding else 0,
        "the border is taken off above and on the left only; it lies on all four sides":
            scattered(places, *case, cut=2 * padding) if padding else 0,
        "the border is still there; return the middle":
            scattered(places, bordered, high, wide, 0) if padding else 0,
        "with a padding of 0 the slice `padding:-padding` is `0:-0`, which is empty; name the end "
        "as padding + height": np.zeros((n, channels, 0, 0)),
        "this is a mean; uses add up": scattered(places, *case) / (high * wide),
        "nothing is sent": np.zeros(shape),
        **{"g was reshaped as if " + sentence.replace("the dimensions are", "its dimensions were")
           .replace("have to be", "are"): taken_for(order) for order, sentence in orders(right)}}


@CHECKS("each row goes back to its window",
        ("ValueError", "cannot reshape", "the rows of g are picture, down, across, its columns "
                                         "channel, row and column of the window"),
        ("ValueError", "axes don't match", "after the matrix is undone there are six dimensions"),
        ("ValueError", "broadcast", "one pixel of every window makes a picture of down × across, "
                                    "for each picture and channel; it is laid down from (i, j) on"))
def scattering(work):
    for shape, high, wide, padding in WINDOWS:
        rows, places = rows_of(np.zeros(shape), high, wide, padding)
        g = work.rng.normal(size=rows.shape)
        found, kept = work.call("scattered", g, shape, high, wide, padding, doing="put_windows")
        work.same("put_windows", f"put_windows for x of shape {shape}, windows of {high} × {wide} "
                  f"and padding {padding}", found, put_back(g, places, shape, high, wide, padding),
                  likely=partial(wrong_pictures, g, shape, high, wide, padding))
        if not kept:
            raise work.wrong("put_windows", "put_windows changed g in place")
        text, x = f"windows(x, {high}, {wide}, {padding})", work.rng.normal(size=shape)
        value = work.call("value_of", text, {"x": x}, doing=text)
        if close(value, rows_of(x, high, wide, padding)[0]):      # else another check tells
            check_rules(work, text, {"x": x}, where="put_windows",
                        reference=lambda x, case=(high, wide, padding): rows_of(x, *case)[0])


def put_back(g, places, shape, high, wide, padding):
    """The right answer: row by row, pixel by pixel."""
    n, channels, height, width = shape
    result = np.zeros((n, channels, height + 2 * padding, width + 2 * padding))
    for row, (n, i, j) in zip(g, places):
        result[n, :, i:i + high, j:j + wide] += row.reshape(channels, high, wide)
    return result[:, :, padding:padding + height, padding:padding + width]


def wrong_results(found, x, w, b, padding):
    """Convolutions by common mistakes in the layer and what follows."""
    right = convolved(x, w, b, padding)
    n, filters, down, across = right.shape
    rows = rows_of(x, *w.shape[2:], padding)[0]
    columns = w.reshape(filters, -1).T
    product = rows @ columns + b
    likely = {
        "the bias is missing": convolved(x, w, 0 * b, padding),
        "the border is missing": convolved(x, w, b) if padding and min(np.subtract(
            x.shape[2:], w.shape[2:])) >= 0 else 0,
        "the border is there twice": convolved(x, w, b, 2 * padding) if padding else 0,
        "the filters were cut into columns at the wrong places: each filter becomes a row, by a "
        "reshape to (filters, −1), and then a column, by permute":
            (rows @ w.reshape(-1, filters) + b).reshape(n, down, across, filters).transpose(
                0, 3, 1, 2),
        "the rows of the product are still a matrix; give it the shape of the result": product,
        "filters come last here; they come second": product.reshape(n, down, across, filters),
        "the filter lies on the window turned round by 180°; lay it as it is":
            convolved(x, w[:, :, ::-1, ::-1], b, padding)}
    sentence = ("the result has the right numbers in another order: the rows of the product are "
                "picture, down, across, and its columns the filters; so first a reshape to these "
                "four, then the filters to the second place")
    sizes, names = (n, down, across, filters), range(4)
    taken = (product.reshape([sizes[i] for i in order]).transpose(moved)
             for order in itertools.permutations(names)
             for moved in itertools.permutations(names))
    return likely | {sentence: next((value for value in taken if close(value, found)), None)}


def likely_results(work, found, *given):
    """The same; if none of them fits, the case from which on the result is wrong."""
    likely = wrong_results(found, *given)
    if any(close(found, value) for value in likely.values() if value is not None):
        return likely

    def fits(of_x, of_w, padding):
        inputs = [work.rng.normal(size=shape) for shape in (of_x, of_w, of_w[:1])]
        own = work.call("value_of", f"conv2d(x, w, b, padding={padding})",
                        dict(zip("xwb", inputs)), doing="conv2d")
        return close(own, convolved(*inputs, padding))

    return {where_it_begins(fits): found}


@CHECKS("the convolution, from operations that have their rules",
        ("AttributeError", "has no attribute 'T'", "a Tensor has no `T`; `permute(…, (1, 0))` "
                                                   "exchanges rows and columns"),
        ("AttributeError", "'numpy.ndarray' object", "x, w and b may be plain arrays here; use the "
                                                     "functions reshape(w, …) and permute(…, …), "
                                                     "which take both, not the methods"),
        ("AttributeError", "'Tensor' object", "conv2d is no operation any more, so Tensors stay "
                                              "Tensors in it; use what the engine has for them"),
        ("ValueError", "setting an array element", "a Tensor was put into an array, or into "
                                                   "another Tensor; here Tensors stay Tensors"),
        ("ValueError", "remapped shapes", "`padded` takes arrays; `windows` adds the border "
                                          "itself"),
        ("ValueError", "matmul needs shapes", "the windows have a row for each place, and each "
                                              "filter has to be a column"),
        ("ValueError", "cannot reshape", "the product has a row for each picture and place, and a "
                                         "column for each filter"),
        ("TypeError", "does not support ufuncs", "NumPy's functions take no Tensors; use the "
                                                 "engine's operations"),
        ("TypeError", "missing", "windows takes x, the height and width of a window, and the "
                                 "padding; linear takes x, w and b"))
def convolution(work):
    for of_x, of_w, padding in CASES:
        text = "conv2d(x, w, b)" if not padding else f"conv2d(x, w, b, padding={padding})"
        inputs = {"x": work.rng.normal(size=of_x), "w": work.rng.normal(size=of_w),
                  "b": work.rng.normal(size=of_w[0])}
        found = work.call("value_of", text, inputs, doing=text)
        work.same("conv2d", f"{text} with x of shape {of_x} and w of shape {of_w}", found,
                  convolved(*inputs.values(), padding),
                  likely=partial(likely_results, work, found, *inputs.values(), padding))
        check_rules(work, text, inputs, where="conv2d",
                    reference=lambda x, w, b, padding=padding: convolved(x, w, b, padding))
    x, w, b = (work.rng.normal(size=shape) for shape in ((2, 1, 3, 3), (2, 1, 2, 2), (2,)))
    work.same("conv2d", "conv2d of plain arrays", work.call("kept_by", x, w, b, doing="conv2d of "
                                                            "plain arrays"), convolved(x, w, b))


@CHECKS("no loop over places")
def turns(work):
    """How many lines of the reader's file run may not grow with the picture."""
    few, many = (work.call("lines_run", work.rng.normal(size=(2, 1, size, size)),
                           work.rng.normal(size=(2, 1, 2, 2)), doing="a convolution, forward and "
                           "back") for size in (6, 18))
    for where, one, two in zip(("windows", "put_windows", "conv2d"), few, many):
        if two > 3 * one:
            raise work.wrong(where, f"for a picture of 18 × 18 {where} runs {two} lines, for one "
                                    f"of 6 × 6 {one}: it loops over the places of a picture; loop "
                                    f"over the pixels of a window at most")


@CHECKS("fast enough for pictures")
def speed(work):
    x, w = work.rng.normal(size=(8, 4, 48, 48)), work.rng.normal(size=(6, 4, 3, 3))
    try:
        of_x, of_w = work.call("passed", x, w, np.zeros(6), doing="a convolution of eight pictures "
                               "of 48 × 48, forward and back", seconds=1.5)
    except Wrong as wrong:
        if "was not finished" in wrong.text:
            wrong.text = ("eight pictures of 48 × 48 took more than 1.5 seconds: loop over the "
                          "pixels of a window at most")
        raise
    ones = np.pad(np.ones((1, 1, 48, 48)), ((0, 0), (0, 0), (1, 1), (1, 1)))
    right = sum(w[:, :, i, j].sum(axis=0)[:, None, None] * ones[0, :, 2 - i:50 - i, 2 - j:50 - j]
                for i, j in np.ndindex(3, 3))
    work.same("put_windows", "what eight pictures of 48 × 48 receive from ones", of_x,
              np.broadcast_to(right, x.shape))
    bordered = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    window_sums = np.array([[bordered[:, :, i:i + 48, j:j + 48].sum(axis=(0, 2, 3))
                             for j in range(3)] for i in range(3)]).transpose(2, 0, 1)
    work.same("conv2d", "what six filters receive from ones", of_w,
              np.broadcast_to(window_sums, w.shape))
