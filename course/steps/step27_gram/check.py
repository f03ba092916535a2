"""Checks of step 27."""

import numpy as np

from course.grading import painting
from course.grading.checks import Checks
from course.grading.gradients import check_rules

CHECKS = Checks()


@CHECKS("the Gram matrix and its gradient",
        ("ValueError", "matmul needs shapes", "a row for each channel, times the same turned "
                                              "round"),
        ("AttributeError", "object has no attribute 'T'", "a Tensor is turned round by "
                                                          "`permute(1, 0)`"),
        ("AttributeError", "object has no attribute 'transpose'", "a Tensor is turned round by "
                                                                  "`permute(1, 0)`"))
def matrix(work):
    for channels, height, width in ((3, 2, 4), (2, 3, 1), (1, 2, 2), (4, 1, 1)):
        x = work.rng.uniform(0.2, 2, (1, channels, height, width))
        places = height * width
        right = painting.gram(x)
        rows = x.reshape(channels, places)
        found = work.call("value_of", "gram(x)", {"x": x}, doing="gram")
        wrongly = x.reshape(places, channels)
        middle = rows - rows.mean(1, keepdims=True)
        likely = {"this is a sum over the places, not yet a mean": right * places,
                  "divide by the number of places, not by that of the channels":
                      right * places / channels,
                  "divide by the number of places only": right / channels,
                  "divide by the number of places, which is height · width, not the height alone":
                      right * places / height,
                  "divide by the number of places, which is height · width, not the width alone":
                      right * places / width,
                  "divide by the number of places, not by its root": right * np.sqrt(places),
                  "divide by the number of places, not by the number of products":
                      right * places / channels ** 2,
                  "divide by the number of places once, not twice": right / places,
                  "a row has to hold one feature map; `reshape` does not exchange dimensions":
                      wrongly.T @ wrongly / places,
                  "a row has to hold one feature map; `reshape` does not exchange dimensions, and "
                  "the sum is not yet a mean": wrongly.T @ wrongly,
                  "the means are not to be taken off": middle @ middle.T / places,
                  "only the diagonal is here; all pairs of rows are wanted":
                      np.diag(np.diag(right)),
                  "one number is here; the product of rows is a matrix, to be divided only":
                      np.asarray((right * places).mean()),
                  "one number is here; a matrix product of the rows is wanted":
                      np.asarray((rows * rows).mean()),
                  "only the mean squares are here; all pairs of rows are wanted": np.diag(right)}
        if channels != places:
            likely["the rows are to be the channels, not the places"] = rows.T @ rows / places
            likely["the rows are to be the channels, not the places; and divide by the places"] = (
                rows.T @ rows / channels)
            likely["the rows are to be the channels, not the places, whose mean is wanted"] = (
                rows.T @ rows)
        work.same("gram", f"gram of {channels} channels with {height} × {width} places", found,
                  right, likely=likely)
        check_rules(work, "gram(x)", {"x": x}, where="gram", reference=painting.gram)


@CHECKS("the places do not matter")
def places(work):
    x = work.rng.uniform(0, 2, (1, 3, 2, 4))
    moved = x[:, :, ::-1, ::-1].copy()
    work.same("gram", "gram of features that were turned by half a circle",
              work.call("value_of", "gram(x)", {"x": moved}, doing="gram"), painting.gram(x))


@CHECKS("the style of a picture")
def style(work):
    network, picture = painting.random_network(work.rng), painting.random_picture(work.rng)
    for layers in (["relu2_1"], ["relu1_1", "relu3_2"]):
        found, kinds = work.call("style", picture, network, layers, doing="style_of")
        if set(found) != set(layers):
            raise work.wrong("style_of", f"style_of for {layers} returns {sorted(found)}; each "
                                         f"layer is to have its Gram matrix")
        if kinds != ["ndarray"]:
            raise work.wrong("style_of", f"style_of returns {' and '.join(kinds)}, but should "
                                         f"return arrays: nobody asks for their gradients")
        right = painting.features(picture, network, layers)
        for layer in layers:
            work.same("style_of", f"the Gram matrix of {layer}", found[layer],
                      painting.gram(right[layer]), likely={
                          "these are the features themselves": np.asarray(right[layer]),
                          "this is the Gram matrix of the picture, not of its features":
                              painting.gram(picture),
                          "this is the Gram matrix of another layer": other_gram(right, layer)})


def other_gram(features, layer):
    """The Gram matrix of another layer than this, if there is one."""
    return next((painting.gram(x) for other, x in features.items() if other != layer), np.nan)
