"""Each number collects a list of what its uses send, which `math.fsum` adds up exactly when its
turn comes."""

import collections


class Tensor:
    def backward(self):
        """Add to `grad` of every leaf that this Tensor was made from."""
        sent = collections.defaultdict(list)
        sent[self.number].append(1.0)
        for tensor in made_from(self):
            g = total(sent.pop(tensor.number))
            for source, rule in tensor.inputs:
                sent[source.number].append(rule(g))
            if not tensor.inputs:
                tensor.grad = total([tensor.grad or 0.0, g])


def total(parts):
    """The sum of what came in."""
    return math.fsum(parts)
