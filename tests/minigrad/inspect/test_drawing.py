"""Graphs as pictures: names, values, files, and where boxes are placed."""


import re
import xml.etree.ElementTree as ElementTree
from itertools import pairwise

import numpy as np
import pytest
from inspected import backward_steps, page_data, toy

import minigrad as mg
from minigrad import inspect
from minigrad.errors import (
    ArgumentError,
    FileError,
    GradientError,
)
from minigrad.inspect.layout import place


def test_graph_names_values_and_gradients():
    f, w, x, b = toy()      # noqa: RUF059  (their names are read)
    picture = inspect.graph(f, gradients=True)
    labels = re.findall(r'label="([^"]*)", fill', picture.dot)
    assert labels == [r"w\n−2\ngrad 5", r"x\n5\ngrad −2", r"multiply\n−10\ngrad 1",
                      r"b\n3\ngrad 1", r"f = add\n−7\ngrad 1"]
    assert re.findall(r"(v\d) -> (v\d)", picture.dot) == [
        ("v0", "v2"), ("v1", "v2"), ("v2", "v4"), ("v3", "v4")]
    root = ElementTree.fromstring(picture.svg)
    texts = [e.text for e in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"w", "−2", "grad 5", "f = add"} <= set(texts)
    renamed = inspect.graph(f, names={"slope": w}).dot
    assert "slope" in renamed and "[label=\"add" in renamed and r"\ngrad" not in renamed


def test_graph_shows_constants_that_rules_keep_and_all_that_was_recorded():
    x, c = mg.tensor([1.0, 2.0], requires_grad=True), mg.tensor([3.0, 4.0])
    forgetful = inspect.graph((x * c + c).sum(), names={})
    assert forgetful.dot.count("constant") == 1         # add keeps nothing
    assert r"multiply\n[3, 8]" in forgetful.dot         # follows from what is known
    with inspect.record():
        y = (x * c + c).sum()
    assert r"add\n[6, 12]" in inspect.graph(y, names={}).dot
    assert "add -> " not in inspect.graph(y).dot


def test_a_name_is_text_not_markup(tmp_path):
    x = mg.tensor(2.0, requires_grad=True)
    y = x * x
    picture = inspect.graph(y, names={'</svg><b>"&': x})
    ElementTree.fromstring(picture.svg)
    assert r"\"&" in picture.dot
    page = inspect.explain(y, tmp_path / "p.html", names={"</script><b>": x}).html
    assert page.count("</script>") == 2 and "<b>" not in page.split("<script")[0]


def test_graph_is_saved_by_its_ending(tmp_path):
    f, *_ = toy()
    picture = inspect.graph(f)
    picture.save(tmp_path / "f.svg")
    picture.save(tmp_path / "f.dot")
    assert (tmp_path / "f.svg").read_text("utf-8") == picture.svg == picture._repr_svg_()
    assert (tmp_path / "f.dot").read_text("utf-8").startswith("digraph")
    with pytest.raises(ArgumentError, match=r"\.svg or \.dot"):
        picture.save(tmp_path / "f.png")
    with pytest.raises(FileError, match="cannot write"):
        picture.save(tmp_path / "no" / "f.svg")
    with pytest.raises(GradientError, match="no graph to draw"):
        inspect.graph(mg.tensor(1.0, requires_grad=True))


def test_values_of_a_long_chain_are_found_without_recursion():
    y = x = mg.tensor(0.0, requires_grad=True)
    for _ in range(2000):
        y = -y + x
    assert re.search(r"operation 0 … operation \d+\\n\d+ operations", inspect.graph(y).dot)
    y = x
    for _ in range(2500):
        y = -y
    assert inspect.graph(y, max_boxes=2500).dot.count("negative") == 2500


def test_masks_joined_arrays_and_empty_ones_are_drawn(tmp_path):
    x, nothing = (mg.tensor(v, requires_grad=True) for v in ([1.0, 2.0], np.zeros((0, 3))))
    chosen = mg.where(mg.tensor([True, False]), x, 0.0)
    total = mg.cat([chosen, chosen.float() * 2]).sum() + nothing.sum()
    picture = inspect.graph(total, gradients=inspect.trace(total))
    assert r"constant\n[True, False]" in picture.dot
    assert r"x\n[1, 2]\ngrad [3, 0]" in picture.dot
    assert r"nothing\n[]\ngrad []" in picture.dot
    _, data = page_data(inspect.explain(total, tmp_path / "p.html"))
    joined = next(s for s in backward_steps(data) if s["title"] == "cat")
    assert [s["name"] for s in joined["sent"]] == ["xs", "xs"]
    assert len({s["edge"] for s in joined["sent"]}) == 2


@pytest.mark.parametrize("seed", range(8))
def test_layout_keeps_boxes_apart_and_edges_downward(seed):
    rng = np.random.default_rng(seed)
    sizes = [(float(w), 60.0) for w in rng.integers(50, 200, 40)]
    edges = [(int(rng.integers(0, t)), t, float(rng.uniform(-0.5, 0.5)))
             for t in range(1, 40) for _ in range(rng.integers(1, 3))]
    placed = place(sizes, edges)
    for i, (x, y) in enumerate(placed.centers):
        assert sizes[i][0] / 2 <= x <= placed.width - sizes[i][0] / 2
        assert 30 <= y <= placed.height - 30
        for j in range(i):
            apart = abs(x - placed.centers[j][0]) - (sizes[i][0] + sizes[j][0]) / 2
            assert apart > 1 or abs(y - placed.centers[j][1]) > 60
    for (source, target, _), path in zip(edges, placed.paths):
        assert placed.centers[source][1] < placed.centers[target][1]
        assert all(a[1] < b[1] for a, b in pairwise(path))


def test_layout_untangles_what_can_be_drawn_without_crossings():
    size = (60.0, 40.0)
    # Two chains given in crossed order: 0→3, 1→2, both into 4 (3 at its left, 2 at its right).
    placed = place([size] * 5, [(0, 3, 0.0), (1, 2, 0.0), (3, 4, -0.25), (2, 4, 0.25)])
    x = [center[0] for center in placed.centers]
    assert x[3] < x[2] and x[0] < x[1]
    assert x[0] == pytest.approx(x[3]) and x[1] == pytest.approx(x[2])      # and straight
