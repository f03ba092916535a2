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


def softplus_rule(g, x):
    """What x receives through softplus."""
    # hole: the rule of step 2, link by link, made as short as it gets
    return g / (1 + np.exp(-x))
    # end


softplus.derivative(x=softplus_rule)


def binary_cross_entropy(scores, targets):
    """The mean of −ln p: p is the probability, by sigmoid(score), of the target, 0 or 1."""
    # hole: by softplus, in one line
    return (softplus(scores) - scores * targets).mean()
    # end
