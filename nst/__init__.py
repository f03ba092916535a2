"""Neural style transfer: the content of one picture in the style of another.

>>> from nst import Settings, stylize
>>> result = stylize("photo.jpg", "painting.jpg", Settings(size=320, iterations=200))
>>> result.image.save("out.png")

`python -m nst.run` is the same on the command line. The rooms: ``settings`` says what can be
chosen; ``images`` and ``files`` read and write pictures; ``weights`` finds the network's weights
and ``vgg`` runs it; ``losses`` says what is minimised, ``optimise`` minimises it, ``transfer``
puts these together; ``report``, ``options`` and ``run`` are the command line.
"""

from nst.settings import Settings
from nst.transfer import Result, stylize

__all__ = ["Result", "Settings", "stylize"]
