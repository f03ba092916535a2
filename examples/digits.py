"""The handwritten digits bundled with scikit-learn: 1797 pictures of 8×8 pixels.

They are the test set of E. Alpaydin's and C. Kaynak's "Optical recognition of handwritten digits"
(1998), the data of "Workshop 3. Convolutional Neural Network + Style Transfer", slide "Hand-on
Experience". Accuracies are means over folds: the pictures are split at random into five parts with
the same share of each digit, and each part is the test set once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from examples import common
from minigrad.errors import ArgumentError

MAX_PIXEL = 16.0        # the pixels are counts 0 … 16
ROWS, COLUMNS = 3, 4    # misread digits to draw


def load() -> tuple[np.ndarray, np.ndarray]:
    """Return (images N×1×8×8 float32 in 0 … 1, labels N int64), in the order of the file.

    Raises
    ------
    ArgumentError : scikit-learn is not installed.
    """
    data = _sklearn("datasets").load_digits()
    return (data.images[:, None] / MAX_PIXEL).astype(np.float32), data.target.astype(np.int64)


def folds(labels: np.ndarray, count: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return `count` pairs (training rows, test rows); every row is in exactly one test set."""
    splitter = _sklearn("model_selection").StratifiedKFold(count, shuffle=True, random_state=seed)
    return list(splitter.split(np.zeros(len(labels)), labels))


def principal_components(images: np.ndarray, count: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Return (coordinates N×count, each component's share of the variance)."""
    pca = _sklearn("decomposition").PCA(count, svd_solver="full")
    flat = pca.fit_transform(images.reshape(len(images), -1).astype(np.float64))
    return flat, pca.explained_variance_ratio_


def batches(rows: np.ndarray, size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield all `rows` once in random order, `size` at a time."""
    order = rng.permutation(rows)
    return (order[i:i + size] for i in range(0, len(order), size))


def jittered(images: np.ndarray, rng: np.random.Generator, turn: float, scale: float,
             shift: float, slant: float) -> np.ndarray:
    """Vary each picture as handwriting varies: rotate, slant, scale and move it.

    Parameters
    ----------
    images : N×1×H×W.
    turn : maximum angle in degrees.
    scale : maximum relative change of height and of width, independently.
    shift : maximum distance in pixels, in each direction.
    slant : maximum shift of a row against the next, in columns.

    Returns
    -------
    N×1×H×W float32, interpolated bilinearly, black beyond the border.
    """
    count, _, height, width = images.shape
    angle = np.radians(rng.uniform(-turn, turn, (count, 1, 1)))
    sizes = 1 / (1 + rng.uniform(-scale, scale, (2, count, 1, 1)))
    moves = rng.uniform(-shift, shift, (2, count, 1, 1))
    lean = rng.uniform(-slant, slant, (count, 1, 1))
    middle = (height - 1) / 2, (width - 1) / 2
    y, x = np.mgrid[:height, :width].astype(np.float64)
    y, x = y - middle[0], x - middle[1]
    source_y = sizes[0] * (np.cos(angle) * y - np.sin(angle) * x) + moves[0] + middle[0]
    source_x = sizes[1] * (np.sin(angle) * y + np.cos(angle) * x + lean * y) + moves[1] + middle[1]
    return _between_pixels(images[:, 0], source_y, source_x)[:, None].astype(np.float32)


def _between_pixels(images: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Interpolate N×H×W images at the positions y, x (N×H×W, in pixels)."""
    border = 1
    padded = np.pad(images, ((0, 0), (border, border + 1), (border, border + 1)))
    y = np.clip(y + border, 0, images.shape[1] + border)
    x = np.clip(x + border, 0, images.shape[2] + border)
    i, j = y.astype(int), x.astype(int)
    v, u = y - i, x - j
    n = np.arange(len(images))[:, None, None]
    upper = (1 - u) * padded[n, i, j] + u * padded[n, i, j + 1]
    lower = (1 - u) * padded[n, i + 1, j] + u * padded[n, i + 1, j + 1]
    return (1 - v) * upper + v * lower


def draw_misread(figure: Any, tests: Sequence[np.ndarray], answers: Sequence[np.ndarray],
                 who: str = "") -> None:
    """Draw digits that were misread in any fold, as many as there is room for.

    Parameters
    ----------
    figure : Figure or SubFigure
    tests : the rows of each fold's test set.
    answers : the predicted digits of each fold's test set.
    who : the beginning of the title, for example the network's name.
    """
    images, labels = load()
    rows, read = np.concatenate(tests), np.concatenate(answers)
    wrong = np.flatnonzero(read != labels[rows])
    shown = wrong[:ROWS * COLUMNS]
    more = f", {len(shown)} of them:" if len(shown) < len(wrong) else ""
    figure.suptitle(f"{who}{len(wrong)} of {len(rows)} test pictures are misread{more}",
                    fontsize=10)
    axes = figure.subplots(ROWS, COLUMNS).ravel()
    for ax in axes:
        ax.set_axis_off()
    for ax, i in zip(axes, shown):
        common.picture(ax, images[rows[i], 0], f"{labels[rows[i]]}, read as {read[i]}")


def _sklearn(part: str) -> Any:
    try:
        import importlib
        return importlib.import_module(f"sklearn.{part}")
    except ImportError as error:
        raise ArgumentError("the digits come with scikit-learn, which is not installed; "
                            "pip install -e '.[examples]' in the checkout brings it") from error
