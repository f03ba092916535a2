"""The training loop: batches, loss, Adam with a one-cycle rate, checkpoints, a log."""

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
from tools.distill.batches import Batch, Batches
from tools.distill.generated import GeneratedBatches, gram_error
from tools.distill.plan import INPUT_DEVIATION, Parameters, scaled
from weights_converter.weights import Layers

RATE = 0.008
PAINT_EVERY = 4
WARM_UP = 0.05          # fraction of the steps over which the rate rises
MAX_GRADIENT_NORM = 10.0    # of all parameters together
MIN_SIZE = 0.02         # root mean square of a layer's weights, which scales its rate
MIN_VARIANCE = 0.1      # ε in the loss; the average picture's features have variance 1


@dataclass(frozen=True)
class Plan:
    """Settings of a training run. A resumed run keeps its seed; others may change, and are logged.

    Attributes
    ----------
    steps : int
    seed : int
        Seed of the initial values, the batches and the generated pictures.
    rate : float
        The highest learning rate, relative to the initial root mean square of a layer's weights:
        layers with few inputs have larger ones.
    gram_weight : float
        Weight of the error of Gram matrices relative to that of features.
    paint_every, paint_from : int, float
        After the fraction `paint_from` of all steps, every `paint_every`-th batch is painted by the
        small network.
    """

    steps: int
    seed: int = 0
    rate: float = RATE
    gram_weight: float = 0.5
    paint_every: int = PAINT_EVERY
    paint_from: float = 0.25

    def learning_rate(self, step: int) -> float:
        """The one-cycle rate: a linear rise to `rate`, then a cosine down to zero.

        Smith and Topin, "Super-Convergence" (2019), with the cosine of Loshchilov and Hutter.
        """
        rise = max(1, round(WARM_UP * self.steps))
        if step < rise:
            return self.rate * (step + 1) / rise
        return self.rate / 2 * (1 + math.cos(math.pi * (step - rise) / (self.steps - rise)))

    def paints(self, step: int) -> bool:
        """Whether the batch of a step is painted by the small network."""
        return step >= self.paint_from * self.steps and step % self.paint_every == 0


@dataclass(frozen=True)
class Errors:
    """Errors of the small network on one batch, by layer.

    Attributes
    ----------
    features : dict
        Mean squared error over the variance.
    grams : dict
        ‖G − G*‖ / ‖G*‖.
    """

    features: dict[str, float]
    grams: dict[str, float]


class Training:
    """A training run that can be stopped and resumed.

    Parameters
    ----------
    plan : Plan
    parameters : dict
        Initial values; changed in place.
    gains : dict
        Fixed factors of the adapters, see `plan.scaled`.
    batches : Batches
    generated : GeneratedBatches
    log : callable
        Receives one line of the log every `report_every` steps.
    """

    def __init__(self, plan: Plan, parameters: Parameters, gains: dict[str, np.ndarray],
                 batches: Batches, generated: GeneratedBatches, log: Callable[[str], None],
                 report_every: int = 25) -> None:
        self.plan, self.parameters, self.gains = plan, parameters, gains
        self.batches, self.generated = batches, generated
        self.log, self.report_every = log, report_every
        tensors = [tensor for pair in parameters.values() for tensor in pair]
        self.optimizer = optim.Adam([{"params": [tensor], "lr": 0.0} for tensor in tensors])
        self.sizes = [max(float(np.sqrt(np.mean(tensor.numpy()**2))), MIN_SIZE)
                      for tensor in tensors]
        self.step = self.seen = 0       # steps done, and new batches among them
        self.seconds = 0.0

    def run(self, checkpoint: Path, every: int = 100) -> None:
        """Train to the end; save `checkpoint` every `every` steps and at the end."""
        while self.step < self.plan.steps:
            start = time.perf_counter()
            errors = self._learn()
            self.seconds += time.perf_counter() - start
            self.step += 1
            if self.step % self.report_every == 0 or self.step == self.plan.steps:
                self.log(self._line(errors))
            if self.step % every == 0 or self.step == self.plan.steps:
                save_state(checkpoint, self.state())

    def _learn(self) -> Errors:
        if self.plan.paints(self.step):
            batch = self.generated.batch(self.step // self.plan.paint_every, self._small())
        else:
            batch = self.batches.at(self.seen)
            self.seen += 1
        self.optimizer.zero_grad()
        loss, errors = distance(self._small(), batch, self.plan.gram_weight)
        loss.backward()
        optim.clip_grad_norm_([group["params"][0] for group in self.optimizer.param_groups],
                              MAX_GRADIENT_NORM, error_if_nonfinite=True)
        rate = self.plan.learning_rate(self.step)
        for group, size in zip(self.optimizer.param_groups, self.sizes):
            group["lr"] = rate * size
        self.optimizer.step()
        return errors

    def _small(self) -> Parameters:
        return scaled(self.parameters, self.gains)

    def _line(self, errors: Errors) -> str:
        kind = "painted" if self.plan.paints(self.step - 1) else "batch"
        features = " ".join(f"{value:.3f}" for value in errors.features.values())
        grams = " ".join(f"{value:.3f}" for value in errors.grams.values())
        return (f"step {self.step:5d}  {self.seconds:6.0f} s  {kind:7s}  "
                f"features {features}  grams {grams}")

    def state(self) -> dict:
        """The state from which another process can resume."""
        return {"plan": asdict(self.plan), "step": self.step, "seen": self.seen,
                "seconds": self.seconds, "sizes": self.sizes,
                "optimizer": self.optimizer.state_dict(),
                "parameters": {name: list(pair) for name, pair in self.parameters.items()}}

    def restore(self, state: dict) -> None:
        """Resume from a `state`; generated pictures start again."""
        self.step, self.seen, self.seconds = state["step"], state["seen"], state["seconds"]
        self.sizes = state["sizes"]
        self.optimizer.load_state_dict(state["optimizer"])


def load_checkpoint(checkpoint: Path, plan: Plan) -> tuple[dict, Parameters]:
    """Load the state of a stopped run and its parameters.

    Raises
    ------
    ArgumentError
        The run has another seed, or more steps than the plan.
    FileError
        The file is damaged.
    """
    state = load_state(checkpoint)
    if state["plan"]["seed"] != plan.seed or state["step"] > plan.steps:
        raise ArgumentError(f"{checkpoint} was written at step {state['step']} of a run with the "
                            f"seed {state['plan']['seed']}, which cannot be resumed up to "
                            f"step {plan.steps} with the seed {plan.seed}; choose other numbers, "
                            f"or another folder with --work")
    return state, {name: (Tensor(weight.numpy(), requires_grad=True),
                          Tensor(bias.numpy(), requires_grad=True))
                   for name, (weight, bias) in state["parameters"].items()}


def distance(parameters: Parameters, batch: Batch, gram_weight: float) -> tuple[Tensor, Errors]:
    """The loss of one batch: squared error of features, and error of Gram matrices.

    L = Σ_l mean over pictures of  mean (S_l − T_l)² / (var T_l + ε)
                                   + w ‖G(S_l) − G(T_l)‖ / ‖G(T_l)‖

    where T are the teacher's features over their standard deviation. The variance is that of one
    picture about its channels' means, so pale pictures count as much as vivid ones.
    """
    pictures = Tensor(batch.pictures) / INPUT_DEVIATION
    predictions = dict(small.walk(pictures, parameters, tuple(batch.features)))
    terms, features, grams = [], {}, {}
    for layer, target in batch.features.items():
        weight = Tensor((target.var((2, 3)).mean(1) + MIN_VARIANCE)**-0.5).reshape(-1, 1, 1, 1)
        predicted, expected = predictions[layer] * weight, Tensor(target) * weight
        error = F.mse_loss(predicted, expected)
        features[layer] = error.item()
        terms.append(error)
        if gram_weight:
            squared = gram_error(F.gram_matrix(predicted), F.gram_matrix(expected))
            relative = squared.sqrt().mean()
            grams[layer] = relative.item()
            terms.append(gram_weight * relative)
    return sum(terms[1:], terms[0]), Errors(features, grams)


def folded(parameters: Parameters, deviations: dict[str, np.ndarray]) -> Layers:
    """The trained layers, with VGG19's deviations multiplied into the adapters."""
    return {name: (weight.numpy(), bias.numpy())
            for name, (weight, bias) in scaled(parameters, deviations).items()}
