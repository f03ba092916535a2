"""Checks of step 22."""

import math

import numpy as np

from course.grading.checks import Checks
from course.grading.gradients import check_rules
from course.grading.work import close

CHECKS = Checks()
INIT = "Tensor.__init__"


@CHECKS("complex numbers stay complex, and all others become float64")
def types(work):
    x = work.rng.uniform(0.5, 2, (2, 3))
    for what, data, kind in (("of floats", x, "float64"),
                             ("of complex numbers", x + 1j, "complex128"),
                             ("of complex numbers without an imaginary part", x + 0j,
                              "complex128"),
                             ("of complex64", (x + 1j).astype(np.complex64), "complex"),
                             ("of float32", x.astype(np.float32), "float64"),
                             ("of whole numbers", [1, 2], "float64"), ("of a number", 3, "float64"),
                             ("of truth values", np.array([True, False]), "float64")):
        made, found = work.call("tensor", data, doing=f"a Tensor {what}")
        if not found.startswith(kind):
            told = "what is complex has to stay complex, by its type" if "complex" in kind else (
                "only what is complex becomes complex128" if found == "complex128" else
                "all other data become float64")
            raise work.wrong(INIT, f"a Tensor {what} has data of {found}, but should have {kind}: "
                                   f"{told}")
        if np.shape(made) != np.shape(data) or not np.array_equal(made, data):
            raise work.wrong(INIT, f"a Tensor {what} does not have the data that it was made of")


@CHECKS("the absolute value carries the imaginary part")
def absolute(work):
    x = work.rng.uniform(0.2, 0.8, 6) * np.array([1, -1, 1, -1, 2.5, -2.5])
    tiny = 1j * work.rng.uniform(1, 2, 6) * 1e-9
    for given in (x + tiny, x - tiny):
        for found in work.call("absolutes", given, doing="absolute of complex numbers"):
            right = given * np.sign(x)
            work.same("absolute", "the real part of |x|", np.real(found), right.real, likely={
                "the sign is flipped": -right.real, "no sign was changed": given.real,
                "−x is taken here for all numbers": -given.real,
                "this is the larger one of x and 0": np.maximum(given.real, 0)})
            work.same("absolute", "the imaginary part of |x|", np.imag(found), right.imag, likely={
                "the imaginary part is lost: NumPy's `abs` of a complex number is its distance "
                "from 0, and `real` and `imag` are but a part of it": np.zeros(6),
                "a negative number has to change its sign as a whole": tiny.imag,
                "the sign of the imaginary part is to be that of x, in the end": -right.imag})
    check_rules(work, "absolute(x)", {"x": x}, where="absolute", reference=np.abs)
    found, _ = work.call("absolutes", np.zeros(2), doing="absolute of zeros")
    work.same("absolute", "|0|", found, [0.0, 0.0])


NUMPY = {"exp": np.exp}


@CHECKS("the complex step",
        ("NameError", "'i'", "Python writes i as 1j"),
        ("NameError", "'j'", "Python writes i as 1j"),
        ("TypeError", "complex", "take NumPy's `imag`, not a comparison or a function of `math`"))
def complex_step(work):
    for text, right in (("x**3", lambda x, h: 3 * x * x - h * h),
                        ("exp(2 * x)", lambda x, h: math.exp(2 * x) * math.sin(2 * h) / h),
                        ("5 * x + x**2", lambda x, h: 5 + 2 * x)):
        f = eval(f"lambda x: {text}", NUMPY)
        for h in (float(work.rng.uniform(0.3, 0.9)), 2.0 ** -66):
            x = float(work.rng.uniform(0.5, 2))
            found = work.call("slope", text, x, h, doing=f"complex_slope of {text}")
            what = f"with f(x) = {text}, complex_slope(f, {x:.4g}, {h:.4g})"
            if np.iscomplexobj(found):
                raise work.wrong("complex_slope", f"{what} is complex; take the imaginary part")
            work.same("complex_slope", what, found, right(x, h), rtol=1e-14, likely={
                "the imaginary part is still to be divided by h": right(x, h) * h,
                "this is half of the slope": right(x, h) / 2,
                "the step is not h; 2⁻⁶⁶ is the default only": right(x, 2.0 ** -66),
                "the imaginary part is wanted, not the real one": f(x + 1j * h).real / h,
                "this is the real part of f, which is its value": f(x + 1j * h).real,
                "this is the imaginary part at a number without one: move x by 1j · h": 0.0,
                "this is a difference along the real numbers; move x by 1j · h":
                    (f(x + h) - f(x)) / h,
                "this is a difference of real parts; take the imaginary part":
                    (f(x + 1j * h).real - f(x)) / h,
                "the sign is flipped": -right(x, h),
                "this is the absolute value of a complex number": abs(f(x + 1j * h)) / h})


# What is believed, by other tests, by the sentence that says what is wrong with each.
TRUSTED = {
    "it is the distance of both that counts, whatever its sign: take `abs` of the difference":
        lambda exact, found, error: exact - found <= error,
    "it is the distance of both that counts, whatever its sign, so take `abs` of the difference":
        lambda exact, found, error: found - exact <= error,
    "a distance as large as the error is still within it, so `<=`":
        lambda exact, found, error: abs(exact - found) < error,
    "the test is the wrong way round: within the error the complex step is believed":
        lambda exact, found, error: abs(exact - found) > error,
    "the test is the wrong way round, as within the error the complex step is believed":
        lambda exact, found, error: abs(exact - found) >= error,
    "the complex step is believed in every case": lambda exact, found, error: True,
    "the measured slope is believed in every case": lambda exact, found, error: False,
    "the distance is compared with the error itself, not with the error times the slope":
        lambda exact, found, error: abs(exact - found) <= error * abs(found),
    "the distance is compared with the error, not with NOISE times the slope":
        lambda exact, found, error: abs(exact - found) <= 2.0 ** -48 * abs(exact),
}


@CHECKS("whom to believe")
def believed(work):
    noise = 2.0 ** -48
    x = float(work.rng.integers(2, 9))
    cases = [(text, sign * 2 * x, sign * 2 * x + off, error) for text, sign in (
        ("x**2", 1), ("-x**2", -1)) for off, error in (
            (0.25, 0.5), (-0.25, 0.5), (0.5, 0.5), (0.75, 0.5), (-0.75, 0.5), (0.0, 0.0))]
    answers = [work.call("best", text, x, exact, [found, error], doing=f"best of {text}")
               for text, exact, found, error in cases]
    for answer, (text, exact, found, error) in zip(answers, cases):
        right = chosen(abs(exact - found) <= error, exact, found, error)
        work.same("best", f"with f(x) = {text} at {x:g}, a measured slope of {found:g} ± {error:g} "
                          f"and a complex step of {exact:g}, best", answer, right, rtol=1e-13,
                  atol=0, likely={
                      **whom(cases, answers, answer),
                      "the bound of the complex step is NOISE times its size, not the error of the "
                      "measured slope": [exact, error],
                      "the bound of the measured slope is its own error":
                          [found, noise * abs(found)],
                      "the bound is NOISE times the size, which is never negative":
                          [exact, noise * exact],
                      "the bound is NOISE times the size of the slope": [exact, noise],
                      "the bound is NOISE times the size of the slope, not their quotient":
                          [exact, noise / abs(exact)],
                      "the bound of the complex step is not 0, but NOISE times its size":
                          [exact, 0.0],
                      "the bound is NOISE times the size of the complex step itself":
                          [exact, noise * abs(found)],
                      "slope and bound are exchanged": right[::-1],
                      "a pair is wanted, the slope and its bound": np.asarray(right[0]),
                      "the measured slope is believed here": [found, error],
                      "the complex step is believed here": [exact, noise * abs(exact)]})


def chosen(trusted, exact, found, error):
    """The pair of the complex step if it is trusted, else the measured one."""
    return [exact, 2.0 ** -48 * abs(exact)] if trusted else [found, error]


def whom(cases, answers, answer):
    """The sentence of a test that gives just these answers, with the answer in question."""
    for sentence, trusted in TRUSTED.items():
        others = [chosen(trusted(*case), *case) for _, *case in cases]
        if all(close(one, two, 1e-13, 0) for one, two in zip(answers, others)):
            return {sentence: answer}
    return {}


@CHECKS("rules and the best measure side by side")
def side_by_side(work):
    for text in ("tanh(x) * absolute(x)", "exp(x) / (exp(x) + x ** 2)",
                 "relu(x) + maximum(x, 0.5) ** 2"):
        def compared(text=text):
            drawn = [work.rng.normal(size=(2, 3)) for _ in range(2)]
            x = work.rng.uniform(0.6, 2, (2, 3)) * work.rng.choice([-1.0, 1.0], (2, 3))
            return [work.number("compared", f"compared for {text}", number) for number in work.call(
                "compared", text, x, drawn, doing="compared")]

        wrong = work.disagreement(compared, 1e-11, noise=1e-12)
        if wrong:
            claim, measure, error = wrong
            told = "" if abs(claim - measure) > error + 1e-12 else (
                "; both agree, but the error is far too large: the complex step should have been "
                "believed. Is an imaginary part lost on the way?")
            raise work.wrong("best", f"for {text}, the rules claim {claim:.15g}, but the best "
                                     f"measure is {measure:.15g} ± {error:.2g}{told}")
