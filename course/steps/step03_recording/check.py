"""Checks of step 3."""

import numpy as np

from course.grading.checks import Checks
from course.grading.gradients import check_rules
from course.grading.records import check_record

CHECKS = Checks()
FUNCTIONS = {
    "exp": ({"this is xᵉ; eˣ is `math.exp(x.data)`": lambda x: np.power(np.abs(x), np.e)},
            {"the slope of eˣ is eˣ, which is `result`; here g is multiplied with x":
                 lambda x, g: g * x,
             "the slope of eˣ is eˣ; x·eˣ⁻¹ would be the rule for a power of x":
                 lambda x, g: g * x * np.exp(x - 1),
             "the slope of eˣ is eˣ; here g is divided by it": lambda x, g: g / np.exp(x)}),
    "log": ({"`log` is the natural logarithm, not the one to base 10": np.log10,
             "`log` is the natural logarithm, not the one to base 2": np.log2,
             "this is 1/x, the slope of the logarithm": lambda x: 1 / x,
             "this is eˣ; the logarithm is its inverse": np.exp},
            {"the slope of log x is 1/x; here g is multiplied with x": lambda x, g: g * x,
             "the slope of log x is 1/x; here g is divided by the logarithm":
                 lambda x, g: g / np.log(x),
             "the slope of log x is 1/x; the slope here is the logarithm itself":
                 lambda x, g: g * np.log(x)}),
    "tanh": ({}, {
        "brackets are missing: g has to be multiplied with the whole of 1 − tanh² x":
            lambda x, g: g - np.tanh(x) ** 2,
        "the result has to be squared: the slope is 1 − tanh² x": lambda x, g: g * (1 - np.tanh(x)),
        "the formula is one of the result, 1 − tanh² x, but is evaluated at the input: this is "
        "1 − x²": lambda x, g: g * (1 - x * x),
        "this is 1 + tanh² x; the slope is 1 − tanh² x": lambda x, g: g * (1 + np.tanh(x) ** 2),
        "this is the slope of a sigmoid; that of tanh x is 1 − tanh² x":
            lambda x, g: g * np.tanh(x) * (1 - np.tanh(x))})}


def points(work, signed=True):
    """Four numbers, of both signs if it may be."""
    return work.rng.uniform(0.5, 2, 4) * (work.rng.permutation([-1, 1, -1, 1]) if signed else 1)


@CHECKS("a product and its two rules")
def product(work):
    check_record(work, "multiply", "x * y", {"x": 1.5, "y": 0.5}, "a number")
    for text in ("x * y", "y * x * y"):
        check_rules(work, text, {"x": points(work), "y": points(work)}, where="multiply",
                    numbers=True, values={
                        "this is the sum; multiply": lambda x, y: x + y,
                        "one factor alone is no product": lambda x, y: x},
                    likely={"a sum passes g on as it is; a product multiplies it with the other "
                            "factor": lambda x, y, g: g} if text == "x * y" else None)


def likely_powers(n):
    """Gradients of xⁿ by common mistakes."""
    return {
        "`n * x ** n - 1` takes 1 from the power; the exponent needs brackets, `x ** (n - 1)`":
            lambda x, g: g * (n * x ** n - 1),
        "`g * n * x ** n - 1` takes 1 from all of it; the exponent needs brackets, `x ** (n - 1)`":
            lambda x, g: g * n * x ** n - 1,
        "the factor n is missing: the slope is n·xⁿ⁻¹": lambda x, g: g * x ** (n - 1),
        "an exponent is one too high or too low: this is n·xⁿ, and the slope n·xⁿ⁻¹":
            lambda x, g: g * n * x ** n,
        "the factor is n, not n − 1: the slope is n·xⁿ⁻¹": lambda x, g: g * (n - 1) * x ** (n - 1),
        "the exponent goes down by one, not up: the slope is n·xⁿ⁻¹":
            lambda x, g: g * n * x ** (n + 1),
        "the exponent goes down by one, not by two": lambda x, g: g * n * x ** (n - 2),
        "the factor is n alone; xⁿ⁻¹ is missing": lambda x, g: g * n,
        "x and n are exchanged: the slope is n·xⁿ⁻¹": lambda x, g: g * x * n ** (x - 1),
        "this is the slope along n; n is a plain number, and the slope along x is n·xⁿ⁻¹":
            lambda x, g: g * x ** n * np.log(x),
        "the slope is multiplied with x, not with n": lambda x, g: g * x * x ** (n - 1),
        "this divides by n + 1, as an integral does; the slope is n·xⁿ⁻¹":
            lambda x, g: g * x ** (n + 1) / (n + 1),
        "n and xⁿ⁻¹ are added; multiply them": lambda x, g: g * (n + x ** (n - 1))}


@CHECKS("a power and its rule")
def power(work):
    check_record(work, "power", "x ** 3", {"x": 1.5}, "a number")
    for n in ("3", "2", "-1", "0.5"):
        check_rules(work, f"x ** {n}", {"x": points(work, signed=n != "0.5")}, where="power",
                    numbers=True, likely=likely_powers(float(n)), values={
                        "x and n are exchanged": lambda x, n=n: float(n) ** x,
                        "this is n times x; xⁿ is `x.data ** n`": lambda x, n=n: float(n) * x,
                        "this is x times itself, whatever n is": lambda x: x * x})


@CHECKS("exp, log and tanh with their rules")
def functions(work):
    for name, (values, likely) in FUNCTIONS.items():
        check_record(work, name, f"{name}(x)", {"x": 1.5}, "a number")
        check_rules(work, f"{name}(x)", {"x": points(work, signed=name != "log")}, where=name,
                    numbers=True, values=values, likely=likely)


@CHECKS("a result records the Tensors that it was made from, and nothing else")
def recorded(work):
    for text, where, right in (("x * y", "multiply", 2), ("3 * x", "multiply", 2),
                               ("x ** 3", "power", 1), ("exp(x)", "exp", 1), ("log(x)", "log", 1),
                               ("tanh(x)", "tanh", 1)):
        inputs = {"x": 1.5, "y": 0.5}
        found, tensors = work.call("kinds_of_inputs", text, inputs, doing=text)
        if found != right or not tensors:
            plain = ": the exponent is a plain number, and gets no rule" if where == "power" else ""
            raise work.wrong(where, f"{text} records {found} inputs, but should record {right}, "
                                    f"each a Tensor{plain}")


@CHECKS("whole formulas, from recorded pieces")
def formulas(work):
    inputs = {"x": points(work, signed=False), "y": points(work, signed=False)}
    for text, where in (("x - y", "Tensor.__sub__"), ("2 - x * y", "Tensor.__rsub__"),
                        ("x / y", "Tensor.__truediv__"), ("1 / x + y", "Tensor.__rtruediv__"),
                        ("-x * y", "Tensor.__neg__"),
                        ("tanh(2 * x + y) * exp(-x) + log(y)", "tanh")):
        check_rules(work, text, inputs, where=where, numbers=True)
