"""`stylize(progress=True)`: a progress bar, and in a notebook the picture as it is painted."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from tqdm.auto import tqdm

from minigrad import Tensor
from nst.optimize.progress import Progress
from nst.pictures.frame import Frame
from nst.pictures.picture import Picture

EVERY = 2.0             # seconds between two pictures, and never more than a tenth of the time
SIDE = 480              # pixels of the picture that is shown


class LiveProgress:
    """An observer of a run.

    Parameters
    ----------
    iterations : of the whole run.
    render : a picture of any scale at its full size.
    """

    def __init__(self, iterations: int, render: Callable[[Tensor], Picture]) -> None:
        self.render = render
        self.bar = tqdm(total=iterations, desc="painting", unit="it")
        self.cell = _notebook_cell()
        self.next_picture = 0.0
        self.shown = -1             # the iteration of the picture that is shown

    def __call__(self, progress: Progress) -> None:
        last = progress.history[-1]
        self.bar.set_postfix_str(f"loss {last.total:.4g}", refresh=False)
        self.bar.update(last.iteration - self.bar.n)
        if self.cell is not None and time.monotonic() >= self.next_picture:
            self._show(progress)

    def _show(self, progress: Progress) -> None:
        if progress.best_iteration == self.shown or self.cell is None:
            return
        began = time.monotonic()
        self.shown = progress.best_iteration
        picture = self.render(progress.best)
        if max(picture.size) > SIDE:
            picture = picture.scaled(SIDE)
        self.cell(f'<img src="{Frame.of(picture).source}" alt="the picture after '
                  f'{self.shown} iterations">')
        now = time.monotonic()
        self.next_picture = now + max(EVERY, 9 * (now - began))

    def close(self) -> None:
        self.bar.close()
        if self.cell is not None:
            self.cell("")           # the result shows its own picture


def _notebook_cell() -> Callable[[str], None] | None:
    """A function that shows HTML in the cell that runs, each time in place of the last.

    None outside a notebook: IPython is not imported unless it is running already.
    """
    module: Any = sys.modules.get("IPython")
    shell = module.get_ipython() if module is not None else None
    if shell is None or not hasattr(shell, "kernel"):
        return None
    from IPython.display import HTML, display
    handle = display(HTML(""), display_id=True)
    return lambda html: handle.update(HTML(html))
