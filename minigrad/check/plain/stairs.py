"""Functions that move in steps, on purpose (rounding to a millionth) or by rounding (1 − 10⁻¹⁶).

Between two steps the slope is 0, over many steps it is that of the stairs. Values cannot tell
which of the two is the derivative, so a rule is called wrong only if it claims neither.
Steps as small as those of float32 are always treated as rounding.
"""

from __future__ import annotations

import numpy as np

from minigrad.check.plain.decide import Judgement, assess
from minigrad.check.plain.line import Samples, slopes

_FLAT = 16              # of the smallest steps: they change nothing at all
_LEVELS = 4             # different values at larger steps
_ROUNDING = 2.0 ** -20  # smaller treads, relative to the value, are those of float32
_SAME = 2.0 ** -40      # levels that are nearer differ by rounding only
_ALIKE = 1e-3           # how far multiples of a tread may be off


def on_stairs(samples: Samples, v: np.ndarray, judgement: Judgement, magnitude: float) -> bool:
    """Whether a claimed slope of v·F is that of stairs, or that between two of their steps."""
    heights = treads(samples)
    if not heights.any():
        return False
    across = slopes(samples, v, noise=float(np.abs(v) @ heights))
    between = slopes(samples, np.where(heights > 0, 0.0, v))
    return any(assess(reading, judgement.claimed, magnitude).kind != "wrong"
               for reading in (across, between))


def treads(samples: Samples) -> np.ndarray:
    """The height of one step for each output, (m,); 0 where the function does not move in steps."""
    changes = np.concatenate([samples.plus, samples.minus]) - samples.centre
    flat = (samples.plus[-_FLAT:] == samples.centre).all(axis=0) \
        & (samples.minus[-_FLAT:] == samples.centre).all(axis=0)
    found = np.zeros(samples.centre.size)
    for j in np.flatnonzero(flat & (changes != 0).any(axis=0)):
        found[j] = _tread(changes[:, j], abs(float(samples.centre[j])))
    return found


def _tread(changes: np.ndarray, size: float) -> float:
    """The common divisor of all changes, or 0."""
    levels = np.unique(np.abs(changes[np.isfinite(changes)]))
    if len(levels) <= _LEVELS:
        return 0.0
    apart = np.diff(levels)
    apart = apart[apart > _SAME * max(size, levels[-1])]
    if not len(apart) or apart.min() <= _ROUNDING * size:
        return 0.0
    multiples = levels / apart.min()
    return float(apart.min()) if np.abs(multiples - np.rint(multiples)).max() <= _ALIKE else 0.0
