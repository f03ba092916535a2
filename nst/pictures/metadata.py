"""The settings of a run as JSON, embedded in its picture.

PNG stores them in a text chunk, JPEG and WebP in the user comment of EXIF, TIFF in the image
description. Programs that copy metadata copy them too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from minigrad.version import __version__
from nst.system import strict_json

SOFTWARE = f"minigrad nst {__version__}"
KEY = "nst"                     # of the PNG chunk, and in the outermost JSON object
MAX_EXIF_BYTES = 60_000         # a JPEG segment holds 65,533
MAX_TEXT = 1 << 22              # characters; of JSON, each may take 30 bytes

_DESCRIPTION, _SOFTWARE, _EXIF, _USER_COMMENT = 0x010E, 0x0131, 0x8769, 0x9286
_ASCII = b"ASCII\0\0\0"


def as_text(settings: Mapping[str, Any] | None) -> str:
    """The settings as ASCII JSON, which every format can store.

    "" if there are none, or JSON has no words for them: the picture counts for more.
    """
    if settings is None:
        return ""
    try:
        return json.dumps({KEY: __version__, "settings": dict(settings)}, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return ""


def for_png(settings: Mapping[str, Any] | None) -> PngInfo:
    """The text chunks of a PNG."""
    info = PngInfo()
    info.add_text("Software", SOFTWARE)
    text = as_text(settings)
    if text:
        info.add_text(KEY, text)
    return info


def for_exif(settings: Mapping[str, Any] | None) -> Image.Exif:
    """The EXIF block of a JPEG or WebP; settings that are too long are left out."""
    exif = Image.Exif()
    exif[_SOFTWARE] = SOFTWARE
    text = as_text(settings).encode()
    if text and len(text) <= MAX_EXIF_BYTES:
        exif.get_ifd(_EXIF)[_USER_COMMENT] = _ASCII + text
    return exif


def read_settings(image: Image.Image) -> dict[str, Any] | None:
    """The settings embedded in an open Pillow image; None if there are none from nst."""
    exif = image.getexif()
    comment = exif.get_ifd(_EXIF).get(_USER_COMMENT, b"")
    if isinstance(comment, bytes):
        comment = comment.removeprefix(_ASCII).decode("ascii", "replace")
    for text in (image.info.get(KEY), comment, exif.get(_DESCRIPTION)):
        settings = _parsed(text)
        if settings is not None:
            return settings
    return None


def _parsed(text: Any) -> dict[str, Any] | None:
    if not isinstance(text, str) or len(text) > MAX_TEXT:
        return None
    try:
        content = strict_json.loads(text)
    except ValueError:
        return None                             # a comment of another program
    if not isinstance(content, dict) or KEY not in content:
        return None
    settings = content.get("settings")
    return settings if isinstance(settings, dict) else None
