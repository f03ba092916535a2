"""As the page says it, line by line."""


class Tensor:
    def backward(self):
        """Add to `grad` of every leaf that this Tensor was made from."""
        grads = {self.number: 1.0}          # of this pass, by the Tensor's number
        for tensor in made_from(self):
            g = grads.pop(tensor.number)    # complete: everything made from it is younger
            for source, rule in tensor.inputs:
                grads[source.number] = grads.get(source.number, 0.0) + rule(g)
            if not tensor.inputs:
                tensor.grad = g if tensor.grad is None else tensor.grad + g
