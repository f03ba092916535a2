"""Quick runs of `nst.run`, and what they have painted."""

from pathlib import Path

import numpy as np
from PIL import Image

# Only the first two blocks of a random network: these tests are about everything else.
QUICK = ("--weights", "random:0", "--size", 32, "--iterations", 3, "--content-layers", "relu2_1",
         "--style-layers", "relu1_1,relu2_1")


def pixels(path: Path) -> np.ndarray:
    """The pixels of a picture, H×W×3."""
    return np.asarray(Image.open(path).convert("RGB"))
