"""A copy of the best picture on the host, in case the device fails.

After some faults CUDA refuses every call, copies to the host included, and everything on the
device is lost. Copies take time, so they are limited to a hundredth of the run's.
"""

from __future__ import annotations

import time
from typing import Protocol

from minigrad import Tensor, cuda
from minigrad.errors import DeviceError
from nst.system.device_errors import silence_device

SHARE = 0.01            # fraction of the time that copies may take


class BestPicture(Protocol):
    """The best picture of a run and its iteration; `nst.optimize.progress.Progress` has both."""

    best: Tensor
    best_iteration: int


class HostCopy:
    """The best picture of a run at the time of the last copy.

    Attributes
    ----------
    best : Tensor or None
        On the host; None until there is a copy.
    iteration : int
        The iteration of `best`.
    """

    def __init__(self) -> None:
        self.best: Tensor | None = None
        self.iteration = -1
        self._next = 0.0        # when the next copy is due, on the clock

    def update(self, progress: BestPicture, force: bool = False) -> None:
        """Copy the best picture if it is on a device, and a copy is due or `force` is True."""
        if progress.best.device == "cpu":
            return
        start = time.perf_counter()
        is_same = (self.best is not None and self.iteration == progress.best_iteration
                   and self.best.shape == progress.best.shape)
        if is_same or (start < self._next and not force):
            return
        try:
            with cuda.translated():
                self.best = progress.best.to("cpu")
            self.iteration = progress.best_iteration
        except MemoryError:         # the run itself may still have enough
            pass
        end = time.perf_counter()
        self._next = end + (end - start) / SHARE

    def rescue(self, progress: BestPicture) -> str:
        """Move the best picture to the host after a fault, or replace it by the copy.

        Returns
        -------
        str
            The end of a sentence about what is lost; "" if nothing is.

        Raises
        ------
        DeviceError
            The device refuses to copy the picture, and there is no copy.
        """
        try:
            with cuda.translated():
                progress.best = progress.best.to("cpu")
            return ""
        except (DeviceError, MemoryError) as error:
            silence_device(error)
            if self.best is None:
                raise
        lost = progress.best_iteration
        progress.best, progress.best_iteration = self.best, self.iteration
        if lost == self.iteration:
            return ""
        return f"; better pictures, up to iteration {lost}, are lost"
