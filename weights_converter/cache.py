"""The user's cache folder, where fetched and converted weights are kept."""

from __future__ import annotations

from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """This project's folder in the user's cache; it may not exist yet."""
    return platformdirs.user_cache_path("nst", appauthor=False, opinion=False)


def cache_file(architecture: str = "vgg19") -> Path:
    """The converted file of a network in that folder; it may not exist yet."""
    return cache_folder() / f"{architecture}.h5"
