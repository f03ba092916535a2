"""Checks of step 28."""

import numpy as np

from course.grading import painting
from course.grading.checks import Checks
from course.grading.gradients import check_rules
from course.grading.work import close

CHECKS = Checks()


@CHECKS("a difference as a share of the target",
        ("TypeError", "unexpected keyword argument",
         "NumPy's functions know no Tensors: `sum` is a method of a Tensor"))
def relative(work):
    for shape in ((2, 3), (1, 2, 3, 4)):
        x, target = work.rng.normal(size=shape), work.rng.normal(size=shape)
        found = work.call("relative", x, target, doing="relative")
        right = painting.relative(x, target)
        away, square = x - target, (target ** 2).sum()
        likely = {
            "divide by the sum of the target's squares, not of x's":
                (away ** 2).sum() / (x ** 2).sum(),
            "each element is divided by itself, where a sum is to be divided by a sum":
                (away ** 2 / target ** 2).sum(),
            "each element is divided by itself, where a sum is to be divided by a sum; this is the "
            "mean of the quotients": (away ** 2 / target ** 2).mean(),
            "this is not yet divided by the target's square": (away ** 2).sum(),
            "this is a mean square, not yet divided by the target's": (away ** 2).mean(),
            "no root is to be taken": np.sqrt((away ** 2).sum() / square),
            "the difference is to be squared": away.sum() / square,
            "differences are to be squared, above as well as below": away.sum() / target.sum(),
            "squares are wanted, not absolute values": abs(away).sum() / abs(target).sum(),
            "absolute differences are to be squared": abs(away).sum() / square,
            "the target is to be squared, too": (away ** 2).sum() / target.sum(),
            "square first, then add up, above": away.sum() ** 2 / square,
            "square first, then add up, below": (away ** 2).sum() / target.sum() ** 2,
            "square first, then add up, above and below": away.sum() ** 2 / target.sum() ** 2,
            "above is a mean, and below a sum": (away ** 2).mean() / square,
            "above is a sum, and below a mean": (away ** 2).sum() / (target ** 2).mean(),
            "each element is divided by itself; and square first, then add up":
                (away / target).sum() ** 2,
            "the share is upside down": square / (away ** 2).sum(),
            "the difference is wanted, not the sum of both": ((x + target) ** 2).sum() / square,
            "no half is wanted": (away ** 2).sum() / square / 2,
            "these are squares of x and of the target, but no difference":
                (x ** 2).sum() / square,
            "take the squares of the difference, not the difference of the squares":
                ((x ** 2).sum() - square) / square}
        likely["add up: one number is wanted, not one for each element"] = away ** 2 / square
        likely["add up: one number is wanted, not one for each element; and divide by a sum"] = (
            away ** 2 / target ** 2)
        work.same("relative", f"relative(x, target) of shape {shape}", found, right, likely=likely)
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
        d, a = down ** 2, across ** 2
        channels, around = np.diff(x, axis=1) ** 2, [x - np.roll(x, 1, axis) for axis in (2, 3)]
        work.same("roughness", f"roughness of {height} × {width} pixels", found, right, likely={
            "only neighbours below each other count here": d.mean(),
            "only neighbours side by side count here": a.mean(),
            "these are sums, not means": d.sum() + a.sum(),
            "these are two means, each over its own differences, not one mean over all":
                (d.sum() + a.sum()) / (d.size + a.size),
            "each mean is over its own differences, not over all pixels":
                (d.sum() + a.sum()) / x.size,
            "the means are added up, not averaged": right / 2,
            "the means are multiplied here; add them up": d.mean() * a.mean(),
            "the means are subtracted here; add them up": d.mean() - a.mean(),
            "squares are wanted, not absolute values": abs(down).mean() + abs(across).mean(),
            "the differences are to be squared": down.mean() + across.mean(),
            "square first, then take the mean": down.mean() ** 2 + across.mean() ** 2,
            "no root is to be taken": np.sqrt(d.mean()) + np.sqrt(a.mean()),
            "no root is to be taken of the whole": np.sqrt(right),
            "the last row and the first one are no neighbours, nor are the columns":
                (around[0] ** 2).mean() + (around[1] ** 2).mean(),
            "neighbours are one pixel apart, not two": sum(
                ((x.take(range(2, n), axis) - x.take(range(n - 2), axis)) ** 2).mean()
                for axis, n in ((2, height), (3, width))) if min(height, width) > 2 else np.nan,
            "the channels of a pixel are no neighbours": channels.mean() + d.mean(),
            "the channels of a pixel are no neighbours; height and width are dimensions 2 and 3":
                channels.mean() + a.mean(),
            "the channels of a pixel are no neighbours, only pixels are": right + channels.mean()})
        check_rules(work, "roughness(x)", {"x": x}, where="roughness", reference=painting.roughness)


@CHECKS("the loss: three terms, each with its weight",
        ("ValueError", "could not be broadcast", "is the Gram matrix of the features taken, before "
                                                 "it is compared with that of the style?"),
        ("ValueError", "not enough values to unpack", "what is in `styles` are Gram matrices "
                                                      "already"),
        ("KeyError", "relu", "the content has its layers, and the style its own"),
        ("AttributeError", "no attribute 'backward'", "the Tensor is wanted: nobody can walk back "
                                                      "from a number"))
def loss(work):
    network, picture = painting.random_network(work.rng), painting.random_picture(work.rng)
    other, third = (painting.random_picture(work.rng) for _ in range(2))
    for content_layers, style_layers in (
            (["relu3_1"], ["relu1_1"]),
            (["relu1_2", "relu3_2"], ["relu1_1", "relu2_1", "relu3_1"])):
        content = painting.features(other, network, content_layers)
        styles = {layer: painting.gram(x)
                  for layer, x in painting.features(third, network, style_layers).items()}
        found = painting.features(picture, network, [*content, *styles])
        shown = [painting.relative(found[layer], content[layer]) for layer in content]
        painted = [painting.relative(painting.gram(found[layer]), styles[layer])
                   for layer in styles]
        turned = (np.mean([painting.relative(content[layer], found[layer]) for layer in content]),
                  np.mean([painting.relative(styles[layer], painting.gram(found[layer]))
                           for layer in styles]))
        terms = shown, painted, painting.roughness(picture), turned
        answers = [work.call("loss", picture, network, content, styles, weight, smoothness,
                             doing="transfer_loss") for _, weight, smoothness in WEIGHTS]
        told = explained([value for value, _ in answers], terms)
        for (name, weight, smoothness), (value, gradient) in zip(WEIGHTS, answers):
            def right(x, weight=weight, smoothness=smoothness, content=content, styles=styles):
                return painting.transfer_loss(x, network, content, styles, weight, smoothness)

            what = (f"with {layers(content)} of content and {layers(styles)} of style, "
                    f"style_weight {weight:g} and smoothness {smoothness:g}")
            work.same("transfer_loss", f"the loss {what}", value, right(picture),
                      likely=dict.fromkeys(told, value))
            if gradient is None:
                raise work.wrong("transfer_loss", f"the loss {what} sends the picture no gradient: "
                                                  f"is a `data` used on the way?")
            along = work.rng.normal(size=picture.shape)
            work.same("transfer_loss", f"its slope along a random direction ({name})",
                      float((gradient * along).sum()),
                      painting.slope_along(right, picture, along), rtol=1e-5, atol=1e-6)


WEIGHTS = (("the content term", 0.0, 0.0), ("the style term", 3.0, 0.0),
           ("the roughness", 0.0, 2.0), ("all terms", 5.0, 0.7))


def explained(values, terms):
    """The sentences of the mistakes that give all of these values."""
    wrong = [other_losses(*terms, weight, smoothness) for _, weight, smoothness in WEIGHTS]
    return [sentence for sentence in wrong[0]
            if all(close(value, one[sentence]) for value, one in zip(values, wrong))]


def layers(targets):
    return f"{len(targets)} layer{'s' * (len(targets) > 1)}"


def other_losses(shown, painted, rough, turned, weight, smoothness):
    """What common mistakes make of the terms of the layers, and of the roughness.

    shown, painted : the shares of each layer of the content, and of the style.
    turned : the means of these where picture and target are exchanged.
    """
    content, style = np.mean(shown), np.mean(painted)
    every = len(shown) + len(painted)

    def total(content=content, style=style, rough=rough, a=1.0, b=weight, c=smoothness):
        return a * content + b * style + c * rough

    return {
        "`relative` gets the features first, then the target: for the content they are exchanged":
            total(content=turned[0]),
        "`relative` gets the features first, then the target: for the style they are exchanged":
            total(style=turned[1]),
        "`relative` gets the features first, then the target; they are exchanged": total(*turned),
        "the content's layers are added up, where their mean is wanted": total(content=sum(shown)),
        "the style's layers are added up, where their mean is wanted": total(style=sum(painted)),
        "the layers of content and style are added up, where their means are wanted":
            total(sum(shown), sum(painted)),
        "of the content only the last layer counts here; add up the terms of all":
            total(content=shown[-1] / len(shown)),
        "of the content only the last layer counts here": total(content=shown[-1]),
        "of the content only the first layer counts here": total(content=shown[0]),
        "of the content only the first layer counts here, divided by their number":
            total(content=shown[0] / len(shown)),
        "of the style only the last layer counts here; add up the terms of all":
            total(style=painted[-1] / len(painted)),
        "of the style only the last layer counts here": total(style=painted[-1]),
        "of the style only the first layer counts here": total(style=painted[0]),
        "of the style only the first layer counts here, divided by their number":
            total(style=painted[0] / len(painted)),
        "of content and style only the last layers count here": total(shown[-1], painted[-1]),
        "of content and style only the last layers count here; add up the terms of all":
            total(shown[-1] / len(shown), painted[-1] / len(painted)),
        "style_weight belongs to the style, not to the content": total(a=weight, b=1.0),
        "style_weight belongs to the style alone": total(a=weight),
        "style_weight and smoothness are exchanged": total(b=smoothness, c=weight),
        "the content has no weight of its own; 1 − style_weight is none":
            total(a=1 - weight),
        "style_weight is missing": total(b=1.0),
        "smoothness is missing": total(c=1.0),
        "style_weight multiplies the style alone, not the roughness": total(c=smoothness * weight),
        "style_weight multiplies the style alone, and smoothness the roughness":
            weight * (content + style) + smoothness * rough,
        "the weights multiply terms; they are not added": (
            content + style + weight + rough * smoothness),
        "the content is missing": total(a=0.0), "the style is missing": total(b=0.0),
        "the roughness is missing, or was written over where a term is to be added": total(c=0.0),
        "the roughness counts once for each layer of the content":
            total(c=smoothness * len(shown)),
        "the roughness counts once for each layer of the style":
            total(c=smoothness * len(painted)),
        "the roughness counts once, not once for each layer": total(c=smoothness * every),
        "the roughness is to be subtracted nowhere": total(c=-smoothness),
        "the content is a mean over its own layers, and the style over its own":
            total(sum(shown) / every, sum(painted) / every),
        "the number of layers of content and of style are exchanged":
            total(sum(shown) / len(painted), sum(painted) / len(shown)),
        "the content is divided by its own number of layers, not by that of the style":
            total(content=sum(shown) / len(painted)),
        "the style is divided by its own number of layers, not by that of the content":
            total(style=sum(painted) / len(shown)),
        "the mean over the layers is not to be divided by their number again":
            total(content / len(shown), style / len(painted))}
