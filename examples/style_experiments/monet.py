"""The default run of the Monet project, its run with Adam, and loss curves.

The document specifies content from the second convolution of block 5, style from the first ones of
all blocks, a total variation term, and gradient descent. The rest comes from the Keras example of
style transfer, which the document follows: the weights 2.5·10⁻⁸, 10⁻⁶ and 10⁻⁶, style terms
Σ(ΔG)² / (4·3²·(width·height)²), a falling rate. In Keras the output of a convolution includes its
ReLU.
"""

from __future__ import annotations

import argparse
from typing import Any

from examples.session import STYLE_LAYERS, Results, Session
from examples.style_experiments.weighting import opened
from nst.pictures.picture import Picture, fitted

CONTENT_LAYER = "relu5_2"
CONTENT_WEIGHT, STYLE_WEIGHT, TV_WEIGHT = 2.5e-8, 1e-6, 1e-6


def objective(content: Picture, size: int, layer: str = CONTENT_LAYER) -> dict[str, Any]:
    """Return the document's loss as settings of nst, for a picture with that long side.

    nst's total variation is a mean of squares, the example's is a sum of their 1.25th powers. The
    weight turns the mean into a sum.
    """
    width, height = fitted(content.size, size)
    each = 1 / (len(STYLE_LAYERS) * 4 * 3**2 * (width * height) ** 2)
    neighbours = 3 * ((width - 1) * height + width * (height - 1))
    return {"norm": "sum", "content_layers": {layer: 1.0},
            "style_layers": dict.fromkeys(STYLE_LAYERS, each), "content_weight": CONTENT_WEIGHT,
            "style_weight": STYLE_WEIGHT, "tv_weight": TV_WEIGHT * neighbours}


def sgd(session: Session, given: argparse.Namespace, results: Results) -> None:
    """The default run: gradient descent with a rate that falls exponentially."""
    _paint(session, given, results, "SGD, falling rate", optimizer="sgd", lr_schedule="exponential")


def adam(session: Session, given: argparse.Namespace, results: Results) -> None:
    """Experiment 1: the same loss with Adam, in 600 iterations."""
    _paint(session, given, results, f"Adam, {given.iterations} iterations", optimizer="adam",
           average=0.9)


def _paint(session: Session, given: argparse.Namespace, results: Results, label: str,
           **how: Any) -> None:
    session.require([CONTENT_LAYER], "the content of this experiment (conv5_2)")
    content, style = opened(given)
    results.heading = {"content": content, "style": style}
    settings = session.settings(**objective(content, given.size), **how, clamp=True)
    results.paint(label, content, style, settings)


def curves(session: Session, given: argparse.Namespace, results: Results) -> None:
    """Content and style loss over the iterations, as means of squares (TP 2.1.3).

    The document calls them train and test loss. But nothing is held out in style transfer: both are
    minimised, and one may fall while the other rises.
    """
    content, style = opened(given)
    results.heading = {"content": content, "style": style}
    settings = session.settings(norm="mse", content_weight=1, style_weight=1e-10, init="random")
    history = results.paint("--norm mse", content, style, settings).result.history
    print("iteration   content loss   style loss")
    for entry in history[::max(1, len(history) // 10)]:
        print(f"{entry.iteration:9d} {entry.content:14.4g} {entry.style:12.4g}")
