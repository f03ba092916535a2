"""By a student, from the page alone."""


def planted(rule, mistake):
    """A rule that needs what `rule` needs, and returns what the mistake makes of its result."""
    @functools.wraps(rule)
    def spoiled(g, **named):
        right = rule(g, **named)
        return mistake(right)

    return spoiled


def survivors(operation, accepts):
    """The mistakes that nobody notices, as pairs (name of the input, name of the mistake).

    accepts : called without arguments; whether a check is content with the engine as it is.
    Afterwards the operation has its own rules again, whatever happens.
    """
    found = []
    for name, rule in list(operation.rules.items()):
        for title, mistake in MISTAKES.items():
            try:
                operation.rules[name] = planted(rule, mistake)
                content = accepts()
            finally:
                operation.rules[name] = rule
            if content:
                found += [(name, title)]
    return found
