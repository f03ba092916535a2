"""Keep a failed device from filling the screen with errors."""

from __future__ import annotations

import sys
from typing import Any

from minigrad.cuda_faults import PACKAGES
from minigrad.errors import DeviceError


def silence_device(error: BaseException) -> None:
    """After a device error, suppress further errors from CuPy's destructors.

    Every CuPy object frees memory on its device when it is deleted. A failed device refuses this
    until the program ends, but its failure has been reported already.
    """
    if not isinstance(error, DeviceError):
        return
    # Local names: at the end of the program, modules are cleared before the hook is called.
    previous, packages = sys.unraisablehook, PACKAGES

    def hook(unraisable: Any) -> None:
        if unraisable.exc_type.__module__.partition(".")[0] not in packages:
            previous(unraisable)

    sys.unraisablehook = hook
