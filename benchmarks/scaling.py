"""Time and memory per pixel of one evaluation of ours, from small pictures to large ones.

The work per pixel does not depend on the size, so the time and the memory per pixel should not
either. "Spread" is largest ÷ smallest − 1 over the sizes; flat means at most 15 %. Memory is
measured as in memory.py (growth); time in one process that visits all sizes in every round.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence
from typing import Any

import common
import memory
import style
import turns

MAX_SPREAD = 0.15

COLUMNS = {
    "size": common.column("size"),
    "s": common.column("seconds", ".3f"),
    "µs per pixel": common.column("seconds_per_pixel", ".3f", 1e6),
    "growth, MB": common.column("growth", ".0f", 1e-6),
    "bytes per pixel": common.column("growth_per_pixel", ".0f"),
    "constant, MB": common.column("constant", ".0f", 1e-6),
}


def spread(results: list[dict[str, Any]], key: str) -> float:
    """Return largest ÷ smallest − 1."""
    values = [result[key] for result in results]
    return max(values) / min(values) - 1


def times(weights: str, sizes: Sequence[int], rounds: int, turn: float
          ) -> dict[int, list[float]]:
    """Return the seconds of one evaluation by size, one number for each round."""
    taken: dict[int, list[float]] = {size: [] for size in sizes}
    with turns.Worker(style.Ours, weights, turn=turn) as worker:
        for _ in range(rounds):
            for size in sizes:
                worker.call("prepare", size)
                worker.call("warm")
                taken[size].append(worker.seconds("evaluate"))
    return taken


def main(arguments: Sequence[str] | None = None) -> int:
    parser = common.parser("scaling", __doc__)
    parser.add_argument("--sizes", type=common.picture_size, nargs="+", metavar="PIXELS",
                        default=[128, 256, 512, 768, 1024],
                        help="sides of the square picture (default: 128 256 512 768 1024)")
    parser.add_argument("--weights", default="random:0", metavar="FILE",
                        help="a converted VGG19, or random:SEED (default: random:0)")
    common.add_turns(parser)
    given = parser.parse_args(arguments)
    common.check_weights(given.weights)
    memory.check_system()
    report = common.Report("scaling", given.output, COLUMNS, rounds=given.rounds,
                           weights=common.weights_name(given.weights))
    taken = times(given.weights, given.sizes, given.rounds, given.turn)
    for size in given.sizes:
        result = memory.in_fresh_process("Ours", given.weights, size)
        seconds = statistics.median(taken[size])
        report.add({"size": size, "seconds": seconds, "rounds": taken[size],
                    "seconds_per_pixel": seconds / size ** 2, "growth": result["growth"],
                    "growth_per_pixel": result["growth"] / size ** 2,
                    "constant": result["constant"], "first": result["first"]})
    remarks = []
    for what, key in (("time", "seconds_per_pixel"), ("memory growth", "growth_per_pixel")):
        apart = spread(report.results, key)
        verdict = "flat" if apart <= MAX_SPREAD else f"not flat within {MAX_SPREAD:.0%}"
        remarks.append(f"Spread of the {what} per pixel: {apart:.0%}, {verdict}.")
    report.finish(*remarks)
    return 0


if __name__ == "__main__":
    sys.exit(common.run("scaling", main))
