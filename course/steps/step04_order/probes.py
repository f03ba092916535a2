"""Probes of step 4."""

from course.grading.probes import gradients_at_each as pulled
from course.grading.probes import line_of_rule, result, values_at_each

__all__ = ["at_depth", "inner_gradient", "line_of_rule", "order_of", "order_of_doublings",
           "order_where_data_look_like_numbers", "pulled", "values_at_each"]


def order_of(engine, text, inputs):
    """The numbers in the reader's order, and those of all Tensors that can be reached."""
    _, end = result(engine, text, inputs)
    return [tensor.number for tensor in engine.made_from(end)], _reached(end)


def _reached(end):
    numbers, waiting = set(), [end]
    while waiting:
        tensor = waiting.pop()
        if tensor.number not in numbers:
            numbers.add(tensor.number)
            waiting += [source for source, _ in tensor.inputs]
    return sorted(numbers, reverse=True)


def order_where_data_look_like_numbers(engine):
    """An end whose data is the number of its input."""
    x = engine.Tensor(0.0)
    end = engine.add(x, float(x.number))
    return [tensor.number for tensor in engine.made_from(end)], _reached(end)


def order_of_doublings(engine, times):
    """A result with 2 to the power of `times` paths to its leaf."""
    end = engine.Tensor(1.0)
    for _ in range(times):
        end = engine.add(end, end)
    return [tensor.number for tensor in engine.made_from(end)], _reached(end)


def inner_gradient(engine, x, y):
    """The gradients of the inner product of tanh(x·y)·3, and of the end."""
    inner = engine.multiply(engine.Tensor(x), engine.Tensor(y))
    end = engine.multiply(engine.tanh(inner), 3.0)
    end.backward()
    return inner.grad, end.grad


def at_depth(engine, depth):
    """The gradient at the beginning of a long chain."""
    x = end = engine.Tensor(2.0)
    for _ in range(depth):
        end = engine.add(end, 1.0)
    end.backward()
    return x.grad
