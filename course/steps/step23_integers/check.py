"""Checks of step 23."""

import numpy as np

from course.grading.checks import Checks

CHECKS = Checks()


@CHECKS("what is linear, but for a constant, and what is not",
        ("ValueError", "truth value of an array", "a comparison of arrays gives an array: `.all()` "
                                                  "makes one answer of it"))
def linear(work):
    x, y = (work.rng.integers(-9, 10, (2, 3)).astype(float) for _ in range(2))
    x[0, 0], y[0, 0] = 5.0, -7.0            # relu and the absolute value are not linear here
    x[0, 1], y[0, 1] = 6.0, 4.0
    constant = "the constant has to be taken off: compare what is added to f(0)"
    for text, right, why in (
            ("x.sum(0)", True, "a sum is linear; is each comparison by ==, of all elements?"),
            ("x * 3 - 2", True, constant),
            ("x[[0, 1, 0]]", True, "taking elements is linear"), ("x * 0 + 4", True, constant),
            ("x.permute(1, 0) / 4", True, "it is linear"),
            ("relu(x)", False, "it triples with x, but for x + y it is not the sum of both, in all "
                               "elements; try that as well"),
            ("absolute(x)", False, "it triples with x, but for x + y it is not the sum of both, in "
                                   "all elements; try that as well"),
            ("x * x", False, "a square is not linear"),
            ("Tensor((x.data // 5) * 1.0)", False, "whole parts do not add up"),
            ("x * x + 5", False, "a square is not linear"),
            ("Tensor(np.sign(x.data[:, :1] * x.data[:, 1:2]) * x.data)", False,
             "it is not linear in all elements; `all` of them have to agree"),
            ("Tensor(np.where(np.arange(3) == 0, x.data ** 2, x.data))", False,
             "one column of three is not linear; `all` elements have to agree"),
            ("x + absolute(x) * 2.0 ** -40", False,
             "for x + y it is not quite the sum of both, which a tolerance hides: compare by =="),
            ("x + x * x * 2.0 ** -40", False, "it is a little curved, which a tolerance hides: "
                                              "compare by ==")):
        found, kind = work.call("linear", text, [2, 3], [x, y], doing=f"is_linear of {text}")
        if kind == "NoneType":
            raise work.wrong("is_linear", f"is_linear of f(x) = {text} is None: is a `return` "
                                          f"missing?")
        if kind not in ("bool", "bool_"):
            raise work.wrong("is_linear", f"is_linear of f(x) = {text} is a {kind}, but should be "
                                          f"True or False")
        if found != right:
            raise work.wrong("is_linear", f"is_linear of f(x) = {text} is {found}, but should be "
                                          f"{right}: {why}")
    # three times x is three times the change, but a sum is not the sum of both; and the reverse
    sharp = "Tensor(x.data * (np.abs(x.data).max() == np.abs(x.data[0, 0])))"
    found, _ = work.call("linear", sharp, [2, 3], [np.diag([8.0, 1, 1])[:2], np.eye(3)[1:] * 9],
                         doing="is_linear")
    if found:
        raise work.wrong("is_linear", "is_linear accepts a function for which f(3x) is 3 f(x), but "
                                      "f(x + y) is not f(x) + f(y); try that as well")
    for there, told in (("0.0", "not 3 f(x); try that as well"),
                        ("x.data * (1 + 2.0 ** -40)", "3 f(x) only within a tolerance: compare by "
                                                      "==")):
        additive = f"Tensor(np.where(np.abs(x.data) > 20, {there}, x.data))"
        found, _ = work.call("linear", additive, [2], [np.array([8.0, 1]), np.array([1.0, 9])],
                             doing="is_linear")
        if found:
            raise work.wrong("is_linear", f"is_linear accepts a function for which f(x + y) is "
                                          f"f(x) + f(y), but f(3x) is {told}")


@CHECKS("the gap itself: forward weighed with v, minus backward weighed with u",
        ("ValueError", "backward() needs a gradient", "begin the backward pass with v"))
def size(work):
    """Where every number drawn is n, a sum of four, times 5, for three columns weighs 60·n²."""
    n, factors = int(work.rng.integers(2, 9)), (0.0, 2.0, 1.0)
    answers = [work.call("constant_gap", "x.sum(0) * 5 - 1", [4, 3], n, "sum_over", factor,
                         doing="adjoint_gap") for factor in factors]
    found = [work.number("adjoint_gap", "adjoint_gap", gap) for gap, _ in answers]
    shapes = sorted(answers[0][1])
    if shapes == [[3], [4, 3]]:
        raise work.wrong("adjoint_gap", "adjoint_gap draws u and v alone; the gradient is to be "
                                        "taken at a point of its own, not at u")
    if shapes == [[4, 3], [4, 3], [4, 3]]:
        raise work.wrong("adjoint_gap", "v weighs the result, so it has to have the shape of the "
                                        "result, not of the input")
    wrong = {factor: other_gaps(n, factor) for factor in factors}
    told = [sentence for sentence in wrong[1.0]
            if found == [wrong[factor][sentence] for factor in factors]]
    for gap, factor in zip(found, factors):
        work.same("adjoint_gap", f"where `whole` draws {n} everywhere, and the rule of the sum is "
                                 f"{factor:g} times the right one, adjoint_gap of f(x) = "
                                 f"5·x.sum(0) − 1", gap, 60 * n * n * (1 - factor), rtol=0, atol=0,
                  likely=dict.fromkeys(told, gap))
    if shapes != [[3], [4, 3], [4, 3]]:
        raise work.wrong("adjoint_gap", f"adjoint_gap draws arrays of the shapes {shapes}, but "
                                        f"should draw three: u and another point like the input, "
                                        f"and v like the result")


def other_gaps(n, factor):
    """What common mistakes return where all numbers are n, and the rule is wrong by the factor."""
    ahead, back = 60 * n * n, 60 * n * n * factor
    return {"f(0) has to be subtracted from f(u)": ahead - 3 * n - back,
            "f(0) has to be subtracted from f(u), not added": ahead - 6 * n - back,
            "its sign is flipped": back - ahead,
            "the two sums are to be subtracted, not added": ahead + back,
            "forward is to be weighed with v": ahead / n - back,
            "forward is to be weighed with v, and f(0) to be subtracted": ahead / n - 3 - back,
            "backward is to begin with v and to be weighed with u; one of both is missing":
                ahead - back / n,
            "backward is to begin with v and to be weighed with u": ahead - back / n / n,
            "v is not drawn: forward is to be weighed with whole numbers, and backward to begin "
            "with them": (ahead - back) / n,
            "u and v are missing: both sides are to be weighed": ahead / n - back / n / n,
            "no absolute value is wanted": abs(ahead - back)}


@CHECKS("right rules have no gap")
def no_gap(work):
    for text, shape in (("x.sum(0)", (4, 3)), ("x.sum(0) * 7 + 3", (4, 3)),
                        ("x[[0, 2, 0]]", (3, 2)),
                        ("x.permute(1, 0) @ x[:, :1] * 0 + x.permute(1, 0) / 4", (3, 2)),
                        ("windows(x, 2, 3, 1)", (1, 2, 3, 4)), ("x * 0 + 4", (2, 2)),
                        ("avg_pool2d(x) + 1", (1, 1, 4, 2)), ("x", (5,))):
        found = work.call("gap", text, list(shape), int(work.rng.integers(1 << 30)),
                          doing=f"adjoint_gap of {text}")
        found = work.number("adjoint_gap", f"adjoint_gap of f(x) = {text}", found)
        # A reader's mean of four may be a running one, which rounds thirds.
        work.same("adjoint_gap", f"adjoint_gap of f(x) = {text}, whose rules are right,", found,
                  0.0, rtol=0, atol=1e-12 if "avg" in text else 0)


@CHECKS("wrong rules have one")
def a_gap(work):
    for factor, offset, what in ((2.0, 0.0, "twice as large"), (-1.0, 0.0, "of the wrong sign"),
                                 (1 + 1e-13, 0.0, "too large by a part in 10¹³"),
                                 (0.0, 0.0, "zero"), (1.0, 1.0, "dependent on the point")):
        gaps = [work.call("gap", "x.sum(0, True) * 5 - 1", [4, 3], int(work.rng.integers(1 << 30)),
                          "sum_over", factor, offset, doing="adjoint_gap") for _ in range(3)]
        gaps = [work.number("adjoint_gap", "adjoint_gap", gap) for gap in gaps]
        if not any(gaps):
            raise work.wrong("adjoint_gap", f"adjoint_gap is 0 three times for a sum whose rule is "
                                            f"{what}")
