"""PyTorch's functions, `autograd.Function`s and modules on plain arrays.

Only this file imports PyTorch, and it is imported only for a function or an argument of PyTorch's.
"""

from __future__ import annotations

import copy
import inspect
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from minigrad.check.plain.differentiable import Arrays, Differentiable
from minigrad.errors import ArgumentError


def of_torch(function: Any, arguments: Sequence[Any], order: int = 1) -> Differentiable:
    """A `Differentiable` of a function of tensors.

    Parameters
    ----------
    function : any function of tensors; a subclass of `torch.autograd.Function`, whose `jvp` is
        checked as well if it has one; or an `nn.Module`, whose parameters are inputs as well.
    arguments : of `forward`. If some tensors require a gradient, those are checked, otherwise all
        that hold floats. NumPy arrays become tensors; everything is checked in float64.
    order : with 2, the gradient is the function, of the arguments and of upstream gradients, which
        the caller appends to `point` and `labels`.
    """
    notes: list[str] = []
    call, name, parameters = _call(function, notes)
    given = [_tensor(value, f"argument {i}", notes) for i, value in enumerate(arguments)]
    candidates = [i for i, value in enumerate(given) if _is_floating(value)]
    chosen = [i for i in candidates
              if getattr(arguments[i], "requires_grad", False)] or candidates
    point = [*parameters.values(), *(given[i] for i in chosen)]
    if not point:
        raise ArgumentError(f"the check of {name} has nothing to check: no argument and no "
                            f"parameter holds floats")
    complexes = [tensor.is_complex() for tensor in point]
    labels = [*parameters, *(_label(function, i) for i in chosen)]

    def run(tensors: list[torch.Tensor]) -> list[torch.Tensor]:
        filled = list(given)
        for i, tensor in zip(chosen, tensors[len(parameters):]):
            filled[i] = tensor
        result = call(dict(zip(parameters, tensors)), filled)
        outputs = list(result) if isinstance(result, (tuple, list)) else [result]
        for output in outputs:
            if not isinstance(output, torch.Tensor):
                raise ArgumentError(f"the check needs a function that returns tensors, but {name} "
                                    f"returned {type(output).__name__}")
        floating = [output for output in outputs if _is_floating(output)]
        if not floating:
            raise ArgumentError(f"the check of {name} has nothing to check: it returned no floats")
        return floating

    def leaves(arrays: Arrays) -> list[torch.Tensor]:
        return [_from_array(array, is_complex) for array, is_complex in zip(arrays, complexes)]

    def forward(arrays: Arrays) -> Arrays:
        return [_to_array(output) for output in run(leaves(arrays))]

    def vjp(arrays: Arrays, upstream: Arrays) -> Arrays:
        inputs = [leaf.requires_grad_() for leaf in leaves(arrays)]
        outputs = run(inputs)
        flowing = [(output, _from_array(part, output.is_complex()).to(output.dtype))
                   for output, part in zip(outputs, upstream) if output.requires_grad]
        if not flowing:
            return [np.zeros(array.shape) for array in arrays]
        results = torch.autograd.grad([output for output, _ in flowing], inputs,
                                      [part for _, part in flowing], allow_unused=True)
        return [np.zeros(array.shape) if result is None else _to_array(result)
                for result, array in zip(results, arrays)]

    def jvp(arrays: Arrays, tangents: Arrays) -> Arrays:
        with torch.autograd.forward_ad.dual_level():
            duals = [torch.autograd.forward_ad.make_dual(one, two)
                     for one, two in zip(leaves(arrays), leaves(tangents))]
            parts = [torch.autograd.forward_ad.unpack_dual(output) for output in run(duals)]
            return [np.zeros(_to_array(part.primal).shape) if part.tangent is None
                    else _to_array(part.tangent) for part in parts]

    def with_upstream(arrays: Arrays) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """Inputs with upstream gradients, and the recorded gradients."""
        inputs = [leaf.requires_grad_() for leaf in leaves(arrays[:len(point)])]
        outputs = run(inputs)
        given = [_from_array(part, output.is_complex()).requires_grad_()
                 for part, output in zip(arrays[len(point):], outputs)]
        flowing = [(output, g) for output, g in zip(outputs, given) if output.requires_grad]
        found = torch.autograd.grad([output for output, _ in flowing], inputs,
                                    [g.to(output.dtype) for output, g in flowing],
                                    create_graph=True, allow_unused=True) if flowing else []
        return [*inputs, *given], [gradient for gradient in found if gradient is not None]

    def gradients(arrays: Arrays) -> Arrays:
        return [_to_array(gradient) for gradient in with_upstream(arrays)[1]]

    def second_vjp(arrays: Arrays, upstream: Arrays) -> Arrays:
        inputs, found = with_upstream(arrays)
        flowing = [(gradient, _from_array(part, gradient.is_complex()))
                   for gradient, part in zip(found, upstream) if gradient.requires_grad]
        results = torch.autograd.grad([gradient for gradient, _ in flowing], inputs,
                                      [part for _, part in flowing], allow_unused=True
                                      ) if flowing else [None] * len(inputs)
        return [np.zeros(array.shape) if result is None else _to_array(result)
                for result, array in zip(results, arrays)]

    arrays = [np.array(_to_array(tensor), np.float64) for tensor in point]
    if order == 2:
        return Differentiable(name, arrays, labels, gradients, second_vjp, notes=notes,
                              where=_where(function), parameters=len(parameters))
    return Differentiable(name, arrays, labels, forward, vjp,
                          jvp if _has_jvp(function) else None, notes, _where(function),
                          len(parameters))


def _call(function: Any, notes: list[str]) -> tuple[Callable, str, dict[str, torch.Tensor]]:
    """The function as called with parameters and arguments, its name, and its parameters."""
    if isinstance(function, torch.nn.Module):
        module = copy.deepcopy(function).double()
        parameters = {name: parameter.detach() for name, parameter in module.named_parameters()
                      if parameter.requires_grad}
        if any(parameter.dtype != torch.float64 for parameter in function.parameters()):
            notes.append("the parameters were checked in float64")

        def call(values: dict[str, torch.Tensor], arguments: list[Any]) -> Any:
            buffers = {name: buffer.clone() for name, buffer in module.named_buffers()}
            return torch.func.functional_call(module, {**values, **buffers}, tuple(arguments))

        return call, type(function).__name__, parameters
    apply = function.apply if _is_function(function) else function
    name = str(getattr(function, "__name__", type(function).__name__))
    return lambda _, arguments: apply(*arguments), name, {}


def _is_function(function: Any) -> bool:
    return inspect.isclass(function) and issubclass(function, torch.autograd.Function)


def _has_jvp(function: Any) -> bool:
    """Whether an `autograd.Function` has a forward-mode rule of its own."""
    return _is_function(function) and (
        function.jvp is not torch.autograd.Function.jvp)


def _is_floating(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and (value.is_floating_point() or value.is_complex())


def _tensor(value: Any, what: str, notes: list[str]) -> Any:
    if isinstance(value, np.ndarray):
        value = torch.from_numpy(value.copy())
    if not _is_floating(value):
        return value
    wanted = torch.complex128 if value.is_complex() else torch.float64
    if value.dtype != wanted:
        notes.append(f"{what} was {str(value.dtype).removeprefix('torch.')}; it is checked as "
                     f"{str(wanted).removeprefix('torch.')}")
    return value.detach().to(wanted)


def _from_array(array: np.ndarray, is_complex: bool) -> torch.Tensor:
    """A tensor of the same memory layout if PyTorch supports it (no negative strides)."""
    shown = array if array.flags.aligned and all(
        stride >= 0 and stride % array.itemsize == 0 for stride in array.strides
    ) else np.array(array)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")         # a warning that the array is read-only
        tensor = torch.from_numpy(shown)
    return torch.view_as_complex(tensor.contiguous()) if is_complex else tensor


def _to_array(tensor: torch.Tensor) -> np.ndarray:
    tensor = tensor.detach().cpu()
    if tensor.is_complex():
        tensor = torch.view_as_real(tensor.resolve_conj())
    return tensor.resolve_neg().to_dense().double().numpy().copy()


def _label(function: Any, i: int) -> str:
    target = function.forward if _is_function(function) or isinstance(
        function, torch.nn.Module) else function
    try:
        names = [p.name for p in inspect.signature(target).parameters.values()
                 if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    except (TypeError, ValueError):
        return f"input {i}"
    if _is_function(function) and names and function.setup_context is \
            torch.autograd.Function.setup_context:
        names = names[1:]       # ctx
    return f"input {i} ({names[i]})" if i < len(names) else f"input {i}"


def _where(function: Any) -> list[str]:
    if not _is_function(function):
        return []
    code = getattr(function.backward, "__code__", None)
    return [] if code is None else [
        f"backward is in {'/'.join(code.co_filename.split('/')[-3:])}, line {code.co_firstlineno}"]
