"""Neural style transfer: the content of one picture in the style of another.

>>> from nst import Settings, stylize
>>> result = stylize("photo.jpg", "painting.jpg", Settings(size=320, iterations=200))
>>> result.image.save("out.png")

`python -m nst.run` does the same on the command line. The packages, each of which imports only
those above it:

- ``system``: signals, locks, processes, memory; ``model``: the network and its weights
- ``pictures``: reading, writing, scaling and recolouring pictures; masks
- ``config``: settings, presets, command-line options, configuration files
- ``loss``: targets, losses and their gradients, tile by tile for large pictures; quality measures
- ``optimize``: the loop over iterations and scales
- ``job``: a complete style transfer, its memory estimate and its checkpoints
- ``output``: result files and HTML pages
- ``cli``: ``nst.run``, ``nst.batch``, ``nst.compare`` and ``nst.evaluate``
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nst.config.settings import Settings
    from nst.job.result import Result
    from nst.job.transfer import stylize

__all__ = ["Result", "Settings", "stylize"]

_MODULES = {"Settings": "nst.config.settings", "Result": "nst.job.result",
            "stylize": "nst.job.transfer"}


def __getattr__(name: str) -> object:
    """Import a public name on first use, so that programs can set their signal handlers before."""
    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
