"""Checks of step 1."""

import math

from course.grading.checks import Checks

CHECKS = Checks()
CURVES = {"x**3": (lambda x: x ** 3, lambda x: 3 * x * x),
          "x**2 + 3*x": (lambda x: x * x + 3 * x, lambda x: 2 * x + 3)}
SMALL = {"sin(x)": (math.sin, math.cos), "exp(x)": (math.exp, math.exp),
         "1 / x": (lambda x: 1 / x, lambda x: -1 / x**2)}
# What errors mean where `slopes` calls f through `along`.
OF_ALONG = (
    ("TypeError", "required positional argument",
     "f takes its inputs one by one, all of them: `f(*moved)` for a list `moved`"),
    ("TypeError", "positional arguments but", "f gets more inputs than it has: the value takes the "
     "place of one, it is not put beside them"),
    ("TypeError", "'list' and 'list'", "`along` returns a list; it should return the value of f"),
    ("TypeError", "NoneType", "`along` returns None; it should return the value of f"))


def likely(f, derivative, x, h):
    """What the common mistakes give."""
    up, here, down = f(x + h), f(x), f(x - h)
    return {
        "this is the rise from x to x + h; measure from x − h to x + h": (up - here) / h,
        "this is the rise from x − h to x; measure from x − h to x + h": (here - down) / h,
        "from x − h to x + h the run is 2h, not h": (up - down) / h,
        "from x − h to x + h the run is 2h, and `/ 2 * h` multiplies with h": (up - down) / 2 * h,
        "from x − h to x + h the run is 2h, not 2": (up - down) / 2,
        "the rise is not divided by the run": up - down,
        "the rise is multiplied with the run; divide by it": (up - down) * (2 * h),
        "this is the run divided by the rise; it is the other way round": 2 * h / (up - down),
        "this is f(x + h) over the run; the rise is the difference of f(x + h) and f(x − h)":
            up / (2 * h),
        "this is f(x − h) over the run; the rise is the difference of f(x + h) and f(x − h)":
            down / (2 * h),
        "the rise is 0: both values of f are taken at the same place": 0.0,
        "this is the run alone": 2 * h,
        "the run is 2h; here the rise is divided by 2x": (up - down) / (2 * x),
        "the sign is flipped: the rise is f(x + h) − f(x − h)": (down - up) / (2 * h),
        "the rise from x to x + h belongs to a run of h": (up - here) / (2 * h),
        "the rise from x − h to x belongs to a run of h": (here - down) / (2 * h),
        "only f(x − h) is divided by the run; put the whole rise into brackets":
            up - down / (2 * h),
        "the rise is the difference of both values, not their sum": (up + down) / (2 * h),
        "this goes from x − h/2 to x + h/2; measure from x − h to x + h":
            (f(x + h / 2) - f(x - h / 2)) / h,
        "this goes from x to x + 2h; measure from x − h to x + h": (f(x + 2 * h) - here) / (2 * h),
        "h is added to the value of f; it belongs to x, f(x + h)": 1.0,
        "f is called with the run; take the difference of two values of f": f(2 * h) / (2 * h),
        "`//` drops what is behind the point; divide by `/`": (up - down) // (2 * h),
        "the sign is lost: a slope can be negative": abs(up - down) / (2 * h),
        "the h that slope was given is not used": derivative(x)}


@CHECKS("the slope of a curve, with a wide step")
def wide(work):
    for text, (f, derivative) in CURVES.items():
        for _ in range(2):
            x, h = float(work.rng.uniform(1, 3)), float(work.rng.uniform(0.3, 0.9))
            found = work.call("slope_of", text, x, h, doing=f"slope of {text}")
            work.same("slope", f"with f(x) = {text}, slope(f, {x:.4g}, {h:.4g})", found,
                      (f(x + h) - f(x - h)) / (2 * h), likely=likely(f, derivative, x, h))


@CHECKS("the slope of a curve, with the usual small step")
def small(work):
    for text, (f, derivative) in SMALL.items():
        x = float(work.rng.uniform(0.4, 1.4))
        found = work.call("slope_of", text, x, doing=f"slope of {text}")
        work.same("slope", f"with f(x) = {text}, slope(f, {x:.4g})", found, derivative(x),
                  rtol=1e-7, likely=likely(f, derivative, x, 1e-5))


def surface(x, y, z):
    return x * y + math.exp(z) * x


def likely_slopes(inputs, right):
    """What the common mistakes in `along` give."""
    def slopes(along):
        """The slope of along(place, value) where the value is the input."""
        return [(along(place, value + 1e-5) - along(place, value - 1e-5)) / 2e-5
                for place, value in enumerate(inputs)]

    def put(place, value, others=inputs):
        return surface(*(value if place == n else other for n, other in enumerate(others)))

    return {
        "all inputs are moved together; only input number `place` is the value, the others stay":
            slopes(lambda place, value: surface(value, value, value)),
        "all inputs are nudged at once; move one alone": [sum(right)] * 3,
        "the other inputs are 0 here; they should stay as they are":
            slopes(lambda place, value: put(place, value, [0.0] * 3)),
        "the other inputs are 1 here; they should stay as they are":
            slopes(lambda place, value: put(place, value, [1.0] * 3)),
        "the value is added to the input; it is the new input, and takes the old one's place":
            slopes(lambda place, value: put(place, inputs[place] + value)),
        "the value is multiplied with the input; it is the new input, and takes its place":
            slopes(lambda place, value: put(place, inputs[place] * value)),
        "the value always takes the place of the first input, not of input number `place`":
            slopes(lambda place, value: put(0, value)),
        "the value always takes the place of the last input, not of input number `place`":
            slopes(lambda place, value: put(2, value)),
        "the value takes the place of the input before":
            slopes(lambda place, value: put((place - 1) % 3, value)),
        "the value takes the place of the input behind":
            slopes(lambda place, value: put((place + 1) % 3, value)),
        "the value takes the places from the back": slopes(
            lambda place, value: put(2 - place, value)),
        "`along` returns the value itself; it should return f of all inputs": [1.0] * 3,
        "f does not see the value: put it in the place of input number `place`": [0.0] * 3}


def unchanged(work, before, after):
    if after != before:
        raise work.wrong("slopes", "slopes changed the list of inputs that it was given; move a "
                                   "copy instead")


@CHECKS("one slope for each input", *OF_ALONG)
def several(work):
    inputs = x, y, z = [float(value) for value in work.rng.uniform(0.5, 2, 3)]
    found, after = work.call("slopes_of", "x * y + exp(z) * x", inputs, doing="slopes")
    unchanged(work, inputs, after)
    right = [y + math.exp(z), x, math.exp(z) * x]
    work.same("slopes", f"with f(x, y, z) = x*y + exp(z)*x, slopes(f, [{x:.4g}, {y:.4g}, {z:.4g}])",
              found, right, rtol=1e-6, likely=likely_slopes(inputs, right))


@CHECKS("slopes uses the step that it is given, and leaves the inputs as they are", *OF_ALONG)
def step_and_inputs(work):
    inputs = [float(value) for value in work.rng.uniform(1, 2, 3)]
    h = float(work.rng.uniform(0.3, 0.9))
    found, after = work.call("slopes_of", "x**3 + y**3 - 2 * z**3", inputs, h, doing="slopes")
    right = [factor * (3 * value**2 + h**2) for factor, value in zip((1, 1, -2), inputs)]
    work.same("slopes", f"with f(x, y, z) = x³ + y³ − 2z³ and h = {h:.4g}, slopes", found, right)
    unchanged(work, inputs, after)
