"""Where fetched and converted weights are kept for this user."""

import os
import sys
from pathlib import Path


def cache_folder() -> Path:
    """The folder of this project in the user's cache, whether it exists or not."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "nst"


def cache_file(architecture: str = "vgg19") -> Path:
    """The converted file of a network there, whether it exists or not."""
    return cache_folder() / f"{architecture}.h5"
