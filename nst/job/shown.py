"""HTML of a result for notebooks: the picture, how the losses fell, and the facts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Any

from minigrad.html import INK, Markup, block, image, paragraph, table
from nst.optimize.progress import Iteration
from nst.pictures.frame import Frame
from nst.pictures.picture import Picture

WIDTH, HEIGHT = 420, 120
TERMS = {"total": "#7b8794", "content": "#2f6fb7", "style": "#d9691f"}


def result_html(picture: Picture, history: Sequence[Iteration], facts: Sequence[tuple[str, Any]]
                ) -> str:
    """A picture with its curves and a table of facts.

    Parameters
    ----------
    facts : names and values, in the order of the table.
    """
    width, height = picture.size
    image = Markup(f'<img src="{Frame.of(picture).source}" alt="result, {width}×{height} pixels" '
                   f'style="max-width: 100%; max-height: 640px">')
    return block(image, losses_image(history), table(facts))


def losses_image(history: Sequence[Iteration]) -> Markup:
    """Total, content and style loss over the iterations, on a logarithmic axis.

    Losses of different sizes of the picture cannot be compared, so each size begins a new line.
    """
    values = [value for entry in history for name in TERMS
              if (value := getattr(entry, name)) is not None and 0 < value < math.inf]
    if len(history) < 2 or not values:
        return paragraph("no losses to draw")
    low, high = math.log(min(values)), math.log(max(values))
    last = history[-1].iteration or 1
    lines = []
    for name, color in TERMS.items():
        for scale in sorted({entry.scale for entry in history}):
            points = " ".join(
                f"{WIDTH * entry.iteration / last:.1f},"
                f"{HEIGHT - HEIGHT * (math.log(value) - low) / ((high - low) or 1):.1f}"
                for entry in history if entry.scale == scale
                and (value := getattr(entry, name)) is not None and 0 < value < math.inf)
            lines.append(f'<polyline points="{points}" fill="none" stroke="{color}" '
                         f'stroke-width="1.6"/>')
    legend = "".join(f'<text x="{90 * i}" y="{HEIGHT + 32}" fill="{color}">● '
                     f'<tspan fill="{INK}">{escape(name)}</tspan></text>'
                     for i, (name, color) in enumerate(TERMS.items()))
    drawing = (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH + 8}" '
               f'height="{HEIGHT + 44}" viewBox="-4 -4 {WIDTH + 8} {HEIGHT + 44}" '
               f'font-family="sans-serif" font-size="12" fill="{INK}">{"".join(lines)}'
               f'<text x="0" y="{HEIGHT + 14}">iteration 0</text><text x="{WIDTH}" '
               f'y="{HEIGHT + 14}" text-anchor="end">{last}</text>{legend}</svg>')
    return image(drawing, f"losses over {last} iterations, from {math.exp(high):.3g} to "
                          f"{math.exp(low):.3g}")
