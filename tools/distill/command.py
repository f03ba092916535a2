"""``python -m weights_converter distill``: the command line of training and measuring."""

from __future__ import annotations

import argparse
import hashlib
import platform
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

import minigrad
from minigrad.command_line import Parser
from minigrad.errors import ArgumentError
from minigrad.files import check_writable
from nst.model import weights
from nst.model.small import ADAPTED
from nst.model.small_file import StudentWeights, write_student
from tools.distill import batches, measure, pictures, plan
from tools.distill.crops import Crops
from tools.distill.generated import Studio
from tools.distill.initialization import first_values
from tools.distill.options import command_parser, make_folder
from tools.distill.training import PAINT_EVERY, RATE, Plan, Training, folded, stopped
from weights_converter import vgg

CHECKPOINT, LOG = "checkpoint.h5", "training.log"

DESCRIPTION = """\
Train the small network that nst falls back to: a student that imitates VGG19.

It learns from photographs that scikit-image and scikit-learn bundle, from pictures that this
project draws, and from paintings that you name. A run that was stopped goes on where its last
checkpoint is when the same command is given again. `distill measure` says how good it is.
"""
EXAMPLES = """\
example:
  python -m weights_converter distill vgg19.h5 student.h5 --work run --paintings monet.jpg munch.jpg
"""
LICENCE = (
    "The numbers in this file were made by this project's own training program and have the "
    "project's licence (MIT). They were learned from the features of another network, whose "
    "authors and terms are: " + vgg.LICENCE
)


def _parser() -> Parser:
    parser = command_parser("distill", DESCRIPTION, EXAMPLES)
    parser.add_argument("teacher", metavar="VGG19.h5", help="a converted weights file")
    parser.add_argument("out", metavar="STUDENT.h5", help="the file to write")
    parser.add_argument("--work", metavar="FOLDER", type=Path, required=True,
                        help=f"folder for {CHECKPOINT}, {LOG} and drawn pictures; made if missing")
    parser.add_argument("--paintings", metavar="PICTURE", type=Path, nargs="*", default=[],
                        help="paintings in the public domain to learn from (default: none)")
    parser.add_argument("--steps", metavar="N", type=int, default=3000,
                        help="steps of training (default: 3000)")
    parser.add_argument("--seed", metavar="N", type=int, default=0,
                        help="of first values, crops and drawings (default: 0)")
    parser.add_argument("--rate", metavar="PART", type=float, default=RATE,
                        help="the highest learning rate, as a part of the size that a layer's "
                             f"numbers have at the beginning (default: {RATE})")
    parser.add_argument("--paint-every", metavar="N", type=int, default=PAINT_EVERY,
                        help="how often a lesson is a picture that the student paints, after a "
                             f"quarter of the steps (default: every {PAINT_EVERY}th)")
    return parser


def main(arguments: Sequence[str]) -> None:
    """Train, and write the student's file; or measure it, if "measure" comes first.

    Raises
    ------
    MinigradError
        A file is missing or unfit, an option is impossible, or scikit-image is not installed.
    """
    if arguments[:1] == ["measure"]:
        measure.main(arguments[1:])
        return
    options = _parser().parse_args(arguments)
    schedule = _schedule(options)
    out = Path(options.out)
    check_writable(out)
    training, deviations = prepare(options, schedule, arguments)
    training.run(options.work / CHECKPOINT)
    trained = student_weights(training, deviations, options)
    write_student(out, trained)
    print(f"wrote {out}: {plan.count_parameters(trained.layers):,} parameters, "
          f"{out.stat().st_size:,} bytes")


def _schedule(options: argparse.Namespace) -> Plan:
    for name, least in (("steps", 1), ("seed", 0), ("paint_every", 1)):
        if getattr(options, name) < least:
            raise ArgumentError(f"{name.replace('_', '-')} is {getattr(options, name)}, but must "
                                f"be {least} or more")
    if not 0 < options.rate < 1:
        raise ArgumentError(f"rate is {options.rate:g}, but must be between 0 and 1")
    return Plan(options.steps, options.seed, options.rate, paint_every=options.paint_every)


def prepare(options: argparse.Namespace, schedule: Plan, arguments: Sequence[str]
            ) -> tuple[Training, dict[str, np.ndarray]]:
    """Everything up to the first step, or to the first one after the checkpoint."""
    make_folder(options.work)
    log = _logger(options.work / LOG)
    teacher = weights.load(options.teacher, "relu5_1", "cpu")
    found = [*pictures.photographs(), *pictures.paintings(options.paintings),
             *pictures.drawings(options.work)]
    crops = Crops(found)
    deviations = batches.deviations(teacher, ADAPTED, crops, options.seed)
    scales = {layer: batches.scale(deviation) for layer, deviation in deviations.items()}
    looking = batches.Teacher(teacher, scales)
    checkpoint, state = options.work / CHECKPOINT, None
    if checkpoint.is_file():
        state, parameters = stopped(checkpoint, schedule)
        log(f"going on after step {state['step']}: {_said(arguments)}")
    else:
        for line in _heading(options, schedule, arguments, found, scales):
            log(line)
        parameters = first_values(looking, crops, deviations, options.seed)
    training = Training(
        schedule, parameters, {layer: deviations[layer] / scales[layer] for layer in scales},
        batches.Lessons(looking, crops, options.seed), Studio(looking, crops, options.seed), log)
    if state is not None:
        training.restore(state)
    return training, deviations


def _logger(path: Path) -> Callable[[str], None]:
    """Print lines, and add them to the file ``path``."""
    def log(line: str) -> None:
        print(line, flush=True)
        with open(path, "a", encoding="utf-8") as file:
            file.write(line + "\n")
    check_writable(path)
    return log


def _heading(options: argparse.Namespace, schedule: Plan, arguments: Sequence[str],
             found: Sequence[pictures.Picture], scales: dict[str, float]) -> list[str]:
    """What the log begins with: the command, the versions, the pictures, the student's build."""
    shapes = plan.shapes()
    operations, full = plan.operations(shapes), plan.teacher_operations()
    return [
        _said(arguments),
        f"minigrad {minigrad.__version__}, numpy {np.__version__}, "
        f"python {platform.python_version()}, {sys.platform}",
        f"teacher sha256 {_sha256(options.teacher)}",
        *(f"learns from {p.kind}: {p.name} ({p.licence}), {p.image.width}×{p.image.height}, "
          f"sha256 {p.sha256[:16]}" for p in found),
        "filters " + " ".join(f"{name}={count}" for name, count in plan.FILTERS.items()),
        f"operations per pixel {operations:,.0f}, VGG19's {full:,.0f}: 1/{full / operations:.1f}",
        "deviations " + " ".join(f"{layer}={value:.4g}" for layer, value in scales.items()),
        str(schedule),
        "layers " + " ".join(ADAPTED),
        "features: mean squared error over the variance; grams: |G - G*| / |G*|; of the last batch",
    ]


def _said(arguments: Sequence[str]) -> str:
    """The command line, without the folders of this machine."""
    names = " ".join(Path(argument).name for argument in arguments)
    return f"command: python -m weights_converter distill {names}"


def student_weights(training: Training, deviations: dict[str, np.ndarray],
                    options: argparse.Namespace) -> StudentWeights:
    """The trained student as it is stored."""
    return StudentWeights(
        layers=folded(training.parameters, deviations), color_order=vgg.COLOR_ORDER,
        mean=training.lessons.teacher.network.mean, std=(plan.INPUT_DEVIATION,) * 3,
        source=f"python -m weights_converter distill, seed {training.plan.seed}, "
               f"{training.plan.steps} steps",
        source_sha256=_sha256(options.teacher), licence=LICENCE)


def _sha256(path: str | Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
