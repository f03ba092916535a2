"""One style-transfer iteration, loss and pixel gradient, compared with PyTorch.

VGG19 to relu5_1, default losses, the demonstration's pictures. PyTorch uses the same weights,
frozen, all cores, and the faster memory format. Both must agree in the same run: the loss within
1e-5 relative, the cosine of the gradients above 0.99999; otherwise the exit status is 1.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import common
import style
import turns

MAX_DIFFERENCE, MIN_COSINE = 1e-5, 0.99999

COLUMNS = {
    "size": common.column("size"),
    "ours, s": common.column("ours_seconds", ".3f"),
    "PyTorch, s": common.column("torch_seconds", ".3f"),
    "ratio": common.ratio_column,
    "loss, relative difference": common.column("loss_relative_difference", ".1e"),
    "1 − cosine of gradients": lambda result: f"{1 - result['gradient_cosine']:.1e}",
    "PyTorch's format": common.column("torch_memory_format"),
}


def measure(ours: turns.Worker, theirs: turns.Worker, size: int, rounds: int) -> dict[str, Any]:
    """Return the result for one size."""
    ours.call("prepare", size)
    ours.call("warm")
    memory_format = theirs.call("choose_format", size)
    theirs.call("warm")
    return {
        "size": size,
        **turns.compare(lambda: ours.seconds("evaluate"), lambda: theirs.seconds("evaluate"),
                        rounds),
        **style.agreement(ours.call("result"), theirs.call("result")),
        "torch_memory_format": memory_format,
    }


def agrees(result: dict[str, Any]) -> bool:
    """Return whether the results of both libraries agree."""
    return (result["loss_relative_difference"] < MAX_DIFFERENCE
            and result["gradient_cosine"] > MIN_COSINE)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = common.parser("nst_iteration", __doc__)
    parser.add_argument("--sizes", type=common.picture_size, nargs="+", default=[256, 512, 768],
                        metavar="PIXELS",
                        help="sides of the square picture (default: 256 512 768)")
    parser.add_argument("--weights", default="random:0", metavar="FILE",
                        help="a converted VGG19, or random:SEED (default: random:0)")
    common.add_turns(parser)
    given = parser.parse_args(arguments)
    common.require_torch()
    common.check_weights(given.weights)
    report = common.Report("nst_iteration", given.output, COLUMNS, rounds=given.rounds,
                           weights=common.weights_name(given.weights))
    with (turns.Worker(style.Ours, given.weights, turn=given.turn) as ours,
          turns.Worker(style.Torch, given.weights, turn=given.turn) as theirs):
        for size in given.sizes:
            report.add(measure(ours, theirs, size, given.rounds))
    report.finish()
    apart = [str(result["size"]) for result in report.results if not agrees(result)]
    if apart:
        print(f"nst_iteration: at size {', '.join(apart)} the loss differs from PyTorch's by "
              f"{MAX_DIFFERENCE:g} or more, or the cosine is at most {MIN_COSINE}; "
              f"the times compare different things", file=sys.stderr)
    return 1 if apart else 0


if __name__ == "__main__":
    sys.exit(common.run("nst_iteration", main))
