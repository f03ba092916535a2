"""Five pictures drawn by code, for use as styles: see `python -m tools.drawings --help`."""

from collections.abc import Callable

import numpy as np

DRAWINGS: dict[str, Callable[[], np.ndarray]] = {}
