"""The gradient checker on a reader's rules: a diagnosis with the reader's own file and line."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np

from course.grading import static
from course.grading.diagnosis import explained, measured
from course.grading.verdict import Wrong
from course.grading.work import Work, close, no_number, shown
from minigrad.check import check_gradient, check_vjp
from minigrad.check.report import Report

_NUMPY = {name: getattr(np, name) for name in ("exp", "log", "tanh", "sqrt", "sin", "cos")}


def check_rules(work: Work, text: str, inputs: dict[str, Any], *, where: str | dict[str, str],
                reference: Callable[..., Any] | None = None, numbers: bool = False,
                constants: dict[str, Any] | None = None,
                likely: dict[str, Any] | None = None,
                values: dict[str, Callable[..., Any]] | None = None) -> None:
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
    likely : gradients of the first input by common mistakes, as functions of all inputs and of g;
        for another input, a pair of its name and the function; or a list of these. If the
        gradient is wrong, the sentence of one that fits is told.
    values : the same of the value, as functions of all inputs.

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
    doing, changed = f"{text} for {given}", []
    if numbers:
        value = work.call("values_at_each", text, inputs, doing=doing)
    else:
        value, changed = work.call("value_and_changes", text, inputs, *further, doing=doing)
    with np.errstate(all="ignore"):
        mistaken = {sentence: f(*inputs.values()) for sentence, f in (values or {}).items()}
    work.same(next(iter(places.values())), doing, value, function(*inputs.values()),
              likely=mistaken)
    for name in changed:
        raise Wrong(f"{text} changes {name} in place, which its caller still has; make a new array")

    def vjp(arguments: tuple, upstream: np.ndarray) -> tuple:
        at = dict(zip(names, arguments))
        found = work.call("pulled", text, at, upstream, *further,
                          doing=f"the backward pass of {text}")
        for name, gradient in zip(names, found):
            if gradient is None:
                why = static.reason_of_none(work.tree, places[name]) or (
                    f"nothing that is recorded leads to it. Its rule is missing, or `{name}.data` "
                    f"or a new Tensor stands where {name} itself should")
                raise work.wrong(places[name], f"{text} sends no gradient to {name}: {why}")
            kind = "a bool" if isinstance(gradient, bool) else no_number(gradient)
            if kind:
                plain = "; take the `data` of what it is made of" if kind == "a Tensor" else ""
                raise work.wrong(places[name], f"the gradient of {text} for {name} is {kind}, "
                                 f"but should be {'a number' if numbers else 'an array'}{plain}")
            if np.shape(gradient) != np.shape(at[name]):
                told = _likely_for(name, names, likely or {}, gradient, (*arguments, upstream))
                raise work.wrong(places[name], f"the gradient of {text} for {name} "
                                 f"{_of_the_shape(name, gradient, at, told)}")
        return tuple(np.asarray(gradient, np.float64) for gradient in found)

    function_named = _named(function, text)
    report = check_vjp(function_named, vjp, tuple(inputs.values()), raise_exception=False,
                       seed=int(work.rng.integers(2 ** 31)))
    if not report:
        named = _named_mistake(function, vjp, inputs, likely or {}, work.rng)
        at_fault = _input_at_fault(report)
        if not named:
            with suppress(Wrong):       # a rule may fail where it is tried further
                named = names[at_fault], explained(function, vjp, inputs, at_fault, report.mistake,
                                                   work.rng)
        name, sentence = named or (names[at_fault], "")
        told = f"the gradient of {text} for {name} is wrong" + (f": {sentence}" if sentence else "")
        numbers_told = _compared(report, names[at_fault], inputs, numbers)
        point = {key: float(array[0]) for key, array in inputs.items()} if numbers else inputs
        line = work.call("line_of_rule", text, point, name, *further, doing="finding the rule")
        raise Wrong("\n".join([told, *numbers_told]), places[name],
                    line or work.line_of(places[name]))


def _likely_for(name: str, names: list[str], likely: dict[str, Any], gradient: Any,
                arguments: tuple) -> str:
    """The sentence of the likely mistake that gives this gradient of an input; or empty."""
    for sentence, mistaken in likely.items():
        for entry in mistaken if isinstance(mistaken, list) else [mistaken]:
            own, guess = entry if isinstance(entry, tuple) else (names[0], entry)
            with np.errstate(all="ignore"):
                if own == name and close(gradient, guess(*arguments), 1e-6, 1e-9):
                    return sentence
    return ""


def _of_the_shape(name: str, gradient: Any, inputs: dict[str, Any], named: str) -> str:
    """What is wrong with the shape of an input's gradient, as the end of a sentence.

    named : the mistake, if it is known.
    """
    found, right = np.shape(gradient), np.shape(inputs[name])
    guess = named and f": {named}"
    others = [key for key, value in inputs.items() if key != name and np.shape(value) == found]
    if named:
        pass
    elif len(right) > 1 and found == right[::-1]:
        guess = ": it is transposed"
    elif len(right) > 1 and sorted(found) == sorted(right):
        guess = ": its dimensions are in another order"
    elif len(found) >= len(right) and all(
            a == b or b == 1 for a, b in zip(found[::-1], right[::-1])):
        guess = ": sum over the dimensions that the input has not, or has with length 1"
    elif others:
        guess = f": that is the shape of {others[0]}; is it the rule of {others[0]}?"
    elif len(found) < len(right) or np.size(gradient) < np.size(inputs[name]):
        guess = ": bring it back to the shape of the input"
    return f"has the shape {found}, but should have {right}{guess}"


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
    names = list(inputs)
    first, *others = names
    for place, name in enumerate(names):
        sentence = _likely_for(name, names, likely, found[place], (*values, upstream))
        if sentence:
            return name, sentence
    if len(others) == 1 and values[0].shape == values[1].shape:
        right = [measured(function, values, place, upstream) for place in (0, 1)]
        exchanged = [close(found[place], right[1 - place], 1e-5, 1e-8) for place in (0, 1)]
        if all(exchanged) and not close(right[0], right[1], 1e-5, 1e-8):
            return first, f"{first} and {others[0]} got each other's rule; exchange the two"
    return None


def _named(function: Callable[..., Any], text: str) -> Callable[..., Any]:
    def named(*arguments: Any) -> Any:
        return function(*arguments)
    named.__name__ = text
    return named


def _input_at_fault(report: Report) -> int:
    assert report.failure is not None
    found = re.search(r"input (\d+)", " ".join(report.failure.text[:1]))
    return int(found[1]) if found else 0


def _compared(report: Report, name: str, inputs: dict[str, Any], numbers: bool) -> list[str]:
    """One element by the rule and by nudging, as a line; empty if they are not known."""
    assert report.failure is not None
    lines = report.failure.text
    compared = {line.split("  ")[0]: line.split()[-1] for line in lines
                if line.startswith(("claimed by the rule", "measured by differences"))}
    if len(compared) != 2:
        return []
    claimed, measure = (float(number) for number in compared.values())
    if shown(claimed) == shown(measure):
        return []
    element = re.search(r"\[[\d, ]+\]", lines[0])
    point = inputs
    if numbers:
        index = int(element[0].strip("[]")) if element else 0
        point = {key: float(array[index]) for key, array in inputs.items()}
    output = re.search(r"derivative of output(\[[\d, ]+\])?", lines[0])
    place = output[1] if output and output[1] and not numbers else ""
    top = f"element {place} of the result" if place else "the result"
    below = name + (element[0] if element and not numbers else "")
    return [f"for {_written(point)}: how {top} grows with {below} is {shown(claimed)} by your "
            f"rule, {shown(measure)} by nudging"]


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
