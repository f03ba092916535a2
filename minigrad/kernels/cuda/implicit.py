"""Launching implicit.cu: 3×3 convolution on tensor cores without transforms.

In precision "high" operands are rounded to TF32. In "highest" each is split into the sum of two
TF32 numbers, and three products of the parts give the error of float32 (Ootomo and Yokota,
"Recovering single precision accuracy from Tensor Cores", 2022).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from ..derived import derive
from ..layout import channels_first
from . import blas, signs
from .compiler import WARP, contiguous, launch

CHANNELS, FILTERS = 32, 64      # both must be multiples of these
COLUMNS = 16                    # of the pixels of a block
OLDEST = 80                     # compute capability: tensor cores that know TF32


class Block(NamedTuple):
    """What one block of threads makes, and how: see implicit.cu."""

    rows: int
    filters: int
    down: int
    across: int
    stages: int

    @property
    def threads(self) -> int:
        """Threads in the block."""
        return WARP * self.down * self.across

    @property
    def shared(self) -> int:
        """Bytes of shared memory: room for one block on GPUs with 99 KB, for two on an H100."""
        seen = (self.rows + 2) * (COLUMNS + 2)
        return 4 * (2 * 32 * seen + self.stages * 32 * self.filters + seen)

    def definitions(self, is_split: bool) -> str:
        """What implicit.cu wants in front."""
        return (f"const int ROWS = {self.rows}, FILTERS = {self.filters}, DOWN = {self.down}, "
                f"ACROSS = {self.across}, STAGES = {self.stages}, SPLIT = {int(is_split)};")


# Four warps each. A warp takes 64 pixels and 64 filters, so that a number in shared memory serves
# 64 multiplications; when it splits them, there are registers for 32 filters only. Many pixels and
# few filters: a number of the image serves nine times, one of the weights once.
ROUNDED, SPLIT = Block(16, 64, 4, 1, 2), Block(8, 64, 2, 2, 3)


def is_possible(xp: Any, weight_shape: tuple, is_turned: bool) -> bool:
    """Whether the kernel can serve weights O×C×3×3 on the current device."""
    filters, channels = weight_shape[1::-1] if is_turned else weight_shape[:2]
    return (channels % CHANNELS == 0 and filters % FILTERS == 0
            and _knows_tf32(xp, xp.cuda.runtime.getDevice()))


@lru_cache
def _knows_tf32(xp: Any, device: int) -> bool:
    return int(xp.cuda.Device(device).compute_capability) >= OLDEST


def arrange_weight(xp: Any, weight: Any, is_turned: bool, is_split: bool) -> Any:
    """Weights O×C×3×3 in the order of the kernel, kept beside them."""
    def compute() -> Any:
        arranged = xp.empty(weight.size, dtype=weight.dtype)
        launch(xp, "implicit", "arrange_weight", weight.size, xp.ascontiguousarray(weight),
               arranged, *weight.shape[:2], is_turned,
               extra=(SPLIT if is_split else ROUNDED).definitions(is_split))
        return arranged
    return derive(weight, ("implicit on cuda", is_turned, is_split), compute)


def conv2d(xp: Any, x: Any, weight: Any, bias: Any, padding: tuple[int, int, int, int], *,
           is_turned: bool = False, relu: bool = False, gate: Any = None,
           wants_signs: bool = False) -> tuple[Any, Any]:
    """Convolve float32 images N×C×H×W with 3×3 weights; stride 1; where :func:`is_possible`.

    Parameters and results as of :func:`minigrad.kernels.winograd.conv2d`, but for ``weight``,
    which is O×C×3×3. The precision is the one in force.
    """
    is_split = blas.precision() == "highest"
    filters = weight.shape[1 if is_turned else 0]
    block = SPLIT if is_split else ROUNDED
    image = _aligned(xp, contiguous(xp, x), 16)
    gate = gate if gate is None else _aligned(xp, xp.ascontiguousarray(gate), 4)
    bias = bias if bias is None else xp.ascontiguousarray(bias)
    n, height, width, channels = image.shape
    top, bottom, left, right = padding
    size = (height + top + bottom - 2, width + left + right - 2)
    y = xp.empty((n, *size, filters), dtype=image.dtype)
    bits = signs.empty(xp, y.shape) if wants_signs else None
    down, across = -(-size[0] // block.rows), -(-size[1] // COLUMNS)
    launch(xp, "implicit", "convolve", n * down * across * (filters // block.filters)
           * block.threads, image, gate, arrange_weight(xp, weight, is_turned, is_split), bias, y,
           bits, height, width, channels, filters, *size, down, across, top, left, relu,
           extra=block.definitions(is_split), block=block.threads, shared=block.shared)
    return channels_first(y), bits


def _aligned(xp: Any, array: Any, size: int) -> Any:
    """The array, or a copy whose address is a multiple of ``size`` bytes."""
    return array if array.data.ptr % size == 0 else xp.array(array)
