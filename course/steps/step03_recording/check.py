"""Checks of step 3."""

from course.grading.checks import Checks
from course.grading.gradients import check_rules

CHECKS = Checks()


def points(work, signed=True):
    """Four numbers, of both signs if it may be."""
    return work.rng.uniform(0.5, 2, 4) * (work.rng.permutation([-1, 1, -1, 1]) if signed else 1)


@CHECKS("a product and its two rules")
def product(work):
    for text in ("x * y", "y * x * y"):
        check_rules(work, text, {"x": points(work), "y": points(work)}, where="multiply",
                    numbers=True)


@CHECKS("a power and its rule")
def power(work):
    for n in ("3", "2", "-1", "0.5"):
        check_rules(work, f"x ** {n}", {"x": points(work, signed=n != "0.5")}, where="power",
                    numbers=True)


@CHECKS("exp, log and tanh with their rules")
def functions(work):
    for name in ("exp", "log", "tanh"):
        check_rules(work, f"{name}(x)", {"x": points(work, signed=name != "log")}, where=name,
                    numbers=True)


@CHECKS("a result records the Tensors that it was made from, and nothing else")
def recorded(work):
    for text, where, right in (("x * y", "multiply", 2), ("3 * x", "multiply", 2),
                               ("x ** 3", "power", 1), ("exp(x)", "exp", 1), ("log(x)", "log", 1),
                               ("tanh(x)", "tanh", 1)):
        inputs = {"x": 1.5, "y": 0.5}
        found, tensors = work.call("kinds_of_inputs", text, inputs, doing=text)
        if found != right or not tensors:
            raise work.wrong(where, f"{text} records {found} inputs, but should record {right}, "
                                    f"each a Tensor")


@CHECKS("whole formulas, from recorded pieces")
def formulas(work):
    inputs = {"x": points(work, signed=False), "y": points(work, signed=False)}
    for text, where in (("x - y", "Tensor.__sub__"), ("2 - x * y", "Tensor.__rsub__"),
                        ("x / y", "Tensor.__truediv__"), ("1 / x + y", "Tensor.__rtruediv__"),
                        ("-x * y", "Tensor.__neg__"),
                        ("tanh(2 * x + y) * exp(-x) + log(y)", "tanh")):
        check_rules(work, text, inputs, where=where, numbers=True)
