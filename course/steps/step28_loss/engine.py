# after: style_of
def relative(x, target):
    """The squared difference of x from the target (an array), as a share of the target's square."""
    # hole: a sum divided by a sum
    return ((x - target) ** 2).sum() / (target ** 2).sum()
    # end


# after: relative
def roughness(picture):
    """How much neighbouring pixels differ: mean squares, of those below plus of those beside."""
    # hole: neighbours are two slices of the picture, one pixel apart
    down = picture[:, :, 1:] - picture[:, :, :-1]
    across = picture[:, :, :, 1:] - picture[:, :, :, :-1]
    return (down ** 2).mean() + (across ** 2).mean()
    # end


# after: roughness
def transfer_loss(picture, network, content, styles, style_weight, smoothness):
    """How far a picture (a Tensor) is from showing the content in the style: one number.

    content : features by layer, as arrays.  styles : Gram matrices by layer, as arrays.
    The loss is the mean of `relative` over the content's layers, plus style_weight times the mean
    over the style's layers, plus smoothness times the roughness.
    """
    found = features(picture, network, [*content, *styles])
    # hole: the three terms
    loss = smoothness * roughness(picture)
    for layer, target in content.items():
        loss = loss + relative(found[layer], target) / len(content)
    for layer, target in styles.items():
        loss = loss + relative(gram(found[layer]), target) * (style_weight / len(styles))
    return loss
    # end
