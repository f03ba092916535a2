"""What a backward pass leaves at a number that is used twice, and what common mistakes leave."""

from __future__ import annotations

from typing import Any

import numpy as np

USES = "(x * y + x * z) * 3"
_EACH = "each use counts: add what the rules send"


def likely_sums(x: Any, y: Any, z: Any) -> dict[str, list[Any]]:
    """Gradients of x, y and z in `USES`, by the mistake that leads to them."""
    one = np.ones_like(np.asarray(y, np.float64))
    return {
        f"the later use overwrites what the earlier one sent; {_EACH}": [3 * y, 3 * x, 3 * x],
        f"only the first thing that arrives is kept; {_EACH}": [3 * z, 3 * x, 3 * x],
        f"the mean of the uses is taken; {_EACH}": [1.5 * (y + z), 3 * x, 3 * x],
        f"what the uses send is multiplied; {_EACH}": [9 * y * z, 3 * x, 3 * x],
        f"what one use sends is subtracted; {_EACH}": [3 * (z - y), 3 * x, 3 * x],
        f"what the other uses send is subtracted; {_EACH}": [3 * (y - z), 3 * x, 3 * x],
        f"of what the uses send, the larger is kept; {_EACH}":
            [3 * np.maximum(y, z), 3 * x, 3 * x],
        "g itself is handed on; what the rule makes of it, `rule(g)`, belongs there":
            [2 * one, one, one],
        "each rule is called with 1; call it with g": [y + z, x, x],
        "g is added to what the rule sends; the rule has used it already":
            [8 * (y + z) + 16 * one, 8 * x + 8 * one, 8 * x + 8 * one],
        "everything counts twice at the leaves: g is stored there, and then added once more":
            [6 * (y + z), 6 * x, 6 * x],
        "the first part that arrives counts twice: it is stored, and then added once more":
            [24 * z + 12 * y, 24 * x, 24 * x],
        "each part counts twice": [24 * (y + z), 24 * x, 24 * x],
        "a sum that nothing has arrived at yet has to begin with 0, not with 1":
            [1 + 5 * (y + z), 1 + 5 * x, 1 + 5 * x],
        "the sign is flipped: parts are subtracted": [-3 * (y + z), -3 * x, -3 * x]}


def likely_passes(x: Any) -> dict[str, list[Any]]:
    """Gradients of x after passes from x², the same again, and 5x, by the mistake."""
    five = np.full_like(np.asarray(x, np.float64), 5.0)
    return {
        "a pass overwrites what earlier passes left; add to it": [2 * x, 2 * x, five],
        "what later passes send is not added": [2 * x, 2 * x, 2 * x],
        "the second pass starts from what the first left inside": [2 * x, 6 * x, 6 * x + five],
        "the sum of a pass begins with what earlier passes left, which the leaf adds once more at "
        "the end; begin it with 0": [2 * x, 6 * x, 12 * x + five],
        "the mean with the earlier passes is taken; add to what they left":
            [2 * x, 2 * x, (2 * x + five) / 2],
        "g is subtracted from what earlier passes left; add it": [2 * x, 0 * x, -five],
        "from the second pass on, g counts twice": [2 * x, 6 * x, 6 * x + 2 * five],
        "what earlier passes left is multiplied with g; add g": [2 * x, 4 * x * x, 20 * x * x]}
