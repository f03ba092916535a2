"""The networks and pictures of the last part's checks, and what is right for them, in NumPy."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np

from course.grading import layers

Network = Mapping[str, tuple[np.ndarray, np.ndarray]]


def random_network(rng: np.random.Generator) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Three blocks of a network like the small one, but of few channels, all different."""
    sizes = {"conv1_1": (4, 3), "conv1_2": (5, 4), "conv2_1": (4, 5), "conv3_1": (6, 4),
             "conv3_2": (3, 6)}
    network = {name: _layer(rng, filters, channels, 3)
               for name, (filters, channels) in sizes.items()}
    adapters = {"relu1_1": (6, 4), "relu1_2": (3, 5), "relu2_1": (7, 4), "relu3_1": (5, 6),
                "relu3_2": (4, 3)}
    for name, (filters, channels) in adapters.items():
        w, b = _layer(rng, filters, channels, 1)
        # Features are never all 0, since a loss relative to them would be no number.
        w[0], b[0] = np.abs(w[0]), np.abs(b[0]) + 0.1
        network[name] = w, b
    return network


def _layer(rng: np.random.Generator, filters: int, channels: int, size: int
           ) -> tuple[np.ndarray, np.ndarray]:
    w = rng.normal(0, np.sqrt(2 / (channels * size * size)), (filters, channels, size, size))
    return w, rng.normal(0, 0.3, filters)


def random_picture(rng: np.random.Generator, height: int = 8, width: int = 12) -> np.ndarray:
    """A picture of noise."""
    return rng.normal(size=(1, 3, height, width))


def convolved(x: np.ndarray, w: np.ndarray, b: np.ndarray) -> np.ndarray:
    """A convolution that keeps the size, and a ReLU."""
    return np.maximum(layers.convolved(x, w, b, w.shape[2] // 2), 0)


def pooled(x: np.ndarray) -> np.ndarray:
    """The largest of each block of 2 × 2 pixels; a last odd row or column is left out."""
    n, channels, height, width = x.shape
    x = x[:, :, :height // 2 * 2, :width // 2 * 2]
    return x.reshape(n, channels, height // 2, 2, width // 2, 2).max(axis=(3, 5))


def features(x: np.ndarray, network: Network, wanted: Collection[str]) -> dict[str, np.ndarray]:
    """The features of a picture."""
    found, block = {}, "1"
    for name, (w, b) in network.items():
        if name.startswith("conv"):
            if name[4] != block:
                x, block = pooled(x), name[4]
            x = convolved(x, w, b)
            layer = name.replace("conv", "relu")
            if layer in wanted:
                found[layer] = convolved(x, *network[layer])
    return found


def gram(x: np.ndarray) -> np.ndarray:
    """The Gram matrix of features, as a mean over places."""
    rows = x.reshape(x.shape[1], -1)
    return rows @ rows.T / rows.shape[1]


def relative(x: np.ndarray, target: np.ndarray) -> float:
    """The squared difference as a share of the target's square."""
    return float(((x - target) ** 2).sum() / (target ** 2).sum())


def roughness(x: np.ndarray) -> float:
    """Mean squared differences of neighbours."""
    return float((np.diff(x, axis=2) ** 2).mean() + (np.diff(x, axis=3) ** 2).mean())


def transfer_loss(x: np.ndarray, network: Network, content: Mapping[str, np.ndarray],
                  styles: Mapping[str, np.ndarray], style_weight: float, smoothness: float
                  ) -> float:
    """The loss of step 28."""
    found = features(x, network, [*content, *styles])
    return (sum(relative(found[layer], content[layer]) for layer in content) / len(content)
            + style_weight * sum(relative(gram(found[layer]), styles[layer])
                                 for layer in styles) / len(styles)
            + smoothness * roughness(x))


def slope_along(f: Callable[[np.ndarray], Any], x: np.ndarray, direction: np.ndarray) -> float:
    """How fast a number grows along a direction; a step so small that no kink lies within."""
    h = 2.0 ** -20
    return float((f(x + h * direction) - f(x - h * direction)) / (2 * h))
