"""Checks of step 14."""

import itertools

import numpy as np

from course.grading.checks import Checks
from course.grading.work import close, no_number

CHECKS = Checks()
RATE = 0.7
LEFT = 0.125            # in each gradient from before the training, as in the probes


INIT, RUN = "Sequential.__init__", "Sequential.__call__"
NO_PARAMETERS = ("AttributeError", "has no attribute 'parameters'",
                 "a function is a layer that has no parameters; pass it over")


@CHECKS("the parameters of a network", NO_PARAMETERS)
def parameters(work):
    found = work.call("collected", doing="Sequential(…)")
    if found is None:
        raise work.wrong(INIT, "a Sequential has no `parameters`; set `self.parameters`")
    rows, untouched = found
    if not untouched:
        raise work.wrong(INIT, "the list of a layer's own parameters was changed; begin with a "
                               "new list")
    names = ["w of layer 1", "b of layer 1", "w of layer 2", "b of layer 2", "its parameter"]
    for row, what, right, why in (
            (rows[0], "Sequential(Linear, tanh, Linear, exp)", [0, 1, 2, 3], ""),
            (rows[1], "Sequential(tanh, exp)", [], ""),
            (rows[2], "a Sequential with a layer of a class of mine", [0, 1, 4],
             ": ask each layer for its `parameters`, whatever its class is"),
            (rows[3], "Sequential(Sequential(Linear, tanh), Linear)", [0, 1, 2, 3],
             ": a Sequential can be a layer, too; ask each layer for its `parameters`")):
        kinds = [entry for entry in row if isinstance(entry, str)]
        if kinds:
            raise work.wrong(INIT, f"the parameters of {what} hold a {kinds[0]} where a Tensor "
                                   f"should be" + (
                ": the list of each layer was appended as a whole; add its elements"
                if kinds[0] in ("list", "tuple") else ""))
        missing = " and ".join(names[i] for i in right if i not in row)
        if missing:
            raise work.wrong(INIT, f"of the parameters of {what} there is missing {missing}{why}")
        if len(row) > len(right):
            raise work.wrong(INIT, f"{what} has {len(row)} parameters, but its layers have "
                                   f"{len(right)}" + (": some are listed twice" if len(
                                       set(row)) < len(row) else ""))


@CHECKS("through all layers, in their order",
        ("UnboundLocalError", "", "a network of no layer returns its input: begin with x, before "
                                  "the loop"),
        ("TypeError", "'Sequential' object is not callable", "`__call__` is to be a method of it"),
        ("TypeError", "object is not callable", "a layer is called: layer(x)"))
def order(work):
    x = work.rng.normal(size=3)
    functions = {"x + 1": (lambda x: x + 1, 1), "2x": (lambda x: 2 * x, 2)}
    for layers in (("x + 1", "2x"), ("2x", "x + 1"), ("x + 1", "x + 1", "2x"), ()):
        what = f"a network of {', then '.join(layers) or 'no layer at all'}"
        value, gradient = work.call("passed_on", layers, x, doing=what)
        right, slope, turned = x, 1, x
        for one, other in zip(layers, reversed(layers)):
            right, slope = functions[one][0](right), slope * functions[one][1]
            turned = functions[other][0](turned)
        likely = {"the layers are in the wrong order": turned}
        if layers:
            likely |= {
                "each layer gets the network's input; give it what the one before returned":
                    functions[layers[-1]][0](x),
                "only the first layer has run; does `return` stand within the loop?":
                    functions[layers[0]][0](x),
                "the last layer runs twice": functions[layers[-1]][0](right),
                "the input comes out as it went in; call each layer, and x becomes what it "
                "returns": x}
        if value is None:
            raise work.wrong(RUN, f"{what} returns None: is a `return` missing?")
        work.same(RUN, f"what {what} makes of {x.round(3)}", value, right, likely=likely)
        if gradient is None or not close(gradient, np.full(3, float(slope))):
            raise work.wrong(RUN, f"through {what} no gradient reaches the input: give a layer the "
                                  f"Tensor that the one before returned, not its `data`")


def loss_and_gradient(w, b, x, labels):
    """Cross-entropy of a layer, and its gradients for w and b."""
    scores = x @ w + b
    log_shares = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
    message = np.exp(log_shares)
    rows = np.arange(len(labels))
    message[rows, labels] -= 1
    message /= len(labels)
    return -log_shares[rows, labels].mean(), x.T @ message, message.sum(axis=0)


def misportioned(got, sizes, count, epochs, batch):
    """A guess why the portions have these sizes, as the end of a sentence."""
    if not got:
        return ": the network is never called"
    if got == [size for size in sizes for _ in range(2)]:
        return (": it gets each of them twice; run it once, and keep the loss of this run, which "
                "is that before the step")
    if set(got) == {count} and len(got) == len(sizes):
        return ": each step takes all examples; take the next `batch` of them"
    if got == [min(batch, count)] * len(sizes):
        return ": the last one of an epoch is smaller; take order[start:start + batch]"
    if got == [min(start + batch, count) for start in range(0, count, batch)] * epochs:
        return ": each begins at the first example; begin at `start`"
    if set(got) == {1}:
        return ": it gets one example at a time; give it the whole portion"
    if len(got) < len(sizes):
        return ": some portions are left out; is there a `return` or `break` in the loop?"
    return ""


def batches_of(work, seen, inputs, epochs, batch):
    """Which examples the network got, batch by batch; each epoch has to have each of them once."""
    count = len(inputs)
    sizes = [min(batch, count - start) for start in range(0, count, batch)] * epochs
    what = f"of {count} examples, {epochs} times in portions of {batch},"
    got = [len(rows) for rows in seen]
    if got != sizes:
        guess = misportioned(got, sizes, count, epochs, batch)
        raise work.wrong("train", f"{what} the network gets portions of the sizes {got}, but "
                                  f"should get {sizes}{guess}")
    chosen = [[int(np.abs(inputs - row).sum(axis=1).argmin()) for row in rows] for rows in seen]
    orders = np.concatenate(chosen).reshape(epochs, count).tolist()
    for order in orders:
        if sorted(order) != list(range(count)):
            raise work.wrong("train", f"{what} the network gets number {order} in one epoch; each "
                                      f"has to come once")
        if order == sorted(order):
            raise work.wrong("train", "the examples come in the order of the data; take them in "
                                      "that of `order`")
    if epochs > 1 and orders[0] == orders[1]:
        raise work.wrong("train", "the order is the same in each epoch; leave the line that draws "
                                  "it as it was")
    return chosen


def misordered(events, portions):
    """What is wrong with the order of what `train` does in each portion, or an empty text."""
    if "backward" not in events:
        return "no backward pass is made: the loss needs `backward()`"
    if "step" not in events:
        return "the optimizer makes no step; call `optimizer.step()` after each backward pass"
    if events.count("step") < portions:
        return (f"{portions} portions were used, but the optimizer made {events.count('step')} "
                f"steps; each portion is followed by a step")
    if events.count("step") > portions:
        return f"{portions} portions were used, but the optimizer made {events.count('step')} steps"
    if events.index("step") < events.index("backward"):
        return "the step comes before the backward pass, so it has no gradient of its portion"
    if any(one == "backward" and two == "forget" and "step" in events[place + 2:]
           for place, (one, two) in enumerate(itertools.pairwise(events))):
        return ("`zero_grad` stands between the backward pass and the step, and forgets what the "
                "step needs")
    return ""


MEANINGS = (
    ("ZeroDivisionError", "", "a portion is empty; it is order[start:start + batch]"),
    ("TypeError", "'builtin_function_or_method'", "a method is called by brackets, `()`"),
    ("AttributeError", "'function' object has no attribute 'step'", "the optimizer has `step`"),
    ("TypeError", "missing", "the network gets the inputs alone, the loss the scores and labels"),
    ("IndexError", "", "the labels belong to the same examples as the inputs: labels[chosen]"))


@CHECKS("training, portion by portion", *MEANINGS)
def training(work):
    # So many examples come in the order of the data by chance once in 300,000 times, or less.
    for count, epochs, batch in ((11, 2, 4), (12, 1, 12), (9, 2, 3)):
        inputs, w = work.rng.normal(size=(count, 5)), work.rng.normal(size=(5, 3))
        labels = work.rng.permutation(np.arange(count) % 3)
        found, seen, gradients, events = work.call(
            "trained", w, RATE, inputs, labels, epochs, batch, int(work.rng.integers(2 ** 31)),
            doing=f"train with {count} examples")
        if seen is None:
            raise work.wrong("train", f"train returns {no_number(found) or 'a single number'}, not "
                                      f"the list of losses; leave its last line as it was")
        chosen = batches_of(work, seen, inputs, epochs, batch)
        wrong = misordered(events, len(chosen))
        if wrong:
            raise work.wrong("train", wrong)
        right, after = steps_of(work, w, inputs, labels, chosen, gradients, batch)
        losses_of(work, found, right, after, chosen)


def steps_of(work, w, inputs, labels, chosen, gradients, batch):
    """Compare the gradients at the steps; the losses before and after each step."""
    b, before, losses, after = np.zeros(3), np.full_like(w, LEFT), [], []
    for number, rows in enumerate(chosen):
        x = inputs[rows]
        loss, of_w, of_b = loss_and_gradient(w, b, x, labels[rows])
        gradient = gradients[number]
        start = number % -(-len(inputs) // batch) * batch
        as_they_lie = loss_and_gradient(w, b, x, labels[start:start + len(rows)])[1]
        of_all = loss_and_gradient(w, b, x, labels[np.arange(len(rows))])[1]
        work.same("train", f"the gradient of the weights at step {number + 1}", gradient, of_w,
                  likely={
                      "those of the step before, or from before the training, were not forgotten; "
                      "`zero_grad` comes before the backward pass": of_w + before,
                      "the labels are taken as they lie; take those of the same examples as the "
                      "inputs, in the order of `order`": as_they_lie,
                      "the labels of each portion are the first ones; take those of the same "
                      "examples as the inputs": of_all,
                      "it is that of the sum; cross_entropy is a mean already":
                          of_w * len(rows),
                      "it is divided by the number of examples; cross_entropy is a mean already":
                          of_w / len(rows),
                      "it is divided by `batch`; cross_entropy is a mean already": of_w / batch,
                      "it is added up twice: one backward pass for each step": 2 * of_w,
                      "the sign of the loss is flipped": -of_w})
        losses.append(loss)
        before = gradient
        w, b = w - RATE * of_w, b - RATE * of_b
        after.append(loss_and_gradient(w, b, x, labels[rows])[0])
    return losses, after


def losses_of(work, found, right, after, chosen):
    """Compare the losses that were kept."""
    if len(found) != len(right):
        raise work.wrong("train", f"train returned {len(found)} losses, but made {len(right)} "
                                  f"steps; the loss of each step is to be appended to `losses`")
    for number, (loss, value) in enumerate(zip(found, right)):
        if no_number(loss):
            raise work.wrong("train", f"the losses are to be plain numbers, but one is "
                                      f"{no_number(loss)}: a Tensor would hold on to its whole "
                                      f"graph; keep the number that is its `data`")
        if not close(loss, value):
            work.same("train", f"the loss that was kept of step {number + 1}", loss, value, likely={
                "this is the loss after the step; keep that before it": after[number],
                "this is a sum; cross_entropy is a mean already": value * len(chosen[number]),
                "this is divided by the number of examples; cross_entropy is a mean already":
                    value / len(chosen[number]),
                "this is the sum of all losses so far": sum(right[:number + 1]),
                "this is the mean of all losses so far": float(np.mean(right[:number + 1]))})


@CHECKS("accuracy",
        ("ValueError", "broadcast", "each row is an example: the highest score is looked for along "
                                    "dimension 1"),
        ("AttributeError", "'Tensor' object has no attribute 'argmax'",
         "`argmax` is NumPy's; the scores are the `data` of what the network returns"),
        ("AttributeError", "'bool' object", "two arrays of different shapes were compared: the "
                                            "highest score is looked for along dimension 1"))
def share(work):
    for count, good in ((20, 7), (4, 3)):
        # Nothing is above 0 but in five rows; two labels are those of the lowest score.
        scores = np.array([work.rng.permutation(5) for _ in range(count)]) - 9.5
        scores[-5:] += 10
        ranked, rows = scores.argsort(axis=1), np.arange(count)
        labels = np.where(rows < good, ranked[:, -1], np.where(rows < good + 2, ranked[:, 0],
                                                               ranked[:, -2]))
        found = work.call("share", scores, labels, doing="accuracy")
        work.same("accuracy", f"the accuracy where {good} of {count} are right", found,
                  good / count, likely=miscounted(scores, labels, good))
    square = np.array([[0.0, 2.0, 1.0], [3.0, 4.0, 9.0], [7.0, 6.0, 8.0]])
    found = work.call("share", square, np.array([1, 2, 0]), doing="accuracy")
    work.same("accuracy", "the accuracy of the scores [[0, 2, 1], [3, 4, 9], [7, 6, 8]] for the "
              "labels 1, 2, 0", found, 2 / 3, likely={
                  "the highest score was looked for in each column; each row has its own": 0.0})


def miscounted(scores, labels, good):
    """Shares by common mistakes."""
    count, classes = scores.shape
    own = scores[np.arange(count), labels]
    highest = ("an example is right if the score of its label is the highest of its row, not if it "
               "is above {}")
    return {
        "this is the number of right ones; divide it by that of all": good,
        "this is the share of wrong ones": 1 - good / count,
        "this is the number of wrong ones": count - good,
        "this is in percent; a share lies between 0 and 1": 100 * good / count,
        "the scores are what the network returns; the inputs themselves were taken for them":
            (scores.argmin(axis=1) == labels).mean(),
        highest.format("0"): (own > 0).mean(),
        highest.format("½"): (own > 0.5).mean(),
        "this says of each example whether it is right; the share is their mean":
            scores.argmax(axis=1) == labels,
        "the number of right ones is divided by that of the scores, not of the examples":
            good / scores.size,
        "the number of right ones is divided by that of the classes, not of the examples":
            good / classes,
        "no example counts as right; `argmax` needs axis=1, to look at each row alone, and a share "
        "is no whole number": 0.0}
