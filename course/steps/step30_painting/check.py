"""Checks of step 30."""

import numpy as np

from course.grading import painting
from course.grading.checks import Checks

CHECKS = Checks()
CONTENT, STYLE = ["relu2_1", "relu3_2"], ["relu1_1", "relu3_1"]


def scene(work):
    """A network, a photograph, a painting of another size, and both targets."""
    network = painting.random_network(work.rng)
    photograph, style = (painting.random_picture(work.rng, 8, 8),
                         painting.random_picture(work.rng, 8, 12))
    content = painting.features(photograph, network, CONTENT)
    grams = {layer: painting.gram(x)
             for layer, x in painting.features(style, network, STYLE).items()}
    return network, photograph, style, content, grams


@CHECKS("the value and the gradient that the search asks for")
def objective(work):
    network, photograph, style, content, grams = scene(work)
    points = [photograph, painting.random_picture(work.rng, 8, 8)]
    for weight, smoothness in ((2.5, 0.3), (0.0, 0.0), (1.5, 0.0), (0.0, 0.5)):
        def right(x, weight=weight, smoothness=smoothness):
            return painting.transfer_loss(x, network, content, grams, weight, smoothness)

        seen, end = work.call("asked", photograph, style, network, points, weight, smoothness,
                              CONTENT, STYLE, doing="paint")
        what = f"with style_weight {weight:g} and smoothness {smoothness:g}"
        work.same("paint", f"{what}, the values of f at two points", seen["values"],
                  [right(point) for point in points])
        if not set(seen["kinds"]) <= {"float", "float64"}:
            raise work.wrong("paint", f"f returns a value of the type {seen['kinds'][0]}, but "
                                      f"should return a plain number")
        for point, gradient in zip(points, seen["gradients"]):
            if np.shape(gradient) != (photograph.size,):
                raise work.wrong("paint", f"the gradient that f returns has the shape "
                                          f"{np.shape(gradient)}, but should be flat, "
                                          f"{(photograph.size,)}")
            along = work.rng.normal(size=point.shape)
            work.same("paint", f"{what}, the slope of f along a random direction",
                      float(gradient @ along.reshape(-1)),
                      painting.slope_along(right, point, along), rtol=1e-5, atol=1e-6)
        work.same("paint", "the point where the search begins", seen["start"],
                  photograph.reshape(-1))
        work.same("paint", "the number of steps", seen["steps"], 7)
        work.same("paint", "the result, for an end that is known,", end, points[-1])


@CHECKS("a painting")
def painted(work):
    network, photograph, style, content, grams = scene(work)

    def loss(x):
        return painting.transfer_loss(x, network, content, grams, 3.0, 0.2)

    found = work.call("painted", photograph, style, network, 12, CONTENT, STYLE, doing="paint",
                      seconds=20.0)
    if np.shape(found) != photograph.shape:
        raise work.wrong("paint", f"the painting has the shape {np.shape(found)}, and the "
                                  f"photograph {photograph.shape}")
    if not loss(found) < 0.8 * loss(photograph):
        raise work.wrong("paint", f"after 12 steps the loss is {loss(found):.3g}, at the "
                                  f"photograph it is {loss(photograph):.3g}; it should have fallen "
                                  f"by a fifth at least")
