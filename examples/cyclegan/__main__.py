"""CycleGAN: photographs to paintings and back, learned from two unpaired sets of pictures.

Follows "Advanced Topics in Deep Learning: Final Course Project", sections 4.1 and 5.1. Without
folders the program draws its own two domains, landscapes as photographs and as paintings, 64×64.
By default the networks are small enough for two cores and about twenty minutes. --full uses the
document's networks (64 filters, nine blocks, 256×256, the discriminator of 70×70), which need a
GPU. --describe prints sizes and receptive fields without training. The document's learning rate is
--rate 1e-4; the default, 2e-4, is the paper's.

The results go to the folder --out: checkpoint.h5, from which --resume continues; a sheet of
translations every --save-every steps; and result.json. It says what share of held-out translations
a classifier assigns to the target domain, what the best constant colour map achieves, and the
cycle errors.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

if not __package__:         # run as a file: the repository is two folders up
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from examples import common
from examples.cyclegan import classifier, domains, networks, sheets
from examples.cyclegan.train import Settings, Trainer
from minigrad.errors import ArgumentError
from minigrad.files import check_writable, write_atomically

FULL = {"size": 256, "filters": 64, "blocks": 9, "discriminator": "patch70", "steps": 200_000}
PICTURES, HELD_OUT = 150, 48


def options() -> argparse.ArgumentParser:
    """Return the command-line options; settings that are not given are None."""
    parser = common.parser("cyclegan", __doc__)
    add, whole = parser.add_argument, common.counting_number
    add("--a", type=Path, metavar="FOLDER", help="pictures of domain A (default: drawn)")
    add("--b", type=Path, metavar="FOLDER", help="pictures of domain B (default: drawn)")
    add("--out", type=Path, default=Path("cyclegan"), metavar="FOLDER",
        help="folder for all results (default: cyclegan)")
    add("--resume", action="store_true", help="continue from the checkpoint in --out")
    add("--describe", action="store_true", help="print the networks and exit")
    add("--full", action="store_true", help="use the document's sizes, for a GPU")
    add("--size", type=whole, metavar="N", help="side of the pictures, pixels (default: 64)")
    add("--filters", type=whole, metavar="N", help="filters of the first convolution (default: 16)")
    add("--blocks", type=whole, metavar="N", help="number of residual blocks (default: 4)")
    add("--discriminator", choices=networks.DISCRIMINATORS, help="(default: patch34)")
    add("--steps", type=whole, metavar="N", help="pairs of pictures to learn from (default: 6000)")
    add("--rate", type=rate, metavar="X", help="learning rate of Adam (default: 2e-4)")
    add("--pictures", type=whole, default=PICTURES, metavar="N",
        help=f"pictures drawn of each domain (default: {PICTURES})")
    add("--held-out", type=whole, default=HELD_OUT, metavar="N",
        help=f"held-out pictures of each domain, for judging (default: {HELD_OUT})")
    add("--save-every", type=whole, default=500, metavar="N",
        help="steps between checkpoints (default: 500)")
    add("--judge-steps", type=whole, default=classifier.STEPS, metavar="N",
        help=f"training steps of the judging classifier (default: {classifier.STEPS})")
    return parser


def rate(text: str) -> float:
    """Parse a learning rate between 0 and 1."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a rate between 0 and 1")
    return value


def settings_from(given: argparse.Namespace) -> Settings:
    """Return the checked settings of a new run."""
    named = {field.name: getattr(given, field.name, None) for field in fields(Settings)}
    chosen = {**(FULL if given.full else {}), **{k: v for k, v in named.items() if v is not None}}
    settings = Settings(**chosen)
    networks.check_sizes(settings.size, settings.discriminator)
    return settings


def start_or_resume(given: argparse.Namespace) -> Trainer:
    """Return a new run, or the one whose checkpoint is in the folder."""
    checkpoint = given.out / "checkpoint.h5"
    if not given.resume:
        if checkpoint.exists():
            raise ArgumentError(f"{checkpoint} exists already; continue it with --resume, or "
                                f"give another --out")
        settings = settings_from(given)
        given.out.mkdir(exist_ok=True)
        check_writable(checkpoint)
        return Trainer(settings, given.device)
    trainer = Trainer.load(checkpoint, given.device)
    for name, value in asdict(trainer.settings).items():
        wanted = getattr(given, name, None)
        if wanted not in (None, value) and name != "seed":
            raise ArgumentError(f"--{name} is {wanted}, but {checkpoint} was started with {value}; "
                                f"leave it out to continue")
    print(f"continuing from step {trainer.step}")
    return trainer


def check_arguments(given: argparse.Namespace) -> None:
    """Check the options before any work."""
    if (given.a is None) != (given.b is None):
        raise ArgumentError("--a and --b belong together: give two folders, or neither")
    if not given.out.parent.is_dir():
        raise ArgumentError(f"--out {given.out}: there is no folder {given.out.parent}; create it "
                            f"first")
    if given.out.exists() and not given.out.is_dir():
        raise ArgumentError(f"--out {given.out} is a file; name a folder")
    common.check_plot(given.plot)


def load_domains(given: argparse.Namespace, settings: Settings) -> domains.Domains:
    if given.a is None:
        return domains.drawn(settings.size, given.pictures, given.held_out, settings.seed)
    return domains.from_folders(given.a, given.b, settings.size, given.held_out)


def describe(settings: Settings) -> None:
    """Print sizes, numbers of parameters and receptive fields."""
    print("generator                    filters  blocks    parameters")
    for name, filters, blocks in (("this run", settings.filters, settings.blocks),
                                  ("the document's", 64, 9)):
        print(f"  {name:<26} {filters:7d} {blocks:7d} "
              f"{networks.count(networks.Generator(filters, blocks)):13,d}")
    print("discriminator                sees        parameters   map for 64² and 256² pixels")
    for kind, patches in networks.DISCRIMINATORS.items():
        field = networks.receptive_field(patches.layers)
        sides = "   ".join(f"{networks.map_side(kind, side):3d}²" for side in (64, 256))
        print(f"  {kind:<22} {f'{field}×{field}':>9} "
              f"{networks.count(networks.Discriminator(kind)):17,d}   {sides}"
              f"{'   ← this run' if kind == settings.discriminator else ''}")
    print("(the document calls experiment2 70×70)\n")


def train(trainer: Trainer, pictures: domains.Domains, given: argparse.Namespace) -> None:
    """Run the remaining steps; the checkpoint contains the last one, however the run ends."""
    start, first = time.perf_counter(), trainer.step
    try:
        for _ in common.progress(range(trainer.step, trainer.settings.steps), "steps"):
            trainer.learn_from(pictures)
            if trainer.step % given.save_every == 0:
                keep(trainer, pictures, given)
                spent = time.perf_counter() - start
                print(f"step {trainer.step}: {1000 * spent / (trainer.step - first):.0f} ms a step",
                      flush=True)
    except KeyboardInterrupt:
        print(f"stopped after step {trainer.step}; --resume continues from there", file=sys.stderr)
        raise
    finally:
        keep(trainer, pictures, given)


def keep(trainer: Trainer, pictures: domains.Domains, given: argparse.Namespace) -> None:
    """Save a checkpoint and a sheet."""
    trainer.save(given.out / "checkpoint.h5")
    sheets.write_sheet(trainer, pictures, given.out / f"sheet-{trainer.step:06d}.png")


def judge(trainer: Trainer, pictures: domains.Domains, given: argparse.Namespace) -> None:
    """Judge the trained networks, and print the figures."""
    found = classifier.train(pictures, trainer.settings.seed, given.device, given.judge_steps)
    verdict = classifier.judge_translations(trainer, pictures, found,
                                            min(classifier.MAP_STEPS, given.judge_steps))
    held = len(pictures.test_a), len(pictures.test_b)
    print(f"\nThe classifier puts {verdict.real:.1%} of {sum(held)} real held-out pictures into "
          f"their own domain, and takes for the target:")
    print("                                A → B     B → A")
    print(f"  translations              {verdict.a_to_b:9.1%} {verdict.b_to_a:9.1%}")
    print(f"  best constant colour map  {verdict.colour_a_to_b:9.1%} {verdict.colour_b_to_a:9.1%}")
    print(f"cycle error, 0 … 1: A {verdict.cycle_a:.4f}, B {verdict.cycle_b:.4f}")
    start = time.perf_counter()
    trainer.translate(pictures.test_a, "b")
    result = {"settings": asdict(trainer.settings), "steps": trainer.step, "held_out": held,
              "seconds_per_picture": (time.perf_counter() - start) / held[0], **verdict.as_dict()}
    print(f"a translation takes {1000 * result['seconds_per_picture']:.0f} ms")
    write_atomically(given.out / "result.json",
                     (json.dumps(result, indent=2, ensure_ascii=False) + "\n").encode())


def program(arguments: Sequence[str] | None = None) -> None:
    given = options().parse_args(arguments)
    if given.describe:
        describe(settings_from(given))
        return
    check_arguments(given)
    trainer = start_or_resume(given)
    describe(trainer.settings)
    pictures = load_domains(given, trainer.settings)
    train(trainer, pictures, given)
    judge(trainer, pictures, given)
    if given.plot:
        sheets.draw_losses(trainer, given.plot)


if __name__ == "__main__":
    sys.exit(common.run("cyclegan", program))
