"""Derivatives as functions, which leave `.grad` alone.

:func:`grad` takes tensors that exist already. The others take a function and its inputs, as
`torch.autograd.functional` does, and compute parts of its derivative J = ∂outputs/∂inputs:

    vjp       Jᵀ·v        one backward pass
    jvp       J·v         two: Jᵀ·u is linear in u, and its derivative with respect to u is J
    jacobian  J           a backward pass for each element of the outputs
    hvp       H·v         for a scalar function, H = ∂²f/∂x²: backward through a backward pass
    hessian   H           the Jacobian of the gradient

All can be differentiated again with `create_graph=True`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from minigrad.backend import array_module
from minigrad.core.graph import backward, topological_order
from minigrad.core.mode import enable_grad
from minigrad.core.tensor import Tensor, wrap
from minigrad.errors import ArgumentError, DTypeError, GradientError, NonScalarError, ShapeError
from minigrad.ops.shape_functions import stack
from minigrad.printable import shown

Tensors = Tensor | tuple[Tensor, ...]


def grad(outputs: Tensor | Sequence[Tensor], inputs: Tensor | Sequence[Tensor],
         grad_outputs: Any = None, *, retain_graph: bool | None = None, create_graph: bool = False,
         allow_unused: bool = False) -> tuple[Tensor | None, ...]:
    """Gradients of `outputs` with respect to `inputs`; no `.grad` changes.

    Parameters
    ----------
    outputs : Tensor or sequence of Tensor
        Scalars unless `grad_outputs` is given.
    inputs : Tensor or sequence of Tensor
        Leaves or results that require gradients.
    grad_outputs : optional
        ∂L/∂output for each output, of its shape; by default ones for scalars.
    retain_graph : bool, optional
        Keep the graph for another backward pass; by default as `create_graph`.
    create_graph : bool
        Record the pass, so that the gradients can be differentiated again.
    allow_unused : bool
        Return None for an input that the outputs do not depend on, instead of raising.

    Returns
    -------
    tuple of Tensor
        One gradient for each input.

    Raises
    ------
    GradientError
        An output is not a scalar and has no gradient, or an input is not used.
    """
    outputs, inputs = _tensors("grad()", outputs), _tensors("grad()", inputs)
    upstream = [None] * len(outputs) if grad_outputs is None else grad_outputs
    upstream = list(upstream) if isinstance(upstream, (list, tuple)) else [upstream]
    if len(upstream) != len(outputs):
        raise GradientError(f"grad() has {len(outputs)} outputs but {len(upstream)} grad_outputs; "
                            f"give one for each, or None for a single element")
    starts = [output.start_gradient(g, create_graph) for output, g in zip(outputs, upstream)]
    targets: dict[int, Tensor | None] = {id(tensor.node or tensor): None for tensor in inputs}
    retain = create_graph if retain_graph is None else retain_graph
    for target, g in backward(outputs, starts, retain_graph=retain, create_graph=create_graph,
                              wanted=_leading_to(outputs, targets)):
        if id(target) in targets:
            targets[id(target)] = _unshared(g, [*starts, *targets.values()]) if create_graph \
                else wrap(g.copy())
    results = tuple(targets[id(tensor.node or tensor)] for tensor in inputs)
    if not allow_unused and any(result is None for result in results):
        position = next(i for i, result in enumerate(results) if result is None)
        raise GradientError(f"input {position} of grad() does not lead to the outputs; "
                            f"check that it requires a gradient and was used, or pass "
                            f"allow_unused=True to get None for it")
    return results


def _unshared(gradient: Tensor, others: Sequence[Tensor | None]) -> Tensor:
    """A recorded gradient, or a copy if it is a view, or an array of one of the others."""
    array = gradient._array
    shared = array.base is not None or any(
        other is not None and other._array is array for other in others)
    return gradient.clone() if shared else gradient


def _leading_to(outputs: Sequence[Tensor], targets: dict[int, Any]) -> set[int]:
    """The ids of all nodes and leaves from which a target is reached, targets included."""
    order = topological_order(*outputs)
    leading = set(targets)
    for node in reversed(order):
        if any(id(parent) in leading for parent in node.parents):
            leading.add(id(node))
    return leading


# ----------------------------------------------------------- derivatives of functions


def vjp(function: Callable[..., Tensors], inputs: Tensors, v: Tensors | None = None,
        create_graph: bool = False) -> tuple[Tensors, Tensors]:
    """The outputs of `function`, and the vector-Jacobian product Jᵀ·v.

    Parameters
    ----------
    function : Callable
        From one or several tensors to a tensor or a tuple of tensors.
    inputs : Tensor or tuple of Tensor
        Floating-point; they are not changed.
    v : Tensor or tuple of Tensor, optional
        For each output a tensor of its shape; 1 by default if each has one element.
    create_graph : bool
        Let the results depend on the inputs, so that they can be differentiated again.

    Returns
    -------
    (outputs, products)
        The products are a tensor for each input, of its shape; zero if the outputs do not depend
        on it.

    Raises
    ------
    GradientError
        v is needed and missing.
    ShapeError, ArgumentError
        v does not fit, or the function does not return tensors.
    """
    leaves, result, outputs = _run(function, inputs, create_graph)
    products = _vjp(outputs, leaves, _directions("vjp", v, outputs), create_graph)
    return _shown(result, outputs, create_graph), _like(inputs, products)


def jvp(function: Callable[..., Tensors], inputs: Tensors, v: Tensors | None = None,
        create_graph: bool = False) -> tuple[Tensors, Tensors]:
    """The outputs of `function`, and the Jacobian-vector product J·v.

    Parameters are those of :func:`vjp`, but v has the shapes of the inputs, and the products have
    those of the outputs.

    Notes
    -----
    The engine has no forward mode, so this is the double-backward trick: Jᵀ·u is computed for a
    placeholder u with its graph, and the derivative of ⟨Jᵀ·u, v⟩ with respect to u is J·v. It
    costs two backward passes, where forward mode would need one forward pass.
    """
    leaves, result, outputs = _run(function, inputs, create_graph)
    directions = _directions("jvp", v, leaves)
    placeholders = tuple(_zeros(output.shape, output).requires_grad_() for output in outputs)
    transposed = _vjp(outputs, leaves, placeholders, recorded=True)
    products = _vjp(transposed, placeholders, directions, create_graph)
    return _shown(result, outputs, create_graph), _like(result, products)


def hvp(function: Callable[..., Tensor], inputs: Tensors, v: Tensors | None = None,
        create_graph: bool = False) -> tuple[Tensor, Tensors]:
    """The value of a scalar `function`, and the Hessian-vector product H·v.

    Parameters are those of :func:`jvp`; the products have the shapes of the inputs. H itself is
    never formed.

    Raises
    ------
    GradientError
        The function's result has more than one element.

    Notes
    -----
    Pearlmutter, "Fast exact multiplication by the Hessian" (1994); here as a backward pass
    through the backward pass.
    """
    leaves, result, outputs = _run(function, inputs, create_graph)
    directions = _directions("hvp", v, leaves)
    gradient = _vjp(outputs, leaves, _directions("hvp", None, outputs), recorded=True)
    products = _vjp(gradient, leaves, directions, create_graph)
    return _shown(result, outputs, create_graph), _like(inputs, products)


def jacobian(function: Callable[..., Tensors], inputs: Tensors, create_graph: bool = False) -> Any:
    """All derivatives of the outputs with respect to the inputs.

    Parameters
    ----------
    function, inputs, create_graph :
        See :func:`vjp`.

    Returns
    -------
    Tensor or tuple
        A tensor of shape output.shape + input.shape. For a tuple of inputs, a tuple of these; for
        a tuple of outputs, a tuple with one such result for each output.
    """
    leaves, result, outputs = _run(function, inputs, create_graph)
    table = []
    for output in outputs:
        rows = [_vjp((output,), leaves, (_unit(output, i),), create_graph)
                for i in range(output.numel())]
        table.append(_like(inputs, tuple(
            _stacked([row[k] for row in rows], output, leaf) for k, leaf in enumerate(leaves))))
    return _like(result, tuple(table))


def hessian(function: Callable[..., Tensor], inputs: Tensors, create_graph: bool = False) -> Any:
    """All second derivatives of a scalar `function`.

    Returns
    -------
    Tensor or tuple
        A tensor of shape input.shape + input.shape. For a tuple of inputs, a tuple of tuples in
        which `[i][j]` is ∂²f/∂input_i∂input_j.

    Raises
    ------
    GradientError
        The function's result has more than one element.
    """
    _check_callable(function)

    def gradient(*xs: Tensor) -> tuple[Tensor, ...]:
        outputs = _as_tuple(function, function(*xs))
        return _vjp(outputs, xs, _directions("hessian", None, outputs), recorded=True)

    table = jacobian(gradient, (inputs,) if isinstance(inputs, Tensor) else inputs, create_graph)
    return table[0][0] if isinstance(inputs, Tensor) else table


# --------------------------------------------------------------------------- shared parts


def _check_callable(function: Any) -> None:
    if not callable(function):
        raise ArgumentError(f"only functions have derivatives, not {shown(function)}")


def _tensors(name: str, values: Any) -> tuple[Tensor, ...]:
    """One Tensor or a sequence of them, as a tuple."""
    if isinstance(values, (set, frozenset)):
        raise ArgumentError(f"{name} takes a list of tensors, not a set, which has no order")
    single = isinstance(values, Tensor) or not isinstance(values, Iterable)
    several = (values,) if single else tuple(values)
    for value in several:
        if not isinstance(value, Tensor):
            raise DTypeError(f"{name} takes a tensor or a sequence of tensors, not "
                             f"{type(value).__name__}")
    return several


def _run(function: Callable[..., Any], inputs: Tensors, create_graph: bool
         ) -> tuple[tuple[Tensor, ...], Any, tuple[Tensor, ...]]:
    """New leaves in place of the inputs, the function's result, and its tensors as a tuple."""
    _check_callable(function)
    xs = _tensors(f"the derivative of {getattr(function, '__name__', 'a function')}", inputs)
    with enable_grad():
        leaves = tuple(x.clone() if create_graph and x.requires_grad
                       else x.detach().requires_grad_() for x in xs)
        result = function(*leaves)
    return leaves, result, _as_tuple(function, result)


def _as_tuple(function: Callable[..., Any], result: Any) -> tuple[Tensor, ...]:
    results = tuple(result) if isinstance(result, (tuple, list)) else (result,)
    for each in results:
        if not isinstance(each, Tensor):
            name = getattr(function, "__name__", "the function")
            raise ArgumentError(f"only functions that return tensors have derivatives, but {name} "
                                f"returned a {type(each).__name__}")
    return results


def _vjp(outputs: Sequence[Tensor], inputs: Sequence[Tensor], upstream: Sequence[Tensor],
               recorded: bool) -> tuple[Tensor, ...]:
    """Jᵀ·upstream, with zeros where nothing depends on an input."""
    pairs = [(output, v) for output, v in zip(outputs, upstream) if output.requires_grad]
    found: Sequence[Tensor | None] = [None] * len(inputs)
    if pairs:
        found = grad([output for output, _ in pairs], inputs, [v for _, v in pairs],
                     retain_graph=True, create_graph=recorded, allow_unused=True)
    return tuple(_zeros(x.shape, x) if g is None else g for x, g in zip(inputs, found))


def _directions(name: str, v: Tensors | None, tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """v as a tuple, one tensor for each of `tensors`; by default ones for single elements."""
    if v is None:
        if any(tensor.numel() != 1 for tensor in tensors):
            shapes = ", ".join(str(tensor.shape) for tensor in tensors)
            raise NonScalarError(f"{name} has a default v for single elements only, not for "
                                 f"tensors of shape {shapes}; pass v, or make the function "
                                 f"scalar")
        return tuple(_zeros(tensor.shape, tensor) + 1 for tensor in tensors)
    vs = _tensors(f"v of {name}", v)
    if [x.shape for x in vs] != [tensor.shape for tensor in tensors]:
        raise ShapeError(f"{name} needs v of shapes {', '.join(str(t.shape) for t in tensors)}, "
                         f"not {', '.join(str(x.shape) for x in vs)}")
    return vs


def _shown(result: Any, outputs: tuple[Tensor, ...], create_graph: bool) -> Any:
    """The outputs in the structure of `result`, detached unless `create_graph`."""
    return _like(result, outputs if create_graph else tuple(out.detach() for out in outputs))


def _like(template: Any, values: tuple[Any, ...]) -> Any:
    """`values` in the structure of `template`: one value for one tensor, a tuple for a tuple."""
    return values[0] if isinstance(template, Tensor) else values


def _zeros(shape: tuple[int, ...], like: Tensor) -> Tensor:
    return wrap(array_module(like._array).zeros(shape, like.dtype))


def _unit(like: Tensor, position: int) -> Tensor:
    """1 at one position in row-major order, 0 elsewhere."""
    unit = array_module(like._array).zeros(like.numel(), like.dtype)
    unit[position] = 1
    return wrap(unit.reshape(like.shape))


def _stacked(rows: list[Tensor], output: Tensor, x: Tensor) -> Tensor:
    shape = (*output.shape, *x.shape)
    return stack(rows).reshape(shape) if rows else _zeros(shape, x)
