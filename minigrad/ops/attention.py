"""Attention, bilinear forms, and the exchange of channels and pixels: compositions."""

from __future__ import annotations

import math

from minigrad.backend import array_module
from minigrad.core.tensor import Tensor, wrap
from minigrad.errors import ArgumentError, ShapeError
from minigrad.ops.activation import softmax
from minigrad.ops.arithmetic import where
from minigrad.ops.diagonals import tril
from minigrad.ops.dropout import dropout
from minigrad.ops.einsum import einsum
from minigrad.ops.half import in_float32, is_half
from minigrad.ops.linalg import matmul
from minigrad.ops.rearrange import repeat_interleave
from minigrad.ops.shape import matrix_transpose, permute, reshape


def scaled_dot_product_attention(query: Tensor, key: Tensor, value: Tensor,
                                 attn_mask: Tensor | None = None, dropout_p: float = 0.0,
                                 is_causal: bool = False, scale: float | None = None,
                                 enable_gqa: bool = False) -> Tensor:
    """softmax(Q·Kᵀ / √E + mask)·V.

    Parameters
    ----------
    query : Tensor, …×L×E
    key : Tensor, …×S×E
    value : Tensor, …×S×F
    attn_mask : Tensor, broadcast to …×L×S, optional
        Of bool (True takes part), or numbers that are added to the scores.
    dropout_p : float
        Share of the weights that is set to 0, see `dropout`.
    is_causal : bool
        Let position i see positions 0 … i only.
    scale : float, optional
        In place of 1/√E.
    enable_gqa : bool
        Let several heads of the query (dimension −3) share one of key and value.

    Returns
    -------
    Tensor, …×L×F

    Notes
    -----
    Vaswani et al., "Attention is all you need" (2017), eq. 1.
    """
    if is_causal and attn_mask is not None:
        raise ArgumentError("scaled_dot_product_attention takes is_causal or attn_mask, not both")
    if enable_gqa:
        key, value = (repeat_interleave(x, query.shape[-3] // x.shape[-3], -3)
                      for x in (key, value))
    if is_half(query, key, value):
        return in_float32(lambda q, k, v, mask: scaled_dot_product_attention(
            q, k, v, mask, dropout_p, is_causal, scale), query, key, value, attn_mask)
    factor = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = matmul(query * factor, matrix_transpose(key))
    mask = attn_mask
    if is_causal:
        xp = array_module(scores._array)
        mask = wrap(tril(xp.ones(scores.shape[-2:], bool)))
    if mask is not None:
        scores = where(mask, scores, -math.inf) if mask.dtype.kind == "b" else scores + mask
    weights = softmax(scores, -1)
    if mask is not None and mask.dtype.kind == "b":     # a row that sees nothing gives 0
        weights = where(wrap(mask._array.any(axis=-1)[..., None]), weights, 0.0)
    return matmul(dropout(weights, dropout_p), value)


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """zₖ = Σᵢⱼ xᵢ·wₖᵢⱼ·yⱼ + bₖ: …×I and …×J with weights K×I×J to …×K."""
    z = einsum("...i,kij,...j->...k", input1, weight, input2)
    return z if bias is None else z + bias


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """…×(C·r²)×H×W to …×C×(H·r)×(W·r): r² channels become blocks of r×r pixels.

    Shi et al., "Real-time single image super-resolution using an efficient sub-pixel convolutional
    neural network" (2016), eq. 4.
    """
    r = upscale_factor
    if input.ndim < 3 or r < 1 or input.shape[-3] % (r * r):
        raise ShapeError(f"pixel_shuffle needs images …×C×H×W with a multiple of {r}² channels, "
                         f"not shape {input.shape}")
    *lead, c, h, w = input.shape
    n = len(lead)
    x = reshape(input, (*lead, c // (r * r), r, r, h, w))
    x = permute(x, (*range(n), n, n + 3, n + 1, n + 4, n + 2))
    return reshape(x, (*lead, c // (r * r), h * r, w * r))


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """…×C×(H·r)×(W·r) to …×(C·r²)×H×W: undoes :func:`pixel_shuffle`."""
    r = downscale_factor
    if input.ndim < 3 or r < 1 or input.shape[-1] % r or input.shape[-2] % r:
        raise ShapeError(f"pixel_unshuffle needs images …×C×H×W with sides that are multiples of "
                         f"{r}, not shape {input.shape}")
    *lead, c, h, w = input.shape
    n = len(lead)
    x = reshape(input, (*lead, c, h // r, r, w // r, r))
    x = permute(x, (*range(n), n, n + 2, n + 4, n + 1, n + 3))
    return reshape(x, (*lead, c * r * r, h // r, w // r))


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """N×C×… with the channels of all groups in turn: the first of each, the second of each …

    Zhang et al., "ShuffleNet" (2018), section 3.1.
    """
    if input.ndim < 3 or groups < 1 or input.shape[1] % groups:
        raise ShapeError(f"channel_shuffle needs images N×C×… with a multiple of {groups} channels"
                         f", not shape {input.shape}")
    n, c, *rest = input.shape
    x = reshape(input, (n, groups, c // groups, *rest))
    return reshape(permute(x, (0, 2, 1, *range(3, x.ndim))), input.shape)
