"""The gradient checker on a reader's rules: a diagnosis with the reader's own file and line."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from course.grading.verdict import Wrong
from course.grading.work import Work, close, no_number, shown
from minigrad.check import check_gradient, check_vjp
from minigrad.check.report import Report

_NUMPY = {name: getattr(np, name) for name in ("exp", "log", "tanh", "sqrt", "sin", "cos")}


def check_rules(work: Work, text: str, inputs: dict[str, Any], *, where: str | dict[str, str],
                reference: Callable[..., Any] | None = None, numbers: bool = False,
                constants: dict[str, Any] | None = None,
                likely: dict[str, Callable[..., Any]] | None = None) -> None:
    """Check value and gradients of a formula, such as "x * y", in the reader's engine.

    The value is compared with NumPy's. The gradients are held against the function itself by the
    gradient checker: what is measured is NumPy's function, what is judged the reader's rules.

    Parameters
    ----------
    where : the reader's definition that is at fault if a gradient is wrong; by input if they
        differ.
    reference : the function on arrays; by default the formula itself, by NumPy.
    numbers : the engine knows numbers only. The inputs are then arrays of one length, whose
        elements are tried one after the other: several points say more than one.
    constants : arrays in the formula that have no gradient, such as targets.
    likely : gradients of the first input by common mistakes, as functions of all inputs and of
        the upstream gradient; if the gradient is wrong, the sentence of one that fits is told.

    Raises
    ------
    Wrong
        With the mistake, if it has a name, and both numbers where they differ most.
    """
    names = list(inputs)
    function = reference or eval(f"lambda {', '.join(names)}: {text}", dict(_NUMPY))
    places = where if isinstance(where, dict) else dict.fromkeys(names, where)
    further = (constants,) if constants else ()
    given = _written({**inputs, **(constants or {})})
    value = work.call("values_at_each" if numbers else "value_of", text, inputs, *further,
                      doing=f"{text} for {given}")
    work.same(next(iter(places.values())), f"{text} for {given}", value, function(*inputs.values()))

    def vjp(arguments: tuple, upstream: np.ndarray) -> tuple:
        values = dict(zip(names, arguments))
        found = work.call("pulled", text, values, upstream, *further,
                          doing=f"the backward pass of {text}")
        for name, gradient in zip(names, found):
            if gradient is None:
                raise work.wrong(places[name], f"{text} sends no gradient to {name}: is the "
                                 f"result made of plain arrays (`data`)? Then nothing is recorded")
            kind = "a bool" if isinstance(gradient, bool) else no_number(gradient)
            if kind:
                plain = "; take the `data` of what it is made of" if kind == "a Tensor" else ""
                raise work.wrong(places[name], f"the gradient of {text} for {name} is {kind}, "
                                 f"but should be {'a number' if numbers else 'an array'}{plain}")
            _of_the_shape(work, places[name], f"the gradient of {text} for {name}", gradient,
                          values[name])
        return tuple(np.asarray(gradient, np.float64) for gradient in found)

    function_named = _named(function, text)
    report = check_vjp(function_named, vjp, tuple(inputs.values()), raise_exception=False,
                       seed=int(work.rng.integers(2 ** 31)))
    if not report:
        wrong = _explained(work, report, text, inputs, places, numbers, further)
        named = _named_mistake(function, vjp, inputs, likely or {}, work.rng)
        if named:
            name, sentence = named
            wrong.text = f"the gradient of {text} for {name} is wrong: {sentence}\n" + (
                "\n".join(wrong.text.splitlines()[1:]))
            wrong.where = places[name]
        raise wrong


def _of_the_shape(work: Work, where: str, what: str, gradient: Any, value: Any) -> None:
    """The gradient has the shape of its input."""
    found, right = np.shape(gradient), np.shape(value)
    if found == right:
        return
    guess = ""
    if len(right) > 1 and found == right[::-1]:
        guess = ": it is transposed"
    elif len(right) > 1 and sorted(found) == sorted(right):
        guess = ": its dimensions are in another order"
    elif len(found) >= len(right) and all(
            a == b or b == 1 for a, b in zip(found[::-1], right[::-1])):
        guess = ": what was stretched is to be summed, after the rule has had its turn"
    elif len(found) < len(right) or np.size(gradient) < np.size(value):
        guess = ": bring it back to the shape of the input"
    raise work.wrong(where, f"{what} has the shape {found}, but should have {right}{guess}")


def _named_mistake(function: Callable[..., Any], vjp: Callable[..., Any], inputs: dict[str, Any],
                   likely: dict[str, Callable[..., Any]], rng: np.random.Generator
                   ) -> tuple[str, str] | None:
    """The input and the sentence of a mistake that explains the gradients, or None.

    Tried are the mistakes that the check expects, and rules that were exchanged.
    """
    values = tuple(np.asarray(value, np.float64) for value in inputs.values())
    shape = np.shape(function(*values))
    upstream = rng.uniform(0.5, 2, shape) * rng.choice([-1.0, 1.0], shape)
    found = vjp(values, upstream)
    first, *others = inputs
    for sentence, mistaken in likely.items():
        if close(found[0], mistaken(*values, upstream), 1e-6, 1e-9):
            return first, sentence
    if len(others) == 1 and values[0].shape == values[1].shape:
        right = [_measured(function, values, place, upstream) for place in (0, 1)]
        exchanged = [close(found[place], right[1 - place], 1e-5, 1e-8) for place in (0, 1)]
        if all(exchanged) and not close(right[0], right[1], 1e-5, 1e-8):
            return first, f"{first} and {others[0]} got each other's rule; exchange the two"
    return None


def _measured(function: Callable[..., Any], values: tuple, place: int, upstream: np.ndarray
              ) -> np.ndarray:
    """The gradient for one input, by central differences."""
    result, h = np.zeros(values[place].shape), 1e-5
    for index in np.ndindex(result.shape):
        ends = []
        for step in (h, -h):
            moved = [value.copy() for value in values]
            moved[place][index] += step
            ends.append(np.sum(function(*moved) * upstream))
        result[index] = (ends[0] - ends[1]) / (2 * h)
    return result


def _named(function: Callable[..., Any], text: str) -> Callable[..., Any]:
    def named(*arguments: Any) -> Any:
        return function(*arguments)
    named.__name__ = text
    return named


def _explained(work: Work, report: Report, text: str, inputs: dict[str, Any],
               places: dict[str, str], numbers: bool, further: tuple) -> Wrong:
    assert report.failure is not None
    lines = report.failure.text
    at_fault = re.search(r"input (\d+)", " ".join(lines[:1]))
    name = list(inputs)[int(at_fault[1])] if at_fault else next(iter(inputs))
    where = places[name]
    mistake = f": {report.mistake.sentence()}" if report.mistake else ""
    if not mistake:
        guesses = [line.partition(": ")[2] for line in lines if line.startswith("it looks like")]
        mistake = f": {guesses[0]}" if guesses else f": {lines[0]}"
    told = [f"the gradient of {text} for {name} is wrong{mistake}"]
    compared = {line.split("  ")[0]: line.split()[-1] for line in lines
                if line.startswith(("claimed by the rule", "measured by differences"))}
    element = re.search(r"\[[\d, ]+\]", lines[0])
    point = inputs
    if numbers:
        index = int(element[0].strip("[]")) if element else 0
        point = {key: float(array[index]) for key, array in inputs.items()}
    if len(compared) == 2:
        claimed, measured = (float(number) for number in compared.values())
        output = re.search(r"derivative of output(\[[\d, ]+\])?", lines[0])
        top = "the result" + ((output[1] or "") if output and not numbers else "")
        below = name + (element[0] if element and not numbers else "")
        if shown(claimed) != shown(measured):
            told.append(f"for {_written(point)}: how {top} grows with {below} is {shown(claimed)} "
                        f"by your rule, {shown(measured)} by nudging")
    line = work.call("line_of_rule", text, point, name, *further, doing="finding the rule")
    return Wrong("\n".join(told), where, line or work.line_of(where))


def _written(inputs: dict[str, Any]) -> str:
    return ", ".join(f"{name} = {shown(value)}" if np.size(value) <= 8 else
                     f"{name} of shape {np.shape(value)}" for name, value in inputs.items())


def judged(work: Work, where: str, function: Callable[..., Any], slope: Callable[..., Any],
           x: float) -> None:
    """Check the reader's derivative of one plain function at one point.

    Raises
    ------
    Wrong
        With the mistake, if it has a name.
    """
    work.same(where, f"{where}({x:.4g})", slope(x), slope(x))      # a number, the same twice
    report = check_gradient(function, lambda point: slope(float(point)), x, raise_exception=False,
                            seed=int(work.rng.integers(2 ** 31)))
    if not report:
        assert report.failure is not None
        found = report.mistake.sentence() if report.mistake else report.failure.text[-1]
        raise work.wrong(where, f"{where}({x:.4g}) is {shown(slope(x))}: {found}")
