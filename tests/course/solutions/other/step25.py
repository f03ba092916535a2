"""Values are looked up rule by rule, without a changed `kept`; sums one dimension at a time;
spreading undone by a product with ones; H·v through the slope along v."""


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

    def seen(value):
        """A value as the rules of this pass get it."""
        return value if recorded or not isinstance(value, Tensor) else Tensor(value.data)

    found = {end.number: gradient if isinstance(gradient, Tensor) else Tensor(gradient)}
    for tensor in made_from(end):               # complete: everything made from it is younger
        for source, rule in tensor.inputs:
            given = [seen(tensor if name == "out" else tensor.kept[name]) for name in needs(rule)]
            part = rule(found[tensor.number], *given)
            if tensor.stretches:
                part = unbroadcast(part, source.shape)
            known = found.get(source.number)
            found[source.number] = part if known is None else known + part
    return [found.get(tensor.number) for tensor in inputs]


def unbroadcast(g, shape):
    """The gradient of an array of this shape that was stretched to the shape of g."""
    if g.shape == tuple(shape):
        return g
    if len(g.shape) > len(shape):               # one dimension in front less, and on
        return unbroadcast(sum_over(g, 0), shape)
    dim = max(dim for dim, length in enumerate(shape) if g.shape[dim] != length)
    return unbroadcast(sum_over(g, dim, True), shape)


def spread_rule(g, dim, keepdim):
    """What the sums receive, if each was spread over its elements."""
    # a product with ones, for one row of elements each
    dims = range(len(g.shape)) if dim is None else np.ravel(dim) % len(g.shape)
    kept = [k for k in range(len(g.shape)) if k not in dims]
    count = int(np.prod([g.shape[k] for k in kept], dtype=int))
    rows = reshape(permute(g, (*kept, *dims)), (count, -1))
    shape = [1 if k in dims else length for k, length in enumerate(g.shape) if keepdim or k in kept]
    return reshape(matmul(rows, np.ones((rows.shape[1], 1))), tuple(shape))


def put_rule(g, index):
    """What the copies receive, if they were added up at their index."""
    # number the elements, see which numbers the index takes, and fetch these from the flat g
    places = np.arange(g.data.size).reshape(g.shape)[index]
    return take(reshape(g, (-1,)), places)


def hessian_times(f, x, v):
    """H·v as an array, where H holds the second derivatives of f, a number, at the array x."""
    # the slope of t ↦ f(x + t·v) at t = 0 is ∇f·v; its own gradient by x is H·v
    leaf, t = Tensor(x, requires_grad=True), Tensor(0.0, requires_grad=True)
    along_v, = gradients(f(leaf + t * v), [t], recorded=True)
    if along_v is None:
        return np.zeros(np.shape(x))
    result, = gradients(along_v, [leaf])
    return np.zeros(np.shape(x)) if result is None else result.data
