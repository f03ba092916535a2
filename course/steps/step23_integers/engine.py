# after: compared
def whole(rng, shape):
    """Random whole numbers from −9 to 9, as an array of float64."""
    return rng.integers(-9, 10, shape).astype(np.float64)


# after: whole
def is_linear(f, shape, rng):
    """Whether f, but for a constant, is linear: tried on whole numbers, without any tolerance."""
    x, y, zero = whole(rng, shape), whole(rng, shape), np.zeros(shape)

    def change(x):
        """What x adds to f(0)."""
        return f(Tensor(x)).data - f(Tensor(zero)).data

    # hole: whether the change for x + y is the sum of the changes for x and for y, and that for 3x
    # three times that for x, in every element, exactly
    return bool((change(x + y) == change(x) + change(y)).all()
                and (change(3 * x) == 3 * change(x)).all())
    # end


# after: is_linear
def adjoint_gap(f, shape, rng):
    """Σ v·A(u) − Σ u·Aᵀ(v) for whole u and v: 0.0 if the rule is right.

    A(u) is what u adds to f(0), that is f(u) − f(0). Aᵀ(v) is the gradient with v as g, at another
    random point, as it does not depend on the point where f is linear.
    """
    # hole: draw u and the other point by `whole`, and v of the shape of the result; A(u) is a
    # difference of two values, Aᵀ(v) the gradient of a leaf
    u, leaf = whole(rng, shape), Tensor(whole(rng, shape), requires_grad=True)
    change = f(Tensor(u)).data - f(Tensor(np.zeros(shape))).data
    v = whole(rng, change.shape)
    f(leaf).backward(v)
    return (v * change).sum() - (u * leaf.grad).sum()
    # end
