"""Deliberate differences from PyTorch: which cases of the oracle each of them explains.

Each is a row of the table "Deliberate differences" in docs/conventions.md, which gives the
reason, and has a test of its name in tests/minigrad/test_differences.py, which states it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from oracle_cases import Case

PAGE = Path(__file__).parents[3] / "docs" / "conventions.md"
MAX_ROWS = 40


def _empty(case: Case) -> bool:
    return isinstance(case.sample.input, torch.Tensor) and not case.sample.input.numel()


def _kwarg(case: Case, name: str) -> Any:
    return case.sample.kwargs.get(name)


# name of the row -> whether it explains that a case differs (or is refused)
DIFFERENCES: dict[str, Callable[[Case], bool]] = {
    "sums_of_squares_are_float64": lambda case: case.name == "nn.functional.mse_loss"
    and _kwarg(case, "reduction") == "sum",
    "any_and_all_are_bool": lambda case: case.name in ("any", "all")
    and case.dtype == torch.uint8,
    "numbers_out_of_range_are_refused": lambda case: case.name in ("add", "sub", "index_add")
    and case.dtype == torch.uint8 and (_kwarg(case, "alpha") or 0) < 0,
    "an_empty_result_has_the_usual_type": lambda case: _empty(case)
    and not case.dtype.is_floating_point and case.name in (
        "bincount", "trapezoid", "nn.functional.local_response_norm"),
    "gradients_of_block_diag": lambda case: case.name == "block_diag" and _empty(case),
    "pixel_unshuffle_of_nothing": lambda case: case.name == "nn.functional.pixel_unshuffle"
    and _empty(case),
    "multilabel_margin_loss_of_nothing": lambda case: _empty(case)
    and case.name == "nn.functional.multilabel_margin_loss",
    "hardsigmoid_has_slope_one_sixth": lambda case: case.name == "nn.functional.hardsigmoid"
    and case.dtype == torch.float64,
    "poles_are_infinite": lambda case: "polygamma" in case.name
    and case.dtype in (torch.int16, torch.int8, torch.int32, torch.int64),
    "no_gradient_for_what_is_left_out": lambda case: case.name == "nanmean",
}


# Rows whose cases are compared in another way: by the values of equal elements (oracle_ties),
# at the minimum where both optimisers arrive, and in tests of minigrad alone.
COMPARED_OTHERWISE = ("sorting_is_stable", "lbfgs_searches_along_lines",
                      "uint8_indices_are_positions", "convolutions_need_channels")


def _numbers(sample: Any) -> bool:
    return any(isinstance(value, (int, float)) and not isinstance(value, bool)
               for value in (sample.input, *sample.args)) and not sample.kwargs


# name of the row -> whether it allows what PyTorch calls a mistake
ALLOWED: dict[str, Callable[[str, Any], bool]] = {
    "numbers_are_operands": lambda name, sample: name in OPERATORS.split()
    and _numbers(sample),
    "no_out_argument": lambda name, sample: "out" in sample.kwargs,
    "means_of_integers_are_floats": lambda name, sample: name == "mean"
    and (sample.input.dtype == torch.int64 or sample.kwargs.get("dtype") == torch.int64),
}
OPERATORS = """
    logical_and logical_or logical_xor maximum minimum pow eq ge gt le lt ne max/binary min/binary
    __radd__ __rdiv__ __rmul__ __rpow__ __rsub__ __rmod__ __rand__ __ror__ __rxor__ atan2 hypot
    logaddexp xlogy copysign float_power fmax fmin fmod heaviside ldexp nextafter remainder
    bitwise_and bitwise_left_shift bitwise_or bitwise_right_shift bitwise_xor gcd lcm
    special.xlog1py clamp_max clamp_min
"""


def explained(case: Case) -> str | None:
    """The row that explains why a case differs, if there is one."""
    return next((name for name, applies in DIFFERENCES.items() if applies(case)), None)


def rows() -> list[str]:
    """The names in the first column of the table on the page."""
    page = PAGE.read_text(encoding="utf-8")
    section = page.partition("## Deliberate differences")[2].partition("\n## ")[0]
    return re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
