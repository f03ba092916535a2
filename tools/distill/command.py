"""`python -m tools.distill`: train the small network, or measure it."""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

import minigrad
from minigrad.command_line import Parser
from minigrad.errors import ArgumentError, MinigradError
from minigrad.files import check_writable, file_digest
from minigrad.stdio import robust_stdio
from nst.model import weights
from nst.model.small import ADAPTED
from nst.model.small_file import SmallWeights, read_small, write_small
from tools.distill import batches, measure, pictures, plan
from tools.distill.crops import Crops
from tools.distill.generated import STYLE_LAYERS, GeneratedBatches
from tools.distill.initialization import initial_values
from tools.distill.options import command_parser, make_folder
from tools.distill.training import PAINT_EVERY, RATE, Plan, Training, folded, load_checkpoint
from weights_converter import vgg_spec

CHECKPOINT, LOG = "checkpoint.h5", "training.log"

DESCRIPTION = """\
Train the small network that nst uses if there is no VGG19. It imitates VGG19.

The training pictures are photographs bundled with scikit-image and scikit-learn, pictures drawn by
this project, and the given paintings. Repeat the command to resume a run from its last checkpoint.
`python -m tools.distill measure` measures the result.
"""
EXAMPLES = """\
example:
  python -m tools.distill vgg19.h5 small.h5 --work run --paintings monet.jpg munch.jpg
"""
LICENCE = (
    "The numbers in this file were made by this project's own training program and have the "
    "project's licence (MIT). They were learned from the features of another network, whose "
    "authors and terms are: " + vgg_spec.LICENCE
)


def _parser() -> Parser:
    parser = command_parser("python -m tools.distill", DESCRIPTION, EXAMPLES)
    parser.add_argument("teacher", metavar="VGG19.h5", help="a converted weights file")
    parser.add_argument("out", metavar="SMALL.h5", help="the file to write")
    parser.add_argument("--work", metavar="FOLDER", type=Path, required=True,
                        help=f"folder for {CHECKPOINT}, {LOG} and drawn pictures; created if "
                             "missing")
    parser.add_argument("--paintings", metavar="PICTURE", type=Path, nargs="*", default=[],
                        help="public-domain paintings for training (default: none)")
    parser.add_argument("--earlier", metavar="SMALL.h5", type=Path,
                        help="an earlier small network, narrower than this one, to begin with "
                             "(default: begin with filters fitted to VGG19's)")
    parser.add_argument("--steps", metavar="N", type=int, default=3000,
                        help="training steps (default: 3000)")
    parser.add_argument("--seed", metavar="N", type=int, default=0,
                        help="seed of initial values, crops and drawings (default: 0)")
    parser.add_argument("--rate", metavar="SHARE", type=float, default=RATE,
                        help="highest learning rate, relative to the initial size of a layer's "
                             f"weights (default: {RATE})")
    parser.add_argument("--paint-every", metavar="N", type=int, default=PAINT_EVERY,
                        help="after a quarter of the steps, the small network itself paints every "
                             f"Nth batch (default: {PAINT_EVERY})")
    return parser


@robust_stdio()
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns
    -------
    int
        The exit status: 0 done, 2 user error, 130 stopped by Ctrl-C.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        if arguments[:1] == ["measure"]:
            measure.main(arguments[1:])
        else:
            train(arguments)
    except MinigradError as error:
        print(f"distill: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("distill: stopped; repeat the command to resume from the last checkpoint",
              file=sys.stderr)
        return 130
    return 0


def train(arguments: Sequence[str]) -> None:
    """Train the small network and write its file.

    Raises
    ------
    MinigradError
        A file is missing or unsuitable, an option is impossible, or scikit-image is not installed.
    """
    options = _parser().parse_args(arguments)
    schedule = _schedule(options)
    out = Path(options.out)
    check_writable(out)
    training, deviations = prepare(options, schedule, arguments)
    training.run(options.work / CHECKPOINT)
    trained = small_weights(training, deviations, options)
    write_small(out, trained)
    print(f"wrote {out}: {plan.count_parameters(trained.layers):,} parameters, "
          f"{out.stat().st_size:,} bytes")


def _schedule(options: argparse.Namespace) -> Plan:
    for name, smallest in (("steps", 1), ("seed", 0), ("paint_every", 1)):
        if getattr(options, name) < smallest:
            raise ArgumentError(f"{name.replace('_', '-')} is {getattr(options, name)}, but must "
                                f"be {smallest} or more")
    if not 0 < options.rate < 1:
        raise ArgumentError(f"rate is {options.rate:g}, but must be between 0 and 1")
    return Plan(options.steps, options.seed, options.rate, paint_every=options.paint_every)


def prepare(options: argparse.Namespace, schedule: Plan, arguments: Sequence[str]
            ) -> tuple[Training, dict[str, np.ndarray]]:
    """Load everything and build the training, resumed from its checkpoint if there is one."""
    make_folder(options.work)
    log = _logger(options.work / LOG)
    teacher = weights.load(options.teacher, "relu5_1", "cpu")
    earlier = read_small(options.earlier).layers if options.earlier else None
    learned = [*pictures.photographs(), *pictures.paintings(options.paintings),
               *pictures.drawings(options.work)]
    crops = Crops(learned)
    deviations = batches.deviations(teacher, ADAPTED, crops, options.seed)
    scales = {layer: batches.scale(deviation) for layer, deviation in deviations.items()}
    scaled_teacher = batches.Teacher(teacher, scales)
    checkpoint, state = options.work / CHECKPOINT, None
    if checkpoint.is_file():
        state, parameters = load_checkpoint(checkpoint, schedule)
        log(f"resuming after step {state['step']}: {_command_line(arguments)}")
    else:
        for line in _heading(options, schedule, arguments, learned, scales):
            log(line)
        parameters = initial_values(scaled_teacher, crops, deviations, options.seed, earlier)
    training = Training(
        schedule, parameters, {layer: deviations[layer] / scales[layer] for layer in scales},
        batches.Batches(scaled_teacher, crops, options.seed),
        GeneratedBatches(scaled_teacher, crops, options.seed), log)
    if state is not None:
        training.restore(state)
    return training, deviations


def _logger(path: Path) -> Callable[[str], None]:
    """A function that prints lines and appends them to the file `path`."""
    def log(line: str) -> None:
        print(line, flush=True)
        with open(path, "a", encoding="utf-8") as file:
            file.write(line + "\n")
    check_writable(path)
    return log


def _heading(options: argparse.Namespace, schedule: Plan, arguments: Sequence[str],
             learned: Sequence[pictures.Picture], scales: dict[str, float]) -> list[str]:
    """First lines of the log: command, versions, pictures and architecture."""
    shapes = plan.shapes()
    operations, full = plan.operations(shapes), plan.teacher_operations()
    return [
        _command_line(arguments),
        f"minigrad {minigrad.__version__}, numpy {np.__version__}, "
        f"python {platform.python_version()}, {sys.platform}",
        f"teacher sha256 {file_digest(options.teacher)}",
        *([f"earlier network sha256 {file_digest(options.earlier)}"] if options.earlier else []),
        *(f"learns from {p.kind}: {p.name} ({p.licence}), {p.image.width}×{p.image.height}, "
          f"sha256 {p.sha256[:16]}" for p in learned),
        "filters " + " ".join(f"{name}={count}" for name, count in plan.FILTERS.items()),
        f"operations per pixel {operations:,.0f}, VGG19's {full:,.0f}: 1/{full / operations:.1f}",
        "deviations " + " ".join(f"{layer}={value:.4g}" for layer, value in scales.items()),
        str(schedule),
        "layers " + " ".join(ADAPTED),
        "layers of the style " + " ".join(STYLE_LAYERS),
        "features: mean squared error over the variance, by layer; grams: |G - G*| / |G*|, and "
        "distances: W2 / |T|, by layer of the style; of the last batch",
    ]


def _command_line(arguments: Sequence[str]) -> str:
    """The command line, without this machine's folders."""
    names = " ".join(Path(argument).name for argument in arguments)
    return f"command: python -m tools.distill {names}"


def small_weights(training: Training, deviations: dict[str, np.ndarray],
                  options: argparse.Namespace) -> SmallWeights:
    """The trained network in the form in which it is stored."""
    return SmallWeights(
        layers=folded(training.parameters, deviations), color_order=vgg_spec.COLOR_ORDER,
        mean=training.batches.teacher.network.mean, std=(plan.INPUT_DEVIATION,) * 3,
        source=f"python -m tools.distill, seed {training.plan.seed}, "
               f"{training.plan.steps} steps",
        source_sha256=file_digest(options.teacher), licence=LICENCE)
