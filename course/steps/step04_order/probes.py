"""Probes of step 4."""

from course.grading.probes import gradients_at_each as pulled
from course.grading.probes import result

__all__ = ["along", "at_depth", "order_of", "order_of_doublings",
           "order_where_data_look_like_numbers", "pulled"]


def order_of(engine, text, inputs):
    """What made_from gives; see `_compared`."""
    return _compared(engine, result(engine, text, inputs)[1])


def _compared(engine, end):
    """The numbers in the reader's order, those of all Tensors that can be reached, and facts.

    The facts are: what stands in the list in place of a Tensor, or an empty text; whether the
    Tensors that are missing all hold the same data as one that is there; the numbers of the leaves
    and of the end's own inputs.
    """
    found, all_of_them = engine.made_from(end), _reached(end)
    if not isinstance(found, (list, tuple)):
        return [], [], f"made_from gives a {type(found).__name__}", False, [], []
    foreign = [entry for entry in found if not isinstance(entry, engine.Tensor)]
    if foreign:
        return [], [], f"the list holds a {type(foreign[0]).__name__}", False, [], []
    data = [tensor.data for tensor in found]
    missing = set(all_of_them) - {tensor.number for tensor in found}
    twins = all(all_of_them[number].data in data for number in missing)
    return ([tensor.number for tensor in found], sorted(all_of_them, reverse=True), "", twins,
            [number for number, tensor in all_of_them.items() if not tensor.inputs],
            [source.number for source, _ in end.inputs])


def _reached(end):
    """All Tensors that went into the end, by number."""
    found, waiting = {}, [end]
    while waiting:
        tensor = waiting.pop()
        if tensor.number not in found:
            found[tensor.number] = tensor
            waiting += [source for source, _ in tensor.inputs]
    return found


def order_where_data_look_like_numbers(engine):
    """An end whose data is the number of its input."""
    x = engine.Tensor(0.0)
    end = engine.add(x, float(x.number))
    return _compared(engine, end)


def order_of_doublings(engine, times):
    """A result with 2 to the power of `times` paths to its leaf."""
    end = engine.Tensor(1.0)
    for _ in range(times):
        end = engine.add(end, end)
    return _compared(engine, end)


def along(engine, x, y):
    """The gradients of the end tanh(x·y)·3, of tanh(x·y), x·y, x and y."""
    one, two = engine.Tensor(x), engine.Tensor(y)
    inner = engine.multiply(one, two)
    curve = engine.tanh(inner)
    end = engine.multiply(curve, 3.0)
    end.backward()
    return [tensor.grad for tensor in (end, curve, inner, one, two)]


def at_depth(engine, depth):
    """The gradient at the beginning of a long chain."""
    x = end = engine.Tensor(2.0)
    for _ in range(depth):
        end = engine.add(end, 1.0)
    end.backward()
    return x.grad
