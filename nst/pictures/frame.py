"""A small, encoded picture for an HTML page."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

from nst.pictures.picture import Picture

MAX_SIDE = 960          # pixels; larger pictures are scaled down to this


@dataclass(frozen=True)
class Frame:
    """A picture for a page, encoded so that many of them fit into memory.

    Attributes
    ----------
    iteration : int
        The iteration that the picture comes from.
    label : str
        Text beside the slider.
    data : bytes
        A JPEG, or a PNG if the picture has transparency.
    size : (int, int)
        Width and height in pixels.
    """

    iteration: int
    label: str
    data: bytes
    size: tuple[int, int]

    @classmethod
    def of(cls, picture: Picture, iteration: int = 0, label: str = "") -> Frame:
        """Encode a picture, scaled down to `MAX_SIDE` if it is larger."""
        if max(picture.size) > MAX_SIDE:
            picture = picture.scaled(MAX_SIDE)
        image, encoded = picture.image(), io.BytesIO()
        if picture.alpha is None:           # good enough for a page, and a third of the size
            image.save(encoded, "JPEG", quality=88)
        else:
            image.save(encoded, "PNG")
        return cls(iteration, label or f"iteration {iteration}", encoded.getvalue(), picture.size)

    @property
    def source(self) -> str:
        """The picture as a data URL."""
        kind = "png" if self.data.startswith(b"\x89PNG") else "jpeg"
        return f"data:image/{kind};base64,{base64.b64encode(self.data).decode()}"
