"""Content against style: the sweep over β, and the weights of the style layers."""

from __future__ import annotations

import argparse

from examples.session import STYLE_LAYERS, Results, Session
from nst.pictures import tensors
from nst.pictures.picture import Picture

ALPHA, BETAS, RATE = 5, (500, 5_000, 50_000, 500_000), 10
BALANCES = (1, 10, 100, 1_000, 10_000)              # β for α = 1
# Labels spell Greek letters out, because the font of the sheets has none.
LAYER_WEIGHTS = {
    "all alike": (1, 1, 1, 1, 1),
    "falling with depth": (16, 8, 4, 2, 1),
    "rising with depth": (1, 2, 4, 8, 16),
    "shallow ones only": (1, 1, 0, 0, 0),
    "deep ones only": (0, 0, 0, 1, 1),
}


def opened(given: argparse.Namespace) -> tuple[Picture, Picture]:
    """Open the pictures of --content and --style."""
    return tensors.load(given.content, "content"), tensors.load(given.style, "style")


def beta(session: Session, given: argparse.Namespace, results: Results) -> None:
    """Equations 8 to 12 from white noise, with average pooling, Adam with a rate of 10, α = 5."""
    content, style = opened(given)
    results.heading = {"content": content, "style": style}
    for weight in BETAS:
        settings = session.settings(
            content_weight=ALPHA, style_weight=weight, optimizer="adam", learning_rate=RATE,
            pooling="avg", init="random", clamp=True)
        results.paint(f"beta = {weight:,}", content, style, settings)


def balance(session: Session, given: argparse.Namespace, results: Results) -> None:
    """Content against style: β over four powers of ten, from the content picture."""
    content, style = opened(given)
    results.heading = {"content": content, "style": style}
    for weight in BALANCES:
        results.paint(f"alpha : beta = 1 : {weight:,}", content, style,
                      session.settings(style_weight=weight))


def style_weights(session: Session, given: argparse.Namespace, results: Results) -> None:
    """The weights w of equation 11, for terms that are relative to their targets.

    The Gram matrices of the layers differ in size by powers of ten. Only with relative terms does a
    layer's weight say how much it counts.
    """
    content, style = opened(given)
    results.heading = {"content": content, "style": style}
    for label, weights in LAYER_WEIGHTS.items():
        layers = {layer: weight for layer, weight in zip(STYLE_LAYERS, weights) if weight}
        settings = session.settings(style_layers=layers, auto_weights=True, content_weight=1,
                                    style_weight=10)
        results.paint(label, content, style, settings)
