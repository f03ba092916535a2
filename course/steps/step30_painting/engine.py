CONTENT = ("relu3_1", "relu4_2")
STYLE = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")


def paint(photograph, painting, network, steps, style_weight=3.0, smoothness=0.2,
          content=CONTENT, style=STYLE):
    """The photograph, painted in the style of the painting, as an array like the photograph.

    All pictures are arrays, 1 × 3 × height × width. content, style : layers of the network.
    """
    # hole: the targets, by layer, as arrays: features of the photograph, Gram matrices of the
    # painting
    found = features(Tensor(photograph), network, content)
    targets = {layer: x.data for layer, x in found.items()}
    styles = style_of(painting, network, style)
    # end

    def f(flat):
        """The loss of the picture in a flat array, and its gradient, as flat."""
        # hole: a leaf, the loss, a backward pass
        picture = Tensor(flat.reshape(photograph.shape), requires_grad=True)
        loss = transfer_loss(picture, network, targets, styles, style_weight, smoothness)
        loss.backward()
        return float(loss.data), picture.grad.ravel()
        # end

    return lbfgs(f, photograph.ravel(), steps).reshape(photograph.shape)
