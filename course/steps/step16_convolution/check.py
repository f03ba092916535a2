"""Checks of step 16."""

import numpy as np

from course.grading.checks import Checks
from course.grading.layers import convolved

CHECKS = Checks()


@CHECKS("a border of zeros")
def border(work):
    for shape, padding in (((2, 3, 4, 5), 1), ((1, 1, 2, 3), 2), ((2, 1, 3, 3), 0)):
        x = work.rng.normal(size=shape)
        found, kept = work.call("bordered", x, padding, doing=f"padded(x, {padding})")
        n, channels, height, width = shape
        right = np.zeros((n, channels, height + 2 * padding, width + 2 * padding))
        right[:, :, padding:padding + height, padding:padding + width] = x
        work.same("padded", f"padded(x, {padding}) with x of shape {shape}", found, right, likely={
            "pictures and channels got a border, too; only height and width are to":
                np.pad(x, padding),
            "the border is on two sides only": np.pad(x, ((0, 0), (0, 0), (padding, 0),
                                                          (padding, 0))),
            "the border has to be of zeros": np.pad(x, ((0, 0), (0, 0), (padding, padding),
                                                        (padding, padding)), mode="edge")})
        if not kept:
            raise work.wrong("padded", "padded changed x in place")


# Shapes of x and w, and the padding.
CASES = (((1, 1, 4, 5), (1, 1, 2, 3), 0), ((2, 3, 5, 4), (4, 3, 3, 2), 0),
         ((2, 2, 3, 4), (3, 2, 3, 3), 1), ((1, 2, 3, 3), (2, 2, 1, 1), 0),
         ((3, 1, 2, 3), (2, 1, 2, 3), 0), ((1, 1, 2, 2), (1, 1, 3, 3), 2))


def mistakes(x, w, b, padding):
    """Results of common mistakes, by their sentences."""
    zero = np.zeros_like(b)
    likely = {
        "the bias is missing": convolved(x, w, zero, padding),
        "the filter lies on the window turned round by 180°; lay it as it is":
            convolved(x, w[:, :, ::-1, ::-1], b, padding),
        "the bias is added for each channel and pixel, within the sum":
            convolved(x, w, b * w[0].size, padding),
        "these are means; take sums": convolved(x, w / w[0].size, b, padding),
        "this is the first channel only; sum over all":
            convolved(x[:, :1], w[:, :1], b, padding)}
    if padding:
        likely["the border is missing"] = convolved(x, w, b) if min(
            np.subtract(x.shape[2:], w.shape[2:])) >= 0 else None
    return {sentence: value for sentence, value in likely.items() if value is not None}


@CHECKS("each filter on each place of each picture")
def convolution(work):
    for of_x, of_w, padding in CASES:
        x, w = work.rng.normal(size=of_x), work.rng.normal(size=of_w)
        b = work.rng.normal(size=of_w[0])
        text = "conv2d(x, w, b)" if not padding else f"conv2d(x, w, b, padding={padding})"
        found = work.call("value_of", text, {"x": x, "w": w, "b": b}, doing=text)
        work.same("conv2d", f"{text} with x of shape {of_x} and w of shape {of_w}", found,
                  convolved(x, w, b, padding), likely=mistakes(x, w, b, padding))


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
