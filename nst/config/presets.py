"""Named sets of settings to start from.

`balanced` is the default of `Settings`; the others list their differences from it. The reasons for
the values, with the pictures that were compared, are in docs/style-transfer.md.
"""

from __future__ import annotations

from typing import Any

DEFAULT = "balanced"

PRESETS: dict[str, dict[str, Any]] = {
    # For a first look at the choice of painting and crop.
    "fast": {"iterations": 60},
    "balanced": {},
    # For printing: more iterations at every scale.
    "fine": {"iterations": 400},
    # The method as published: one scale, zero padding, max pooling, equal weights, and the loss
    # of eq. 8-12. It names every value, so that changes of the defaults do not affect it.
    "gatys": {
        "size": None,
        "scales": 1,
        "style_scale": 1.0,
        "colors": "style",
        "regions": 1,
        "optimizer": "lbfgs",
        "variable": "pixels",
        "iterations": 300,
        "learning_rate": None,
        "lr_schedule": "constant",
        "patience": None,
        "min_delta": 0.0,
        "lbfgs_history": 10,
        "average": 0.0,
        "result": "best",
        "clamp": False,
        "content_layers": "relu4_2",
        "style_layers": "relu1_1,relu2_1,relu3_1,relu4_1,relu5_1",
        "content_weight": 1.0,
        "style_weight": 1000.0,
        "tv_weight": 0.0,
        "tv_exponent": 2,
        "palette_weight": 0.0,
        "style_loss": "gram",
        "content_loss": "features",
        "auto_weights": False,
        "init": None,
        "noise": 1.0,
        "margin": 0,
        "pooling": "max",
        "padding": "zeros",
        "norm": "gatys",
    },
}
