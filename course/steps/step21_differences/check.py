"""Checks of step 21."""

import math

import numpy as np

from course.grading.checks import Checks
from course.grading.work import close

CHECKS = Checks()
NOISE = 2.0 ** -48


def parts(f, x, h):
    """The slope with half the step, its bend and its rounding."""
    wide, fine = slope(f, x, h), slope(f, x, h / 2)
    return fine, abs(wide - fine), NOISE * max(abs(f(x + h)), abs(f(x - h))) / h


def slope(f, x, h):
    return (f(x + h) - f(x - h)) / (2 * h)


@CHECKS("a slope with a bound of its error")
def with_error(work):
    for text, f in (("2**48 + x*x*x", lambda x: 2.0 ** 48 + x * x * x),     # both errors are large
                    ("x*x*x - 2**48", lambda x: x * x * x - 2.0 ** 48),
                    ("x**3", lambda x: x ** 3), ("exp(x)", math.exp),
                    ("1024 * x", lambda x: 1024 * x)):
        for sign in (1, -1):
            # Odd, so |x| is not h/4, where two of the mistakes give the same for 1024 x.
            x = sign * float(work.rng.choice([3, 5, 7, 9])) / 32
            h = float(work.rng.choice([0.75, 1.0]))
            if "2**48" in text:         # whole numbers are exact
                x, h = x * 32, float(work.rng.choice([2.0, 4.0]))
            fine, bend, rounding = parts(f, x, h)
            found = work.call("with_error", text, x, h, doing=f"with_error of {text}")
            work.same("with_error", f"with f(x) = {text}, with_error(f, {x:.4g}, {h:.4g})", found,
                      [fine, bend + rounding], atol=1e-18, likely=other_bounds(f, x, h))


def other_bounds(f, x, h):
    """What common mistakes return for the slope and its bound."""
    fine, bend, rounding = parts(f, x, h)
    bounds = {
        "both errors add up; this is only the larger of them": max(bend, rounding),
        "the rounding is missing": bend, "the bend is missing": rounding,
        "the errors add up; they are not multiplied": bend * rounding,
        "the bend counts by its absolute value": slope(f, x, h) - fine + rounding,
        "the bend counts by its absolute value, whatever its sign":
            fine - slope(f, x, h) + rounding,
        "the bend is between the steps h and h / 2, not h / 2 and h / 4":
            abs(fine - slope(f, x, h / 4)) + rounding,
        "the bend is between the steps h and h / 2, not 2 · h and h":
            abs(slope(f, x, 2 * h) - slope(f, x, h)) + rounding,
        "the bend counts as a whole, not a third of it": bend / 3 + rounding}
    values, near = (f(x + h), f(x - h)), (f(x + h / 2), f(x - h / 2))
    for sentence, wrong in (
            ("the rounding is to be divided by h", rounding * h),
            ("the rounding is to be divided by h, not multiplied with it", rounding * h * h),
            ("the rounding is to be divided by h, not by 2 · h", rounding / 2),
            ("the rounding is to be divided by h, not by h / 2", rounding * 2),
            ("take the absolute values before the larger one, as f can be negative",
             NOISE * max(values) / h),
            ("take the larger of the absolute values, not the absolute value of the larger one",
             NOISE * abs(max(values)) / h),
            ("the larger one of both values counts for the rounding, not the smaller one",
             NOISE * min(map(abs, values)) / h),
            ("the larger one of both values counts for the rounding, not their sum",
             NOISE * sum(map(abs, values)) / h),
            ("the rounding looks at f(x + h) and f(x − h), with the whole h",
             NOISE * max(map(abs, near)) / h),
            ("the rounding looks at f(x + h) and f(x − h), with the whole h, and divides by h",
             NOISE * max(map(abs, near)) / (h / 2)),
            ("the rounding looks at f(x + h) and f(x − h), not at f(x)", NOISE * abs(f(x)) / h),
            ("the rounding looks at f(x + h) and at f(x − h)", NOISE * abs(f(x + h)) / h),
            ("the rounding looks at f(x − h) and at f(x + h)", NOISE * abs(f(x - h)) / h),
            ("the rounding is NOISE times a value of f", NOISE / h),
            ("NOISE is missing", rounding / NOISE)):
        bounds[sentence] = bend + wrong
    likely = {sentence: [fine, wrong] for sentence, wrong in bounds.items()}
    for sentence, wrong in (
            ("the slope is to be that with the step h / 2", slope(f, x, h)),
            ("the slope is to be that with the step h / 2, not h / 4", slope(f, x, h / 4)),
            ("the slope is to be measured from both sides", (f(x + h / 2) - f(x)) / (h / 2))):
        likely[sentence] = [wrong, bend + rounding]
    likely["the slope is to be that with the step h / 2, and the bend how far it is from the one "
           "with h"] = [slope(f, x, h), rounding]
    likely["a pair is wanted, the slope and its bound"] = np.asarray(fine)
    likely["return the slope and its bound, not the ends of the error bar"] = [
        fine - bend - rounding, fine + bend + rounding]
    likely["the slope comes first, then the bound"] = [bend + rounding, fine]
    return likely


@CHECKS("the step with the shortest error bar")
def best(work):
    for text, right in (("sin(x)", math.cos), ("exp(-x)", lambda x: -math.exp(-x)),
                        ("1000 + x**3", lambda x: 3 * x * x)):
        def measured(text=text, right=right):
            x = float(work.rng.uniform(0.5, 2))
            found, error = work.call("measured", text, x, doing=f"measured of {text}")
            return right(x), found, error

        wrong = work.disagreement(measured, 1e-6)
        if wrong:
            raise work.wrong("with_error", "with f(x) = {}, the slope is {:.12g}, but measured(f, "
                                           "x) is {:.12g} ± {:.2g}".format(text, *wrong))


def sides(f, x, h):
    return (f(x + h) - f(x)) / h, (f(x) - f(x - h)) / h


def gap(f, x, h):
    right, left = sides(f, x, h)
    return abs(right - left)


# Other gaps, and other tests of them, by the sentence that says what is wrong with each.
GAPS = {
    "the gap is to be an absolute value: a kink may point either way":
        lambda f, x, h: sides(f, x, h)[0] - sides(f, x, h)[1],
    "the gap is to be an absolute value, as a kink may point either way":
        lambda f, x, h: sides(f, x, h)[1] - sides(f, x, h)[0],
    "this is half of the gap, which is how far the slopes of both sides are from each other":
        lambda f, x, h: gap(f, x, h) / 2,
    "the gap is how far two slopes are apart; each difference is to be divided by h":
        lambda f, x, h: gap(f, x, h) * h,
    "the gap is divided by h once too often": lambda f, x, h: gap(f, x, h) / h,
    "the slopes of both sides are to be subtracted; their sum, or the slope over both sides, is no "
    "gap":
        lambda f, x, h: abs(sum(sides(f, x, h))),
    "this takes the slope from both sides for the gap; it is to be the difference of two slopes":
        lambda f, x, h: abs(f(x + h) - f(x - h)) / (2 * h),
}
TESTS = {
    "a gap alone is no kink, since a curve has one, too: with h / 4 more than half has to be left":
        lambda gap, h: gap(h) > 1e-6,
    "a gap that is no larger than 10⁻⁶ is noise, whatever is left of it":
        lambda gap, h: gap(h / 4) > gap(h) / 2,
    "both conditions have to be true, not one of them":
        lambda gap, h: gap(h) > 1e-6 or gap(h / 4) > gap(h) / 2,
    "the gap with h has to be larger than 10⁻⁶, not that with h / 4":
        lambda gap, h: gap(h / 4) > 1e-6 and gap(h / 4) > gap(h) / 2,
    "the second gap is that with h / 4, not with 4 · h":
        lambda gap, h: gap(h) > 1e-6 and gap(4 * h) > gap(h) / 2,
    "with h / 4 more than half of the gap has to be left; here too little is enough, or the step "
    "is another":
        lambda gap, h: gap(h) > 1e-6 and gap(h / 4) > gap(h) / 4,
    "more than half of the gap has to be left, not all of it":
        lambda gap, h: gap(h) > 1e-6 and gap(h / 4) > gap(h),
    "more than half of the gap has to be left, not twice as much":
        lambda gap, h: gap(h) > 1e-6 and gap(h / 4) > gap(h) * 2,
    "the gap with h / 4 has to be more than half of the gap with h, not the other way round":
        lambda gap, h: gap(h) > 1e-6 and gap(h) > gap(h / 4) / 2,
    "the comparison is the wrong way round: at a kink much of the gap is left":
        lambda gap, h: gap(h) > 1e-6 and gap(h / 4) < gap(h) / 2,
    "the comparison is the wrong way round: at a kink the gap is larger than 10⁻⁶":
        lambda gap, h: gap(h) < 1e-6 and gap(h / 4) > gap(h) / 2,
    "the answer is the wrong way round: True means that there is a kink":
        lambda gap, h: not (gap(h) > 1e-6 and gap(h / 4) > gap(h) / 2),
}


def decided(gap, h):
    return gap(h) > 1e-6 and gap(h / 4) > gap(h) / 2


@CHECKS("kinks, and what only looks like one")
def kinks(work):
    h = 2.0 ** -float(work.rng.integers(8, 12))
    a = float(work.rng.uniform(0.5, 2))
    # The gap of this one shrinks slowly: it falls below 10⁻⁶, but more than half of it stays.
    small = 7.5e-7 / h ** 0.45
    cases = [(text, x, formula(text), right) for text, x, right in (
        ("abs(x)", 0.0, True), ("max(x, 0)", 0.0, True), ("x * x + 0.01 * abs(x)", 0.0, True),
        ("-abs(x)", 0.0, True), (f"abs(x - {a!r})", a, True), ("abs(x)", a, False),
        ("abs(x)", -0.6 * h, False), ("x * abs(x)", 0.0, False), ("exp(3 * x)", a, False),
        (f"{a!r} * x + {a!r}", 0.3, False), ("sin(x) / 3 + 1", 0.7, False),
        ("1e-7 * abs(x)", 0.0, False), ("abs(x)**1.45", 0.0, True),
        ("abs(x)**1.6", 0.0, False), ("6e-7 * abs(x)", 0.0, True), ("4e-7 * abs(x)", 0.0, False),
        (f"{small!r} * abs(x)**1.45", 0.0, True))]
    answers = [work.call("kinks", text, x, h, doing=f"has_kink of {text}")
               for text, x, _, _ in cases]
    for (text, x, _, right), found in zip(cases, answers):
        if found is None:
            raise work.wrong("has_kink", f"with f(x) = {text}, has_kink(f, {x:.4g}, {h:.4g}) is "
                                         f"None: is a `return` missing?")
        if found != right:
            told = explained(cases, answers, h) or "with a quarter of the step " + (
                "more than half of the gap is left" if right else
                "the gap is noise, or no more than half of it is left")
            raise work.wrong("has_kink", f"with f(x) = {text}, has_kink(f, {x:.4g}, {h:.4g}) is "
                                         f"{found}, but should be {right}: {told}")


def formula(text):
    return eval(f"lambda x: {text}", {"exp": math.exp, "sin": math.sin})


def explained(cases, answers, h):
    """The sentence of a mistake that gives just these answers; empty if none does."""
    mistakes = [(sentence, other, decided) for sentence, other in GAPS.items()]
    mistakes += [(sentence, gap, other) for sentence, other in TESTS.items()]
    for sentence, measure, test in mistakes:
        if answers == [bool(test(lambda h, f=f, x=x, measure=measure: measure(f, x, h), h))
                       for _, x, f, _ in cases]:
            return sentence
    return ""


def asks_the_rules(work, x, u, w):
    """With a rule that is wrong, what is claimed is wrong as well."""
    found = work.call("claimed_with", 2.0, [x], [u], w, doing="claimed of tanh(x)")
    true = float((u * w / np.cosh(x) ** 2).sum())
    if close(found, true, 1e-6):
        raise work.wrong("claimed", "where the rule of tanh is twice too large, claimed returns "
                                    "the true slope of tanh(x), so it was measured; ask the "
                                    "rules, by a backward pass")


@CHECKS("what the rules claim",
        ("ValueError", "backward() needs a gradient", "begin the backward pass with the weights"))
def claims(work):
    x, y, u, v, w = (work.rng.uniform(0.5, 2, (2, 3)) for _ in range(5))
    asks_the_rules(work, x, u, w)
    for names, text, f in (("x, y", "x * y + tanh(x)", lambda x, y: x * y + np.tanh(x)),
                           ("x", "x * x", lambda x: x * x),
                           ("x, y", "exp(-y) * y", lambda x, y: np.exp(-y) * y)):
        arrays, directions = ([x, y], [u, v]) if "y" in names else ([x], [u])

        def claim(directions, w, f=f, arrays=arrays):
            """What each input contributes."""
            return [float((np.imag(f(*(1e-20j * u * (place == number) + array for number, (u, array)
                                       in enumerate(zip(directions, arrays))))) / 1e-20 * w).sum())
                    for place in range(len(arrays))]

        ones = [np.ones_like(array) for array in arrays]
        right = sum(claim(directions, w))
        what = f"with f({names}) = {text}, what the rules claim"
        ignored = ", in which x does not occur, so that its leaf has no gradient and counts 0,"
        found = work.call("claimed", names, text, arrays, directions, w,
                          doing=f"claimed of {text}{ignored * text.startswith('exp')}")
        found = work.number("claimed", what, found)
        work.same("claimed", what, found, right, likely={
            "the gradients are added up, but not along the directions": sum(claim(ones, w)),
            "the backward pass begins with 1, not with the weights":
                sum(claim(directions, np.ones_like(w))),
            "neither directions nor weights count here": sum(claim(ones, np.ones_like(w))),
            "only the first input counts": claim(directions, w)[0],
            "only the last input counts": claim(directions, w)[-1],
            "no gradient came back; do the leaves require one?": 0.0,
            "this is a mean, not a sum": right / w.size,
            "the sign is flipped": -right,
            "the products of gradient and direction are wanted, not the product of their sums":
                sum(a * b.sum() for a, b in zip(claim(ones, w), directions))})


@CHECKS("rules and nudging side by side")
def side_by_side(work):
    def compared():
        drawn = [work.rng.normal(size=(2, 3)) for _ in range(3)]
        x, y = work.rng.uniform(0.5, 2, (2, 3)), work.rng.uniform(0.5, 2, (2, 3))
        claim, *measured = work.call("compared", "x, y", "tanh(x * y) / y", [x, y], drawn,
                                     doing="compared")
        return work.number("claimed", "what the rules claim for tanh(x * y) / y", claim), *measured

    wrong = work.disagreement(compared, 1e-6)
    if wrong:
        raise work.wrong("compared", "for tanh(x * y) / y, the rules claim {:.12g}, and measured "
                                     "are {:.12g} ± {:.2g}".format(*wrong))
