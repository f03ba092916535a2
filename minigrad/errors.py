"""Every error that minigrad raises on purpose, under one base class.

Each message is one sentence that says what clashed and what would be right.
Where Python has a class for the same mistake, ours derives from it as well, so
that ``except ValueError`` keeps working for a reader who knows only Python.
"""


class MinigradError(Exception):
    """Base class of all errors that this project raises on purpose."""


class ShapeError(MinigradError, ValueError):
    """Shapes that do not fit together, or a dimension that does not exist."""


class DTypeError(MinigradError, TypeError):
    """An element type that an operation cannot work with."""


class GradientDTypeError(DTypeError):
    """A gradient was asked for where elements cannot have one: integers and truth values."""


class DeviceError(MinigradError, RuntimeError):
    """Arrays of two devices in one operation, or a device that is not there."""


class MixedDeviceError(DeviceError):
    """Arrays of two devices met in one operation."""


class GradientError(MinigradError, RuntimeError):
    """A backward pass that cannot give what was asked for."""


class NonScalarError(GradientError):
    """A backward pass from several elements, without the gradient that it should start from."""


class GradientShapeError(GradientError, ShapeError):
    """A gradient whose shape differs from that of the tensor it belongs to."""


class ReleasedGraphError(GradientError):
    """A second backward pass over a graph whose kept arrays are gone."""


class ModifiedError(GradientError):
    """An array was changed in place after an operation had kept it."""


class NoRuleError(GradientError):
    """An input requires a gradient, but the operation declares no rule for it."""


class AnomalyError(MinigradError, ArithmeticError):
    """NaN or an infinity appeared while :func:`minigrad.detect_anomaly` was watching."""


class DeclarationError(MinigradError, TypeError):
    """A primitive or one of its derivative rules is declared wrongly."""


class OutOfMemoryError(MinigradError, MemoryError):
    """A device or the host has not enough memory for what was asked."""


class ArgumentError(MinigradError, ValueError):
    """A value that an option or argument does not allow."""


class FileError(MinigradError, OSError):
    """A file that is missing, damaged, or cannot be written."""
