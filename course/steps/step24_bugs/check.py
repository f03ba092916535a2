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
        if not work.call("made", parameters, doing="planted(rule, mistake)"):
            raise work.wrong("planted", "planted returns None, but should return a function: is "
                                        "its `return` missing?")
        found = work.call("disguised", parameters, doing="needs of a planted rule")
        right = parameters.split(", ")[1:]
        if found != right:
            raise work.wrong("planted", f"planted(rule, …) for a rule of ({parameters}) needs "
                                        f"{found}, but should need {right}: "
                                        f"`@functools.wraps(rule)` above your function shows the "
                                        f"parameters of the rule")


@CHECKS("a planted rule returns what the mistake makes of the right gradient")
def spoiled(work):
    g, x = float(work.rng.uniform(1, 2)), float(work.rng.uniform(1, 2))
    for parameters, named, right in (("g", {}, 3 * g), ("g, out", {"out": x}, g * x),
                                     ("g, x, y_shape", {"x": x, "y_shape": [4]}, g + x + 4)):
        found = work.call("planted", parameters, g, named, doing="a planted rule")
        work.same("planted", f"a rule returns {right:.4g}, the mistake makes 1 − 10·it of that; "
                             f"the planted rule", found, 1 - 10 * right, likely={
                                 "the mistake was not made": right,
                                 "the mistake is to be made of what the rule returns, not of g":
                                     {"g": 3 * (1 - 10 * g), "g, out": (1 - 10 * g) * x}.get(
                                         parameters, 1 - 10 * g + x + 4),
                                 "the mistake is to be made of what the rule returns; the rule was "
                                 "not called": 1 - 10 * g,
                                 "the mistake was made twice": 1 - 10 * (1 - 10 * right)})


@CHECKS("each mistake is planted, asked about, and taken out")
def survivors(work):
    g = np.array([[1.0, 2.0], [3.0, 5.0]])
    every = [["x", number] for number in range(8)] + [["y", number] for number in range(8)]
    some = [every[int(place)] for place in np.sort(work.rng.choice(16, 5, replace=False))]
    for accepted in (some, [], every):
        found, seen, back = work.call("survivors", accepted, doing="survivors")
        if not seen:
            raise work.wrong("survivors", "`accepts` was never called; a function's name without "
                                          "() is not its answer")
        for place, ((name, number), asked) in enumerate(zip(every, seen)):
            called = f"when `accepts` was called for time number {place + 1}"
            if not asked[0]:
                raise work.wrong("survivors", f"{called}, the operation had its own rules; ask "
                                              f"while a mistake is planted, before the rule is put "
                                              f"back")
            right = MISTAKES[number](g * 2 if name == "x" else g * 7)
            if asked[0] != [name] or not np.allclose(asked[1], right, rtol=1e-12):
                raise work.wrong("survivors", f"{called}, mistake number {number + 1} should have "
                                              f"been in the place of the rule for {name}, and no "
                                              f"other{instead(asked, name, number)}")
        if len(seen) != 16:
            told = ": is a `return` inside of a loop?" if len(seen) in (1, 8) else ""
            raise work.wrong("survivors", f"`accepts` was called {len(seen)} times for two inputs "
                                          f"with 8 mistakes each{told}")
        if not back:
            raise work.wrong("survivors", "afterwards the operation does not have its own rules "
                                          "again")
        pairs(work, found, accepted, every)


def instead(asked, name, number):
    """What was there instead, as the end of a sentence."""
    names, part = asked
    g = np.array([[1.0, 2.0], [3.0, 5.0]]) * (2 if name == "x" else 7)
    if len(names) > 1:
        return f"; the rules for {' and '.join(names)} had mistakes: put each rule back"
    if names == [name] and number and np.shape(part) == g.shape and np.allclose(
            part, MISTAKES[number](MISTAKES[number - 1](g))):
        return "; it was planted on top of the mistake before: plant it in the right rule"
    if names == [name] and np.shape(part) == g.shape and np.allclose(
            part, MISTAKES[number](np.array([[1.0, 2.0], [3.0, 5.0]]))):
        return "; the mistake alone was there: plant `planted(rule, mistake)`"
    if names == [name] and np.shape(part) == g.shape and np.allclose(part, g):
        return "; the rule that was there makes no mistake"
    return ""


def pairs(work, found, accepted, every):
    """Whether the survivors are pairs of names, and the right ones."""
    titles = work.call("titles", doing="MISTAKES")
    names = [[name, titles[number]] for name, number in every]
    right = [[name, titles[number]] for name, number in accepted]
    if found is None:
        raise work.wrong("survivors", "survivors returns None: is a `return` missing?")
    for one in found:
        if one not in names:
            told = ""
            if isinstance(one, list) and one[::-1] in names:
                told = "; the name of the input comes first"
            elif isinstance(one, str) and one in titles:
                told = "; this is the name of a mistake alone"
            elif isinstance(one, str):
                told = "; `append` keeps a pair as one, `+=` takes it apart"
            elif isinstance(one, list) and len(one) == 2 and one[0] in ("x", "y"):
                told = "; name the mistake by its title, not by its function"
            shown = one if isinstance(one, (str, list)) else "something else"
            raise work.wrong("survivors", f"survivors returns {shown!r}, but each should be a pair "
                                          f"(name of the input, name of the mistake){told}")
    if found == [name for name in names if name not in right] and found != right:
        raise work.wrong("survivors", "these are the mistakes that were rejected; the survivors "
                                      "are those that `accepts` accepted")
    if found == names and found != right:
        raise work.wrong("survivors", "all mistakes are returned; the survivors are those that "
                                      "`accepts` accepted: look at what it returns")
    if found != right:
        raise work.wrong("survivors", f"{len(right)} mistakes were accepted, but {len(found)} "
                                      f"pairs come back, or others; note each that `accepts` "
                                      f"accepted, whatever it returns for true")


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
