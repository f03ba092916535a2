"""A copy of the best picture on the host, for when the device fails that has the picture itself.

After some faults CUDA refuses every call, copies to the host too: what is not there by then is
lost. Copying costs time, so it is done as often as costs no more than a hundredth of it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from minigrad import Tensor, cuda
from minigrad.errors import DeviceError
from nst.system.stdio import silence_device

if TYPE_CHECKING:
    from nst.optimize.progress import Progress

SHARE = 0.01            # of the time may go into copies


class HostCopy:
    """The best picture of a run as it was at the last copy.

    Attributes
    ----------
    best : Tensor or None
        On the host; None until there is a copy.
    iteration : int
        Which iteration it is from.
    """

    def __init__(self) -> None:
        self.best: Tensor | None = None
        self.iteration = -1
        self._next = 0.0        # by the clock: when there may be another copy

    def renew(self, progress: Progress, at_once: bool = False) -> None:
        """Copy the best picture if it is on a device, and a copy is due or wanted at once."""
        if progress.best.device == "cpu":
            return
        start = time.perf_counter()
        is_same = (self.best is not None and self.iteration == progress.best_iteration
                   and self.best.shape == progress.best.shape)
        if is_same or (start < self._next and not at_once):
            return
        try:
            with cuda.translated():
                self.best = progress.best.to("cpu")
            self.iteration = progress.best_iteration
        except MemoryError:         # the run itself may need no more than it has
            pass
        end = time.perf_counter()
        self._next = end + (end - start) / SHARE

    def rescue(self, progress: Progress) -> str:
        """Bring the best picture to the host after a fault, or take the copy in its place.

        Returns
        -------
        str
            What is lost, to go on a sentence with; "" if nothing is.

        Raises
        ------
        DeviceError
            The device does not give the picture, and there is no copy.
        """
        try:
            with cuda.translated():
                progress.best = progress.best.to("cpu")
            return ""
        except (DeviceError, MemoryError) as error:
            silence_device(error)
            if self.best is None:
                raise
        best, lost = progress.best_iteration, progress.best_iteration != self.iteration
        progress.best, progress.best_iteration = self.best, self.iteration
        return f"; better pictures, until iteration {best}, are lost with it" if lost else ""
