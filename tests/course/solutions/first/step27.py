"""By a student, from the page alone."""


def gram(x):
    """Which feature maps light up together, wherever: channels × channels, of features x.

    x : 1 × channels × height × width. The result is a mean over all places.
    """
    _, channels, height, width = x.shape
    rows = x.reshape(channels, height * width)
    return rows @ rows.permute(1, 0) / (height * width)


def style_of(picture, network, layers):
    """The Gram matrices of a picture, by layer, as arrays: what the style of a painting is."""
    found = features(picture, network, layers)
    return {layer: gram(x).data for layer, x in found.items()}
