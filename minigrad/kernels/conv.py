"""Which algorithm computes a convolution."""

from __future__ import annotations

from . import im2col

conv2d = im2col.conv2d
conv2d_input = im2col.conv2d_input
conv2d_weight = im2col.conv2d_weight
