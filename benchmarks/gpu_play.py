"""A rehearsal of gpu.py and its fellows on a machine without a GPU: the host plays one.

    python benchmarks/gpu_play.py nst.run photo.jpg painting.jpg -o out.png --device cuda

runs a module with the device "cuda" of tests/minigrad/stand_in_cuda.py, which runs every thread
of every kernel, slowly. The programs with the option ``--play`` take a few pixels through a
network of two layers, and time nothing: what they say then means nothing.
"""

from __future__ import annotations

import dataclasses
import runpy
import sys
from typing import Any

from common import ROOT

LAYERS = "relu1_2", "relu1_1,relu1_2"       # of the content and the style
SIZE = 16


class _ForGood:
    """What pytest's monkeypatch is to a test, without an end."""

    setattr = staticmethod(setattr)


def install() -> None:
    """From now on "cuda" is the host."""
    sys.path.insert(0, str(ROOT / "tests" / "minigrad"))
    import stand_in_cuda

    from minigrad import backend

    stand_in_cuda.install(backend, _ForGood)


def shrink() -> None:
    """Make all that gpu_tasks measures small, and PyTorch's GPU the host as well."""
    import gpu_tasks as tasks

    tasks.COPY_NUMBERS, tasks.PRODUCT_SIDE, tasks.EVALUATIONS = 100, 8, 5
    tasks.DEEPEST = "relu1_2"
    tasks.LAYERS = {"conv1_1": (3, 64, 1, 1), "conv1_2": (64, 64, 1, 1)}
    tasks.settings = _settings
    tasks.median_seconds = _once
    if tasks.has_module("torch"):
        _shrink_torch()


def _settings() -> Any:
    from nst import Settings

    return dataclasses.replace(Settings.preset("gatys"), content_layers=LAYERS[0],
                               style_layers=LAYERS[1])


def _once(function: Any, wait: Any, *_: Any, **named: Any) -> float:
    function()
    wait()
    return 0.001


def _shrink_torch() -> None:
    import gpu_tasks as tasks
    import torch
    import torch_nst

    tasks.TORCH_DEVICE = "cpu"
    torch_nst.BLOCKS = ((64, 2),)
    torch_nst.STYLE_LAYERS, torch_nst.CONTENT_LAYER = ("conv1_1", "conv1_2"), "conv1_2"
    torch.cuda.is_available = lambda: True
    for name in ("synchronize", "empty_cache", "reset_peak_memory_stats"):
        setattr(torch.cuda, name, lambda: None)
    for name in ("memory_allocated", "memory_reserved"):
        setattr(torch.cuda, name, lambda: 0)
        setattr(torch.cuda, f"max_{name}", lambda: 1 << 20)


def main(arguments: list[str]) -> None:
    """Run the module of this name with the arguments after it."""
    install()
    sys.argv = arguments
    runpy.run_module(arguments[0], run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
