"""Checks of step 22."""

import math

import numpy as np

from course.grading.checks import Checks
from course.grading.gradients import check_rules

CHECKS = Checks()
INIT = "Tensor.__init__"


@CHECKS("complex numbers stay complex, and all others become float64")
def types(work):
    x = work.rng.uniform(0.5, 2, (2, 3))
    for what, data, kind in (("of floats", x, "float64"),
                             ("of complex numbers", x + 1j, "complex128"),
                             ("of whole numbers", [1, 2], "float64"), ("of a number", 3, "float64"),
                             ("of truth values", np.array([True, False]), "float64")):
        made, found = work.call("tensor", data, doing=f"a Tensor {what}")
        if found != kind:
            raise work.wrong(INIT, f"a Tensor {what} has data of {found}, but should have {kind}")
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
                "the sign is flipped": -right.real})
            work.same("absolute", "the imaginary part of |x|", np.imag(found), right.imag, likely={
                "the imaginary part is lost": np.zeros(6),
                "a negative number has to change its sign as a whole": tiny.imag,
                "the sign of the imaginary part is to be that of x, in the end": -right.imag})
    check_rules(work, "absolute(x)", {"x": x}, where="absolute", reference=np.abs)
    found, _ = work.call("absolutes", np.zeros(2), doing="absolute of zeros")
    work.same("absolute", "|0|", found, [0.0, 0.0])


@CHECKS("the complex step")
def complex_step(work):
    for text, right in (("x**3", lambda x, h: 3 * x * x - h * h),
                        ("exp(2 * x)", lambda x, h: math.exp(2 * x) * math.sin(2 * h) / h),
                        ("5 * x + x**2", lambda x, h: 5 + 2 * x)):
        for h in (float(work.rng.uniform(0.3, 0.9)), 2.0 ** -66):
            x = float(work.rng.uniform(0.5, 2))
            found = work.call("slope", text, x, h, doing=f"complex_slope of {text}")
            if not np.isrealobj(found):
                raise work.wrong("complex_slope", f"with f(x) = {text}, complex_slope(f, {x:.4g}, "
                                                  f"{h:.4g}) is complex; take the imaginary part")
            work.same("complex_slope", f"with f(x) = {text}, complex_slope(f, {x:.4g}, {h:.4g})",
                      found, right(x, h), rtol=1e-14)


@CHECKS("whom to believe")
def believed(work):
    noise = 2.0 ** -48
    for text, sign in (("x**2", 1), ("-x**2", -1)):
        x = float(work.rng.integers(2, 9))
        exact = sign * 2 * x
        for off, error, trusted in ((0.25, 0.5, True), (-0.25, 0.5, True), (0.5, 0.5, True),
                                    (0.75, 0.5, False), (-0.75, 0.5, False), (0.0, 0.0, True)):
            right = [exact, noise * abs(exact)] if trusted else [exact + off, error]
            found = work.call("best", text, x, [exact + off, error], doing=f"best of {text}")
            work.same("best", f"with f(x) = {text} at {x:g}, a measured slope of {exact + off:g} ± "
                              f"{error:g} and a complex step of {exact:g}, best", found, right,
                      rtol=1e-13, atol=0, likely={
                          "the measured slope is believed here": [exact + off, error],
                          "the complex step is believed here": [exact, noise * abs(exact)]})


@CHECKS("rules and the best measure side by side")
def side_by_side(work):
    for text in ("tanh(x) * absolute(x)", "exp(log_softmax(x))", "relu(x) + maximum(x, 0.5) ** 2"):
        def compared(text=text):
            drawn = [work.rng.normal(size=(2, 3)) for _ in range(2)]
            x = work.rng.uniform(0.6, 2, (2, 3)) * work.rng.choice([-1.0, 1.0], (2, 3))
            return work.call("compared", text, x, drawn, doing="compared")

        wrong = work.disagreement(compared, 1e-11, noise=1e-12)
        if wrong:
            raise work.wrong("best", "for {}, the rules claim {:.15g}, but the best measure is "
                                     "{:.15g} ± {:.2g}".format(text, *wrong))
