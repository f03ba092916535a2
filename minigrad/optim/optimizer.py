"""Base class of optimizers: parameter groups, state, and saving both."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from minigrad import backend
from minigrad.core.mode import enable_grad, no_grad
from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError, DTypeError
from minigrad.kernels.boundary import FOREIGN, is_foreign
from minigrad.ops.in_place import writable
from minigrad.optim.settings import check_flags, check_setting, is_count
from minigrad.printable import printable, shown


class Optimizer:
    """Base class; a subclass implements `update` for one parameter.

    Parameters
    ----------
    params : tensors, or dicts `{"params": tensors, "lr": 0.1, ...}` for groups with
        their own hyperparameters.
    defaults : hyperparameters of groups that do not set them.

    Attributes
    ----------
    param_groups : list of dict
        `"params"` and the hyperparameters of each group; change `"lr"` here at any time.
    state : dict
        State of each parameter: arrays of its shape, and numbers.

    Raises
    ------
    ArgumentError : there are no parameters, one occurs twice, or one is not a leaf tensor.
    """

    _first_state: tuple[str, ...] = ()      # what `update` sets for a parameter in its first step,
    _later_state: tuple[str, ...] = ()      # and arrays that it may set, depending on the settings

    def __init__(self, params: Iterable[Tensor] | Iterable[dict[str, Any]],
                 defaults: dict[str, Any]) -> None:
        if isinstance(params, (Tensor, dict)):
            raise ArgumentError(f"{self._name} takes a list of parameters or of groups, not a "
                                f"single {type(params).__name__}; put it in a list")
        self._check_order(params)
        groups: list[Any] = list(params)
        if not groups:
            raise ArgumentError(f"{self._name} was given no parameters to optimize")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        self.defaults = defaults
        self.param_groups: list[dict[str, Any]] = []
        self.state: dict[Tensor, dict[str, Any]] = {}
        self._scratch: dict[tuple[Any, ...], Any] = {}
        for group in groups:
            self.add_param_group(group)

    @property
    def _name(self) -> str:
        return type(self).__name__

    def add_param_group(self, group: dict[str, Any]) -> None:
        """Add parameters; hyperparameters missing from `group` take the defaults."""
        unknown = sorted(set(group) - set(self.defaults) - {"params"})
        if unknown or "params" not in group:
            raise ArgumentError(f"a group of {self._name} needs 'params' and may set "
                                f"{', '.join(self.defaults)}; it has {', '.join(map(repr, group))}")
        params = group["params"]
        self._check_order(params)
        params = [params] if isinstance(params, Tensor) else list(params)
        taken = {id(p) for other in self.param_groups for p in other["params"]}
        for position, parameter in enumerate(params):
            self._check(parameter, position)
            if id(parameter) in taken:
                raise ArgumentError(f"parameter {position} of a group of {self._name} was given "
                                    f"before; each may occur only once")
            taken.add(id(parameter))
        settings = {**self.defaults, **{k: v for k, v in group.items() if k != "params"}}
        check_flags(self._name, settings)
        self.check_settings(settings)
        self.param_groups.append({"params": params, **settings})

    def _check_order(self, params: Any) -> None:
        """Refuse sets: the numbers of parameters in a saved state mean their order."""
        if isinstance(params, (set, frozenset)):
            raise ArgumentError(f"{self._name} takes a list of parameters, not a set, which has "
                                f"another order in every run")
        if not isinstance(params, Iterable):
            raise DTypeError(f"{self._name} takes a list of parameters, not {shown(params)}")

    def _check_closure(self, closure: Any) -> None:
        if not callable(closure):
            raise ArgumentError(f"step() of {self._name} takes a function that computes the loss, "
                                f"not {shown(closure)}")

    def _check_group(self, group: dict[str, Any]) -> None:
        """Check the settings of a group again, because a user may have changed them."""
        missing = [name for name in ("params", *self.defaults) if name not in group]
        if missing:
            raise ArgumentError(f"a group of {self._name} lacks {', '.join(map(repr, missing))}")
        check_flags(self._name, group)
        self.check_settings(group)

    def _check(self, parameter: Any, position: int) -> None:
        if not isinstance(parameter, Tensor):
            raise ArgumentError(f"{self._name} optimizes tensors; parameter {position} is a "
                                f"{type(parameter).__name__}")
        if parameter.node is not None:
            raise ArgumentError(f"{self._name} optimizes leaves; parameter {position} is a result "
                                f"of {parameter.node.primitive.name}: optimize what it was made "
                                f"from, or detach() it")

    def check_settings(self, settings: dict[str, Any]) -> None:
        """Reject impossible hyperparameters; implemented by subclasses."""

    # -- public methods

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Clear all gradients; with `set_to_none=False` they become zeros instead of None."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if set_to_none or parameter.grad is None:
                    parameter.grad = None
                else:
                    with no_grad():
                        parameter.grad.zero_()

    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:
        """Update every parameter that has a gradient.

        Parameters
        ----------
        closure : recomputes the loss and its gradients and returns the loss; called first.

        Returns
        -------
        Tensor or None
            The result of `closure`.
        """
        loss = None
        if closure is not None:
            self._check_closure(closure)
            with enable_grad():
                loss = closure()
        for group in self.param_groups:
            lr = group.get("lr")
            if type(lr) is not float or not 0 <= lr < math.inf or "params" not in group:
                self._check_group(group)
            for parameter in group["params"]:
                if parameter._grad is not None:
                    self._update(parameter, parameter._grad.data, group)
        return loss

    def _update(self, parameter: Tensor, gradient: Any, group: dict[str, Any]) -> None:
        state = self.state.setdefault(parameter, {})
        backend.use_device_of(gradient)
        try:
            if group.get("maximize"):
                # -g of an array without dimensions would be a number, which no buffer can be.
                negative = backend.array_module(gradient).negative
                gradient = negative(gradient, out=self.scratch(gradient, -1))
            with no_grad():
                self.update(writable(parameter), gradient, state, group)
        except FOREIGN as error:
            if is_foreign(error):
                self._check_group(group)        # a setting may be the cause
            raise

    def update(self, x: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        """Update the array `x` in place from its gradient `g`, which is not changed."""
        raise NotImplementedError

    def scratch(self, like: Any, number: int) -> Any:
        """A work array of the shape of `like`, the same one in every step."""
        key = (number, like.shape, like.dtype, backend.device_of(like))
        array = self._scratch.get(key)
        if array is None:
            array = self._scratch[key] = backend.array_module(like).empty_like(like)
        return array

    # -- saving

    def state_dict(self) -> dict[str, Any]:
        """A snapshot: `"state"` by number of the parameter, and `"param_groups"`.

        Arrays are copies, so the snapshot does not change when the optimizer continues.
        Write it to a file with `minigrad.io.save_state`.
        """
        numbers = self._numbers()
        groups = [{**group, "params": [numbers[id(p)] for p in group["params"]]}
                  for group in self.param_groups]
        state = {numbers[id(parameter)]: {
            name: value.copy() if backend.is_array(value) else value
            for name, value in values.items()} for parameter, values in self.state.items()}
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load a snapshot of the same kind of optimizer for parameters of the same shapes.

        Raises
        ------
        ArgumentError : the groups differ, an array does not have its parameter's shape, or the
            state is incomplete or holds something else; nothing is changed then.
        DTypeError : an array holds no real numbers; nothing is changed then.
        """
        groups = self._checked_groups(state_dict)
        parameters = [p for group in self.param_groups for p in group["params"]]
        state = {}
        for number, values in state_dict["state"].items():
            if number not in range(len(parameters)):
                raise ArgumentError(f"the state of {self._name} names a parameter {shown(number)}, "
                                    f"but there are {len(parameters)}, numbered from 0")
            parameter = parameters[number]
            state[parameter] = self._adopted(values, parameter, number)
        for group, saved in zip(self.param_groups, groups):
            group.update(saved)
        self.state = state

    def _checked_groups(self, state_dict: dict[str, Any]) -> list[dict[str, Any]]:
        """The saved hyperparameters, group by group."""
        if not isinstance(state_dict, dict) or set(state_dict) != {"state", "param_groups"}:
            raise ArgumentError(f"{self._name} loads what state_dict() returns, a dict with "
                                f"'state' and 'param_groups'")
        saved = state_dict["param_groups"]
        if not isinstance(state_dict["state"], dict) or not isinstance(saved, (list, tuple)) or \
                not all(isinstance(group, dict) and isinstance(group.get("params"), (list, tuple))
                        for group in saved):
            raise ArgumentError(f"{self._name}: 'state' must be a dict by number of the parameter, "
                                f"and 'param_groups' a list of dicts with 'params'")
        lengths = [len(group["params"]) for group in self.param_groups]
        others = [len(group["params"]) for group in saved]
        if lengths != others:
            raise ArgumentError(f"{self._name} has groups of {lengths} parameters, but the saved "
                                f"state is for groups of {others}")
        off = {name: False for name in ("amsgrad", "maximize") if name in self.defaults}
        settings = [{**off, **{k: v for k, v in group.items() if k != "params"}}
                    for group in saved]         # states of older versions lack these two
        for group in settings:
            if set(group) != set(self.defaults):
                raise ArgumentError(f"{self._name} has the settings {', '.join(self.defaults)}, "
                                    f"but the saved state has {', '.join(group) or 'none'}; it "
                                    f"comes from another optimizer")
            check_flags(self._name, group)
            self.check_settings(group)
        return settings

    def _adopted(self, values: Any, parameter: Tensor, number: int) -> dict[str, Any]:
        """The saved state of one parameter, complete or empty.

        What PyTorch saves as well, or as None, is not used by `update`.
        """
        if not isinstance(values, dict):
            raise ArgumentError(f"{self._name}: the saved state of parameter {number} must be a "
                                f"dict, not {shown(values)}")
        missing = [name for name in self._first_state if values.get(name) is None]
        if values and missing:
            raise ArgumentError(f"{self._name}: the saved state of parameter {number} lacks "
                                f"{', '.join(missing)}")
        adopted = {}
        for name, value in values.items():
            label = f"{printable(name)} of parameter {number}"
            array = value._array if isinstance(value, Tensor) else value
            if name == "step":
                check_setting(is_count(array), self._name, f"the saved {label}", value, "a count")
                adopted[name] = int(array)
            elif value is not None:
                known = name in self._first_state + self._later_state
                check_setting(backend.is_array(array) or not known, self._name,
                              f"the saved {label}", value, "an array")
                adopted[name] = self._adopt(array, parameter, label)
        return adopted

    def _adopt(self, value: Any, parameter: Tensor, name: str) -> Any:
        """A saved value for `parameter`; arrays go to its device."""
        if not backend.is_array(value):
            return value
        if value.dtype.kind not in "biuf":
            raise DTypeError(f"{self._name}: the saved {name} holds {value.dtype}, but must hold "
                             f"real numbers")
        if value.shape != parameter.shape:
            raise ArgumentError(f"{self._name}: the saved {name} has shape {tuple(value.shape)}, "
                                f"but the parameter has shape {parameter.shape}")
        return backend.to_device(value, parameter.device).astype(parameter.dtype)

    def _numbers(self) -> dict[int, int]:
        parameters = [p for group in self.param_groups for p in group["params"]]
        return {id(parameter): number for number, parameter in enumerate(parameters)}
