"""The pins with which .ci/run tests the lowest declared versions."""

import re

import pytest

from tools.lowest_versions import SETUP, pins, requirements


def test_every_package_of_the_project_has_a_floor():
    extras = re.findall(r"^(\w+) ?=", SETUP.read_text().split("extras_require]")[1]
                        .split("\n[")[0], re.MULTILINE)
    assert {"gpu", "test", "fuzz", "dev"} <= set(extras)
    found = pins(requirements(extras))
    assert all(re.fullmatch(r"[\w.-]+(\[[\w,]+\])?==[\w.*]+", line) for line in found)
    assert [line for line in found if line.startswith("pillow==12.3")]


def test_the_highest_of_several_floors_counts():
    assert pins(["a >= 1.9", "b>=2", "a >= 1.10", "c[x,y] == 13.*"]) == [
        "a==1.10", "b==2", "c[x,y]==13.*"]


def test_a_package_without_a_floor_is_found():
    with pytest.raises(ValueError, match="numpy has no lowest version"):
        pins(["numpy"])


def test_an_extra_that_is_not_there():
    with pytest.raises(KeyError):
        requirements(["nothing"])
