"""Pictures read for a test, which must not take more memory than is promised."""

from pathlib import Path

import numpy as np

from nst.pictures import files
from nst.pictures.picture import Picture


def read(path: Path) -> Picture:
    """The picture of a file, whose elements have at most four bytes."""
    picture = files.read(path, "content")
    assert picture.pixels.dtype in (np.uint8, np.float32)
    assert picture.alpha is None or picture.alpha.dtype in (np.uint8, np.float32)
    return picture
