"""Check a gradient (`gradcheck`) and the gradient of the gradient (`gradgradcheck`)."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from minigrad import backend
from minigrad.anomaly import is_cell
from minigrad.check.compare import (
    Comparer,
    Disagreement,
    Settings,
    random_signed,
    sampled_gradient,
)
from minigrad.check.complex_step import complex_step
from minigrad.check.diagnosis import diagnose, possible_terms
from minigrad.check.frameworks.of_minigrad import of_problem
from minigrad.check.guards import check_invariants, check_recorded
from minigrad.check.kinks import Samples
from minigrad.check.numeric import DEFAULT_EPS
from minigrad.check.plain.arguments import (
    is_number,
    need_count,
    need_function,
    need_number,
    need_seed,
    said,
)
from minigrad.check.plain.exact import exact_integers
from minigrad.check.plain.examine import check_lines, converges
from minigrad.check.plain.explain import explain_exact
from minigrad.check.problem import Problem, gradient_problem
from minigrad.check.report import Failure, Report
from minigrad.core.primitive import Primitive
from minigrad.core.tensor import wrap
from minigrad.errors import ArgumentError, MinigradError
from minigrad.printable import shown


def gradcheck(function: Callable[..., Any], inputs: Any, *, eps: float | None = None,
              rtol: float = 1e-6, atol: float = 1e-8, directions: int = 3,
              full_limit: int = 10_000, seed: int = 0, raise_exception: bool = True) -> Report:
    """Check the gradient of `function` at `inputs` against central differences.

    All inputs that require a gradient are checked, whatever the function is: a primitive, or
    any Python function of Tensors, with one or several results. Besides the numbers, it
    checks that two calls give the same results, that no input is written to, that the memory
    layout of the inputs does not matter, and that returned gradients share no memory.

    Parameters
    ----------
    function : called as `function(*inputs)`; returns a Tensor or a tuple of Tensors.
    inputs : a Tensor or a sequence; float64 for those that require a gradient.
    eps : step of the finite differences (default 2⁻²⁰), times the size of the input if that
        is above 1.
    rtol, atol : a claimed slope a and a measured one b agree if |a − b| ≤ atol + rtol·|b|.
        Neither grows with the number of elements.
    directions : how many random directions to try where the Jacobian is large; at least 3.
    full_limit : up to this many elements (inputs × outputs) the whole Jacobian is compared.
    seed : of the random upstream gradients and directions.
    raise_exception : raise on failure; otherwise return a report that is false.

    Returns
    -------
    Report
        True if the check passed; `report.message()` explains.

    Raises
    ------
    GradcheckError : a gradient is wrong, or an invariant is violated.
    KinkError : the function has no derivative at this point (a tie in max, relu at 0); move
        the inputs. Never raised for a smooth function with a wrong rule.
    ArgumentError, DTypeError : there is nothing to check, or inputs are not float64.

    Notes
    -----
    For a random upstream gradient v and direction u, vᵀ(Ju) is compared with (Jᵀv)ᵀu, as in
    Chainer's `check_double_backward` and PyTorch's fast mode. Unlike theirs, tolerances are not
    scaled. If the function is analytic, a complex step (see `complex_step`) is a second method,
    which measures slopes to almost full precision; `report.compared_with` names the methods used.
    """
    settings = _settings(eps, rtol, atol, directions, full_limit)
    report = _examine(Problem(function, inputs), settings, seed, order=1)
    if raise_exception:
        report.raise_if_failed()
    return report


def gradgradcheck(function: Callable[..., Any], inputs: Any, *, eps: float | None = None,
                  rtol: float = 1e-6, atol: float = 1e-8, directions: int = 3,
                  full_limit: int = 10_000, seed: int = 0, raise_exception: bool = True) -> Report:
    """Check the derivatives of the gradient with respect to inputs and upstream gradients.

    The gradient Jᵀv is a function of the inputs and of a random v, and passes through the same
    checks. This finds rules that are right but cannot be differentiated again, because they detach
    or store a float array elsewhere. Parameters, results and errors are those of `gradcheck`.
    """
    settings = _settings(eps, rtol, atol, directions, full_limit)
    need_function(function, "the function")
    first = Problem(function, inputs)
    rng = np.random.default_rng(seed + 1)
    leaves, outputs = first.call(first.point)
    size = sum(output.numel() for output in outputs)
    upstream = random_signed(rng, size)
    gradients = []
    for part in first.split(upstream, outputs):
        g = wrap(part.astype(np.float64))
        g.requires_grad = True
        gradients.append(g)
    second = gradient_problem(first, gradients)
    report = _examine(second, settings, seed, order=2)
    # Measured values come from the rules on arrays. If the recorded rules differ from those, this
    # difference explains any disagreement.
    if report.failure is None or report.failure.kind in ("wrong", "kink", "noise"):
        recorded = [backend.to_device(result._array, "cpu")
                    for result in second.call(second.point)[1]]
        plain = first.gradients(leaves, outputs, upstream)
        report.failure = check_recorded(plain, recorded, first.labels) or report.failure
    report.where = _source(function)
    if raise_exception:
        report.raise_if_failed()
    return report


def _examine(problem: Problem, settings: Settings, seed: int, order: int) -> Report:
    """Check the invariants first (values mean nothing if one is violated), then the values."""
    need_function(problem.function, "the function")
    need_seed(seed)
    rng = np.random.default_rng(seed)
    report = Report(problem.name, order, problem.labels, where=_source(problem.function))
    try:
        comparer = Comparer(problem, settings, rng)
    except MinigradError:
        raise
    except Exception as error:      # of the user's code
        raise ArgumentError(f"{problem.name} cannot be checked, because it raises "
                            f"{said(error)}") from error
    if not np.isfinite(comparer.values).all():
        report.failure = Failure("not finite", ["the function itself gives values that are not "
                                                "finite at these inputs; choose others"])
        return report
    try:
        report.failure = check_invariants(problem, random_signed(rng, comparer.values.size), order)
    except MinigradError:
        raise
    except Exception as error:      # of a rule
        report.failure = Failure("raised", [f"a rule raises {said(error)}"])
    if report.failure is not None:
        return report
    result = comparer.run()
    report.method, report.max_error = result.method, result.max_error
    worst = result.worst()
    if worst is not None and worst[0] in ("wrong", "noise") and converges(
            of_problem(problem), settings.rtol, seed):
        report.compared_with = "the order of convergence"
        report.max_error = 0.0
        return _with_integers(report, problem, rng)
    if worst is not None:
        report.failure = _explain(comparer, *worst)
        return report
    second = complex_step(comparer)
    if second is not None:
        report.compared_with += " and complex step"
        report.failure = second.failure(problem)
    if report.failure is None and _below_tolerance(comparer):
        report.failure = check_lines(of_problem(problem), seed)
    return report if report.failure is not None else _with_integers(report, problem, rng)


def _below_tolerance(comparer: Comparer) -> bool:
    """Whether a gradient is so small that `atol` would hide a mistake in it.

    A gradient of zeros is suspicious only for large inputs; most are second derivatives of linear
    functions.
    """
    gradients = comparer.claimed(random_signed(comparer.rng, comparer.values.size))
    for gradient, x in zip(gradients, comparer.problem.point):
        size = np.abs(gradient).max(initial=0.0)
        if size < 1e3 * comparer.settings.atol and (size or np.abs(x).max(initial=0.0) > 1e3):
            return True
    return False


def _with_integers(report: Report, problem: Problem, rng: np.random.Generator) -> Report:
    """Check without any tolerance the inputs in which the function is linear."""
    function = of_problem(problem)
    with np.errstate(all="ignore"):
        results = exact_integers(function, rng, problem.everywhere)
    report.exact = {problem.labels[result.place]: result.method for result in results}
    wrong = [result for result in results if result.wrong]
    if wrong:
        report.failure = explain_exact(function, wrong[0])
    return report


# ------------------------------------------------------------------- explaining a failure


def _explain(comparer: Comparer, kind: str, item: Disagreement) -> Failure:
    problem = comparer.problem
    element = problem.input_element(item.place, item.index)
    output = "vᵀ(output) for a random v" if item.output < 0 else \
        problem.output_element(item.output, comparer.outputs)
    lines = [f"worst at {element}: derivative of {output}",
             f"claimed by the rule        {item.claimed:+.12g}",
             f"measured by differences    {item.measured:+.12g}"]
    samples = item.classification.samples if item.classification is not None else None
    if kind in ("kink", "jump") and samples is not None:
        lines += _describe_kink(kind, samples, item.claimed)
        return Failure("kink", lines)
    if kind == "noise" and samples is not None:
        return Failure("noise", lines + [
            f"neighbouring values scatter so much that the slope is known only to within "
            f"{samples.noise:.1e}; compute in float64, or choose inputs of moderate size"])
    if item.classification is not None and item.classification.all_samples:
        lines += _describe_steps(item)
    lines.append("diagnosis: " + _diagnosis(comparer, item.place))
    return Failure(kind, lines)


def _describe_kink(kind: str, samples: Samples, claimed: float) -> list[str]:
    if kind == "jump":
        return [f"the function jumps here, by {samples.jump:.6g}: it has no derivative; "
                f"move this input away"]
    lines = [f"slope from the left {samples.left + 0.0:+.6g}, "
             f"from the right {samples.right + 0.0:+.6g}: the function has a kink here "
             f"(a tie in max or pooling, relu or abs at 0); move this input away"]
    low, high = sorted((samples.left, samples.right))
    slack = 1e-3 * abs(samples.bend)
    if not low - slack <= claimed <= high + slack:
        lines.append("the claimed value is not even between the two")
    return lines


def _describe_steps(item: Disagreement) -> list[str]:
    """Claimed minus measured, by step: with a mistake it stays constant as the step shrinks."""
    assert item.classification is not None
    chosen = item.classification.all_samples[::2]
    return ["step of the differences    " + "".join(f"{s.h:<12.1e}" for s in chosen).rstrip(),
            "claimed − measured         " + "".join(
                f"{item.claimed - s.slope:<+12.3e}" for s in chosen).rstrip()]


def _diagnosis(comparer: Comparer, place: int) -> str:
    upstream = random_signed(comparer.rng, comparer.values.size)
    claimed = comparer.claimed(upstream)[place]
    pairs = list(sampled_gradient(comparer, place, upstream))
    indices = np.array([index for index, _ in pairs])
    measured = np.array([value for _, value in pairs])
    if len(comparer.outputs) > 1:
        return diagnose(claimed, indices, measured)
    shape = comparer.outputs[0].shape

    def with_upstream(order: tuple[Any, ...]) -> np.ndarray:
        return comparer.claimed(upstream.reshape(shape).transpose(order).ravel())[place]

    return diagnose(claimed, indices, measured, with_upstream, len(shape),
                    possible_terms(comparer.problem.point[place], upstream.reshape(shape),
                                   comparer.values.reshape(shape)))


def _source(function: Callable[..., Any]) -> list[str]:
    """Files and lines of the rules of a primitive, or of the function."""
    targets = {"the function": getattr(function, "forward", function)}
    if isinstance(function, Primitive):
        targets = {f"the rule for {name}": rule for name, rule in function.rules.items()
                   if rule is not None}
    lines = []
    for what, target in targets.items():
        code = getattr(inspect.unwrap(target), "__code__", None)
        if code is not None:
            name, line = code.co_filename, f"line {code.co_firstlineno}"
            lines.append(f"{what} is in {line} of the cell" if is_cell(name) else
                         f"{what} is in {Path(*Path(name).parts[-3:])}, {line}")
    return lines


def _settings(eps: float | None, rtol: float, atol: float, directions: int, full_limit: int
              ) -> Settings:
    for name, tolerance in (("rtol", rtol), ("atol", atol)):
        need_number(tolerance, name)
    for name, count in (("directions", directions), ("full_limit", full_limit)):
        need_count(count, name)
    step = DEFAULT_EPS if eps is None else eps
    if not is_number(step) or not 0 < step < 1:
        raise ArgumentError(f"gradcheck takes a step eps between 0 and 1, not {shown(eps)}")
    return Settings(float(step), float(rtol), float(atol), directions, full_limit)
