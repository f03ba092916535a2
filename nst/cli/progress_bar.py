"""The progress bar of a run."""

from __future__ import annotations

import sys
from typing import TextIO

from tqdm import tqdm

from nst.job.transfer import Job
from nst.optimize.progress import Progress
from nst.output.words import in_pixels, losses_in_words


class _Bar(tqdm):
    """A bar without tqdm's thread, which redraws bars that stand still."""

    monitor_interval = 0


class ProgressBar:
    """Show iteration, time per iteration, remaining time, size and losses on stderr.

    On a terminal the line is rewritten; in a log a new line is printed from time to time.
    """

    def __init__(self, job: Job, done: int = 0) -> None:
        terminal = sys.stderr.isatty()
        self.sizes = [in_pixels(scale.size) for scale in job.scales]
        # Time before losses: a narrow terminal cuts off the end.
        self.bar = _Bar(total=job.settings.iterations, initial=done, dynamic_ncols=terminal,
                        mininterval=0.2 if terminal else 10,
                        file=sys.stderr if terminal else _Lines(sys.stderr),
                        bar_format="{n_fmt}/{total_fmt} |{bar:12}| {rate_inv_fmt}, {remaining} "
                                   "left{postfix[0]}", postfix=[""])

    def __call__(self, progress: Progress) -> None:
        last = progress.history[-1]
        self.bar.postfix[0] = f", {self.sizes[last.scale]}, {losses_in_words(last)}"
        self.bar.update(last.iteration - self.bar.n)

    def close(self) -> None:
        self.bar.close()


class _Lines:
    """Prints each state of a bar on a line of its own, without carriage returns."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.last = ""

    def write(self, text: str) -> None:
        line = text.strip()             # the bar writes a carriage return, or the end of a line
        if line and line != self.last:
            self.stream.write(f"{line}\n")
            self.last = line

    def flush(self) -> None:
        self.stream.flush()
