"""Checks of step 10."""

import numpy as np

from course.grading.checks import Checks
from course.grading.gradients import check_rules
from course.grading.work import close, no_number

CHECKS = Checks()
CALL = "Operation.__call__"


@CHECKS("a rule may need what there is, and nothing else")
def declarations(work):
    for name, needs, refused, why in (
            ("x", [], False, "a rule may need nothing beside g"),
            ("x", ["y"], False, "a rule may need another input"),
            ("y", ["out", "x_shape"], False, "a rule may need the result, and a shape"),
            ("y", ["x", "y", "y_shape"], False, "a rule may need several things"),
            ("z", [], True, "f has no input z"),
            ("out", [], True, "`out` is what f returns, not an input of it"),
            ("x_shape", ["x"], True, "f has the inputs x and y; x_shape is none"),
            ("x", ["z"], True, "nothing is called z that the rule could get"),
            ("x", ["x", "z_shape"], True, "of the names that the rule needs, one is not known"),
            ("y", ["shape"], True, "`shape` is not known, only x_shape and y_shape")):
        found = work.call("declared", name, needs, doing="Operation.derivative")
        if found == ("TypeError" if refused else None):
            continue
        rule = f"for f(x, y) the rule {name}=lambda {', '.join(['g', *needs])}: …"
        told = {None: "was accepted", "lost": "was not stored in `self.rules`"}.get(
            found, f"raises {found}")
        right = "raise a TypeError" if refused else "be accepted" if found != "lost" else "be kept"
        raise work.wrong("Operation.derivative", f"{rule} {told}, but should {right}: {why}")


@CHECKS("only inputs that require a gradient are recorded, and only what their rules name is kept",
        ("KeyError", "", "what a rule needs is in `known`, under the name that `needs` returns"),
        ("AttributeError", "'requires_grad'", "the value may be a plain number or an array; ask "
                                              "first whether it is a Tensor"),
        ("TypeError", "not subscriptable", "`result.inputs` gets pairs, (value, rule)"))
def what_is_kept(work):
    x, y = work.random(2, 3), work.random(2, 3)
    for text, asked, names, right, of_all in (
            ("x * y", "xy", ["x", "y"], {"x": x, "y": y}, "xy"),
            ("x * y", "x", ["x"], {"y": y}, "xy"), ("x * y", "y", ["y"], {"x": x}, "xy"),
            ("x * y", "", [], {}, "xy"), ("x + y", "xy", ["x", "y"], {}, ""),
            ("tanh(x)", "x", ["x"], {"out": np.tanh(x)}, ""), ("x * 3", "x", ["x"], {"y": 3}, "xy"),
            ("x ** 3", "x", ["x"], {"x": x, "n": 3}, ""), ("exp(y)", "x", [], {}, ""),
            ("x.sum(0)", "x", ["x"], {"x_shape": [2, 3], "dim": 0, "keepdim": False}, "")):
        kept, found, requires = work.call("kept", text, {"x": x, "y": y}, asked, doing=text)
        given = (f"{text}, where {' and '.join(asked) or 'nothing'} "
                 f"require{'' if len(asked) > 1 else 's'} a gradient,")
        if found != names or requires != bool(names):
            raise work.wrong(CALL, f"{given} records the inputs {found}, but should record {names}"
                                   f"{misrecorded(found, names)}")
        if set(kept) != set(right):
            guess = miskept(set(kept), set(right), names, of_all)
            raise work.wrong(CALL, f"{given} keeps {sorted(kept)}, but its rules name "
                                   f"{sorted(right)}{guess}")
        for name, value in right.items():
            if not close(kept[name], value):
                kind = no_number(kept[name])
                raise work.wrong(CALL, f"{given} keeps something else as {name} than {name}" + (
                    f": {kind}; take the array from `known`" if kind else ""))


def misrecorded(found, names):
    """A guess why the wrong inputs were recorded."""
    if "?" in found:
        return (": the first of each pair is to be the input's Tensor itself (`value`), the second "
                "its rule")
    if len(found) > len(set(found)):
        return ": an input is recorded twice"
    if set(found) - set(names):
        return ": an input that does not require a gradient is not recorded"
    if found and found == names[:len(found)]:
        return ": does the loop end after the first one? Each input that requires a gradient counts"
    return ""


def miskept(kept, right, names, of_all):
    """A guess why the wrong values were kept.

    names : the inputs that require a gradient.  of_all : what the rules of all inputs name.
    """
    if not kept:
        return ": nothing is kept"
    if kept == set(names):
        return (": these are the inputs themselves; what a rule needs is what its parameters name, "
                "`needs(rule)`")
    if kept == set(of_all):
        return ": what is named by the rule of an input without a gradient is not needed"
    if kept > right:
        return ": keep nothing that no rule of this call names"
    if kept < right:
        return ": each rule needs what it names, also where a call has several rules"
    return ""


IN_KEPT = "what a rule names is in `tensor.kept`, of the Tensor whose rule it is"


@CHECKS("rules get what they name",
        ("TypeError", "argument: 'g'", "g itself is missing; it comes first, without a name"),
        ("KeyError", "'g'", "g is not in `kept`; `needs(rule)` leaves it out"),
        ("KeyError", "'", f"{IN_KEPT}; `source.kept` is of another operation, and a name may be "
                          f"missing there"),
        ("TypeError", "missing", f"a rule takes more than g: {IN_KEPT}, and is given by name"),
        ("TypeError", "unexpected keyword", "`kept` holds what all rules of the Tensor name; give "
                                            "each rule only what `needs(rule)` lists"),
        ("TypeError", "multiple values", "g is given once, in the first place; by name come only "
                                         "the others"),
        ("TypeError", "positional argument", "give the rule g, and what it names by name: "
                                             "`rule(g, **{name: …})`"),
        ("TypeError", "'dict'", "the rule got a whole dictionary as one value; give it each value "
                                "by its name: `rule(g, **{name: …})`"),
        ("TypeError", "'str'", "the rule got a name; give it the value of this name"),
        ("UnboundLocalError", "'part'", "call what the rule returns `part`"),
        ("NameError", "'part'", "call what the rule returns `part`"))
def gradients(work):
    inputs = {"x": np.abs(work.random(3, 2)), "y": work.random(2)}
    names = {"tanh": np.tanh, "log": np.log, "exp": np.exp}
    for text in ("x * y", "tanh(x * y) + log(x) / y", "exp(y) * x ** 3 - y"):
        check_rules(work, text, inputs, where="Tensor.backward",
                    reference=lambda x, y, text=text: eval(text, {**names, "x": x, "y": y}))
    inputs = {"x": work.random(3, 2), "w": work.random(2, 4)}
    check_rules(work, "(x @ w).sum(0) * x[1, 0]", inputs, where="Tensor.backward",
                reference=lambda x, w: (x @ w).sum(0) * x[1, 0])
    for text in ("x[:, [1, 0]]", "x[[[0], [2]], [0, 1]]"):
        check_rules(work, text, {"x": work.random(3, 2)}, where="Operation.__call__",
                    reference=lambda x, text=text: eval(text, {"x": x}))


@CHECKS("what you wrote before, mean and linear, still sends gradients")
def carried(work):
    x, w, b = work.random(3, 2), work.random(2, 4), work.random(4)
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
    x, y = work.random(2, 3), work.random(3)
    found = work.call("mixed", "x * y + y", {"x": x, "y": y}, "x", doing="a pass for x alone")
    if found[1] is not None:
        raise work.wrong("Tensor.backward", "y does not require a gradient, but has one")
    work.same("Tensor.backward", "the gradient of x in x * y + y", found[0],
              np.broadcast_to(y, x.shape))
