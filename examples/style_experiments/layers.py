"""Choices of content and style layers."""

from __future__ import annotations

import argparse

from examples.session import STYLE_LAYERS, Results, Session
from examples.style_experiments.weighting import opened

# Experiment 2 of the Monet project: its default, then other content or style layers.
CHOICES = {
    "the default": ("relu5_2", STYLE_LAYERS),
    "content relu4_2": ("relu4_2", STYLE_LAYERS),
    "content relu2_1": ("relu2_1", STYLE_LAYERS),
    "style: the first two": ("relu4_2", STYLE_LAYERS[:2]),
    "style: the last two": ("relu4_2", STYLE_LAYERS[-2:]),
    "style: second convolutions": ("relu4_2", ("relu1_2", "relu2_2", "relu3_2", "relu4_2",
                                               "relu5_2")),
}
POSITIONS = (*STYLE_LAYERS[:4], "relu4_2", "relu5_1", "relu5_2")


def choice(session: Session, given: argparse.Namespace, results: Results) -> None:
    """The loss and the time of every choice of layers.

    Terms are relative to their targets, so that losses of different layers are comparable. The two
    errors, always measured in the same layers, compare the pictures.
    """
    content, style = opened(given)
    results.heading = {"content": content, "style": style}
    for label, (content_layer, style_layers) in CHOICES.items():
        if skipped(session, label, [content_layer, *style_layers]):
            continue
        settings = session.settings(content_layers=content_layer, style_layers=style_layers,
                                    auto_weights=True, style_weight=10)
        results.paint(label, content, style, settings)


def positions(session: Session, given: argparse.Namespace, results: Results) -> None:
    """The content from deeper and deeper layers, the style from the same five."""
    content, style = opened(given)
    results.heading = {"content": content, "style": style}
    for layer in POSITIONS:
        if not skipped(session, layer, [layer]):
            settings = session.settings(content_layers=layer, auto_weights=True, style_weight=10)
            results.paint(f"content {layer}", content, style, settings)


def skipped(session: Session, label: str, layers: list[str]) -> bool:
    """Return whether the network lacks any of the layers, and print which."""
    missing = session.missing_layers(layers)
    if missing:
        print(f"{label} is left out: {missing[0]} needs the full network (--weights FILE)")
    return bool(missing)
