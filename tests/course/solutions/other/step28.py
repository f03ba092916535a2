"""The share as a row times itself; roughness by two filters; each share with its weight in the
order of the network."""


def relative(x, target):
    """The squared difference of x from the target (an array), as a share of the target's square."""
    # measured in units of the target's length, the difference times itself
    size = np.sqrt(np.einsum("i,i->", np.ravel(target), np.ravel(target)))
    row = reshape((x - target) / size, (1, -1))
    return reshape(matmul(row, permute(row, (1, 0))), ())


def roughness(picture):
    """How much neighbouring pixels differ: mean squares, of those below plus of those beside."""
    # differences are filters: −1 and 1 laid below each other, then beside each other
    count, channels, height, width = picture.shape
    greys = reshape(picture, (count * channels, 1, height, width))
    below, beside = (conv2d(greys, np.reshape([-1.0, 1.0], shape), np.zeros(1))
                     for shape in ((1, 1, 2, 1), (1, 1, 1, 2)))
    return (below * below).mean() + (beside * beside).mean()


def transfer_loss(picture, network, content, styles, style_weight, smoothness):
    """How far a picture (a Tensor) is from showing the content in the style: one number.

    content : features by layer, as arrays.  styles : Gram matrices by layer, as arrays.
    The loss is the mean of `relative` over the content's layers, plus style_weight times the mean
    over the style's layers, plus smoothness times the roughness.
    """
    found = features(picture, network, [*content, *styles])
    loss = smoothness * roughness(picture)
    for layer in found:         # each share with its weight, in the order of the network
        if layer in content:
            loss = loss + relative(found[layer], content[layer]) * (1 / len(content))
        if layer in styles:
            loss = loss + relative(gram(found[layer]), styles[layer]) * (style_weight / len(styles))
    return loss
