"""A priority queue delivers the youngest first while it collects; nothing is sorted."""

import heapq


class Tensor:
    def backward(self):
        """Set `grad` of everything that this Tensor was made from."""
        sums = {self.number: 1.0}
        for tensor in made_from(self):
            tensor.grad = sums[tensor.number]
            for source, rule in tensor.inputs:
                sums[source.number] = sums.get(source.number, 0.0) + rule(tensor.grad)


def made_from(end):
    """`end` and every Tensor that went into it: each once, the youngest first."""
    seen = {end.number}
    result, waiting, last = [], [(-end.number, end)], None
    while waiting:
        _, tensor = heapq.heappop(waiting)
        if tensor is last:          # the same one came in by two ways
            continue
        last = tensor
        result.append(tensor)
        for source in {id(source): source for source, _ in tensor.inputs}.values():
            if source.number not in seen:
                seen.add(source.number)
                heapq.heappush(waiting, (-source.number, source))
    return result
