"""Time per picture of style transfer and CycleGAN, and of CPU and GPU."""

from __future__ import annotations

import argparse
import copy
import time
from pathlib import Path

import numpy as np

from examples.cyclegan import domains
from examples.cyclegan.train import Settings, Trainer
from examples.session import Results, Session
from examples.style_experiments.weighting import opened
from minigrad import backend, cuda
from nst.pictures.picture import Picture

STEPS_TIMED, TRANSLATIONS_TIMED = 2, 3      # after an untimed one


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the option for a trained CycleGAN."""
    parser.add_argument("--checkpoint", type=Path, metavar="FILE",
                        help="checkpoint.h5 of examples.cyclegan (default: an untrained network, "
                             "which takes as long)")


def seconds(session: Session, given: argparse.Namespace, results: Results) -> None:
    """Seconds per picture by optimisation and by a generator; when training pays off.

    The document finds style transfer much quicker, because it includes the training of CycleGAN.
    """
    trainer = (Trainer(Settings(seed=given.seed), given.device) if given.checkpoint is None
               else Trainer.load(given.checkpoint, given.device))
    content, style = opened(given)
    results.heading = {"content": content, "style": style}
    painted = results.paint("style transfer", content, style, session.settings()).seconds
    translated = time_translation(trainer, content, given.size)
    step, steps = time_training(trainer), trainer.settings.steps
    results.summary = {"style_transfer_seconds": painted, "cyclegan_seconds": translated,
                     "cyclegan_step_seconds": step, "cyclegan_steps": steps}
    print(f"CycleGAN ({trainer.settings.filters} filters, {trainer.settings.blocks} blocks): "
          f"{translated:.3f} s for the same picture; style transfer takes "
          f"{painted / translated:,.0f} times as long")
    pictures = step * steps / max(painted - translated, 1e-9)
    print(f"its training, {steps:,} steps of {trainer.settings.size}×{trainer.settings.size} "
          f"pixels, takes {step:.3f} s each, {step * steps / 60:,.0f} minutes in all: it pays off "
          f"after {max(pictures, 0):,.0f} pictures")
    results.summary["pictures_until_training_pays"] = pictures


def time_translation(trainer: Trainer, content: Picture, size: int) -> float:
    """Return the seconds of one translation of the picture, the median of a few."""
    scaled = content.on_white().scaled(size)
    width, height = (max(4, side // 4 * 4) for side in scaled.size)  # halved twice
    pixels = np.asarray(scaled.resized((width, height)), np.float32) / 127.5 - 1
    batch = np.ascontiguousarray(pixels.transpose(2, 0, 1))[None]
    return _median(lambda: trainer.translate(batch, "b"), TRANSLATIONS_TIMED)


def time_training(trainer: Trainer) -> float:
    """Return the seconds of one step, the median of a few; they change the trainer."""
    side = trainer.settings.size
    shown = np.stack([domains.photograph(side, 0)]), np.stack([domains.painting(side, 5)])
    known = domains.Domains(*shown, *shown)
    return _median(lambda: trainer.learn_from(known), STEPS_TIMED)


def _median(work, count: int) -> float:
    work()                              # reserves memory and fills caches
    times = []
    for _ in range(count):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def devices(session: Session, given: argparse.Namespace, results: Results) -> None:
    """The same picture on the CPU and, if there is one, on the GPU, timed as in the workshop.

    The first iteration reserves memory and compiles kernels, so it is not counted.
    """
    content, style = opened(given)
    results.heading = {"content": content, "style": style}
    names = ["cpu"]
    if cuda.is_available():
        names.append(backend.canonical_device("cuda"))
    else:
        print(f"no GPU can be used, so the CPU is timed alone: {cuda.missing()}")
    for name in names:
        options = copy.copy(given)
        options.device = name
        device_session = session if name == given.device else Session(options)
        entry = results.paint(name, content, style, device_session.settings(),
                              session=device_session)
        each = float(np.median([step.seconds for step in entry.result.history[1:]]))
        results.summary[f"{name}_seconds_per_iteration"] = each
        print(f"{name}: time taken: {entry.seconds:.2f} s, {each:.4f} s for an iteration")
    if len(names) == 2:
        cpu, gpu = results.summary.values()
        results.summary["ratio"] = cpu / gpu
        print(f"the GPU is {cpu / gpu:.1f} times as fast")
