"""What is looked at may be on a GPU: a page, a trace, a cell and statistics show the same."""

import numpy as np
from inspected import backward_steps, page_data

import minigrad as mg
from minigrad import inspect, nn


def test_pages_of_a_gpu_are_those_of_the_host(played):
    def shown(device):
        w = mg.tensor(np.float32([[1.0, -2.0], [3.0, 4.0]]), requires_grad=True, device=device)
        b = mg.tensor(np.float32([0.5, 1.0]), requires_grad=True, device=device)
        with inspect.record():
            loss = ((w @ w + b).relu() * 2.0).sum()
        loss.backward()
        data = page_data(inspect.explain(loss, names={"w": w, "b": b, "loss": loss}))[1]
        assert all(step["measured"]["kind"] in ("agrees", "kink") for step in backward_steps(data))
        return data["values"], [(step["title"], step["gradient"]) for step in backward_steps(data)]

    assert shown("cuda") == shown("cpu")


def test_cells_and_statistics_of_a_gpu(played):
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU()).cuda()
    x = mg.tensor(np.ones((2, 3), np.float32), device="cuda")
    with inspect.statistics(net) as seen:
        net(x).sum().backward()
    assert seen.flow("1").grad_norm is not None and seen.weights[0].grad_std is not None
    assert "cuda:0" in x._repr_html_() and "<td" in x._repr_html_()
    assert inspect.summary(net, x).layers[1].outputs == (2, 4)
