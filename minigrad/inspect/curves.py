"""Small drawings of distributions, which can be read on light and on dark pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from minigrad.html import INK, Markup, image
from minigrad.inspect.texts import short

COLORS = ("#2f6fb7", "#d9691f", "#3f8f55", "#9a4fb0", "#b08900", "#c2487f", "#0f8b8d", "#7b6a4a",
          "#5a6acf", "#8f3b2e")
DASHES = ("", "7 3", "2 3")         # after ten layers the colours begin again, with other lines
GREY = "#7f8891"


def histogram_image(one: Mapping[str, Any], width: int = 240, height: int = 60) -> Markup:
    """A histogram as `texts.histogram` counts it, with its range below."""
    counts: Sequence[int] = one["counts"]
    top, step = max(counts), width / len(counts)
    bars = "".join(f'<rect x="{i * step + 0.5:.1f}" y="{height - height * n / top:.1f}" '
                   f'width="{max(step - 1, 1):.1f}" height="{height * n / top:.1f}"/>'
                   for i, n in enumerate(counts) if n)
    words = f"histogram of {one['size']} elements from {one['low']} to {one['high']}"
    rest = ", ".join([f"{one[kind]:,} {said}" for kind, said in
                      (("zeros", "are 0"), ("bad", "are NaN or infinite")) if one[kind]])
    label = f"{words}, {rest}" if rest else words
    lines = [f'<text x="0" y="{height + 13}">{escape(one["low"])}</text>',
             f'<text x="{width}" y="{height + 13}" text-anchor="end">{escape(one["high"])}</text>']
    if rest:
        lines.append(f'<text x="{width / 2}" y="{height + 13}" text-anchor="middle">'
                     f'{escape(rest)}</text>')
    return image(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height + 18}" '
        f'font-family="sans-serif" font-size="11" fill="{INK}">'
        f'<g fill="{COLORS[0]}">{bars}</g>'
        f'<line x1="0" x2="{width}" y1="{height}" y2="{height}" stroke="{GREY}"/>'
        f'{"".join(lines)}</svg>', label)


def densities_svg(layers: Mapping[str, Any], title: str, width: int = 560, height: int = 180
                  ) -> str:
    """The distributions of several arrays over one axis, each a line, with a legend below.

    Arrays without finite elements are left out. The axis holds all but the outermost half percent
    of each array.
    """
    finite = {name: values[np.isfinite(values)] for name, values in layers.items()}
    finite = {name: values for name, values in finite.items() if values.size}
    if not finite:
        return ""
    ends = [np.quantile(values, (0.005, 0.995)) for values in finite.values()]
    low, high = min(float(a) for a, _ in ends), max(float(b) for _, b in ends)
    if high - low <= 1e-30:
        low, high = low - 0.5, high + 0.5
    counts = {name: np.histogram(np.clip(values, low, high), 48, (low, high))[0] / values.size
              for name, values in finite.items()}
    top = max(float(one.max()) for one in counts.values())
    parts = [f'<text x="0" y="14" font-weight="bold">{escape(title)}</text>']
    for i, (name, one) in enumerate(counts.items()):
        points = " ".join(f"{(k + 0.5) * width / 48:.1f},{height - (height - 28) * n / top:.1f}"
                          for k, n in enumerate(one))
        color, dash = COLORS[i % len(COLORS)], DASHES[i // len(COLORS) % len(DASHES)]
        line = f'stroke="{color}" stroke-width="2" stroke-dasharray="{dash}"'
        x, y = (i % 3) * width / 3, height + 36 + 16 * (i // 3)
        parts += [f'<polyline points="{points}" fill="none" {line}>'
                  f'<title>{escape(name)}</title></polyline>',
                  f'<line x1="{x:.0f}" x2="{x + 22:.0f}" y1="{y - 4}" y2="{y - 4}" {line}/>',
                  f'<text x="{x + 28:.0f}" y="{y}">{escape(_shortened(name))}</text>']
    parts += [f'<line x1="0" x2="{width}" y1="{height}" y2="{height}" stroke="{GREY}"/>',
              f'<text x="0" y="{height + 14}">{short(low)}</text>',
              f'<text x="{width}" y="{height + 14}" text-anchor="end">{short(high)}</text>']
    total = height + 44 + 16 * ((len(counts) - 1) // 3)
    names = ", ".join(counts)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-4 0 {width + 8} {total}" '
            f'width="{width + 8}" height="{total}" role="img" '
            f'aria-label="{escape(title)}: {escape(names)}" '
            f'font-family="sans-serif" font-size="12" fill="{INK}">'
            f'{"".join(parts)}</svg>')


def _shortened(name: str, longest: int = 24) -> str:
    return name if len(name) <= longest else "…" + name[-longest + 1:]
