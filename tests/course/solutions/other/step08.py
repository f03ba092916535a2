"""The sum's rule by a product with ones, `permute` by `moveaxis`, indexing backwards by
`bincount`."""


class Tensor:
    def mean(self, dim=None, keepdim=False):
        """The sum, divided by how many were added up."""
        total = self.sum(dim, keepdim)
        return total * (total.data.size / self.data.size)


def sum_over(x, dim=None, keepdim=False):
    """The sum of all elements, or along one dimension, which stays with length 1 if asked for."""
    def rule(g):
        long = x.data.sum(axis=dim, keepdims=True).shape
        return np.ones(x.data.shape) * np.reshape(g, long)

    return Tensor(x.data.sum(axis=dim, keepdims=keepdim), [(x, rule)])


def reshape(x, shape):
    """The same elements in the same order, in another shape."""
    def rule(g):
        sent = np.empty(x.data.shape)
        sent.flat = np.ravel(g)
        return sent
    return Tensor(np.ravel(x.data).reshape(shape), [(x, rule)])


def permute(x, dims):
    """The dimensions in another order: dimension number i of the result is dims[i] of x."""
    return Tensor(np.moveaxis(x.data, dims, range(x.data.ndim)), [
        (x, lambda g: np.moveaxis(g, range(g.ndim), dims))])


def take(x, index):
    """x[index], for every index that NumPy knows; an element may be taken more than once."""
    def rule(g):
        places = np.arange(x.data.size).reshape(x.data.shape)[index]
        sums = np.bincount(np.ravel(places), weights=np.ravel(g), minlength=x.data.size)
        return sums.reshape(x.data.shape)

    return Tensor(x.data[index], [(x, rule)])
