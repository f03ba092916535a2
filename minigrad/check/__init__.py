"""Gradient checking: is a derivative rule right, and if not, what is wrong with it?

    from minigrad.check import gradcheck, gradgradcheck
    gradcheck(function, inputs)        # raises GradcheckError with an explanation

``python -m minigrad.check`` checks every declared primitive. The rooms: :mod:`.problem`
(the function under test), :mod:`.numeric` (finite differences), :mod:`.compare` (claimed
against measured), :mod:`.kinks` (is the point one where no derivative exists?),
:mod:`.guards` (promises beside the numbers), :mod:`.report` (what a failure says),
:mod:`.samples` (inputs for every primitive).
"""

from .gradcheck import gradcheck, gradgradcheck
from .report import GradcheckError, KinkError, Report
from .samples import Sample, samples_of

__all__ = ["GradcheckError", "KinkError", "Report", "Sample", "gradcheck", "gradgradcheck",
           "samples_of"]
