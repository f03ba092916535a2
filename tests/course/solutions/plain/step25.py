"""By a student, from the page alone."""


def gradients(end, inputs, gradient=None, recorded=False):
    """How fast the end grows with each element of the inputs, as Tensors; None if it does not.

    gradient : how fast the end result grows with each element; for a single number it is 1.
    recorded : whether the pass itself is recorded, so that its results have gradients as well.
    """
    if gradient is None:
        if end.data.size != 1:
            raise ValueError(f"a gradient of the shape {end.shape} is needed to begin with; only "
                             f"a single number does without")
        gradient = np.ones(end.shape)
    grads, found = {end.number: gradient}, {}
    for tensor in made_from(end):
        g = grads.pop(tensor.number)            # complete: everything made from it is younger
        found[tensor.number] = g = g if isinstance(g, Tensor) else Tensor(g)
        kept = {**tensor.kept, "out": tensor}
        if not recorded:
            for name, value in kept.items():
                if isinstance(value, Tensor):
                    kept[name] = Tensor(value.data)
        for source, rule in tensor.inputs:
            part = rule(g, **{name: kept[name] for name in needs(rule)})
            if tensor.stretches:
                part = unbroadcast(part, source.shape)
            grads[source.number] = grads[source.number] + part if source.number in grads else part
    return [found.get(tensor.number) for tensor in inputs]


def unbroadcast(g, shape):
    """The gradient of an array of this shape that was stretched to the shape of g."""
    if g.shape == shape:
        return g
    extra = len(g.shape) - len(shape)
    g = sum_over(g, tuple(range(extra)))
    return sum_over(g, tuple(i for i, n in enumerate(shape) if n == 1), True)


def spread_rule(g, dim, keepdim):
    """What the sums receive, if each was spread over its elements."""
    return sum_over(g, dim, keepdim)


def put_rule(g, index):
    """What the copies receive, if they were added up at their index."""
    return take(g, index)


def hessian_times(f, x, v):
    """H·v as an array, where H holds the second derivatives of f, a number, at the array x."""
    leaf = Tensor(x, requires_grad=True)
    first, = gradients(f(leaf), [leaf], recorded=True)
    second = None if first is None else gradients((first * v).sum(), [leaf])[0]
    return np.zeros(leaf.shape) if second is None else second.data
