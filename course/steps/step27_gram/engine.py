# after: features
def gram(x):
    """Which feature maps light up together, wherever: channels × channels, of features x.

    x : 1 × channels × height × width. The result is a mean over all places.
    """
    # hole: let each feature map be a row; the matrix of the products of all pairs of rows, divided
    # by the number of places
    _, channels, height, width = x.shape
    rows = x.reshape(channels, height * width)
    return rows @ rows.permute(1, 0) / (height * width)
    # end


# after: gram
def style_of(picture, network, layers):
    """The Gram matrices of a picture, by layer, as arrays: what the style of a painting is."""
    # hole: from what is there, in one or two lines
    found = features(Tensor(picture), network, layers)
    return {layer: gram(x).data for layer, x in found.items()}
    # end
