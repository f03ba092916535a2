"""Checks of step 30."""

import numpy as np

from course.grading import painting
from course.grading.checks import Checks
from course.grading.work import close

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


WEIGHTS = ((2.5, 0.3), (0.0, 0.0), (1.5, 0.0), (0.0, 0.5))


@CHECKS("the value and the gradient that the search asks for",
        ("ValueError", "could not be broadcast", "the content comes from the photograph, the style "
                                                 "from the painting, by style_of; and f gets a "
                                                 "flat array, which needs the shape of the "
                                                 "photograph"),
        ("IndexError", "tuple index", "f gets a flat array: give it the shape of the photograph"),
        ("ValueError", "not enough values to unpack", "f gets a flat array: give it the shape of "
                                                      "the photograph"),
        ("ValueError", "cannot reshape", "f gets a flat array: give it the shape of the "
                                         "photograph"),
        ("TypeError", "cannot unpack", "f returns two things, the value and the gradient"),
        ("AttributeError", "'NoneType'", "the leaf has no gradient: it has to require one, and "
                                         "`backward` has to run before"),
        ("TypeError", "'NoneType'", "the leaf has no gradient: it has to require one, and "
                                    "`backward` has to run before"))
def objective(work):
    network, photograph, style, content, grams = scene(work)
    points = [photograph, painting.random_picture(work.rng, 8, 8)]
    answers = [work.call("asked", photograph, style, network, points, weight, smoothness, CONTENT,
                         STYLE, doing="paint") for weight, smoothness in WEIGHTS]
    told = explained([seen.get("values") for seen, _ in answers], network, style, points)
    for (weight, smoothness), (seen, end) in zip(WEIGHTS, answers):
        def right(x, weight=weight, smoothness=smoothness):
            return painting.transfer_loss(x, network, content, grams, weight, smoothness)

        if "values" not in seen:
            raise work.wrong("paint", "paint does not call lbfgs, which searches for the picture")
        what = f"with style_weight {weight:g} and smoothness {smoothness:g}"
        if not set(seen["kinds"]) <= {"float", "float64"}:
            raise work.wrong("paint", f"f returns a value of the type {seen['kinds'][0]}, but "
                                      f"should return a plain number: `float(loss.data)`")
        work.same("paint", f"{what}, the values of f at two points", seen["values"],
                  [right(point) for point in points],
                  likely=dict.fromkeys(told, seen["values"]))
        gradients(work, what, right, points, seen["gradients"])
        if seen["anew"]:
            raise work.wrong("paint", "f computes the targets anew at each point; compute them "
                                      "once, before the search")
        if seen["recorded"]:
            raise work.wrong("paint", "the targets require a gradient, so that each backward pass "
                                      "walks through them as well; take their data")
        work.same("paint", "the point where the search begins", seen["start"],
                  photograph.reshape(-1), likely={
                      "begin at the photograph, not at the painting": style.reshape(-1),
                      "begin at the photograph, not at nothing": np.zeros(photograph.size)})
        work.same("paint", "the number of steps", seen["steps"], 7)
        work.same("paint", "the result, for an end that is known,", end, points[-1], likely={
            "this is the photograph, not where the search ended": photograph})


def gradients(work, what, right, points, found):
    """The gradients that f returns at the points, one after the other."""
    along = work.rng.normal(size=points[0].shape)
    slopes = [painting.slope_along(right, point, along) for point in points]
    for number, gradient in enumerate(found):
        if np.shape(gradient) != along.reshape(-1).shape:
            raise work.wrong("paint", f"the gradient that f returns has the shape "
                                      f"{np.shape(gradient)}, but should be flat, {(along.size,)}")
        claimed, total = float(gradient @ along.reshape(-1)), sum(slopes[:number + 1])
        work.same("paint", f"{what}, the slope of f along a random direction", claimed,
                  slopes[number], rtol=1e-5, atol=1e-6, likely={
                      "the sign is flipped; lbfgs itself goes against the gradient":
                          -slopes[number],
                      "the gradients of all calls add up in one leaf; make a new leaf in each call":
                          total})


def explained(found, network, style, points):
    """The sentences of the mistakes that give these values, for all weights."""
    photograph = points[0]

    def loss(x, weight, smoothness, content=(photograph, CONTENT), styles=(style, STYLE)):
        picture, layers = styles
        grams = {layer: painting.gram(seen)
                 for layer, seen in painting.features(picture, network, layers).items()}
        picture, layers = content
        return painting.transfer_loss(x, network, painting.features(picture, network, layers),
                                      grams, weight, smoothness)

    usual = ["relu3_1"], ["relu1_1", "relu2_1", "relu3_1"]     # of the defaults, what there is here
    mistakes = {
        "f makes its picture of the photograph here, not of the flat array":
            lambda x, a, b: loss(photograph, a, b),
        "style_weight and smoothness are fixed here; hand the parameters on":
            lambda x, a, b: loss(x, 3.0, 0.2),
        "style_weight is fixed here; hand the parameter on": lambda x, a, b: loss(x, 3.0, b),
        "smoothness is fixed here; hand the parameter on": lambda x, a, b: loss(x, a, 0.2),
        "style_weight and smoothness are exchanged": lambda x, a, b: loss(x, b, a),
        "style_weight is 1 here; hand the parameter on": lambda x, a, b: loss(x, 1.0, b),
        "the smoothness is missing": lambda x, a, b: loss(x, a, 0.0),
        "the content's target is computed from the picture itself; it comes from the photograph":
            lambda x, a, b: loss(x, a, b, content=(x, CONTENT)),
        "the style's target is computed from the picture itself; it comes from the painting":
            lambda x, a, b: loss(x, a, b, styles=(x, STYLE)),
        "both targets are computed from the picture itself":
            lambda x, a, b: loss(x, a, b, content=(x, CONTENT), styles=(x, STYLE)),
        "the style is that of the photograph here; it comes from the painting":
            lambda x, a, b: loss(x, a, b, styles=(photograph, STYLE)),
        "photograph and painting are exchanged":
            lambda x, a, b: loss(x, a, b, (style, CONTENT), (photograph, STYLE)),
        "the layers are always those of CONTENT and STYLE here; use the parameters":
            lambda x, a, b: loss(x, a, b, (photograph, usual[0]), (style, usual[1])),
        "the content's layers are always those of CONTENT here; use the parameter":
            lambda x, a, b: loss(x, a, b, (photograph, usual[0])),
        "the style's layers are always those of STYLE here; use the parameter":
            lambda x, a, b: loss(x, a, b, styles=(style, usual[1])),
        "the layers of content and style are exchanged":
            lambda x, a, b: loss(x, a, b, (photograph, STYLE), (style, CONTENT)),
        "the content's target has the layers of the style":
            lambda x, a, b: loss(x, a, b, (photograph, STYLE)),
        "the style's target has the layers of the content":
            lambda x, a, b: loss(x, a, b, styles=(style, CONTENT)),
        "the values have the sign flipped": lambda x, a, b: -loss(x, a, b)}

    def fits(mistake):
        return all(close(values, [mistake(x, *weights) for x in points])
                   for values, weights in zip(found, WEIGHTS))

    rightly = fits(loss)
    return [] if rightly else [sentence for sentence, mistake in mistakes.items()
                               if possible(fits, mistake)]


def possible(fits, mistake):
    try:
        return fits(mistake)
    except ValueError:          # pictures of two sizes
        return False


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
