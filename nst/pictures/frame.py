"""A small, encoded picture for an HTML page."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

from nst.pictures.picture import Picture

MAX_SIDE = 960          # pixels; larger pictures are scaled down to it


@dataclass(frozen=True)
class Frame:
    """A picture as the page holds it: encoded, so that many of them fit into memory.

    Attributes
    ----------
    iteration : int
        After which it looked like this.
    label : str
        What the slider says about it.
    data : bytes
        A JPEG, or a PNG where there is transparency.
    size : (int, int)
        Width and height of what is encoded.
    """

    iteration: int
    label: str
    data: bytes
    size: tuple[int, int]

    @classmethod
    def of(cls, picture: Picture, iteration: int = 0, label: str = "") -> Frame:
        """Scale down to what a page can show, and encode."""
        if max(picture.size) > MAX_SIDE:
            picture = picture.scaled(MAX_SIDE)
        image, encoded = picture.image(), io.BytesIO()
        if picture.alpha is None:           # good enough to be looked at, a third of the size
            image.save(encoded, "JPEG", quality=88)
        else:
            image.save(encoded, "PNG")
        return cls(iteration, label or f"iteration {iteration}", encoded.getvalue(), picture.size)

    @property
    def source(self) -> str:
        """As the address of an image."""
        kind = "png" if self.data.startswith(b"\x89PNG") else "jpeg"
        return f"data:image/{kind};base64,{base64.b64encode(self.data).decode()}"
