"""Gradient checking: is a derivative rule right, and if not, what is wrong with it?

    from minigrad.check import gradcheck, gradgradcheck
    gradcheck(function, inputs)        # raises GradcheckError with an explanation
    assert_gradients(function, *arrays)         # both orders; for tests

    check_gradient(f, gradient, x)     # a NumPy function and its gradient by hand
    check_vjp(forward, vjp, arguments)
    check_function(function, arguments)         # of PyTorch, JAX or minigrad, or a module

`python -m minigrad.check` checks every declared primitive. The packages: `plain` (the checker on
arrays of NumPy, for every framework), `frameworks` (adapters). The modules: `problem` (the function
under test), `numeric` (finite differences), `complex_step` (a second method), `compare` (claimed
and measured gradients), `kinks` (points without a derivative), `guards` (invariants besides the
values), `report` (messages), `samples` (inputs for every primitive), `mutation` (tests of the
checker itself).
"""

from minigrad.check.asserting import assert_gradients
from minigrad.check.frameworks.functions import check_function
from minigrad.check.gradcheck import gradcheck, gradgradcheck
from minigrad.check.plain.numpy_pairs import check_gradient, check_vjp
from minigrad.check.report import GradcheckError, KinkError, Report, UndecidedError
from minigrad.check.samples import Sample, samples_of

__all__ = ["GradcheckError", "KinkError", "Report", "Sample", "UndecidedError", "assert_gradients",
           "check_function", "check_gradient", "check_vjp", "gradcheck", "gradgradcheck",
           "samples_of"]
