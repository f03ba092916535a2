"""By the first student, from the page alone."""


class Tensor:
    def mean(self, dim=None, keepdim=False):
        """The sum, divided by how many were added up."""
        count = self.data.size if dim is None else self.data.shape[dim]
        return self.sum(dim, keepdim) / count


def sum_over(x, dim=None, keepdim=False):
    """The sum of all elements, or along one dimension, which stays with length 1 if asked for."""
    def rule(g):
        if dim is not None and not keepdim:
            g = np.expand_dims(g, dim)
        return np.broadcast_to(g, x.data.shape)

    return Tensor(x.data.sum(axis=dim, keepdims=keepdim), [(x, rule)])


def reshape(x, shape):
    """The same elements in the same order, in another shape."""
    return Tensor(x.data.reshape(shape), [(x, lambda g: g.reshape(x.data.shape))])


def permute(x, dims):
    """The dimensions in another order: dimension number i of the result is dims[i] of x."""
    dims = [range(x.data.ndim)[dim] for dim in dims]        # -1 is the last one
    back = np.argsort(dims)
    return Tensor(x.data.transpose(dims), [(x, lambda g: g.transpose(back))])


def take(x, index):
    """x[index], for every index that NumPy knows; an element may be taken more than once."""
    def rule(g):
        result = np.zeros(x.data.shape)
        np.add.at(result, index, g)
        return result

    return Tensor(x.data[index], [(x, rule)])
