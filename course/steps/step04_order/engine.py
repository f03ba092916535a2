import itertools

# after: slopes
numbers = itertools.count()     # each Tensor gets the next number when it is made


class Tensor:
    """A number that remembers what it was made from.

    data : the number.
    inputs : a pair (tensor, rule) for each tensor that went into it. A rule takes g, how fast
        the end result grows with this number, and returns how fast it grows with that input.
    number : how many Tensors were made before this one.
    grad : after `end.backward()`, how fast `end` grows with this number.
    """

    def __init__(self, data, inputs=()):
        self.data = data
        self.inputs = list(inputs)
        self.number = next(numbers)
        self.grad = None

    # after: __repr__
    def backward(self):
        """Set `grad` of everything that this Tensor was made from."""
        self.grad = 1.0
        for tensor in made_from(self):
            for source, rule in tensor.inputs:
                # hole: the gradient of the source, by its rule
                source.grad = rule(tensor.grad)
                # end


# after: as_tensor
def made_from(end):
    """`end` and every Tensor that went into it: each once, the youngest first."""
    # hole: collect them, without recursion: a graph can be 100,000 Tensors deep.
    # Then sort them by their numbers.
    found, waiting = {end.number: end}, [end]
    while waiting:
        for source, _ in waiting.pop().inputs:
            if source.number not in found:
                found[source.number] = source
                waiting.append(source)
    return sorted(found.values(), key=lambda tensor: tensor.number, reverse=True)
    # end
