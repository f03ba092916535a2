"""Wrong gradients of PyTorch 2.13 that came to light here, after the collection was closed.

They are not counted among the others: our checker found one, and finite differences the other.
"""

import numpy as np

from tools.museum.piece import Piece
from tools.wrong_rules.rule import normal

DOCS = "https://docs.pytorch.org/docs/stable/generated/"


def block_diag(*blocks: np.ndarray) -> np.ndarray:
    out = np.zeros((sum(len(b) for b in blocks), sum(b.shape[1] for b in blocks)))
    row = column = 0
    for block in blocks:
        out[row:row + len(block), column:column + block.shape[1]] = block
        row, column = row + len(block), column + block.shape[1]
    return out


EMPTY = np.empty((1, 0))        # what an empty vector is among matrices


def _beside_an_empty_vector(g: np.ndarray, a: np.ndarray, b: np.ndarray) -> tuple:
    """The gradient steps over what is empty, and so over the row that it fills."""
    n, m = a.shape
    return g[:n, :m], g[n:n + len(b), m:]


def hardsigmoid(x: np.ndarray) -> np.ndarray:
    return np.clip(x + 3, 0, 6) / 6


LATER = [
    Piece("torch.block_diag", "(PyTorch 2.13)", "wrong_place",
          "An empty vector fills a row and no column; the gradient forgets the row. Gradcheck "
          "finds it, but none of PyTorch's own samples of block_diag has an empty vector.",
          lambda: (lambda a, b: block_diag(EMPTY, a, b), _beside_an_empty_vector),
          lambda rng: (rng.standard_normal((2, 2)), rng.standard_normal((1, 2))),
          page=DOCS + "torch.block_diag.html"),
    Piece("torch.nn.functional.hardsigmoid", "(PyTorch 2.13)", "few_digits",
          "It is 1/6, rounded to float32, in float64, too; gradcheck's tolerance is ten thousand "
          "times as wide.",
          lambda: (hardsigmoid, lambda g, x: g * np.float32(1 / 6) * (np.abs(x) < 3)),
          normal((3, 4)), page=DOCS + "torch.nn.functional.hardsigmoid.html"),
]
