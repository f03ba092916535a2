"""Probes of step 24."""

import numpy as np

__all__ = ["disguised", "made", "planted", "raising", "survivors", "titles"]

RULES = {"g": lambda g: 3 * g, "g, out": lambda g, out: g * out,
         "g, x, y_shape": lambda g, x, y_shape: g + x + y_shape[0]}


def titles(engine):
    return list(engine.MISTAKES)


def made(engine, parameters):
    """Whether `planted` returns anything."""
    return engine.planted(RULES[parameters], lambda part: part) is not None


def disguised(engine, parameters):
    """What a planted rule needs."""
    return list(engine.needs(engine.planted(RULES[parameters], lambda part: part)))


def planted(engine, parameters, g, named):
    """The result of a planted rule, which is to be 1 − 10 times that of its rule."""
    given = {key: tuple(value) if key.endswith("shape") else value for key, value in named.items()}
    return engine.planted(RULES[parameters], lambda part: 1 - 10 * part)(g, **given)


def operation(engine):
    """An operation of two inputs."""
    made = engine.Operation(eval("lambda x, y: x + y"))
    made.derivative(x=lambda g: g * 2, y=lambda g, out: g * out)
    return made


def survivors(engine, accepted):
    """What `survivors` finds if exactly the mistakes on these gradients are accepted.

    accepted : pairs (name, number): of the rule for `name` the results with this number, in the
        order of MISTAKES. Beside it: what each asking saw, and whether the rules are back.
    """
    made, seen = operation(engine), []
    own = dict(made.rules)
    every = [[name, number] for name in own for number in range(len(engine.MISTAKES))]
    g = np.array([[1.0, 2.0], [3.0, 5.0]])

    def accepts():
        changed = [name for name, rule in made.rules.items() if rule is not own[name]]
        part = None
        if len(changed) == 1:
            named = {"out": 7.0} if changed[0] == "y" else {}
            part = made.rules[changed[0]](g, **named)
        seen.append([changed, part])
        return np.bool_(every[(len(seen) - 1) % len(every)] in accepted)

    found = engine.survivors(made, accepts)
    return None if found is None else list(found), seen, dict(made.rules) == own


def raising(engine, when):
    """The error that comes out if `accepts` raises one at its call number `when`; rules back?"""
    made, calls = operation(engine), []
    own = dict(made.rules)

    def accepts():
        calls.append(1)
        if len(calls) == when:
            raise ZeroDivisionError
        return False

    try:
        engine.survivors(made, accepts)
        name = ""
    except ZeroDivisionError:
        name = "ZeroDivisionError"
    return name, dict(made.rules) == own
