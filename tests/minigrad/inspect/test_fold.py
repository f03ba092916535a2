"""Graphs that are too large to draw each operation."""

import re

from inspected import backward_steps, page_data

import minigrad as mg
from minigrad import inspect, nn


class Tower(nn.Module):
    def __init__(self, count):
        self.first = nn.Linear(2, 2)
        self.blocks = nn.Sequential(*[nn.Sequential(nn.Linear(2, 2), nn.Tanh())
                                      for _ in range(count)])

    def forward(self, x):
        return self.blocks(self.first(x))


def titles(explanation):
    return [step["title"] for step in backward_steps(page_data(explanation)[1])]


def test_ten_thousand_operations_are_folded_and_the_page_says_so():
    y = x = mg.tensor(0.5, requires_grad=True)
    for _ in range(5000):
        y = (y + x).sin()
    page = inspect.explain(y)
    text, data = page_data(page)
    boxes = [vertex for vertex in data["vertices"] if vertex["kind"] == "group"]
    assert 20 <= len(boxes) <= 40 and len(text) < 500_000
    assert "10,000 operations are too many to draw: they are folded into" in \
        " ".join(data["steps"][0]["notes"])
    y.backward()
    leaf = data["steps"][-1]
    assert leaf["title"] == "leaf x" and float(leaf["gradient"]["text"].replace("−", "-")) \
        == float(f"{x.grad.item():.4g}")


def test_operations_are_folded_by_module():
    net = Tower(30)
    shown = titles(inspect.explain(net, mg.ones(1, 2), gradient=mg.ones(1, 2), max_boxes=40))
    assert "blocks.29 (Sequential)" in shown and "first (Linear)" in shown
    loss = net(mg.ones(1, 2)).sum()         # not recorded: by the parameters' names
    shown = titles(inspect.explain(loss, max_boxes=50, names=net))
    assert "blocks.7.0" in shown and len(shown) == 31


def test_neighbouring_modules_are_joined_where_even_those_are_too_many():
    net = Tower(200)
    shown = titles(inspect.explain(net, mg.ones(1, 2), gradient=mg.ones(1, 2), max_boxes=50))
    joined = [title for title in shown if re.match(r"blocks\.\d+ … blocks\.\d+$", title)]
    assert len(joined) >= 20 and len(shown) <= 50


def test_the_gradients_between_boxes_are_those_of_the_pass():
    net = Tower(30)
    x = mg.ones(1, 2)
    with inspect.record():
        loss = net(x).sum()
    _, data = page_data(inspect.explain(loss, max_boxes=40, names=net))
    found = {leaf.split()[0]: leaf for step in backward_steps(data)
             for leaf in step.get("leaves", ())}
    loss.backward()
    assert len(found) == 62
    bias = net.blocks[3][0].bias.grad.numpy()
    numbers = re.findall(r"−?[\d.]+(?:e−?\d+)?", found["blocks.3.0.bias"].split("grad")[1])
    assert [float(text.replace("−", "-")) for text in numbers] == [
        float(f"{value:.4g}") for value in bias]


def test_a_shared_leaf_keeps_its_own_box():
    w = mg.tensor(0.9, requires_grad=True)
    y = mg.tensor(1.0)
    for _ in range(60):
        y = y * w
    dot = inspect.graph(y, max_boxes=20).dot
    assert len(re.findall(r"\bw\\n0.9", dot)) == 1
    assert inspect.graph(y, max_boxes=60).dot.count("multiply") == 60
