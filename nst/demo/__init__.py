"""The two pictures of the demonstration.

They were drawn by `python -m tools.demo_pictures.draw`; this package contains only the files.
"""

from pathlib import Path

__all__ = ["painting_path", "scene_path"]


def scene_path() -> Path:
    """The content picture: a town at the bend of a river, 640×480 pixels."""
    return Path(__file__).with_name("scene.jpg")


def painting_path() -> Path:
    """The style picture: an oil painting of a valley in autumn, 640×512 pixels."""
    return Path(__file__).with_name("painting.jpg")
