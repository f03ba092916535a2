"""Checks of step 28."""

import numpy as np

from course.grading import painting
from course.grading.checks import Checks
from course.grading.gradients import check_rules

CHECKS = Checks()


@CHECKS("a difference as a share of the target")
def relative(work):
    for shape in ((2, 3), (1, 2, 3, 4)):
        x, target = work.rng.normal(size=shape), work.rng.normal(size=shape)
        found = work.call("relative", x, target, doing="relative")
        right = painting.relative(x, target)
        work.same("relative", f"relative(x, target) of shape {shape}", found, right, likely={
            "divide by the sum of the target's squares, not of x's":
                float(((x - target) ** 2).sum() / (x ** 2).sum()),
            "each element is divided by itself, where a sum is to be divided by a sum":
                float((((x - target) ** 2) / target ** 2).sum()),
            "this is not yet divided by the target's square": float(((x - target) ** 2).sum())})
        gradient = work.call("relative_gradient", x, target, doing="the backward pass of relative")
        along = work.rng.normal(size=shape)
        work.same("relative", "its slope along a random direction",
                  float((np.asarray(gradient) * along).sum()), painting.slope_along(
                      lambda x, target=target: painting.relative(x, target), x, along), rtol=1e-6)


@CHECKS("the roughness of a picture")
def roughness(work):
    for height, width in ((3, 5), (4, 2)):
        x = work.rng.normal(size=(1, 3, height, width))
        down, across = (np.diff(x, axis=axis) for axis in (2, 3))
        right = painting.roughness(x)
        found = work.call("value_of", "roughness(x)", {"x": x}, doing="roughness")
        work.same("roughness", f"roughness of {height} × {width} pixels", found, right, likely={
            "only neighbours below each other count here": float((down ** 2).mean()),
            "only neighbours side by side count here": float((across ** 2).mean()),
            "these are sums, not means": float((down ** 2).sum() + (across ** 2).sum())})
        check_rules(work, "roughness(x)", {"x": x}, where="roughness", reference=painting.roughness)


@CHECKS("the loss: three terms, each with its weight")
def loss(work):
    network, picture = painting.random_network(work.rng), painting.random_picture(work.rng)
    other, third = (painting.random_picture(work.rng) for _ in range(2))
    for content_layers, style_layers in (
            (["relu3_1"], ["relu1_1"]),
            (["relu1_2", "relu3_2"], ["relu1_1", "relu2_1", "relu3_1"])):
        content = painting.features(other, network, content_layers)
        styles = {layer: painting.gram(x)
                  for layer, x in painting.features(third, network, style_layers).items()}
        for name, weight, smoothness in (
                ("the content term", 0.0, 0.0), ("the style term", 3.0, 0.0),
                ("the roughness", 0.0, 2.0), ("all terms", 5.0, 0.7)):
            def right(x, weight=weight, smoothness=smoothness, content=content, styles=styles):
                return painting.transfer_loss(x, network, content, styles, weight, smoothness)

            found, gradient = work.call("loss", picture, network, content, styles, weight,
                                        smoothness, doing="transfer_loss")
            what = (f"with {len(content)} and {len(styles)} layers, style_weight {weight:g} and "
                    f"smoothness {smoothness:g}")
            work.same("transfer_loss", f"the loss {what}", found, right(picture))
            if gradient is None:
                raise work.wrong("transfer_loss", f"the loss {what} sends the picture no gradient")
            along = work.rng.normal(size=picture.shape)
            work.same("transfer_loss", f"its slope along a random direction ({name})",
                      float((gradient * along).sum()),
                      painting.slope_along(right, picture, along), rtol=1e-5, atol=1e-6)
