def squared_error(outputs, targets):
    """The mean of the squared differences."""
    # hole: in one line, from what the engine has
    return ((outputs - targets) ** 2).mean()
    # end


@Elementwise
def softplus(x):
    """ln(1 + eˣ) of each element, also of very large ones"""
    # hole: on plain arrays, so that no power of e grows beyond 1
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))
    # end


def softplus_rule(g, x, out):
    """What x receives through softplus; out is softplus(x)."""
    # hole: link by link, then made as short as it gets; again no large power of e
    return g * np.exp(x - out)
    # end


softplus.derivative(x=softplus_rule)


def binary_cross_entropy(scores, targets):
    """The mean of −ln p, where p is the probability, by sigmoid(score), of the target, 0 or 1."""
    # hole: by softplus, in one line
    return (softplus(scores) - scores * targets).mean()
    # end
