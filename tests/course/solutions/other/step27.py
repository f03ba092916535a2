"""Each map times all maps, place by place, column by column; a run of the network for each
layer."""


def gram(x):
    """Which feature maps light up together, wherever: channels × channels, of features x.

    x : 1 × channels × height × width. The result is a mean over all places.
    """
    _, channels, down, across = x.shape
    maps = reshape(x, (channels, down * across))
    # no product of matrices: each map times all maps, place by place, and the means of the rows
    total = 0.0
    for c in range(channels):
        column = (maps * take(maps, c)).mean(1, True)
        total = total + column * np.eye(channels)[c]
    return total


def style_of(picture, network, layers):
    """The Gram matrices of a picture, by layer, as arrays: what the style of a painting is."""
    styles = {}
    for layer in layers:        # a run of its own for each layer
        (x,) = features(picture, network, [layer]).values()
        styles[layer] = np.array(gram(x).data)
    return styles
