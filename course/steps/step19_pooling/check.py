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


@CHECKS("relu by its result",
        ("AttributeError", "'Tensor' object", "in a rule everything is a plain array, and the "
                                              "engine's operations make Tensors of it"))
def relu(work):
    x = numbers(work, 3, 4)
    check_rules(work, "relu(x)", {"x": x}, where="relu_rule", reference=lambda x: np.maximum(x, 0),
                likely={
                    "the sign of out says which elements pass, not the sign of g":
                        lambda x, g: np.maximum(g, 0),
                    "a negative g passes as well: only the sign of out decides":
                        lambda x, g: np.maximum(g, 0) * (x > 0),
                    "only the sign of out matters; its size is not to be multiplied in":
                        lambda x, g: g * np.maximum(x, 0),
                    "g is missing; this is the slope alone": lambda x, g: (x > 0) * 1.0,
                    "where the result is 0, nothing is to pass": lambda x, g: g,
                    "the elements that should pass are stopped, and the others pass":
                        lambda x, g: g * (x < 0),
                    "a negative g passes with its sign": lambda x, g: abs(g) * (x > 0)})
    found = work.call("pulled", "relu(x)", {"x": np.array([-1.0, 0.0, 2.0])}, np.ones(3),
                      doing="the backward pass of relu")
    work.same("relu_rule", "the gradient of relu at −1, 0 and 2", found[0], [0.0, 0.0, 1.0],
              likely={"at 0 nothing is to pass": [0.0, 1.0, 1.0],
                      "at 0 nothing is to pass, not even half": [0.0, 0.5, 1.0]})
    kept = work.call("kept", x, doing="relu")
    if kept != ["out"]:
        raise work.wrong("relu_rule", f"the rule keeps {kept}, but its result is enough")
    if not work.call("leaves_g", x, doing="the backward pass of relu"):
        raise work.wrong("relu_rule", "the rule changes g in place, which other rules may still "
                                      "need; make a new array instead")


@CHECKS("the corners of the blocks")
def corners(work):
    for shape, size in CASES:
        x = numbers(work, *shape)
        found, tensors = work.call("corners", x, size, doing="corners")
        parts = blocks(x, size)
        right = [parts[..., i, j] for i in range(size) for j in range(size)]
        what = f"of {shape[2]} × {shape[3]} pixels in blocks of {size} × {size}"
        if len(found) != len(right):
            told = "; these seem to be the blocks themselves" if (
                len(found) == parts[0, 0, ..., 0, 0].size) else ""
            raise work.wrong("corners", f"corners {what} returns {len(found)} pictures, but there "
                                        f"are {len(right)} places in a block{told}")
        for number, (one, two) in enumerate(zip(found, right)):
            work.same("corners", f"picture {number} of the corners {what}", one, two,
                      likely=other_slices(x, size, *divmod(number, size)))
        if not tensors:
            raise work.wrong("corners", "corners are to be Tensors: slice x itself, not its data")


def other_slices(x, size, i, j):
    """What common mistakes take for the place (i, j) of each block."""
    height, width = x.shape[2:]
    down, across = height // size, width // size
    return {
        "the places of a block are to be taken row by row":
            x[:, :, j:down * size:size, i:across * size:size],
        "a row or column that fills no block is to be left out": x[:, :, i::size, j::size],
        "this is a tile of neighbouring pixels; take one pixel of each block, by a slice with a "
        "step": x[:, :, i * down:(i + 1) * down, j * across:(j + 1) * across],
        "this is one block; take one pixel of each block, by a slice with a step":
            x[:, :, i * size:(i + 1) * size, j * size:(j + 1) * size],
        "the slices need a step": x[:, :, i:down * size, j:across * size],
        "the slices need a step, and an end": x[:, :, i:, j:],
        "pictures and channels are cut here; height and width are the last two dimensions":
            x[i::size, j::size]}


def pooled(work, name, reference, likely):
    """A pooling: its values for several sizes, then its gradients."""
    for shape, size in (*CASES, ((1, 2, 4, 5), None)):
        x = numbers(work, *shape)
        text = f"{name}(x)" if size is None else f"{name}(x, {size})"
        size = size or 2
        found = work.call("value_of", text, {"x": x}, doing=text)
        work.same(name, f"{text} for x of shape {shape}", found, reference(blocks(x, size)),
                  likely={**likely(blocks(x, size), size),
                          "the size of the blocks is always 2 here; use `size`":
                              reference(blocks(x, 2))})
        check_rules(work, text, {"x": x}, where=name,
                    reference=lambda x, size=size: reference(blocks(x, size)))


NUMPYS = (("TypeError", "does not support ufuncs", "NumPy's functions know no Tensors: take an "
                                                   "operation of the engine"),
          ("TypeError", "not supported between", "Python's `max` and `min` cannot compare Tensors; "
                                                 "an operation of the engine goes element by "
                                                 "element"),
          ("TypeError", "missing a required argument", "the operation takes two Tensors at a time, "
                                                       "and no list"))


@CHECKS("the largest of each block", *NUMPYS)
def maximum(work):
    pooled(work, "max_pool2d", lambda parts: parts.max((4, 5)), lambda parts, size: {
        "the maximum begins with 0, which hides negative numbers; begin with the first corner":
            np.maximum(parts.max((4, 5)), 0),
        "this is the smallest of each block": parts.min((4, 5)),
        "this is the mean of each block": parts.mean((4, 5)),
        "this is the largest absolute value": abs(parts).max((4, 5)),
        "this is the first corner alone": parts[..., 0, 0],
        "the first corner is left out": parts.reshape(*parts.shape[:4], -1)[..., -1:].max(-1)
            if size == 1 else parts.reshape(*parts.shape[:4], -1)[..., 1:].max(-1),
        "only the first two corners are compared":
            parts.reshape(*parts.shape[:4], -1)[..., :2].max(-1),
        "only the last two corners are compared":
            parts.reshape(*parts.shape[:4], -1)[..., -2:].max(-1),
        "these are sums": parts.sum((4, 5)),
        "this is the largest of all, one number": np.asarray(parts.max())})


@CHECKS("the mean of each block", *NUMPYS)
def mean(work):
    pooled(work, "avg_pool2d", lambda parts: parts.mean((4, 5)), lambda parts, size: {
        "these are sums, not yet divided by the number of pixels": parts.sum((4, 5)),
        "a block has size² pixels, not `size`": parts.sum((4, 5)) / size,
        "a block has size² pixels, not always four": parts.sum((4, 5)) / 4,
        "a block has size² pixels, not 2 · size": parts.sum((4, 5)) / (2 * size),
        "the last corner counts half, and those before it less and less; add up all, then divide":
            halved(parts),
        "this is the largest of each block": parts.max((4, 5)),
        "this is the mean of all, one number; add up the corners only":
            np.asarray(parts.mean()),
        "this is one number; add up the corners, and divide": np.asarray(
            parts.sum((4, 5)).mean()),
        "this is the first corner alone": parts[..., 0, 0],
        "the first corner counts once too often, as the sum begins with it":
            parts.mean((4, 5)) + parts[..., 0, 0] / size ** 2})


def halved(parts):
    """The mean of the mean of the mean …, corner by corner."""
    first, *rest = np.moveaxis(parts.reshape(*parts.shape[:4], -1), -1, 0)
    for part in rest:
        first = (first + part) / 2
    return first
