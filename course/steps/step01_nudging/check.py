"""Checks of step 1."""

import math

from course.grading.checks import Checks

CHECKS = Checks()


def cube(x):
    return x ** 3


def likely(f, x, h):
    """What the common mistakes give."""
    up, here, down = f(x + h), f(x), f(x - h)
    return {
        "this is the rise from x to x + h; measure from x − h to x + h": (up - here) / h,
        "this is the rise from x − h to x; measure from x − h to x + h": (here - down) / h,
        "from x − h to x + h the run is 2h, not h": (up - down) / h,
        "from x − h to x + h the run is 2h, and `/ 2 * h` multiplies with h": (up - down) / 2 * h,
        "the rise is not divided by the run": up - down,
        "the sign is flipped: the rise is f(x + h) − f(x − h)": (down - up) / (2 * h),
        "the rise from x to x + h belongs to a run of h": (up - here) / (2 * h),
    }


@CHECKS("the slope of a curve, with a wide step")
def wide(work):
    for text, f in (("x**3", cube), ("x**2 + 3*x", lambda x: x * x + 3 * x)):
        for _ in range(2):
            x, h = float(work.rng.uniform(1, 3)), float(work.rng.uniform(0.3, 0.9))
            found = work.call("slope_of", text, x, h, doing=f"slope of {text}")
            work.same("slope", f"with f(x) = {text}, slope(f, {x:.4g}, {h:.4g})", found,
                      (f(x + h) - f(x - h)) / (2 * h), likely=likely(f, x, h))


@CHECKS("the slope of a curve, with the usual small step")
def small(work):
    for text, right in (("sin(x)", math.cos), ("exp(x)", math.exp), ("1 / x", lambda x: -1 / x**2)):
        x = float(work.rng.uniform(0.4, 1.4))
        found = work.call("slope_of", text, x, doing=f"slope of {text}")
        work.same("slope", f"with f(x) = {text}, slope(f, {x:.4g})", found, right(x), rtol=1e-7)


@CHECKS("one slope for each input")
def several(work):
    x, y, z = (float(value) for value in work.rng.uniform(0.5, 2, 3))
    found, _ = work.call("slopes_of", "x * y + exp(z) * x", [x, y, z], doing="slopes")
    right = [y + math.exp(z), x, math.exp(z) * x]
    work.same("slopes", f"with f(x, y, z) = x*y + exp(z)*x, slopes(f, [{x:.4g}, {y:.4g}, {z:.4g}])",
              found, right, rtol=1e-6, likely={
                  "this nudges all inputs at once, not one": [sum(right)] * 3,
                  "these are the slopes in reverse order": right[::-1]})


@CHECKS("slopes uses the step that it is given, and leaves the inputs as they are")
def step_and_inputs(work):
    inputs = [float(value) for value in work.rng.uniform(1, 2, 3)]
    h = float(work.rng.uniform(0.3, 0.9))
    found, after = work.call("slopes_of", "x**3 + y**3 - 2 * z**3", inputs, h, doing="slopes")
    right = [factor * (3 * value**2 + h**2) for factor, value in zip((1, 1, -2), inputs)]
    work.same("slopes", f"with f(x, y, z) = x³ + y³ − 2z³ and h = {h:.4g}, slopes", found, right)
    if after != inputs:
        raise work.wrong("slopes", "slopes changed the list of inputs that it was given; move a "
                                   "copy instead")
