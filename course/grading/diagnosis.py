"""What a wrong rule of a reader does, in the words of the course.

Facts come first: what the rule multiplies g with, or that it does not use g. Then the mistakes that
the gradient checker knows, but for guesses about things that the course has not.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from course.grading.patterns import pattern
from minigrad.check.mistakes.kinds import Mistake

Rule = Callable[[tuple[Any, ...], np.ndarray], tuple[np.ndarray, ...]]

# The checker's sentences for readers who know g, but no "upstream gradient".
_WORDS = {
    "upstream_ignored": "the rule does not use g; what it returns has to be multiplied with g",
    "upstream_twice": "g is multiplied in twice",
    "upstream_changed": "the rule writes into the array g, which other rules get as well",
    "mask_of_upstream": "the rule is not linear in g: for twice the g it has to send twice as much",
    "batch_mean_twice": "it is {detail} times too small: something is divided by {detail} that "
                        "should not be, as by a mean that is taken twice, or a g that is shared "
                        "out where each element gets all of it",
    "batch_mean_forgotten": "it is {detail} times too large: a division by {detail} is missing, as "
                            "that of a mean",
    "input_for_output": "the formula is one of the result, but is evaluated at the input",
    "output_for_input": "the formula is one of the input, but is evaluated at the result",
}
_GUESSES = {"wrong_exponent", "inverted_factor", "inner_derivative_missing",
            "one_branch_zero", "reshape_for_transpose", "mask_of_upstream", "missing_path"}
_FACTORS = {1: "", -1: "−", 2: "2 · ", -2: "−2 · ", 0.5: "½ · ", -0.5: "−½ · ", 3: "3 · ",
            -3: "−3 · "}


def explained(function: Callable[..., Any], vjp: Rule, inputs: Mapping[str, Any], place: int,
              mistake: Mistake | None, rng: np.random.Generator) -> str:
    """The sentence for a wrong gradient of input number `place`; empty if nothing simple is true.

    Parameters
    ----------
    function, vjp : the right function on arrays, and the reader's gradients by inputs and g.
    mistake : what the gradient checker named.
    """
    values = tuple(np.asarray(value, np.float64) for value in inputs.values())
    g = rng.uniform(0.5, 2, np.shape(function(*values)))
    found = vjp(values, g)[place]
    if not np.isfinite(found).all():
        return "it is not finite (nan or infinite)"
    if not found.any():
        return "the rule sends 0 everywhere"
    if vjp(values, np.zeros_like(g))[place].any() and not (
            mistake and mistake.kind == "upstream_ignored"):
        return "even where g is 0 the rule sends something: each of its terms has to contain g"
    simple = pattern(found, measured(function, values, place, g), 1e-6)
    words = _sentence(mistake) or simple
    if mistake and mistake.kind in ("wrong_sign", "factor_of_two"):
        return simple or words
    told = _multiplied(vjp, inputs, values, g, place, function)
    if told:
        kinds = ["mask_missing", "mask_wrong_side", "wrong_exponent"]
        if not told.endswith("g as it is"):
            kinds += ["input_for_output", "output_for_input"]
        return f"{told}: {words}" if mistake and mistake.kind in kinds else told
    return words


def _sentence(mistake: Mistake | None) -> str:
    if mistake is None or not (mistake.sure or mistake.kind in _GUESSES
                               or mistake.kind == "constant_factor"):
        return ""
    if mistake.kind in _WORDS:
        return _WORDS[mistake.kind].format(detail=mistake.detail)
    return mistake.sentence()


def _multiplied(vjp: Rule, inputs: Mapping[str, Any], values: tuple[np.ndarray, ...],
                g: np.ndarray, place: int, function: Callable[..., Any]) -> str:
    """What the rule multiplies each element of g with, if that is a simple expression."""
    found = vjp(values, g)[place]
    own = values[place]
    if found.shape != g.shape or own.shape != g.shape or own.size < 3:
        return ""
    k, other = found / g, vjp(values, 1 / g)[place] * g
    if not np.allclose(k, other, 1e-8, 1e-12):
        return ""
    names = [list(inputs)[place], *(name for name in inputs if name != list(inputs)[place])]
    arrays = {name: np.broadcast_to(np.asarray(inputs[name], np.float64), g.shape)
              for name in names if np.ndim(inputs[name]) <= g.ndim}
    slope = measured(function, values, place, g) / g
    with np.errstate(all="ignore"):
        for text, value in _expressions(arrays, np.asarray(function(*values)), slope):
            for factor, written in _FACTORS.items():
                if np.allclose(k, factor * value, 1e-6, 1e-9):
                    if not text:
                        return "the rule sends " + (
                            "g as it is" if factor == 1 else f"{written}g")
                    return f"the rule sends {written}g · {text}"
    return ""


def _expressions(inputs: Mapping[str, np.ndarray], result: np.ndarray, slope: np.ndarray
                 ) -> Iterator[tuple[str, np.ndarray]]:
    """Simple expressions of inputs and result, and the right slope with one of them."""
    atoms = {**inputs, "result": result}
    yield "", np.ones_like(result)
    powers = {}
    for name, value in atoms.items():
        for exponent, written in ((1, name), (-1, f"1/{name}"), (2, f"{name}²"), (3, f"{name}³"),
                                  (-2, f"1/{name}²"), (0.5, f"√{name}"), (-0.5, f"1/√{name}")):
            powers[written] = value ** exponent
    yield from powers.items()
    for name, value in atoms.items():
        yield from ((f"(1 − {name})", 1 - value), (f"(1 − {name}²)", 1 - value ** 2),
                    (f"(1 + {name}²)", 1 + value ** 2), (f"{name} · (1 − {name})",
                                                         value * (1 - value)),
                    (f"{name} · (1 + {name})", value * (1 + value)), (f"|{name}|", np.abs(value)),
                    (f"the sign of {name}", np.sign(value)), (f"exp({name})", np.exp(value)),
                    (f"exp(−{name})", np.exp(-value)), (f"log({name})", np.log(value)),
                    (f"({name} > 0)", (value > 0) * 1.0), (f"({name} < 0)", (value < 0) * 1.0))
    yield "(the right slope)²", slope ** 2
    yield "1/(the right slope)", 1 / slope
    for name, value in powers.items():
        if not name.startswith("1/"):
            yield f"(the right slope) · {name}", slope * value
            yield f"(the right slope) / {name}", slope / value
    for (one, first), (two, second) in itertools.combinations(atoms.items(), 2):
        yield from ((f"{one} · {two}", first * second), (f"{one} / {two}", first / second),
                    (f"{two} / {one}", second / first))


def measured(function: Callable[..., Any], values: tuple[np.ndarray, ...], place: int,
             g: np.ndarray) -> np.ndarray:
    """The gradient for one input, by central differences."""
    result, h = np.zeros(values[place].shape), 1e-5
    for index in np.ndindex(result.shape):
        ends = []
        for step in (h, -h):
            moved = [value.copy() for value in values]
            moved[place][index] += step
            ends.append(np.sum(function(*moved) * g))
        result[index] = (ends[0] - ends[1]) / (2 * h)
    return result
