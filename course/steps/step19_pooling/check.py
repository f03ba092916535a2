"""Checks of step 19."""

import numpy as np

from course.grading.checks import Checks
from course.grading.gradients import check_rules

CHECKS = Checks()

# Shapes of pictures, and the size of a block: some rows and columns fill none.
CASES = (((2, 3, 4, 6), 2), ((1, 2, 5, 7), 2), ((1, 2, 6, 3), 3), ((2, 1, 7, 8), 3),
         ((1, 1, 2, 2), 1))


def numbers(work, *shape):
    """Numbers that all differ by a tenth at least, and are none nearer to 0 than that."""
    count = int(np.prod(shape))
    values = (work.rng.permutation(count) + 1.0) * work.rng.choice([-1.0, 1.0], count)
    return (values * 0.1).reshape(shape)


def blocks(x, size):
    """The picture as blocks: pictures × channels × down × across × size × size."""
    n, channels, height, width = x.shape
    down, across = height // size, width // size
    x = x[:, :, :down * size, :across * size].reshape(n, channels, down, size, across, size)
    return x.transpose(0, 1, 2, 4, 3, 5)


@CHECKS("relu by its result")
def relu(work):
    x = numbers(work, 3, 4)
    check_rules(work, "relu(x)", {"x": x}, where="relu_rule", reference=lambda x: np.maximum(x, 0))
    found = work.call("pulled", "relu(x)", {"x": np.array([-1.0, 0.0, 2.0])}, np.ones(3),
                      doing="the backward pass of relu")
    work.same("relu_rule", "the gradient of relu at −1, 0 and 2", found[0], [0.0, 0.0, 1.0],
              likely={"at 0 nothing is to pass": [0.0, 1.0, 1.0]})
    kept = work.call("kept", x, doing="relu")
    if kept != ["out"]:
        raise work.wrong("relu_rule", f"the rule keeps {kept}, but its result is enough")


@CHECKS("the corners of the blocks")
def corners(work):
    for shape, size in CASES:
        x = numbers(work, *shape)
        found, tensors = work.call("corners", x, size, doing="corners")
        parts = blocks(x, size)
        right = [parts[..., i, j] for i in range(size) for j in range(size)]
        what = f"of {shape[2]} × {shape[3]} pixels in blocks of {size} × {size}"
        if len(found) != len(right):
            raise work.wrong("corners", f"corners {what} returns {len(found)} pictures, but there "
                                        f"are {len(right)} places in a block")
        for number, (one, two) in enumerate(zip(found, right)):
            work.same("corners", f"picture {number} of the corners {what}", one, two, likely={
                "the places of a block are to be taken row by row":
                    parts[..., number % size, number // size],
                "a row or column that fills no block is to be left out":
                    x[:, :, number // size::size, number % size::size]})
        if not tensors:
            raise work.wrong("corners", "corners are to be Tensors: slice x itself, not its data")


@CHECKS("the largest of each block")
def maximum(work):
    for shape, size in CASES:
        check_rules(work, f"max_pool2d(x, {size})", {"x": numbers(work, *shape)},
                    where="max_pool2d", reference=lambda x, size=size: blocks(x, size).max((4, 5)))
    check_rules(work, "max_pool2d(x)", {"x": numbers(work, 1, 2, 4, 5)}, where="max_pool2d",
                reference=lambda x: blocks(x, 2).max((4, 5)))


@CHECKS("the mean of each block")
def mean(work):
    for shape, size in CASES:
        check_rules(work, f"avg_pool2d(x, {size})", {"x": numbers(work, *shape)},
                    where="avg_pool2d", reference=lambda x, size=size: blocks(x, size).mean((4, 5)))
    check_rules(work, "avg_pool2d(x)", {"x": numbers(work, 1, 2, 4, 5)}, where="avg_pool2d",
                reference=lambda x: blocks(x, 2).mean((4, 5)))
