"""Checks of step 24."""

import numpy as np

from course.grading.checks import Checks

CHECKS = Checks()
MISTAKES = (lambda part: -part, lambda part: 2 * part, lambda part: 0 * part,
            lambda part: part * (1 + 1e-9), lambda part: part[::-1],
            lambda part: np.roll(part, 1, axis=0), lambda part: np.full(part.shape, part.mean()),
            lambda part: part * np.array([[1.0], [0.0]]))


@CHECKS("a planted rule needs what the right one needs")
def disguised(work):
    for parameters in ("g", "g, out", "g, x, y_shape"):
        found = work.call("disguised", parameters, doing="needs of a planted rule")
        right = parameters.split(", ")[1:]
        if found != right:
            raise work.wrong("planted", f"planted(rule, …) for a rule of ({parameters}) needs "
                                        f"{found}, but should need {right}")


@CHECKS("a planted rule returns what the mistake makes of the right gradient")
def spoiled(work):
    g, x = float(work.rng.uniform(1, 2)), float(work.rng.uniform(1, 2))
    for parameters, named, right in (("g", {}, 3 * g), ("g, out", {"out": x}, g * x),
                                     ("g, x, y_shape", {"x": x, "y_shape": [4]}, g + x + 4)):
        found = work.call("planted", parameters, g, named, doing="a planted rule")
        work.same("planted", f"a rule returns {right:.4g}, the mistake makes 1 − 10·it of that; "
                             f"the planted rule", found, 1 - 10 * right, likely={
                                 "the mistake was not made": right})


@CHECKS("each mistake is planted, asked about, and taken out")
def survivors(work):
    g = np.array([[1.0, 2.0], [3.0, 5.0]])
    every = [["x", number] for number in range(8)] + [["y", number] for number in range(8)]
    some = [every[int(place)] for place in np.sort(work.rng.choice(16, 5, replace=False))]
    for accepted in (some, [], every):
        found, seen, back = work.call("survivors", accepted, doing="survivors")
        for place, (name, number) in enumerate(every):
            asked = seen[place] if place < len(seen) else ["", None]
            right = MISTAKES[number](g * 2 if name == "x" else g * 7)
            if asked[0] != name or not np.allclose(asked[1], right, rtol=1e-12):
                raise work.wrong("survivors", f"when `accepts` was called for the {place + 1}th "
                                              f"time, mistake number {number + 1} should have been "
                                              f"in the place of the rule for {name}, and no other")
        if len(seen) != 16:
            raise work.wrong("survivors", f"`accepts` was called {len(seen)} times for two inputs "
                                          f"with 8 mistakes each")
        if not back:
            raise work.wrong("survivors", "afterwards the operation does not have its own rules "
                                          "again")
        if found != accepted:
            raise work.wrong("survivors", f"{len(accepted)} mistakes were accepted and should be "
                                          f"returned as pairs (name, title); {len(found)} were, or "
                                          f"others")


@CHECKS("an error of the check leaves no bug behind")
def errors(work):
    for when in (1, 7, 16):
        name, back = work.call("raising", when, doing="survivors")
        if name != "ZeroDivisionError":
            raise work.wrong("survivors", "an error that `accepts` raises should come out of "
                                          "survivors; it was swallowed")
        if not back:
            raise work.wrong("survivors", "if `accepts` raises an error, the planted mistake stays "
                                          "in the operation; put the rule back in `finally`")
