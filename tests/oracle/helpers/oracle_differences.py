"""Deliberate differences from PyTorch: which cases of the oracle each of them explains.

Each is a row of the table "Deliberate differences" in docs/conventions.md, which gives the
reason, and has a test of its name in tests/minigrad/test_differences.py, which states it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import torch
from oracle_cases import Case

PAGE = Path(__file__).parents[3] / "docs" / "conventions.md"
MAX_ROWS = 40

# name of the row -> whether it explains that a case differs (or is refused)
DIFFERENCES: dict[str, Callable[[Case], bool]] = {
    "sums_of_squares_are_float64": lambda case: case.name == "nn.functional.mse_loss"
    and case.sample.kwargs.get("reduction") == "sum",
    "any_and_all_are_bool": lambda case: case.name in ("any", "all")
    and case.dtype == torch.uint8,
    "sorting_is_stable": lambda case: case.name in ("sort", "argsort")
    and not case.sample.kwargs.get("stable"),
}


def explained(case: Case) -> str | None:
    """The row that explains why a case differs, if there is one."""
    return next((name for name, applies in DIFFERENCES.items() if applies(case)), None)


def rows() -> list[str]:
    """The names in the first column of the table on the page."""
    page = PAGE.read_text(encoding="utf-8")
    section = page.partition("## Deliberate differences")[2].partition("\n## ")[0]
    return re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
