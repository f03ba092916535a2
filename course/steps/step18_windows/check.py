"""Checks of step 18."""

import numpy as np

from course.grading.checks import Checks
from course.grading.gradients import check_rules
from course.grading.layers import convolved
from course.grading.verdict import Wrong

CHECKS = Checks()

# Shapes of x, height and width of a window, and the padding.
WINDOWS = (((2, 3, 4, 5), 2, 3, 0), ((1, 2, 3, 2), 3, 2, 1), ((2, 2, 3, 3), 1, 1, 0),
           ((3, 1, 2, 4), 2, 2, 2), ((2, 2, 3, 3), 3, 3, 1))
# Shapes of x and w, and the padding.
CASES = (((2, 3, 4, 5), (2, 3, 2, 3), 0), ((2, 2, 3, 4), (3, 2, 3, 2), 1),
         ((1, 2, 2, 3), (2, 2, 1, 1), 0), ((2, 2, 3, 3), (2, 2, 3, 3), 1))


def rows_of(x, high, wide, padding):
    """The windows, one after the other; beside each its picture and place."""
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    places = list(np.ndindex(len(x), x.shape[2] - high + 1, x.shape[3] - wide + 1))
    return np.array([x[n, :, i:i + high, j:j + wide].ravel() for n, i, j in places]), places


@CHECKS("every window as a row")
def of_windows(work):
    for shape, high, wide, padding in WINDOWS:
        x = work.rng.normal(size=shape)
        text = f"windows(x, {high}, {wide}, {padding})"
        right, _ = rows_of(x, high, wide, padding)
        last = right.reshape(-1, shape[1], high * wide).transpose(0, 2, 1).reshape(right.shape)
        found = work.call("value_of", text, {"x": x}, doing=text)
        first = np.concatenate([rows_of(x[:, c:c + 1], high, wide, padding)[0]
                                for c in range(shape[1])]).reshape(right.shape)
        work.same("windows", f"{text} with x of shape {shape}", found, right, likely={
            "the channels come last in each row here; they come first, as in the filters": last,
            "the dimensions are still in the old order; the places have to stand before the "
            "channel": first})


def put_back(g, shape, high, wide, padding):
    """The right answer: row by row, pixel by pixel."""
    n, channels, height, width = shape
    result = np.zeros((n, channels, height + 2 * padding, width + 2 * padding))
    _, places = rows_of(np.zeros(shape), high, wide, padding)
    for row, (n, i, j) in zip(g, places):
        result[n, :, i:i + high, j:j + wide] += row.reshape(channels, high, wide)
    return result[:, :, padding:padding + height, padding:padding + width]


@CHECKS("each row goes back to its window")
def scattering(work):
    for shape, high, wide, padding in WINDOWS:
        rows, _ = rows_of(np.zeros(shape), high, wide, padding)
        g = work.rng.normal(size=rows.shape)
        found, kept = work.call("scattered", g, shape, high, wide, padding, doing="put_windows")
        right = put_back(g, shape, high, wide, padding)
        work.same("put_windows", f"put_windows for x of shape {shape}, windows of {high} × {wide} "
                  f"and padding {padding}", found, right)
        if not kept:
            raise work.wrong("put_windows", "put_windows changed g in place")
        check_rules(work, f"windows(x, {high}, {wide}, {padding})",
                    {"x": work.rng.normal(size=shape)}, where="put_windows",
                    reference=lambda x, case=(high, wide, padding): rows_of(x, *case)[0])


@CHECKS("the convolution, from operations that have their rules")
def convolution(work):
    for of_x, of_w, padding in CASES:
        text = "conv2d(x, w, b)" if not padding else f"conv2d(x, w, b, padding={padding})"
        inputs = {"x": work.rng.normal(size=of_x), "w": work.rng.normal(size=of_w),
                  "b": work.rng.normal(size=of_w[0])}
        right = convolved(*inputs.values(), padding)
        found = work.call("value_of", text, inputs, doing=text)
        work.same("conv2d", f"{text} with x of shape {of_x} and w of shape {of_w}", found, right,
                  likely={"the result has the right numbers in another order: picture, down, "
                          "across, filter is the order of the rows": right.transpose(
                              0, 2, 3, 1).reshape(right.shape),
                          "filters come last here; they come second":
                          right.transpose(0, 2, 3, 1)})
        check_rules(work, text, inputs, where="conv2d",
                    reference=lambda x, w, b, padding=padding: convolved(x, w, b, padding))
    x, w, b = (work.rng.normal(size=shape) for shape in ((2, 1, 3, 3), (2, 1, 2, 2), (2,)))
    work.same("conv2d", "conv2d of plain arrays", work.call("kept_by", x, w, b, doing="conv2d"),
              convolved(x, w, b))


@CHECKS("fast enough for pictures")
def speed(work):
    x, w = work.rng.normal(size=(8, 4, 48, 48)), work.rng.normal(size=(6, 4, 3, 3))
    try:
        of_x, of_w = work.call("passed", x, w, np.zeros(6), doing="a convolution of eight pictures "
                               "of 48 × 48, forward and back", seconds=1.5)
    except Wrong as wrong:
        if "was not finished" in wrong.text:
            wrong.text = ("eight pictures of 48 × 48 took more than 1.5 seconds: loop over the "
                          "pixels of a window, not over the places of a picture")
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
