"""What a reader's engine may import."""

ALLOWED = ("__future__", "abc", "collections", "contextlib", "copy", "dataclasses", "enum",
           "fractions", "functools", "heapq", "inspect", "itertools", "math", "numbers", "numpy",
           "operator", "random", "statistics", "string", "time", "typing", "warnings", "weakref")


def allowed(module):
    """Whether a module, by its full name, may be imported."""
    return module.partition(".")[0] in ALLOWED


def refusal(module):
    """The end of a sentence about an import that is not allowed."""
    return (f"imports {module}, but an engine of the course uses NumPy and a few modules of "
            f"Python's own library ({', '.join(ALLOWED[1:])})")
