"""The result of a check, and the message of a failure.

A message names the function, the input, the worst element with both values, and the most likely
mistake, so that a reader can go straight to the rule.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from minigrad.errors import MinigradError


class GradcheckError(MinigradError, AssertionError):
    """A gradient is wrong or an invariant is violated; the message explains."""


class KinkError(GradcheckError):
    """The function has no derivative at the point of the check."""


@dataclass
class Failure:
    """The reason why a check failed.

    Attributes
    ----------
    kind : "wrong", "kink", "noise", "not finite", "modified", "random", "shared",
        "layout", "alone" or "recorded".
    text : lines for the reader.
    """

    kind: str
    text: list[str]


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
        is analytic.
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

    def __bool__(self) -> bool:
        return self.failure is None

    def message(self) -> str:
        """The whole explanation, several lines; one line if the check passed."""
        what = "gradcheck" if self.order == 1 else "gradgradcheck"
        if self.failure is None:
            return f"{what} of {self.name} passed ({self.method}, {self.compared_with}, " \
                   f"largest error {self.max_error:.1e})"
        title = {"kink": "is at a point without a derivative",
                 "noise": "cannot be judged"}.get(self.failure.kind, "failed")
        return "\n  ".join([f"{what} of {self.name} {title}", *self.failure.text, *self.where])

    def raise_if_failed(self) -> None:
        """Raise the failure as `GradcheckError` (`KinkError` for a kink)."""
        if self.failure is not None:
            kind = KinkError if self.failure.kind == "kink" else GradcheckError
            raise kind(self.message())
