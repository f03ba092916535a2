class Tensor:
    # after: __rtruediv__
    def __getitem__(self, index): return take(self, index)

    # after: __getitem__
    def sum(self, dim=None, keepdim=False): return sum_over(self, dim, keepdim)

    # after: sum
    def mean(self, dim=None, keepdim=False):
        """The sum, divided by how many were added up."""
        # hole: use `sum`, and `data.size` or `data.shape[dim]`
        count = self.data.size if dim is None else self.data.shape[dim]
        return self.sum(dim, keepdim) / count
        # end

    # after: mean
    def reshape(self, *shape): return reshape(self, shape)

    # after: reshape
    def permute(self, *dims): return permute(self, dims)


def sum_over(x, dim=None, keepdim=False):
    """The sum of all elements, or along one dimension, which stays with length 1 if asked for."""
    def rule(g):
        # hole: every element that was added gets the g of its sum. Bring g to the shape of
        # x.data: put the dimension back that is gone, then `np.broadcast_to`
        if dim is not None and not keepdim:
            g = np.expand_dims(g, dim)
        return np.broadcast_to(g, x.data.shape)
        # end

    return Tensor(x.data.sum(axis=dim, keepdims=keepdim), [(x, rule)])


def reshape(x, shape):
    """The same elements in the same order, in another shape."""
    # hole: the result with its rule
    return Tensor(x.data.reshape(shape), [(x, lambda g: g.reshape(x.data.shape))])
    # end


def permute(x, dims):
    """The dimensions in another order: dimension number i of the result is dims[i] of x."""
    dims = [range(x.data.ndim)[dim] for dim in dims]        # -1 is the last one
    # hole: the result with its rule, which undoes the order; `np.argsort(dims)` is the inverse
    return Tensor(x.data.transpose(dims), [(x, lambda g: g.transpose(np.argsort(dims)))])
    # end


def take(x, index):
    """x[index], for every index that NumPy knows; an element may be taken more than once."""
    def rule(g):
        # hole: zeros, and to each place that was taken, what its copies receive, added up
        result = np.zeros(x.data.shape)
        np.add.at(result, index, g)
        return result
        # end

    return Tensor(x.data[index], [(x, rule)])
