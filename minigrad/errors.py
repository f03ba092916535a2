"""The exceptions that minigrad raises, under one base class.

Each message is one sentence that names the values that clash and says what would be right. Where
Python has a class for the same mistake, ours derives from it as well, so that `except ValueError`
works too.
"""

from minigrad.printable import one_line


class MinigradError(Exception):
    """Base class of all exceptions of this project.

    Whatever a message quotes, it remains one printable line of at most `longest` characters.
    """

    longest: int | None = 400       # None for messages of several lines

    def __init__(self, *args: object) -> None:
        super().__init__(*(one_line(a, self.longest) if isinstance(a, str) else a for a in args))


class ShapeError(MinigradError, ValueError):
    """Shapes that do not fit together, or a dimension that does not exist."""


class OutOfRangeError(ShapeError, IndexError):
    """An index or a dimension that does not exist."""


class DTypeError(MinigradError, TypeError):
    """An element type that an operation cannot work with."""


class GradientDTypeError(DTypeError):
    """A gradient was requested for integers or truth values."""


class DeviceError(MinigradError, RuntimeError):
    """A device that does not exist or cannot be used, or arrays of two devices in one operation."""


class MixedDeviceError(DeviceError):
    """Arrays of two devices met in one operation."""


class GradientError(MinigradError, RuntimeError):
    """A backward pass that is not possible."""


class NonScalarError(GradientError):
    """A backward pass from several elements without a gradient to start from."""


class GradientShapeError(GradientError, ShapeError):
    """A gradient whose shape differs from that of the tensor it belongs to."""


class ReleasedGraphError(GradientError):
    """A second backward pass over a graph whose saved arrays were released."""


class ModifiedError(GradientError):
    """An array was changed in place after an operation had saved it."""


class NoRuleError(GradientError):
    """An input requires a gradient, but the operation declares no rule for it."""


class AnomalyError(MinigradError, ArithmeticError):
    """An operation made NaN or an infinity within :func:`minigrad.detect_anomaly`."""


class DeclarationError(MinigradError, TypeError):
    """A primitive or one of its derivative rules is declared incorrectly."""


class OutOfMemoryError(MinigradError, MemoryError):
    """A device or the host does not have enough memory."""


class ArgumentError(MinigradError, ValueError):
    """A value that an option or argument does not allow."""


class FileError(MinigradError, OSError):
    """A file that is missing or damaged, or that cannot be written."""

    longest: int | None = 4000      # paths may be long
