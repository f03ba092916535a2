"""Pictures: from files, Pillow or arrays to the network's tensors, and back.

In between, a picture is N×3×H×W on the scale of pixels, 0-255, with the network's mean taken
off and its order of colours: "centred". In memory the channels stay innermost, as a picture
file has them; the engine's kernels like that order best.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from minigrad import Tensor
from minigrad.errors import ArgumentError
from nst.model import vgg
from nst.pictures import files
from nst.pictures.files import FORMATS, check_format, from_pillow, read_settings
from nst.pictures.picture import Picture, from_array

__all__ = ["FORMATS", "Picture", "check_format", "check_size", "load", "read_settings", "resized",
           "save", "scaled", "to_image", "to_picture", "to_tensor"]


def load(source: Any, role: str) -> Picture:
    """A picture in sRGB, the right way up, with its transparency.

    Parameters
    ----------
    source : str, Path, Picture, Pillow image or array
        Arrays are H×W, H×W×3 or H×W×4: integers 0-255, or floats 0-1.
    role : str
        What the picture is for ("content", "style" …), for messages.

    Raises
    ------
    FileError
        The file is missing, damaged or no picture.
    ArgumentError
        The array or image has another shape, type or range.
    """
    if isinstance(source, Picture):
        return source
    if isinstance(source, (str, Path)):
        return files.read(Path(source), role)
    if not isinstance(source, Image.Image):
        return from_array(np.asarray(source), role)
    try:
        return from_pillow(source)
    except ValueError as error:
        raise ArgumentError(f"the {role} picture is no RGB picture: {error}") from None


def save(picture: Picture | Image.Image, path: Path, settings: Mapping[str, Any] | None = None
         ) -> None:
    """Write a picture in the format of its name's ending, all at once.

    Parameters
    ----------
    settings : mapping, optional
        What made the picture, to be embedded in the file; see `picture_files.write`.

    Raises
    ------
    ArgumentError, FileError
        The ending is unknown, or the file cannot be written.
    """
    files.write(load(picture, "finished"), path, settings)


def scaled(picture: Picture, long_side: int) -> Picture:
    """The picture with its longer side ``long_side`` pixels long (Lanczos), shape kept."""
    return picture.scaled(long_side)


def resized(picture: Picture, size: tuple[int, int]) -> Picture:
    """The picture with exactly ``size`` (width, height) in pixels (Lanczos)."""
    return picture.resized(size)


def check_size(picture: Picture, source: Any, role: str, layers: set[str]) -> None:
    """Demand that the scaled picture leaves something to see in the deepest of ``layers``.

    Parameters
    ----------
    source, role : where it was loaded from and what for, as in `load`, for the message.

    Raises
    ------
    ArgumentError
        A side is too short; the message says the least size.
    """
    least = vgg.min_size(layers)
    width, height = picture.size
    if min(width, height) < least:
        name = f" {source}" if isinstance(source, (str, Path)) else ""
        raise ArgumentError(f"the {role} picture{name} is {width}×{height} pixels after scaling, "
                            f"but {vgg.deepest(layers)} needs at least {least} pixels on each "
                            f"side; give a larger size or picture, or layers that are less deep")


# ------------------------------------------------------------------- to tensors and back


def to_tensor(picture: Picture | Image.Image, network: vgg.Network, device: str) -> Tensor:
    """An RGB picture as a centred tensor 1×3×H×W, float32; transparency is left out."""
    pixels = np.asarray(picture, np.float32)
    if network.color_order == "BGR":
        pixels = pixels[..., ::-1]
    centred = np.ascontiguousarray(pixels - np.array(network.mean, np.float32))
    return Tensor(centred.transpose(2, 0, 1)[None], device=device)


def to_picture(tensor: Tensor, network: vgg.Network, alpha: np.ndarray | None = None) -> Picture:
    """A centred tensor 1×3×H×W as a picture of floats; values beyond 0-255 are clipped.

    Parameters
    ----------
    alpha : array H×W, optional
        Transparency, 0-255; see `Picture`.
    """
    pixels = tensor.numpy()[0].transpose(1, 2, 0) + np.array(network.mean, np.float32)
    if network.color_order == "BGR":
        pixels = pixels[..., ::-1]
    return Picture(np.ascontiguousarray(pixels.clip(0, 255)), alpha)


def to_image(tensor: Tensor, network: vgg.Network) -> Image.Image:
    """A centred tensor 1×3×H×W as a Pillow image, RGB, 8 bits."""
    return to_picture(tensor, network).image()
