"""Sentences for the three verdicts: where a gradient is wrong, or why it cannot be told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from minigrad.check.diagnosis import diagnose, possible_terms
from minigrad.check.mistakes.kinds import Mistake
from minigrad.check.plain.decide import Judgement, assess
from minigrad.check.plain.differentiable import Differentiable
from minigrad.check.plain.exact import ExactResult
from minigrad.check.plain.heatmap import heat_map
from minigrad.check.plain.line import STEPS, Slopes, sample_line, scales, slopes
from minigrad.check.plain.locate import Locator, Worst
from minigrad.check.report import Failure

_MOST = 256         # outputs that are searched for the one that bends most


def explain_judgement(function: Differentiable, place: int, u: np.ndarray, v: np.ndarray,
                      judgement: Judgement, found: Slopes, rng: np.random.Generator) -> Failure:
    """A wrong slope along u: the worst element, the remainder, the matrix, the likely mistake."""
    locator = Locator(function, place, scales(function.point[place]).ravel(),
                      found.best)
    both = locator.jacobians()
    worst = _worst(locator, both, u, v)
    lines = [f"worst at {element(function.labels[place], worst.index, function.point[place])}: "
             f"derivative of {_output(locator, worst.output)}",
             f"claimed by the rule        {worst.claimed:+.12g}",
             f"measured by differences    {worst.measured:+.12g}",
             *_remainder(judgement, found)]
    matrices = None
    if both is not None:
        matrices = both
        lines += heat_map(*both)
    kind = "wrong" if np.isfinite(worst.claimed) else "not finite"
    lines.append("diagnosis: " + _diagnosis(locator, v, rng))
    return Failure(kind, lines, matrices)


def _worst(locator: Locator, both: tuple[np.ndarray, np.ndarray] | None, u: np.ndarray,
           v: np.ndarray) -> Worst:
    if both is None:
        return locator.worst(u, v)
    claimed, measured = both
    gap = np.nan_to_num(np.abs(claimed - measured), nan=0.0, posinf=np.inf)
    output, index = np.unravel_index(int(np.argmax(gap)), gap.shape)
    return Worst(int(index), int(output), float(claimed[output, index]),
                 float(measured[output, index]))


def _remainder(judgement: Judgement, found: Slopes) -> list[str]:
    """How the remainder falls: evidence that depends on no step and no tolerance."""
    lines = []
    if judgement.halvings:
        lines.append(f"the remainder falls like h^{judgement.order:.2f} over {judgement.halvings} "
                     f"halvings of the step h; that of a right gradient falls like h^3")
    best = found.best
    chosen = [k for k in range(best % 4, len(found.slope), 4)
              if np.isfinite(found.slope[k])
              and found.bar[k] < abs(judgement.claimed - judgement.measured)][:5]
    if len(chosen) > 1:
        lines += ["step of the differences    " + "".join(f"{STEPS[k]:<12.1e}" for k in chosen
                                                          ).rstrip(),
                  "claimed − measured         " + "".join(
                      f"{judgement.claimed - found.slope[k]:<+12.3e}" for k in chosen).rstrip()]
    return lines


def _diagnosis(locator: Locator, v: np.ndarray, rng: np.random.Generator) -> str:
    shape = locator.function.point[locator.place].shape
    indices, measured = locator.some(v, rng)
    known = np.isfinite(measured)
    claimed = locator.claimed(v).reshape(shape)
    if not known.any():
        return "no simple pattern"
    if len(locator.outputs) > 1:
        return diagnose(claimed, indices[known], measured[known])
    output = np.asarray(locator.outputs[0], np.float64)

    def with_upstream(order: tuple[int, ...]) -> np.ndarray:
        return locator.claimed(v.reshape(output.shape).transpose(order).ravel()).reshape(shape)

    return diagnose(claimed, indices[known], measured[known], with_upstream, output.ndim,
                    possible_terms(locator.function.point[locator.place], v.reshape(output.shape),
                                   output))


def name_in(failure: Failure, mistake: Mistake | None) -> None:
    """Put the name of a mistake into the text of a failure."""
    lead = "diagnosis: "
    for i, line in enumerate(failure.text):
        if mistake is not None and line.startswith(lead):
            vague = line.startswith((lead + "no simple pattern", lead + "right in all but"))
            if mistake.sure or vague:
                failure.text[i] = lead + mistake.sentence()
            elif mistake.sentence() not in line:
                failure.text[i] = f"{line}; {mistake.sentence()}"


def explain_exact(function: Differentiable, result: ExactResult) -> Failure:
    """A rule that is nearly right, where the function is linear."""
    label = function.labels[result.place]
    factor = result.claimed / result.measured if result.measured else np.nan
    what = "exactly" if result.method == "exact" else f"to within {result.bound:.1g}"
    return Failure("wrong", [
        f"{function.name} is linear in {label}, so for integers ⟨Jᵀv, u⟩ must equal ⟨v, Ju⟩ {what}",
        f"⟨Jᵀv, u⟩ by the rule       {result.claimed:+.17g}",
        f"⟨v, Ju⟩ by the function    {result.measured:+.17g}",
        f"diagnosis: {_nearly(factor)}"])


def _nearly(factor: float) -> str:
    if not np.isfinite(factor):
        return "the true derivative along this direction is zero"
    if abs(factor - 1) < 1e-3:
        return (f"nearly right, off by a factor of 1 {factor - 1:+.2g}: perhaps a constant has too "
                f"few digits, or a part is computed in float32")
    return "right at the point of the check, wrong at others"


def explain_undecided(function: Differentiable, place: int, u: np.ndarray, judgement: Judgement
                      ) -> Failure:
    """Why a gradient cannot be judged."""
    label = function.labels[place]
    used = np.flatnonzero(u)
    where = element(label, int(used[0]), function.point[place]) if len(used) == 1 else label
    if judgement.kind == "kink":
        if len(used) == 1:
            judgement = _sides(function, place, u, judgement)
        return Failure("kink", [
            f"{where}: slope from the left {judgement.left + 0.0:+.6g}, from the right "
            f"{judgement.right + 0.0:+.6g}: the function has a kink here (a tie in max or "
            f"pooling, relu or abs at 0); move this input away"])
    if judgement.kind == "jump":
        return Failure("kink", [f"{where}: the function jumps here, so it has no derivative; move "
                                f"this input away"])
    if judgement.kind == "undefined":
        return Failure("undefined", [f"{where}: the function is not finite on both sides of this "
                                     f"point, however small the step; move this input away from "
                                     f"the edge of its domain"])
    if judgement.kind == "stairs":
        return Failure("noise", [
            f"{where}: the function moves in steps here, on purpose or by rounding; its values do "
            f"not tell whether its derivative is 0, as between two steps, or "
            f"{judgement.measured:.6g}, as over many, and the rule claims {judgement.claimed:.6g}"])
    return Failure("noise", [
        f"{where}: the function is too noisy here: its slope {judgement.measured:.6g} is known "
        f"only to within {judgement.bar:.1g}, and the rule claims {judgement.claimed:.6g}; compute "
        f"in float64, or choose inputs of moderate size"])


def _sides(function: Differentiable, place: int, u: np.ndarray, judgement: Judgement
           ) -> Judgement:
    """The slopes from both sides along one element, of the output that bends most."""
    samples = sample_line(function, place, u)
    size = float(u[u != 0][0])
    found = []
    for j in range(min(len(samples.centre), _MOST)):
        v = np.zeros(len(samples.centre))
        v[j] = 1.0
        single = assess(slopes(samples, v), 0.0, 0.0)
        if np.isfinite(single.left):
            sides = sorted([(-np.sign(size), single.left / size), (np.sign(size),
                                                                  single.right / size)])
            found.append((sides[0][1], sides[1][1]))
    if not found:
        return judgement
    left, right = max(found, key=lambda sides: abs(sides[1] - sides[0]))
    least = 1e-10 * max(abs(left), abs(right))
    return replace(judgement, left=left if abs(left) > least else 0.0,
                   right=right if abs(right) > least else 0.0)


def element(label: str, index: int, array: np.ndarray) -> str:
    """Name of one element, such as `input 1 (y)[0, 2]`."""
    if not array.ndim:
        return label
    return label + "[" + ", ".join(str(int(i)) for i in np.unravel_index(index, array.shape)) + "]"


def _output(locator: Locator, index: int) -> str:
    for number, output in enumerate(np.asarray(o) for o in locator.outputs):
        if index < output.size:
            name = f"output {number}" if len(locator.outputs) > 1 else "output"
            return element(name, index, output)
        index -= output.size
    raise IndexError(index)
