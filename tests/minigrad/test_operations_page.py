"""docs/operations.md lists every operation, and nothing else."""

import re
from pathlib import Path

import minigrad as mg
from minigrad import creation

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## `([\w.]+)`\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))


def listed(section):
    return set(re.findall(r"`(\w+)`", SECTIONS[section]))


def test_the_page_lists_every_operation():
    made = {name for name, value in vars(creation).items()
            if getattr(value, "__module__", "") == creation.__name__ and not name.startswith("_")}
    assert listed("minigrad") == set(mg.ops.__all__) | made
    for space in (mg.functional, mg.linalg, mg.special):
        assert listed(space.__name__) == set(space.__all__)
