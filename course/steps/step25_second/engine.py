del is_linear, adjoint_gap, whole, planted, survivors, MISTAKES


def plain(value):
    """The array of a Tensor; anything else as it is."""
    return value.data if isinstance(value, Tensor) else value


class Tensor:
    """An array that remembers what it was made from.

    data : the array, of float64, or of complex128 if it was made of complex numbers.
    requires_grad : whether anybody asks for its gradient.
    inputs : a pair (tensor, rule) for each Tensor that went into it and requires a gradient. A rule
        takes g, how fast the end result grows with each element of this array, and what else its
        parameters name; it returns the same for that input. All of these are Tensors.
    kept : the values that these rules name, by name.
    stretches : whether NumPy may have stretched the inputs.
    number : how many Tensors were made before this one.
    grad : of a leaf that requires it: how fast the end grows with each element. It adds up over
        backward passes. Other Tensors have none.
    """

    def backward(self, gradient=None):
        """Add to `grad` of every leaf that this Tensor was made from and that requires it.

        gradient : how fast the end result grows with each element; for a single number it is 1.
        """
        leaves = [tensor for tensor in made_from(self)
                  if tensor.requires_grad and not tensor.inputs]
        for leaf, g in zip(leaves, gradients(self, leaves, gradient)):
            leaf.grad = g.data if leaf.grad is None else leaf.grad + g.data

    # after: __rmatmul__
    def __lt__(self, other): return self.data < plain(other)
    # after: __lt__
    def __le__(self, other): return self.data <= plain(other)
    # after: __le__
    def __gt__(self, other): return self.data > plain(other)
    # after: __gt__
    def __ge__(self, other): return self.data >= plain(other)


# before: unbroadcast
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
        # hole: unless the pass is recorded, replace each Tensor in `kept` by a new one with the
        # same data, which does not require a gradient: then nothing of the pass is recorded
        if not recorded:
            kept = {name: Tensor(value.data) if isinstance(value, Tensor) else value
                    for name, value in kept.items()}
        # end
        for source, rule in tensor.inputs:
            part = rule(g, **{name: kept[name] for name in needs(rule)})
            if tensor.stretches:
                part = unbroadcast(part, source.shape)
            grads[source.number] = grads[source.number] + part if source.number in grads else part
    return [found.get(tensor.number) for tensor in inputs]


def unbroadcast(g, shape):
    """The gradient of an array of this shape that was stretched to the shape of g."""
    # hole: as before, but by `sum_over`, so that it has a gradient; and nothing is to be done if
    # the shapes are equal
    if g.shape == shape:
        return g
    g = sum_over(g, tuple(range(len(g.shape) - len(shape))))
    return sum_over(g, tuple(i for i, length in enumerate(shape) if length == 1), True)
    # end


class Operation:
    def __call__(self, *values, **options):
        """Run the function; the result keeps what the rules of this call name, and no more."""
        call = self.signature.bind(*values, **options)
        call.apply_defaults()
        arrays = {name: plain(value) for name, value in call.arguments.items()}
        result = Tensor(self.function(**arrays))
        known = dict(call.arguments)
        known.update({f"{name}_shape": np.shape(array) for name, array in arrays.items()
                      if isinstance(array, (np.ndarray, int, float))})      # an index has none
        for name, rule in self.rules.items():
            value = call.arguments[name]
            if isinstance(value, Tensor) and value.requires_grad:
                result.inputs.append((value, rule))
                result.kept.update({need: known[need] for need in needs(rule) if need != "out"})
        result.requires_grad = bool(result.inputs)
        result.stretches = self.stretches
        return result


matmul.derivative(x=lambda g, w: g @ permute(w, (1, 0)),
                  w=lambda g, x: permute(x, (1, 0)) @ g)


power.derivative(x=lambda g, x, n: g * n * x ** (n - 1) if n else g * 0)


absolute.derivative(x=lambda g, x: g * ((x > 0) * 1.0 - (x < 0)))


def relu_rule(g, out):
    """What x receives through relu."""
    return g * (out > 0)


@Operation
def spread(x, shape, dim, keepdim):
    """What each element of a sum receives: the x of its sum."""
    if dim is not None and not keepdim:
        x = np.expand_dims(x, dim)
    return np.broadcast_to(x, shape)


def spread_rule(g, dim, keepdim):
    """What the sums receive, if each was spread over its elements."""
    # hole: one line, with an operation that is there
    return sum_over(g, dim, keepdim)
    # end


spread.derivative(x=spread_rule)


reshape.derivative(x=lambda g, x_shape: reshape(g, x_shape))


permute.derivative(x=lambda g, dims: permute(g, tuple(np.argsort(np.mod(dims, len(dims))))))


@Operation
def put(x, shape, index):
    """Zeros, but at each index what its copies receive, added up."""
    result = np.zeros(shape)
    np.add.at(result, index, x)
    return result


def put_rule(g, index):
    """What the copies receive, if they were added up at their index."""
    # hole: one line, with an operation that is there
    return take(g, index)
    # end


put.derivative(x=put_rule)


@Operation
def put_windows(x, shape, high, wide, padding):
    """What the pictures receive: each row of x goes back to its window, and uses add up."""
    result = padded(np.zeros(shape), padding)
    n, channels, height, width = result.shape
    down, across = height - high + 1, width - wide + 1
    x = x.reshape(n, down, across, channels, high, wide).transpose(0, 3, 1, 2, 4, 5)
    for i, j in np.ndindex(high, wide):
        result[:, :, i:i + down, j:j + across] += x[:, :, :, :, i, j]
    return result[:, :, padding:padding + shape[2], padding:padding + shape[3]]


windows.derivative(x=lambda g, x_shape, high, wide, padding: put_windows(g, x_shape, high, wide,
                                                                         padding))


# after: put_windows
put_windows.derivative(x=lambda g, high, wide, padding: windows(g, high, wide, padding))


def log_softmax_rule(g, out):
    """What the scores receive."""
    return g - exp(out) * sum_over(g, -1, True)


def hessian_times(f, x, v):
    """H·v as an array, where H holds the second derivatives of f, a number, at the array x."""
    # hole: a recorded pass gives the gradient of f(x); its elements times those of v, added up, are
    # a number, whose gradient is wanted
    leaf = Tensor(x, requires_grad=True)
    first, = gradients(f(leaf), [leaf], recorded=True)
    second, = gradients((first * v).sum(), [leaf])
    return second.data
    # end
