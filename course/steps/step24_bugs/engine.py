# after: adjoint_gap
MISTAKES = {
    "the sign is flipped": lambda part: -part,
    "twice as much": lambda part: 2 * part,
    "nothing at all": lambda part: 0 * part,
    "a little more": lambda part: part * (1 + 1e-9),
    "in reverse": lambda part: part[::-1],
    "one row too far": lambda part: np.roll(part, 1, axis=0),
    "the same for all": lambda part: np.full(part.shape, part.mean()),
    "the first row alone": lambda part: part * (np.arange(len(part)) == 0).reshape(
        -1, *[1] * (part.ndim - 1)),
}


# after: MISTAKES
def planted(rule, mistake):
    """A rule that needs what `rule` needs, and returns what the mistake makes of its result."""
    # hole: `functools.wraps(rule)` above your function makes `needs` see the parameters of the rule
    @functools.wraps(rule)
    def wrong(*values, **named):
        return mistake(rule(*values, **named))
    return wrong
    # end


# after: planted
def survivors(operation, accepts):
    """The mistakes that nobody notices, as pairs (name of the input, name of the mistake).

    accepts : called without arguments; whether a check is content with the engine as it is.
    Afterwards the operation has its own rules again, whatever happens.
    """
    found = []
    for name, rule in list(operation.rules.items()):
        for title, mistake in MISTAKES.items():
            # hole: plant the mistake in the place of the rule, ask `accepts`, put the rule back
            # even if asking raises an error, and note the pair if the mistake was accepted
            operation.rules[name] = planted(rule, mistake)
            try:
                if accepts():
                    found.append((name, title))
            finally:
                operation.rules[name] = rule
            # end
    return found
