"""The rule's signature is attached by hand; each mistake stands in a table of rules of its
own."""


def planted(rule, mistake):
    """A rule that needs what `rule` needs, and returns what the mistake makes of its result."""
    signature = inspect.signature(rule)

    def wrong(*values, **named):
        """The rule, and then the mistake."""
        call = signature.bind(*values, **named)
        return mistake(rule(*call.args, **call.kwargs))

    wrong.__signature__ = signature     # `needs` asks for it, and finds the parameters of the rule
    return wrong


def survivors(operation, accepts):
    """The mistakes that nobody notices, as pairs (name of the input, name of the mistake).

    accepts : called without arguments; whether a check is content with the engine as it is.
    Afterwards the operation has its own rules again, whatever happens.
    """
    right = operation.rules

    def accepted(name, mistake):
        """Whether `accepts` is content with this mistake, in a table of rules made for it alone."""
        operation.rules = {**right, name: planted(right[name], mistake)}
        try:
            return accepts()
        finally:
            operation.rules = right

    return [(name, title) for name, title in itertools.product(right, MISTAKES)
            if accepted(name, MISTAKES[title])]
