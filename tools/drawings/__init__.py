"""Five pictures drawn by code, to try styles other than oil paint.

Each `draw_NAME(width=640, height=512, seed=0)` returns a (height, width, 3) uint8 array, sRGB;
compositions are made for 5:4, and the same seed gives the same bytes.
"""

from collections.abc import Callable

import numpy as np

from tools.drawings.ink import draw_ink
from tools.drawings.line import draw_line
from tools.drawings.night import draw_night
from tools.drawings.pastel import draw_pastel
from tools.drawings.planes import draw_planes

DRAWINGS: dict[str, Callable[..., np.ndarray]] = {
    "planes": draw_planes, "line": draw_line, "ink": draw_ink, "night": draw_night,
    "pastel": draw_pastel,
}

__all__ = ["DRAWINGS", "draw_ink", "draw_line", "draw_night", "draw_pastel", "draw_planes"]
