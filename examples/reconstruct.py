"""Reconstruct content and style of a picture from single layers of VGG19, starting at white noise.

Follows "Deep Learning Review", figure 11 and section 5.2, and "Workshop 3", the slides before
"Hand-on Experience".

Content: a picture with the same features as the original in a single layer, relu1_1, relu2_1,
relu3_1, relu4_1 or relu5_1, or, as in the workshop, in one of the first three poolings. It is
nearly perfect from the lower layers (a high PSNR); the higher layers keep the arrangement but lose
the pixels. Style: a picture with the same Gram matrices in the first one, two … five of these
layers, the subsets (a) to (e). It has the same texture in larger and larger shapes, without the
arrangement of the original.

The results are content.png and style.png in the folder --out, with figures in .json files. The
poolings need the full network. L-BFGS minimises equation 8, or 10 and 11, starting from white noise
whose standard deviation is one grey level.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

if not __package__:         # run as a file: the repository is one folder up
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from examples import common, session
from nst import demo
from nst.pictures import tensors
from nst.pictures.picture import Picture

SIZE, ITERATIONS = 192, 200
CONTENT_LAYERS = session.STYLE_LAYERS
POOLINGS = ("pool1", "pool2", "pool3")
FIGURE_11 = "Deep Learning Review, figure 11"


def content_sheet(current: session.Session, original: Picture) -> list[session.Entry]:
    """Paint the content from each layer alone."""
    known = tensors.scaled(original, current.given.size)
    missing = current.missing_layers(POOLINGS)
    if missing:
        print(f"{', '.join(missing)} are left out: only the full network has them (--weights FILE)")
    layers = [layer for layer in (*CONTENT_LAYERS, *POOLINGS) if layer not in missing]
    with session.Results(current, "content", f"{FIGURE_11}; Workshop 3, Visualization of features",
                         columns=len(CONTENT_LAYERS)) as results:
        results.heading = {"original": known}
        for layer in layers:
            settings = current.settings(content_layers=layer, style_weight=0)
            results.paint(layer, known, None, settings,
                          lambda picture: {"psnr": session.psnr(picture, known)})
    return results.entries


def style_sheet(current: session.Session, original: Picture) -> list[session.Entry]:
    """Paint the style from the first one, two … five layers."""
    known = tensors.scaled(original, current.given.size)
    with session.Results(current, "style", FIGURE_11, columns=len(CONTENT_LAYERS)) as results:
        results.heading = {"original": known}
        for count in range(1, len(CONTENT_LAYERS) + 1):
            settings = current.settings(style_layers=CONTENT_LAYERS[:count], content_weight=0)
            label = f"({'abcde'[count - 1]}) {', '.join(CONTENT_LAYERS[:count])}"
            results.paint(label, None, known, settings)
    return results.entries


def draw(file: Path, content: Sequence[session.Entry], style: Sequence[session.Entry]) -> None:
    """Draw the PSNR by layer, and the losses over the iterations."""
    figure, (left, middle, right) = common.panels(3, height=4.6)
    rows = range(len(content))
    left.barh(rows, [entry.figures["psnr"] for entry in content],
              color=[common.ORANGE if entry.label in POOLINGS else common.BLUE
                     for entry in content])
    left.set(title="PSNR of the content, dB", yticks=rows,
             yticklabels=[entry.label for entry in content])
    left.invert_yaxis()
    for ax, entries, title in ((middle, content, "content loss ÷ the first"),
                              (right, style, "style loss ÷ the first")):
        for entry in entries:
            totals = [entry.total for entry in entry.result.history]
            ax.plot([total / totals[0] for total in totals], label=entry.label.split()[0])
        ax.set(title=title, xlabel="iterations", yscale="log")
        ax.legend(frameon=False, fontsize=7)
    common.save_plot(figure, file)


def options() -> argparse.ArgumentParser:
    """Return the command-line options."""
    parser = common.parser("reconstruct", __doc__)
    parser.add_argument("--content", type=Path, default=demo.scene_path(), metavar="FILE",
                        help="the picture whose content is reconstructed (default: one of nst's)")
    parser.add_argument("--style", type=Path, default=demo.painting_path(), metavar="FILE",
                        help="the picture whose style is reconstructed (default: one of nst's)")
    session.add_options(parser, "reconstruct", SIZE, ITERATIONS)
    return parser


def program(arguments: Sequence[str] | None = None) -> None:
    given = options().parse_args(arguments)
    session.check_options(given)
    photograph = tensors.load(given.content, "content")
    painting = tensors.load(given.style, "style")
    for picture, file, role in ((photograph, given.content, "content"),
                                (painting, given.style, "style")):
        tensors.check_size(tensors.scaled(picture, given.size), file, role, {*CONTENT_LAYERS})
    current = session.Session(given)
    content = content_sheet(current, photograph)
    style = style_sheet(current, painting)
    if given.plot:
        draw(given.plot, content, style)


if __name__ == "__main__":
    sys.exit(common.run("reconstruct", program))
