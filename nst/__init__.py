"""Neural style transfer: the content of one picture in the style of another.

>>> from nst import Settings, stylize
>>> result = stylize("photo.jpg", "painting.jpg", Settings(size=320, iterations=200))
>>> result.image.save("out.png")

`python -m nst.run` is the same on the command line. The rooms, from choices to pixels:

- what can be chosen: ``settings`` and ``values``, ``presets``; ``options``, ``config`` and
  ``request`` for the command line and its files;
- pictures: ``images`` and the ``picture`` files, ``colors``, ``masks``; ``inputs`` has all that
  goes into a run;
- the network: ``weights`` finds it, ``vgg`` runs it;
- what is minimised: ``norms``, ``targets``, ``losses``;
- how: ``scales`` from coarse to fine, ``optimise`` and ``optimizers`` at each of them,
  ``resample`` between them; ``transfer`` puts it all together;
- runs that stop and go on: ``progress``, ``stopping``, ``checkpoint``; many of them: ``pairs``,
  ``batch``, ``batch_work``, ``batch_report``;
- what comes out: ``report``, ``saving``, ``run``; ``metrics``, ``evaluate`` and ``compare`` judge
  it.
"""

from nst.config.settings import Settings
from nst.job.transfer import Result, stylize

__all__ = ["Result", "Settings", "stylize"]
