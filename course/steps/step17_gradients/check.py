"""Checks of step 17."""

import numpy as np

from course.grading.checks import Checks
from course.grading.gradients import check_rules
from course.grading.layers import convolved

CHECKS = Checks()
PLACES = {"x": "conv2d_x", "w": "conv2d_w", "b": "conv2d_b"}

# Shapes of x and w, and the padding.
CASES = (((2, 3, 4, 5), (2, 3, 2, 3), 0), ((2, 2, 3, 4), (3, 2, 3, 2), 1),
         ((1, 2, 2, 3), (2, 2, 1, 1), 0), ((2, 1, 3, 2), (1, 1, 2, 2), 2),
         ((2, 2, 3, 3), (2, 2, 3, 3), 1))


def inputs_of(work, of_x, of_w):
    return {"x": work.rng.normal(size=of_x), "w": work.rng.normal(size=of_w),
            "b": work.rng.normal(size=of_w[0])}


@CHECKS("one element of g, by hand")
def by_hand(work):
    """A single pixel, a single weight, a single place: what goes where."""
    w = np.array([[[[1.0, 10.0], [100.0, 1000.0]]]])
    x = np.arange(1.0, 10).reshape(1, 1, 3, 3)
    g = np.zeros((1, 1, 2, 2))
    g[0, 0, 0, 1] = 2.0
    of_x, of_w, of_b = work.call("pulled", "conv2d(x, w, b)", {"x": x, "w": w, "b": np.zeros(1)}, g,
                                 doing="the backward pass of conv2d")
    what = "where g is 2 at the place (0, 1) and 0 elsewhere, what the {} receive{}"
    right = np.array([[[[0.0, 2, 20], [0, 200, 2000], [0, 0, 0]]]])
    work.same("conv2d_x", what.format("nine pixels", ""), of_x, right, likely={
        "the filter is turned round by 180°; each weight goes back to the pixel it was laid on":
            np.array([[[[0.0, 2000, 200], [0, 20, 2], [0, 0, 0]]]]),
        "it went to another window": np.array([[[[2.0, 20, 0], [200, 2000, 0], [0, 0, 0]]]])})
    work.same("conv2d_w", what.format("four weights", ""), of_w,
              2 * np.array([[[[2.0, 3], [5, 6]]]]), likely={
                  "this is another window": 2 * np.array([[[[1.0, 2], [4, 5]]]])})
    work.same("conv2d_b", what.format("bias", "s"), of_b, np.array([2.0]))


@CHECKS("the three gradients, in all shapes")
def gradients(work):
    for of_x, of_w, padding in CASES:
        text = "conv2d(x, w, b)" if not padding else f"conv2d(x, w, b, padding={padding})"
        check_rules(work, text, inputs_of(work, of_x, of_w), where=PLACES,
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
