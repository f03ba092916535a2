"""The reader's engine, seen from the process that judges it."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from course.errors import CourseError
from course.grading import static, wire
from course.grading.advice import Meaning, Raised, advice, meaning
from course.grading.patterns import pattern
from course.grading.verdict import Wrong

_CHILD = Path(__file__).with_name("child.py")
_PROBES = Path(__file__).with_name("probes.py")
SECONDS = 5.0           # of the processor's time that one call may take
_PATIENCE = 120.0       # seconds by the clock until a process is ended that does not answer
_WALKS = (4, 5)         # the steps whose subject is a walk without recursion
_SHOWN = 8              # elements of an array that a sentence lists
_START = 600.0          # the same for Python and NumPy to start: disks and busy machines are slow


class Work:
    """A reader's file, loaded in a limited process.

    Parameters
    ----------
    source, filename : the file and the name that messages give it.
    tree : its syntax tree.
    probes : the source of the step's probes.
    seed : of the checks' random numbers. They are drawn here; the other process sees inputs only.
    """

    def __init__(self, source: str, filename: str, tree: ast.Module, probes: str,
                 seed: int) -> None:
        self.filename, self.tree = filename, tree
        self.rng = np.random.default_rng(seed)
        self.printed: list[list[Any]] = []
        self.alive = True
        self.meanings: tuple[Meaning, ...] = ()     # of errors, in the check that runs
        self._folder = tempfile.TemporaryDirectory(prefix="course-")
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-B", str(_CHILD)], stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=self._folder.name,
                env=_environment())
            if self._answer(None, _START) is None:
                raise CourseError("the process that runs your file could not be started: Python or "
                                  "NumPy fails in it")
            self._ask({"name": filename, "source": source, "seconds": SECONDS,
                       "probes": [_PROBES.read_text(encoding="utf-8"), probes]}, "loading the file")
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Work:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        self.alive = False
        process = getattr(self, "_process", None)
        if process is not None:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    with suppress(OSError):         # what was not sent can no longer be
                        stream.close()
        self._folder.cleanup()

    def random(self, *shape: int) -> np.ndarray:
        """Elements between 0.4 and 2 in size, of both signs."""
        size: np.ndarray = self.rng.uniform(0.4, 2, shape)
        return size * self.rng.choice([-1.0, 1.0], shape)

    def call(self, probe: str, *arguments: Any, doing: str, seconds: float = SECONDS) -> Any:
        """Run a probe beside the reader's code and return its result.

        Parameters
        ----------
        doing : what is tried, for the sentence about an error: "multiply(x, y)".

        Raises
        ------
        Wrong
            The reader's code raised an error, ran too long, or ended the process.
        """
        return wire.decoded(self._ask({"probe": probe, "arguments": wire.encoded(arguments),
                                       "seconds": seconds}, doing))

    def _ask(self, request: dict[str, Any], doing: str) -> Any:
        answer = self._answer(request, _PATIENCE)
        if answer is None:
            self.alive = False
            raise Wrong(f"{doing} ended the process: it ran without end, recursed without end, or "
                        f"took more memory than a check has (2 GB)")
        self.printed = answer.get("printed", [])
        if "error" in answer:
            raise self._wrong(answer["error"], doing, request["seconds"])
        return answer["value"]

    def _answer(self, request: dict[str, Any] | None, patience: float) -> dict[str, Any] | None:
        """The next message of the process, after a request; None if it ended or was ended."""
        clock = threading.Timer(patience, self._process.kill)
        clock.start()
        try:
            assert self._process.stdin is not None and self._process.stdout is not None
            if request is not None:
                wire.send(self._process.stdin, request)
            answer: dict[str, Any] | None = wire.receive(self._process.stdout)
            return answer
        except (OSError, ValueError):
            return None
        finally:
            clock.cancel()

    def _wrong(self, error: dict[str, Any], doing: str, seconds: float) -> Wrong:
        function, line = error["function"], error["line"]
        where = "" if function in ("", "<module>") else function
        if error["type"] == "OutOfTime":
            return Wrong(f"{doing} was not finished after {seconds:g} seconds of computing: is "
                         f"there a loop without an end here?", where, line)
        if error["type"] == "MemoryError":
            return Wrong(f"{doing} took more memory than a check has (2 GB)", where, line)
        if error["type"] == "RecursionError":
            remedy = "use a loop with a list of what still waits"
            if static.number_of(self.tree) not in _WALKS:
                remedy = (f"{function or 'a function'} calls itself, perhaps through an operator: "
                          f"x * y of two Tensors calls `multiply`. Inside of an operation compute "
                          f"with their `data`")
            return Wrong(f"{doing} went into itself too often (RecursionError): {remedy}", where,
                         line)
        if error["type"] == "PermissionError":
            return Wrong(f"{doing} tried to open a file or to act outside of the engine, which a "
                         f"check does not allow", where, line)
        if error["type"] == "NotImplementedError" and error["message"].startswith("hole "):
            return Wrong(f"{error['message']} is still open: write your lines in place of the "
                         f"`raise`", where, line)
        if error["outside"] and line is None:
            own = meaning(error["type"], error["message"], self.meanings)
            return Wrong(f"{doing} {_returned(error['type'], error['message'])}"
                         + (f" ({own})" if own else ""))
        message = f": {error['message'].strip()}" if error["message"] else ""
        called = f", called in line {error['caller']}" if error["caller"] else ""
        raised = Raised(error["type"], error["message"], error["expression"],
                        dict(error["values"]), error["outside"], static.number_of(self.tree),
                        static.names_in(self.tree))
        return Wrong(f"{doing} raises {error['type']}{called}{message}"
                     f"{advice(raised, self.meanings)}"
                     f"{self._why_none(where) if 'NoneType' in message else ''}", where, line)

    def _why_none(self, where: str) -> str:
        """The end of a sentence about a None: what made it, if that can be read in the file."""
        why = static.reason_of_none(self.tree, where)
        return f": {why}" if why else ""

    def line_of(self, name: str) -> int | None:
        """The line of a definition in the reader's file."""
        return static.line_of(self.tree, name)

    # -- comparing

    def same(self, where: str, what: str, found: Any, right: Any, *, rtol: float = 1e-9,
             atol: float = 1e-12,
             likely: dict[str, Any] | Callable[[], dict[str, Any]] | None = None) -> None:
        """Compare a value with the right one.

        Parameters
        ----------
        what : names the value in the sentence: "slope(f, 2.0)".
        likely : results of common mistakes, or a function that makes them if they are needed; the
            sentence of one that fits is told.

        Raises
        ------
        Wrong
            They differ.
        """
        if close(found, right, rtol, atol):
            return
        kind = "complex" if _is_complex(found) else no_number(found)
        if kind:
            hint = (self._why_none(where) or ": is a `return` missing?") if found is None else ""
            raise Wrong(f"{what} is {kind}, but should be {shown(right)}{hint}", where,
                        self.line_of(where))
        mistakes = likely() if callable(likely) else likely or {}
        named = next((sentence for sentence, value in mistakes.items()
                      if close(found, value, rtol, atol, equal_nan=True)), "")
        named = named or pattern(found, right, rtol)
        raise Wrong(f"{what} {_told(found, right)}" + (f": {named}" if named else ""), where,
                    self.line_of(where))

    def number(self, where: str, what: str, found: Any) -> float:
        """A value that has to be one real number, as such.

        Raises
        ------
        Wrong
            It is something else.
        """
        kind = "complex" if _is_complex(found) else no_number(found)
        if not kind and (not _is_numeric(found) or np.ndim(found)):
            kind = f"an array of shape {np.shape(found)}" if _is_numeric(found) else "no number"
        if kind:
            hint = (self._why_none(where) or ": is a `return` missing?") if found is None else ""
            raise self.wrong(where, f"{what} is {kind}, but should be one number{hint}")
        return float(found)

    @staticmethod
    def disagreement(measure: Callable[[], tuple[float, float, float]], largest: float,
                     noise: float = 0.0) -> tuple[float, float, float] | None:
        """Compare a number with a measured one, within the error that the measure states.

        Such an error is an estimate, and now and then too small. So after a disagreement two more
        attempts are made, and forgive it only if both agree.

        Parameters
        ----------
        measure : gives both numbers and the error, for inputs that differ at each attempt.
        largest : what the error has to be smaller than.
        noise : a difference that is nothing.

        Returns
        -------
        The numbers that disagree, or None.
        """
        def disagree(one: float, two: float, error: float) -> bool:
            return not (abs(one - two) <= error + noise and error < largest)

        first = measure()
        if disagree(*first) and any(disagree(*measure()) for _ in range(2)):
            return first
        return None

    def wrong(self, where: str, text: str) -> Wrong:
        """The exception for a definition that is at fault."""
        return Wrong(text, where, self.line_of(where))


_KINDS = {"list": "a list", "tuple": "a tuple", "dict": "a dictionary", "str": "a string",
          "float": "a plain number", "int": "a plain number", "numpy.float64": "a plain number",
          "numpy.ndarray": "a plain array", "memoryview": "a plain array", "Tensor": "a Tensor",
          "function": "a function", "method": "a method", "generator": "a generator"}


def _returned(kind: str, message: str) -> str:
    """What came back, if not the reader's code but the check with its result raised an error."""
    if "'NoneType'" in message:
        return "gives None: is a `return` missing?"
    found = re.match(r"'([\w.]+)' object", message)
    if found and found[1] in _KINDS:
        return f"gives {_KINDS[found[1]]}, which is not what should come back ({message})"
    return f"gives something that the check cannot use ({kind}: {message})"


def _told(found: Any, right: Any) -> str:
    """What differs between two values, as the end of a sentence."""
    if not (_is_numeric(found) and _is_numeric(right)):
        return _told_of_parts(found, right)
    if np.shape(found) != np.shape(right):
        return f"has the shape {np.shape(found)}, but should have {np.shape(right)}"
    one, two = np.asarray(found), np.asarray(right)
    if two.size <= _SHOWN and shown(found) != shown(right):
        return f"is {shown(found)}, but should be {shown(right)}"
    far = np.abs(one - two) / np.maximum(np.abs(two), 1e-12)
    place = np.unravel_index(np.argmax(np.where(np.isfinite(far), far, np.inf)), two.shape)
    if shown(one[place]) == shown(two[place]):
        return f"is nearly right, but differs by up to {np.abs(one - two).max():.1g}"
    at = ", ".join(map(str, place))
    return (f"is wrong, most of all at [{at}]: {shown(one[place])}, but should be "
            f"{shown(two[place])}")


def no_number(value: Any) -> str:
    """What a value is that stands where numbers should: "None", "a Tensor"; empty for others."""
    if value is None:
        return "None"
    if isinstance(value, wire.Foreign):
        if value.type_name == "memoryview":         # NumPy's own `data`
            return "no Tensor (a plain array or number)"
        return f"a {value.type_name}"
    return f"a {type(value).__name__}" if isinstance(value, (str, dict)) else ""


def _is_numeric(value: Any) -> bool:
    try:
        np.asarray(value, np.float64)
    except (TypeError, ValueError):
        return False
    return True


def _is_complex(value: Any) -> bool:
    """A complex number or an array of such; NumPy would drop their imaginary parts."""
    return isinstance(value, (complex, np.complexfloating)) or (
        isinstance(value, np.ndarray) and value.dtype.kind == "c")


def _told_of_parts(found: Any, right: Any) -> str:
    """The same of a list in which something is no number, or whose arrays differ in shape."""
    if not (isinstance(found, (list, tuple)) and isinstance(right, (list, tuple))
            and len(found) == len(right)):
        return f"is {shown(found)}, but should be {shown(right)}" if _is_numeric(found) else \
            f"has parts that are no array together, but should be {shown(right)}"
    for place, (one, two) in enumerate(zip(found, right)):
        kind = no_number(one)
        if kind:
            return f"has {kind} at [{place}], not {shown(two)}"
        if not close(one, two):
            return f"at [{place}] {_told(one, two)}"
    return f"should be {shown(right)}"


def close(found: Any, right: Any, rtol: float = 1e-9, atol: float = 1e-12, *,
          equal_nan: bool = False) -> bool:
    """Whether two values, arrays or lists of numbers agree, in shape as well."""
    try:
        if _is_complex(found) and not _is_complex(right):
            return False
        one, two = np.asarray(found, np.float64), np.asarray(right, np.float64)
    except (TypeError, ValueError):
        return False
    return one.shape == two.shape and bool(np.allclose(one, two, rtol, atol, equal_nan))


def shown(value: Any) -> str:
    """A value in a sentence: seven digits, and no more than eight elements."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return repr(value)
    if not _is_numeric(value):
        return str(value)
    array = np.asarray(value)
    if array.dtype.kind not in "iufb":
        return str(value)
    if array.ndim == 0:
        return f"{array.item():.7g}"
    if array.size > _SHOWN:
        return f"an array of shape {array.shape}"
    return "[" + ", ".join(shown(item) for item in array) + "]"


def _environment() -> dict[str, str]:
    """What Python and NumPy need, one thread for products; nothing of the reader's settings."""
    kept = {name: os.environ[name] for name in ("SYSTEMROOT", "PATH", "LD_LIBRARY_PATH")
            if name in os.environ}
    return {**kept, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0",
            "PYTHONIOENCODING": "utf-8"}
