"""Where minigrad differs from PyTorch on purpose: a test for each row of docs/conventions.md."""

import re
from pathlib import Path

import numpy as np

import minigrad as mg
import minigrad.functional as F

PAGE = Path(__file__).parents[2] / "docs" / "conventions.md"


def test_every_row_of_the_page_has_a_test():
    section = PAGE.read_text(encoding="utf-8").partition("## Deliberate differences")[2]
    names = re.findall(r"^\| `(\w+)` \|", section.partition("\n## ")[0], re.MULTILINE)
    assert names
    assert [name for name in names if f"test_{name}" not in globals()] == []


def test_sums_of_squares_are_float64():
    x, t = mg.tensor([3.0, 1.0]), mg.tensor([0.0, 1.0])
    assert F.mse_loss(x, t, "sum").dtype == np.float64
    assert F.mse_loss(x, t, "sum").item() == 9.0


def test_any_and_all_are_bool():
    x = mg.tensor(np.array([0, 2], np.uint8))
    assert x.any().dtype == x.all().dtype == bool
    assert x.any().item() and not x.all().item()


def test_sorting_is_stable():
    x = mg.tensor([1.0, 0.0] * 500)
    order = mg.argsort(x).numpy()
    assert (order[:500] == np.arange(1, 1000, 2)).all()
    assert (order[500:] == np.arange(0, 1000, 2)).all()
