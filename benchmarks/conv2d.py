"""Every 3×3 convolution of VGG19, forward and input gradient, by every algorithm and by PyTorch.

GFLOP/s count the multiplications and additions of the definition, 18·C·K per pixel, for every
algorithm. So Winograd, which needs fewer, may exceed the rate of the matrix product, which is
measured in the same process. "Ratio" is the engine's own choice (auto) ÷ PyTorch.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Sequence
from typing import Any

import common
import numpy as np
import turns

# The different shapes up to conv5_1: name -> (channels, filters, poolings before the layer).
SHAPES = {
    "conv1_1": (3, 64, 0), "conv1_2": (64, 64, 0),
    "conv2_1": (64, 128, 1), "conv2_2": (128, 128, 1),
    "conv3_1": (128, 256, 2), "conv3_2": (256, 256, 2),       # conv3_3 and 3_4 are like 3_2
    "conv4_1": (256, 512, 3), "conv4_2": (512, 512, 3),       # conv4_3 and 4_4 are like 4_2
    "conv5_1": (512, 512, 4),
}
ALGORITHMS = ("im2col", "winograd2", "winograd4", "winograd6", "winograd8", "auto")
DIRECTIONS = ("forward", "input_gradient")


def _milliseconds(algorithm: str) -> Any:
    return lambda result: f"{1e3 * result['algorithm_seconds'][algorithm]:.2f}"


COLUMNS = {
    "layer": common.column("layer"),
    "C→K, pixels": lambda result: (f"{result['channels']}→{result['filters']}, "
                                   f"{result['side']}²"),
    "direction": lambda result: result["direction"].replace("_", " "),
    **{f"{name}, ms": _milliseconds(name) for name in ALGORITHMS},
    "GFLOP/s (auto)": common.column("gflops", ".0f"),
    "÷ sgemm": common.column("share_of_sgemm", ".2f"),
    "PyTorch, ms": common.column("torch_seconds", ".2f", 1e3),
    "ratio": common.ratio_column,
}


class _Layer:
    """Inputs of one layer: the same numbers for both libraries, channels innermost."""

    def prepare(self, channels: int, filters: int, side: int) -> None:
        rng = np.random.default_rng(0)

        def image(depth: int) -> np.ndarray:
            return rng.standard_normal((1, side, side, depth), np.float32).transpose(0, 3, 1, 2)

        self.x, self.y = image(channels), image(filters)
        self.weight = rng.standard_normal((filters, channels, 3, 3), np.float32)
        self.weight *= np.float32((2 / (9 * channels)) ** 0.5)
        self.bias = rng.standard_normal(filters, np.float32)


class Ours(_Layer):
    """The kernels behind minigrad.functional.conv2d, called on arrays."""

    def __init__(self) -> None:
        import minigrad

        minigrad.set_num_threads(common.cores())

    def sgemm(self, size: int = 2048) -> float:
        """Return GFLOP/s of NumPy's matrix product on all cores, the best of a few runs."""
        one, other = np.random.default_rng(0).random((2, size, size), np.float32)
        taken = []
        for _ in range(6):
            start = time.perf_counter()
            one @ other
            taken.append(time.perf_counter() - start)
        return 2e-9 * size ** 3 / min(taken)

    def forward(self, algorithm: str) -> np.ndarray:
        from minigrad import conv_algorithm
        from minigrad.kernels import conv
        from minigrad.kernels.geometry import Convolution

        with conv_algorithm(algorithm):
            return conv.fastest(self.x, self.weight, self.bias, Convolution(padding=(1,) * 4))[0]

    def input_gradient(self, algorithm: str) -> np.ndarray:
        from minigrad import conv_algorithm
        from minigrad.kernels import conv
        from minigrad.kernels.geometry import Convolution

        with conv_algorithm(algorithm):
            return conv.fastest_input(self.y, self.weight, self.x.shape,
                                     Convolution(padding=(1,) * 4))


class Torch(_Layer):
    """PyTorch's convolution and its derivative with respect to the input, without recording."""

    def __init__(self) -> None:
        import torch

        torch.set_num_threads(common.cores())
        torch.set_grad_enabled(False)
        self.torch = torch

    def prepare(self, channels: int, filters: int, side: int) -> None:
        super().prepare(channels, filters, side)
        self.arrays = self.x, self.y, self.weight
        self.bias = self.torch.from_numpy(self.bias)

    def choose_format(self, direction: str) -> str:
        """Convert the tensors to the faster of the two memory formats, and return its name."""
        taken = {}
        for name in ("contiguous", "channels_last"):
            self._use(name)
            taken[name] = turns.timed(getattr(self, direction))
        best = min(taken, key=taken.get)
        self._use(best)
        return best

    def _use(self, name: str) -> None:
        memory_format = {"contiguous": self.torch.contiguous_format,
                         "channels_last": self.torch.channels_last}[name]
        self.x, self.y, self.weight = (
            self.torch.from_numpy(array).contiguous(memory_format=memory_format)
            for array in self.arrays)

    def forward(self) -> Any:
        return self.torch.nn.functional.conv2d(self.x, self.weight, self.bias, padding=1)

    def input_gradient(self) -> Any:
        one = [1, 1]
        return self.torch.ops.aten.convolution_backward(
            self.y, self.x, self.weight, None, one, one, one, False, [0, 0], 1,
            [True, False, False])[0]


def measure(ours: turns.Worker, theirs: turns.Worker, layer: str, direction: str, side: int,
            rounds: int, sgemm: float) -> dict[str, Any]:
    """Return the result of one direction of a layer that both workers have prepared."""
    channels, filters, _ = SHAPES[layer]
    memory_format = theirs.call("choose_format", direction)
    # The single algorithms come first, to judge the choice of auto; only auto takes turns with
    # PyTorch.
    seconds = {name: statistics.median(ours.seconds(direction, name) for _ in range(rounds))
               for name in ALGORITHMS if name != "auto"}
    compared = turns.compare(lambda: ours.seconds(direction, "auto"),
                             lambda: theirs.seconds(direction), rounds)
    seconds["auto"] = compared["ours_seconds"]
    billions = 18e-9 * channels * filters * side * side
    gflops = {name: billions / taken for name, taken in seconds.items()}
    return {
        "layer": layer, "channels": channels, "filters": filters, "side": side,
        "direction": direction, **compared, "gflops": gflops["auto"],
        "share_of_sgemm": gflops["auto"] / sgemm, "sgemm_gflops": sgemm,
        "torch_gflops": billions / compared["torch_seconds"],
        "algorithm_seconds": seconds, "algorithm_gflops": gflops,
        "algorithm_share_of_sgemm": {name: rate / sgemm for name, rate in gflops.items()},
        "torch_memory_format": memory_format,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    parser = common.parser("conv2d", __doc__)
    parser.add_argument("--size", type=common.picture_size, default=512, metavar="PIXELS",
                        help="side of VGG19's input picture (default: 512)")
    parser.add_argument("--layers", choices=SHAPES, nargs="+", default=list(SHAPES),
                        metavar="NAME", help=f"some of {', '.join(SHAPES)} (default: all)")
    common.add_turns(parser)
    given = parser.parse_args(arguments)
    common.require_torch()
    with (turns.Worker(Ours, turn=given.turn) as ours,
          turns.Worker(Torch, turn=given.turn) as theirs):
        sgemm = ours.call("sgemm")
        report = common.Report("conv2d", given.output, COLUMNS, rounds=given.rounds,
                               size=given.size, sgemm_gflops=sgemm)
        for layer in given.layers:
            channels, filters, poolings = SHAPES[layer]
            side = given.size >> poolings
            for worker in (ours, theirs):
                worker.call("prepare", channels, filters, side)
            for direction in DIRECTIONS:
                report.add(measure(ours, theirs, layer, direction, side, given.rounds, sgemm))
    report.finish(f"NumPy's sgemm on all cores: {sgemm:.0f} GFLOP/s.")
    return 0


if __name__ == "__main__":
    sys.exit(common.run("conv2d", main))
