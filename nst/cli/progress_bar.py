"""The progress bar of a run."""

from __future__ import annotations

import sys

from tqdm import tqdm

from nst.job.transfer import Job
from nst.optimize.progress import Progress
from nst.output.words import in_pixels, losses_in_words


class ProgressBar:
    """Show iteration, time per iteration, remaining time, size and losses on stderr.

    On a terminal the line is rewritten; elsewhere a new line is printed from time to time.
    """

    def __init__(self, job: Job, done: int = 0) -> None:
        terminal = sys.stderr.isatty()
        self.sizes = [in_pixels(scale.size) for scale in job.scales]
        # Time before losses: a narrow terminal cuts off the end.
        self.bar = tqdm(total=job.settings.iterations, initial=done, dynamic_ncols=terminal,
                        mininterval=0.2 if terminal else 10,
                        bar_format="{n_fmt}/{total_fmt} |{bar:12}| {rate_inv_fmt}, {remaining} "
                                   "left{postfix[0]}", postfix=[""])

    def __call__(self, progress: Progress) -> None:
        last = progress.history[-1]
        self.bar.postfix[0] = f", {self.sizes[last.scale]}, {losses_in_words(last)}"
        self.bar.update(last.iteration - self.bar.n)

    def close(self) -> None:
        self.bar.close()
