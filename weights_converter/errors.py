"""The error of this package."""

from minigrad.errors import FileError


class WeightsError(FileError):
    """A weights file that is missing, damaged, of another kind, or not VGG19's.

    The message is one sentence that names the file, what is wrong with it and
    what would be right.
    """
