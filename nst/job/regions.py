"""Regions that both pictures have, found by clustering features.

The features of relu4_1 tell sky from foliage from wall. Those of the photograph and of the painting
are clustered together by k-means, so that a cluster is a region in each: for example, both skies.
Each region of the result is then painted in the manner of its own region of the painting, and a
motif of the sky cannot appear in a wall. Half of the style's weight belongs to the regions. The
other half compares the pictures as a whole, and so does the palette: otherwise the painting's
colours would appear in the proportions of the photograph's regions.

The photograph is recoloured first, and the features of each picture are standardised separately,
because a photograph's features differ from a painting's everywhere. The first principal components
of both are clustered, together with the height of each position in its picture. What is at the top
of a photograph is usually at the top of a painting, too. Features alone mistake the painted sky,
with all its brushwork, for a wall.

References
----------
Gatys, Ecker, Bethge, Hertzmann, Shechtman, "Controlling Perceptual Factors in Neural Style
Transfer" (2017), section 3: regions that are drawn by hand.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageFilter

from minigrad import no_grad
from minigrad.errors import ArgumentError
from nst.config.settings import Settings
from nst.job.inputs import Inputs, colors_under
from nst.model import vgg
from nst.pictures import colors, masks, tensors
from nst.pictures.masks import Masks
from nst.pictures.picture import Picture, fitted

LAYER = "relu4_1"
DEFAULT = 3             # regions, unless the settings name a number
EXPLAINED = 0.2         # share of the variance of the photograph's features between its regions
STACKED = 0.25          # share of that which is also between horizontal bands
MIN_SHORT_SIDE = 64     # pixels of the shortest side, for regions that were not requested
SIDE = 320              # long side of the pictures whose features are clustered
COMPONENTS = 12         # principal components of the features
HEIGHT = 0.3            # variance of the height, relative to that of all components
TRIALS = 8              # k-means from different centres; the best counts
ROUNDS = 40             # iterations of each trial
MIN_SHARE = 0.05        # share of each picture in every region
VISIBLE = 0.5           # a position counts from this share of its pixels
SOFTNESS = 4.0          # standard deviation of the blur of the masks, in pixels of `SIDE`


def guided(inputs: Inputs, network: vgg.Network, settings: Settings, device: str
           ) -> tuple[Inputs, Settings]:
    """The inputs with masks of the regions and of the whole, and the settings with their number.

    Transparent parts of the style are in no region.

    Raises
    ------
    ArgumentError
        The pictures have fewer regions in common than `settings.regions`.
    """
    whole = inputs, dataclasses.replace(settings, regions=1)
    if not (settings.guided or (settings.regions is None and _can_be_found(inputs, settings))):
        return whole
    both, number = _Both(inputs, network, settings, device), settings.regions or DEFAULT
    labels = both.labels(number, settings.seed)
    if settings.guided and labels is None:
        raise ArgumentError(f"the pictures do not have {number} regions in common; "
                            f"choose fewer regions, or leave regions out")
    if labels is None or not (settings.guided or both.explained(labels)):
        return whole
    found = both.masks(labels, number)
    return (dataclasses.replace(inputs, styles=inputs.styles * len(found.styles), masks=found),
            dataclasses.replace(settings, regions=number))


def _can_be_found(inputs: Inputs, settings: Settings) -> bool:
    """Whether regions are sought although they were not requested."""
    if inputs.content is None or len(inputs.styles) != 1 or settings.sampled:
        return False
    if settings.region_masks is not None or settings.style_masks is not None:
        return False
    deep = vgg.deepest(settings.layers)
    return (vgg.deepest([LAYER, deep]) == deep
            and min(*inputs.content.size, *inputs.styles[0].size) >= MIN_SHORT_SIDE)


class _Both:
    """The features of both pictures, to be clustered together."""

    def __init__(self, inputs: Inputs, network: vgg.Network, settings: Settings, device: str
                 ) -> None:
        assert inputs.content is not None
        self.of_content = inputs.masks.content
        self.visible = inputs.masks.styles[0] if inputs.masks.styles else None
        self.content, self.style = (
            picture.resized(fitted(picture.size, min(SIDE, max(picture.size))))
            for picture in (inputs.content, inputs.styles[0]))
        for picture, role in ((self.content, "content"), (self.style, "style")):
            tensors.check_size(picture, None, role, {LAYER})
        recolored = Picture(colors.match_affine(np.asarray(self.content),
                                                colors_under(self.style, self.visible)))
        ours, self.at = _features(recolored, None, network, settings, device)
        theirs, self.at_in_style = _features(self.style, self.visible, network, settings, device)
        self.split = len(ours)
        self.rows = _with_height(_projected(ours, theirs), (self.at, self.at_in_style))

    def labels(self, number: int, seed: int) -> np.ndarray | None:
        """The region of each position; None if the pictures do not have `number` in common."""
        if not _visible_at(self.visible, self.at_in_style.shape).any():
            return None                 # only a few pixels of the style are opaque
        return clusters(self.rows, self.split, number, seed)

    def explained(self, labels: np.ndarray) -> bool:
        """Whether the regions account for what differs within the photograph.

        Much of the variance of its features must be between them. In a face that fills the picture,
        little is: there regions are hardly more than its upper and its lower half. Part of it must
        be between horizontal bands, as in a landscape. In a flower before a background, little is:
        there the height, which counts in the clustering, would divide the flower itself.
        """
        features, heights = self.rows[:self.split, :-1], self.rows[:self.split, -1]
        number = labels.max() + 1
        bands = np.searchsorted(np.quantile(heights, np.arange(1, number) / number), heights)
        by_regions = _variance_between(features, labels[:self.split])
        return by_regions >= EXPLAINED and (
            _variance_between(features, bands) >= STACKED * by_regions)

    def masks(self, labels: np.ndarray, number: int) -> Masks:
        """Masks of the regions and of the whole; those of the content add up to 1 everywhere."""
        content, style = (
            [_mask(part == region, at, picture.size) for region in range(number)]
            for part, at, picture in (
                (labels[:self.split], self.at, self.content),
                (labels[self.split:], self.at_in_style, self.style)))
        total = np.sum(content, axis=0)                 # 1, but for rounding
        content = [mask / total for mask in content]
        return Masks(self.of_content, (*content, None),
                     (*(_within(mask, self.visible) for mask in style), self.visible))


def _features(picture: Picture, visible: np.ndarray | None, network: vgg.Network,
              settings: Settings, device: str) -> tuple[np.ndarray, np.ndarray]:
    """The standardised features of a picture, and where they are.

    Returns
    -------
    features : array, positions × channels
    at : array of bool, height × width of the layer
        True at each of the positions, which are those under the mask `visible`.
    """
    with no_grad():
        found = network.features(tensors.to_tensor(picture, network, device), {LAYER},
                                 settings.pooling, settings.padding)[LAYER]
    channels = found.numpy()[0].astype(np.float64)
    at = _visible_at(visible, channels.shape[1:])
    at = at if at.any() else ~at
    rows = channels[:, at].T
    rows = rows - rows.mean(axis=0)
    spread = rows.std(axis=0)
    return rows / (spread + 1e-3 * rows.std() + 1e-12), at


def _visible_at(visible: np.ndarray | None, shape: tuple[int, ...]) -> np.ndarray:
    """True at each position of a layer that lies under the mask, everywhere without a mask."""
    if visible is None:
        return np.ones(shape, bool)
    height, width = shape
    return masks.reduced(visible, height, width) > VISIBLE


def _projected(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """The first principal components of both, in which each picture counts the same."""
    scatter = ours.T @ ours / len(ours) + theirs.T @ theirs / len(theirs)
    _, vectors = np.linalg.eigh(scatter)            # in ascending order
    return np.concatenate([ours, theirs]) @ vectors[:, :-COMPONENTS - 1:-1]


def _with_height(rows: np.ndarray, all_at: Sequence[np.ndarray]) -> np.ndarray:
    """The rows with one more column: the height of a row's position in its picture."""
    heights = np.concatenate([np.linspace(-1, 1, len(at)).repeat(at.shape[1])[at.ravel()]
                              for at in all_at])
    scale = np.sqrt(HEIGHT * rows.var(axis=0).sum() / max(heights.var(), 1e-12))
    return np.column_stack([rows, heights * scale])


def clusters(rows: np.ndarray, split: int, count: int, seed: int) -> np.ndarray | None:
    """The cluster of each row by k-means; None if no trial gives each picture all clusters.

    Parameters
    ----------
    rows : array, n×d
    split : int
        The rows before it are those of one picture, the rest those of the other.
    """
    random = np.random.default_rng(seed)
    best, least = None, np.inf
    for _ in range(TRIALS):
        labels, cost = _k_means(rows, count, random)
        shares = [np.mean(part == number) for number in range(count)
                  for part in (labels[:split], labels[split:])]
        if min(shares) >= MIN_SHARE and cost < least:
            best, least = labels, cost
    return best


def _k_means(rows: np.ndarray, count: int, random: np.random.Generator
             ) -> tuple[np.ndarray, float]:
    """Lloyd's algorithm from random rows: the cluster of each row, and the sum of squares."""
    centers = rows[random.choice(len(rows), count, replace=len(rows) < count)]
    for _ in range(ROUNDS):
        labels = _squared_distances(rows, centers).argmin(axis=1)
        centers = np.stack([rows[labels == number].mean(axis=0) if (labels == number).any()
                            else rows[random.integers(len(rows))] for number in range(count)])
    squares = _squared_distances(rows, centers)
    return squares.argmin(axis=1), float(squares.min(axis=1).sum())


def _variance_between(rows: np.ndarray, labels: np.ndarray) -> float:
    """The share of the variance of rows that is between groups of them."""
    within = sum(rows[labels == group].var(axis=0).sum() * (labels == group).sum()
                 for group in np.unique(labels))
    return 1 - float(within / max(rows.var(axis=0).sum() * len(rows), 1e-12))


def _squared_distances(rows: np.ndarray, centers: np.ndarray) -> np.ndarray:
    return np.stack([((rows - center) ** 2).sum(axis=1) for center in centers], axis=1)


def _mask(inside: np.ndarray, at: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A soft mask of a picture's size; the masks of all clusters add up to 1 at their positions.

    Parameters
    ----------
    inside : array of bool
        Whether each of the positions of `at` is in the cluster.
    at : array of bool, H×W
        See `_features`.
    """
    flags = np.zeros(at.shape, np.uint8)
    flags[at] = inside * np.uint8(255)
    image = Image.fromarray(flags).resize(size, Image.Resampling.BILINEAR)
    blurred = image.filter(ImageFilter.GaussianBlur(SOFTNESS))
    return np.asarray(blurred, np.float32) / np.float32(255)


def _within(mask: np.ndarray, visible: np.ndarray | None) -> np.ndarray:
    """The part of a mask that is visible."""
    return mask if visible is None else mask * masks.reduced(visible, *mask.shape)
