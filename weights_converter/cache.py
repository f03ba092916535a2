"""The user's cache folder, where fetched and converted weights are kept."""

from __future__ import annotations

from pathlib import Path

from weights_converter.errors import WeightsError


def cache_folder() -> Path:
    """This project's folder in the user's cache; it may not exist yet.

    Raises
    ------
    WeightsError
        The user has no home folder, or the system has no users (WebAssembly, where platformdirs
        cannot be imported).
    """
    try:
        import platformdirs
        return platformdirs.user_cache_path("nst", appauthor=False, opinion=False)
    except (ImportError, RuntimeError):
        raise WeightsError("there is no home folder for the cache; set HOME or XDG_CACHE_HOME, or "
                           "name the file") from None


def cache_file(architecture: str = "vgg19") -> Path:
    """The converted file of a network in that folder; it may not exist yet."""
    return cache_folder() / f"{architecture}.h5"
