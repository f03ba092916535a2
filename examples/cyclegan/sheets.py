"""Results of a run: a sheet of held-out pictures with their translations, and loss curves."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from examples import common
from examples.cyclegan.domains import Domains
from examples.cyclegan.train import NAMES, Trainer
from minigrad.files import write_atomically

COLUMNS, GAP = 8, 2
MIN_WIDTH = 1000      # small pictures are enlarged until the sheet has this width


def write_sheet(trainer: Trainer, domains: Domains, file: Path) -> None:
    """Write a sheet with six rows: A, translated to B, and back; B, translated to A, and back."""
    rows = []
    for pictures, to, back in ((domains.test_a, "b", "a"), (domains.test_b, "a", "b")):
        shown = pictures[:COLUMNS]
        there = trainer.translate(shown, to)
        rows += [shown, there, trainer.translate(there, back)]
    sheet = np.concatenate([_row(row, gap=8 if k == 3 else GAP) for k, row in enumerate(rows)])
    image = Image.fromarray(sheet)
    factor = -(-MIN_WIDTH // image.width)
    image = image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
    data = io.BytesIO()
    image.save(data, "PNG")
    write_atomically(file, data.getvalue())


def _row(pictures: np.ndarray, gap: int) -> np.ndarray:
    """Return pictures N×3×H×W side by side, with white between them and above."""
    pixels = np.round((pictures.clip(-1, 1) + 1) * 127.5).astype(np.uint8).transpose(0, 2, 3, 1)
    framed = np.pad(pixels, ((0, 0), (gap, 0), (0, GAP), (0, 0)), constant_values=255)
    return np.concatenate(list(framed), axis=1)


def draw_losses(trainer: Trainer, file: Path) -> None:
    """Draw every loss over the steps, as running means."""
    history = np.array(trainer.history)
    window = max(1, len(history) // 60)
    kernel = np.ones(window) / window
    figure, axes = common.panels(3)
    groups = (("Do the translations look real?", ("adversarial_ab", "adversarial_ba")),
              ("Do cycles return? Is the target kept?", ("cycle_a", "cycle_b", "identity")),
              ("Can they be told apart?", ("d_a", "d_b")))
    colours = (common.BLUE, common.ORANGE, common.GREEN)
    for ax, (title, names) in zip(axes, groups):
        for name, colour in zip(names, colours):
            smooth = np.convolve(history[:, NAMES.index(name)], kernel, "valid")
            ax.plot(np.arange(len(smooth)) + window, smooth, color=colour, label=name)
        ax.set(title=title, xlabel=f"steps (means of {window})", ylim=(0, None))
        ax.legend(frameon=False)
    axes[2].axhline(0.25, color=common.GREY, linewidth=1, linestyle="--")
    axes[2].annotate("¼: they cannot", (len(history), 0.25), xytext=(0, 3),
                     textcoords="offset points", ha="right", fontsize=8)
    common.save_plot(figure, file)
