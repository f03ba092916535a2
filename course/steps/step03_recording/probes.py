"""Probes of step 3."""

from course.grading.probes import at_each, result

__all__ = ["kinds_of_inputs", "pulled"]


def pulled(engine, text, inputs, upstream):
    """What the recorded rules send to each input, along every path."""
    def job(end, tensors, point):
        sums = {}
        waiting = [(end, float(upstream[point]))]
        while waiting:
            tensor, g = waiting.pop()
            sums[id(tensor)] = sums.get(id(tensor), 0.0) + g
            waiting += [(source, rule(g)) for source, rule in tensor.inputs]
        return [sums.get(id(tensor)) for tensor in tensors]

    return at_each(engine, text, inputs, job)


def kinds_of_inputs(engine, text, inputs):
    """How many inputs the result has, and whether all are Tensors."""
    _, end = result(engine, text, inputs)
    return len(end.inputs), all(isinstance(source, engine.Tensor) for source, _ in end.inputs)
