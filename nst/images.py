"""Pictures: from files, Pillow or arrays to the network's tensors, and back.

In between, a picture is N×3×H×W on the scale of pixels, 0-255, with the network's mean taken
off and its order of colours: "centred". In memory the channels stay innermost, as a picture
file has them; the engine's kernels like that order best.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from minigrad import Tensor
from minigrad.errors import ArgumentError, FileError
from nst import vgg
from nst.files import write_atomically

# What is written under each ending, and how: the least loss that the format offers cheaply.
FORMATS = {
    ".png": ("PNG", {}),
    ".jpg": ("JPEG", {"quality": 95, "subsampling": 0}),
    ".jpeg": ("JPEG", {"quality": 95, "subsampling": 0}),
    ".webp": ("WEBP", {"lossless": True}),
}


# ------------------------------------------------------------------------------ in


def load(source: Any, role: str) -> Image.Image:
    """A picture as 8-bit RGB, the right way up.

    Parameters
    ----------
    source : str, Path, Pillow image or array
        Arrays are H×W, H×W×3 or H×W×4: integers 0-255, or floats 0-1.
    role : str
        What the picture is for ("content", "style" …), for messages.

    Raises
    ------
    FileError
        The file is missing or no picture.
    ArgumentError
        The array has another shape, type or range.
    """
    if isinstance(source, (str, Path)):
        image = _open(Path(source), role)
    elif isinstance(source, Image.Image):
        image = source
    else:
        image = _from_array(np.asarray(source), role)
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16"):       # Pillow would clip 16-bit grey at 255, not scale it
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return image.convert("RGB")


def _open(path: Path, role: str) -> Image.Image:
    try:
        with Image.open(path) as image:
            image.load()
            return image
    except FileNotFoundError:
        raise FileError(f"the {role} picture {path} does not exist") from None
    except IsADirectoryError:
        raise FileError(f"the {role} picture {path} is a folder; name a picture in it") from None
    except UnidentifiedImageError:
        raise FileError(f"the {role} picture {path} is not a picture, or of a kind that Pillow "
                        f"cannot read; JPEG and PNG are safe choices") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        # Pillow reports damage in all of these, depending on the format.
        raise FileError(f"the {role} picture {path} cannot be read: {error}") from None


def _from_array(array: np.ndarray, role: str) -> Image.Image:
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise ArgumentError(f"the {role} picture is an array of shape {array.shape}, but must be "
                            f"height × width, with 3 (RGB) or 4 (RGBA) channels last if any")
    if array.dtype.kind not in "iuf" or not array.size:
        raise ArgumentError(f"the {role} picture is an array of {array.size} elements of type "
                            f"{array.dtype}, but must hold integers 0-255 or floats 0-1")
    top = 1 if array.dtype.kind == "f" else 255
    low, high = array.min(), array.max()
    if not (low >= 0 and high <= top):      # also catches NaN
        raise ArgumentError(f"the {role} picture is an array of {array.dtype} from {low} to "
                            f"{high}, but its values must lie in 0-{top}")
    scaled = np.round(array * 255.0) if top == 1 else array
    return Image.fromarray(scaled.astype(np.uint8))


def scaled(image: Image.Image, long_side: int) -> Image.Image:
    """The picture with its longer side ``long_side`` pixels long (Lanczos), shape kept."""
    factor = long_side / max(image.size)
    width, height = (max(1, round(side * factor)) for side in image.size)
    return resized(image, (width, height))


def resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The picture with exactly ``size`` (width, height) in pixels (Lanczos)."""
    return image if image.size == size else image.resize(size, Image.Resampling.LANCZOS)


def check_size(image: Image.Image, source: Any, role: str, layers: set[str]) -> None:
    """Demand that the scaled picture leaves something to see in the deepest of ``layers``.

    Parameters
    ----------
    source, role : where it was loaded from and what for, as in `load`, for the message.

    Raises
    ------
    ArgumentError
        A side is too short; the message says the least size.
    """
    least = vgg.least_size(layers)
    width, height = image.size
    if min(width, height) < least:
        name = f" {source}" if isinstance(source, (str, Path)) else ""
        raise ArgumentError(f"the {role} picture{name} is {width}×{height} pixels after scaling, "
                            f"but {vgg.deepest(layers)} needs at least {least} pixels on each "
                            f"side; give a larger size or picture, or layers that are less deep")


# ------------------------------------------------------------------- to tensors and back


def to_tensor(image: Image.Image, network: vgg.Network, device: str) -> Tensor:
    """An RGB picture as a centred tensor 1×3×H×W, float32."""
    pixels = np.asarray(image, np.float32)
    if network.color_order == "BGR":
        pixels = pixels[..., ::-1]
    centred = np.ascontiguousarray(pixels - np.array(network.mean, np.float32))
    return Tensor(centred.transpose(2, 0, 1)[None], device=device)


def to_image(picture: Tensor, network: vgg.Network) -> Image.Image:
    """A centred tensor 1×3×H×W as an RGB picture; values beyond 0-255 are clipped."""
    pixels = picture.numpy()[0].transpose(1, 2, 0) + np.array(network.mean, np.float32)
    if network.color_order == "BGR":
        pixels = pixels[..., ::-1]
    return Image.fromarray(pixels.clip(0, 255).round().astype(np.uint8))


# ----------------------------------------------------------------------------- out


def check_format(path: Path) -> None:
    """Demand an ending that says how to write the picture.

    Raises
    ------
    ArgumentError
        The ending is missing or unknown.
    """
    if path.suffix.lower() not in FORMATS:
        raise ArgumentError(f"the output {path} must end in {', '.join(FORMATS)}, "
                            f"which says what kind of picture to write")


def save(image: Image.Image, path: Path) -> None:
    """Write the picture in the format of its name's ending, all at once.

    Raises
    ------
    ArgumentError, FileError
        The ending is unknown, or the file cannot be written.
    """
    check_format(path)
    kind, how = FORMATS[path.suffix.lower()]
    encoded = io.BytesIO()
    image.save(encoded, kind, **how)
    write_atomically(path, encoded.getvalue())
