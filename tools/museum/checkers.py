"""Four gradient checkers behind one interface: is this pair of functions right?

Each takes `forward(*arguments)`, `vjp(g, *arguments)` and the arguments as NumPy arrays, and says
"caught" (the gradient is wrong), "passed" (it is right) or "cannot tell". All run with their
default steps and tolerances. If a checker refuses a pair with an error of its own, the pair counts
as caught: its user learns that something is wrong.
"""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad import check
from minigrad.errors import MinigradError
from tools.museum.piece import Piece

CAUGHT, PASSED, UNDECIDED = "caught", "passed", "cannot tell"
NOT_APPLICABLE = "–"

Forward = Callable[..., Any]
Vjp = Callable[..., tuple]
Checker = Callable[[Forward, Vjp, tuple], str]


def by_minigrad(forward: Forward, vjp: Vjp, arguments: tuple) -> str:
    """`minigrad.check.check_vjp`."""
    try:
        report = check.check_vjp(forward, lambda given, g: vjp(g, *given), arguments,
                                 raise_exception=False)
    except MinigradError:
        return CAUGHT
    return {"right": PASSED, "wrong": CAUGHT}.get(report.verdict, UNDECIDED)


def torch_function(forward: Forward, vjp: Vjp) -> Callable[..., Any]:
    """The pair as a `torch.autograd.Function` on tensors that share their arrays' memory."""
    import torch

    class Pair(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *tensors: Any) -> Any:
            ctx.save_for_backward(*tensors)
            result = forward(*[tensor.detach().numpy() for tensor in tensors])
            return torch.tensor(np.asarray(result))

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            gradients = vjp(g.numpy(), *[tensor.detach().numpy() for tensor in ctx.saved_tensors])
            return tuple(torch.tensor(np.asarray(gradient)) for gradient in gradients)
    return Pair.apply


def _by_torch(fast: bool) -> Checker:
    def checker(forward: Forward, vjp: Vjp, arguments: tuple) -> str:
        import torch
        tensors = [torch.from_numpy(np.asarray(a)).requires_grad_() for a in arguments]
        return _torch_verdict(torch_function(forward, vjp), tensors, fast)
    return checker


def _torch_verdict(function: Callable[..., Any], tensors: list[Any], fast: bool) -> str:
    import torch
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            right = torch.autograd.gradcheck(function, tensors, fast_mode=fast)
        except Exception:       # a mismatch raises as well
            return CAUGHT
    return PASSED if right else CAUGHT


def jax_function(forward: Forward, vjp: Vjp) -> Callable[..., Any]:
    """The pair as a `jax.custom_vjp`. JAX's gradients of complex functions are conjugates."""
    import jax
    import jax.numpy as jnp

    def call(*arrays: Any) -> Any:
        return np.array(forward(*[np.asarray(a).copy() for a in arrays]))

    def pull(g: Any, *arrays: Any) -> tuple:
        found = vjp(np.conj(g), *[np.asarray(a).copy() for a in arrays])
        return tuple(np.asarray(np.conj(gradient)) for gradient in found)

    def like(arrays: tuple) -> Any:
        out = call(*[np.ones(a.shape, a.dtype) for a in arrays])
        return jax.ShapeDtypeStruct(out.shape, out.dtype)

    @jax.custom_vjp
    def pair(*arrays: Any) -> Any:
        return jax.pure_callback(call, like(arrays), *arrays)

    def backward(saved: tuple, g: Any) -> tuple:
        shapes = tuple(jax.ShapeDtypeStruct(a.shape, a.dtype) for a in saved)
        return jax.pure_callback(pull, shapes, jnp.asarray(g), *saved)

    pair.defvjp(lambda *arrays: (pair(*arrays), arrays), backward)
    return pair


def by_jax(forward: Forward, vjp: Vjp, arguments: tuple) -> str:
    """`jax.test_util.check_grads` in reverse mode, in float64."""
    import jax
    from jax.test_util import check_grads
    with warnings.catch_warnings(), jax.enable_x64(True):
        warnings.simplefilter("ignore")
        try:
            check_grads(jax_function(forward, vjp), [np.asarray(a) for a in arguments],
                        order=1, modes=["rev"])
        except Exception:       # a mismatch is an AssertionError; a wrong shape something else
            return CAUGHT
    return PASSED


CHECKERS: dict[str, Checker] = {
    "torch slow": _by_torch(fast=False),
    "torch fast": _by_torch(fast=True),
    "jax": by_jax,
    "minigrad": by_minigrad,
}
MODULES = {"torch slow": "torch", "torch fast": "torch", "jax": "jax", "minigrad": "minigrad"}


def verdict(piece: Piece, checker: str) -> str:
    """A checker's verdict on a piece. NumPy's warnings are off: some pieces divide by zero."""
    with np.errstate(all="ignore"):
        if piece.torch_function is not None:
            return _second_order(piece, checker)
        if MODULES[checker] == "torch" and _too_large(piece):
            return NOT_APPLICABLE
        return CHECKERS[checker](*piece.pair(), piece.arguments())


def _too_large(piece: Piece) -> bool:
    """Whether a gradient can be summed to the right shape, as PyTorch's engine does by itself."""
    forward, vjp = piece.pair()
    out = np.asarray(forward(*piece.arguments()))
    gradients = vjp(np.ones(out.shape, out.dtype), *piece.arguments())
    shapes = [(np.shape(found), a.shape) for found, a in zip(gradients, piece.arguments())]
    return any(found != right and _broadcasts(right, found) for found, right in shapes)


def _broadcasts(small: tuple[int, ...], large: tuple[int, ...]) -> bool:
    try:
        return np.broadcast_shapes(small, large) == large
    except ValueError:
        return False


def _second_order(piece: Piece, checker: str) -> str:
    """A piece that PyTorch's second derivatives reveal. JAX differentiates what it saves."""
    assert piece.torch_function is not None
    if checker == "jax":
        return NOT_APPLICABLE
    import torch
    tensors = [torch.tensor(a, requires_grad=True) for a in piece.arguments()]
    function = piece.torch_function()
    if checker == "minigrad":
        report = check.check_function(function, tensors, raise_exception=False)
        return {"right": PASSED, "wrong": CAUGHT}.get(report.verdict, UNDECIDED)
    return _torch_verdict(function, tensors, checker == "torch fast")
