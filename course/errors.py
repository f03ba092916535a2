"""The exceptions of the course."""

from minigrad.errors import MinigradError


class CourseError(MinigradError):
    """A mistake in using the course: one sentence, and the program ends with status 2."""


class AssemblyError(MinigradError):
    """A step's `engine.py` that cannot be joined to the steps before."""
