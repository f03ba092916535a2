"""Earlier translations, shown to the discriminators again."""

from __future__ import annotations

import numpy as np


class Pool:
    """Keeps up to `size` translations; half of the queries return an older one.

    A discriminator that sees only the newest translations forgets the earlier ones, and the two
    networks oscillate. See Shrivastava et al., "Learning from simulated and unsupervised images
    through adversarial training" (2017), section 2.3; CycleGAN's section 4 uses size 50.
    """

    def __init__(self, size: int, rng: np.random.Generator) -> None:
        self.size, self.rng = size, rng
        self.pictures: list[np.ndarray] = []

    def query(self, picture: np.ndarray) -> np.ndarray:
        """Return `picture`, or an older one that it replaces; any shape."""
        if len(self.pictures) < self.size:
            self.pictures.append(picture)
            return picture
        if not self.size or self.rng.random() < 0.5:
            return picture
        place = int(self.rng.integers(self.size))
        older, self.pictures[place] = self.pictures[place], picture
        return older
