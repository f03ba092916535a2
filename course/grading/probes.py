"""What runs beside the reader's code. `engine` is the reader's module, everything else plain data.

A probe calls the reader's functions and returns what they returned; it knows no right answer. Each
step has probes of its own beside its checks, and these are shared.
"""

import inspect
import math

import numpy as np


def formula(text, names=("x",)):
    """A plain function of numbers, such as "x**3 - 2*x"."""
    known = {key: getattr(math, key) for key in ("sin", "cos", "exp", "log", "tanh", "sqrt")}
    return eval(f"lambda {', '.join(names)}: {text}", known)


def leaf(engine, value):
    """A Tensor whose gradient is asked for; from step 10 on that has to be said."""
    asked = "requires_grad" in inspect.signature(engine.Tensor).parameters
    return engine.Tensor(value, requires_grad=True) if asked else engine.Tensor(value)


def result(engine, text, inputs, constants=()):
    """The Tensors of the named numbers or arrays, and what the reader's engine makes of them.

    constants : arrays that the formula uses as they are, such as targets, by name.
    """
    tensors = {name: leaf(engine, value) for name, value in inputs.items()}
    return tensors, eval(text, dict(vars(engine)), {**tensors, **dict(constants)})


def value_of(engine, text, inputs, constants=()):
    """The value of a formula."""
    return result(engine, text, inputs, constants)[1].data


def value_and_changes(engine, text, inputs, constants=()):
    """The value of a formula, and the names of the inputs whose elements it has changed."""
    tensors, end = result(engine, text, {name: np.array(array) for name, array in inputs.items()},
                          constants)
    return end.data, [name for name, array in inputs.items()
                      if not np.array_equal(tensors[name].data, array)]


def at_each(engine, text, inputs, job):
    """Do a job with numbers, one point after the other, for engines that have no arrays yet.

    inputs : arrays of one length, an element for each point. `job(end, tensors, point)` returns
    numbers; the result is a list of arrays.
    """
    length = len(next(iter(inputs.values())))
    rows = []
    for point in range(length):
        tensors, end = result(engine, text, {name: float(array[point])
                                             for name, array in inputs.items()})
        rows.append(job(end, list(tensors.values()), point))
    return [_column(values) for values in zip(*rows)]


def _column(values):
    """The numbers as an array; if one of them is no number, that one."""
    return next((value for value in values if not isinstance(value, (int, float, np.number))),
                np.array(values))


def values_at_each(engine, text, inputs):
    """The values of a formula at several points."""
    return at_each(engine, text, inputs, lambda end, tensors, point: [end.data])[0]


def gradients_at_each(engine, text, inputs, upstream):
    """The gradients after a backward pass, which starts from 1, times the upstream gradient."""
    def job(end, tensors, point):
        end.backward()
        return [None if tensor.grad is None else tensor.grad * float(upstream[point])
                for tensor in tensors]

    return at_each(engine, text, inputs, job)


def gradients(engine, text, inputs, upstream, constants=()):
    """The gradients of arrays after a backward pass from an upstream gradient."""
    tensors, end = result(engine, text, inputs, constants)
    end.backward(upstream)
    return [tensor.grad for tensor in tensors.values()]


def form_of_record(engine, text, inputs):
    """What is wrong with the form of a formula's record, and where it differs; two empty texts."""
    _, end = result(engine, text, inputs)
    if not isinstance(end, engine.Tensor):
        return "no Tensor", _kind(end)
    if not isinstance(end.data, (int, float, np.number, np.ndarray)):
        return "data", _kind(end.data)
    for entry in end.inputs:
        if not isinstance(entry, (tuple, list)) or len(entry) != 2:
            return "not a pair", _kind(entry)
        source, rule = entry
        if isinstance(rule, engine.Tensor) and callable(source):
            return "exchanged", ""
        if not isinstance(source, engine.Tensor):
            return "no input", _kind(source)
        if not callable(rule):
            return "no function", _kind(rule)
    return "", ""


def _kind(value):
    """What a value is, in a sentence."""
    if value is None:
        return "None"
    name = type(value).__name__
    return {"ndarray": "an array", "float": "a number", "int": "a number", "float64": "a number",
            "function": "a function", "tuple": "a tuple of another length"}.get(name, f"a {name}")


def line_of_rule(engine, text, inputs, name, constants=()):
    """The line of the rule that sends the named input its gradient; None if it is not clear."""
    tensors, end = result(engine, text, inputs, constants)
    found, waiting, seen = set(), [end], set()
    while waiting:
        tensor = waiting.pop()
        if id(tensor) in seen:
            continue
        seen.add(id(tensor))
        for source, rule in tensor.inputs:
            waiting.append(source)
            if source is tensors[name]:
                found.add(_written(rule).__code__.co_firstlineno)
    return found.pop() if len(found) == 1 else None


def _written(rule):
    """The rule that a reader wrote, if another function is wrapped around it."""
    inner = [cell.cell_contents for cell in rule.__closure__ or ()
             if inspect.isfunction(cell.cell_contents)]
    return inner[0] if len(inner) == 1 else rule
