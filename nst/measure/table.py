"""The figures of a result in words: the rows of a table, and one line."""

from __future__ import annotations

from nst.measure.metrics import Quality

NONE = "–"


def rows(quality: Quality) -> list[tuple[str, str, str]]:
    """Return (name, value, remark) for each figure, the most telling first."""
    unused = _layers(quality.swd_unused) or "the network has none of these layers"
    return [
        ("SWD", _number(quality.swd_mean), f"style layers: {_layers(quality.swd) or NONE}"),
        ("SWD, unused", _number(quality.swd_unused_mean), f"other layers: {unused}"),
        ("colours", _number(quality.color_distance, ".1f"),
         "distance from those of the style, in grey levels"),
        ("ripples", _number(quality.ripples, ".2f"),
         "energy in the plain parts; 1: that of the style"),
        ("relief", _number(quality.relief, ".2f"),
         "ratio of fine to coarse energy in the plain parts; 1: as in the style"),
        ("rim", _number(quality.rim, ".1%"),
         f"difference from the pixels inside it; worst side: {quality.rim_place or NONE}"),
        ("clipped", _number(quality.clipped, ".2%"),
         "of the pixels have a channel at 0-2 or 253-255, less those of the style"),
        ("content error", _number(quality.content_mean), _layers(quality.content)),
        ("SSIM", _number(quality.ssim), "of luminance, with the content; 1: equal"),
        ("Gram error", _number(quality.style_mean), f"mean of {_layers(quality.style) or NONE}"),
        ("border index", _number(quality.border),
         f"content {_number(quality.content_border)}; 1: the outer 4 pixels are as busy as the 8 "
         "beside them"),
    ]


def line(quality: Quality) -> str:
    """Return the main figures in one line, for the caption of a picture."""
    return (f"SWD {_number(quality.swd_mean)}, unused layers {_number(quality.swd_unused_mean)}, "
            f"colours {_number(quality.color_distance, '.1f')}, "
            f"ripples {_number(quality.ripples, '.2f')}, "
            f"relief {_number(quality.relief, '.2f')}, rim {_number(quality.rim, '.0%')}, "
            f"clipped {_number(quality.clipped, '.1%')}, "
            f"content error {_number(quality.content_mean)}, SSIM {_number(quality.ssim)}, "
            f"Gram error {_number(quality.style_mean)}")


def _number(value: float | None, form: str = ".3f") -> str:
    return NONE if value is None else format(value, form)


def _layers(values: dict[str, float | None]) -> str:
    return ", ".join(f"{layer} {_number(value)}" for layer, value in values.items())
