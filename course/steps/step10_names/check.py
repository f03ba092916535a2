"""Checks of step 10."""

import numpy as np

from course.grading.checks import Checks
from course.grading.gradients import check_rules
from course.grading.work import close

CHECKS = Checks()
CALL = "Operation.__call__"


def numbers(work, *shape):
    return work.rng.uniform(0.4, 2, shape) * work.rng.choice([-1.0, 1.0], shape)


@CHECKS("a rule may need what there is, and nothing else")
def declarations(work):
    for name, needs, right in (("x", [], None), ("x", ["y"], None), ("y", ["out", "x_shape"], None),
                               ("y", ["x", "y", "y_shape"], None), ("z", [], "TypeError"),
                               ("out", [], "TypeError"), ("x_shape", ["x"], "TypeError"),
                               ("x", ["z"], "TypeError"), ("x", ["x", "z_shape"], "TypeError"),
                               ("y", ["shape"], "TypeError")):
        found = work.call("declared", name, needs, doing="Operation.derivative")
        if found != right:
            rule = f"for f(x, y) the rule {name}=lambda {', '.join(['g', *needs])}: …"
            told = {None: f"{rule} was accepted, but should raise a TypeError",
                    "lost": f"{rule} was not stored in `self.rules`"}
            raise work.wrong("Operation.derivative", told.get(
                found, f"{rule} raises {found}, but should " + (
                    "be accepted" if right is None else f"raise a {right}")))


@CHECKS("only inputs that require a gradient are recorded, and only what their rules name is kept")
def what_is_kept(work):
    x, y = numbers(work, 2, 3), numbers(work, 2, 3)
    for text, asked, names, right in (
            ("x * y", "xy", ["x", "y"], {"x": x, "y": y}), ("x * y", "x", ["x"], {"y": y}),
            ("x * y", "y", ["y"], {"x": x}), ("x * y", "", [], {}), ("x + y", "xy", ["x", "y"], {}),
            ("tanh(x)", "x", ["x"], {"out": np.tanh(x)}), ("x * 3", "x", ["x"], {"y": 3}),
            ("x ** 3", "x", ["x"], {"x": x, "n": 3}), ("exp(y)", "x", [], {}),
            ("x.sum(0)", "x", ["x"], {"x_shape": [2, 3], "dim": 0, "keepdim": False})):
        kept, found, requires = work.call("kept", text, {"x": x, "y": y}, asked, doing=text)
        given = (f"{text}, where {' and '.join(asked) or 'nothing'} "
                 f"require{'' if len(asked) > 1 else 's'} a gradient,")
        if found != names or requires != bool(names):
            raise work.wrong(CALL, f"{given} records the inputs {found}, but should record {names}")
        if set(kept) != set(right):
            raise work.wrong(CALL, f"{given} keeps {sorted(kept)}, but its rules name "
                                   f"{sorted(right)}")
        for name, value in right.items():
            if not close(kept[name], value):
                raise work.wrong(CALL, f"{given} keeps something else as {name} than {name}")


@CHECKS("rules get what they name")
def gradients(work):
    inputs = {"x": np.abs(numbers(work, 3, 2)), "y": numbers(work, 2)}
    names = {"tanh": np.tanh, "log": np.log, "exp": np.exp}
    for text in ("x * y", "tanh(x * y) + log(x) / y", "exp(y) * x ** 3 - y"):
        check_rules(work, text, inputs, where="Tensor.backward",
                    reference=lambda x, y, text=text: eval(text, {**names, "x": x, "y": y}))
    inputs = {"x": numbers(work, 3, 2), "w": numbers(work, 2, 4)}
    check_rules(work, "(x @ w).sum(0) * x[1, 0]", inputs, where="Tensor.backward",
                reference=lambda x, w: (x @ w).sum(0) * x[1, 0])
    for text in ("x[:, [1, 0]]", "x[[[0], [2]], [0, 1]]"):
        check_rules(work, text, {"x": numbers(work, 3, 2)}, where="Operation.__call__",
                    reference=lambda x, text=text: eval(text, {"x": x}))


@CHECKS("what you wrote before, mean and linear, still sends gradients")
def carried(work):
    x, w, b = numbers(work, 3, 2), numbers(work, 2, 4), numbers(work, 4)
    for text, where, inputs, reference in (
            ("x.mean(0)", "Tensor.mean", {"x": x}, lambda x: x.mean(0)),
            ("linear(x, w, b)", "linear", {"x": x, "w": w, "b": b}, lambda x, w, b: x @ w + b)):
        requires = work.call("kept", text, inputs, list(inputs), doing=text)[2]
        if not requires:
            raise work.wrong(where, f"{text} sends no gradient to x: a Tensor that is made by hand "
                                    f"records nothing any more; make the result of operations, "
                                    f"such as sum, matmul and +")
        check_rules(work, text, inputs, where=where, reference=reference)


@CHECKS("no gradient where none is asked for")
def frozen(work):
    x, y = numbers(work, 2, 3), numbers(work, 3)
    found = work.call("mixed", "x * y + y", {"x": x, "y": y}, "x", doing="a pass for x alone")
    if found[1] is not None:
        raise work.wrong("Tensor.backward", "y does not require a gradient, but has one")
    work.same("Tensor.backward", "the gradient of x in x * y + y", found[0],
              np.broadcast_to(y, x.shape))
