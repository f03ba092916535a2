class Tensor:
    """A number that remembers what it was made from.

    data : the number.
    inputs : a pair (tensor, rule) for each tensor that went into it. A rule takes g, how fast
        the end result grows with this number, and returns how fast it grows with that input.
    number : how many Tensors were made before this one.
    grad : of a leaf, a Tensor that you made yourself: how fast the end grows with it. It adds up
        over backward passes. Other Tensors have none.
    """

    def backward(self):
        """Add to `grad` of every leaf that this Tensor was made from."""
        grads = {self.number: 1.0}          # of this pass, by the Tensor's number
        for tensor in made_from(self):
            g = grads.pop(tensor.number)    # complete: everything made from it is younger
            for source, rule in tensor.inputs:
                # hole: add what the rule sends to the source to what the source has in `grads`
                grads[source.number] = grads.get(source.number, 0.0) + rule(g)
                # end
            if not tensor.inputs:
                # hole: a leaf: add g to what it has from earlier passes
                tensor.grad = g if tensor.grad is None else tensor.grad + g
                # end
