"""Regions that both pictures have, found by clustering features.

The features of relu4_1 tell sky from foliage from wall. Those of the photograph and of the painting
are clustered together by k-means, so that a cluster is a region in each: both skies, say. Each
region of the result is then painted in the manner of its own region of the painting, and a motif
of the sky cannot appear in a wall. Half of the style's weight is that of the regions, the other
half compares the pictures as a whole, and so does the palette: otherwise the painting's colours
would have the shares of the photograph's regions.

The photograph is recoloured first, and the features of each picture are standardised by
themselves, because a photograph's features differ from a painting's everywhere. The first principal
components of both are clustered.

References
----------
Gatys, Ecker, Bethge, Hertzmann, Shechtman, "Controlling Perceptual Factors in Neural Style
Transfer" (2017), section 3: regions that are drawn by hand.
"""

from __future__ import annotations

import dataclasses

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
SIDE = 320              # long side of the pictures whose features are clustered
COMPONENTS = 12         # principal components of the features
TRIALS = 8              # k-means from different centres; the best counts
ROUNDS = 40             # of each trial
MIN_SHARE = 0.05        # of both pictures, in every region
SOFTNESS = 4.0          # standard deviation of the blur of the masks, in pixels of `SIDE`


def guided(inputs: Inputs, network: vgg.Network, settings: Settings, device: str) -> Inputs:
    """The inputs with masks of `settings.regions` regions and one of the whole, for each picture.

    Transparent parts of the style are in no region.

    Raises
    ------
    ArgumentError
        The pictures have less in common.
    """
    if settings.regions is None or inputs.content is None:
        return inputs
    content, style = (picture.resized(fitted(picture.size, min(SIDE, max(picture.size))))
                      for picture in (inputs.content, inputs.styles[0]))
    for picture, role in ((content, "content"), (style, "style")):
        tensors.check_size(picture, None, role, {LAYER})
    visible = inputs.masks.styles[0] if inputs.masks.styles else None
    recolored = Picture(colors.match_affine(np.asarray(content), colors_under(style, visible)))
    ours, ours_at = _features(recolored, None, network, settings, device)
    theirs, theirs_at = _features(style, visible, network, settings, device)
    labels = clusters(_projected(ours, theirs), len(ours), settings.regions, settings.seed)
    if labels is None:
        raise ArgumentError(f"the pictures do not have {settings.regions} regions in common; "
                            f"choose fewer regions, or leave regions out")
    every, whole = range(settings.regions), None
    in_style = (_mask(labels[len(ours):] == number, theirs_at, style.size) for number in every)
    found = Masks(inputs.masks.content,
                  (*(_mask(labels[:len(ours)] == number, ours_at, content.size)
                     for number in every), whole),
                  (*(_within(mask, visible) for mask in in_style), visible))
    return dataclasses.replace(inputs, styles=inputs.styles * len(found.styles), masks=found)


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
    at = np.ones(channels.shape[1:], bool)
    if visible is not None:
        covered = masks.reduced(visible, *at.shape) > 0.5
        at = covered if covered.any() else at
    rows = channels[:, at].T
    rows = rows - rows.mean(axis=0)
    spread = rows.std(axis=0)
    return rows / (spread + 1e-3 * rows.std() + 1e-12), at


def _projected(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """The first principal components of both, in which each picture counts the same."""
    scatter = ours.T @ ours / len(ours) + theirs.T @ theirs / len(theirs)
    _, vectors = np.linalg.eigh(scatter)            # in ascending order
    return np.concatenate([ours, theirs]) @ vectors[:, :-COMPONENTS - 1:-1]


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
