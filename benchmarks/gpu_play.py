"""A rehearsal of gpu.py and its fellows on a machine without a GPU: the host plays one.

    python benchmarks/gpu_play.py nst.run photo.jpg painting.jpg -o out.png --device cuda

runs a module with the device "cuda" of tests/minigrad/helpers/stand_in_cuda.py, which runs every
thread of every kernel, slowly. Programs with the option `--play` take a few pixels through a
network of two layers. Nothing is timed: the figures that they print then mean nothing.
"""

from __future__ import annotations

import dataclasses
import runpy
import sys
from collections.abc import Callable
from typing import Any

from common import ROOT

LAYERS = "relu1_2", "relu1_1,relu1_2"       # of the content and the style
SIZE = 16


class _ForGood:
    """What pytest's monkeypatch is to a test, without an end."""

    setattr = staticmethod(setattr)


def install() -> None:
    """From now on "cuda" is the host."""
    sys.path.insert(0, str(ROOT / "tests" / "minigrad" / "helpers"))
    import stand_in_cuda

    from minigrad import backend

    stand_in_cuda.install(backend, _ForGood)


def shrink(put: Callable[[Any, str, Any], None] = setattr) -> None:
    """Make all that gpu_tasks measures small, and PyTorch's GPU the host as well.

    `put` is setattr, or what takes it back after a test.
    """
    import gpu_loops
    import gpu_tasks as tasks

    for module, name, value in (
            (tasks, "COPY_NUMBERS", 100), (tasks, "PRODUCT_SIDE", 8), (tasks, "DEEPEST", "relu1_2"),
            (tasks, "LAYERS", {"conv1_1": (3, 64, 1, 1), "conv1_2": (64, 64, 1, 1)}),
            (tasks, "settings", _settings), (tasks, "median_seconds", _once),
            (gpu_loops, "EVALUATIONS", 5), (gpu_loops, "AT_FIRST", 2)):
        put(module, name, value)
    if tasks.has_module("torch"):
        _shrink_torch(put)


def _settings() -> Any:
    from nst import Settings

    return dataclasses.replace(Settings.preset("gatys"), content_layers=LAYERS[0],
                               style_layers=LAYERS[1])


def _once(function: Any, wait: Any, *_: Any, **named: Any) -> float:
    function()
    wait()
    return 0.001


def _shrink_torch(put: Callable[[Any, str, Any], None]) -> None:
    import gpu_tasks as tasks
    import torch
    import torch_nst

    put(tasks, "TORCH_DEVICE", "cpu")
    put(torch_nst, "BLOCKS", ((64, 2),))
    put(torch_nst, "STYLE_LAYERS", ("conv1_1", "conv1_2"))
    put(torch_nst, "CONTENT_LAYER", "conv1_2")
    put(torch.cuda, "is_available", lambda: True)
    for name in ("synchronize", "empty_cache", "reset_peak_memory_stats"):
        put(torch.cuda, name, lambda: None)
    for name in ("memory_allocated", "memory_reserved"):
        put(torch.cuda, name, lambda: 0)
        put(torch.cuda, f"max_{name}", lambda: 1 << 20)


def main(arguments: list[str]) -> None:
    """Run the module of this name with the arguments after it."""
    install()
    sys.argv = arguments
    runpy.run_module(arguments[0], run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
