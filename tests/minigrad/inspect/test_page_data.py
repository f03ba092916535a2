"""The data inside the page that explains a backward pass."""


import re

import pytest
from inspected import page_data, small_network, toy

import minigrad as mg
from minigrad import inspect
from minigrad.errors import (
    ArgumentError,
    FileError,
    GradientError,
)


def test_page_holds_the_whole_pass_and_needs_no_network(tmp_path, rng):
    with inspect.record():
        f, w, x, b = toy()      # noqa: RUF059  (their names are read)
    page, data = page_data(inspect.explain(f, tmp_path / "toy.html"))
    assert [s["title"] for s in data["steps"]] == [
        "Before the first step", "f = add", "multiply", "leaf b", "leaf w", "leaf x"]
    assert [s["short"] for s in data["steps"][2]["sent"]] == ["5", "−2"]
    assert data["steps"][2]["created"].startswith("inspected.py:")
    addresses = set(re.findall(r"https?://[^\"' <)]+", page))
    assert addresses == {"http://www.w3.org/2000/svg"}          # the name of a language
    assert "{{" not in page

    _, loss = small_network(rng)
    _, data = page_data(inspect.explain(loss, tmp_path / "net.html"))
    convolve = next(s for s in data["steps"] if s["title"] == "convolve")
    assert "2×4×8×8 float32   norm" in convolve["gradient"]
    assert "4×3×3×3 float32" in convolve["sent"][0]["gradient"]


def test_page_adds_up_the_diamond(tmp_path):
    x = mg.tensor(3.0, requires_grad=True)
    y = x * x + x
    _, data = page_data(inspect.explain(y, tmp_path / "d.html"))
    cards = [(s["before"], s["short"], s["totalPlain"], s["path"], s["of"])
             for step in data["steps"][1:] for s in step["sent"] if s["to"] == "x"]
    assert cards == [(None, "1", "1", 1, 3), ("1", "3", "4", 2, 3), ("4", "3", "7", 3, 3)]


def test_page_says_what_is_wrong(tmp_path):
    f, *_ = toy()
    with pytest.raises(ArgumentError, match=r"\.html"):
        inspect.explain(f, tmp_path / "f.pdf")
    with pytest.raises(FileError, match="cannot write"):
        inspect.explain(f, tmp_path / "no" / "f.html")
    with pytest.raises(GradientError, match="needs a gradient"):
        inspect.explain(mg.tensor([1.0, 2.0], requires_grad=True) * 2, tmp_path / "f.html")
