"""The leaf is flat itself, so its rule flattens the gradient; `gradients` in place of
`backward`."""


def paint(photograph, painting, network, steps, style_weight=3.0, smoothness=0.2,
          content=CONTENT, style=STYLE):
    """The photograph, painted in the style of the painting, as an array like the photograph.

    All pictures are arrays, 1 × 3 × height × width. content, style : layers of the network.
    """
    targets = {}
    for layer in content:
        (seen,) = features(photograph, network, (layer,)).values()
        targets[layer] = plain(seen)
    styles = style_of(painting, network, style)

    def f(flat):
        """The loss of the picture in a flat array, and its gradient, as flat."""
        # the leaf is flat itself: the reshaping is recorded, and its rule flattens the gradient
        leaf = Tensor(flat, requires_grad=True)
        picture = leaf.reshape(*photograph.shape)
        loss = transfer_loss(picture, network, targets, styles, style_weight, smoothness)
        (gradient,) = gradients(loss, [leaf])
        return loss.data.item(), gradient.data

    return lbfgs(f, photograph.ravel(), steps).reshape(photograph.shape)
