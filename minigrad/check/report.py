"""The result of a check, and the message of a failure.

A message names the function, the input, the worst element with both values, and the most likely
mistake, so that a reader can go straight to the rule.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from minigrad.check.matrices import LEGEND, figures
from minigrad.check.mistakes.kinds import Mistake
from minigrad.errors import MinigradError
from minigrad.html import Markup, block, escaped, paragraph, preformatted


class GradcheckError(MinigradError, AssertionError):
    """A gradient is wrong or an invariant is violated; the message explains."""

    longest = None      # a report of several lines


class UndecidedError(GradcheckError):
    """The check cannot tell whether the gradient is right; the message says why."""


class KinkError(UndecidedError):
    """The function has no derivative at the point of the check."""


@dataclass
class Failure:
    """The reason why a check failed.

    Attributes
    ----------
    kind : "wrong", "elsewhere", "not finite", "shape", "none", "modified", "random rule",
        "stale", "accumulates", "shared", "layout", "alone" or "recorded" if the rule is at fault;
        "kink", "noise", "undefined" or "random" if the function cannot be measured.
    text : lines for the reader.
    jacobians : claimed and measured Jacobian, if they are small.
    """

    kind: str
    text: list[str]
    jacobians: tuple[np.ndarray, np.ndarray] | None = None

    @property
    def undecided(self) -> bool:
        """Whether nothing can be said about the rule."""
        return self.kind in ("kink", "noise", "undefined", "random")


@dataclass
class Report:
    """The result of one check; true if the check passed.

    Attributes
    ----------
    name : of the function.
    order : 1 for gradients, 2 for gradients of gradients.
    labels : of the checked inputs.
    method : for example "full Jacobian" or "3 random directions".
    max_error : the largest |claimed − measured| / max(1, |measured|).
    compared_with : "finite differences", or "finite differences and complex step" if the function
        is analytic; "exact integers" where it is linear.
    exact : by input, "exact" or "rounding bound" where exact integers were compared.
    resolution : a relative error of the gradient below this might not be seen.
    notes : what was changed for the check, such as element types.
    mistake : the likely mistake behind a failure, if it has a name.
    failure : None if the check passed.
    where : files and lines of the rules.
    """

    name: str
    order: int
    labels: list[str]
    method: str = ""
    max_error: float = 0.0
    compared_with: str = "finite differences"
    failure: Failure | None = None
    where: list[str] = field(default_factory=list)
    exact: dict[str, str] = field(default_factory=dict)
    resolution: float = 0.0
    notes: list[str] = field(default_factory=list)
    mistake: Mistake | None = None

    def __bool__(self) -> bool:
        return self.failure is None

    @property
    def verdict(self) -> str:
        """ "right", "wrong" or "cannot tell"."""
        if self.failure is None:
            return "right"
        return "cannot tell" if self.failure.undecided else "wrong"

    def message(self) -> str:
        """The whole explanation, several lines; one line if the check passed."""
        what = "gradcheck" if self.order == 1 else "gradgradcheck"
        if self.failure is None:
            text = f"{what} of {self.name} passed ({self.method}, {self.compared_with}, " \
                   f"largest error {self.max_error:.1e})"
            return "\n  ".join([text, *self.notes])
        title = "cannot be judged" if self.failure.undecided else "failed"
        if self.failure.kind == "kink":
            title = "is at a point without a derivative"
        return "\n  ".join([f"{what} of {self.name} {title}", *self.failure.text, *self.where,
                            *self.notes])

    def _repr_html_(self) -> str:
        color, sign = {"right": ("#2e8b4f", "✓"), "wrong": ("#d0312d", "✗")}.get(
            self.verdict, ("#b08900", "△"))
        said = "the check cannot tell" if self.verdict == "cannot tell" else \
            f"the gradient is {self.verdict}"
        parts: list[object] = [
            Markup(f'<p style="border-left: 4px solid {color}; padding-left: 8px">'
                   f'{sign} <b>{escaped(self.name)}</b>: {said}</p>'),
            preformatted(self.message())]
        if self.failure is not None and self.failure.jacobians is not None:
            parts += [Markup('<div style="display: flex; flex-wrap: wrap">'
                             + "".join(figures(*self.failure.jacobians)) + "</div>"),
                      paragraph(LEGEND)]
        return block(*parts)

    def raise_if_failed(self) -> None:
        """Raise the failure: `UndecidedError` if the check cannot tell (`KinkError` for a kink),
        else `GradcheckError`."""
        __tracebackhide__ = True
        if self.failure is None:
            return
        if self.failure.kind == "kink":
            raise KinkError(self.message())
        raise (UndecidedError if self.failure.undecided else GradcheckError)(self.message())
