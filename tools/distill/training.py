"""The training loop: lessons, loss, Adam with one cycle of the rate, checkpoints, a log."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import minigrad.functional as F
from minigrad import Tensor, optim
from minigrad.errors import ArgumentError
from minigrad.io import load_state, save_state
from nst.model import small
from tools.distill.batches import Lesson, Lessons
from tools.distill.generated import Studio, gram_error
from tools.distill.plan import INPUT_DEVIATION, Parameters, scaled
from weights_converter.weights import Layers

RATE = 0.008
PAINT_EVERY = 4
WARM_UP = 0.05          # part of the steps over which the rate rises
LARGEST_GRADIENT = 10.0  # norm of the gradient of all parameters together
LEAST_SIZE = 0.02       # of the numbers of a layer, where the rate depends on it
LEAST_VARIANCE = 0.1    # ε: of features of which the average picture has 1


@dataclass(frozen=True)
class Plan:
    """What a training run is made of. A run that is taken up again keeps its seed; the rest may
    change, and the log says so.

    Attributes
    ----------
    steps : int
    seed : int
        Of the first values, the lessons and the paintings.
    rate : float
        The highest learning rate, as a part of the size (root mean square) that the numbers of a
        layer have at the beginning: layers with few inputs have larger weights.
    gram_weight : float
        Of the error of Gram matrices beside that of features.
    paint_every, paint_from : int, float
        Every so many steps the lesson is a picture that the student painted, once this part of
        the steps is over.
    """

    steps: int
    seed: int = 0
    rate: float = RATE
    gram_weight: float = 0.5
    paint_every: int = PAINT_EVERY
    paint_from: float = 0.25

    def learning_rate(self, step: int) -> float:
        """One cycle: up in a straight line, down along a cosine to nothing; see ``rate``.

        Smith and Topin, "Super-Convergence" (2019), with the cosine of Loshchilov and Hutter.
        """
        rise = max(1, round(WARM_UP * self.steps))
        if step < rise:
            return self.rate * (step + 1) / rise
        return self.rate / 2 * (1 + math.cos(math.pi * (step - rise) / (self.steps - rise)))

    def paints(self, step: int) -> bool:
        """Whether the lesson of a step is a picture that the student painted."""
        return step >= self.paint_from * self.steps and step % self.paint_every == 0


@dataclass(frozen=True)
class Errors:
    """How far the student is off in one lesson, layer by layer.

    ``features``: mean squared error over the variance; ``grams``: ‖G − G*‖ / ‖G*‖.
    """

    features: dict[str, float]
    grams: dict[str, float]


class Training:
    """A run that can be stopped and taken up again.

    Parameters
    ----------
    plan : Plan
    parameters : dict
        First values; changed in place.
    gains : dict
        Fixed factors of the adapters, see `plan.scaled`.
    lessons, studio : where lessons come from
    say : callable
        Called with one line of the log after every ``report_every`` steps.
    """

    def __init__(self, plan: Plan, parameters: Parameters, gains: dict[str, np.ndarray],
                 lessons: Lessons, studio: Studio, say: Callable[[str], None],
                 report_every: int = 25) -> None:
        self.plan, self.parameters, self.gains = plan, parameters, gains
        self.lessons, self.studio = lessons, studio
        self.say, self.report_every = say, report_every
        tensors = [tensor for pair in parameters.values() for tensor in pair]
        self.optimizer = optim.Adam([{"params": [tensor], "lr": 0.0} for tensor in tensors])
        self.sizes = [max(float(np.sqrt(np.mean(tensor.numpy()**2))), LEAST_SIZE)
                      for tensor in tensors]
        self.step = self.seen = 0       # steps done; new lessons among them
        self.seconds = 0.0

    def run(self, checkpoint: Path, every: int = 100) -> None:
        """Go on to the end, and write ``checkpoint`` every so many steps and at the end."""
        while self.step < self.plan.steps:
            begin = time.perf_counter()
            errors = self._learn()
            self.seconds += time.perf_counter() - begin
            self.step += 1
            if self.step % self.report_every == 0 or self.step == self.plan.steps:
                self.say(self._line(errors))
            if self.step % every == 0 or self.step == self.plan.steps:
                save_state(checkpoint, self.state())

    def _learn(self) -> Errors:
        if self.plan.paints(self.step):
            lesson = self.studio.lesson(self.step // self.plan.paint_every, self._student())
        else:
            lesson = self.lessons.at(self.seen)
            self.seen += 1
        self.optimizer.zero_grad()
        loss, errors = distance(self._student(), lesson, self.plan.gram_weight)
        loss.backward()
        optim.clip_grad_norm_([group["params"][0] for group in self.optimizer.param_groups],
                              LARGEST_GRADIENT, error_if_nonfinite=True)
        rate = self.plan.learning_rate(self.step)
        for group, size in zip(self.optimizer.param_groups, self.sizes):
            group["lr"] = rate * size
        self.optimizer.step()
        return errors

    def _student(self) -> Parameters:
        return scaled(self.parameters, self.gains)

    def _line(self, errors: Errors) -> str:
        kind = "painted" if self.plan.paints(self.step - 1) else "lesson"
        features = " ".join(f"{value:.3f}" for value in errors.features.values())
        grams = " ".join(f"{value:.3f}" for value in errors.grams.values())
        return (f"step {self.step:5d}  {self.seconds:6.0f} s  {kind:7s}  "
                f"features {features}  grams {grams}")

    def state(self) -> dict:
        """Everything that a later process needs to go on."""
        return {"plan": asdict(self.plan), "step": self.step, "seen": self.seen,
                "seconds": self.seconds, "sizes": self.sizes,
                "optimizer": self.optimizer.state_dict(),
                "parameters": {name: list(pair) for name, pair in self.parameters.items()}}

    def restore(self, state: dict) -> None:
        """Go on from what :meth:`state` gave; paintings are begun afresh."""
        self.step, self.seen, self.seconds = state["step"], state["seen"], state["seconds"]
        self.sizes = state["sizes"]
        self.optimizer.load_state_dict(state["optimizer"])


def stopped(checkpoint: Path, plan: Plan) -> tuple[dict, Parameters]:
    """The state of a run that was stopped, and its parameters.

    Raises
    ------
    ArgumentError
        It has another seed, or more steps than the plan.
    FileError
        It is damaged.
    """
    state = load_state(checkpoint)
    if state["plan"]["seed"] != plan.seed or state["step"] > plan.steps:
        raise ArgumentError(f"{checkpoint} was written at step {state['step']} of a run with the "
                            f"seed {state['plan']['seed']}, which does not go on to step "
                            f"{plan.steps} with the seed {plan.seed}: give other numbers, or "
                            f"another folder by --work")
    return state, {name: tuple(Tensor(tensor.numpy(), requires_grad=True) for tensor in pair)
                   for name, pair in state["parameters"].items()}


def distance(parameters: Parameters, lesson: Lesson, gram_weight: float) -> tuple[Tensor, Errors]:
    """The loss of one lesson: squared error of features, and error of Gram matrices.

    L = Σ_l mean over pictures of  mean (S_l − T_l)² / (var T_l + ε)
                                   + w ‖G(S_l) − G(T_l)‖ / ‖G(T_l)‖

    with T the teacher's features over their deviation, and the variance of one picture about its
    channels' means: so a hazy picture counts as much as a gaudy one.
    """
    pictures = Tensor(lesson.pictures) / INPUT_DEVIATION
    found = small.features(pictures, parameters, tuple(lesson.features))
    terms, features, grams = [], {}, {}
    for layer, target in lesson.features.items():
        weight = Tensor((target.var((2, 3)).mean(1) + LEAST_VARIANCE)**-0.5).reshape(-1, 1, 1, 1)
        student_s, teacher_s = found[layer] * weight, Tensor(target) * weight
        error = F.mse_loss(student_s, teacher_s)
        features[layer] = error.item()
        terms.append(error)
        if gram_weight:
            squared = gram_error(F.gram_matrix(student_s), F.gram_matrix(teacher_s))
            relative = squared.sqrt().mean()
            grams[layer] = relative.item()
            terms.append(gram_weight * relative)
    return sum(terms[1:], terms[0]), Errors(features, grams)


def folded(parameters: Parameters, deviations: dict[str, np.ndarray]) -> Layers:
    """The trained layers with VGG19's deviations in the adapters: features of its size."""
    return {name: (weight.numpy(), bias.numpy())
            for name, (weight, bias) in scaled(parameters, deviations).items()}
