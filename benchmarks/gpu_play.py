"""A rehearsal of gpu.py and related programs without a GPU, which the host simulates.

    python benchmarks/gpu_play.py nst.run photo.jpg painting.jpg -o out.png --device cuda

runs a module with the device "cuda" of tests/minigrad/helpers/stand_in_cuda.py, which runs every
thread of every kernel, slowly. Programs with the option `--play` use a few pixels and a network of
two layers. The times that they print are meaningless.
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


class _PermanentPatch:
    """Like pytest's monkeypatch, but never undone."""

    setattr = staticmethod(setattr)


def install() -> None:
    """Simulate the device "cuda" on the host from now on."""
    sys.path.insert(0, str(ROOT / "tests" / "minigrad" / "helpers"))
    import stand_in_cuda

    from minigrad import backend

    stand_in_cuda.install(backend, _PermanentPatch)


def shrink(put: Callable[[Any, str, Any], None] = setattr) -> None:
    """Reduce all sizes in gpu_tasks, and PyTorch's where it is installed.

    `put` is setattr, or a test's function that undoes the changes later.
    """
    import gpu_loops
    import gpu_methods
    import gpu_tasks as tasks

    for module, name, value in (
            (tasks, "COPY_NUMBERS", 100), (tasks, "PRODUCT_SIDE", 8),
            (tasks, "DEEPEST_LAYER", "relu1_2"),
            (tasks, "LAYERS", {"conv1_1": (3, 64, 1, 1), "conv1_2": (64, 64, 1, 1)}),
            (tasks, "settings", _settings), (tasks, "median_seconds", _once),
            (gpu_loops, "EVALUATIONS", 5), (gpu_loops, "SETUP_EVALUATIONS", 2),
            (gpu_methods, "settings", _default_settings), (gpu_methods, "LOSSES", ("w2", "swd"))):
        put(module, name, value)
    if tasks.has_module("torch"):
        shrink_torch(put)


def _settings() -> Any:
    from nst import Settings

    return dataclasses.replace(Settings.preset("gatys"), content_layers=LAYERS[0],
                               style_layers=LAYERS[1])


def _default_settings(preset: str = "balanced", **changes: Any) -> Any:
    """Without regions, whose layer is deeper than the network."""
    from nst import Settings

    small = {"content_layers": LAYERS[0], "style_layers": LAYERS[1], "regions": 1, "margin": 1,
             "iterations": 2}
    return Settings.preset(preset).replace(device="cuda", **{**small, **changes})


def _once(function: Any, wait: Any, *_: Any, **named: Any) -> float:
    function()
    wait()
    return 0.001


def shrink_torch(put: Callable[[Any, str, Any], None]) -> None:
    """Reduce PyTorch's network as well, and let the host be its GPU."""
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
    """Run a module, named by the first argument, with the arguments after it."""
    install()
    sys.argv = arguments
    runpy.run_module(arguments[0], run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
