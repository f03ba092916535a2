"""What Python's and NumPy's own messages mean in an engine of the course."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np

_TELLING = ("TypeError", "ValueError", "AttributeError", "IndexError", "AxisError",
            "UFuncTypeError")
_ARRAYS = 6             # the step from which on data are arrays
_ASKED = 10             # the step from which on gradients have to be asked for

Meaning = tuple[str, str, str]      # type of the error, a part of its message, what it means


@dataclass
class Raised:
    """An error of a reader's code.

    Attributes
    ----------
    kind, message : its type and its text.
    expression : the one that failed, if it is short.
    values : what stands for the names in it, such as {"g": "None"}.
    outside : it was raised where the reader's results are used, not in the reader's own lines.
    step : the number of the step.
    names : what the reader's file defines and uses.
    """

    kind: str
    message: str
    expression: str = ""
    values: dict[str, str] = field(default_factory=dict)
    outside: bool = False
    step: int = 0
    names: Collection[str] = ()

    def holds(self, what: str) -> str:
        """The first name that stands for such a value; empty if there is none."""
        return next((name for name, value in self.values.items() if value.startswith(what)), "")


# (types of the error, pattern of its message, what it means here). What stands in { } is a group
# of the pattern.
_MEANINGS = (
    ("TypeError AttributeError", r"'(function|method|builtin_function_or_method)'",
     "a function stands where its result should be: call it"),
    ("TypeError", r"takes (?:from )?\d.* positional argument.* given|missing \d+ required pos",
     "a function is called with more or fewer values than there are names in its brackets"),
    ("TypeError", r"unexpected keyword argument '(axis|keepdims)'",
     "the engine's own methods say `dim` and `keepdim`; `axis` and `keepdims` are NumPy's"),
    ("TypeError", r"unexpected keyword argument '(dim|keepdim)'",
     "NumPy says `axis` and `keepdims`; `dim` and `keepdim` are the engine's"),
    ("TypeError", r"'tuple' object is not callable",
     "a pair is called like a function: take it apart first, or put a comma between two pairs of a "
     "list"),
    ("TypeError", r"'(float|int|numpy.\w+|ndarray|list|Tensor)' object is not callable",
     "brackets after a value call it: is an operator such as `*` missing before them?"),
    ("TypeError", r"argument after \* must be an iterable",
     "`f(*values)` hands on the elements of a list one by one, and this is none"),
    ("TypeError", r"'(float|int|numpy.float64)' object does not support item assignment",
     "a single number has no places"),
    ("TypeError", r"cannot unpack non-iterable|'(\w+)' object is not iterable",
     "several values are taken out of something that is a single one"),
    ("TypeError", r"can't multiply sequence|unsupported operand.*'(list|tuple)'|can only concat",
     "a list or a pair stands where one of its elements should"),
    ("TypeError", r"'tuple' object does not support item assignment",
     "a tuple cannot be changed; make a list of it, `list(…)`"),
    ("TypeError", r"list indices must be integers", "the place in a list is a whole number"),
    ("TypeError", r"must be of integral type|'float' object cannot be interpreted as an integer",
     "a length is a whole number: divide by `//`"),
    ("TypeError", r"unhashable type", "a key has to be a number or a text: use the Tensor's "
     "`number`"),
    ("TypeError", r"'[<>]=?' not supported between .* 'Tensor'",
     "Tensors have no order of their own: sort with `key=lambda tensor: tensor.number`"),
    ("TypeError", r"must be real number, not Tensor",
     "the functions of `math` take numbers: the number of a Tensor is its `data`"),
    ("TypeError", r"boolean (subtract|negative)",
     "a mask of True and False has no `-`: `~mask` turns it round, `g * mask` uses it"),
    ("TypeError", r"unary ~|ufunc 'invert'",
     "`~` turns a mask of True and False round, and no other array: `g * ~mask`"),
    ("TypeError", r"can only convert an array of size 1|only (0-dim|length-1|size-1)",
     "a function for one number is given an array: NumPy's functions (`np.exp`) take arrays, those "
     "of `math` do not"),
    ("TypeError", r"'memoryview'", "of an array, `.data` is its memory: write `.data` once, after "
     "the Tensor"),
    ("AttributeError", r"'memoryview' object", "of an array, `.data` is its memory: write `.data` "
     "once, after the Tensor"),
    ("AttributeError", r"'(float|int|numpy.float64)' object has no attribute",
     "this is a plain number already"),
    ("AttributeError", r"'ndarray' object has no attribute '(inputs|number|grad|backward)'",
     "a plain array stands where a Tensor should"),
    ("AttributeError", r"'ndarray' object has no attribute '(append|insert|extend)'",
     "an array does not grow; collect in a list"),
    ("AttributeError", r"'(tuple|list)' object has no attribute",
     "this is a {0}: take the element that you mean out of it"),
    ("AttributeError", r"module '(numpy|math)' has no attribute",
     "the library has no function of this name"),
    ("ValueError", r"truth value of an array",
     "an array of several elements is neither true nor false, so it cannot stand before `or` and "
     "`and`, after `if`, or be looked for in a list: ask whether something is there by `is None` "
     "or `in` a dictionary, and choose between elements by `np.where`"),
    ("ValueError", r"more dimensions than allowed by the axis remapping",
     "g has more dimensions than the shape that it is stretched to: one was put back that was not "
     "gone, as after keepdim=True"),
    ("ValueError", r"remapped shapes",
     "lengths must be equal from the right, or 1; a dimension that a sum took away is put back, "
     "with length 1, by `np.expand_dims`"),
    ("ValueError", r"mismatch in its core dimension",
     "the lengths that meet in a matrix product differ, the last one of what is on the left and "
     "the first one of what is on the right: see which has to be turned round, or has to stand on "
     "the other side"),
    ("ValueError", r"cannot reshape array",
     "a reshape keeps all elements, and the new shape has room for more or fewer"),
    ("ValueError", r"axes don't match array", "an order of dimensions names each of them once"),
    ("ValueError", r"read-only", "this array is only another view of one that may not be changed; "
     "make a new one"),
    ("ValueError", r"could not broadcast input array from shape .* into shape \(.*\b0\b.*\)",
     "the part that is written to is empty: `0:-0` is, for one"),
    ("ValueError", r"could not (be )?broadcast", "two shapes meet that do not fit: from the right, "
     "lengths must be equal, or one of them 1"),
    ("ValueError", r"(not enough|too many) values to unpack",
     "something is taken apart into more or fewer names than it has parts"),
    ("ValueError", r"math domain error|expected a (nonnegative|positive) input",
     "this function is not defined for such a number, as the logarithm of a negative one"),
    ("ValueError", r"zero-size array|arg is an empty sequence|iterable argument is empty",
     "nothing is there to choose from"),
    ("IndexError", r"list assignment index", "a list has no place there yet: it grows by `append`"),
    ("IndexError", r"list index|tuple index",
     "the place is beyond the end: n elements have the places 0 to n − 1"),
    ("IndexError", r"arrays used as indices must be|only integers, slices",
     "an index is a whole number, a slice, a mask of True and False, or an array of whole numbers"),
    ("IndexError", r"too many indices|invalid index to scalar",
     "there are more indices than dimensions"),
    ("IndexError", r"out of bounds", "the place is beyond the end: n elements have the places 0 to "
     "n − 1"),
    ("AxisError", r"out of bounds", "the array has fewer dimensions than that; they count from 0"),
    ("ZeroDivisionError", r"", "what it is divided by is 0"),
    ("OverflowError", r"", "a number grew beyond what a float can hold"),
    ("RuntimeError", r"changed size during iteration|mutated during",
     "the loop goes over something that grows or shrinks meanwhile: go over a copy"),
    ("UnboundLocalError", r"", "a name that is assigned to anywhere in a function belongs to this "
     "function, and has no value before that"),
)


def advice(error: Raised, own: Sequence[Meaning] = ()) -> str:
    """The end of a sentence about an error: what stood in its expression, and what that means.

    own : what errors mean in the check that runs; looked up first.
    """
    told = ""
    if error.expression and error.values and error.kind in _TELLING:
        parts = [f"{name} is {value}" for name, value in error.values.items()]
        told = f"; in `{error.expression}`, " + (
            ", ".join(parts[:-1]) + " and " + parts[-1] if parts[1:] else parts[0])
    told_by = meaning(error.kind, error.message, own) or _meaning(error)
    return told + (f" ({told_by})" if told_by else "")


def meaning(kind: str, message: str, own: Sequence[Meaning]) -> str:
    """What an error means in the check that runs; empty if the check has no word for it."""
    return next((sentence for other, part, sentence in own
                 if other == kind and part in message), "")


def _meaning(error: Raised) -> str:
    for special in (_name, _none, _tensor, _key):
        found = special(error)
        if found:
            return found
    for kinds, pattern, meaning in _MEANINGS:
        match = re.search(pattern, error.message)
        if match and _family(error.kind) & set(kinds.split()):
            return meaning.replace("{0}", match[1]) if "{0}" in meaning else meaning
    return ""


def _family(kind: str) -> set[str]:
    """The type of an error, and of what it is a kind."""
    return {kind, "TypeError"} if kind.startswith(("UFunc", "_UFunc")) else {kind}


def _name(error: Raised) -> str:
    match = re.match(r"name '(\w+)' is not defined", error.message)
    if error.kind != "NameError" or not match:
        return ""
    name, library = match[1], (np, "np") if error.step >= _ARRAYS else (math, "math")
    if name == "g":
        return "a rule is a function of g: `lambda g: …`"
    if name in ("np", "numpy") and error.step < _ARRAYS:
        return "data are single numbers here, and the file imports `math`, not NumPy"
    if name == "math":
        return "the file imports NumPy as `np`, which has these functions for arrays"
    if hasattr(library[0], name):
        return f"it is `{library[1]}.{name}`"
    others = [other for other in error.names if other != name]
    near = difflib.get_close_matches(name, others, 1, 0.8)
    return f"is {near[0]} meant?" if near else (
        "nothing has this name at this place: is it misspelt, or does it belong to another "
        "function?")


def _none(error: Raised) -> str:
    if "NoneType" not in error.message or error.kind not in ("TypeError", "AttributeError"):
        return ""
    if error.outside:
        return ("a function of yours returned None: is there a `return` on each way through it, "
                "and a value behind it?")
    if "indices must be" in error.message:
        return "a place in a list or a shape is a whole number, and here it is None"
    if ".get(" in error.expression:
        return ("`.get(key)` of a dictionary gives None where nothing is under the key; "
                "`.get(key, 0.0)` gives 0")
    name = error.holds("None")
    if name == "g":
        return "this rule was called with None for g: " + (
            "a rule gets `tensor.grad`, and what it gives is stored in `source.grad`"
            if error.step < 7 else "where it is called, the gradient is not known yet")
    if name.endswith("grad"):
        if error.step < _ASKED:
            return ("something here is None: a `grad` is until something was added to it, so the "
                    "first pass finds None")
        return ("no backward pass has sent this Tensor anything, so its `grad` is None; a leaf is "
                "sent something only if it was made with `requires_grad=True`")
    subject = f"{name} is None" if name else "something here is None"
    return (f"{subject}: a function without `return` gives None, and so does one that changes a "
            f"list or an array itself, such as `append`, `sort` or `np.add.at`")


def _tensor(error: Raised) -> str:
    """A Tensor where an array should be."""
    match = re.search(r"'Tensor' object has no attribute '(\w+)'", error.message)
    if error.kind == "AttributeError" and match:
        if hasattr(np.ndarray, match[1]):
            return "a Tensor is no array; its array is its `data`"
        return "a Tensor has no such attribute"
    clash = re.search(r"setting an array element|'Tensor' does not support ufuncs|argument 0 of "
                      r"type Tensor|not 'Tensor'", error.message)
    if not clash:
        return ""
    name = error.holds("a Tensor")
    if name or "Tensor" in error.message:
        return (f"{name or 'this'} is a Tensor where a plain array should stand: take its `data`, "
                f"and inside of an operation and its rules use NumPy's functions, not the engine's")
    return "a whole array, or several of different lengths, stands where a single number should"


def _key(error: Raised) -> str:
    if error.kind != "KeyError":
        return ""
    if ".pop(" in error.expression and "grads" in error.expression:
        return ("nothing was put into `grads` for this Tensor: what a rule sends belongs there, "
                "under the number of the source, at its first use as well")
    if ".pop(" in error.expression or error.outside:
        return "nothing was put there under this key before"
    return ("the dictionary has nothing under this key yet, and `+=` needs something to add to: "
            "ask first whether the key is `in` it, or take `.get(key, 0.0)`")
