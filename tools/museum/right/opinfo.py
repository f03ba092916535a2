"""PyTorch's operations at the samples of its own tests (OpInfo).

Random operations are left out, and those that are not functions of floats. Of every other
operation, the first samples that are small enough are used. `torch.autograd.gradcheck` agrees with
each. Operations left out because their gradients are wrong are listed in `WRONG`.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tools.museum.right.function import RightFunction

# Found by our first run. PyTorch's own gradcheck, with a tolerance of 10⁻³, agrees with these, too.
WRONG = {"nn.functional.hardsigmoid": "its slope is the float32 number nearest to 1/6, in float64, "
                                      "too: 3·10⁻⁸ off (PyTorch 2.13)"}
MAX_ELEMENTS = 100
SAMPLES = 2


def functions() -> Iterator[RightFunction]:
    """Needs torch."""
    import torch
    from torch.testing._internal.common_methods_invocations import op_db

    for op in op_db:
        if (op.supports_autograd and torch.float64 in op.supported_dtypes("cpu")
                and op.name not in WRONG):
            yield from _of_operation(torch, op)


def _of_operation(torch: Any, op: Any) -> Iterator[RightFunction]:
    taken = 0
    torch.manual_seed(0)
    try:
        samples = list(op.sample_inputs("cpu", torch.float64, requires_grad=True))
    except Exception:
        return                          # needs something that is not installed
    for i, sample in enumerate(samples):
        if taken == SAMPLES:
            return
        found = _of_sample(torch, op, sample, f"{op.formatted_name}, sample {i}")
        if found is not None:
            taken += 1
            yield found


def _of_sample(torch: Any, op: Any, sample: Any, name: str) -> RightFunction | None:
    from torch.utils._pytree import tree_flatten, tree_unflatten
    leaves, structure = tree_flatten((sample.input, sample.args, sample.kwargs))
    places = [i for i, leaf in enumerate(leaves) if _is_checked(torch, leaf)]
    if not places or sum(leaves[i].numel() for i in places) > MAX_ELEMENTS:
        return None

    def call(*tensors: Any) -> Any:
        filled = list(leaves)
        for i, tensor in zip(places, tensors):
            filled[i] = tensor
        first, args, kwargs = tree_unflatten(filled, structure)
        out = sample.output_process_fn_grad(op.gradcheck_wrapper(op.op, first, *args, **kwargs))
        return _joined(torch, out)

    tensors = [leaves[i].detach().clone().requires_grad_() for i in places]
    if not _is_right(torch, call, tensors):
        return None
    return RightFunction(name, "OpInfo", *_pair(torch, call),
                         tuple(tensor.detach().numpy().copy() for tensor in tensors))


def _is_checked(torch: Any, leaf: Any) -> bool:
    return (isinstance(leaf, torch.Tensor) and leaf.layout == torch.strided
            and leaf.dtype == torch.float64 and leaf.requires_grad and leaf.numel() > 0)


def _joined(torch: Any, out: Any) -> Any:
    """All floating-point results as one vector; a single one keeps its shape."""
    from torch.utils._pytree import tree_flatten
    parts = [part for part in tree_flatten(out)[0]
             if isinstance(part, torch.Tensor) and part.requires_grad]
    parts = [torch.view_as_real(part) if part.is_complex() else part for part in parts]
    return parts[0] if len(parts) == 1 else torch.cat([part.reshape(-1) for part in parts])


def _is_right(torch: Any, call: Callable[..., Any], tensors: list[Any]) -> bool:
    """Whether two calls give the same result in float64, and PyTorch's gradcheck agrees."""
    try:
        torch.manual_seed(1)
        first = call(*tensors)
        torch.manual_seed(2)
        if (first.dtype != torch.float64 or first.numel() > MAX_ELEMENTS
                or not torch.isfinite(first).all() or not torch.equal(first, call(*tensors))):
            return False
        return bool(torch.autograd.gradcheck(call, tensors, raise_exception=False,
                                             check_batched_grad=False))
    except Exception:
        return False                    # not a function of these inputs alone


def _pair(torch: Any, call: Callable[..., Any]) -> tuple[Callable[..., Any], Callable[..., tuple]]:
    def forward(*arrays: np.ndarray) -> np.ndarray:
        with torch.enable_grad():       # the results that count are those that require a gradient
            inputs = [_tensor(torch, array) for array in arrays]
            return call(*inputs).detach().numpy()

    def vjp(g: np.ndarray, *arrays: np.ndarray) -> tuple:
        with torch.enable_grad():       # also within a backward pass of PyTorch's own
            inputs = [_tensor(torch, array) for array in arrays]
            found = torch.autograd.grad(call(*inputs), inputs, torch.tensor(np.array(g, order="C")),
                                        allow_unused=True)
        return tuple(np.zeros_like(array) if gradient is None else gradient.numpy()
                     for array, gradient in zip(arrays, found))
    return forward, vjp


def _tensor(torch: Any, array: np.ndarray) -> Any:
    """A leaf; PyTorch does not support negative strides."""
    return torch.tensor(np.array(array, order="C"), requires_grad=True)
