"""Pictures from files, Pillow images or arrays to tensors of the network, and back.

Tensors are "centred": N×3×H×W on the scale of pixels, 0-255, minus the network's mean, in its
colour order. In memory the channels are innermost, as in a picture file, because that is fastest
for the engine's kernels.
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
    """An upright picture in sRGB, with its transparency.

    Parameters
    ----------
    source : str, Path, Picture, Pillow image or array
        Arrays are H×W, H×W×3 or H×W×4: integers 0-255, or floats 0-1.
    role : str
        The purpose of the picture ("content", "style" …), for messages.

    Raises
    ------
    FileError
        The file is missing, damaged or not a picture.
    ArgumentError
        The array or image has another shape, type or range.
    """
    if isinstance(source, Picture):
        return source
    if isinstance(source, (str, Path)):
        return files.read(Path(source), role)
    if not isinstance(source, Image.Image):
        try:
            array = np.asarray(source)
        except ValueError:                  # lists of different lengths
            raise ArgumentError(f"the {role} picture is no array: its rows have different lengths"
                                ) from None
        return from_array(array, role)
    try:
        return from_pillow(source)
    except ValueError as error:
        raise ArgumentError(f"the {role} picture is not an RGB picture: {error}") from None


def save(picture: Picture | Image.Image, path: Path, settings: Mapping[str, Any] | None = None
         ) -> None:
    """Write a picture atomically, in the format of the path's suffix.

    Parameters
    ----------
    settings : mapping, optional
        The settings of the picture, to be embedded in the file; see `nst.pictures.files.write`.

    Raises
    ------
    ArgumentError, FileError
        The suffix is unknown, or the file cannot be written.
    """
    files.write(load(picture, "finished"), path, settings)


def scaled(picture: Picture, long_side: int) -> Picture:
    """See `Picture.scaled`."""
    return picture.scaled(long_side)


def resized(picture: Picture, size: tuple[int, int]) -> Picture:
    """See `Picture.resized`."""
    return picture.resized(size)


def check_size(picture: Picture, source: Any, role: str, layers: set[str]) -> None:
    """Check that a scaled picture is large enough for the deepest of `layers`.

    Parameters
    ----------
    source, role
        As for `load`; they appear in the message.

    Raises
    ------
    ArgumentError
        A side is too short.
    """
    smallest = vgg.min_size(layers)
    width, height = picture.size
    if min(width, height) < smallest:
        name = f" {source}" if isinstance(source, (str, Path)) else ""
        raise ArgumentError(f"the {role} picture{name} is {width}×{height} pixels after scaling, "
                            f"but {vgg.deepest(layers)} needs at least {smallest} pixels on each "
                            f"side; choose a larger size or picture, or shallower layers")


# ------------------------------------------------------------------- to tensors and back


def to_tensor(picture: Picture | Image.Image, network: vgg.Network, device: str) -> Tensor:
    """An RGB picture as a centred tensor 1×3×H×W of float32, without transparency."""
    pixels = np.asarray(picture, np.float32)
    if network.color_order == "BGR":
        pixels = pixels[..., ::-1]
    centred = np.ascontiguousarray(pixels - np.array(network.mean, np.float32))
    return Tensor(centred.transpose(2, 0, 1)[None], device=device)


def to_picture(tensor: Tensor, network: vgg.Network, alpha: np.ndarray | None = None) -> Picture:
    """A centred tensor 1×3×H×W as a picture of floats, clipped to 0-255.

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
    """A centred tensor 1×3×H×W as an 8-bit RGB Pillow image."""
    return to_picture(tensor, network).image()
