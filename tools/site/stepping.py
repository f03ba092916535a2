"""Pages of `minigrad.inspect.explain` within the site, made anew by each build.

    ```{stepping} diamond
    ```

embeds the page of that name, with a link that opens it alone.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from docutils import nodes
from docutils.parsers.rst import Directive

import minigrad as mg
from minigrad import functional as F
from minigrad import nn
from minigrad.inspect import explain, record

FOLDER = "_static/stepping"


def line(path: Path) -> None:
    """f = w·x + b, the smallest neuron."""
    x = mg.tensor(5.0)
    w = mg.tensor(-2.0, requires_grad=True)
    b = mg.tensor(3.0, requires_grad=True)
    with record():
        f = w * x + b
    explain(f, path, title="f = w·x + b")


def diamond(path: Path) -> None:
    """x² + x, where x is used three times."""
    x = mg.tensor(3.0, requires_grad=True)
    with record():
        y = x * x + x
    explain(y, path, title="y = x·x + x")


def broadcast(path: Path) -> None:
    """A row added to every row of a table."""
    table = mg.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], requires_grad=True)
    row = mg.tensor([0.5, -0.5], requires_grad=True)
    with record():
        f = ((table + row) * 2).sum()
    explain(f, path, title="A row that is added to three rows")


def mlp(path: Path) -> None:
    """A network of two layers, and its loss."""
    mg.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    x, target = mg.tensor([[0.5, -1.0], [1.5, 0.2]]), mg.tensor([[1.0], [0.0]])
    with record():
        loss = F.mse_loss(model(x), target)
    explain(loss, path, names=model, title="A network of two layers")


def cnn(path: Path) -> None:
    """A small convolutional network on one image."""
    mg.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                          nn.Linear(18, 3))
    image = mg.tensor(np.linspace(-1, 1, 64, dtype=np.float32).reshape(1, 1, 8, 8) ** 2)
    with record():
        loss = F.cross_entropy(model(image), mg.tensor([1]))
    explain(loss, path, names=model, title="A convolutional network")


PAGES: dict[str, Callable[[Path], None]] = {
    function.__name__: function for function in (line, diamond, broadcast, mlp, cnn)}


def write_all(folder: Path) -> None:
    """Write every page into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in PAGES.items():
        make(folder / f"{name}.html")


class Stepping(Directive):
    """`{stepping} NAME`: an embedded page, and a link to it."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        if name not in PAGES:
            raise self.error(f"there is no stepping page {name!r}; there are {', '.join(PAGES)}")
        environment = self.state.document.settings.env
        path = "../" * environment.docname.count("/") + f"{FOLDER}/{name}.html"
        description = (PAGES[name].__doc__ or "").strip()
        return [nodes.raw("", f"""\
<figure class="stepping">
<iframe src="{path}" title="Step through a backward pass: {description}" loading="lazy"></iframe>
<figcaption>{description} Step with the buttons or the arrow keys, or
<a href="{path}">open this page alone</a>.</figcaption>
</figure>
""", format="html")]
