"""Small computations to look at, and the data of a page that explains one."""

import json
import re

import numpy as np

import minigrad as mg
import minigrad.functional as F
from minigrad import nn


def toy():
    """f = w·x + b of the seeds: x = 5, w = −2, b = 3."""
    w, x, b = (mg.tensor(value, requires_grad=True) for value in (-2.0, 5.0, 3.0))
    return w * x + b, w, x, b


def small_network(rng):
    mg.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                        nn.Linear(64, 5))
    images = mg.tensor(rng.standard_normal((2, 3, 8, 8)).astype(np.float32))
    return net, F.cross_entropy(net(images), mg.tensor([1, 3]))


def page_data(explanation):
    """A page, and its data; those of one pass are those of the whole."""
    page = explanation.html
    data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.S)[1])
    return page, {**data, **data["passes"][0]}


def backward_steps(data):
    return [step for step in data["steps"] if step["phase"] == "backward"]
