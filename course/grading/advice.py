"""What Python's and NumPy's own messages mean in an engine of the course."""

from collections.abc import Sequence

# (type of the error, what its message contains, what it means here)
_MEANINGS = (
    ("TypeError", "'NoneType'",
     "something here is None: a `grad` is until something was added to it, so the first pass finds "
     "None; and a Tensor that has its turn has its own g in its own `grad`, not in its input's"),
    ("NameError", "name 'g' is not defined", "a rule is a function of g: `lambda g: …`"),
    ("TypeError", "'function'", "a function stands where its result should be: call it"),
    ("AttributeError", "'function' object",
     "a function stands where its result should be: call it"),
    ("ValueError", "setting an array element with a sequence",
     "inside of an operation and its rules everything is a plain array, not a Tensor: use NumPy's "
     "functions, not the engine's"),
    ("TypeError", "does not support ufuncs",
     "NumPy's functions know no Tensors: use the operations of the engine"),
    ("TypeError", "must be of integral type", "a length is a whole number: divide by `//`"),
    ("TypeError", "'float' object cannot be interpreted as an integer",
     "a length is a whole number: divide by `//`"),
    ("ValueError", "truth value of an array",
     "a comparison of arrays gives an array: `.all()` makes one answer of it"),
    ("UnboundLocalError", "cannot access local variable",
     "a line reads this name before any line gave it a value"),
    ("ValueError", "remapped shapes",
     "put the dimension that a sum took away back first, with length 1, by `np.expand_dims`"),
    ("ValueError", "mismatch in its core dimension",
     "the lengths that meet in a matrix product differ; write down the shapes of both, and see "
     "which has to be turned round (`.T`), or has to stand on the other side"),
)


Meaning = tuple[str, str, str]


def advice(kind: str, message: str, own: Sequence[Meaning] = (), *,
           general: bool = True) -> str:
    """The end of a sentence about an error of this type and message; empty if there is none.

    own : what errors mean in the check that runs; looked up first.
    general : whether to look up what errors mean in all checks as well.
    """
    return next((f" ({meaning})" for name, part, meaning in (*own, *(_MEANINGS if general else ()))
                 if name == kind and part in message), "")
