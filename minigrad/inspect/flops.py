"""Count the floating-point operations of a call; an addition and a multiplication are one each.

Counts are those of the plain algorithm (a multiply-add is two), whichever kernel runs. So a
Winograd convolution can show more GFLOP/s than the processor can do. Functions such as exp and
comparisons count as one operation, moving an element as none.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from minigrad.backend import is_array
from minigrad.core.hooks import OperationCall
from minigrad.core.tensor import Tensor

MOVES = frozenset({
    "broadcast_to", "reshape", "permute", "cast", "flip", "select", "gather_along", "pick",
    "concatenate", "clone", "transfer", "where", "pad2d", "gate", "max_unpool", "max_pool_at",
    "without_last"})


def _matrix_product(a: tuple, shape: tuple) -> int:
    return 2 * math.prod(shape) * a[0].shape[-1]            # …×n×k by …×k×m: n·m·k multiply-adds


def _affine(a: tuple, shape: tuple) -> int:
    return math.prod(shape) * (2 * a[1].shape[1] + (a[2] is not None))      # …×I by O×I, and a bias


def _convolve(a: tuple, shape: tuple) -> int:
    return 2 * math.prod(shape) * math.prod(a[1].shape[1:])     # O×(C/groups)×K×L per output


def _convolve_input(a: tuple, shape: tuple) -> int:
    return 2 * a[0].size * math.prod(a[1].shape[1:])


def _convolve_input_gated(a: tuple, shape: tuple) -> int:
    return 2 * a[0].size * math.prod(a[2].shape[1:])


def _convolve_weight(a: tuple, shape: tuple) -> int:
    return 2 * a[0].size * math.prod(shape[1:])


def _gram(a: tuple, shape: tuple) -> int:
    return 2 * math.prod(shape) * math.prod(a[0].shape[2:])     # over the pixels


def _mix(a: tuple, shape: tuple) -> int:
    return 2 * math.prod(shape) * a[1].shape[-1]                # over the channels


def _moments(a: tuple, shape: tuple) -> int:
    return 2 * math.prod(shape) * a[-1].pixels                  # over the pixels of the window


def _moment_mix(a: tuple, shape: tuple) -> int:
    return 2 * math.prod(shape[:2]) * a[1].shape[-1] * a[2].pixels


def _weighted_moments(a: tuple, shape: tuple) -> int:
    return 2 * shape[0] * math.prod(shape[2:]) * int((a[-2] != 0).sum())     # of every region


def _weighted_mix(a: tuple, shape: tuple) -> int:
    return 2 * math.prod(shape[:2]) * a[1].shape[-1] * int((a[2] != 0).sum())


def _contract(a: tuple, shape: tuple) -> int:
    """Einsum as nested loops: one multiplication per further operand, and one addition."""
    lengths: dict[str, int] = {}
    for letters, operand in zip(a[0].split("->")[0].split(","), a[1:]):
        lengths.update(zip(letters, operand.shape))
    return len(a[1:]) * math.prod(lengths.values())


def _reduction(a: tuple, shape: tuple) -> int:
    return a[0].size


def _window(a: tuple, shape: tuple) -> int:
    return math.prod(shape) * math.prod(a[1].kernel)


def _several(passes: int) -> Callable:
    """`passes` operations per element: a softmax subtracts, exponentiates, sums and divides."""
    return lambda a, shape: passes * a[0].size


PRODUCTS: dict[str, Callable[[tuple, tuple], int]] = {
    "matrix_product": _matrix_product, "affine": _affine,
    "convolve": _convolve, "convolve_relu": _convolve,
    "convolve_input": _convolve_input, "convolve_input_gated": _convolve_input_gated,
    "convolve_weight": _convolve_weight, "channel_products": _gram, "gram_matrix": _gram,
    "mix_channels": _mix, "moments": _moments, "moment_products": _moments,
    "moment_mix": _moment_mix, "weighted_moments": _weighted_moments,
    "weighted_products": _weighted_moments, "weighted_mix": _weighted_mix, "contract": _contract}
OTHERS: dict[str, Callable[[tuple, tuple], int]] = {
    "sum": _reduction, "mean": _reduction, "amax": _reduction, "amin": _reduction,
    "sum_to": _reduction, "squared_distance": _several(3), "softmax_along": _several(4),
    "log_softmax_along": _several(4), "logsumexp": _several(4), "p_norm": _several(3),
    "max_pool": _window, "avg_pool": _window, "scatter": _reduction, "scatter_along": _reduction,
    "unpick": _reduction}


def forward_flops(call: OperationCall) -> int | None:
    """Operations of one forward call; None if no count is defined."""
    assert call.result is not None
    name, shape = call.primitive.name, call.result.shape
    if name in MOVES:
        return 0
    count = PRODUCTS.get(name) or OTHERS.get(name)
    if count is not None:
        return count(call.arguments, shape)
    return math.prod(shape) if call.primitive.broadcasts else None


def backward_flops(call: OperationCall, forward: int | None) -> int | None:
    """Operations of the rules that ran, given those of the forward call.

    The rules of a product are products of the same size, one per input (a bias is summed). The rule
    of an elementwise operation is at least one operation per element. In a recorded pass the
    operations within the rules are separate calls, so nothing is left to count.
    """
    name, node = call.primitive.name, call.node
    assert node is not None
    if name in MOVES or isinstance(call.gradient, Tensor):
        return 0
    if name in PRODUCTS:
        size = math.prod(node.shape)
        return None if forward is None else sum(
            size if sent.name == "b" else forward for sent in call.contributions)
    if call.primitive.broadcasts:
        return math.prod(node.shape) * len(call.contributions)
    if name not in OTHERS:
        return None
    return sum(math.prod(sent.gradient.shape) for sent in call.contributions)


def bytes_moved(call: OperationCall) -> int:
    """Minimum of bytes read and written: operands and results, once each."""
    if call.result is not None:
        return _bytes(call.arguments) + _bytes([call.result._array])
    if isinstance(call.gradient, Tensor):
        return 0        # a recorded pass: counted with the operations within the rules
    gradients = [call.gradient, *[sent.gradient for sent in call.contributions]]
    saved = call.node.saved if call.node is not None else None
    return _bytes(saved or ()) + _bytes(gradients)


def _bytes(values: Any) -> int:
    return sum(v.nbytes for v in {id(v): v for v in values}.values() if is_array(v))
