"""How long a gradient check takes: ours beside torch.autograd.gradcheck in its slow and fast mode.

Ten functions of PyTorch at 1,000 elements, float64, one thread. All three run as they come, on the
same function and the same inputs, and take turns; ours with orders=(1,), since gradcheck checks
the first derivative only. Seconds are those of the processor, so that a busy machine matters less.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import common

CHECKERS = ("ours", "torch slow", "torch fast")
COLUMNS = {
    "function": common.column("function"),
    "ours, ms": common.column("ours", ".0f", 1e3),
    "torch slow, ms": common.column("torch slow", ".0f", 1e3),
    "torch fast, ms": common.column("torch fast", ".0f", 1e3),
    "ours ÷ torch slow": common.ratio_column,
}


def functions(torch: Any) -> dict[str, tuple[Callable[..., Any], tuple[Any, ...]]]:
    """Name → function and inputs; the first input has 1,000 elements."""
    F = torch.nn.functional
    generator = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> Any:
        drawn = torch.randn(*shape, dtype=torch.float64, generator=generator)
        return drawn.requires_grad_()

    target = normal(1000).detach()
    return {
        "exp": (torch.exp, (normal(1000),)),
        "gelu": (F.gelu, (normal(1000),)),
        "softmax": (lambda x: torch.softmax(x, 1), (normal(20, 50),)),
        "layer_norm": (lambda x: F.layer_norm(x, (50,)), (normal(20, 50),)),
        "logsumexp": (lambda x: torch.logsumexp(x, 1), (normal(20, 50),)),
        "cumsum": (lambda x: torch.cumsum(x, 0), (normal(1000),)),
        "mse_loss": (lambda x: F.mse_loss(x, target), (normal(1000),)),
        "matmul": (torch.matmul, (normal(20, 50), normal(50, 10))),
        "conv2d": (F.conv2d, (normal(1, 10, 10, 10), normal(4, 10, 3, 3))),
        "max_pool2d": (lambda x: F.max_pool2d(x, 2), (normal(1, 10, 10, 10),)),
    }


def seconds(checker: str, function: Callable[..., Any], inputs: tuple[Any, ...]) -> float:
    """Processor time of one check, which has to pass."""
    from torch.autograd import gradcheck

    from minigrad.check import check_function

    start = time.process_time()
    if checker == "ours":
        passed = bool(check_function(function, inputs, orders=(1,)))
    else:
        passed = gradcheck(function, inputs, fast_mode=checker == "torch fast")
    taken = time.process_time() - start
    assert passed, (checker, function)
    return taken


def measure(name: str, function: Callable[..., Any], inputs: tuple[Any, ...], rounds: int
            ) -> dict[str, Any]:
    """The result for one function: medians, and the ratio of each round."""
    for checker in CHECKERS:                    # imports and first calls are not counted
        seconds(checker, function, inputs)
    turns = [{checker: seconds(checker, function, inputs) for checker in CHECKERS}
             for _ in range(rounds)]
    ratios = [turn["ours"] / turn["torch slow"] for turn in turns]
    return {"function": name, "rounds": turns, "ratio": statistics.median(ratios),
            "ratio_min": min(ratios), "ratio_max": max(ratios),
            **{checker: statistics.median(turn[checker] for turn in turns)
               for checker in CHECKERS}}


def main(arguments: Sequence[str] | None = None) -> int:
    made = common.parser("gradient_check.py", __doc__ or "")
    common.add_rounds(made)
    made.add_argument("--functions", nargs="+", metavar="NAME",
                      help="some of the ten functions (default: all)")
    options = made.parse_args(arguments)
    common.require_torch()
    import torch

    torch.set_num_threads(1)
    known = functions(torch)
    for name in options.functions or ():
        if name not in known:
            raise common.ArgumentError(f"there is no function {name!r} here; there are "
                                       f"{', '.join(known)}{common.HINT}")
    report = common.Report("gradient_check", options.output, COLUMNS)
    for name in options.functions or known:
        report.add(measure(name, *known[name], options.rounds))
    median = statistics.median(result["ratio"] for result in report.results)
    report.finish(f"Median of the ratios: {median:.2f}.")
    return 0


if __name__ == "__main__":
    sys.exit(common.run("gradient_check", main))
