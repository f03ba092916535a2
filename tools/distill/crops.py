"""Batches of random crops, augmented by scale, rotation, colour and noise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from tools.distill import procedural
from tools.distill.pictures import Picture

# Probability of each kind of picture; those of kind "random" are drawn on demand.
KINDS = {"photograph": 0.35, "painting": 0.2, "drawing": 0.2, "random": 0.25}
MIN_SCALE, MAX_SCALE = 0.7, 3.0        # pixels of the picture per pixel of the crop


class Crops:
    """Endless crops of given pictures.

    Parameters
    ----------
    pictures : sequence of Picture
        The probability of a missing kind is shared among the others.
    """

    def __init__(self, pictures: Sequence[Picture]) -> None:
        self.kinds = {kind: [p.image for p in pictures if p.kind == kind] for kind in KINDS}
        shares = np.array([share if self.kinds[kind] or kind == "random" else 0
                           for kind, share in KINDS.items()])
        self.shares = shares / shares.sum()

    def batch(self, count: int, side: int, rng: np.random.Generator) -> np.ndarray:
        """Crops count×side×side×3, RGB, float32, about 0-255; augmented ones may exceed it."""
        return np.stack([self.one(side, rng) for _ in range(count)])

    def one(self, side: int, rng: np.random.Generator) -> np.ndarray:
        """One crop side×side×3; some show two crops at once."""
        crop = self._augmented(self._plain(side, rng), rng)
        chance = rng.random()
        if chance < 0.12:               # side by side
            border = rng.integers(side // 4, 3 * side // 4)
            crop[:, border:] = self._augmented(self._plain(side, rng), rng)[:, border:]
        elif chance < 0.24:             # blended, like half-finished paintings
            share = rng.uniform(0.15, 0.6)
            crop = (1 - share) * crop + share * self._augmented(self._plain(side, rng), rng)
        return np.ascontiguousarray(crop, np.float32)

    def styled(self, side: int, kind: str, rng: np.random.Generator) -> np.ndarray:
        """A crop of one kind of picture without augmentation, or of any if that kind is missing."""
        return self._plain(side, rng, kind if self.kinds[kind] else None)

    def _plain(self, side: int, rng: np.random.Generator, kind: str | None = None) -> np.ndarray:
        kind = kind or str(rng.choice(list(KINDS), p=self.shares))
        if kind == "random":
            return procedural.draw(side, rng).astype(np.float32)
        image = self.kinds[kind][rng.integers(len(self.kinds[kind]))]
        scale = np.exp(rng.uniform(np.log(MIN_SCALE), np.log(MAX_SCALE)))
        window = min(side * scale, min(image.size) - 1)
        left = rng.uniform(0, image.width - window)
        top = rng.uniform(0, image.height - window)
        crop = image.resize((side, side), Image.Resampling.LANCZOS,
                            box=(left, top, left + window, top + window))
        pixels = np.asarray(crop, np.float32)
        if rng.random() < 0.5:
            pixels = pixels[:, ::-1]
        return np.rot90(pixels, int(rng.integers(4))) if rng.random() < 0.15 else pixels

    @staticmethod
    def _augmented(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        crop = np.array(crop, np.float32)
        if rng.random() < 0.5:          # contrast and brightness of each colour
            mean = crop.mean((0, 1))
            crop = (crop - mean) * rng.uniform(0.6, 1.4) * rng.uniform(0.85, 1.15, 3) + mean
            crop += rng.normal(0, 18) + rng.normal(0, 10, 3)
        if rng.random() < 0.15:
            crop = crop[..., rng.permutation(3)]
        if rng.random() < 0.1:
            crop = 255 - crop
        if rng.random() < 0.3:          # grain, fine or coarse, as in optimised pictures
            coarse = rng.integers(1, 4)
            shape = -(-crop.shape[0] // coarse), -(-crop.shape[1] // coarse)
            grain = rng.normal(0, rng.uniform(2, 30), (*shape, rng.choice([1, 3])))
            grain = grain.repeat(coarse, 0).repeat(coarse, 1)[:crop.shape[0], :crop.shape[1]]
            crop = crop + grain.astype(np.float32)
        return crop
