"""By a student, from the page alone."""


def relative(x, target):
    """The squared difference of x from the target (an array), as a share of the target's square."""
    return ((x - target) ** 2).sum() / (target ** 2).sum()


def roughness(picture):
    """How much neighbouring pixels differ: mean squares, of those below plus of those beside."""
    below = picture[:, :, 1:, :] - picture[:, :, :-1, :]
    beside = picture[:, :, :, 1:] - picture[:, :, :, :-1]
    return (below ** 2).mean() + (beside ** 2).mean()


def transfer_loss(picture, network, content, styles, style_weight, smoothness):
    """How far a picture (a Tensor) is from showing the content in the style: one number.

    content : features by layer, as arrays.  styles : Gram matrices by layer, as arrays.
    The loss is the mean of `relative` over the content's layers, plus style_weight times the mean
    over the style's layers, plus smoothness times the roughness.
    """
    found = features(picture, network, [*content, *styles])
    shown, painted = 0.0, 0.0
    for layer in content:
        shown = shown + relative(found[layer], content[layer])
    for layer in styles:
        painted = painted + relative(gram(found[layer]), styles[layer])
    return (shown / len(content) + painted / len(styles) * style_weight
            + roughness(picture) * smoothness)
