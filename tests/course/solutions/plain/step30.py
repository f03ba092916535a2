"""By a student, from the page alone."""


def paint(photograph, painting, network, steps, style_weight=3.0, smoothness=0.2,
          content=CONTENT, style=STYLE):
    """The photograph, painted in the style of the painting, as an array like the photograph.

    All pictures are arrays, 1 × 3 × height × width. content, style : layers of the network.
    """
    seen = features(photograph, network, content)
    shown = {layer: x.data for layer, x in seen.items()}
    styles = style_of(painting, network, style)

    def f(flat):
        """The loss of the picture in a flat array, and its gradient, as flat."""
        picture = Tensor(flat.reshape(photograph.shape), requires_grad=True)
        loss = transfer_loss(picture, network, shown, styles, style_weight, smoothness)
        loss.backward()
        return float(loss.data), picture.grad.ravel()

    return lbfgs(f, photograph.ravel(), steps).reshape(photograph.shape)
