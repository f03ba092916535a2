"""A contact sheet: pictures side by side with their labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from minigrad.errors import ArgumentError
from nst.pictures.picture import Picture, fitted

MARGIN = 14             # pixels around each cell
PAPER, INK, FADED = "#ffffff", "#1f2933", "#616e7c"


@dataclass(frozen=True)
class Cell:
    """One picture of the sheet.

    Attributes
    ----------
    picture : Picture
    label : str
        Large text below the picture.
    note : str
        Small text below the label; lines may break anywhere.
    """

    picture: Picture
    label: str
    note: str = ""


def contact_sheet(cells: Sequence[Cell], columns: int | None = None, width: int = 360,
                  heading: Sequence[Cell] = ()) -> Image.Image:
    """Arrange cells in rows; each picture is scaled to fit a square, with its text below.

    Parameters
    ----------
    cells : sequence of Cell
        From left to right and from top to bottom.
    columns : int, optional
        Cells per row. Default: a roughly square sheet.
    width : int
        Width of a cell in pixels. Pictures are scaled down to it, never up.
    heading : sequence of Cell
        An extra first row, for the sources of the other pictures.

    Returns
    -------
    Pillow image, RGB

    Raises
    ------
    ArgumentError
        There is no cell, or a number is too small.
    """
    columns = _columns(len(cells), columns, width)
    rows = [list(heading)] if heading else []
    rows += [list(cells[i:i + columns]) for i in range(0, len(cells), columns)]
    images = [[_draw(cell, width) for cell in row] for row in rows]
    heights = [max(image.height for image in row) for row in images]
    sheet = Image.new("RGB", (max(map(len, images)) * (width + MARGIN) + MARGIN,
                              sum(heights) + MARGIN * (len(images) + 1)), PAPER)
    top = MARGIN
    for row, height in zip(images, heights):
        for column, image in enumerate(row):
            sheet.paste(image, (MARGIN + column * (width + MARGIN), top))
        top += height + MARGIN
    return sheet


def _columns(count: int, columns: int | None, width: int) -> int:
    """Check the numbers of a sheet, and return its cells per row."""
    if not count or width < 40 or (columns is not None and columns < 1):
        raise ArgumentError(f"a contact sheet of {count} pictures in {columns} columns, each "
                            f"{width} pixels wide, is impossible; it needs at least one picture, "
                            f"one column and 40 pixels")
    return min(columns or math.ceil(math.sqrt(count)), count)


def smallest_size(count: int, columns: int | None, width: int, heading: int) -> tuple[int, int]:
    """The width of a sheet, and a height that it has at least, whatever is on it.

    Parameters
    ----------
    count : int
        Number of cells.
    columns, width
        As for `contact_sheet`.
    heading : int
        Number of cells in the extra row.

    Raises
    ------
    ArgumentError
        See `contact_sheet`.
    """
    columns = _columns(count, columns, width)
    rows = math.ceil(count / columns) + bool(heading)
    return max(columns, heading) * (width + MARGIN) + MARGIN, rows * MARGIN


def _draw(cell: Cell, width: int) -> Image.Image:
    """Draw one cell as an image, as high as its text requires."""
    picture = cell.picture.on_white()
    if max(picture.size) > width:
        picture = picture.resized(fitted(picture.size, width))
    texts = [(line, size, color) for text, size, color in
             ((cell.label, 17, INK), (cell.note, 13, FADED))
             for line in _lines(text, _font(size), width)]
    height = picture.height + 6 + sum(size + 6 for _, size, _ in texts)
    image = Image.new("RGB", (width, height), PAPER)
    image.paste(picture.image(), (0, 0))
    pen, top = ImageDraw.Draw(image), picture.height + 6
    for line, size, color in texts:
        pen.text((0, top), line, fill=color, font=_font(size))
        top += size + 6
    return image


def _font(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)


def _lines(text: str, font: ImageFont.ImageFont | ImageFont.FreeTypeFont, width: int) -> list[str]:
    """Break text into lines that fit; a word that is too long by itself is cut."""
    lines = [""]
    for word in text.split():
        if lines[-1] and font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
            continue
        if lines[-1]:
            lines.append("")
        for letter in word:
            if lines[-1] and font.getlength(lines[-1] + letter) > width:
                lines.append("")
            lines[-1] += letter
    return lines if lines[-1] else []
